"""The pictures of a folder, a list or a table, left on the disk: in the order in which people count."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from nbbanana.errors import ImageError, ImageNotFoundError, UsageError
from nbbanana.images import ImageInput, left_on_disk, load
from nbbanana.images.reading import ENDINGS, existing, expand, is_glob, natural_key, quoted
from nbbanana.session.call_args import settled
from nbbanana.text import one_line

__all__ = ["Found", "Named", "pictures_of", "table_of"]


@dataclass(frozen=True, slots=True)
class Named:
    """
    One picture of a gallery.

    Args:
        name: what it is called: its file's name, with its folder below the one that was given.
        picture: its facts; its bytes stay on the disk.
        values: the values of its row in the table, by column.
    """

    name: str
    picture: ImageInput
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """Its name without folder and ending: what `{{name}}` stands for, where no column says otherwise."""
        return PurePath(self.name).stem


@dataclass(frozen=True, slots=True)
class Found:
    """
    The pictures that were found, and what was left out of them.

    Args:
        pictures: in their order.
        left_out: names of files, each with why.
    """

    pictures: tuple[Named, ...]
    left_out: tuple[tuple[str, str], ...] = ()


def pictures_of(given: Any, *, subfolders: bool = False) -> Found:
    """
    Return the pictures of a folder, of a pattern, or of a list.

    Args:
        given: a folder, a glob, or several of what a picture may be. Files are read once, one after the other, for
            their digest and size, and left on the disk.
        subfolders: whether folders in the folder count too; hidden ones never do.

    Raises:
        UsageError: no picture among them.
        ImageError, ImageNotFoundError: one of a list that cannot be read; of a folder it is left out and named.
    """
    folder = existing(given) if isinstance(given, str | os.PathLike) else None
    if folder is not None and folder.is_dir():
        return _of_folder(folder, subfolders=subfolders)
    if isinstance(given, str) and is_glob(given):
        given = expand(given)
    several = [given] if isinstance(given, str | os.PathLike) else list(settled([given] if _is_one(given) else given))
    found = [_named(one, number) for number, one in enumerate(several, start=1)]
    if not found:
        raise UsageError("There are no pictures.", "The list is empty.", "Give a folder, or some files.")
    return Found(tuple(found))


def _of_folder(folder: Path, *, subfolders: bool) -> Found:
    found, left_out = [], []
    for name in sorted(_names(folder, subfolders=subfolders), key=natural_key):
        why = _why_not(folder / name)
        if not why:
            try:
                found.append(Named(name, left_on_disk(load(folder / name), folder / name)))
            except ImageError as error:
                why = error.why or error.what
        left_out += [(name, why)] if why else []
    if not found:
        raise UsageError(
            f"{quoted(folder.name)} holds no picture.",
            f"{len(left_out)} files in it are none." if left_out else "It is empty.",
            "Name another folder" + ("." if subfolders else ", or use subfolders=True."),
        )
    return Found(tuple(found), tuple(left_out))


def _names(folder: Path, *, subfolders: bool) -> Iterator[str]:
    """Yield the files of a folder, by their path in it, with `/` between."""
    for place, folders, files in os.walk(folder):
        folders[:] = [one for one in folders if subfolders and not one.startswith(".")]
        inside = Path(place).relative_to(folder)
        yield from ((inside / one).as_posix() for one in files)


def _why_not(file: Path) -> str:
    if file.name.startswith("."):
        return "it is hidden"
    return "" if file.name.lower().endswith(ENDINGS) else "it is no picture"


def _is_one(given: Any) -> bool:
    return hasattr(given, "__nbbanana_image__") or hasattr(given, "im") or isinstance(given, bytes | ImageInput)


def _named(source: Any, number: int) -> Named:
    picture = load(source)
    if isinstance(source, str | os.PathLike):
        return Named(PurePath(source).name or picture.name, left_on_disk(picture, source))
    label = getattr(source, "label", "") or getattr(source, "name", "")
    return Named(str(label or f"picture {number}"), picture)


def table_of(table: Any, column: str, found: Found) -> Found:
    """
    Return the pictures that the rows of a table name, with the values of their rows.

    Args:
        table: a CSV file, a DataFrame, or a list of dicts; None leaves the pictures as they are.
        column: the column that holds the file's name, with or without its ending.
        found: the pictures to choose from; those that no row names are left out, and said.

    Raises:
        UsageError: no such column, a row without a file, or one whose file is not among the pictures.
    """
    if table is None:
        return found
    rows = _rows(table)
    if not rows or column not in rows[0]:
        names = ", ".join(rows[0]) if rows else "none"
        raise UsageError(f"The table has no column {column!r:.40}.", f"Its columns: {names:.200}.", "Use column=….")
    known = {one.stem: one for one in found.pictures} | {one.name: one for one in found.pictures}
    pictures = []
    for row in rows:
        one = known.get(str(row.get(column)))
        if one is None:
            raise ImageNotFoundError(
                f"{quoted(str(row.get(column, '')))} is not among the pictures.",
                f"A row of the table names it in {column!r:.40}.",
                "Mend the table, or add the file.",
            )
        pictures.append(Named(one.name, one.picture, row))
    named = {one.name for one in pictures}
    rest = [(one.name, "no row names it") for one in found.pictures if one.name not in named]
    return Found(tuple(pictures), (*found.left_out, *rest))


def _rows(table: Any) -> list[dict[str, Any]]:
    """Return the rows of a table; what is missing in a row is left out."""
    if isinstance(table, str | os.PathLike):
        place = existing(table)
        if place is None:
            raise UsageError(f"{quoted(os.fsdecode(table))} is not there.", "It is the table.", "Check its path.")
        with place.open(encoding="utf-8-sig", newline="") as file:
            records: Sequence[Mapping[Any, Any]] = list(csv.DictReader(file))
        records = [{key: value for key, value in row.items() if value not in {"", None}} for row in records]
    else:
        records = table.to_dict("records") if hasattr(table, "to_dict") else list(table)
    return [{one_line(key): value for key, value in row.items() if _is_there(value)} for row in records]


def _is_there(value: Any) -> bool:
    return value is not None and value == value and type(value).__name__ not in {"NAType", "NaTType"}  # noqa: PLR0124
