"""Arrays of numbers as pictures: which shapes and types are one, and what to write where they are not."""

from __future__ import annotations

import inspect
import math
from typing import TYPE_CHECKING, Any

from nbbanana.errors import ImageError, translated
from nbbanana.images.kinds import MAX_PIXELS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

__all__ = ["image_of_array", "is_array", "is_list_of_things"]

CHANNELS = (1, 3, 4)
TOLERANCE = 1e-3
"""How far floats may lie outside of 0..1: rounding in a computation, a quarter of one of 256 levels."""


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
    kind = getattr(getattr(value, "dtype", None), "kind", "O")
    return kind in "OUST"


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
    if len(shape) == 4:
        mend = "Give its pictures one by one: list(array)."
    elif len(shape) == 3 and shape[2] not in CHANNELS and shape[0] in CHANNELS:
        mend = "Its channels come first; write array.transpose(1, 2, 0)."
    else:
        mend = "Give height × width, or height × width × 3 or 4."
    if len(shape) not in {2, 3} or (len(shape) == 3 and shape[2] not in CHANNELS):
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
    if math.isnan(low):
        return "Put numbers there: numpy.nan_to_num(array)."
    if low >= 0.0 and 2.0 < high <= 255.0:
        return "If they go up to 255, divide: array / 255."
    if low < 0.0 and low >= -1.0 - TOLERANCE and high <= 1.0 + TOLERANCE:
        return "If they go from -1 to 1, write (array + 1) / 2; else array.clip(0, 1)."
    return "Scale them, or cut off what is outside: array.clip(0, 1)."
