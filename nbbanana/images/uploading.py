"""
What travels of a picture: a PNG within the limits, as large as they allow; or a JPEG where one may be sent.

A photograph that does not fit as a PNG mostly fits whole as a JPEG of high quality, which loses less than
scaling it down. What is transparent stays a PNG.

Strips at full size tell how well a picture compresses, and so how far it has to be scaled down; each encoding that is
still too large corrects that.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from nbbanana.errors import ImageError
from nbbanana.images.colours import to_srgb, upright
from nbbanana.images.decoding import decode, file_of, halve_large_jpeg, opened, pillow_errors, seen_size
from nbbanana.images.kinds import (
    MAX_REQUEST_BYTES,
    MAX_UPLOAD_BYTES,
    MAX_UPLOAD_PIXELS,
    ImageInput,
    Upload,
)
from nbbanana.images.loading import data_of
from nbbanana.images.reading import quoted

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["UploadCache", "prepare"]

OTHER_BYTES = 512 * 1024
"""What is kept free in a request for its words, parameters, URLs and the JSON around them."""

MAX_PICTURES_BYTES = (MAX_REQUEST_BYTES - OTHER_BYTES) * 3 // 4
"""What all pictures of a request may take before base64 makes four bytes of three."""

AIM = 0.95
"""How much of what it may take a picture is scaled to take."""

DOUBT = 1.25
"""A picture that is guessed to be so much too large is tried at full size all the same: it is only a guess."""

STEEPNESS = 1.15
"""Smaller versions hold more bytes a pixel: to halve the bytes, photographs need a little less than half the pixels."""

QUALITY = 95
"""Of a JPEG, whose colours keep their full resolution."""

COMPRESSION = 3
"""zlib's level: 9 takes seven times as long for photographs and makes them 4 % smaller."""

STRIPS, STRIP_ROWS = 8, 32
"""How much of a picture is encoded to guess how well it compresses."""

WORKERS = 2
"""So many pictures are made ready at once: each may take a GiB of memory while it is decoded."""

CACHE_BYTES = 64 * 1024 * 1024


class UploadCache:
    """
    Uploads that were made, for pictures that are sent again; the least recently used are dropped. For any thread.

    Args:
        most: bytes of the uploads, together.
    """

    def __init__(self, most: int = CACHE_BYTES) -> None:
        self._most, self._size = most, 0
        self._known: OrderedDict[tuple[str, str, int, bool], Upload] = OrderedDict()
        self._guard = threading.Lock()

    def upload(self, picture: ImageInput, share: int, *, jpeg: bool) -> Upload:
        """Return what travels of a picture within `share` bytes, made only where it is not known."""
        key = picture.identity, picture.name, share, jpeg
        with self._guard:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        made = _upload(picture, share, jpeg=jpeg)
        with self._guard:
            if key not in self._known:
                self._known[key] = made
                self._size += len(made.data)
            while self._size > self._most:
                _, dropped = self._known.popitem(last=False)
                self._size -= len(dropped.data)
        return made


def prepare(
    images: Sequence[ImageInput], *, jpeg: bool = False, cache: UploadCache | None = None
) -> tuple[Upload, ...]:
    """
    Return what is sent of each picture: PNG, upright, sRGB, without metadata, scaled down where a limit asks for it.

    With `jpeg`, what does not fit as a PNG and is opaque is a JPEG at quality 95, scaled down only if that is too
    large as well.

    Each is at most `MAX_UPLOAD_BYTES` and `MAX_UPLOAD_PIXELS`, and all together leave the request within
    `MAX_REQUEST_BYTES` once they are base64. Equal requests give equal bytes, which `cache` keeps. Any thread may call.

    Raises:
        ImageError: one is damaged behind its head, or has no bytes (a URL travels as it is).
    """
    upload = partial(_upload if cache is None else cache.upload, jpeg=jpeg)
    with ThreadPoolExecutor(WORKERS) as pool:
        return tuple(pool.map(upload, images, _shares(images)))


def _shares(images: Sequence[ImageInput]) -> list[int]:
    """Return how many bytes each PNG may take: what small pictures cannot need goes to the larger ones."""
    most = [min(MAX_UPLOAD_BYTES, _bound(image)) for image in images]
    shares, left = [0] * len(images), MAX_PICTURES_BYTES
    for done, index in enumerate(sorted(range(len(images)), key=lambda at: most[at])):
        shares[index] = min(most[index], left // (len(images) - done))
        left -= shares[index]
    return shares


def _bound(image: ImageInput) -> int:
    """Return more bytes than the PNG of a picture takes at full size, however little of it compresses."""
    width, height = image.width or 0, image.height or 0
    return 4096 + height + width * height * 4 * 101 // 100


def _upload(picture: ImageInput, share: int, *, jpeg: bool) -> Upload:
    image, size, is_animated = _decoded(picture)
    data, sent, mime = _encoded(image, share, jpeg=jpeg)
    if sent == image.size:
        reason = f"{MAX_UPLOAD_PIXELS // 1_000_000} megapixels"
    elif share < MAX_UPLOAD_BYTES:
        reason = f"the {MAX_REQUEST_BYTES // 2**20} MiB of a request"
    else:
        reason = f"{MAX_UPLOAD_BYTES // 2**20} MiB"
    return Upload(
        data=data,
        sha256=hashlib.sha256(data).hexdigest(),
        width=sent[0],
        height=sent[1],
        note=_note(picture.name, size, sent, reason, is_animated=is_animated, mime=mime),
        mime=mime,
    )


def _note(
    name: str, size: tuple[int, int], sent: tuple[int, int], reason: str, *, is_animated: bool, mime: str
) -> str | None:
    notes = []
    if is_animated:
        notes.append(f"{name} has several frames or pages: only the first is sent.")
    kind = f" as JPEG at quality {QUALITY}" if mime == "image/jpeg" else ""
    if sent != size:
        now, was = "×".join(map(str, sent)), "×".join(map(str, size))
        notes.append(f"{name} is sent{kind} at {now} instead of {was}, to stay within {reason}.")
    elif kind:
        notes.append(f"{name} is sent{kind}, since as PNG it would not fit.")
    return " ".join(notes) or None


def _decoded(picture: ImageInput) -> tuple[Image, tuple[int, int], bool]:
    """Return the picture upright in sRGB, at most `MAX_UPLOAD_PIXELS` large; its size before; if it is animated."""
    shown = quoted(picture.name)
    source = data_of(picture)
    if source is None:
        raise ImageError(f"{shown} has no bytes to send.", "It is a URL.", "Send its URL as it is.")
    with opened(source, shown) as file:
        with pillow_errors(shown, file.format):
            size = seen_size(file)
            is_animated = bool(getattr(file, "is_animated", False))
        halve_large_jpeg(file)
        decode(file, shown)
        with pillow_errors(shown, file.format):
            image = to_srgb(upright(file))
    return _within(image, MAX_UPLOAD_PIXELS), size if file.format == "JPEG" else image.size, is_animated


def _within(image: Image, pixels: float) -> Image:
    """Return the picture with at most so many pixels, its shape kept; the same object where it has no more."""
    from PIL.Image import Resampling

    width, height = image.size
    if width * height <= pixels:
        return image
    scale = math.sqrt(pixels / (width * height))
    across = max(1, min(int(width * scale), int(pixels)))
    along = max(1, min(int(height * scale), int(pixels / across)))
    return image.resize((across, along), Resampling.LANCZOS, reducing_gap=3.0)


def _encoded(image: Image, most: int, *, jpeg: bool) -> tuple[bytes, tuple[int, int], str]:
    """Return the bytes that travel of a picture, at most `most`, the size that they have, and their media type."""
    whole, mime = _whole(image, most, "image/png"), "image/png"
    if whole is None and jpeg and image.mode == "RGB":
        mime = "image/jpeg"
        whole = _whole(image, most, mime)
    return *(whole or _scaled(image, most, mime)), mime


def _whole(image: Image, most: int, mime: str) -> tuple[bytes, tuple[int, int]] | None:
    """Return the picture at its full size, if it then takes at most `most` bytes, which is asked of large ones only."""
    pixels = image.width * image.height * len(image.getbands())
    if pixels > most and _expected_size(image, mime) > most * DOUBT:
        return None
    data = _file(image, mime)
    return (data, image.size) if len(data) <= most else None


def _scaled(image: Image, most: int, mime: str) -> tuple[bytes, tuple[int, int]]:
    """Return the picture scaled down until it takes at most `most` bytes, and its size then."""
    pixels = float(image.width * image.height)
    size = max(_expected_size(image, mime), most)  # it did not fit, whatever was expected
    while True:
        pixels *= min(AIM, math.pow(AIM * most / size, STEEPNESS))
        scaled = _within(image, pixels)
        data = _file(scaled, mime)
        if len(data) <= most:
            return data, scaled.size
        size = len(data)


def _expected_size(image: Image, mime: str) -> int:
    """Return about how many bytes it will take: strips from all heights are encoded and scaled up."""
    if image.height <= 2 * STRIPS * STRIP_ROWS:
        return len(_file(image, mime))
    from PIL.Image import new

    strips = new(image.mode, (image.width, STRIPS * STRIP_ROWS))
    for number in range(STRIPS):
        top = (image.height - STRIP_ROWS) * number // (STRIPS - 1)
        strip = image.crop((0, top, image.width, top + STRIP_ROWS))
        strips.paste(strip, (0, number * STRIP_ROWS))
    return len(_file(strips, mime)) * image.height // strips.height


def _file(image: Image, mime: str) -> bytes:
    if mime == "image/jpeg":
        return file_of(image, "JPEG", quality=QUALITY, subsampling=0, optimize=True)
    return file_of(image, "PNG", compress_level=COMPRESSION)
