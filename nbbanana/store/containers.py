"""
Picture files as their parts, so that metadata goes in and out and no pixel is touched.

PNG is a row of chunks (PNG, third edition, section 5), JPEG a row of marker segments up to its first scan (ITU-T T.81,
annex B), WebP a row of RIFF chunks (WebP container specification). Files may come from anywhere: whatever does not
add up is an `ImageError`.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nbbanana.errors import ImageError
from nbbanana.images.formats import format_of

__all__ = ["Container", "Part", "has_content_credentials", "jpeg_segment", "open_container", "png_chunk", "riff_chunk"]

PNG_BEGINNING = b"\x89PNG\r\n\x1a\n"
MOST_PARTS = 100_000
"""A file of more parts is refused: a 4K PNG in chunks of 8 KiB has some thousands."""
STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})
"""JPEG markers without a length: TEM and RST0 to RST7."""
SCAN, APP1, APP11 = 0xDA, 0xE1, 0xEB


@dataclass(frozen=True, slots=True)
class Part:
    """
    A chunk or segment.

    Args:
        kind: `iTXt`, `APP1` as `E1`, `XMP `: as the format names it; empty for what is carried along unread.
        raw: all its bytes, with length and checksum.
        data: what it holds.
    """

    kind: str
    raw: bytes
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Container:
    """
    A file as its parts.

    Args:
        format: `PNG`, `JPEG` or `WEBP`.
        parts: in their order; joined they are the file, but for the beginning of PNG, JPEG and RIFF.
    """

    format: str
    parts: tuple[Part, ...]

    def file(self, parts: Sequence[Part] | None = None) -> bytes:
        """Return the bytes of the file, or of one with other parts."""
        body = b"".join(part.raw for part in (self.parts if parts is None else parts))
        if self.format == "PNG":
            return PNG_BEGINNING + body
        if self.format == "JPEG":
            return b"\xff\xd8" + body
        kept = sum(len(part.raw) for part in (self.parts if parts is None else parts) if part.kind)
        return b"RIFF" + struct.pack("<I", kept + 4) + b"WEBP" + body


def open_container(data: bytes) -> Container:
    """
    Take a file apart.

    Raises:
        ImageError: neither PNG, JPEG nor WebP, or its parts do not add up.
    """
    format_ = format_of(data)
    walks = {"PNG": _png, "JPEG": _jpeg, "WEBP": _webp}
    if format_ not in walks:
        raise ImageError("The file cannot be taken apart.", "It is neither PNG, JPEG nor WebP.", "Give one of those.")
    parts: list[Part] = []
    try:
        for part in walks[format_](data):
            parts.append(part)
            if len(parts) > MOST_PARTS:
                raise _broken(format_, f"it has more than {MOST_PARTS:,} parts")
    except (struct.error, IndexError):
        raise _broken(format_, "it is cut off") from None
    return Container(format_, tuple(parts))


def has_content_credentials(data: bytes) -> bool:
    """
    Return whether a file carries Content Credentials, a signed statement of its origin; False also for no picture.

    Found by where C2PA puts them (C2PA specification 2.1, annex A): a `caBX` chunk in PNG, JUMBF in APP11 in JPEG, a
    `C2PA` chunk in RIFF. Found is not verified.
    """
    if not any(mark in data for mark in (b"caBX", b"C2PA", b"jumb")):
        return False  # most files: nothing to take apart
    try:
        parts = open_container(data).parts
    except ImageError:
        return False
    return any(part.kind in {"caBX", "C2PA"} or _is_manifest(part) for part in parts)


def png_chunk(kind: str, data: bytes) -> Part:
    """Return a PNG chunk."""
    name = kind.encode("ascii")
    check = zlib.crc32(data, zlib.crc32(name))
    return Part(kind, struct.pack(">I", len(data)) + name + data + struct.pack(">I", check), data)


def jpeg_segment(marker: int, data: bytes) -> Part:
    """
    Return a JPEG marker segment.

    Raises:
        ImageError: more than the 65,533 bytes that one can hold.
    """
    if len(data) > 0xFFFF - 2:
        raise ImageError(
            "The record does not fit into a JPEG file.",
            f"It has {len(data):,} bytes, a segment holds 65,533.",
            "Use sidecar=True.",
        )
    return Part(f"{marker:02X}", struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data, data)


def riff_chunk(kind: str, data: bytes) -> Part:
    """Return a RIFF chunk."""
    return Part(kind, kind.encode("ascii") + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2), data)


def _is_manifest(part: Part) -> bool:
    # APP11 of JPEG XT: "JP", box number, packet number, then the box: its length, its type, the description.
    return part.kind == f"{APP11:02X}" and part.data[:2] == b"JP" and part.data[12:16] == b"jumb"


def _png(data: bytes) -> Iterator[Part]:
    at = len(PNG_BEGINNING)
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            raise _broken("PNG", "it is cut off")
        yield Part(kind.decode("latin-1"), data[at:end], data[at + 8 : end - 4])
        at = end
        if kind == b"IEND":
            break
    yield from _rest(data, at)


def _jpeg(data: bytes) -> Iterator[Part]:
    at = 2
    while at < len(data):
        start = at
        if data[at] != 0xFF:
            raise _broken("JPEG", "a marker is missing")
        while data[at] == 0xFF:
            at += 1
        marker = data[at]
        if marker == SCAN or marker == 0xD9:  # noqa: PLR1714 - two markers with two meanings
            yield from _rest(data, start)
            return
        if marker in STANDALONE:
            at += 1
            yield Part(f"{marker:02X}", data[start:at])
            continue
        (length,) = struct.unpack_from(">H", data, at + 1)
        end = at + 1 + length
        if length < 2 or end > len(data):
            raise _broken("JPEG", "it is cut off")
        yield Part(f"{marker:02X}", data[start:end], data[at + 3 : end])
        at = end


def _webp(data: bytes) -> Iterator[Part]:
    (size,) = struct.unpack_from("<I", data, 4)
    at, last = 12, min(8 + size, len(data))
    while at + 8 <= last:
        kind, length = struct.unpack_from("<4sI", data, at)
        end = at + 8 + length
        if end > last:
            raise _broken("WEBP", "it is cut off")
        padded = min(end + length % 2, last)
        yield Part(kind.decode("latin-1"), data[at:padded], data[at + 8 : end])
        at = padded
    yield from _rest(data, at)


def _rest(data: bytes, at: int) -> Iterator[Part]:
    if at < len(data):
        yield Part("", data[at:])


def _broken(format_: str, why: str) -> ImageError:
    return ImageError(f"The {format_} file is damaged.", f"Its parts do not add up: {why}.", "Get it again.")
