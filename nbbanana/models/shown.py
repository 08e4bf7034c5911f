"""`Shown`: a value of the catalogue that shows itself; `nbbanana.models.tables` says here how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["Shown", "shows"]

T = TypeVar("T", bound="Shown")
Table = Callable[[T], dict[str, str]]

_tables: dict[type[Shown], Callable[[Any], dict[str, str]]] = {}


class Shown:
    """A value with a table."""

    __slots__ = ()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return _tables[type(self)](self)

    def __str__(self) -> str:
        return self._repr_mimebundle_()["text/plain"]


def shows(kind: type[T]) -> Callable[[Table[T]], Table[T]]:
    """Have values of a kind show themselves with the function that this decorates."""

    def keep(table: Table[T]) -> Table[T]:
        _tables[kind] = table
        return table

    return keep
