"""Pictures that stay on the disk: of a folder of thousands, only those are in memory that are being sent."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

from nbbanana.errors import ImageError
from nbbanana.images.kinds import ImageInput
from nbbanana.images.reading import existing, quoted, read_file

__all__ = ["data_of", "left_on_disk"]


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
