"""`SweepCell`: one cell of a sweep as a user holds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from nbbanana.errors import UsageError
from nbbanana.session import EditResult
from nbbanana.sweeps.cells import Cell, Standing
from nbbanana.sweeps.plan import Plan

__all__ = ["Owner", "SweepCell"]


class Owner(Protocol):
    """What a cell asks of its sweep."""

    @property
    def standings(self) -> Sequence[Standing]:
        """How each cell stands."""
        ...

    def result_of(self, cell: Cell) -> EditResult | None:
        """Return the result of a cell; None where it has none."""
        ...


class SweepCell:
    """
    One cell of a sweep as a user holds it: where it stands in the grid, and its result.

    Args:
        owner: the sweep that it is a cell of.
        cell: what it asks.
    """

    def __init__(self, owner: Owner, cell: Cell) -> None:
        self._owner = owner
        self._cell = cell

    def __repr__(self) -> str:
        return f"<SweepCell {self.number}: {self._cell.title} ({self.state})>"

    @property
    def number(self) -> int:
        """Its place in the sweep, from 0."""
        return self._cell.number

    @property
    def at(self) -> Mapping[str, Any]:
        """The value of each axis here."""
        return dict(self._cell.values)

    @property
    def title(self) -> str:
        """What sets it apart: `seed 3 · resolution 2K`."""
        return self._cell.title

    @property
    def state(self) -> str:
        """How it stands: `here`, `under way`, `missing`, `refused`, `failed` or `unknown`."""
        return self._standing.state

    @property
    def why(self) -> str:
        """Why it gave no picture, in words; empty where it did."""
        return self._standing.why

    @property
    def edit_id(self) -> int | None:
        """The number of its record in the history; None where there is none."""
        return self._standing.edit.id if self._standing.edit else None

    @property
    def seed(self) -> int | None:
        """The seed that it is asked with; None where the model takes none."""
        return self._cell.request.seed if self._cell.request else None

    def is_of(self, plan: Plan) -> bool:
        """Return whether it is one of the cells of a plan itself, and not one of another sweep at the same place."""
        return any(cell is self._cell for cell in plan.cells)

    @property
    def result(self) -> EditResult:
        """
        Its result.

        Raises:
            UsageError: it has none.
        """
        found = self._owner.result_of(self._cell)
        if found is None:
            raise UsageError(
                f"Cell {self.number} ({self.title}) has no picture: it is {self.state}.",
                self.why or "It was not asked for.",
                "sweep.run() asks for what is missing.",
            )
        return found

    @property
    def _standing(self) -> Standing:
        return self._owner.standings[self.number]
