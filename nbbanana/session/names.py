"""
Names for captions: expressions that give a result when they are typed into a cell.

A variable of the user that holds the result comes first, then an item of a set of results, then the history of a
session that a variable holds, then that of the module by the name that the user imported it under.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

__all__ = ["BY_NUMBER", "ITEM", "RESULT", "SESSION", "Expression", "Holder", "expression", "holders", "variable_of"]

PACKAGE = "nbbanana"
RESULT, ITEM, BY_NUMBER, SESSION, MODULE = range(5)
"""How near a way to an edit is; from `BY_NUMBER` on it is the edit's number in a history."""


class Expression(NamedTuple):
    """A way to an edit from the value of a variable: how near it is, and what stands behind the variable's name."""

    rank: int
    rest: str


class Holder(Protocol):
    """A value through which an edit can be had: a result, several of them, a history or a session."""

    def __nbbanana_expression__(self, library: object, edit_id: int) -> Expression | None:
        """Return the way from here to an edit of a library; None where there is none."""
        ...


def expression(
    library: object,
    edit_id: int,
    preferred: str | None = None,
    nearest: int = RESULT,
    among: Sequence[tuple[str, object]] | None = None,
) -> str:
    """
    Return an expression for an edit that works in the user's next cell.

    Args:
        library: the library that the edit is of.
        edit_id: its number.
        preferred: the variable to name where several hold it. Where there are no cells, as in a script, it is taken
            as it is.
        nearest: the nearest way to take; `BY_NUMBER` names the edit by its number.
        among: what `holders` gave, for many edits at once; None looks now.
    """
    found = [
        (at.rank, name != preferred, place, f"{name}{at.rest}")
        for place, (name, value) in enumerate(holders() if among is None else among)
        if (at := _way(value, library, edit_id)) is not None and at.rank >= nearest
    ]
    if found:
        return min(found)[-1]
    if preferred and nearest == RESULT and _shell() is None:
        return preferred
    return f"{PACKAGE}.history[{edit_id}]"


def holders() -> list[tuple[str, object]]:
    """Return the user's variables through which edits can be had."""
    module = sys.modules.get(PACKAGE)
    # By their class: a stranger's object may answer to any attribute, and take its time.
    return [
        (name, value)
        for name, value in _variables()
        if value is module or hasattr(type(value), "__nbbanana_expression__")
    ]


def variable_of(value: object) -> str | None:
    """Return the variable that holds this very value; None where none does."""
    return next((name for name, held in _variables() if held is value), None)


def _way(value: Any, library: object, edit_id: int) -> Expression | None:
    if value is sys.modules.get(PACKAGE):
        return Expression(MODULE, f".history[{edit_id}]")
    way: Expression | None = value.__nbbanana_expression__(library, edit_id)
    return way


def _variables() -> Iterator[tuple[str, Any]]:
    """Yield the user's variables, without those that IPython keeps results in."""
    shell = _shell()
    namespace: Mapping[str, Any] = vars(sys.modules["__main__"]) if shell is None else shell.user_ns
    for name, value in list(namespace.items()):
        if not name.startswith("_"):
            yield name, value


def _shell() -> Any:
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return None if get_ipython is None else get_ipython()
