"""
A record inside a picture file, as XMP, where each format keeps it. Pixels are not touched.

    PNG     an iTXt chunk `XML:com.adobe.xmp`
    JPEG    an APP1 segment
    WebP    an `XMP ` chunk, with the VP8X header that it needs

A file is taken apart and put together again: PNG is a row of chunks (PNG, third edition, section 5), JPEG a row of
marker segments up to its first scan (ITU-T T.81, annex B), WebP a row of RIFF chunks (WebP container specification).
Files may come from anywhere: whatever does not add up is an `ImageError`. A packet (ISO 16684-1) is written as text,
and read by expat without entities or external access.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from importlib import resources
from xml.etree import ElementTree as ET

from nbbanana.errors import ImageError, translated
from nbbanana.images.formats import format_of

__all__ = [
    "MOST_PACKET",
    "MOST_RECORD",
    "NAMESPACE",
    "Container",
    "Part",
    "embed",
    "embedded",
    "has_content_credentials",
    "jpeg_segment",
    "open_container",
    "originals",
    "png_chunk",
    "record_in",
    "riff_chunk",
]

MOST_RECORD = 4 << 20
"""Characters of a record that are read."""
NAMESPACE = "urn:nbbanana:provenance:1#"
MOST_PACKET = 8 << 20
"""Bytes of a packet that are looked at."""
PNG_BEGINNING = b"\x89PNG\r\n\x1a\n"
MOST_PARTS = 100_000
"""A file of more parts is refused: a 4K PNG in chunks of 8 KiB has some thousands."""
SCAN, APP1, APP11 = 0xDA, 0xE1, 0xEB
_APP0, _APP1 = "E0", f"{APP1:02X}"
_EXIF = b"Exif\0\0"
_KINDS = {"PNG": "iTXt", "JPEG": _APP1, "WEBP": "XMP "}
_BEGINNINGS = {"PNG": b"XML:com.adobe.xmp\0\0\0\0\0", "JPEG": b"http://ns.adobe.com/xap/1.0/\0", "WEBP": b""}
"""What stands before a packet in a part of these kinds."""
_HAS_XMP, _HAS_ALPHA = 0x04, 0x10
_RECORD = f"{{{NAMESPACE}}}record"
_END = b"</rdf:RDF>"
_BEFORE = (
    '<rdf:Description rdf:about="" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    f' xmlns:nbbanana="{NAMESPACE}"><nbbanana:record>'
).encode("ascii")
_AFTER = b"</nbbanana:record></rdf:Description>"


def embed(data: bytes, record: str) -> bytes:
    """
    Return a copy of a file with a record in it, which takes the place of one that is there.

    Args:
        data: a PNG, JPEG or WebP file without Content Credentials.
        record: JSON in ASCII.

    Raises:
        ImageError: another format, a damaged file, or one that the record does not fit into.
    """
    container = _bare(open_container(data))
    parts = list(container.parts)
    if container.format == "WEBP":
        parts = _extended(parts)
    for at, part in enumerate(parts):
        if (packet := _packet(container.format, part)) is not None:
            parts[at] = _part(container.format, _added(packet, record))
            return container.file(parts)
    parts.insert(_place(container.format, parts), _part(container.format, _added(_empty_packet(), record)))
    return container.file(parts)


def embedded(data: bytes) -> str | None:
    """
    Return the record in a file of unknown origin, unchecked; None where there is none or the file is damaged.

    Raises:
        Nothing, whatever the bytes are.
    """
    try:
        container = open_container(data)
    except ImageError:
        return None
    for part in container.parts:
        packet = _packet(container.format, part)
        text = None if packet is None else record_in(packet)
        if text is not None and len(text) <= MOST_RECORD:
            return text
    return None


def originals(data: bytes) -> Iterator[bytes]:
    """
    Yield what a file may have been before `embed`: its SHA-256 tells which.

    A WebP file had either an extended header already or none, so there are up to two possibilities.
    """
    try:
        container = _bare(open_container(data))
    except ImageError:
        return
    parts = list(container.parts)
    if parts and parts[0].kind == "VP8X" and parts[0].data:
        yield container.file(parts[1:])
        if not any(part.kind == "XMP " for part in parts):
            parts[0] = _flagged(parts[0], parts[0].data[0] & ~_HAS_XMP)
    yield container.file(parts)


def _place(format_: str, parts: list[Part]) -> int:
    """Return where a new packet goes: before PNG's pixels, behind JFIF's and EXIF's segments, last in WebP."""
    if format_ == "PNG":
        return next((at for at, part in enumerate(parts) if part.kind == "IDAT"), len(parts))
    if format_ == "JPEG":
        leads = [part.kind == _APP0 or (part.kind == _APP1 and part.data.startswith(_EXIF)) for part in parts]
        return [*leads, False].index(False)
    return len(parts) - (1 if parts and not parts[-1].kind else 0)


def _added(packet: bytes, record: str) -> bytes:
    """Return a packet with a record beside what it holds."""
    head, end, tail = packet.rpartition(_END)
    if not end:
        raise ImageError(
            "The file has XMP data that a record cannot be put into.", "It is not RDF in UTF-8.", "Use sidecar=True."
        )
    return head + _BEFORE + escape(record, quote=False).encode("ascii") + _AFTER + end + tail


def _extended(parts: list[Part]) -> list[Part]:
    """Return the chunks of a WebP file with a header that says that there is XMP."""
    if not parts or parts[0].kind != "VP8X" or not parts[0].data:
        parts = [_vp8x(parts), *parts]
    return [_flagged(parts[0], parts[0].data[0] | _HAS_XMP), *parts[1:]]


def _flagged(vp8x: Part, flags: int) -> Part:
    return riff_chunk("VP8X", bytes([flags]) + vp8x.data[1:])


def _vp8x(parts: list[Part]) -> Part:
    """Return the extended header of a simple file, with the size of its one picture (RFC 6386, RFC 9649)."""
    picture = parts[0] if parts else Part("", b"")
    with suppress(struct.error):
        if picture.kind == "VP8 ":
            width, height = struct.unpack_from("<HH", picture.data, 6)
            return _header(0, (width & 0x3FFF) - 1, (height & 0x3FFF) - 1)
        if picture.kind == "VP8L":
            (bits,) = struct.unpack_from("<I", picture.data, 1)
            return _header(_HAS_ALPHA if bits >> 28 & 1 else 0, bits & 0x3FFF, bits >> 14 & 0x3FFF)
    raise ImageError("The WEBP file is damaged.", "It does not begin with a picture.", "Get it again.")


def _header(flags: int, across: int, down: int) -> Part:
    sizes = max(across, 0).to_bytes(3, "little") + max(down, 0).to_bytes(3, "little")
    return riff_chunk("VP8X", bytes([flags, 0, 0, 0]) + sizes)


def _packet(format_: str, part: Part) -> bytes | None:
    """Return the XMP packet of a part; None for any other part."""
    beginning = _BEGINNINGS[format_]
    is_xmp = part.kind == _KINDS[format_] and part.data.startswith(beginning)
    return part.data[len(beginning) :] if is_xmp else None


def _part(format_: str, packet: bytes) -> Part:
    data = _BEGINNINGS[format_] + packet
    if format_ == "JPEG":
        return jpeg_segment(APP1, data)
    return png_chunk("iTXt", data) if format_ == "PNG" else riff_chunk("XMP ", data)


def _bare(container: Container) -> Container:
    """Return the file as it was before `embed`, but for WebP's header."""
    parts: list[Part] = []
    for part in container.parts:
        packet = _packet(container.format, part) or b""
        head, start, rest = packet.partition(_BEFORE)
        _, end, tail = rest.partition(_AFTER)
        if not (start and end):  # no record stands there as `_added` wrote it
            parts.append(part)
        elif head + tail != _empty_packet():
            parts.append(_part(container.format, head + tail))
    return Container(container.format, tuple(parts))


def _empty_packet() -> bytes:
    """Return a packet with nothing in it."""
    return resources.files(__package__).joinpath("packet.xmp").read_bytes().strip()


def record_in(data: bytes) -> str | None:
    """Return the record of a packet of unknown origin, also if another program rewrote it; None without one."""
    if len(data) > MOST_PACKET:
        return None
    reader = _Reader()
    parser = ET.XMLParser(target=reader)  # noqa: S314 - it refuses document types, so there are no entities
    try:
        parser.feed(data.rstrip(b"\0"))
        parser.close()
    except (ET.ParseError, ValueError, LookupError):
        return None
    return "".join(reader.found) or None


class _Reader:
    """Collects the text of `record`, written as an element or as an attribute."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._is_inside = False

    def doctype(self, *_: object) -> None:
        raise ValueError("a document type")

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._is_inside = name == _RECORD
        self.found += [text for key, text in attributes.items() if key == _RECORD]

    def end(self, _name: str) -> None:
        self._is_inside = False

    def data(self, text: str) -> None:
        if self._is_inside:
            self.found.append(text)


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
    with translated((struct.error, IndexError), lambda _: _broken(format_, "it is cut off")):
        for part in walks[format_](data):
            parts.append(part)
            if len(parts) > MOST_PARTS:
                raise _broken(format_, f"it has more than {MOST_PARTS:,} parts")
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
