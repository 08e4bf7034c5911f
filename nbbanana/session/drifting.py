"""`nb.drift`: what changed between two pictures, and outside of what was to change."""

from __future__ import annotations

from typing import Any

from nbbanana.errors import UsageError
from nbbanana.images import ImageInput, load
from nbbanana.regions import Area
from nbbanana.session.drift_reports import DriftReport, is_mask, measured
from nbbanana.session.region_args import region_of
from nbbanana.session.results import EditResult, Output
from nbbanana.session.session import current
from nbbanana.session.standing_for import result_behind

__all__ = ["drift"]


def drift(before: Any, after: Any = None, region: Any = None) -> DriftReport:
    """
    Measure what changed between two pictures: what moved, what was recoloured, what was redrawn, and where.

    The sizes and formats of the two may differ: they are registered first. It needs NumPy (`nbbanana[measure]`), and
    sends nothing anywhere.

    Args:
        before: a path, bytes, a PIL image, an array, an output, or whatever else `nb.edit` takes, but no address. An
            output alone is measured against the picture that it was made from, as `output.drift()` does.
        after: the same.
        region: what was meant to change, as for `nb.edit`: a box, boxes, a region that was drawn, or a mask (a picture
            in mode L, or an array H×W). Without one, it is the region that `after` was asked with, where it was made
            from `before`; else what changed most is taken for it.

    Raises:
        MeasureError: nothing can be said; its `reason` says why.
        ImageError: not a picture, damaged or too large.
        UsageError: an address, no region, one picture alone that was made from none, or no NumPy.

    >>> from nbbanana import samples
    >>> picture = samples.still_life((320, 240))
    >>> print(drift(picture, picture, region=(0.5, 0, 1, 1)).sentence)
    Outside the region: nothing changed that can be seen.
    """
    before, after = result_behind(before), result_behind(after)
    if after is None:
        return _output(before).drift(region)
    first, second = load(before), load(after)
    if is_mask(region):
        return measured(first, second, mask=region)
    if region is None:
        return measured(first, second, _own_region(first, after))
    return measured(first, second, region_of(region, [first], lambda: current().library.store))


def _output(value: Any) -> Output:
    if isinstance(value, EditResult):
        return value.only_output("drift()")
    if not isinstance(value, Output):
        raise UsageError(
            "There is one picture.",
            "What changed is measured between two.",
            "Write nb.drift(before, after); an output alone is measured against its input.",
        )
    return value


def _own_region(before: ImageInput, after: Any) -> Area | None:
    """Return the region that a picture was asked with, where it is one of the first picture."""
    if isinstance(after, EditResult):
        after = after.only_output("drift()")
    if not isinstance(after, Output):
        return None
    area, inputs = after.result.region, after.result.inputs
    is_of_it = area is not None and area.input < len(inputs) and inputs[area.input].identity == before.identity
    return area if is_of_it else None
