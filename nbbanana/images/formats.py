"""
What bytes are, read from the bytes: the picture formats that are taken, names for what is no picture, and what a PNG
says in its chunks that Pillow leaves out.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

__all__ = [
    "CAMERA_RAW",
    "MIME",
    "bad_checksum",
    "chunk",
    "content_name",
    "format_of",
    "gif_extent",
]

CAMERA_RAW = "a camera's raw file"

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
    (b"FUJIFILMCCD-RAW", CAMERA_RAW),  # RAF
    (b"FOVb", CAMERA_RAW),  # X3F
    (b"\x00MRM", CAMERA_RAW),  # MRW
    (b"II\x1a\x00\x00\x00HEAPCCDR", CAMERA_RAW),  # CRW
    (b"IIRO", CAMERA_RAW),  # ORF
    (b"IIRS", CAMERA_RAW),
    (b"MMOR", CAMERA_RAW),
    (b"IIU\x00", CAMERA_RAW),  # RW2
    (b"IIII", CAMERA_RAW),  # IIQ
    (b"MMMM", CAMERA_RAW),
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
    Return the format that the first bytes promise, one of `MIME`, or None.

    >>> format_of(b"GIF89a..."), format_of(b"<svg>")
    ('GIF', None)
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        return _format_of_brands(data)
    format_ = next((format_ for beginning, format_ in _BEGINNINGS if data.startswith(beginning)), None)
    return None if format_ == "TIFF" and is_raw_tiff(data) else format_


def _format_of_brands(data: bytes) -> str | None:
    size = int.from_bytes(data[:4], "big")
    brands = [data[8:12], *(data[at : at + 4] for at in range(16, min(size, 256), 4))]
    for brand in brands:
        for format_, known in _BRANDS.items():
            # `mif1` only says "pictures": AVIF files carry it too, next to their own brand.
            if brand in known and not (brand == b"mif1" and _BRANDS["AVIF"] & set(brands)):
                return format_
    return None


def content_name(data: bytes) -> str:
    """
    Return what bytes are that are no picture, in words.

    >>> content_name(b"%PDF-1.7")
    'a PDF document'
    """
    for beginning, words in _STRANGERS:
        if data.startswith(beginning):
            return words
    if data[4:8] == b"ftyp":
        return CAMERA_RAW if data[8:12] == b"crx " else "a video"
    if data[:2] in {b"II", b"MM"} and is_raw_tiff(data):
        return CAMERA_RAW
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
    Return the size that a GIF needs: Pillow lets its first frame enlarge the screen (GIF89a, sections 18 and 20).

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


SIGNATURE_SIZE = 8
MOST_CHUNKS = 100_000


def chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the chunks of a PNG: kind, offset of the data, and their length; stops where they make no sense."""
    at = SIGNATURE_SIZE
    for _ in range(MOST_CHUNKS):
        if at + 12 > len(data):
            return
        length, kind = struct.unpack_from(">I4s", data, at)
        if at + 12 + length > len(data):
            return
        yield kind, at + 8, length
        at += 12 + length
        if kind == b"IEND":
            return


def bad_checksum(data: bytes) -> bool:
    """Return whether a chunk of a PNG has another CRC than it says, so that something happened to its bytes."""
    view = memoryview(data)
    return any(
        zlib.crc32(view[at - 4 : at + length]) != struct.unpack_from(">I", data, at + length)[0]
        for _, at, length in chunks(data)
    )


def chunk(data: bytes, wanted: bytes, *, is_late: bool) -> bytes | None:
    """Return what the first chunk of a kind in a PNG holds; None unless it stands behind the pixels, or before them."""
    are_pixels_over = False
    for kind, at, length in chunks(data) if wanted in data else ():
        if kind == wanted:
            return data[at : at + length] if are_pixels_over is is_late else None
        are_pixels_over = are_pixels_over or kind == b"IDAT"
    return None


_SUBFILE, _COMPRESSION, _PHOTOMETRIC, _SUB_IFDS, _DNG_VERSION, _PHASE_ONE = 254, 259, 262, 330, 50706, 50459
_RAW_PHOTOMETRICS = frozenset({32803, 34892})
"""Colour filter array and linear raw (TIFF/EP, DNG 1.7)."""
_RAW_COMPRESSIONS = frozenset({32767, 32769, 32770, 34713, 65000, 65535})
"""Sony ARW, packed raw, Samsung SRW, Nikon NEF, Kodak DCR and Pentax PEF."""
MOST_DIRECTORIES, MOST_ENTRIES = 16, 512


def is_raw_tiff(data: bytes) -> bool:
    """
    Return whether a TIFF is a camera's raw file: DNG, NEF, CR2, ARW, PEF, SRW, 3FR, IIQ and their like.

    What an ordinary reader finds in one first is a small preview. A directory of it says that it holds raw pixels, or
    the first one says that it is only a reduced version of another.
    """
    if data[8:12] in {b"IIII", b"MMMM"} or data[8:10] == b"CR":
        return True
    for number, tags in enumerate(_directories(data)):
        first = {tag: values[0] for tag, values in tags.items() if values}
        if (
            _DNG_VERSION in tags
            or _PHASE_ONE in tags
            or first.get(_PHOTOMETRIC) in _RAW_PHOTOMETRICS
            or first.get(_COMPRESSION) in _RAW_COMPRESSIONS
            or (number == 0 and first.get(_SUBFILE, 0) & 1 and _SUB_IFDS in tags)
        ):
            return True
    return False


def _directories(data: bytes) -> Iterator[dict[int, tuple[int, ...]]]:
    """Yield the directories of a TIFF or BigTIFF, nested ones too, by tag; stops where they make no sense."""
    order, is_big = "<" if data[:2] == b"II" else ">", data[2:4] in {b"+\x00", b"\x00+"}
    head, entry, count, offset = ("Q", "HHQ8s", "Q", 16) if is_big else ("H", "HHI4s", "I", 8)
    start = struct.Struct(order + count)
    pending, seen = [], set[int]()
    try:
        pending.append(start.unpack_from(data, offset - start.size)[0])
        while pending and len(seen) < MOST_DIRECTORIES:
            at = pending.pop(0)
            if not at or at in seen:
                continue
            seen.add(at)
            entries = min(struct.unpack_from(order + head, data, at)[0], MOST_ENTRIES)
            at += struct.calcsize(head)
            size = struct.calcsize(order + entry)
            rows = [struct.unpack_from(order + entry, data, at + n * size) for n in range(entries)]
            yield (tags := {tag: _values(data, order, kind, many, raw) for tag, kind, many, raw in rows})
            pending += tags.get(_SUB_IFDS, ())
            pending.append(start.unpack_from(data, at + entries * size)[0])
    except (struct.error, OverflowError):
        return


def _values(data: bytes, order: str, kind: int, many: int, raw: bytes) -> tuple[int, ...]:
    """Return the whole numbers of an entry, the first few of them; none where it holds something else."""
    code = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}.get(kind)
    if code is None:
        return ()
    layout = f"{order}{min(many, MOST_DIRECTORIES)}{code}"
    is_inside = struct.calcsize(f"{order}{code}") * many <= len(raw)
    try:
        if is_inside:
            return struct.unpack_from(layout, raw)
        return struct.unpack_from(layout, data, int.from_bytes(raw, "little" if order == "<" else "big"))
    except (struct.error, OverflowError):
        return ()
