"""Checks of what a user names: an axis, a value of one, and words to be replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from nbbanana.errors import UsageError
from nbbanana.sweeps.axes import Axis
from nbbanana.text import clip

__all__ = ["axis_named", "check_replacements", "check_value"]


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


def check_replacements(replace: Any) -> None:
    """
    Refuse replacements that do not say which words they stand for.

    Raises:
        UsageError: no mapping.
    """
    if replace is not None and not isinstance(replace, Mapping):
        raise UsageError(
            f"replace is {replace!r:.60}.",
            "It says which words of the prompt are replaced, and what stands in their place cell by cell.",
            'For example: replace={"red": ["red", "blue"]}.',
        )
