"""
A record inside a picture file, as XMP, where each format keeps it. Pixels are not touched.

    PNG     an iTXt chunk `XML:com.adobe.xmp`
    JPEG    an APP1 segment
    WebP    an `XMP ` chunk, with the VP8X header that it needs

A packet (ISO 16684-1) is written as text, and read by expat without entities or external access.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from html import escape
from importlib import resources
from xml.parsers import expat

from nbbanana.errors import ImageError
from nbbanana.store.containers import APP1, Container, Part, jpeg_segment, open_container, png_chunk, riff_chunk

__all__ = [
    "MOST_PACKET",
    "MOST_RECORD",
    "NAMESPACE",
    "embed",
    "embedded",
    "empty_packet",
    "originals",
    "record_in",
    "with_record",
    "without_record",
]


MOST_RECORD = 4 << 20
"""Characters of a record that are read."""
_APP0, _APP1 = "E0", f"{APP1:02X}"
_EXIF = b"Exif\0\0"
_KINDS = {"PNG": "iTXt", "JPEG": _APP1, "WEBP": "XMP "}
_BEGINNINGS = {"PNG": b"XML:com.adobe.xmp\0\0\0\0\0", "JPEG": b"http://ns.adobe.com/xap/1.0/\0", "WEBP": b""}
"""What stands before a packet in a part of these kinds."""
_HAS_XMP, _HAS_ALPHA = 0x04, 0x10


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
    parts.insert(_place(container.format, parts), _part(container.format, _added(empty_packet(), record)))
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
        return next((at for at, part in enumerate(parts) if not _leads(part)), len(parts))
    return len(parts) - (1 if parts and not parts[-1].kind else 0)


def _leads(part: Part) -> bool:
    return part.kind == _APP0 or (part.kind == _APP1 and part.data.startswith(_EXIF))


def _added(packet: bytes, record: str) -> bytes:
    try:
        return with_record(packet, record)
    except ValueError:
        raise ImageError(
            "The file has XMP data that a record cannot be put into.", "It is not RDF in UTF-8.", "Use sidecar=True."
        ) from None


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
        packet = _packet(container.format, part)
        before = None if packet is None else without_record(packet)
        if before is None or before == packet:
            parts.append(part)
        elif before != empty_packet():
            parts.append(_part(container.format, before))
    return Container(container.format, tuple(parts))


NAMESPACE = "urn:nbbanana:provenance:1#"
MOST_PACKET = 8 << 20
"""Bytes of a packet that are looked at."""
_END = b"</rdf:RDF>"
_BEFORE = (
    '<rdf:Description rdf:about="" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    f' xmlns:nbbanana="{NAMESPACE}"><nbbanana:record>'
).encode("ascii")
_AFTER = b"</nbbanana:record></rdf:Description>"


class _ForbiddenError(Exception):
    """A packet that declares a document type."""


def empty_packet() -> bytes:
    """Return a packet with nothing in it."""
    return resources.files(__package__).joinpath("packet.xmp").read_bytes().strip()


def with_record(existing: bytes, record: str) -> bytes:
    """
    Return a packet with a record beside what it holds.

    Raises:
        ValueError: not a packet in UTF-8 that a description could be put into.
    """
    head, end, tail = existing.rpartition(_END)
    if not end:
        raise ValueError("no RDF")
    return head + _BEFORE + escape(record, quote=False).encode("ascii") + _AFTER + end + tail


def without_record(existing: bytes) -> bytes:
    """Return the packet as it was before `with_record`; unchanged where no record stands as that wrote it."""
    head, before, rest = existing.partition(_BEFORE)
    _, after, tail = rest.partition(_AFTER)
    return head + tail if before and after else existing


def record_in(data: bytes) -> str | None:
    """Return the record of a packet of unknown origin, also if another program rewrote it; None without one."""
    if len(data) > MOST_PACKET:
        return None
    reader = _Reader()
    try:
        reader.parser.Parse(data.rstrip(b"\0"), True)  # noqa: FBT003 - expat takes it by its place
    except (expat.ExpatError, _ForbiddenError, ValueError, LookupError):
        return None
    return "".join(reader.found) or None


class _Reader:
    """Collects the text of `record`, written as an element or as an attribute."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._name = f"{NAMESPACE} record"
        self._inside = False
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.EntityDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def _refuse(self, *_: object) -> None:
        raise _ForbiddenError

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._inside = name == self._name
        self.found += [text for key, text in attributes.items() if key == self._name]

    def _end(self, _name: str) -> None:
        self._inside = False

    def _text(self, text: str) -> None:
        if self._inside:
            self.found.append(text)
