"""`DriftReport`: what changed between two pictures, as a user holds it; it shows itself in a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbbanana.display.views import Change, Picture
from nbbanana.engine.output_drift import region_asked
from nbbanana.errors import UsageError
from nbbanana.images import ImageInput
from nbbanana.measure import Drift, Moved, Part, Tile
from nbbanana.regions import Area
from nbbanana.session.region_args import region_of
from nbbanana.session.reproduce import image_of
from nbbanana.store import Store
from nbbanana.store.records import Edit
from nbbanana.text import one_line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["DriftReport", "against_input", "is_mask", "measured"]


class DriftReport:
    """
    What changed between two pictures: `nb.drift` and `output.drift` make it.

    Args:
        before, after: the pictures.
        figures: what was measured; its attributes are here too, such as `outside.redrawn`.
        area: what was to change, on the first picture; None where it was estimated or given as a mask.
    """

    def __init__(self, before: ImageInput, after: ImageInput, figures: Drift, area: Area | None = None) -> None:
        self.before, self.after = before, after
        self.figures = figures
        self.area = area

    def __repr__(self) -> str:
        return one_line(f"<DriftReport {self.before.name} → {self.after.name}: {self.sentence}>")

    @property
    def sentence(self) -> str:
        """What changed, as one sentence."""
        return self.figures.sentence

    @property
    def moved(self) -> Moved:
        """How the scene moved in the frame, in pixels of the first picture."""
        return self.figures.moved

    @property
    def outside(self) -> Part | None:
        """What happened outside of the region that was to change; None where that is everything."""
        return self.figures.outside

    @property
    def inside(self) -> Part | None:
        """What happened inside of it; None where there is none."""
        return self.figures.inside

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """The tiles that changed most, the most first."""
        return self.figures.tiles

    @property
    def places(self) -> tuple[Tile, ...]:
        """Tiles like these, but none near another: those outside of the region first."""
        return self.figures.places

    @property
    def confidence(self) -> float:
        """How sure it is where one picture lies upon the other, 0 to 1, and with it all the rest."""
        return self.figures.confidence

    def heat_map(self, size: tuple[int, int] | None = None) -> NDArray[np.float32]:
        """Return how much each place of the first picture changed, 0 to 1, as H×W; see `measure.Drift.heat_map`."""
        return self.figures.heat_map(size)

    @property
    def change(self) -> Change:
        """It as the display takes it."""
        return Change(self.sentence, self.as_json(), self.figures.heat_file(), self.area)

    def as_json(self) -> dict[str, Any]:
        """Return the figures as JSON, without the pictures."""
        return self.figures.as_json()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from nbbanana.display.drifts import drift_bundle

        return drift_bundle(_picture(self.before), _picture(self.after), self.change)


def _picture(image: ImageInput) -> Picture:
    return Picture(image.name, image.source, image.width, image.height)


def measured(before: ImageInput, after: ImageInput, area: Area | None = None, mask: object = None) -> DriftReport:
    """
    Measure what changed between two pictures.

    Args:
        before: the first picture.
        after: the second.
        area: what was to change, on the first.
        mask: the same as a mask, where it is given as one.

    Raises:
        MeasureError: nothing can be said; its `reason` says why.
        UsageError: one of them is only known by its address, or there is no NumPy.
    """
    from nbbanana.measure import drift

    for image in (before, after):
        if image.source is None:
            raise UsageError(
                f"{image.name} is only known by its address.",
                "What changed is measured here, from pixels, and nothing is fetched for it.",
                "Download it, and give the file: nb.drift(file, after).",
            )
    return DriftReport(before, after, drift(before, after, area if area is not None else mask), area)


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
    if region is None:
        own = region_asked(store, edit)
        return measured(before, output, own) if isinstance(own, Area) else measured(before, output, mask=own)
    if is_mask(region):
        return measured(before, output, mask=region)
    return measured(before, output, region_of(region, [before], lambda: store))


def is_mask(region: Any) -> bool:
    """Return whether a region is given as a mask: a picture or an array."""
    is_drawn = hasattr(region, "__nbbanana_region__")
    return not is_drawn and (hasattr(region, "getbands") or hasattr(region, "__array_interface__"))
