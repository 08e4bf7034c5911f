"""
A record inside a picture file, in the places where each format keeps such things. Pixels are not touched.

    PNG     an iTXt chunk `nbbanana` with the record, and the `parameters` text that other tools read
    JPEG    XMP in APP1 with the record, and the same text as EXIF UserComment where the file has no EXIF
    WebP    the same in `XMP ` and `EXIF`, with the VP8X header that they need

The text is as AUTOMATIC1111's web UI writes it (`parameters` in PNG; in the others a UserComment that begins with
`UNICODE` and goes on in big-endian UTF-16), which is what most viewers of such pictures look for.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress

from nbbanana.errors import ImageError
from nbbanana.store import xmp
from nbbanana.store.containers import APP1, Container, Part, jpeg_segment, open_container, png_chunk, riff_chunk

__all__ = ["MOST_RECORD", "embed", "embedded", "originals"]

KEYWORD = b"nbbanana"
MOST_RECORD = 4 << 20
"""Characters of a record that are read."""
_ITXT = KEYWORD + b"\0\0\0\0\0"
_PARAMETERS = b"parameters\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXIF = b"Exif\0\0"
_APP0, _APP1 = "E0", f"{APP1:02X}"
_HAS_XMP, _HAS_EXIF, _HAS_ALPHA = 0x04, 0x08, 0x10


def embed(data: bytes, record: str, parameters: str) -> bytes:
    """
    Return a copy of a file with a record in it, which takes the place of one that is there.

    Args:
        data: a PNG, JPEG or WebP file without Content Credentials.
        record: JSON in ASCII.
        parameters: the text for other tools.

    Raises:
        ImageError: another format, a damaged file, or one that the record does not fit into.
    """
    container = _bare(open_container(data))
    put = {"PNG": _into_png, "JPEG": _into_jpeg, "WEBP": _into_webp}[container.format]
    return container.file(put(container, record, parameters.replace("\0", "")))


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
        if part.kind == "iTXt" and part.data.startswith(_ITXT):
            text: str | None = part.data[len(_ITXT) :].decode("utf-8", "replace")
        else:
            packet = _packet(part)
            text = None if packet is None else xmp.record_in(packet)
        if text is not None and len(text) <= MOST_RECORD:
            return text
    return None


def originals(data: bytes) -> Iterator[bytes]:
    """
    Yield what a file may have been before `embed`; its SHA-256 says which.

    `embed` leaves no word of what it had to add beside the record, so there are up to four possibilities.
    """
    try:
        container = open_container(data)
    except ImageError:
        return
    bare = list(_bare(container).parts)
    if container.format == "WEBP":
        yield from _webp_originals(container, bare)
        return
    yield container.file(bare)
    yield container.file([part for part in bare if not _is_text(part)])


# PNG


def _into_png(container: Container, record: str, parameters: str) -> list[Part]:
    kept = list(container.parts)
    at = container.first("IDAT")
    added = [png_chunk("iTXt", _ITXT + record.encode("ascii"))]
    if not any(map(_is_text, kept)):
        added.insert(0, _parameters_chunk(parameters))
    return [*kept[:at], *added, *kept[at:]]


def _parameters_chunk(text: str) -> Part:
    try:
        return png_chunk("tEXt", _PARAMETERS + text.encode("latin-1"))
    except UnicodeEncodeError:
        return png_chunk("iTXt", _PARAMETERS + b"\0\0\0\0" + text.encode("utf-8", "replace"))


# JPEG


def _into_jpeg(container: Container, record: str, parameters: str) -> list[Part]:
    kept = list(container.parts)
    has_exif = any(part.kind == _APP1 and part.data.startswith(_EXIF) for part in kept)
    for at, part in enumerate(kept):
        if part.kind == _APP1 and part.data.startswith(_XMP):
            kept[at] = jpeg_segment(APP1, _XMP + _added(part.data[len(_XMP) :], record))
            return kept
    added = [jpeg_segment(APP1, _XMP + xmp.packet(record))]
    if not has_exif and len(comment := _EXIF + _user_comment(parameters)) <= 0xFFFF - 2:
        added.insert(0, jpeg_segment(APP1, comment))
    # JFIF's and EXIF's segments want to be the first ones.
    at = next((at for at, part in enumerate(kept) if not _leads(part)), len(kept))
    return [*kept[:at], *added, *kept[at:]]


def _leads(part: Part) -> bool:
    return part.kind == _APP0 or (part.kind == _APP1 and part.data.startswith(_EXIF))


def _added(packet: bytes, record: str) -> bytes:
    try:
        return xmp.with_record(packet, record)
    except ValueError:
        raise ImageError(
            "The file has XMP data that a record cannot be put into.", "It is not RDF in UTF-8.", "Use sidecar=True."
        ) from None


def _user_comment(text: str) -> bytes:
    """Return a big-endian TIFF block with nothing but EXIF's UserComment (tags 0x8769 and 0x9286; EXIF 2.32, 4.6)."""
    comment = b"UNICODE\0" + text.encode("utf-16-be", "replace")
    after = 8 + 2 + 12 + 4
    header = struct.pack(">2sHI", b"MM", 42, 8) + struct.pack(">HHHIII", 1, 0x8769, 4, 1, after, 0)
    return header + struct.pack(">HHHIII", 1, 0x9286, 7, len(comment), after + 2 + 12 + 4, 0) + comment


# WebP


def _into_webp(container: Container, record: str, parameters: str) -> list[Part]:
    kept = list(container.parts)
    if not kept or kept[0].kind != "VP8X":
        kept.insert(0, _vp8x(container))
    flags = _HAS_XMP
    if not any(part.kind == "EXIF" for part in kept):
        kept.insert(_end(kept), riff_chunk("EXIF", _user_comment(parameters)))
        flags |= _HAS_EXIF
    packets = [at for at, part in enumerate(kept) if part.kind == "XMP "]
    if packets:
        kept[packets[0]] = riff_chunk("XMP ", _added(kept[packets[0]].data, record))
    else:
        kept.insert(_end(kept), riff_chunk("XMP ", xmp.packet(record)))
    kept[0] = _flagged(kept[0], kept[0].data[0] | flags)
    return kept


def _end(parts: list[Part]) -> int:
    return len(parts) - (1 if parts and not parts[-1].kind else 0)


def _flagged(vp8x: Part, flags: int) -> Part:
    return riff_chunk("VP8X", bytes([flags]) + vp8x.data[1:])


def _vp8x(container: Container) -> Part:
    """The extended header of a simple file, with the size that its one picture says of itself (RFC 6386, RFC 9649)."""
    picture = container.parts[0] if container.parts else Part("", b"")
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


def _webp_originals(container: Container, bare: list[Part]) -> Iterator[bytes]:
    if not bare or bare[0].kind != "VP8X" or not bare[0].data:
        return
    flags = bare[0].data[0]
    if not any(part.kind == "XMP " for part in bare):
        flags &= ~_HAS_XMP
    yield container.file([_flagged(bare[0], flags), *bare[1:]])
    plain = [part for part in bare[1:] if part.kind != "EXIF"]
    yield container.file([_flagged(bare[0], flags & ~_HAS_EXIF), *plain])
    yield container.file(bare[1:])
    yield container.file(plain)


# All of them


def _packet(part: Part) -> bytes | None:
    if part.kind == "XMP ":
        return part.data
    if part.kind == _APP1 and part.data.startswith(_XMP):
        return part.data[len(_XMP) :]
    if part.kind == "iTXt" and part.data.startswith(b"XML:com.adobe.xmp\0\0\0\0\0"):
        return part.data[22:]
    return None


def _bare(container: Container) -> Container:
    parts = map(_without_record, container.parts)
    return Container(container.format, tuple(part for part in parts if part is not None))


def _without_record(part: Part) -> Part | None:
    """Return the part as it was before `embed`; None for one that was not there."""
    if part.kind == "iTXt" and part.data.startswith(_ITXT):
        return None
    packet = _packet(part)
    if packet is None or (before := xmp.without_record(packet)) == packet:
        return part
    if before == xmp.empty_packet():
        return None
    if part.kind == "XMP ":
        return riff_chunk("XMP ", before)
    return jpeg_segment(APP1, _XMP + before) if part.kind == _APP1 else part


def _is_text(part: Part) -> bool:
    """Return whether a part holds the text for other tools."""
    if part.kind in {"tEXt", "iTXt"}:
        return part.data.startswith(_PARAMETERS)
    return part.kind == _APP1 and part.data.startswith(_EXIF + b"MM") and b"UNICODE\0" in part.data[:60]
