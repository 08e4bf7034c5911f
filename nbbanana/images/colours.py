"""Any of Pillow's modes and any profile, as 8-bit sRGB, upright, with nothing but pixels."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from nbbanana.errors import ImageError
from nbbanana.images.decoding import exif_orientation
from nbbanana.images.png import DESCRIPTION, profile_of

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["has_transparency", "on_white", "to_srgb", "upright"]


_SRGB_NAMES = frozenset(
    {"srgb", "srgb iec61966-2.1", "srgb iec61966-2-1 black scaled", "srgb built-in", "srgb2014", "c2", "c2ci"}
)
"""What profiles of sRGB itself call themselves: those of the ICC, HP, Google, Little CMS and Facebook."""


def upright(image: Image, orientation: int | None = None) -> Image:
    """Turn the picture as its EXIF data say (TIFF 6.0, tag 274); the same object where nothing is to be done."""
    from PIL.Image import Transpose

    turn = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }.get(exif_orientation(image) if orientation is None else orientation)
    return image if turn is None else image.transpose(turn)


def to_srgb(image: Image) -> Image:
    """
    Return the picture as `RGB`, or `RGBA` where something of it is transparent, in sRGB at 8 bits a channel.

    A profile that cannot be used is left out: the picture is then taken as sRGB already, as viewers do.

    Raises:
        ImageError: floating-point pixels outside 0..1.
    """
    profile = profile_of(image.info)
    image = _eight_bits(image)
    converted = _through_profile(image, profile) if profile else None
    if converted is None:
        converted = image if image.mode in {"RGB", "RGBA"} else _without_profile(image)
    if converted is image:
        converted = image.copy()
    converted.info = {}
    return _opaque_if_possible(converted)


def has_transparency(image: Image) -> bool:
    """Return whether a mode or a PNG or GIF colour key makes some of it transparent."""
    return image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info


def on_white(image: Image) -> Image:
    """Return an `RGB` picture: what is transparent is laid on white."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    from PIL.Image import alpha_composite, new

    return alpha_composite(new("RGBA", image.size, "white"), image).convert("RGB")


def _eight_bits(image: Image) -> Image:
    """Return the same in a mode of 8 bits a channel that colour management knows."""
    mode = image.mode
    if mode.startswith("I") or mode == "F":
        return _levels(image)
    if mode in {"1", "La", "RGBX", "HSV"}:
        return image.convert({"1": "L", "La": "LA"}.get(mode, "RGB"))
    if mode == "RGBa":
        return image.convert("RGBA")
    if mode in {"P", "PA"} or "transparency" in image.info:
        return image.convert("RGBA" if has_transparency(image) else "RGB")
    return image


def _levels(image: Image) -> Image:
    """Return grey of 8 bits from one of whole numbers or floats."""
    mode = image.mode
    if mode.startswith("I;"):
        image = image.convert("I")
    low, high = image.getextrema()
    assert isinstance(low, int | float) and isinstance(high, int | float)  # noqa: PT018 (one band gives two numbers)
    # Mode I also holds what was an 8-bit picture: a 16-bit one as dark as that would be black.
    top = 1.0 if mode == "F" else 255.0 if mode == "I" and high <= 255 else 65535.0
    if not (low >= 0 and high <= top):
        raise ImageError(
            f"The picture's numbers go from {low:g} to {high:g}.",
            f"In mode {mode} it is a picture when they go from 0 (black) to {top:g} (white).",
            "Scale them before you give it.",
        )
    scaled = image.convert("F").point(lambda value: value * (255.0 / top) + 0.5)
    return scaled.convert("L")


def _through_profile(image: Image, profile: bytes) -> Image | None:
    """Return the picture brought from its profile to sRGB; None where the profile cannot be used for it."""
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if image.mode == "L" and ImageCms.getProfileDescription(source).strip() == DESCRIPTION:
            image = image.convert("RGB")
        if _is_srgb(ImageCms.getProfileDescription(source)) and image.mode in {"RGB", "RGBA"}:
            return image
        if image.mode in {"LA", "RGBA"}:
            return _with_alpha(image, profile)
        target = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _with_alpha(image: Image, profile: bytes) -> Image | None:
    colours = image.convert("L" if image.mode == "LA" else "RGB")
    converted = _through_profile(colours, profile)
    if converted is not None:
        converted.putalpha(image.getchannel("A"))
    return converted


def _is_srgb(description: str) -> bool:
    # Bringing sRGB to sRGB would only cost time and round some values by one.
    return description.strip().lower() in _SRGB_NAMES


def _without_profile(image: Image) -> Image:
    if image.mode == "LAB":
        from PIL import ImageCms

        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        found = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
        assert found is not None
        return found
    return image.convert("RGBA" if has_transparency(image) else "RGB")


def _opaque_if_possible(image: Image) -> Image:
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        return image.convert("RGB")
    return image
