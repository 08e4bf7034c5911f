"""
Bytes that claim to be a picture, opened within bounds; and an image as the bytes of a file.

Pillow's plugins are called by their class, not through `Image.open`: the format is known from the bytes, so no other
plugin (some start programs) can be reached, and the limit is our own instead of the process-wide `MAX_IMAGE_PIXELS`,
which belongs to the user.
"""

from __future__ import annotations

import importlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nbbanana.errors import ImageError, bare_cause
from nbbanana.images.formats import (
    CAMERA_RAW,
    MIME,
    bad_checksum,
    chunk,
    content_name,
    format_of,
    gif_extent,
)
from nbbanana.images.kinds import MAX_PIXELS, PLAY_MARK, ImageInfo
from nbbanana.images.reading import checked_size, quoted, read_file

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

__all__ = [
    "bytes_of",
    "check_pixels",
    "decode",
    "exif_orientation",
    "file_of",
    "halve_large_jpeg",
    "head",
    "inspect",
    "is_marked",
    "open_safely",
    "opened",
    "pillow_errors",
    "seen_size",
    "verify_pixels",
]

DRAFT_GAIN = 4
"""A JPEG can be decoded at half its size, so it may hold four times the pixels where no more are asked for."""

_PLUGINS = {
    "PNG": ("PIL.PngImagePlugin", "PngImageFile"),
    "JPEG": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "WEBP": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile"),
    "TIFF": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "HEIF": ("pillow_heif", "HeifImageFile"),
}
_ORIENTATION = 0x0112
_SOFTWARE = 0x0131
_WIDTH, _LENGTH, _TILE_WIDTH, _TILE_LENGTH = 256, 257, 322, 323
_SIDEWAYS = frozenset({5, 6, 7, 8})
"""EXIF orientations that swap width and height (EXIF 2.32, table 6)."""


def inspect(source: str | os.PathLike[str] | bytes) -> ImageInfo:
    """
    Return what an image file says of itself: its head is parsed, no pixel is decoded.

    Raises:
        ImageError: no picture, damaged at its head, more than `MAX_PIXELS`, or cut off (noticed here in PNG, JPEG,
            WebP and GIF; in other formats once the pixels are decoded).
        ImageNotFoundError: no such file.
    """
    return head(*bytes_of(source))


def open_safely(source: str | os.PathLike[str] | bytes, *, max_pixels: int = MAX_PIXELS) -> Image:
    """
    Return the picture, wholly decoded, as it is stored: rotation, profile and mode are left alone.

    Args:
        source: a path, or the bytes of a file.
        max_pixels: width times height may not be more.

    Raises:
        ImageError: no picture, damaged, cut off or too large.
        ImageNotFoundError: no such file.
    """
    data, shown = bytes_of(source)
    with opened(data, shown, max_pixels=max_pixels) as image:
        return decode(image, shown)


def verify_pixels(source: str | os.PathLike[str] | bytes) -> ImageInfo:
    """
    Decode all pixels, of an animation those of the first frame, and forget them; a large JPEG at half its size.

    Raises:
        ImageError: no picture, too large, cut off, or damaged: pixels that cannot be decoded, a wrong checksum.
        ImageNotFoundError: no such file.
    """
    data, shown = bytes_of(source)
    info = head(data, shown)
    if info.format == "PNG" and bad_checksum(data):
        raise _damaged(shown, "PNG", "a checksum in it is wrong")
    with opened(data, shown) as image:
        halve_large_jpeg(image)
        decode(image, shown)
    return info


def halve_large_jpeg(image: ImageFile) -> None:
    """Let a JPEG of more than `MAX_PIXELS` be decoded at half its width and height."""
    if image.format == "JPEG" and image.width * image.height > MAX_PIXELS:
        image.draft("RGB", (image.width // 2, image.height // 2))


def bytes_of(source: str | os.PathLike[str] | bytes) -> tuple[bytes, str]:
    """Return the bytes of a file or the bytes themselves, and what messages call them (never an absolute path)."""
    if isinstance(source, bytes):
        return checked_size(source, "The data"), "The data"
    written = os.fsdecode(source)
    shown = quoted(os.path.basename(written) if os.path.isabs(written) else written)  # noqa: PTH117, PTH119
    return read_file(source, shown=shown), shown


def head(data: bytes, shown: str) -> ImageInfo:
    """Inspect bytes, as `inspect` does a file; `shown` is what messages call them."""
    with opened(data, shown) as image:
        if image.format == "JPEG" and image.fp is not None:
            _check_end(data, "JPEG", shown, image.fp.tell())
        with pillow_errors(shown, image.format):
            animated = bool(getattr(image, "is_animated", False))
            width, height = seen_size(image)
        return ImageInfo(image.format or "", MIME[image.format or ""], width, height, animated, is_marked(image))


@contextmanager
def opened(data: bytes, shown: str, *, max_pixels: int | None = None) -> Iterator[ImageFile]:
    """
    Open an image file: its head is parsed and its size checked, nothing is decoded yet.

    Args:
        data: the file.
        shown: what messages call it.
        max_pixels: the most it may have; None is `MAX_PIXELS`, and `DRAFT_GAIN` times as many for a JPEG.

    Raises:
        ImageError: no picture, damaged at its head, or more pixels.
    """
    format_ = format_of(data)
    if format_ is None:
        kind = content_name(data)
        raise ImageError(
            f"{shown} is not a picture that can be read.",
            f"Its bytes are {kind}{', and what can be read in it is a small preview' if kind == CAMERA_RAW else ''}.",
            "Save it as JPEG or TIFF with the camera's software, and give that."
            if kind == CAMERA_RAW
            else "Give a PNG, JPEG, WebP, GIF, TIFF, BMP, AVIF or HEIC file.",
        )
    most = max_pixels or MAX_PIXELS * (DRAFT_GAIN if format_ == "JPEG" else 1)
    factory = _plugin(format_, shown)
    _check_end(data, format_, shown)
    with pillow_errors(shown, format_):
        if format_ == "GIF":
            check_pixels(*gif_extent(data), shown, most)
        image: ImageFile = factory(io.BytesIO(data))
    image.format = format_
    if format_ == "PNG":
        # Pillow reads EXIF data that stand behind the pixels only after decoding, and the cICP chunk never.
        if "exif" not in image.info and (exif := chunk(data, b"eXIf", is_late=True)) is not None:
            image.info["exif"] = b"Exif\0\0" + exif
        code = chunk(data, b"cICP", is_late=False)
        if code is not None and len(code) == 4:  # primaries, transfer and matrix, and whether all values count
            image.info["cicp"] = code
    with image:
        check_pixels(*image.size, shown, most)
        _check_tiles(image, shown, most)
        yield image


def decode(image: ImageFile, shown: str) -> ImageFile:
    """
    Return the image with its pixels in memory.

    Raises:
        ImageError: damaged or cut off.
    """
    with pillow_errors(shown, image.format):
        image.load()
    return image


def file_of(image: Image, format: str, **options: Any) -> bytes:  # noqa: A002 (Pillow's own word)
    """Return the bytes of an image file; the options are those of Pillow's `save`."""
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def check_pixels(width: int, height: int, shown: str, most: int) -> None:
    """
    Check that a size may be decoded.

    Raises:
        ImageError: no pixels, or more than `most`.
    """
    if width < 1 or height < 1:
        raise ImageError(f"{shown} has no pixels.", f"Its size is {width}×{height}.", "Take another copy of it.")
    if width * height > most:
        raise ImageError(
            f"{shown} is too large: {width}×{height} pixels.",
            f"At most {most / 1e6:.0f} megapixels are decoded, so that no file can fill the memory.",
            "Save a smaller copy and give that.",
        )


@contextmanager
def pillow_errors(shown: str, format_: str | None) -> Iterator[None]:
    """Raise whatever Pillow raises on damaged bytes as an `ImageError`."""
    try:
        yield
    except ImageError:
        raise
    except MemoryError:
        raise ImageError(
            f"{shown} does not fit into memory.", "The system gave no more.", "Save a smaller copy."
        ) from None
    except Exception as problem:  # noqa: BLE001 (plugins raise anything, from struct.error to AttributeError)
        raise _damaged(shown, format_ or "a picture", _ailment(problem)) from bare_cause(problem)


def _damaged(shown: str, format_: str, ailment: str) -> ImageError:
    return ImageError(
        f"{shown} is damaged.",
        f"It begins as {format_}, but {ailment}.",
        "Download or save it again, or take another copy.",
    )


def _ailment(problem: Exception) -> str:
    words = str(problem).lower()
    if isinstance(problem, EOFError | IndexError) or "truncated" in words or "not processed" in words:
        return "it breaks off before its end"
    if "decompress" in words or "too large" in words or "bomb" in words:
        return "a part of it unpacks to more than is allowed"
    return "what follows makes no sense"


def _plugin(format_: str, shown: str) -> type[ImageFile]:
    module, name = _PLUGINS[format_]
    if format_ == "AVIF":
        _check_avif(shown)
    try:
        found: type[ImageFile] = getattr(importlib.import_module(module), name)
    except ImportError:
        if format_ != "HEIF":
            raise
        raise ImageError(
            f"{shown} is a HEIC picture.",
            "Reading those needs a package that is not installed.",
            'Run: pip install "nbbanana[heic]"',
        ) from None
    return found


def _check_avif(shown: str) -> None:
    from PIL import features

    if "avif" not in features.modules or not features.check("avif"):
        raise ImageError(
            f"{shown} is an AVIF picture.",
            "The installed Pillow cannot read those.",
            "Run: pip install --upgrade pillow, or save it as PNG.",
        )


def _check_tiles(image: ImageFile, shown: str, max_pixels: int) -> None:
    # A TIFF's tiles may be larger than the picture, and Pillow allocates a whole one.
    if image.format == "TIFF":
        tags = getattr(image, "tag_v2", {})
        width, length = tags.get(_TILE_WIDTH, 1), tags.get(_TILE_LENGTH, 1)
        if isinstance(width, int) and isinstance(length, int):
            check_pixels(max(width, 1), max(length, 1), shown, max_pixels)


def _check_end(data: bytes, format_: str, shown: str, scan: int = 0) -> None:
    """Check that the end is there, in formats that mark it; a JPEG's thumbnail has its own mark, before `scan`."""
    is_whole = {
        "PNG": lambda: data.rfind(b"IEND") > 0,
        "JPEG": lambda: data.rfind(b"\xff\xd9", scan) > 0,
        "WEBP": lambda: int.from_bytes(data[4:8], "little") + 8 <= len(data),
    }
    if format_ in is_whole and not is_whole[format_]():
        raise _damaged(shown, format_, "it breaks off before its end")


def exif_orientation(image: Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 where there is none or it cannot be read."""
    value = _exif(image).get(_ORIENTATION, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def seen_size(image: Image) -> tuple[int, int]:
    """Return width and height as a viewer shows a file whose pixels are not decoded yet."""
    width, height = image.size
    if image.format == "TIFF":
        # Some versions of Pillow have turned this size already, others turn it with the pixels.
        tags = getattr(image, "tag_v2", {})
        width, height = tags[_WIDTH], tags[_LENGTH]
    return (height, width) if exif_orientation(image) in _SIDEWAYS else (width, height)


def is_marked(image: Image) -> bool:
    """Return whether the picture carries `PLAY_MARK`."""
    if PLAY_MARK in str(image.info.get("Software", "")):
        return True
    return PLAY_MARK in str(_exif(image).get(_SOFTWARE, ""))


def _exif(image: Image) -> dict[int, object]:
    # A PNG is asked only for what stood before its pixels: Pillow would decode all of it to look behind them.
    if image.format == "PNG" and "exif" not in image.info:
        return {}
    # Broken EXIF is no reason to refuse a picture that shows: it is taken as if there were none.
    try:
        return dict(image.getexif())
    except Exception:  # noqa: BLE001 (Pillow raises anything on it, and warns, which may be an error too)
        return {}
