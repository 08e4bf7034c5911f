"""The `region` and the mask of a request: found among its pictures, an earlier edit's, or drawn."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from numbers import Real
from typing import Any

from nbbanana.errors import ImageError, UsageError
from nbbanana.images import ImageInput
from nbbanana.images.urls import is_url
from nbbanana.regions import Area, Shape, box_shape, read
from nbbanana.session.reproduce import image_of
from nbbanana.store import Store

__all__ = ["mask_of", "region_of"]

OWN = "region"
"""What a mask is that is made of the request's region; a file of that name is `./region`."""
_EDIT = re.compile(r"edit:([0-9]+)")
"""What a cell calls the region of an edit."""
_KEPT = re.compile(r"edit:([0-9]+)\.mask")
"""What a cell calls the mask of an edit."""


def region_of(region: Any, images: Sequence[ImageInput], store: Callable[[], Store]) -> Area | None:
    """
    Return the region of a request.

    Args:
        region: a region of `nb.region`, that of another edit, a box (left, top, right and bottom as parts of the
            main picture), the name of a place such as `the upper half`, a list of boxes and names, which is one region
            of several parts, or what stands on a line for it; None is none.
        images: the request's pictures.
        store: gives the store in which an edit is looked up.

    Raises:
        UsageError: no region, one on which nothing is drawn, or one of a picture that is not among these.
    """
    if region is None:
        return None
    if isinstance(region, str):
        area = _of_text(region, store)
    elif hasattr(region, "__nbbanana_region__"):
        area = region.__nbbanana_region__()
    else:
        area = Area(tuple(shape for part in _boxes(region) for shape in _shapes(part)), (1, 1))
    number = _number(area, images)
    picture = images[number]
    size = (picture.width, picture.height) if picture.width and picture.height else area.size
    return replace(area, input=number, size=size, identity=picture.identity)


def _shapes(part: Any) -> tuple[Shape, ...]:
    """Return the shapes of a box, or of a place that is named."""
    return read(part).shapes if isinstance(part, str) else (box_shape(part),)


Load = Callable[[Iterable[Any]], tuple[ImageInput, ...]]


def mask_of(
    source: Any, region: Area | None, *, load: Load, store: Callable[[], Store], name: str = "mask"
) -> tuple[str, ImageInput | None]:
    """
    Return the mask of a request: its parameter, and the picture; None for a picture that the service fetches.

    Args:
        source: an https URL, a region (the word `region` for the request's own), `edit:12.mask`, or whatever `load`
            takes.
        region: the request's region.
        load: loads pictures.
        store: gives the store in which an edit is looked up.
        name: what the model calls it.

    Raises:
        UsageError: there is no such mask, no region to make one of, or a box, which is a region and no mask.
        ImageError: no picture.
    """
    if isinstance(source, str) and source == OWN:
        if region is None:
            raise UsageError("There is no region to make a mask of.", "The request has none.", "Give region=… with it.")
        source = region
    if hasattr(source, "__nbbanana_region__"):
        source = source.__nbbanana_region__().mask()
    if isinstance(source, str):
        if is_url(source) and not source.startswith("data:"):
            return source, None
        if found := _KEPT.fullmatch(source):
            return _kept(int(found[1]), store())
    if _is_box(source) or (isinstance(source, list | tuple) and source and all(map(_is_box, source))):
        raise UsageError(
            f"The mask is {source!r:.60}, which is a box.",
            "A mask is a picture whose white is repainted, a region of nb.region, or the word 'region'.",
            f"region={source!r:.60}, {name}='region' makes a mask of the box.",
        )
    images = load([source])
    if len(images) != 1:
        raise ImageError(f"{len(images)} pictures are not a mask.", "A mask is one picture.", "Give one.")
    return images[0].identity, images[0]


def _kept(number: int, store: Store) -> tuple[str, ImageInput]:
    masks = store.get(number).masks
    if not masks:
        raise UsageError(f"Edit {number} had no mask.", "Nothing was masked in it.", "Name another edit.")
    image = image_of(masks[0], store)
    return image.identity, image


def _of_text(text: str, store: Callable[[], Store]) -> Area:
    found = _EDIT.fullmatch(text)
    if found is None:
        return read(text)
    area = store().get(int(found[1])).region
    if area is None:
        raise UsageError(f"Edit {found[1]} has no region.", "It was about no part of a picture.", "Name another edit.")
    return area


def _boxes(region: Any) -> list[Any]:
    """Return one box or several, as a list."""
    boxes = list(region) if isinstance(region, list | tuple) else [region]
    if not boxes:
        raise UsageError("The region is empty.", "It has no box.", "Leave it out, or give (left, top, right, bottom).")
    return [boxes] if _is_box(boxes) else boxes


def _is_box(value: Any) -> bool:
    """Return whether a value is four numbers, whatever they are."""
    return isinstance(value, list | tuple) and len(value) == 4 and all(isinstance(part, Real) for part in value)


def _number(area: Area, images: Sequence[ImageInput]) -> int:
    """Return which of the pictures it is a part of: the one that it was drawn on, else the one that it names."""
    if area.identity:
        same = [number for number, image in enumerate(images) if image.identity == area.identity]
        if same:
            return area.input if area.input in same else same[0]
        what = "The region was drawn on a picture that is not among those of the request."
    elif area.input < len(images):
        return area.input
    else:
        what = f"The region is a part of picture {area.input + 1}, and the request has {len(images)}."
    raise UsageError(what, "A region is a part of one of them.", "Give that picture, or leave the region out.")
