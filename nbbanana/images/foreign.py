"""
Objects of other packages that hold a picture, as something plainer: its bytes, its path or URL, or a PIL image; and
arrays of numbers: which shapes and types are a picture, and what to write where they are not.

No package is imported for that: an object of a class was made by its package, which then is imported already.
"""

from __future__ import annotations

import inspect
import io
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import PurePath
from types import ModuleType
from typing import TYPE_CHECKING, Any

from nbbanana.errors import ImageError, ImageNotFoundError, bare_cause, translated
from nbbanana.images.decoding import open_safely
from nbbanana.images.kinds import MAX_PIXELS
from nbbanana.images.reading import bytes_of_data_uri, quoted, read_stream

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

__all__ = [
    "INSIDE",
    "READERS",
    "Reader",
    "has",
    "image_of_array",
    "is_array",
    "is_list_of_things",
    "is_of",
    "not_a_picture",
]

Reader = Callable[[Any], "tuple[bytes | str | Image, str | None]"]
"""
What reads an object of another package: it gives what the object holds, and its name or None.

It raises an ImageError for one that holds no picture or cannot be read, and an ImageNotFoundError for one that stands
for a file that does not exist.
"""

INSIDE = "Give it inside of the with block, or give its path."
CHANNELS = (1, 3, 4)
TOLERANCE = 1e-3
"""How far floats may lie outside of 0..1: rounding in a computation, a quarter of one of 256 levels."""


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
    with _readable(shown):
        try:
            with place.open("rb") as file:
                return read_stream(file, shown=shown), name
        except (FileNotFoundError, KeyError):
            raise ImageNotFoundError(
                f"{shown} is not there.", f"{quoted(str(place))} names no file.", "Check its path."
            ) from None


def _of_stream(file: Any) -> tuple[bytes, str]:
    """
    Read a file that is open for reading bytes: all of it, since after a save() it stands at its end.

    Its position stays as it was.
    """
    name = getattr(file, "name", None)
    name = PurePath(name).name if isinstance(name, str) else ""
    shown = quoted(name) if name else "The file"
    _check_stream(file, shown)
    with _readable(shown):
        if not (has(file, "seekable") and file.seekable()):
            return read_stream(file, shown=shown), name or "file"
        at = file.tell()
        file.seek(0)
        try:
            return read_stream(file, shown=shown), name or "file"
        finally:
            file.seek(at)


@contextmanager
def _readable(shown: str) -> Iterator[None]:
    """Raise what reading a foreign object raises, which may be anything, as an `ImageError`."""
    try:
        yield
    except ImageError:
        raise
    except Exception as problem:  # noqa: BLE001 (requests, archives, remote file systems, matplotlib)
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
    with _readable("The figure"):
        figure.savefig(drawn, format="png")
    image = open_safely(drawn.getvalue())
    return image, f"figure {image.width}×{image.height}"


def is_of(value: object, module: str, name: str) -> bool:
    """Return whether a value is of a class of another package, which then is imported already."""
    found = getattr(sys.modules.get(module), name, None)
    return isinstance(found, type) and isinstance(value, found)


READERS: tuple[tuple[Callable[[Any], bool], Reader], ...] = (
    (lambda value: isinstance(value, Mapping) and "content" in value, _of_upload),
    (lambda value: is_of(value, "ipywidgets", "Image"), _of_widget),
    (lambda value: is_of(value, "IPython.display", "Image"), _of_displayed),
    (lambda value: has(value, "image_bytes") or has(value, "b64_json"), _of_sdk),
    (lambda value: has(value, "read_bytes") and has(value, "open"), _of_place),
    (lambda value: has(value, "read"), _of_stream),
    (lambda value: has(value, "savefig"), _of_figure),
)
"""Tests for each kind of object, and its reader; the first match counts."""


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


# ── arrays ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def is_array(value: object) -> bool:
    """
    Return whether a value offers itself as an array: NumPy, and what converts to it (PyTorch, JAX, xarray …).

    Nothing of it is run: asking a value for an attribute may compute the array.
    """
    return any(_has_static(value, name) for name in ("__array_interface__", "__array__"))


def is_list_of_things(value: object) -> bool:
    """
    Return whether it is a column of values that are no numbers: a pandas or polars Series or Index, an array of texts.

    >>> import numpy as np
    >>> is_list_of_things(np.array(["a.png", "b.png"])), is_list_of_things(np.zeros(3))
    (True, False)
    """
    if not is_array(value) or len(getattr(value, "shape", ())) != 1:
        return False
    return getattr(getattr(value, "dtype", None), "kind", "O") in "OUST"


def _has_static(value: object, name: str) -> bool:
    try:
        inspect.getattr_static(value, name)
    except AttributeError:
        return False
    return not isinstance(value, type)


def image_of_array(value: Any) -> Image:
    """
    Return the picture that an array holds.

    Args:
        value: H×W or H×W×1 (grey), H×W×3 (RGB) or H×W×4 (RGBA); uint8 0..255, uint16 0..65535, bool, floats 0..1.

    Raises:
        ImageError: another shape or type, or floats outside 0..1.
    """
    import numpy as np
    from PIL import Image

    # A foreign object's code raises anything: PyTorch TypeError and RuntimeError.
    with translated(Exception, lambda problem: _unconvertible(value, problem)):
        array = np.asarray(value)
    _check_shape(array.shape)
    pixels = np.ascontiguousarray(_as_bytes(array))
    return Image.fromarray(pixels[:, :, 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels)


def _unconvertible(value: object, problem: Exception) -> ImageError:
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    said = " ".join(str(problem).split())[:200]
    return ImageError(
        f"The {kind} cannot be read as an array.",
        f"It says: {said}" if said else f"It raises {type(problem).__name__}.",
        "Convert it to a NumPy array first, such as tensor.detach().cpu().numpy().",
    )


def _check_shape(shape: tuple[int, ...]) -> None:
    size = "×".join(map(str, shape)) or "a single number"
    if len(shape) not in {2, 3} or (len(shape) == 3 and shape[2] not in CHANNELS):
        mends = (
            (len(shape) == 4, "Give its pictures one by one: list(array)."),
            (len(shape) == 3 and shape[0] in CHANNELS, "Its channels come first; write array.transpose(1, 2, 0)."),
        )
        mend = next((mend for applies, mend in mends if applies), "Give height × width, or height × width × 3 or 4.")
        raise ImageError(f"The array ({size}) is not a picture.", "A picture is grey, RGB or RGBA.", mend)
    if 0 in shape:
        raise ImageError(f"The array ({size}) has no pixels.", "One of its sides is 0.", "Check how it was cut out.")
    if shape[0] * shape[1] > MAX_PIXELS:
        raise ImageError(
            f"The array ({size}) is too large.",
            f"At most {MAX_PIXELS / 1e6:.0f} megapixels are taken.",
            "Take every second pixel: array[::2, ::2].",
        )


def _as_bytes(array: NDArray[Any]) -> NDArray[np.uint8]:
    import numpy as np

    kind, size = array.dtype.kind, array.dtype.itemsize
    if (kind, size) == ("u", 1):
        return array
    if kind == "b":
        return array.astype(np.uint8) * np.uint8(255)
    if (kind, size) == ("u", 2):
        # 65535 / 255 is 257: the nearest of the 256 levels.
        return ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if kind == "f":
        return _of_floats(array)
    raise ImageError(
        f"The array holds {array.dtype}, which says nothing about brightness.",
        "Pictures are uint8 (0 to 255), uint16, bool, or floats from 0 to 1.",
        'If its numbers go from 0 to 255, write array.astype("uint8").',
    )


def _of_floats(array: NDArray[Any]) -> NDArray[np.uint8]:
    import numpy as np

    low, high = float(array.min()), float(array.max())
    if not (low >= -TOLERANCE and high <= 1.0 + TOLERANCE):
        raise ImageError(
            "The array's numbers are NaN in some places."
            if math.isnan(low)
            else f"The array's numbers go from {low:.6g} to {high:.6g}.",
            "Floats are a picture when they go from 0 (black) to 1 (full), without NaN.",
            _floats_mended(low, high),
        )
    return np.rint(array.clip(0.0, 1.0) * 255.0).astype(np.uint8)


def _floats_mended(low: float, high: float) -> str:
    is_centred = -1.0 - TOLERANCE <= low < 0.0 and high <= 1.0 + TOLERANCE
    mends = (
        (math.isnan(low), "Put numbers there: numpy.nan_to_num(array)."),
        (low >= 0.0 and 2.0 < high <= 255.0, "If they go up to 255, divide: array / 255."),
        (is_centred, "If they go from -1 to 1, write (array + 1) / 2; else array.clip(0, 1)."),
    )
    return next(
        (mend for applies, mend in mends if applies), "Scale them, or cut off what is outside: array.clip(0, 1)."
    )
