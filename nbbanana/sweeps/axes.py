"""Axes of a sweep: what varies, the values of each axis with a short name for each, and how axes are combined."""

from __future__ import annotations

import itertools
import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

from nbbanana.display.differences import around
from nbbanana.display.words import written
from nbbanana.errors import UsageError
from nbbanana.models.naming import short_name
from nbbanana.text import one_line

__all__ = ["Axis", "Combine", "Point", "axes_of", "combined", "is_series", "key_of", "points_of_rows"]

Combine = Literal["product", "zip"]
Point = Mapping[str, tuple[Any, str]]
"""A place in a sweep: for each axis its value and the short name of that."""

LONGEST_NAME = 60
"""Characters of the short name of a value."""
MOST = 20_000
"""Cells of one sweep: more are a mistake in the axes, or work for several sweeps."""


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
        values = [_plain(one) for one in itertools.islice(value, MOST + 1)]
        if len(values) > MOST:
            raise _too_many(f"{name} has {_length(value)} values.")
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
    if count > MOST:
        raise _too_many(f"The sweep has {count:,} cells.")
    columns = [[(axis.name, pair) for pair in zip(axis.values, axis.names, strict=True)] for axis in axes]
    if how == "zip" and len(set(lengths)) > 1:
        each = ", ".join(f"{axis.name} {len(axis)}" for axis in axes)
        raise UsageError("Axes that are zipped have as many values each.", f"These have: {each}.", "Leave some out.")
    found = itertools.product(*columns) if how == "product" else zip(*columns, strict=True)
    return [dict(point) for point in found] or [{}]


def _too_many(what: str) -> UsageError:
    return UsageError(what, f"At most {MOST:,} cells are planned at once.", "Plan a part of it, then the next.")


def _length(value: Any) -> str:
    return f"{len(value):,}" if hasattr(value, "__len__") else f"more than {MOST:,}"


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
    if hasattr(rows, "__len__") and len(rows) > MOST:
        raise _too_many(f"rows has {len(rows):,} rows.")
    records = rows.to_dict("records") if hasattr(rows, "to_dict") else list(itertools.islice(rows, MOST + 1))
    if not records or not all(isinstance(record, Mapping) for record in records):
        raise UsageError("rows holds no rows.", "It takes a DataFrame, or a list of dicts: a cell each.", "Check it.")
    filled = [{str(key): _plain(value) for key, value in row.items() if not _is_missing(value)} for row in records]
    axes = []
    for name in dict.fromkeys(itertools.chain.from_iterable(filled)):
        values = list({key_of(row[name]): row[name] for row in filled if name in row}.values())
        axes.append(_axis(name, values))
    name_of = {axis.name: dict(zip(map(key_of, axis.values), axis.names, strict=True)) for axis in axes}
    return axes, [{name: (value, name_of[name][key_of(value)]) for name, value in row.items()} for row in filled]


def _axis(name: str, values: Sequence[Any]) -> Axis:
    if not values:
        raise UsageError(f"{name} has no value.", "An axis has at least one.", f"Give {name} some values.")
    twice = [
        value for key, group in itertools.groupby(sorted(values, key=key_of), key_of) if len(value := list(group)) > 1
    ]
    if twice:
        raise UsageError(
            f"{name} has {_named(name, twice[0][0])} twice.",
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
        return " + ".join(_picture_name(one, number) for number, one in enumerate(several, start=1))
    if axis == "model":
        return short_name(str(value))
    return written(value, LONGEST_NAME)


def _picture_name(picture: Any, number: int) -> str:
    if isinstance(picture, str | os.PathLike):
        return os.path.basename(os.fspath(picture))  # noqa: PTH119 (it may be an address)
    return str(getattr(picture, "label", "") or getattr(picture, "name", "") or f"picture {number}")


def _plain(value: Any) -> Any:
    """Return a number of NumPy or pandas as Python's own."""
    is_scalar = getattr(value, "shape", None) == () and hasattr(value, "item")
    return value.item() if is_scalar else value


def _is_missing(value: Any) -> bool:
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
