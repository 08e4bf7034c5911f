"""
Files and `data:` URIs as bytes, bounded: what is not a regular file is never opened for reading, and nothing waits.

Globs are sorted as people sort: `img2` comes before `img10`.
"""

from __future__ import annotations

import base64
import binascii
import difflib
import errno
import glob
import os
import re
import stat
import unicodedata
from itertools import islice
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, unquote_to_bytes

from nbbanana.errors import ImageError, ImageNotFoundError, translated
from nbbanana.images.kinds import MAX_FILE_BYTES

__all__ = [
    "ENDINGS",
    "bytes_of_data_uri",
    "checked_size",
    "existing",
    "expand",
    "is_glob",
    "natural_key",
    "quoted",
    "read_file",
    "read_stream",
]

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".avif", ".heic", ".heif")
"""How the names of picture files end."""

MANY_NAMES = 10_000
"""A folder of more names is not searched for a similar one."""

MOST_FILES = 1000
"""More matches than any request takes are a mistake in the pattern."""

LONGEST_NAME = 200
"""Characters of a name in a message; of a longer one the middle is left out."""


_NUMBERS = re.compile(r"([0-9]+)")


def quoted(name: str) -> str:
    """Return a name in quotes on one line: control and direction characters are spelled out, so that it cannot pose."""
    if len(name) > LONGEST_NAME:
        name = f"{name[: LONGEST_NAME // 2]}…{name[-LONGEST_NAME // 2 + 1 :]}"
    return repr(name.encode("utf-8", "backslashreplace").decode("utf-8"))


def spellings(text: str) -> tuple[str, ...]:
    """Return a text as it is, composed (é as one character) and decomposed (é as e and an accent), each once."""
    return tuple(dict.fromkeys((text, *(unicodedata.normalize(form, text) for form in ("NFC", "NFD")))))


def existing(path: str | os.PathLike[str]) -> Path | None:
    """
    Find the file or folder of that name, also if it differs in the spelling of accents; `~` is expanded. Else None.

    macOS writes names in a decomposed spelling, keyboards in a composed one, and each part of a path has its own.
    """
    place = expanded(os.fsdecode(path))
    if os.path.lexists(place):
        return place
    found = Path(place.anchor)
    for part in place.parts[1 if place.anchor else 0 :]:
        forms = [found / form for form in spellings(part)]
        there = next((form for form in forms if os.path.lexists(form)), None)
        if there is None:
            return None
        found = there
    return found if place.parts else None


def read_file(path: str | os.PathLike[str], *, shown: str | None = None) -> bytes:
    """
    Return the bytes of a regular file.

    Args:
        path: `~` stands for the home folder.
        shown: how messages call the file; as it was written where it is left out.

    Raises:
        ImageNotFoundError: no such file; the nearest name in its folder is suggested.
        ImageError: a folder, a pipe or device, not readable, over `MAX_FILE_BYTES`, or empty.
    """
    written = os.fsdecode(path)
    shown = quoted(written) if shown is None else shown
    place = existing(written) or expanded(written)
    with translated((OSError, ValueError), lambda problem: _unreadable(problem, place, shown, written)):
        # A pipe without a writer would block in open(): O_NONBLOCK makes it return, the check below refuses it.
        handle = os.open(place, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(handle, "rb") as file:  # noqa: PTH123 (a descriptor has no path)
            status = os.fstat(handle)
            _check_regular(status, shown, written)
            _check_size(status.st_size, shown)
            return read_stream(file, shown=shown, most=status.st_size)


def expanded(written: str) -> Path:
    """Return the path with `~` put in; as it is where there is no such user."""
    try:
        return Path(written).expanduser()
    except RuntimeError:
        return Path(written)


def read_stream(file: BinaryIO, *, shown: str, most: int = MAX_FILE_BYTES) -> bytes:
    """
    Return what is left in a binary file.

    Args:
        file: open for reading bytes.
        shown: how messages call it.
        most: so many bytes, and one more, are read; Python sets memory aside for as many.

    Raises:
        ImageError: over `MAX_FILE_BYTES`, empty, or a file that gives text.
    """
    data = file.read(most + 1)
    if not isinstance(data, bytes | bytearray | memoryview):
        raise ImageError(
            f"{shown} gives {type(data).__name__}, not bytes.", "A picture is binary data.", 'Open it with mode "rb".'
        )
    return checked_size(bytes(data), shown)


def checked_size(data: bytes, shown: str) -> bytes:
    """
    Return the same bytes, when they are not too many and not none.

    Raises:
        ImageError: over `MAX_FILE_BYTES`, or empty.
    """
    _check_size(len(data), shown)
    if not data:
        raise ImageError(f"{shown} is empty.", "It holds no bytes at all.", "Save or download it again.")
    return data


def _check_size(size: int, shown: str) -> None:
    if size > MAX_FILE_BYTES:
        raise ImageError(
            f"{shown} is too large to be read.",
            f"Files over {MAX_FILE_BYTES // 2**20} MiB are not taken for pictures.",
            "Save a smaller copy and give that.",
        )


def _check_regular(status: os.stat_result, shown: str, written: str) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "", written)
    if not stat.S_ISREG(status.st_mode):
        raise ImageError(
            f"{shown} is not a file.",
            "It is a pipe, a socket or a device, and reading it might never end.",
            "Save the picture as a file and give its path, or give its bytes.",
        )


def _unreadable(problem: OSError | ValueError, place: Path, shown: str, written: str) -> ImageError:
    if isinstance(problem, IsADirectoryError) or (isinstance(problem, PermissionError) and place.is_dir()):
        return _is_folder(place, shown, written)
    if isinstance(problem, FileNotFoundError | NotADirectoryError):
        return missing(place, shown)
    if isinstance(problem, PermissionError):
        return ImageError(f"{shown} may not be read.", "Its permissions forbid it.", "Make it readable, or copy it.")
    if isinstance(problem, OSError):
        reason = os.strerror(problem.errno) if problem.errno else "an input/output error"
        return ImageError(f"{shown} cannot be read.", f"The system says: {reason}.", "Check the path and the disk.")
    return ImageError(f"{shown} is not a path.", "It holds a character that no path may hold.", "Write its path anew.")


def _is_folder(place: Path, shown: str, written: str) -> ImageError:
    """Return the error for a folder, with the pattern for the pictures that most files in it are."""
    suffixes = [Path(name).suffix for name in _names(place) or [] if name.lower().endswith(ENDINGS)]
    if not suffixes:
        return ImageError(f"{shown} is a folder.", "A picture is a file, and it has none.", "Name another place.")
    inside = quoted(written.rstrip("/\\") + "/*" + max(suffixes, key=suffixes.count))
    return ImageError(f"{shown} is a folder.", "A picture is a file.", f"Write {inside} for the pictures in it.")


def missing(place: Path, shown: str) -> ImageNotFoundError:
    """Return the error for a file that is not there, with the nearest name in its folder."""
    folder = place.parent
    names = _names(folder)
    if names is None:
        where = quoted(folder.name or os.fspath(folder))
        return ImageNotFoundError(
            f"{shown} is not there.",
            f"There is no folder {where}.",
            "Check the path; it counts from the notebook's folder.",
        )
    return ImageNotFoundError(
        f"{shown} is not there.",
        f"{'This folder' if folder == Path() else 'The folder ' + quoted(folder.name)} holds no file of that name.",
        _similar(place.name, names) or _listing(names),
    )


def _similar(name: str, names: list[str]) -> str | None:
    """Return a question that names the file most likely meant; of a name with spaces, a line takes the first word."""
    spaced = next((one for one in names if one.startswith(name.rstrip("\\") + " ")), None)
    if spaced is not None:
        return f"Did you mean {quoted(spaced)}? In a cell, a name with spaces needs quotes."
    folded = {one.casefold(): one for one in names}
    near = difflib.get_close_matches(name.casefold(), list(folded), n=1)
    return f"Did you mean {quoted(folded[near[0]])}?" if near else None


def _names(folder: Path) -> list[str] | None:
    """Return the names in a folder; None where there is no folder; none of a folder that cannot be listed."""
    if not folder.is_dir():
        return None
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in islice(entries, MANY_NAMES))
    except OSError:
        return []


def _listing(names: list[str]) -> str:
    pictures = [name for name in names if name.lower().endswith(ENDINGS)]
    if not pictures:
        return "Check the path; it counts from the notebook's folder."
    more = f" and {len(pictures) - 4} more" if len(pictures) > 4 else ""
    return f"The pictures there are {', '.join(map(quoted, pictures[:4]))}{more}."


# ── data URIs ───────────────────────────────────────────────────────────────────────────────────────────────────


def bytes_of_data_uri(uri: str) -> bytes:
    r"""
    Return the bytes that a `data:` URI holds (RFC 2397).

    Raises:
        ImageError: it holds none, or base64 that is none.

    >>> bytes_of_data_uri("data:image/png;base64,iVBORw==")
    b'\x89PNG'
    """
    head, comma, body = uri.partition(",")
    if not comma or len(body) > MAX_FILE_BYTES * 2:
        raise _bad_data_uri("It has no comma before its data." if not comma else "It is too long.")
    if not head.lower().endswith(";base64"):
        return unquote_to_bytes(body)
    try:
        return base64.b64decode("".join(unquote(body).split()), validate=True)
    except (binascii.Error, ValueError):
        raise _bad_data_uri("What follows its comma is not base64.") from None


def _bad_data_uri(why: str) -> ImageError:
    return ImageError("The data URI holds no picture.", why, "Give the file, or its bytes.")


# ── globs ───────────────────────────────────────────────────────────────────────────────────────────────────────


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
        folder = missing(expanded(pattern), quoted(pattern))
        why = folder.why.replace("of that name", "like that")
        raise ImageNotFoundError(f"{quoted(pattern)} matches no file.", why, folder.how)
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
