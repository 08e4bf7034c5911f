"""What changed: figures beside their noise floor in words, places close up; under a grid as it was recorded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from nbbanana.display.result_parts import layout
from nbbanana.display.thumbs import crop_pair, data_uri, fitted, heated, legend, load, within
from nbbanana.display.views import Change, Picture, ResultView
from nbbanana.regions import words_for
from nbbanana.store.drifts import OutputDrift, worst
from nbbanana.text import one_line, plain, render

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "FigureTable",
    "Value",
    "changed_in",
    "changed_line",
    "drift_bundle",
    "drift_fact",
    "drift_words",
    "figure_table",
    "place_words",
    "sized",
    "strength",
    "three_tiles",
    "with_heat",
]

Known = tuple[Picture, Change]

LOW = 0.5
"""A confidence below which it is said that it is low."""

BUDGET = 60_000
"""Bytes that all of it may weigh as JSON."""
WIDTH = 300
"""CSS pixels of one of the three pictures, or of the longer side of a heat map, where there is room."""
CLOSE, CLOSE_SIDE = 640, 80
"""Half the pixels at which pictures are decoded, for places close up; CSS pixels of a side of such a place."""
CLOSE_PART = 8
"""A place close up shows so small a part of the longer side of the picture."""
ROLES = ("before", "after", "what changed")
MOST_PLACES, MOST_INSIDE = 6, 2
"""Places that are shown, and those among them inside of a given region: it was to change."""


def drift_bundle(before: Picture, after: Picture, change: Change) -> dict[str, str]:
    """
    Return what changed between two pictures as a MIME bundle.

    Args:
        before: the first picture.
        after: the second.
        change: what was measured between them.
    """
    from PIL import ImageOps

    figures, facts, table = change.figures, _facts(before, after, change), figure_table(change.figures)
    places = _places(figures)
    texts = [place_words(place, is_region_given=figures["is_region_given"]) for place in places]
    images = load([before.source, after.source], [(CLOSE, CLOSE)] * 2)
    large = [image and ImageOps.contain(image, (2 * WIDTH, 6 * WIDTH)) for image in images]
    shown, close = [*large, heated(large[1], change), *_close(images, places, change)], len(images) + 1

    def html(files: Sequence[bytes | None]) -> str:
        """Return the page with these files; without them to know what the words weigh."""
        near = [
            {"number": number, "where": where, "figures": said, "alt": f"Before and after: {where}"}
            | sized(image, file, 2 * CLOSE_SIDE)
            for number, ((where, said), image, file) in enumerate(
                zip(texts, shown[close:], files[close:], strict=True), 1
            )
        ]
        return render(
            __package__,
            "drift",
            tiles=three_tiles(before, after, change.sentence, shown, files, WIDTH),
            places=near,
            layout=layout(close),
            change=change,
            facts=facts,
            table=table,
            legend=data_uri(legend(), "image/png"),
        )

    without: list[bytes | None] = [None] * len(shown)
    files = fitted(shown, BUDGET - len(json.dumps(html(without))) - 200 * len(shown))
    lines = [change.sentence, f"  {' · '.join(facts)}", *(f"  {line}" for line in table.lines)]
    lines += [f"  {number}. {' · '.join([where, *said])}" for number, (where, said) in enumerate(texts, 1)]
    return {"text/plain": "\n".join(map(plain, lines)), "text/html": html(files or without)}


def three_tiles(
    before: Picture,
    after: Picture,
    sentence: str,
    images: Sequence[Image | None],
    files: Sequence[bytes | None],
    width: int,
) -> list[dict[str, Any]]:
    """
    Return what a template shows of a pair: both pictures, and where the second changed if there is a heat map.

    Args:
        before: the first picture.
        after: the second.
        sentence: what changed.
        images: the pictures and the heat map, decoded.
        files: those that hold them.
        width: of each, in CSS pixels.
    """
    names = [one_line(picture.label, 80) for picture in (before, after)]
    where = f"Where it changed, the brighter the more. {one_line(sentence, 200)}"
    alts = f"Before: {names[0]}", f"After: {names[1]}", where
    return [
        {"role": role, "name": name, "alt": alt, **sized(image, file, width)}
        for role, name, alt, image, file in zip(ROLES, (*names, ""), alts, images, files, strict=False)
        if image is not None or name
    ]


def _facts(before: Picture, after: Picture, change: Change) -> list[str]:
    """Return what else is said beside the sentence, as phrases."""
    figures, of_mask = change.figures, "a mask" if change.figures["is_region_given"] else ""
    across, down = figures["compared_at"]
    region = change.area.words if change.area is not None else of_mask
    return [
        f"{one_line(before.label, 60)} → {one_line(after.label, 60)}",
        *([f"region: {region}"] if region else []),
        f"{'low ' if figures['confidence'] < LOW else ''}registration confidence {figures['confidence']:.0%}",
        f"compared at {across}×{down}",
    ]


def _places(figures: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the places that changed most: of a given region those outside of it first, else by how much."""
    found = list(figures["places"])
    if not figures["is_region_given"]:
        found.sort(key=lambda place: -max(place["redrawn"], place["recoloured"] / 20))
    else:
        outside = [place for place in found if not place["is_inside"]]
        inside = [place for place in found if place["is_inside"]][:MOST_INSIDE]
        found = [*outside[: MOST_PLACES - len(inside)], *inside]
    return found[:MOST_PLACES]


def _close(images: Sequence[Image | None], places: Sequence[Mapping[str, Any]], change: Change) -> list[Image | None]:
    before, after = images
    if before is None or after is None:
        return [None] * len(places)
    frame = change.figures["frame"]
    boxes = [_around(place["box"], frame["before"]) for place in places]
    return [crop_pair(before, after, box, frame, 2 * CLOSE_SIDE) for box in boxes]


def _around(box: Sequence[float], size: Sequence[int]) -> tuple[float, float, float, float]:
    """Return a square around a tile, as parts of the picture and within it."""
    side = max(1.0, min(*size, max(size) / CLOSE_PART))
    parts = side / size[0], side / size[1]
    corner = [
        min(max(0.0, (low + high - part) / 2), 1 - part)
        for low, high, part in zip(box[:2], box[2:], parts, strict=True)
    ]
    return corner[0], corner[1], corner[0] + parts[0], corner[1] + parts[1]


def sized(image: Image | None, file: bytes | None, width: int) -> dict[str, Any]:
    """Return the address of a file and the size at which it is shown."""
    if image is None or file is None:
        return {"uri": "", "width": width, "height": width}
    return {"uri": data_uri(file), "width": width, "height": max(1, round(width * image.height / image.width))}


MOST_HEATED = 4
"""A result of more pictures has a line for each instead of a heat map and figures."""
HEAT_BYTES = 12_000
"""Bytes of base64 that one heat map may weigh."""


Data = dict[str, Any]
T = TypeVar("T")


def changed_line(view: ResultView) -> str:
    """
    Return what changed in the pictures of a result in a line; empty where nothing was recorded.

    Of several pictures it is said of the one in which most changed that was not to change.
    """
    known = [(picture, picture.change) for picture in view.pictures if picture.change is not None]
    measured = [(picture, change) for picture, change in known if change.figures]
    if not measured:
        return f"Not measured: {one_line(known[0][1].sentence, 200)}" if known else ""
    picture, change = max(measured, key=lambda one: _told(strength, one[1], 0.0))
    return f"Changed{_where(picture, known, measured)}: {one_line(change.sentence, 300)}"


def _where(picture: Picture, known: Sequence[Known], measured: Sequence[Known]) -> str:
    """Return which picture is meant, among those that something was recorded of and those that were measured."""
    if len(known) == 1:
        return ""
    if len(measured) == len(known) and len({change.sentence for _, change in measured}) == 1:
        return " in each"
    return f"{', most' if len(measured) > 1 else ''} in {one_line(picture.label)}"


def _told(read: Callable[[Mapping[str, Any]], T], change: Change, otherwise: T) -> T:
    """Return what figures tell; something else where they cannot be read, as in the bundle of others."""
    try:
        return read(change.figures)
    except (KeyError, TypeError, ValueError, ArithmeticError, IndexError):  # these are no figures of `Drift.as_json`
        return otherwise


def changed_in(view: ResultView) -> Data | None:
    """
    Return what changed in the pictures of a result, without heat maps; None where nothing was recorded.

    `summary` is all of it in a line, `pictures` has each that something was recorded of, none where nothing could be
    measured: its `label`, its `sentence`, and its figures as a `table` where they are shown, as they are of a few.
    """
    line = changed_line(view)
    if not line:
        return None
    if line.startswith("Not measured"):
        return {"summary": line, "pictures": []}
    is_short = len(view.pictures) <= MOST_HEATED
    pictures = [_changed(one, one.change, with_figures=is_short) for one in view.pictures if one.change]
    return {"summary": f"What c{line[1:]}", "pictures": pictures, "is_short": any(one["table"] for one in pictures)}


def _changed(picture: Picture, change: Change, *, with_figures: bool) -> Data:
    sentence = one_line(change.sentence, 300)
    said = sentence if change.figures else f"Not measured: {sentence}"
    table = _told(figure_table, change, None) if with_figures and change.figures else None
    return {"label": one_line(picture.label), "sentence": said, "table": table, "uri": ""}


def with_heat(changed: Data, view: ResultView, images: Sequence[Image | None], room: int) -> Data:
    """
    Return it with a heat map over each picture that has one, as good as fits, and with the `legend` of their colours.

    Args:
        changed: that of `changed_in`.
        view: the result.
        images: its pictures, decoded.
        room: bytes of base64 that they may weigh together.
    """
    if not changed["pictures"] or len(view.pictures) > MOST_HEATED:
        return changed
    from PIL import ImageOps

    known = [(picture.change, image) for picture, image in zip(view.pictures, images, strict=False) if picture.change]
    side = (2 * WIDTH, 2 * WIDTH)
    shown = [heated(image and ImageOps.contain(image, side), change) for change, image in known]
    count = sum(image is not None for image in shown)
    files = fitted(shown, min(room, HEAT_BYTES * count))
    if not count or files is None:
        return changed
    pictures = [
        picture if image is None or file is None else picture | {"uri": data_uri(file), **within(image.size, WIDTH)}
        for picture, image, file in zip(changed["pictures"], shown, files, strict=True)
    ]
    return changed | {"pictures": pictures, "legend": data_uri(legend(), "image/png")}


# ── figures in words ────────────────────────────────────────────────────────────────────────────────────


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
        return f"{self.said} ({self.floor}{'; ' if self.more else ''}{self.more})"


@dataclass(frozen=True, slots=True)
class FigureTable:
    """
    Figures under the names of the parts of the picture.

    Args:
        heads: those names.
        rows: the name of each of the three figures, and one for each part of the picture, None where it has none; or
            one for the whole picture.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Value | None, ...]], ...]

    @property
    def lines(self) -> list[str]:
        """They as plain text, a line each."""
        return [f"{name:<10}  {self._said(values)}" for name, values in self.rows]

    @property
    def by_name(self) -> list[tuple[str, Value]]:
        """Each figure that there is under a name that says it all: `recoloured outside of the region`."""
        return [
            (f"{name} {head}" if len(self.heads) > 1 and len(values) > 1 else name, value)
            for name, values in self.rows
            for head, value in zip(self.heads, values, strict=False)
            if value is not None
        ]

    def _said(self, values: tuple[Value | None, ...]) -> str:
        if len(values) == 1:
            return values[0].line if values[0] else ALL_REDRAWN
        pairs = zip(self.heads, values, strict=True)
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
        ("moved", (_moved(figures["moved"]),)),
        ("recoloured", tuple(map(_recoloured, parts))),
        ("redrawn", tuple(map(_redrawn, parts))),
    )
    return FigureTable(heads, rows if parts else rows[:1])


def _value(figure: Mapping[str, float], places: int, unit: str = "") -> Value:
    value, floor = figure["value"], figure["floor"]
    return Value(f"{value:.{places}f}{unit}", f"{floor:.{places}f}", value > floor)


def _moved(moved: Mapping[str, Any]) -> Value:
    found = _value(moved["corner"], 1, " px")
    said = [*(_movement(moved) if found.is_above else ()), *_frame(moved, *(MOVED if found.is_above else UNMOVED))]
    return replace(found, more=", ".join(said))


def _movement(moved: Mapping[str, Any]) -> list[str]:
    """Return how the scene moved in the frame."""
    (across, down), scale, rotation = moved["shift"], moved["scale"], moved["rotation"]
    found = (
        (abs(across) >= 0.05, f"{abs(across):.1f} px to the {'right' if across > 0 else 'left'}"),
        (abs(down) >= 0.05, f"{abs(down):.1f} px {'down' if down > 0 else 'up'}"),
        (abs(scale - 1) >= 0.0005, f"{'enlarged' if scale > 1 else 'reduced'} {abs(scale - 1):.1%}"),
        (abs(rotation) >= 0.05, f"turned {abs(rotation):.1f}°"),
    )
    return [said for is_told, said in found if is_told]


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
    return replace(found, more=f"{much} one change of tone" if much else "")


def _redrawn(part: Mapping[str, Any]) -> Value:
    found = _value(part["redrawn"], 2)
    area = part["redrawn_area"]
    more = f"{'less than 1%' if area < 0.01 else f'{area:.0%}'} of it" if found.is_above and area > 0 else ""
    return replace(found, more=more)


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


def drift_fact(drifts: Sequence[OutputDrift]) -> str:
    """
    Return how much the worst output changed outside of what was to change: `drift 3.1 ΔE`; empty if that is not known.

    One that shows another scene than the input has no figure, and says so.
    """
    if any(drift.reason == "unrelated" for drift in drifts):
        return "drift: another scene"
    value = worst(drifts, "recoloured_outside")
    return "" if value is None else f"drift {value:.1f} ΔE"


def drift_words(drifts: Sequence[OutputDrift]) -> str | None:
    """Return what changed in words, with the number of each output where there are several; None if not measured."""
    if len(drifts) == 1 and drifts[0].index == 0:
        return one_line(drifts[0].sentence)
    return " ".join(f"[{drift.index}] {one_line(drift.sentence)}" for drift in drifts) or None
