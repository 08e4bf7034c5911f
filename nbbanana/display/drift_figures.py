"""The figures of what changed, for people: each beside its noise floor, outside and inside of what was to change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nbbanana.regions import words_for

__all__ = ["FigureRow", "FigureTable", "Value", "confidence_in_words", "figure_table", "place_words", "strength"]

ALL_REDRAWN = "all of it redrawn"
"""In place of how far it was recoloured."""


TONE = ((0.7, "mostly"), (0.3, "partly"))
"""From which part on a change of tone of the whole picture is said to explain how far a part was recoloured."""
MOVED, UNMOVED = (0.0005, 0.005), (0.01, 0.02)
"""The least stretch, and the least part cut off or added, that is said: where the scene moved, and where it did not."""


@dataclass(frozen=True, slots=True)
class Value:
    """
    One figure in words.

    Args:
        said: the number with its unit, such as `3.1 ΔE`.
        noise: its noise floor, as a number.
        is_above: whether there is more than noise.
        more: what else there is to it, such as how much of it one change of tone explains.
    """

    said: str
    noise: str
    is_above: bool
    more: str = ""

    @property
    def floor(self) -> str:
        """Its noise floor in words: `noise up to 0.6`."""
        return f"{'noise' if self.is_above else 'within noise,'} up to {self.noise}"

    @property
    def line(self) -> str:
        """It as plain text: `3.1 ΔE (noise up to 0.6)`."""
        inner = "; ".join(filter(None, [self.floor, self.more]))
        return f"{self.said} ({inner})"


@dataclass(frozen=True, slots=True)
class FigureRow:
    """
    One of the three figures.

    Args:
        name: what it is called.
        values: one for each part of the picture, None where it has none; or one for the whole picture.
    """

    name: str
    values: tuple[Value | None, ...]


@dataclass(frozen=True, slots=True)
class FigureTable:
    """Figures under the names of the parts of the picture."""

    heads: tuple[str, ...]
    rows: tuple[FigureRow, ...]

    @property
    def lines(self) -> list[str]:
        """They as plain text, a line each."""
        return [f"{row.name:<10}  {self._said(row)}" for row in self.rows]

    @property
    def by_name(self) -> list[tuple[str, Value]]:
        """Each figure that there is under a name that says it all: `recoloured outside of the region`."""
        return [
            (f"{row.name} {head}" if len(self.heads) > 1 and len(row.values) > 1 else row.name, value)
            for row in self.rows
            for head, value in zip(self.heads, row.values, strict=False)
            if value is not None
        ]

    def _said(self, row: FigureRow) -> str:
        if len(row.values) == 1:
            return row.values[0].line if row.values[0] else ALL_REDRAWN
        pairs = zip(self.heads, row.values, strict=True)
        return "; ".join(f"{head}: {value.line if value else ALL_REDRAWN}" for head, value in pairs)


def figure_table(figures: Mapping[str, Any]) -> FigureTable:
    """
    Return figures in words.

    Args:
        figures: those of `nbbanana.measure.Drift.as_json`, or of a record.

    >>> from nbbanana import measure, samples
    >>> picture = samples.still_life((320, 240))
    >>> for line in figure_table(measure.drift(picture, picture).as_json()).lines:
    ...     print(line)
    moved       0.0 px (within noise, up to 0.1)
    recoloured  0.0 ΔE (within noise, up to 1.2)
    redrawn     0.00 (within noise, up to 0.25)
    """
    named = (("outside", "outside of the region"), ("inside", "inside of the region"))
    if not figures["is_region_given"]:
        named = (("outside", "elsewhere"), ("inside", "where most changed"))
    there = [(figures[key], name) for key, name in named if figures[key] is not None]
    parts = [part for part, _ in there]
    heads = tuple(name for _, name in there) if len(there) > 1 or figures["is_region_given"] else ("the picture",)
    rows = (
        FigureRow("moved", (_moved(figures["moved"]),)),
        FigureRow("recoloured", tuple(map(_recoloured, parts))),
        FigureRow("redrawn", tuple(map(_redrawn, parts))),
    )
    return FigureTable(heads, rows if parts else rows[:1])


def _value(figure: Mapping[str, float], places: int, unit: str = "") -> Value:
    value, floor = figure["value"], figure["floor"]
    return Value(f"{value:.{places}f}{unit}", f"{floor:.{places}f}", value > floor)


def _moved(moved: Mapping[str, Any]) -> Value:
    found = _value(moved["corner"], 1, " px")
    said = [*(_movement(moved) if found.is_above else ()), *_frame(moved, *(MOVED if found.is_above else UNMOVED))]
    return Value(found.said, found.noise, found.is_above, ", ".join(said))


def _movement(moved: Mapping[str, Any]) -> Iterator[str]:
    """Yield how the scene moved in the frame."""
    across, down = moved["shift"]
    if abs(across) >= 0.05:
        yield f"{abs(across):.1f} px to the {'right' if across > 0 else 'left'}"
    if abs(down) >= 0.05:
        yield f"{abs(down):.1f} px {'down' if down > 0 else 'up'}"
    if abs(moved["scale"] - 1) >= 0.0005:
        yield f"{'enlarged' if moved['scale'] > 1 else 'reduced'} {abs(moved['scale'] - 1):.1%}"
    if abs(moved["rotation"]) >= 0.05:
        yield f"turned {abs(moved['rotation']):.1f}°"


def _frame(moved: Mapping[str, Any], least_stretch: float, least_edge: float) -> Iterator[str]:
    """Yield what became of the frame, whether or not the scene moved in it: its shape, its edges."""
    stretch = moved["stretch"]
    if stretch > 0 and (more := max(stretch, 1 / stretch) - 1) >= least_stretch:
        yield f"stretched {more:.{1 if more < 0.1 else 0}%} {'across' if stretch > 1 else 'upright'}"
    if moved["lost"] >= least_edge:
        yield f"{moved['lost']:.0%} cut off"
    if moved["added"] >= least_edge:
        yield f"{moved['added']:.0%} added at the edges"


def _recoloured(part: Mapping[str, Any]) -> Value | None:
    if part["recoloured"] is None:
        return None
    found = _value(part["recoloured"], 1, " ΔE")
    share = part["by_tone"] / part["recoloured"]["value"] if found.is_above else 0.0
    much = next((word for least, word in TONE if share >= least), "")
    return Value(found.said, found.noise, found.is_above, f"{much} one change of tone" if much else "")


def _redrawn(part: Mapping[str, Any]) -> Value:
    found = _value(part["redrawn"], 2)
    area = part["redrawn_area"]
    more = f"{'less than 1%' if area < 0.01 else f'{area:.0%}'} of it" if found.is_above and area > 0 else ""
    return Value(found.said, found.noise, found.is_above, more)


def confidence_in_words(figures: Mapping[str, Any]) -> str:
    """Return how sure it is where one picture lies upon the other, in words."""
    low = "low " if figures["confidence"] < LOW else ""
    return f"{low}registration confidence {figures['confidence']:.0%}"


LOW = 0.5
"""A confidence below which it is said that it is low."""


def place_words(place: Mapping[str, Any], *, is_region_given: bool) -> tuple[str, list[str]]:
    """Return where one of the places is, in words, and its figures as phrases."""
    where = words_for([place["box"]]).removeprefix("the small area ")
    if is_region_given:
        where = f"{'inside' if place['is_inside'] else 'outside'}, {where}"
    found = [f"redrawn {place['redrawn']:.2f}"] if place["redrawn"] >= REDRAWN else []
    found += [f"recoloured {place['recoloured']:.1f} ΔE"] if place["recoloured"] >= SEEN else []
    return where, found


REDRAWN, SEEN = 0.3, 1.0
"""What a place is said to be redrawn and recoloured by at least."""


def strength(figures: Mapping[str, Any]) -> float:
    """Return how much changed that was not to change, as the largest figure in parts of its noise floor."""
    parts = [figures["outside"]] if figures["is_region_given"] else [figures["outside"], figures["inside"]]
    found = [part[name] for part in parts if part for name in ("recoloured", "redrawn")]
    known = [figures["moved"]["corner"], *(one for one in found if one)]
    return max(float(one["value"]) / max(float(one["floor"]), 1e-6) for one in known)
