"""
`Shown`: a value of the catalogue that shows itself in a notebook.

Tables are the display room's, which stands below this one. A value here names the function that shows it, and that is
imported as it is shown: the one way back of this room, with its line in the contract on imports.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Shown"]


class Shown:
    """A value with a table in `nbbanana.display.model_tables`."""

    __slots__ = ()

    def _show(self) -> str:
        """Return the name of the function there."""
        raise NotImplementedError

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from nbbanana.display import model_tables

        found: dict[str, str] = getattr(model_tables, self._show())(self)
        return found

    def __str__(self) -> str:
        return self._repr_mimebundle_()["text/plain"]
