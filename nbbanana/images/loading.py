"""Whatever a user calls a picture, as an `ImageInput`: read now, so that what changes later does not matter."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePath
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeGuard, cast
from urllib.parse import SplitResult, unquote, urlsplit
from weakref import WeakValueDictionary

from nbbanana.errors import ImageError
from nbbanana.images.colours import to_srgb, upright
from nbbanana.images.decoding import check_pixels, file_of, head, is_marked, pillow_errors
from nbbanana.images.foreign import (
    INSIDE,
    READERS,
    Reader,
    has,
    image_of_array,
    is_array,
    is_list_of_things,
    is_of,
    not_a_picture,
)
from nbbanana.images.kinds import MAX_PIXELS, ImageInput
from nbbanana.images.reading import bytes_of_data_uri, checked_size, existing, expand, is_glob, quoted, read_file

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["data_of", "is_url", "left_on_disk", "load", "load_all"]

LONGEST_PATH = 512
"""A text of more characters that are all base64's is no path: those have dots, or end earlier."""

_BASE64 = re.compile(r"[A-Za-z0-9+/_\-\s]+={0,2}\s*")

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]+):(//|(?<=data:))", re.IGNORECASE)
_ALLOWED = re.compile(r"[!-~]+", re.ASCII)
"""A URL is printable ASCII without spaces (RFC 3986, section 2): what else stands in it must be percent-encoded."""
_OTHER_SCHEMES = {
    "http": (
        "The URL of the picture begins with http://.",
        "Only https is taken: anyone on the way could change what plain http brings.",
        "Write https:// if the site has it, or download the picture and give the file.",
    ),
    "file": ("A file is not given by URL.", "It begins with file://.", "Write its path alone."),
}
_ANY_OTHER_SCHEME = (
    "The URL of the picture begins with {}://.",
    "The service fetches pictures by https only.",
    "Give an https URL, or download the picture and give the file.",
)

DEEPEST = 8
"""Lists within lists are followed so far; a list that holds itself ends here."""


def load(source: object, *, name: str | None = None) -> ImageInput:
    """
    Return one picture, from whatever a user has: it is read now, its head is parsed, its pixels are not decoded.

    Args:
        source: a path (`~` works), a glob that matches one file, an https URL, a data URI, bytes, a PIL image, an
            array (H×W, H×W×3 or H×W×4; uint8, uint16, bool or floats 0..1), an item of a FileUpload widget's value,
            a binary file, or an object with `__nbbanana_image__()`.
        name: what to call it instead of what it is called.

    Raises:
        ImageError: not a picture, damaged, too large, or a URL that is not taken.
        ImageNotFoundError: no such file.

    >>> load("https://example.com/shots/portrait.jpg?width=800").name
    'portrait.jpg'
    """
    found = _load(source, name)
    return _with_shared_bytes(found if name is None else replace(found, name=_short(name)))


def _with_shared_bytes(image: ImageInput) -> ImageInput:
    """Share the bytes of an equal picture that is in use: a file that is loaded often is in memory once."""
    if image.source is None:
        return image
    known = _in_use.get(image.identity)
    if known is not None and known.source == image.source and known.source is not image.source:
        image = replace(image, source=known.source)
    _in_use[image.identity] = image
    return image


_in_use: WeakValueDictionary[str, ImageInput] = WeakValueDictionary()
"""The picture of each identity that was loaded last."""


def load_all(sources: object) -> tuple[ImageInput, ...]:
    """
    Return the pictures of a list, in its order; a glob stands for its files, sorted as people sort.

    Args:
        sources: what `load` takes, or a list, tuple or iterator of that, nested as it may be.

    Raises:
        ImageError, ImageNotFoundError: as `load` does, for the first that cannot be used.
    """
    return tuple(load(source) for source in _flat(sources, 0))


def left_on_disk(picture: ImageInput, path: str | os.PathLike[str]) -> ImageInput:
    """
    Return a picture that was loaded from a file without its bytes, which are read again when they are needed.

    Args:
        picture: of `load`, from that file.
        path: the file.
    """
    place = existing(path)
    if place is None or not picture.identity.startswith("sha256:"):
        return picture
    return replace(picture, source=None, path=Path(os.path.abspath(place)))  # noqa: PTH100 (links stay as they are)


def data_of(picture: ImageInput) -> bytes | None:
    """
    Return the bytes of a picture, read now where it stays on the disk; None for a URL.

    Raises:
        ImageNotFoundError: its file is not there any more.
        ImageError: its file holds something else by now.
    """
    if picture.source is not None or picture.path is None:
        return picture.source
    shown = quoted(picture.name)
    data = read_file(picture.path, shown=shown)
    if f"sha256:{hashlib.sha256(data).hexdigest()}" != picture.identity:
        raise ImageError(
            f"{shown} was changed after it was planned.", "Its file holds other bytes now.", "Plan it again."
        )
    return data


def _flat(sources: object, depth: int) -> Iterator[object]:
    if isinstance(sources, str) and not is_url(sources) and not _is_encoded(sources) and is_glob(sources):
        yield from expand(sources)
    elif is_list_of_things(sources) or _is_several(sources):
        if depth >= DEEPEST:
            raise ImageError("The list of pictures is nested too deep.", "It may hold itself.", "Give a plain list.")
        for source in cast("Iterable[object]", sources):
            yield from _flat(source, depth + 1)
    else:
        yield sources


def _is_several(value: object) -> TypeGuard[Iterable[object]]:
    single = (str, bytes, bytearray, memoryview, Mapping, os.PathLike, ImageInput, set, frozenset, type, ModuleType)
    if isinstance(value, single) or not isinstance(value, Iterable):
        return False
    return not any(matches(value) for matches, _ in _KINDS)


def _load(source: object, name: str | None) -> ImageInput:
    if isinstance(source, type | ModuleType):
        raise not_a_picture(source)
    for matches, read in _KINDS:
        if matches(source):
            return read(source, name)
    raise not_a_picture(source)


def _of_object(source: Any, _: str | None) -> ImageInput:
    found = source.__nbbanana_image__()
    if not isinstance(found, ImageInput):
        raise not_a_picture(source)
    return found


def _of_text(text: str, _: str | None) -> ImageInput:
    if _is_encoded(text):
        raise ImageError(
            f"{quoted(text[:20] + '…')} is base64 and not a path.",
            f"It has {len(text)} characters, which no path has.",
            'Write "data:image/png;base64," before it, or give base64.b64decode(text).',
        )
    if is_url(text):
        is_data = text[:5].lower() == "data:"
        return _of_bytes(bytes_of_data_uri(text), None) if is_data else url_input(text)
    if not is_glob(text):
        return _of_path(text)
    paths = expand(text)
    if len(paths) > 1:
        raise ImageError(
            f"{quoted(text)} matches {len(paths)} files.",
            "One picture is asked for here.",
            f"Name one of them, such as {quoted(paths[0])}.",
        )
    return _of_path(paths[0])


def _is_encoded(text: str) -> bool:
    """Return whether a text is a picture in base64 without the head of a data URI."""
    return len(text) > LONGEST_PATH and _BASE64.fullmatch(text[:LONGEST_PATH]) is not None


def _of_path(path: str | os.PathLike[str], _: str | None = None) -> ImageInput:
    written = os.fsdecode(path)
    return _of_file(read_file(written), PurePath(written).name, quoted(written))


def _of_bytes(data: bytes | bytearray | memoryview, name: str | None) -> ImageInput:
    shown = "The data" if name is None else quoted(name)
    return _of_file(checked_size(bytes(data), shown), None, shown)


def _of_foreign(read: Reader, value: object, name: str | None) -> ImageInput:
    plain, own_name = read(value)
    found = _load(plain, name or own_name)
    return found if own_name is None else replace(found, name=_short(own_name))


def _of_file(data: bytes, name: str | None, shown: str) -> ImageInput:
    info = head(data, shown)
    return ImageInput(
        name=_short(name or f"bytes {info.width}×{info.height} {info.format}"),
        identity=f"sha256:{hashlib.sha256(data).hexdigest()}",
        width=info.width,
        height=info.height,
        format=info.format,
        source=data,
        is_play=info.is_play,
    )


def _of_array(array: object, _: str | None) -> ImageInput:
    image = image_of_array(array)
    return _of_pixels(image, f"array {image.width}×{image.height} {image.mode}")


def _of_pil(image: Image, _: str | None) -> ImageInput:
    file = getattr(image, "filename", "")
    name = PurePath(os.fsdecode(file)).name if file else f"image {image.width}×{image.height} {image.mode}"
    check_pixels(*image.size, quoted(name), MAX_PIXELS)
    with pillow_errors(quoted(name), image.format):
        try:
            image.load()
        except (AssertionError, ValueError):
            if getattr(image, "fp", None) is not None:
                raise
            raise ImageError(f"{quoted(name)} is closed.", "Its pixels were not read before that.", INSIDE) from None
        return _of_pixels(image, name)


def _of_pixels(image: Image, name: str) -> ImageInput:
    """Load a picture in memory, which may change later: its pixels as they are now, kept as a PNG."""
    is_play = is_marked(image)
    image = to_srgb(upright(image))
    digest = hashlib.sha256(f"{image.mode} {image.width} {image.height} ".encode())
    digest.update(image.tobytes())
    return ImageInput(
        name=_short(name),
        identity=f"pixels:{digest.hexdigest()}",
        width=image.width,
        height=image.height,
        format="PIXELS",
        source=file_of(image, "PNG", compress_level=1),
        is_play=is_play,
    )


def _short(name: str) -> str:
    """Return a name on one line, of at most 200 characters, without the folders it may come with."""
    return " ".join(name.replace("\\", "/").rpartition("/")[2].split())[:200] or "picture"


_KINDS: tuple[tuple[Callable[[Any], bool], Callable[[Any, str | None], ImageInput]], ...] = (
    (lambda value: isinstance(value, ImageInput), lambda value, _: value),
    (lambda value: has(value, "__nbbanana_image__"), _of_object),
    (lambda value: isinstance(value, str), _of_text),
    (lambda value: isinstance(value, os.PathLike), _of_path),
    (lambda value: isinstance(value, bytes | bytearray | memoryview), _of_bytes),
    (lambda value: is_of(value, "PIL.Image", "Image"), _of_pil),
    *((matches, partial(_of_foreign, read)) for matches, read in READERS),
    (is_array, _of_array),
)
"""Tests for each kind of picture, and its reader. The first match counts: PIL images are arrays too."""


# ── URLs ────────────────────────────────────────────────────────────────────────────────────────────────────────


def is_url(text: str) -> bool:
    """
    Return whether a text is meant as a URL, of whatever scheme, and not as a path.

    >>> is_url("https://example.com/a.png"), is_url("data:image/png;base64,AA=="), is_url("C:/a.png")
    (True, True, False)
    """
    return _SCHEME.match(text) is not None


def url_input(url: str) -> ImageInput:
    """
    Return a picture that the service fetches for itself. Nothing is fetched here.

    Args:
        url: https, a public host, no user or password in it.

    Raises:
        ImageError: any other URL. The message does not repeat it: a URL may be signed.
    """
    parts = _parsed(url)
    if parts.scheme != "https":
        what, why, mend = _OTHER_SCHEMES.get(parts.scheme, _ANY_OTHER_SCHEME)
        raise ImageError(what.format(parts.scheme), why, mend)
    if parts.username is not None or parts.password is not None:
        raise ImageError(
            "The URL of the picture holds a user name.",
            "A name or password in a URL would be sent on and stored.",
            "Give a URL without it, or download the picture and give the file.",
        )
    host = parts.hostname or ""
    if not host:
        raise _unusable("It names no host.")
    if _is_private(host):
        raise ImageError(
            "The URL of the picture leads to this machine or network.",
            "The service fetches it from outside and cannot reach that.",
            "Download the picture and give the file.",
        )
    name = unquote(parts.path.rstrip("/").rpartition("/")[2]) or host
    return ImageInput(name=name, identity=f"url:{hashlib.sha256(url.encode()).hexdigest()}", url=url)


def _parsed(url: str) -> SplitResult:
    if not _ALLOWED.fullmatch(url) or "\\" in url:
        raise _unusable("It holds a space or a character that no URL may hold.")
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where it is no number
    except ValueError:
        raise _unusable("Its host or port makes no sense.") from None
    return parts


def _is_private(host: str) -> bool:
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        return not ipaddress.ip_address(name.partition("%")[0]).is_global
    except ValueError:
        return False


def _unusable(why: str) -> ImageError:
    return ImageError("The URL of the picture cannot be used.", why, "Copy it anew from the browser's address line.")
