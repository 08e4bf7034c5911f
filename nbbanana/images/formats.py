"""What bytes are, read from the bytes: the picture formats that are taken, and names for what is no picture."""

from __future__ import annotations

import struct

__all__ = ["MIME", "format_of", "gif_extent", "stranger"]

MIME = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "TIFF": "image/tiff",
    "BMP": "image/bmp",
    "AVIF": "image/avif",
    "HEIF": "image/heic",
}
"""The media type of each format that is taken."""

_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
    (b"BM", "BMP"),
)
_BRANDS = {
    "AVIF": {b"avif", b"avis"},
    "HEIF": {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"},
}
"""Brands of the ISO base media format (the registry at mp4ra.org) that say still pictures."""

_STRANGERS = (
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript file"),
    (b"8BPS", "a Photoshop document"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture, which cannot be read here"),
    (b"\xff\x0a", "a JPEG XL picture, which cannot be read here"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture, which cannot be read here"),
    (b"\x00\x00\x01\x00", "an icon file"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file it stands for"),
)
_MARKUP = (
    (b"<svg", "an SVG drawing, which is text and has no pixels"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"<?xml", "an XML document"),
)


def format_of(data: bytes) -> str | None:
    """
    The format that the first bytes promise, one of `MIME`, or None.

    >>> format_of(b"GIF89a..."), format_of(b"<svg>")
    ('GIF', None)
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        return _format_of_brands(data)
    return next((format_ for beginning, format_ in _BEGINNINGS if data.startswith(beginning)), None)


def _format_of_brands(data: bytes) -> str | None:
    size = int.from_bytes(data[:4], "big")
    brands = [data[8:12], *(data[at : at + 4] for at in range(16, min(size, 256), 4))]
    for brand in brands:
        for format_, known in _BRANDS.items():
            # `mif1` only says "pictures": AVIF files carry it too, next to their own brand.
            if brand in known and not (brand == b"mif1" and _BRANDS["AVIF"] & set(brands)):
                return format_
    return None


def stranger(data: bytes) -> str:
    """
    What bytes are that are no picture, in words.

    >>> stranger(b"%PDF-1.7")
    'a PDF document'
    """
    for beginning, words in _STRANGERS:
        if data.startswith(beginning):
            return words
    if data[4:8] == b"ftyp":
        return "a video"
    head = data[:2048].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(b"<"):
        return next((words for tag, words in _MARKUP if tag in head), "markup")
    return "text" if _is_text(data[:2048]) else "in no picture format that is known here"


def _is_text(head: bytes) -> bool:
    # The last character may be cut in two, so a few bytes at the end do not count.
    try:
        text = head[: max(len(head) - 3, 1)].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character in "\t\r\n\f" for character in text)


def gif_extent(data: bytes) -> tuple[int, int]:
    """
    Width and height that a GIF needs: Pillow lets its first frame enlarge the screen (GIF89a, sections 18 and 20).

    Raises:
        IndexError, struct.error: it breaks off before the end of its first frame.
    """
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at = 13 + _palette_size(flags)
    while data[at] != 0x3B:
        if data[at] == 0x2C:
            left, top, across, down, flags = struct.unpack_from("<4HB", data, at + 1)
            _after_blocks(data, at + 11 + _palette_size(flags))
            return max(width, left + across), max(height, top + down)
        at = _after_blocks(data, at + 2) if data[at] == 0x21 else at + 1
    return width, height


def _after_blocks(data: bytes, at: int) -> int:
    while data[at]:
        at += data[at] + 1
    return at + 1


def _palette_size(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0
