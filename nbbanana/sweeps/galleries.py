"""`gallery`: one prompt over the pictures of a folder, all outputs of one shape and size, and a report at the end."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nbbanana.errors import UsageError
from nbbanana.prompts.placeholders import names_in
from nbbanana.session import Session, current
from nbbanana.sweeps.axes import Axis
from nbbanana.sweeps.folders import Found, Named, pictures_of, table_of
from nbbanana.sweeps.plan import Plan
from nbbanana.sweeps.planning import planned
from nbbanana.sweeps.prompting import check_names
from nbbanana.sweeps.reports import THUMBNAIL, write_report
from nbbanana.sweeps.sweep import Sweep
from nbbanana.text import clip, one_line

__all__ = ["Gallery", "gallery"]

NAMED = 6
"""So many of the files that were left out are named."""
FRAMING = frozenset({"aspect_ratio", "resolution"})
"""Parameters that every model takes, whatever it calls them."""


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
        return write_report(self, path, title=title, side=thumbnail, notes=self.notes, overwrite=overwrite)


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
        pictures: a folder, a glob, or a list of pictures. Hidden files and what is no picture are left out, and named.
            Files stay on the disk until they are sent.
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
    found = table_of(table, column, pictures_of(pictures, subfolders=subfolders))
    names = names_in(prompt)
    columns = list(dict.fromkeys(name for one in found.pictures for name in one.values if name != column))
    check_names([prompt], [*columns, "name", *given])
    known = {field.name for field in asks.model_at(given.get("model"), given.get("provider")).options} | FRAMING
    uses = [name for name in [*names, *columns] if (name in names or name in known) and name not in given]
    rows = [_row(one, uses, names) for one in found.pictures]
    plan = planned(asks, prompt, images, given, rows=rows, lock=lock)
    unused = [name for name in columns if name not in names and name not in known]
    return Gallery(asks, _by_picture(plan, found, given), found.left_out, unused)


def _row(one: Named, uses: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
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


def _by_picture(plan: Plan, found: Found, given: Mapping[str, Any]) -> Plan:
    """Return the plan with one axis for the pictures: what else differs from row to row follows from that."""
    others = [axis for axis in plan.axes if axis.name in given]
    pictures = Axis("images", tuple(one.picture for one in found.pictures), _names(found))
    each = len(plan) // max(1, len(found.pictures))
    cells = []
    for cell in plan.cells:
        name = pictures.names[cell.number // each]
        at = {"images": name, **{axis.name: cell.at[axis.name] for axis in others}}
        values = {"images": found.pictures[cell.number // each].picture}
        cells.append(replace(cell, at=at, values=values | {axis.name: cell.values[axis.name] for axis in others}))
    axes = (pictures, *others) if len(pictures) > 1 else tuple(others)
    return replace(plan, axes=axes, cells=tuple(cells))


def _names(found: Found) -> tuple[str, ...]:
    """Return the names of the pictures, no two alike: one picture may stand in several rows."""
    names = [one_line(one.name, 80) for one in found.pictures]
    return tuple(
        name if names.count(name) == 1 else f"{name} ({names[: at + 1].count(name)})" for at, name in enumerate(names)
    )
