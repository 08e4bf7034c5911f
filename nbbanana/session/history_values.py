"""What a history is asked with: numbers of edits, limits, moments, facts and files, whatever library made them."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path, PurePath
from typing import Any, get_args

from nbbanana.errors import UsageError
from nbbanana.session.results import EditResult, Output
from nbbanana.store.conditions import COMPARISONS, DRIFT
from nbbanana.store.records import State

__all__ = ["bounds", "count", "facts", "file", "ids", "moment", "said", "whole"]

LARGEST = 2**63 - 1
"""The largest number that a column of the store holds."""
STATES: tuple[str, ...] = get_args(State)


def whole(value: Any, what: str = "an edit's number") -> int:
    """
    Return a whole number, whatever library made it.

    Raises:
        UsageError: it is none.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or abs(number) > LARGEST:
        raise _no(value, what, "It takes a whole number, such as 12.")
    return number


def count(value: Any) -> int:
    """
    Return how many edits are wanted.

    Raises:
        UsageError: no whole number, or one below 0.
    """
    number = whole(value, "a limit")
    if number < 0:
        raise _no(value, "a limit", "It takes a whole number from 0 on.")
    return number


def bounds(key: slice) -> slice:
    """
    Return a slice of numbers.

    Raises:
        UsageError: one of its parts is no whole number, or it steps by 0.
    """
    parts = [None if part is None else whole(part) for part in (key.start, key.stop, key.step)]
    if parts[2] == 0:
        raise _no(0, "a step", "A slice steps by 1 or more.")
    return slice(*parts)


def ids(edits: EditResult | Output | int | Iterable[EditResult | Output | int]) -> list[int]:
    """
    Return the numbers of edits, each once, in their order.

    Raises:
        UsageError: something that names no edit.
    """
    edits = _scalar(edits)
    several = isinstance(edits, Iterable) and not isinstance(edits, EditResult | str | bytes)
    return list(dict.fromkeys(_id(edit) for edit in (edits if several else [edits])))  # type: ignore[union-attr]


def facts(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return what an edit must have as the store asks for it; what is None is not asked for.

    Raises:
        UsageError: something that cannot be asked for.
    """
    given = {name: _scalar(value) for name, value in wanted.items() if value is not None}
    if "states" in given:
        given["state"] = given.pop("states")
    if unknown := given.keys() - _FACTS.keys():
        raise UsageError(
            f"filter() does not know {', '.join(sorted(unknown))}.",
            f"It takes {', '.join(sorted(name for name in _FACTS if '__' not in name))}, since, until and limit; and"
            f" {', '.join(DRIFT)} with {', '.join(f'__{kind}' for kind in COMPARISONS)}.",
            "Check the spelling; a figure is compared, as in drift_outside__lt=2.",
        )
    return {name: _FACTS[name](name, value) for name, value in given.items()}


def moment(when: Any) -> float | None:
    """
    Return a moment in seconds since the epoch; None stays None.

    Raises:
        UsageError: it is none.
    """
    if when is None:
        return None
    found = _read(when)
    if isinstance(found, date) and not isinstance(found, datetime):
        found = datetime.combine(found, time())
    try:
        seconds = found.timestamp() if isinstance(found, datetime) else float(found)
    except (TypeError, ValueError, OverflowError):  # no number, not a time, or a year that no clock knows
        seconds = math.nan
    if not math.isfinite(seconds):
        raise UsageError(f"{_shown(when)} is not a date.", "It takes ISO 8601, such as 2026-03-11 or 2026-03-11T14:02.")
    return seconds


def file(path: Any) -> Path:
    """
    Return the path of a file.

    Raises:
        UsageError: it is none.
    """
    if not isinstance(path, str | PurePath) or not str(path) or not _can_be_a_name(str(path)):
        raise _no(path, "a file", "It takes a path, such as 'study.zip'.")
    return Path(path).expanduser()


def _can_be_a_name(path: str) -> bool:
    """Return whether a file can be called so: half a character and a zero byte can be in no name."""
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False


def said(wanted: Mapping[str, Any]) -> str:
    """Return what was asked for, as a heading: `starred, seed 7, with “snow”`."""
    asked = {name: value for name, value in wanted.items() if value is not None}
    words = [name if value else f"not {name}" for name, value in asked.items() if isinstance(value, bool)]
    for name, value in asked.items():
        if name == "words":
            words.append(f"with “{value}”")
        elif name == "state":
            words.append(" or ".join(value))
        elif name.partition("__")[0] in DRIFT:
            figure, _, kind = name.partition("__")
            words.append(f"{figure} {COMPARISONS[kind]} {value:g}")
        elif not isinstance(value, bool):
            words.append(f"{name} {value}")
    return ", ".join(words)


def _id(edit: Any) -> int:
    if isinstance(edit, EditResult):
        return edit.id
    return edit.edit_id if isinstance(edit, Output) else whole(edit, "an edit")


def _scalar(value: Any) -> Any:
    """Return a NumPy or pandas scalar, or an array of no dimension, as Python has it; anything else as it is."""
    return value.item() if hasattr(value, "item") and getattr(value, "shape", None) == () else value


def _read(when: Any) -> Any:
    """Return a moment as Python has it: a datetime or a number; NaN where it is none."""
    if getattr(when, "shape", None) == () and getattr(getattr(when, "dtype", None), "kind", "") == "M":
        found = when.astype("datetime64[us]").item()  # a datetime, in UTC as NumPy has it; a number beyond its years
        return found.replace(tzinfo=UTC) if isinstance(found, datetime) else math.nan
    if hasattr(when, "to_pydatetime"):
        return when.to_pydatetime() if when == when else math.nan  # noqa: PLR0124 - NaT, as NaN, is not itself
    if isinstance(when, str):
        try:
            return datetime.fromisoformat(when)
        except ValueError:
            return math.nan
    when = _scalar(when)
    return when if isinstance(when, int | float | date) and not isinstance(when, bool) else math.nan


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str | PurePath):
        raise _no(value, f"a text for {name}", f"It takes a text, such as {name}='…'.")
    return str(value)


def _file_name(name: str, value: Any) -> str:
    """Return a file's name: records hold no folders."""
    return os.path.basename(_text(name, value)) or str(value)  # noqa: PTH119 - of Path, "a/" is "a"


def _seed(name: str, value: Any) -> int:
    """Return a seed; a column of a table that lacks some holds floats."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= 2**53:
        return int(value)
    return whole(value, f"a {name}")


def _amount(name: str, value: Any) -> float:
    """Return a figure to compare with."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number:
        raise _no(value, f"a number for {name}", f"It takes a number, such as {name}=2.")
    return float(value)


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _no(value, f"an answer to {name}", f"It takes True or False: {name}=True.")
    return value


def _states(name: str, value: Any) -> list[str]:
    several = isinstance(value, Iterable) and not isinstance(value, str | bytes)
    states = list(value) if several else [value]
    for state in states:
        if state not in STATES:
            raise _no(state, f"a {name}", f"It is one of {', '.join(STATES)}.")
    return [str(state) for state in states]


_FACTS: dict[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(("words", "model", "provider", "tag", "notebook"), _text),
    **dict.fromkeys(("starred", "rejected"), _flag),
    "input": _file_name,
    "seed": _seed,
    "state": _states,
    **{f"{figure}__{kind}": _amount for figure in DRIFT for kind in COMPARISONS},
}
"""What `filter` takes, and how each is read."""


def _no(value: Any, what: str, why: str) -> UsageError:
    return UsageError(f"{_shown(value)} is not {what}.", why, "Check what was given.")


def _shown(value: Any) -> str:
    """Return a value for a message, short; of an object without a text of its own, its type."""
    try:
        shown = repr(value)
    except Exception as error:  # noqa: BLE001 - another's code, and the message is about something else
        return f"A {type(value).__name__} ({type(error).__name__})"
    return f"A {type(value).__name__}" if " at 0x" in shown else f"{shown:.60}"
