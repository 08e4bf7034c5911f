"""`gallery`: one prompt over the pictures of a folder, all outputs of one shape and size, and a report at the end."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Any

from nbbanana.errors import ImageError, ImageNotFoundError, UsageError, translated
from nbbanana.images import ImageInput, left_on_disk, load
from nbbanana.images.reading import ENDINGS, existing, expand, is_glob, natural_key, quoted
from nbbanana.prompts.prompting import names_in
from nbbanana.session import Session, current
from nbbanana.session.call_args import checked_prompt, settled
from nbbanana.sweeps.exports import THUMBNAIL, write_report
from nbbanana.sweeps.plan import Axis, Plan, is_missing, is_series, picture_name
from nbbanana.sweeps.planning import check_names, planned
from nbbanana.sweeps.sweep import Sweep
from nbbanana.text import clip, counted, one_line

__all__ = ["Gallery", "gallery"]

NAMED = 6
"""So many of the files that were left out are named."""
FRAMING = frozenset({"aspect_ratio", "resolution"})
"""Parameters that every model takes, whatever it calls them."""
_LeftOut = tuple[str, str]
"""The name of a file that is no part of a gallery, and why."""


class Gallery(Sweep):
    """
    A sweep over the pictures of a folder, which can write a report.

    Args:
        session: asks, and holds the records.
        plan: the cells.
        left_out: files that are no part of it, each with why.
        unused: columns of its table that nothing uses.
    """

    def __init__(
        self,
        session: Session,
        plan: Plan,
        left_out: Sequence[tuple[str, str]] = (),
        unused: Sequence[str] = (),
    ) -> None:
        super().__init__(session, plan)
        self.left_out = tuple(left_out)
        self.unused = tuple(unused)

    @property
    def notes(self) -> list[str]:
        """What was left out, in sentences."""
        named = ", ".join(f"{one_line(name, 60)} ({why})" for name, why in self.left_out[:NAMED])
        more = f" and {len(self.left_out) - NAMED} more" if len(self.left_out) > NAMED else ""
        count = len(self.left_out)
        found = [f"{count} file{'s' * (count != 1)} left out: {clip(named, 400)}{more}."] if count else []
        if self.unused:
            found.append(f"Columns that nothing uses: {clip(', '.join(map(one_line, self.unused)), 200)}.")
        return found

    def report(self, path: str | Path, *, title: str = "", thumbnail: int = THUMBNAIL, overwrite: bool = False) -> Path:
        """
        Write one HTML file that reads anywhere: each picture before and after, with its record.

        It needs no network and runs no script, holds no folder's name, no address and no key, and can be printed.

        Args:
            path: the file, such as `report.html`; its folder is made.
            title: stands above it.
            thumbnail: pixels of the longer side of its pictures, from 64 to 1024.
            overwrite: replace a file that is there.

        Returns:
            The file.

        Raises:
            UsageError: another ending, or a file that is there.
        """
        return write_report(self, path, title=title, side=thumbnail, overwrite=overwrite)


def gallery(
    pictures: Any,
    prompt: str,
    *images: Any,
    table: Any = None,
    column: str = "file",
    subfolders: bool = False,
    lock: bool = True,
    session: Session | None = None,
    **given: Any,
) -> Gallery:
    """
    Plan one edit for each picture of a folder; nothing is sent before `run`.

    Args:
        pictures: a folder, a glob, a list of pictures, or an array of several (N×H×W×3). Hidden files and what is no
            picture are left out, and named. Files stay on the disk until they are sent.
        prompt: the words, or those of `nb.prompt`. `{{name}}` is the file's name without its ending, other
            placeholders take the values of the table's columns.
        images: pictures that all have, after their own, as references.
        table: a CSV file, a DataFrame or a list of dicts with a row for each picture; pictures without one are left
            out. A column named as a parameter, such as `seed`, sets it.
        column: the column that holds the name of the file.
        subfolders: whether the pictures of folders in the folder count too.
        lock: have all outputs one aspect ratio and resolution; those that are given here count, else the ratio that
            most pictures are nearest to.
        session: the session that asks; None is the current one.
        given: `model`, `provider`, `n`, and the model's own parameters; several values are an axis, such as
            `seed=range(3)` for three of each picture.

    Returns:
        A `Gallery`, which is a `Sweep` with a `report`.

    Raises:
        UsageError: no pictures, a table that does not fit, or a placeholder without a value.
        InputError: no picture can be asked for.

    >>> import nbbanana as nb
    >>> from PIL import Image
    >>> folder = getfixture("tmp_path") / "skus"
    >>> folder.mkdir()
    >>> for name in ("mug-2", "mug-10"):
    ...     Image.new("RGB", (60, 40), "teal").save(folder / f"{name}.png")
    >>> with nb.Session(provider="sandbox", store=folder.parent / "store"):
    ...     shots = nb.gallery(folder, "Keep the product {{name}} unchanged. Make the wall grey.", seed=7)
    ...     print(shots.run().summary, [cell.at["images"].name for cell in shots])
    All 2 cells are here. ['mug-2.png', 'mug-10.png']
    """
    asks = session or current()
    found, left_out = _of_table(table, column, *_pictures_of(pictures, subfolders=subfolders))
    names = names_in(checked_prompt(prompt, []))
    columns = list(dict.fromkeys(name for one in found for name in one.values if name != column))
    check_names([prompt], [*columns, "name", *given])
    known = {field.name for field in asks.model_at(given.get("model"), given.get("provider")).options} | FRAMING
    uses = [name for name in [*names, *columns] if (name in names or name in known) and name not in given]
    rows = [_row(one, uses, names) for one in found]
    plan = planned(asks, prompt, images, given, rows=rows, lock=lock)
    unused = [name for name in columns if name not in {*names, *known}]
    return Gallery(asks, _by_picture(plan, found, given), left_out, unused)


def _row(one: _Named, uses: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
    """
    Return what the cell of a picture has of its own: the picture, and the values of its row.

    Raises:
        UsageError: a placeholder has no value in this row: braces would be sent to the service.
    """
    values = {"name": one.stem, **one.values}
    empty = next((name for name in uses if name in names and name not in values), None)
    if empty is not None:
        raise UsageError(
            f"{{{{{empty}}}}} has no value for {one.name!r:.80}.",
            "Its row in the table holds none.",
            "Fill it in, or leave the row out.",
        )
    own = {name: values[name] if name in names else _plain(values[name]) for name in uses if name in values}
    return {"images": one.picture, **own}


def _plain(value: Any) -> Any:
    """
    Return the value of a parameter; a CSV file holds text only.

    >>> [_plain(value) for value in ("7", "true", "1K", "1:1", 7.0, 0.5)]
    [7, True, '1K', '1:1', 7, 0.5]
    """
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, str):
        return value
    try:
        found = json.loads(value.lower())
    except ValueError:
        return value
    return found if isinstance(found, int | float) else value


def _by_picture(plan: Plan, found: Sequence[_Named], given: Mapping[str, Any]) -> Plan:
    """Return the plan with one axis for the pictures: what else differs from row to row follows from that."""
    others = [axis for axis in plan.axes if axis.name in given]
    pictures = Axis("images", tuple(one.picture for one in found), _names(found))
    each = len(plan) // max(1, len(found))
    cells = []
    for cell in plan.cells:
        name = pictures.names[cell.number // each]
        at = {"images": name, **{axis.name: cell.at[axis.name] for axis in others}}
        values = {"images": found[cell.number // each].picture}
        cells.append(replace(cell, at=at, values=values | {axis.name: cell.values[axis.name] for axis in others}))
    axes = (pictures, *others) if len(pictures) > 1 else tuple(others)
    return replace(plan, axes=axes, cells=tuple(cells))


def _names(found: Sequence[_Named]) -> tuple[str, ...]:
    """Return the names of the pictures, no two alike: one picture may stand in several rows."""
    names = [one_line(one.name, 80) for one in found]
    return tuple(
        name if names.count(name) == 1 else f"{name} ({names[: at + 1].count(name)})" for at, name in enumerate(names)
    )


@dataclass(frozen=True, slots=True)
class _Named:
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


def _pictures_of(given: Any, *, subfolders: bool) -> tuple[list[_Named], list[_LeftOut]]:
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
    elif getattr(given, "ndim", None) == 4:  # a stack of pictures
        given = list(given)
    several = settled(given if is_series(given) else [given])
    found = [_named(one, number) for number, one in enumerate(several, start=1)]
    if not found:
        raise UsageError("There are no pictures.", "The list is empty.", "Give a folder, or some files.")
    return found, []


def _of_folder(folder: Path, *, subfolders: bool) -> tuple[list[_Named], list[_LeftOut]]:
    found, left_out = [], []
    for name in sorted(_files(folder, subfolders=subfolders), key=natural_key):
        file = folder / name
        if file.name.startswith("."):
            left_out.append((name, "it is hidden"))
        elif not file.name.lower().endswith(ENDINGS):
            left_out.append((name, "it is no picture"))
        else:
            try:
                found.append(_Named(name, left_on_disk(load(file), file)))
            except ImageError as error:
                left_out.append((name, error.why or error.what))
    if not found:
        raise UsageError(
            f"{quoted(folder.name)} holds no picture.",
            f"None of {counted(len(left_out), 'file')} in it is one." if left_out else "It is empty.",
            "Name another folder" + ("." if subfolders else ", or use subfolders=True."),
        )
    return found, left_out


def _files(folder: Path, *, subfolders: bool) -> Iterator[str]:
    """Yield the files of a folder, by their path in it, with `/` between."""
    for place, folders, files in os.walk(folder):
        folders[:] = [one for one in folders if subfolders and not one.startswith(".")]
        inside = Path(place).relative_to(folder)
        yield from ((inside / one).as_posix() for one in files)


def _named(source: Any, number: int) -> _Named:
    picture = load(source)
    if isinstance(source, str | os.PathLike):
        picture = left_on_disk(picture, source)
    return _Named(picture_name(source, number) or picture.name, picture)


def _of_table(
    table: Any, column: str, found: list[_Named], left_out: list[_LeftOut]
) -> tuple[list[_Named], list[_LeftOut]]:
    """
    Return the pictures that the rows of a table name, with the values of their rows; all others are left out.

    Args:
        table: a CSV file, a DataFrame, or a list of dicts; None leaves the pictures as they are.
        column: the column that holds the file's name, with or without its ending.
        found: the pictures to choose from.
        left_out: what was left out before.

    Raises:
        UsageError: no such column, a row without a file, or one whose file is not among the pictures.
    """
    if table is None:
        return found, left_out
    rows = _rows(table)
    if not rows or column not in rows[0]:
        names = ", ".join(rows[0]) if rows else "none"
        raise UsageError(f"The table has no column {column!r:.40}.", f"Its columns: {names:.200}.", "Use column=….")
    known = {one.stem: one for one in found} | {one.name: one for one in found}
    pictures = []
    for row in rows:
        one = known.get(str(row.get(column)))
        if one is None:
            raise ImageNotFoundError(
                f"{quoted(str(row.get(column, '')))} is not among the pictures.",
                f"A row of the table names it in {column!r:.40}.",
                "Mend the table, or add the file.",
            )
        pictures.append(_Named(one.name, one.picture, row))
    named = {one.name for one in pictures}
    return pictures, [*left_out, *((one.name, "no row names it") for one in found if one.name not in named)]


def _rows(table: Any) -> list[dict[str, Any]]:
    """Return the rows of a table; what is missing in a row is left out."""
    with translated((OSError, ValueError, TypeError, AttributeError, csv.Error), _no_table):
        if isinstance(table, str | os.PathLike):
            place = existing(table)
            if place is None:
                raise UsageError(f"{quoted(os.fsdecode(table))} is not there.", "It is the table.", "Check its path.")
            with place.open(encoding="utf-8-sig", newline="") as file:
                records: Sequence[Mapping[Any, Any]] = list(csv.DictReader(file))
            records = [{key: value for key, value in row.items() if value not in {"", None}} for row in records]
        else:
            records = table.to_dict("records") if hasattr(table, "to_dict") else list(table)
        return [{one_line(key): value for key, value in row.items() if not is_missing(value)} for row in records]


def _no_table(problem: Exception) -> UsageError:
    why = getattr(problem, "strerror", None) or "It is no text in UTF-8 with commas, and no rows with names"
    return UsageError("The table cannot be read.", f"{why}.", "Give a CSV file, a DataFrame or a list of dictionaries.")
