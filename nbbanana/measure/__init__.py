"""
What changed between two pictures.

`drift` registers one with the other and says what *moved*, what was *recoloured* and what was *redrawn*, each beside
its noise floor; `likeness` says how alike some are; `composite` puts the original's pixels back where nothing should
have changed. Pure functions of pixels; Pillow and NumPy are imported on first use (`pip install "nbbanana[measure]"`).
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec

from nbbanana.errors import UsageError
from nbbanana.measure.figures import Drift, Figure, Likeness, Moved, Part, Protected, Tile
from nbbanana.measure.geometry import Affine, Registration

__all__ = [
    "Affine",
    "Drift",
    "Figure",
    "Likeness",
    "Moved",
    "Part",
    "Protected",
    "Registration",
    "Tile",
    "check_installed",
    "composite",
    "drift",
    "is_installed",
    "likeness",
    "register",
]


def register(before: object, after: object, *, region: object = None) -> Registration:
    """
    Find where each place of a picture is in another that was made from it.

    Args:
        before: a path, bytes, a PIL image, an array, or whatever else `nbbanana.images.load` takes, but no URL.
        after: the same.
        region: what was meant to change, and is not looked at; see `drift`.

    Raises:
        MeasureError: they cannot be registered; its `reason` says why.
        ImageError: not a picture, damaged or too large.
        UsageError: no NumPy, a URL, or no region.
    """
    check_installed()
    from nbbanana.measure.pixels import picture_of, region_of
    from nbbanana.measure.registration import register as registered

    first = picture_of(before)
    area = region_of(region, first.size)
    return registered(first, picture_of(after), None if area is None else area.mask)


def drift(before: object, after: object, region: object = None) -> Drift:
    """
    Measure what changed between two pictures, of any sizes and formats.

    Args:
        before: a path, bytes, a PIL image, an array, or whatever else `nbbanana.images.load` takes, but no URL.
        after: the same.
        region: what was meant to change, on the first picture: an `Area` or what has one, a box or boxes as parts of
            the picture, or a mask; without one it is estimated.

    Raises:
        MeasureError: nothing can be said; its `reason` says why.
        ImageError: not a picture, damaged or too large.
        UsageError: no NumPy, a URL, or no region.

    >>> from nbbanana import samples
    >>> picture = samples.still_life((320, 240))
    >>> drift(picture, picture).sentence
    'Nothing changed that can be seen.'
    >>> from PIL import ImageChops
    >>> drift(picture, ImageChops.offset(picture, 2, 0).crop((2, 0, 320, 240))).moved.shift[0].__round__(1)
    1.0
    """
    check_installed()
    from nbbanana.measure.comparison import compare

    return compare(before, after, region)


def likeness(pictures: Iterable[object]) -> Likeness:
    """
    Measure how alike some pictures are, each with each, once they are registered.

    Args:
        pictures: at least two; see `drift`.

    Raises:
        ImageError: not a picture, damaged or too large.
        UsageError: fewer than two, no NumPy, or a URL.

    >>> from nbbanana import samples
    >>> likeness([samples.still_life((320, 240))] * 2).sentence
    '2 pictures: SSIM 1.00 over 1 pair.'
    """
    check_installed()
    from nbbanana.measure.similarity import compared

    return compared(list(pictures))


def composite(original: object, edited: object, keep_mask: object) -> Protected:
    """
    Put the original's pixels back where nothing should have changed.

    Where the original is transparent in places, so is what is kept of it; what is not kept is opaque.

    Args:
        original: see `drift`.
        edited: what was made from it.
        keep_mask: what is to be the original's: an area, boxes or a mask, as for `drift`.

    Raises:
        MeasureError: the pictures cannot be registered well enough; its `reason` says why.
        ImageError: not a picture, damaged or too large.
        UsageError: nothing or everything is to be kept, no NumPy, or a URL.

    >>> from nbbanana import samples
    >>> picture = samples.still_life((320, 240))
    >>> result = composite(picture, picture, (0, 0, 0.5, 1))
    >>> result.image.size, round(result.kept, 2), round(result.seam.value, 6)
    ((320, 240), 0.5, 0.0)
    """
    check_installed()
    from nbbanana.measure.protecting import protected

    return protected(original, edited, keep_mask)


def is_installed() -> bool:
    """Return whether NumPy is installed, which measuring needs; it is not imported."""
    return find_spec("numpy") is not None


def check_installed(what: str = "Measuring what changed") -> None:
    """
    Check that what measuring needs is installed.

    Args:
        what: needs it.

    Raises:
        UsageError: there is no NumPy; it says what to install.
    """
    if not is_installed():
        raise UsageError(f"{what} needs NumPy.", "It is not installed.", 'Run: pip install "nbbanana[measure]"')
