"""Globs as people mean them: sorted so that `img2` comes before `img10`."""

from __future__ import annotations

import glob
import os
import re
from itertools import islice
from pathlib import Path

from nbbanana.errors import ImageError, ImageNotFoundError
from nbbanana.images.reading import existing, expanded, missing, quoted, spellings

__all__ = ["expand", "is_glob", "natural_key"]

MOST_FILES = 1000
"""More matches than any request takes are a mistake in the pattern."""

_NUMBERS = re.compile(r"([0-9]+)")


def is_glob(text: str) -> bool:
    """Return whether a text is a pattern: it has `*`, `?` or `[…]` and is not the name of a file that exists."""
    return "\0" not in text and glob.has_magic(text) and existing(text) is None


def expand(pattern: str) -> list[str]:
    """
    Return the files that a glob matches, sorted as people sort; folders are left out. `**` goes through folders.

    Raises:
        ImageNotFoundError: it matches nothing.
        ImageError: it matches more than `MOST_FILES`.
    """
    files = next(filter(None, map(_files, spellings(_with_names(expanded(pattern))))), [])
    if not files:
        raise _unmatched(pattern)
    if len(files) > MOST_FILES:
        raise ImageError(
            f"{quoted(pattern)} matches more than {MOST_FILES} files.",
            "No request takes so many pictures.",
            "Narrow the pattern.",
        )
    return sorted(files, key=natural_key)


def _files(pattern: str) -> list[str]:
    matches = islice(glob.iglob(pattern, recursive=True), MOST_FILES * 10)  # noqa: PTH207 (absolute ones too)
    return list(islice((match for match in matches if not os.path.isdir(match)), MOST_FILES + 1))  # noqa: PTH112


def _with_names(place: Path) -> str:
    """Escape the folders at the beginning of a pattern that exist, such as `Client [final]`."""
    known = next((folder for folder in place.parents if folder.parts and os.path.lexists(folder)), None)
    if known is None:
        return os.fspath(place)
    return os.fspath(Path(glob.escape(os.fspath(known))) / place.relative_to(known))


def natural_key(path: str) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """
    Return what to sort paths by, so that numbers count as numbers and capitals do not matter.

    >>> sorted(["img10.png", "img2.png", "Img1.png"], key=natural_key)
    ['Img1.png', 'img2.png', 'img10.png']
    """
    parts = _NUMBERS.split(path.replace(os.sep, "/").casefold())
    return tuple((1, 0, part) if at % 2 == 0 else (0, int(part), "") for at, part in enumerate(parts) if part), path


def _unmatched(pattern: str) -> ImageNotFoundError:
    folder = missing(expanded(pattern), quoted(pattern))
    return ImageNotFoundError(
        f"{quoted(pattern)} matches no file.", folder.why.replace("of that name", "like that"), folder.how
    )
