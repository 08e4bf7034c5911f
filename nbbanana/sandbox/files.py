"""
The sandbox's files: the pictures of submissions and of outputs, in one temporary folder of bounded size.

Nothing is kept in memory. Inputs stay from submission until their job ends, outputs until the folder is full (the
oldest go first), their request expires or the sandbox closes. The folder goes with the process at the latest.

The sandbox fetches nothing. A public URL becomes a neutral picture drawn from the URL's text, with the host's name on
it, so that the same URL always gives the same picture and is not taken for the one at that address.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from PIL import Image, ImageDraw, ImageFont

from nbbanana import images
from nbbanana.errors import ImageError
from nbbanana.models import Field, Model
from nbbanana.sandbox.exchanges import BAD_INPUT, ApiError

__all__ = ["Files", "placeholder", "read_inputs"]

NAME_BYTES = 24
"""Random bytes in an output's name: an address that needs no token cannot be guessed."""
LARGEST_IMAGE = 6 * 2**20
MOST_PIXELS = 32_000_000
"""Bytes and pixels of a picture in a data URI: the limits that RunComfy's partner nodes name. They are not taken from
the room that makes uploads, so that a service and its client do not agree on a mistake."""
DATA_URI = re.compile(r"data:image/(png|jpeg|webp);base64,")
OUTPUT_PATH = re.compile(r"/outputs/([A-Za-z0-9_.-]+)\Z")
IMAGE_ROLES = frozenset({"images", "image", "mask"})
PLACEHOLDER_SIZE = (768, 512)


class Files:
    """A folder that goes with its owner; any thread may call."""

    def __init__(self, keep_bytes: int) -> None:
        self._keep_bytes = keep_bytes
        self._lock = threading.RLock()
        self._outputs: dict[str, int] = {}  # name → bytes, oldest first
        self._folder = Path(tempfile.mkdtemp(prefix="nbbanana-sandbox-"))
        self._remove = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

    def spool(self, data: bytes) -> Path:
        """Put an input aside; `discard` takes it away."""
        path = self._folder / f"input-{secrets.token_hex(8)}"
        path.write_bytes(data)
        return path

    def discard(self, paths: Iterable[Path]) -> None:
        """Take spooled inputs away."""
        for path in paths:
            path.unlink(missing_ok=True)

    def publish(self, data: bytes, suffix: str) -> str:
        """Keep an output; its name, which is all of its address that matters."""
        name = f"{secrets.token_urlsafe(NAME_BYTES)}.{suffix}"
        (self._folder / name).write_bytes(data)
        with self._lock:
            self._outputs[name] = len(data)
            while sum(self._outputs.values()) > self._keep_bytes and len(self._outputs) > 1:
                self.withdraw([next(iter(self._outputs))])
        return name

    def withdraw(self, names: Iterable[str]) -> None:
        """Delete outputs, so that they answer 404."""
        with self._lock:
            for name in names:
                if self._outputs.pop(name, None) is not None:
                    (self._folder / name).unlink(missing_ok=True)

    def find(self, name: str) -> Path | None:
        """Return where an output lies, or None if there is none of that name."""
        with self._lock:
            return self._folder / name if name in self._outputs else None

    def close(self) -> None:
        """Remove the folder and all that is in it."""
        with self._lock:
            self._outputs.clear()
        self._remove()


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
    try:
        url = urlsplit(source)
    except ValueError:
        url = urlsplit("")
    own = OUTPUT_PATH.search(url.path)
    path = files.find(own[1]) if own else None
    if path is not None:
        return path.read_bytes()
    if url.scheme != "https" or not url.hostname:
        raise ApiError(BAD_INPUT, f"{name} is neither an https URL nor a data URI of a PNG, JPEG or WebP picture.")
    return placeholder(source)


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
    """Return a PNG of 768×512 pixels that stands for a URL, which is not fetched: a dark colour and its host's name."""
    red, green, blue = hashlib.sha256(url.encode("utf-8", "surrogatepass")).digest()[:3]
    picture = Image.new("RGB", PLACEHOLDER_SIZE, (red // 2, green // 2, blue // 2))
    said = f"stands for a picture at\n{(urlsplit(url).hostname or '')[:60]}"
    ImageDraw.Draw(picture).text((32, 32), said, fill="white", font=ImageFont.load_default(28))
    return images.file_of(picture, "PNG")
