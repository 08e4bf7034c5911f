"""Files that are no pictures, or broken ones, by name: what each test of refusal goes through."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image, features

SIDE = 96
HAS_AVIF = "avif" in features.modules and features.check("avif")
FORMATS = ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", *(["AVIF"] if HAS_AVIF else [])]
"""The formats that this Pillow writes and reads."""


def texture(mode: str = "RGB", size: tuple[int, int] = (SIDE, SIDE)) -> Image.Image:
    """A picture that does not compress to nothing, the same every time."""
    pixels = np.random.default_rng(7).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


def encoded(format_: str, image: Image.Image | None = None, **options: object) -> bytes:
    """The bytes of a picture in a format."""
    buffer = io.BytesIO()
    (texture() if image is None else image).save(buffer, format_, **options)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    """A PNG chunk with a right checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *chunks: bytes, pixels: bytes = b"") -> bytes:
    """A PNG of grey pixels with whatever chunks before them."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def zeros(amount: int) -> bytes:
    """So many zero bytes, whole megabytes of them, deflated: a thousandth of that, written without deflating each."""
    squeeze = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    megabyte = squeeze.compress(bytes(2**20)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    end = b"\x03\x00" + struct.pack(">I", (amount % 65521) << 16 | 1)  # an empty block, and the sum of the zeros
    return b"\x78\xda" + megabyte * (amount // 2**20) + end


def gif(screen: tuple[int, int], frame: tuple[int, int] | None) -> bytes:
    """A GIF with a screen, and a frame of its own size on it."""
    data = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x80, 0, 0) + bytes(6)
    if frame is not None:
        data += b"\x2c" + struct.pack("<4HB", 0, 0, *frame, 0) + b"\x02\x02\x4c\x01\x00"
    return data + b"\x3b"


def tiff(*entries: tuple[int, int], after: int = 0) -> bytes:
    """A TIFF of one directory of long integers, and where the next directory would be."""
    body = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(entries))
    return b"II*\x00" + struct.pack("<I", 8) + struct.pack("<H", len(entries)) + body + struct.pack("<I", after)


def bmp(width: int, height: int) -> bytes:
    """The head of a BMP, and no pixels."""
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + head


def box(kind: bytes, data: bytes) -> bytes:
    """A box of the ISO base media format."""
    return struct.pack(">I", len(data) + 8) + kind + data


def webp_canvas(width: int, height: int) -> bytes:
    """An extended WebP that promises a canvas and has one broken frame."""
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBP" + b"VP8X" + struct.pack("<I", 10) + bytes(4) + sizes + b"VP8 " + struct.pack("<I", 4) + bytes(4)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def jpeg_of_size(width: int, height: int) -> bytes:
    """A small JPEG that claims another size."""
    data = bytearray(encoded("JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def broken_in_the_middle(data: bytes) -> bytes:
    """The same with a stretch of its middle turned over."""
    middle = len(data) // 2
    return data[:middle] + bytes(byte ^ 0xFF for byte in data[middle : middle + 400]) + data[middle + 400 :]


GREY = [(256, SIDE), (257, SIDE), (258, 8), (259, 1), (262, 1), (277, 1), (278, SIDE), (279, SIDE * SIDE)]
"""The TIFF tags of a grey picture without compression, but for where it lies."""

BOMB = zeros(256 * 2**20)

STRANGERS: dict[str, bytes] = {
    "text": b"Keep the subject. Make it snow.\n" * 9,
    "text in UTF-16": "Keep the subject".encode("utf-16"),
    "html": b"<!DOCTYPE html><html><body>404</body></html>",
    "html in lower case": b"\n  <html lang=en>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>',
    "svg behind an XML head": b'<?xml version="1.0"?>\n<!-- x -->\n<svg onload="x"/>',
    "xml": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    "zip": b"PK\x03\x04" + bytes(60),
    "gzip": b"\x1f\x8b\x08" + bytes(60),
    "photoshop": b"8BPS\x00\x01" + bytes(60),
    "icon": b"\x00\x00\x01\x00\x01\x00" + bytes(60),
    "jpeg xl": b"\x00\x00\x00\x0cJXL \r\n\x87\n" + bytes(60),
    "jpeg 2000": b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(60),
    "video": box(b"ftyp", b"isom" + bytes(4) + b"isomavc1") + bytes(60),
    "matroska": b"\x1aE\xdf\xa3" + bytes(60),
    "git lfs pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
    "noise": bytes(range(7, 250)),
    "one byte": b"\x00",
}
"""Files that are no picture at all."""

BROKEN: dict[str, bytes] = {
    "png without anything": b"\x89PNG\r\n\x1a\n",
    "png without pixels": png(9, 9),
    "png of garbage pixels": png(9, 9, pixels=b"\x78\x9c" + bytes(30)),
    "png of no width": png(0, 9, pixels=zlib.compress(bytes(9))),
    "png wider than memory": png(2**31 - 1, 2**31 - 1),
    "png of ten gigapixels": png(100_000, 100_000, pixels=zeros(2**20)),
    "png with a bomb for a profile": png(9, 9, chunk(b"iCCP", b"x\x00\x00" + BOMB)),
    "png with a bomb for a text": png(
        9, 9, chunk(b"zTXt", b"Software\x00\x00" + BOMB), pixels=zlib.compress(bytes(90))
    ),
    "png with a bomb for an international text": png(9, 9, chunk(b"iTXt", b"a\x00\x01\x00\x00\x00" + BOMB)),
    "png cut off": encoded("PNG")[:-2000],
    "png cut off and ended": encoded("PNG")[:-9000] + chunk(b"IEND", b""),
    "png with a wrong checksum": encoded("PNG").replace(b"IHDR\x00", b"IHDR\x01", 1),
    "png turned over in the middle": broken_in_the_middle(encoded("PNG")),
    "jpeg of three bytes": b"\xff\xd8\xff",
    "jpeg cut off in its head": encoded("JPEG")[:200],
    "jpeg cut off": encoded("JPEG")[:-1500],
    "jpeg cut off and ended": encoded("JPEG")[:400] + b"\xff\xd9",
    "jpeg of four gigapixels": jpeg_of_size(65_500, 65_500),
    "jpeg of no height": jpeg_of_size(96, 0),
    "gif without a frame": gif((9, 9), None),
    "gif cut off": encoded("GIF")[:-3000],
    "gif whose frame is larger than memory": gif((9, 9), (65_535, 65_535)),
    "gif whose frame is larger than allowed": gif((9, 9), (10_000, 10_000)),
    "gif of no size": gif((0, 0), (0, 0)),
    "tiff of eight bytes": b"II*\x00\x08\x00\x00\x00",
    "tiff that points behind its end": b"MM\x00*\x7f\xff\xff\xff",
    "tiff without tags": tiff(),
    "tiff of ten gigapixels": tiff(*[(t, 100_000 if t in {256, 257} else v) for t, v in GREY], (273, 8)),
    "tiff with a tile larger than memory": tiff(*GREY[:6], (322, 65_536), (323, 65_536), (324, 8), (325, 9)),
    "tiff with a tile larger than allowed": tiff(*GREY[:6], (322, 10_000), (323, 10_000), (324, 8), (325, 9)),
    "tiff whose pixels lie behind its end": tiff(*GREY, (273, 10**8)),
    "tiff cut off": encoded("TIFF")[:-4000],
    "bmp without pixels": bmp(90, 90),
    "bmp of ten gigapixels": bmp(100_000, 100_000),
    "bmp cut off": encoded("BMP")[:-4000],
    "webp of twelve bytes": b"RIFF\x04\x00\x00\x00WEBP",
    "webp cut off": encoded("WEBP", quality=90)[:-600],
    "webp of a huge canvas": webp_canvas(16_384, 16_384),
    "avif of a head": box(b"ftyp", b"avif" + bytes(4) + b"avifmif1"),
}
"""Files that begin as a picture and are none that can be used."""

if HAS_AVIF:
    BROKEN["avif cut off"] = encoded("AVIF", quality=90)[:-600]

RAW: dict[str, bytes] = {
    "DNG": tiff(*GREY, (273, 8), (50706, 0x0000_0401)),
    "NEF": tiff((254, 1), *GREY, (273, 8), (330, 200)),
    "NEF without a mark on its preview": tiff(*GREY, (273, 8), (330, 8 + 2 + 10 * 12 + 4))
    + tiff((259, 34713), (262, 32803))[8:],
    "ARW": tiff(*[(t, 32767 if t == 259 else v) for t, v in GREY], (273, 8)),
    "PEF": tiff(*[(t, 65535 if t == 259 else v) for t, v in GREY], (273, 8)),
    "CR2": b"II*\x00\x10\x00\x00\x00CR\x02\x00" + bytes(40),
    "IIQ": b"II*\x00\x08\x00\x00\x00IIII" + bytes(40),
    "IIQ by its own beginning": b"IIIITwaR" + bytes(40),
    "CR3": box(b"ftyp", b"crx " + bytes(4) + b"crx isom") + bytes(60),
    "RAF": b"FUJIFILMCCD-RAW 0201" + bytes(60),
    "ORF": b"IIRO\x08\x00\x00\x00" + bytes(60),
    "RW2": b"IIU\x00\x18\x00\x00\x00" + bytes(60),
    "X3F": b"FOVb" + bytes(60),
    "MRW": b"\x00MRM" + bytes(60),
    "CRW": b"II\x1a\x00\x00\x00HEAPCCDR" + bytes(60),
}
"""The beginnings of cameras' raw files, by their usual ending."""
