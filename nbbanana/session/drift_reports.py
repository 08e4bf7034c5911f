"""What changed between two pictures, in a series of them, and in edits that were not measured before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from statistics import median
from typing import Any

from nbbanana import measure
from nbbanana.display.drift_views import drift_bundle
from nbbanana.display.views import Change
from nbbanana.engine.outputs import keep_measures, measure_output, region_asked
from nbbanana.engine.run import Measure
from nbbanana.errors import UsageError
from nbbanana.images import ImageInput
from nbbanana.measure import Drift, Figure, check_installed, is_installed
from nbbanana.measure.figures import LEAST, unlike
from nbbanana.regions import Area
from nbbanana.session.reproduce import image_of
from nbbanana.session.requesting import region_of
from nbbanana.session.view_builders import picture_of
from nbbanana.settings import settings
from nbbanana.store import Store
from nbbanana.store.drifts import DriftFigure, OutputDrift, worst
from nbbanana.store.records import Edit
from nbbanana.text import one_line

__all__ = [
    "DriftReport",
    "Measured",
    "against_input",
    "by_drift",
    "measure_missing",
    "measured",
    "outliers",
    "part_of_picture",
    "sentences",
    "with_figures",
]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class DriftReport(Drift):
    """
    What changed between two pictures, with the pictures: `nb.drift` and `output.drift` make it.

    Args:
        before, after: the pictures.
        area: what was to change, on the first picture; None where it was estimated or given as a mask.
    """

    before: ImageInput
    after: ImageInput
    area: Area | None = None

    def __repr__(self) -> str:
        return one_line(f"<DriftReport {self.before.name} → {self.after.name}: {self.sentence}>")

    @property
    def change(self) -> Change:
        """It as the display takes it."""
        return Change(self.sentence, self.as_json(), self.heat_file(), self.area)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return drift_bundle(picture_of(self.before), picture_of(self.after), self.change)


def measured(before: ImageInput, after: ImageInput, part: Any = None) -> DriftReport:
    """
    Measure what changed between two pictures.

    Args:
        before: the first picture.
        after: the second.
        part: what was to change, on the first: a region, or a mask; None estimates it.

    Raises:
        MeasureError: nothing can be said; its `reason` says why.
        UsageError: one of them is only known by its address, or there is no NumPy.
    """
    for image in (before, after):
        if image.source is None:
            raise UsageError(
                f"{image.name} is only known by its address.",
                "What changed is measured here, from pixels, and nothing is fetched for it.",
                "Download it, and give the file: nb.drift(file, after).",
            )
    found = measure.drift(before, after, part)
    figures: dict[str, Any] = {one.name: getattr(found, one.name) for one in fields(found)}
    return DriftReport(**figures, before=before, after=after, area=part if isinstance(part, Area) else None)


def against_input(output: ImageInput, edit: Edit, store: Store, region: Any = None) -> DriftReport:
    """
    Measure what changed between an output of an edit and the first picture that it was asked with.

    Args:
        output: the output.
        edit: the record.
        store: holds the picture.
        region: what was to change; the edit's own region or mask unless it is given.

    Raises:
        MeasureError: nothing can be said; its `reason` says why.
        UsageError: it was asked with words alone, or its first picture is only known by its address.
    """
    if not edit.inputs:
        raise UsageError(
            f"{output.name} was made from words alone.",
            "What changed is measured against the picture that it was made from.",
            f"Give one: nb.drift(before, {output.name}).",
        )
    before = image_of(edit.inputs[0], store)
    part = region_asked(store.blob_path, edit) if region is None else part_of_picture(region, before, lambda: store)
    return measured(before, output, part)


def part_of_picture(region: Any, picture: ImageInput, store: Callable[[], Store]) -> Any:
    """Return the part of a picture that a region means; a mask, which is a picture or an array, is one as it is."""
    is_drawn = hasattr(region, "__nbbanana_region__")
    is_mask = not is_drawn and (hasattr(region, "getbands") or hasattr(region, "__array_interface__"))
    return region if is_mask else region_of(region, [picture], store)


ELSEWHERE = "unrelated"
"""The reason of an output that shows another scene than its input: it drifted more than a figure can say."""
_COMPARED: dict[DriftFigure, tuple[int, str, str, str]] = {
    "recoloured_outside": (1, " ΔE", "changed more outside the region", "changed colour more"),
    "redrawn_outside": (2, "", "got more redrawn outside the region", "got more redrawn"),
    "moved": (1, " px", "moved more", "moved more"),
}
"""
What is compared in a series, in the order of how much it says: its decimals, its unit, and how it is said where each
edit had a region, and where what was to change was estimated.
"""


_Picture = tuple[int, OutputDrift]
"""A picture of a series: the place of its result, and what was measured of it."""


def by_drift(edits: Sequence[Edit]) -> list[int]:
    """
    Return the places of edits, the most drifted first, by the worst output of each.

    An output that shows another scene comes before all figures; what was not measured comes last, in its order.
    """

    def rank(place: int) -> tuple[bool, tuple[float, ...]]:
        drifts = edits[place].drifts
        figures = (worst(drifts, name) for name in _COMPARED)
        is_elsewhere = any(drift.reason == ELSEWHERE for drift in drifts)
        return is_elsewhere, tuple(-1.0 if value is None else value for value in figures)

    return sorted(range(len(edits)), key=rank, reverse=True)


def outliers(edits: Sequence[Edit]) -> list[int]:
    """Return the places of edits with a picture that is unlike the rest, the most drifted first; see `unlike`."""
    pictures = _pictures(edits)
    odd = {place for found in _unlike(pictures).values() for place, _ in found}
    return [place for place in by_drift(edits) if place in odd]


def sentences(edits: Sequence[Edit]) -> list[str]:
    """
    Return which pictures of a series are unlike the rest, in a sentence for each kind of figure: `[3] and [7] changed
    more outside the region than the rest: 6.1 and 5.2 ΔE, others 1.1.`
    """
    pictures = _pictures(edits)
    several = len({place for place, _ in pictures}) < len(pictures)
    said = []
    for name, odd in _unlike(pictures).items():
        names = _and([f"[{place}, {drift.index}]" if several else f"[{place}]" for place, drift in odd])
        if name is None:
            said.append(f"{names} {'shows' if len(odd) == 1 else 'show'} another scene than the input.")
        else:
            said.append(f"{names} {_compared(name, odd, [one for one in pictures if one not in odd])}.")
    return said


def _compared(name: DriftFigure, odd: Sequence[_Picture], rest: Sequence[_Picture]) -> str:
    """Return what sets pictures apart: `moved more than the rest: 12.0 px, others 0.5`."""
    decimals, unit, in_region, estimated = _COMPARED[name]
    values = _and([f"{drift.value(name):.{decimals}f}" for _, drift in odd])
    others = median(value for _, drift in rest if (value := drift.value(name)) is not None)
    is_given = all((drift.figures or {}).get("is_region_given", True) for _, drift in [*odd, *rest])
    said = in_region if is_given else estimated
    return f"{said} than the rest: {values}{unit}, others {others:.{decimals}f}"


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _pictures(edits: Sequence[Edit]) -> list[_Picture]:
    return [(place, drift) for place, edit in enumerate(edits) for drift in edit.drifts]


def _figure(drift: OutputDrift, name: DriftFigure) -> Figure | None:
    """Return one of the figures of a picture beside the noise floor."""
    value, floor = drift.value(name), drift.floor(name)
    return None if value is None or floor is None else Figure(value, floor)


def _unlike(pictures: Sequence[_Picture]) -> dict[DriftFigure | None, list[_Picture]]:
    """Return the pictures that are unlike the rest, by figure; under None those that show another scene than most."""
    found: dict[DriftFigure | None, list[_Picture]] = {}
    elsewhere = [picture for picture in pictures if picture[1].reason == ELSEWHERE]
    if elsewhere and len(pictures) >= LEAST and len(elsewhere) < len(pictures) / 2:
        found[None] = elsewhere
    for name in _COMPARED:
        odd = unlike([_figure(drift, name) for _, drift in pictures])
        if odd:
            found[name] = [pictures[place] for place in odd]
    return found


PAGE = 50


@dataclass(frozen=True, slots=True)
class Measured:
    """
    What measuring edits came to.

    Args:
        edits: of how many edits something was measured now.
        pictures: how many pictures have figures now.
        refused: of how many pictures it cannot be said what changed; their records say why.
        left: how many edits could not be measured: a picture of theirs is missing or damaged.

    >>> print(Measured(2, 5, 1, 0))
    2 edits were measured: 5 pictures have figures, of 1 nothing can be said.
    """

    edits: int
    pictures: int
    refused: int
    left: int

    def __str__(self) -> str:
        if not self.edits and not self.left:
            return "Nothing was left to measure."
        facts = [f"{self.pictures} picture{' has' if self.pictures == 1 else 's have'} figures"]
        facts += [f"of {self.refused} nothing can be said"] if self.refused else []
        facts += [f"{self.left} edit{'' if self.left == 1 else 's'} could not be measured"] if self.left else []
        return f"{self.edits} edit{' was' if self.edits == 1 else 's were'} measured: {', '.join(facts)}."

    __repr__ = __str__


def with_figures(store: Store, edit: Edit) -> Edit:
    """Measure an edit that was made here, unless the settings say not to, and return it with its figures."""
    measures = _measures(store, edit) if settings().measure and is_installed() else []
    return keep_measures(store, edit, measures) if measures else edit


def _measures(store: Store, edit: Edit) -> list[Measure]:
    return [found for output in edit.outputs if (found := measure_output(store.blob_path, edit, output)) is not None]


def measure_missing(store: Store, limit: int) -> Measured:
    """
    Measure the newest completed edits that have no figures; what was measured stays, whenever it is interrupted.

    Args:
        store: where they are.
        limit: at most so many edits.

    Raises:
        UsageError: NumPy is not installed, or the store was opened to be read.
        StoreError: the store cannot be written.
    """
    check_installed()
    if store.read_only:
        raise UsageError(
            "This history was opened to be read.", "What is measured is written down.", "Measure in the store itself."
        )
    edits = pictures = refused = left = 0
    before_id: int | None = None
    while edits < limit and (numbers := store.unmeasured(before_id, min(PAGE, limit - edits))):
        for edit in store.numbered(numbers):
            measures = _measures(store, edit)
            if measures:
                keep_measures(store, edit, measures)
            edits, left = edits + bool(measures), left + (not measures)
            pictures += sum(drift.is_measured for drift, _ in measures)
            refused += sum(not drift.is_measured for drift, _ in measures)
        before_id = numbers[-1]
    return Measured(edits, pictures, refused, left)
