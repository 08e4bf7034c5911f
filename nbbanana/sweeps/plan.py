"""
`Plan`: what varies in a sweep, and its cells: what each asks, and how one stands by a record of the store.

An axis is one thing that varies: its values, with a short name for each. Axes are combined to the places of cells.
"""

from __future__ import annotations

import itertools
import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from numbers import Real
from typing import Any, Literal

from nbbanana.display.differences import around
from nbbanana.errors import NBBananaError, UsageError
from nbbanana.models.catalogue import short_name
from nbbanana.request import MOST_REQUESTS, SEED_LIMIT, EditRequest, sha256_of
from nbbanana.store.records import Edit, OutputRecord
from nbbanana.text import clip, one_line, written

__all__ = [
    "Axis",
    "Cell",
    "Combine",
    "Plan",
    "Point",
    "Standing",
    "State",
    "axes_of",
    "axis_named",
    "check_value",
    "combined",
    "is_missing",
    "is_series",
    "key_of",
    "picture_name",
    "points_of_rows",
    "seeded",
    "standing_of",
]

Combine = Literal["product", "zip"]
Point = Mapping[str, tuple[Any, str]]
"""A place in a sweep: for each axis its value and the short name of that."""

LONGEST_NAME = 60
"""Characters of the short name of a value."""
State = Literal["here", "under way", "missing", "refused", "failed", "unknown"]
"""
How a cell stands: its pictures are `here`, a service has it `under way`, it is `missing` and would be sent, it was
`refused` and cost nothing, it `failed`, or it is `unknown` whether it was charged.
"""


@dataclass(frozen=True, slots=True)
class Axis:
    """
    One thing that varies.

    Args:
        name: of a parameter, `prompt`, `images`, `model`, `provider`, a placeholder, or words that are replaced.
        values: its values in their order.
        names: a short name for each, no two alike.
    """

    name: str
    values: tuple[Any, ...]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True)
class Cell:
    """
    One cell of a sweep.

    Args:
        number: its place in the sweep, from 0.
        at: the name of each axis, and of its value here.
        values: the values themselves, by axis.
        request: what it asks; None where that cannot be asked.
        provider: the service that is asked; None is that of the session.
        sample: of several cells that ask the same, which one it is, from 0.
        error: why it cannot be asked; None where it can.
    """

    number: int
    at: Mapping[str, str]
    values: Mapping[str, Any] = field(repr=False)
    request: EditRequest | None = field(default=None, repr=False)
    provider: str | None = None
    sample: int = 0
    error: NBBananaError | None = None

    @property
    def title(self) -> str:
        """What sets it apart: `seed 3 · resolution 2K`."""
        return " · ".join(f"{axis} {name}" for axis, name in self.at.items())

    @property
    def ask(self) -> tuple[str | None, str | None, int]:
        """What it asks, where: cells of which this is the same are one edit."""
        return self.provider, self.request.ask if self.request else None, self.sample


@dataclass(frozen=True, slots=True)
class Standing:
    """
    How a cell stands.

    Args:
        state: in a word.
        edit: the record that says so; None where there is none.
        error: why it gave no picture, where that is known from this kernel.
    """

    state: State
    edit: Edit | None = None
    error: NBBananaError | None = None

    @property
    def made(self) -> Edit | None:
        """The record of its pictures; None where it has none."""
        return self.edit if self.state == "here" else None

    @property
    def outputs(self) -> tuple[OutputRecord, ...]:
        """Its pictures; none where it is not here."""
        return self.made.outputs if self.made is not None else ()

    @property
    def why(self) -> str:
        """Why it gave no picture, in words; empty where it did or was not asked."""
        if self.error is not None:
            return " ".join(self.error.lines)
        return (self.edit.error or "") if self.edit is not None and self.state not in {"here", "under way"} else ""

    @property
    def is_free(self) -> bool:
        """Whether to ask again what gave no picture costs no more than to ask it once."""
        if self.edit is None:  # it never could be asked
            return False
        return self.state == "refused" or (self.state == "failed" and self.edit.cost == 0)


@dataclass(frozen=True, slots=True)
class Plan:
    """
    The cells of a sweep: a value that asks nothing and can be kept in a file.

    Args:
        axes: what varies, in the order of the arguments.
        cells: all cells, the last axis quickest.
        locks: parameters that were set for all, so that the outputs belong together.
        words: the prompts as they were written, before their places were filled; empty where that is not known.
    """

    axes: tuple[Axis, ...]
    cells: tuple[Cell, ...] = field(repr=False)
    locks: Mapping[str, Any] = field(default_factory=dict)
    words: tuple[str, ...] = field(default=(), repr=False)

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def requests(self) -> list[EditRequest]:
        """What the cells ask, without those that cannot be asked."""
        return [cell.request for cell in self.cells if cell.request is not None]

    @property
    def shape(self) -> str:
        """How the cells come about: `prompt (6) × seed (8) = 48 cells`."""
        count = f"{len(self)} cell{'s' * (len(self) != 1)}"
        if math.prod(map(len, self.axes)) != len(self) or not self.axes:
            names = ", ".join(axis.name for axis in self.axes)
            return f"{count}{f' of {names}' if names else ''}"
        return f"{' × '.join(f'{axis.name} ({len(axis)})' for axis in self.axes)} = {count}"


def is_series(value: Any) -> bool:
    """
    Return whether a value is several values: a list, a tuple, a range, an array, a column of a table, a generator.

    >>> is_series(range(4)), is_series(["1K", "2K"]), is_series("1K"), is_series(7), is_series({"a": 1})
    (True, True, False, False, False)
    """
    if isinstance(value, str | bytes | bytearray | memoryview | Mapping | os.PathLike):
        return False
    if hasattr(value, "__nbbanana_image__") or hasattr(value, "im") or getattr(value, "ndim", 1) != 1:
        return False  # a picture is one value, whatever it is an array of
    return isinstance(value, Iterable)


def axes_of(given: Mapping[str, Any]) -> tuple[dict[str, Any], list[Axis]]:
    """
    Tell what is the same in all cells from what varies.

    Args:
        given: values, and several values, by name.

    Returns:
        The values that are the same, and an axis for each that varies; one of a single value is no axis.

    Raises:
        UsageError: an axis without a value, or with the same value twice.

    >>> same, axes = axes_of({"seed": range(2), "resolution": "1K"})
    >>> same, axes
    ({'resolution': '1K'}, [Axis(name='seed', values=(0, 1), names=('0', '1'))])
    """
    same, axes = {}, []
    for name, value in given.items():
        if not is_series(value) or _is_box_of_mask(name, value):
            same[name] = value
            continue
        values = [_plain(one) for one in itertools.islice(value, MOST_REQUESTS + 1)]
        if len(values) > MOST_REQUESTS:
            length = f"{len(value):,}" if hasattr(value, "__len__") else f"more than {MOST_REQUESTS:,}"
            raise _too_many(f"{name} has {length} values.")
        if len(values) == 1:
            same[name] = values[0]
        else:
            axes.append(_axis(name, values))
    return same, axes


def _is_box_of_mask(name: str, value: Any) -> bool:
    """Return whether a value is one box that is given as a mask, and not four masks: `mask_of` says what a mask is."""
    is_box = isinstance(value, list | tuple) and len(value) == 4 and all(isinstance(part, Real) for part in value)
    return is_box and name.startswith("mask")


def combined(axes: Sequence[Axis], how: Combine = "product") -> list[Point]:
    """
    Return all places of a sweep, the last axis quickest.

    Args:
        axes: what varies.
        how: `product`, each value with each; `zip`, the first values together, then the second, and so on.

    Raises:
        UsageError: axes of several lengths that are to be zipped, too many cells, or another word.

    >>> axes = [Axis("seed", (1, 2), ("1", "2")), Axis("resolution", ("1K", "2K"), ("1K", "2K"))]
    >>> len(combined(axes)), [point["seed"][0] for point in combined(axes, "zip")]
    (4, [1, 2])
    """
    lengths = [len(axis) for axis in axes]
    if how not in {"product", "zip"}:
        raise UsageError(f"combine is {how!r:.40}.", 'It is "product" or "zip".', "Choose one of them.")
    count = math.prod(lengths) if how == "product" else max(lengths, default=1)
    if count > MOST_REQUESTS:
        raise _too_many(f"The sweep has {count:,} cells.")
    columns = [[(axis.name, pair) for pair in zip(axis.values, axis.names, strict=True)] for axis in axes]
    if how == "zip" and len(set(lengths)) > 1:
        each = ", ".join(f"{axis.name} {len(axis)}" for axis in axes)
        raise UsageError("Axes that are zipped have as many values each.", f"These have: {each}.", "Leave some out.")
    found = itertools.product(*columns) if how == "product" else zip(*columns, strict=True)
    return [dict(point) for point in found] or [{}]


def _too_many(what: str) -> UsageError:
    return UsageError(
        what, f"At most {MOST_REQUESTS:,} cells are planned at once.", "Plan a part of it, then the next."
    )


def points_of_rows(rows: Any) -> tuple[list[Axis], list[Point]]:
    """
    Return the places of a sweep whose cells are the rows of a table.

    Args:
        rows: a pandas DataFrame, or mappings. A value that is missing or NaN is not set in that cell.

    Raises:
        UsageError: no table, or one without rows.

    >>> axes, points = points_of_rows([{"seed": 1, "resolution": "1K"}, {"seed": 2}])
    >>> [axis.name for axis in axes], points[1]
    (['seed', 'resolution'], {'seed': (2, '2')})
    """
    if hasattr(rows, "__len__") and len(rows) > MOST_REQUESTS:
        raise _too_many(f"rows has {len(rows):,} rows.")
    records = rows.to_dict("records") if hasattr(rows, "to_dict") else list(itertools.islice(rows, MOST_REQUESTS + 1))
    if not records or not all(isinstance(record, Mapping) for record in records):
        raise UsageError("rows holds no rows.", "It takes a DataFrame, or a list of dicts: a cell each.", "Check it.")
    filled = [{str(key): _plain(value) for key, value in row.items() if not is_missing(value)} for row in records]
    axes = []
    for name in dict.fromkeys(itertools.chain.from_iterable(filled)):
        values = list({key_of(row[name]): row[name] for row in filled if name in row}.values())
        axes.append(_axis(name, values))
    name_of = {axis.name: dict(zip(map(key_of, axis.values), axis.names, strict=True)) for axis in axes}
    return axes, [{name: (value, name_of[name][key_of(value)]) for name, value in row.items()} for row in filled]


def _axis(name: str, values: Sequence[Any]) -> Axis:
    if not values:
        raise UsageError(f"{name} has no value.", "An axis has at least one.", f"Give {name} some values.")
    times = Counter(map(key_of, values))
    twice = [value for value in values if times[key_of(value)] > 1]
    if twice:
        raise UsageError(
            f"{name} has {_named(name, twice[0])} twice.",
            "Two cells would ask the same, and be one.",
            "Name each value once. For several samples of one request, sweep the seed.",
        )
    return Axis(name, tuple(values), tuple(_names(name, values)))


def _names(axis: str, values: Sequence[Any]) -> list[str]:
    """Return a short name for each value; of long texts only what differs, and a number where two are still alike."""
    texts = [_named(axis, value) for value in values]
    if all(isinstance(value, str) for value in values) and len(values) > 1 and max(map(len, texts)) > 24:
        before, parts, after = around([str(value) for value in values])
        if len(before.strip()) + len(after.strip()) >= max(map(len, parts)) / 2:
            texts = [one_line(part.strip(), LONGEST_NAME) or "—" for part in parts]
    texts = [one_line(text, LONGEST_NAME) for text in texts]
    counts = Counter(texts)
    return [text if counts[text] == 1 else f"{text} ({number})" for number, text in enumerate(texts, start=1)]


def _named(axis: str, value: Any) -> str:
    """Return how a value is called in a header."""
    if axis == "images":
        several = value if is_series(value) else [value]
        return " + ".join(picture_name(one, number) for number, one in enumerate(several, start=1))
    return short_name(str(value)) if axis == "model" else written(value, LONGEST_NAME)


def picture_name(picture: Any, number: int) -> str:
    """Return what a picture is called: by its file or its label, or by its number where it has neither."""
    if isinstance(picture, str | os.PathLike):
        return os.path.basename(os.fspath(picture))  # noqa: PTH119 (it may be an address)
    return str(getattr(picture, "label", "") or getattr(picture, "name", "") or f"picture {number}")


def _plain(value: Any) -> Any:
    """Return a number of NumPy or pandas as Python's own."""
    is_scalar = getattr(value, "shape", None) == () and hasattr(value, "item")
    return value.item() if is_scalar else value


def is_missing(value: Any) -> bool:
    """Return whether a value of a table is none: None, NaN, or what pandas has for that."""
    return (
        value is None
        or (isinstance(value, float) and math.isnan(value))
        or type(value).__name__ in {"NAType", "NaTType"}
    )


def key_of(value: Any) -> str:
    """Return what tells a value from others of its axis: its type and its text, or which object it is."""
    if isinstance(value, str):
        return f"str:{value.strip()}"  # what differs in blanks at its ends alone is no other value
    if isinstance(value, int | float | bool | os.PathLike) or value is None:
        return f"{type(value).__name__}:{value}"
    if is_series(value):
        return "|".join(key_of(one) for one in value)
    return f"{type(value).__name__}@{id(value)}"


def axis_named(axes: Sequence[Axis], name: str) -> Axis:
    """
    Return the axis of a name.

    Raises:
        UsageError: nothing of that name varies; it names those that do.
    """
    found = next((axis for axis in axes if axis.name == name), None)
    if found is None:
        names = ", ".join(axis.name for axis in axes)
        raise UsageError(f"{name} does not vary in this sweep.", f"Its axes: {names}.", "Name one of them.")
    return found


def check_value(axis: Axis, value: Any) -> None:
    """
    Refuse what is neither a value of an axis nor the name of one.

    Raises:
        UsageError: it names the value that is nearest.

    >>> check_value(Axis("colour", ("sand", "sage"), ("sand", "sage")), "sagee")
    Traceback (most recent call last):
    nbbanana.errors.UsageError: No cell has the colour 'sagee'.
    Its values: sand, sage.
    Did you mean 'sage'?
    """
    if any(one is value or one == value for one in axis.values) or value in axis.names:
        return
    near = get_close_matches(str(value), axis.names, 1, cutoff=0.5)
    raise UsageError(
        f"No cell has the {axis.name} {value!r:.60}.",
        f"Its values: {clip(', '.join(axis.names), 300)}.",
        f"Did you mean {near[0]!r}?" if near else "Name one of them.",
    )


def seeded(request: EditRequest, sample: int = 0) -> EditRequest:
    """
    Return a request with a seed of its own, if its user gave none and its model takes one.

    The seed follows from the question: a sweep that is stopped, changed and run again has the same seeds where its
    cells ask the same, in any kernel and without a file that remembers them.

    Args:
        request: what is asked.
        sample: of several cells that ask the same, which one it is.

    >>> one = seeded(EditRequest("m", {"prompt": "Make it snow."}))
    >>> one.seed == seeded(EditRequest("m", {"prompt": "Make it snow."})).seed, one.is_seeded
    (True, True)
    """
    if request.seed_field is None or request.is_seeded:
        return request
    seed = int(sha256_of({"ask": request.ask, "sample": sample})[:15], 16) % SEED_LIMIT
    return replace(request, parameters={**request.parameters, request.seed_field: seed})


ANSWERED: Mapping[str, State] = {"completed": "here", "rejected": "refused", "cancelled": "missing"}


def standing_of(cell: Cell, edit: Edit | None) -> Standing:
    """Return how a cell stands by the newest record of its ask."""
    if cell.error is not None:
        return Standing("refused", None, cell.error)
    if edit is None or edit.error_kind == "BudgetError":
        return Standing("missing", edit)  # nothing was asked: the price or the budget was refused here
    if edit.state in {"unknown", "lost"} and edit.cost is None:
        return Standing("unknown", edit)
    return Standing(ANSWERED.get(edit.state, "failed" if edit.is_terminal else "under way"), edit)
