"""Several results by what was measured of them: which are unlike the rest, and the most drifted first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from nbbanana.measure import Figure
from nbbanana.measure.unlike import LEAST, unlike
from nbbanana.store.drift_records import DriftFigure, OutputDrift, worst
from nbbanana.store.records import Edit

__all__ = ["by_drift", "outliers", "sentences"]

ELSEWHERE = "unrelated"
"""The reason of an output that shows another scene than its input: it drifted more than a figure can say."""
_UNITS: dict[DriftFigure, tuple[int, str]] = {
    "recoloured_outside": (1, " ΔE"),
    "redrawn_outside": (2, ""),
    "moved": (1, " px"),
}
"""What is compared in a series, in the order of how much it says: its decimals and its unit."""
_WORDS: dict[DriftFigure, tuple[str, str]] = {
    "recoloured_outside": ("changed more outside the region than the rest", "changed colour more than the rest"),
    "redrawn_outside": ("got more redrawn outside the region than the rest", "got more redrawn than the rest"),
    "moved": ("moved more than the rest", "moved more than the rest"),
}
"""How it is said where each edit had a region, and where what was to change was estimated."""


@dataclass(frozen=True, slots=True)
class _Picture:
    """A picture of a series: the place of its result, its own place there, and what was measured."""

    result: int
    output: int
    drift: OutputDrift

    @property
    def place(self) -> str:
        """What gives it: `[3, 1]`."""
        return f"[{self.result}, {self.output}]"

    def figure(self, name: DriftFigure) -> Figure | None:
        """Return one of its figures beside the noise floor."""
        value, floor = self.drift.value(name), self.drift.floor(name)
        return None if value is None or floor is None else Figure(value, floor)


def by_drift(edits: Sequence[Edit]) -> list[int]:
    """
    Return the places of edits, the most drifted first, by the worst output of each.

    An output that shows another scene comes before all figures; what was not measured comes last, in its order.
    """

    def rank(place: int) -> tuple[bool, tuple[float, ...]]:
        drifts = edits[place].drifts
        figures = (worst(drifts, name) for name in _UNITS)
        return _is_elsewhere(drifts), tuple(-1.0 if value is None else value for value in figures)

    return sorted(range(len(edits)), key=rank, reverse=True) if edits else []


def outliers(edits: Sequence[Edit]) -> list[int]:
    """Return the places of edits with a picture that is unlike the rest, the most drifted first; see `unlike`."""
    pictures = _pictures(edits)
    odd = {picture.result for found in _unlike(pictures).values() for picture in found}
    return [place for place in by_drift(edits) if place in odd]


def sentences(edits: Sequence[Edit]) -> list[str]:
    """
    Return which pictures of a series are unlike the rest, in a sentence for each kind of figure: `[3] and [7] changed
    more outside the region than the rest: 6.1 and 5.2 ΔE, others 1.1.`
    """
    pictures = _pictures(edits)
    several = len({picture.result for picture in pictures}) < len(pictures)
    said = []
    for name, odd in _unlike(pictures).items():
        names = _and([picture.place if several else f"[{picture.result}]" for picture in odd])
        if name is None:
            said.append(f"{names} {'shows' if len(odd) == 1 else 'show'} another scene than the input.")
        else:
            said.append(f"{names} {_compared(name, odd, [one for one in pictures if one not in odd])}.")
    return said


def _compared(name: DriftFigure, odd: Sequence[_Picture], rest: Sequence[_Picture]) -> str:
    """Return what sets pictures apart: `moved more than the rest: 12.0 px, others 0.5`."""
    decimals, unit = _UNITS[name]
    values = _and([f"{picture.drift.value(name):.{decimals}f}" for picture in odd])
    others = median(value for picture in rest if (value := picture.drift.value(name)) is not None)
    is_given = all((picture.drift.figures or {}).get("is_region_given", True) for picture in [*odd, *rest])
    return f"{_WORDS[name][0 if is_given else 1]}: {values}{unit}, others {others:.{decimals}f}"


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _pictures(edits: Sequence[Edit]) -> list[_Picture]:
    return [_Picture(place, drift.index, drift) for place, edit in enumerate(edits) for drift in edit.drifts]


def _unlike(pictures: Sequence[_Picture]) -> dict[DriftFigure | None, list[_Picture]]:
    """Return the pictures that are unlike the rest, by figure; under None those that show another scene than most."""
    found: dict[DriftFigure | None, list[_Picture]] = {}
    elsewhere = [picture for picture in pictures if picture.drift.reason == ELSEWHERE]
    if elsewhere and len(pictures) >= LEAST and len(elsewhere) < len(pictures) / 2:
        found[None] = elsewhere
    for name in _UNITS:
        odd = unlike([picture.figure(name) for picture in pictures])
        if odd:
            found[name] = [pictures[place] for place in odd]
    return found


def _is_elsewhere(drifts: Sequence[OutputDrift]) -> bool:
    return any(drift.reason == ELSEWHERE for drift in drifts)
