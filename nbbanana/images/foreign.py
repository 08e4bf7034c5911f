"""
Objects of other packages that hold a picture, as something plainer: its bytes, its path or URL, or a PIL image.

No package is imported for that: an object of a class was made by its package, which then is imported already.
"""

from __future__ import annotations

import inspect
import io
import sys
from collections.abc import Callable, Mapping
from pathlib import PurePath
from types import ModuleType
from typing import TYPE_CHECKING, Any

from nbbanana.errors import ImageError, ImageNotFoundError, bare_cause
from nbbanana.images.decoding import open_safely
from nbbanana.images.reading import quoted, read_stream
from nbbanana.images.urls import bytes_of_data_uri

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["INSIDE", "has", "not_a_picture", "reader_for"]

Reader = Callable[[Any], "tuple[bytes | str | Image, str | None]"]

INSIDE = "Give it inside of the with block, or give its path."


def reader_for(value: object) -> Reader | None:
    """
    Return what reads an object of another package: it gives what the object holds, and its name or None.

    It raises an ImageError for one that holds no picture or cannot be read, and an ImageNotFoundError for one that
    stands for a file that does not exist. None is returned for an object of a kind that is not known here.
    """
    return next((read for matches, read in _KINDS if matches(value)), None)


def has(value: object, name: str) -> bool:
    """Return whether a value has an attribute; one whose lookup fails counts as missing."""
    try:
        return hasattr(value, name)
    except Exception:  # noqa: BLE001 (a foreign object's code)
        return False


def _of_upload(item: Mapping[str, Any]) -> tuple[bytes, str]:
    """Return an item of `ipywidgets.FileUpload.value`: a mapping with `name` and `content` (ipywidgets 8)."""
    content = item["content"]
    if not isinstance(content, bytes | bytearray | memoryview):
        raise not_a_picture(content)
    return bytes(content), str(item.get("name") or "upload")


def _of_widget(widget: Any) -> tuple[bytes | str, None]:
    """Return an `ipywidgets.Image`: its bytes, or the URL that its format says it holds."""
    value = bytes(widget.value)
    return (value.decode("utf-8", "replace") if widget.format == "url" else value), None


def _of_displayed(image: Any) -> tuple[bytes | str, None]:
    """Return an `IPython.display.Image`: its bytes, its file or its URL."""
    for held in (image.data, image.filename, image.url):
        if isinstance(held, bytes | str) and held:
            return held, None
    raise not_a_picture(image)


def _of_sdk(image: Any) -> tuple[bytes, None]:
    """Return what client libraries call an image: `image_bytes` (google-genai), `b64_json` (openai)."""
    if isinstance(data := getattr(image, "image_bytes", None), bytes):
        return data, None
    if isinstance(text := getattr(image, "b64_json", None), str):
        return bytes_of_data_uri(f"data:;base64,{text}"), None
    raise not_a_picture(image)


def _of_place(place: Any) -> tuple[bytes, str]:
    """Return a path that is not in the file system: in a zip archive, in a package, in a cloud."""
    name = str(getattr(place, "name", "")) or "file"
    shown = quoted(name)
    try:
        with place.open("rb") as file:
            return read_stream(file, shown=shown), name
    except ImageError:
        raise
    except (FileNotFoundError, KeyError):
        raise ImageNotFoundError(
            f"{shown} is not there.", f"{quoted(str(place))} names no file.", "Check its path."
        ) from None
    except Exception as problem:  # noqa: BLE001 (a foreign object's code)
        raise _unreadable(problem, shown) from bare_cause(problem)


def _of_stream(file: Any) -> tuple[bytes, str]:
    """
    Read a file that is open for reading bytes: all of it, since after a save() it stands at its end.

    Its position stays as it was.
    """
    name = getattr(file, "name", None)
    name = PurePath(name).name if isinstance(name, str) else ""
    shown = quoted(name) if name else "The file"
    _check_stream(file, shown)
    try:
        at = file.tell() if has(file, "seekable") and file.seekable() else None
        if at is None:
            return read_stream(file, shown=shown), name or "file"
        file.seek(0)
        try:
            return read_stream(file, shown=shown), name or "file"
        finally:
            file.seek(at)
    except ImageError:
        raise
    except Exception as problem:  # noqa: BLE001 (a foreign object's code: requests, archives, remote file systems)
        raise _unreadable(problem, shown) from bare_cause(problem)


def _check_stream(file: Any, shown: str) -> None:
    if has(file, "status_code") and has(file, "content"):
        module = type(file).__module__.partition(".")[0]
        raise ImageError(
            f"A response of {module} is not a picture.",
            "It holds a status and headers beside the bytes.",
            "Check its status and give its bytes: response.content.",
        )
    if getattr(file, "closed", False) is True:
        raise ImageError(f"{shown} is closed.", "Nothing can be read from it any more.", INSIDE)
    if isinstance(file, io.TextIOBase) or isinstance(getattr(file, "file", None), io.TextIOBase):
        raise ImageError(f"{shown} is open as text.", "A picture is binary data.", 'Open it with mode "rb".')
    if not callable(file.read) or inspect.iscoroutinefunction(file.read):
        raise ImageError(
            f"{shown} cannot be read here.", "Its read() has to be awaited.", "Give its bytes: await file.read()."
        )


def _unreadable(problem: Exception, shown: str) -> ImageError:
    if isinstance(problem, io.UnsupportedOperation):
        return ImageError(f"{shown} is open for writing only.", "It cannot be read.", 'Open it with mode "rb".')
    said = " ".join(str(problem).split())[:200] or type(problem).__name__
    return ImageError(f"{shown} cannot be read.", f"Reading it fails: {said}", "Read it yourself and give the bytes.")


def _of_figure(figure: Any) -> tuple[Image, str]:
    """Return a figure of matplotlib, or what saves itself alike: drawn as its savefig() draws it."""
    drawn = io.BytesIO()
    try:
        figure.savefig(drawn, format="png")
    except Exception as problem:  # noqa: BLE001 (a foreign object's code)
        raise _unreadable(problem, "The figure") from bare_cause(problem)
    image = open_safely(drawn.getvalue())
    return image, f"figure {image.width}×{image.height}"


def _is_of(value: object, module: str, name: str) -> bool:
    """Return whether a value is of a class of another package, which then is imported already."""
    found = getattr(sys.modules.get(module), name, None)
    return isinstance(found, type) and isinstance(value, found)


_KINDS: tuple[tuple[Callable[[Any], bool], Reader], ...] = (
    (lambda value: isinstance(value, Mapping) and "content" in value, _of_upload),
    (lambda value: _is_of(value, "ipywidgets", "Image"), _of_widget),
    (lambda value: _is_of(value, "IPython.display", "Image"), _of_displayed),
    (lambda value: has(value, "image_bytes") or has(value, "b64_json"), _of_sdk),
    (lambda value: has(value, "read_bytes") and has(value, "open"), _of_place),
    (lambda value: has(value, "read"), _of_stream),
    (lambda value: has(value, "savefig"), _of_figure),
)


def not_a_picture(value: object) -> ImageError:
    """Return the error for a value that is no picture; it names the way where one is known."""
    return ImageError(
        f"{_kind(value)} is not a picture.",
        "Pictures are paths, https URLs, bytes, PIL images, arrays, figures, uploads and results of nbbanana.",
        _way(value),
    )


def _kind(value: object) -> str:
    """Name the type of a value; that of another package with its module, since several are called `Image`."""
    if isinstance(value, ModuleType):
        return f"The module {value.__name__}"
    if isinstance(value, type):
        return f"The class {value.__qualname__}"
    kind = type(value)
    return f"A value of type {kind.__name__ if kind.__module__ == 'builtins' else f'{kind.__module__}.{kind.__name__}'}"


def _way(value: object) -> str:
    ways = (
        (isinstance(value, set | frozenset), "Give several pictures as a list in their order."),
        (isinstance(value, list | tuple), "Give one picture of the list here."),
        (isinstance(value, type | ModuleType), "Give what was made with it."),
        (has(value, "get_figure"), "Give its figure: ax.figure."),
        (has(value, "columns"), 'Give one column of paths, such as table["path"].'),
        (has(value, "to_image") or has(value, "save"), "Save it as a PNG file and give its path."),
    )
    return next((way for applies, way in ways if applies), "Give one of those.")
