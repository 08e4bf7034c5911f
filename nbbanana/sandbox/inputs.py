"""
The pictures of a submission: data URIs decoded within bounds, the sandbox's own outputs found, the rest painted.

The sandbox fetches nothing. A public URL becomes a neutral picture drawn from the URL's text, with the host's
name on it, so that the same URL always gives the same picture and nobody takes it for what lies behind.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from PIL import Image, ImageDraw, ImageFont, ImageOps

from nbbanana import images
from nbbanana.errors import ImageError
from nbbanana.models import Field, Model
from nbbanana.sandbox.api_errors import BAD_INPUT, ApiError
from nbbanana.sandbox.files import Files

__all__ = ["placeholder", "read_inputs"]

LARGEST_IMAGE = 6 * 2**20
MOST_PIXELS = 32_000_000
"""Bytes and pixels of a picture in a data URI: the limits that RunComfy's partner nodes name. They are not taken from
the room that makes uploads, so that a service and its client do not agree on a mistake."""
DATA_URI = re.compile(r"data:image/(png|jpeg|webp);base64,")
OUTPUT_PATH = re.compile(r"/outputs/([A-Za-z0-9_.-]+)\Z")
IMAGE_ROLES = frozenset({"images", "image", "mask"})
PLACEHOLDER_SIZE = (768, 512)


def read_inputs(model: Model, payload: Mapping[str, Any], files: Files) -> list[Path]:
    """
    Put a submission's pictures aside, in their order. A mask is checked and left out: the painter takes none.

    Raises:
        ApiError: a picture that cannot be used; the message names it.
    """
    spooled: list[Path] = []
    try:
        for field in model.fields:
            for name, source in _sources(field, payload) if field.role in IMAGE_ROLES else ():
                data = _bytes(name, source, files)
                if field.role != "mask":
                    spooled.append(files.spool(data))
    except ApiError:
        files.discard(spooled)
        raise
    return spooled


def _sources(field: Field, payload: Mapping[str, Any]) -> list[tuple[str, str]]:
    value = payload.get(field.name, [])
    if isinstance(value, str):
        return [(field.name, value)]
    return [(f"{field.name}[{index}]", source) for index, source in enumerate(value)]


def _bytes(name: str, source: str, files: Files) -> bytes:
    if source.startswith("data:"):
        return _decoded(name, source)
    url = _split(source)
    own = OUTPUT_PATH.search(url.path) if url else None
    path = files.find(own[1]) if own else None
    if path is not None:
        return path.read_bytes()
    if url is None or url.scheme != "https" or not url.hostname:
        raise ApiError(BAD_INPUT, f"{name} is neither an https URL nor a data URI of a PNG, JPEG or WebP picture.")
    return placeholder(source)


def _split(source: str) -> SplitResult | None:
    try:
        return urlsplit(source)
    except ValueError:
        return None


def _decoded(name: str, source: str) -> bytes:
    head = DATA_URI.match(source)
    if head is None:
        raise ApiError(BAD_INPUT, f"{name} is not a base64 data URI of a PNG, JPEG or WebP picture.")
    try:
        data = base64.b64decode(source[head.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise ApiError(BAD_INPUT, f"{name} is not base64.") from None
    if len(data) > LARGEST_IMAGE:
        raise ApiError(BAD_INPUT, f"{name} has {len(data)} bytes; {LARGEST_IMAGE} are allowed.")
    try:
        info = images.inspect(data)
    except ImageError as error:
        raise ApiError(BAD_INPUT, f"{name} cannot be read: {error.what}") from None
    if info.width * info.height > MOST_PIXELS:
        raise ApiError(BAD_INPUT, f"{name} has {info.width}×{info.height} pixels; {MOST_PIXELS} are allowed.")
    return data


def placeholder(url: str) -> bytes:
    """A neutral PNG of 768×512 pixels that stands for a URL nobody fetches: two colours and the host's name."""
    digest = hashlib.sha256(url.encode("utf-8", "surrogatepass")).digest()
    slope = Image.linear_gradient("L").resize(PLACEHOLDER_SIZE)
    dark, light = (_muted(digest[0], 38), _muted(digest[1], 72))
    picture = ImageOps.colorize(slope.rotate(180) if digest[2] % 2 else slope, dark, light)
    draw = ImageDraw.Draw(picture)
    host = (urlsplit(url).hostname or "")[:60]
    draw.text((32, 32), f"stands for a picture at\n{host}", fill="white", font=ImageFont.load_default(28))
    stream = BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def _muted(byte: int, lightness: int) -> str:
    return f"hsl({byte * 360 // 256}, 25%, {lightness}%)"
