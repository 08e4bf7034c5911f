"""Which axis of a sweep goes across, which goes down, and which makes tables of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import prod

from nbbanana.display.sweep_grid import SEPARATE, GridCell, GridFacet
from nbbanana.sweeps.axes import Axis
from nbbanana.sweeps.cells import Cell
from nbbanana.sweeps.plan import Plan

__all__ = ["IN_LINE", "Layout", "layout_of"]

ACROSS = 12
"""Columns of a table, where another axis could go across instead."""
IN_LINE = 8
"""Cells in a line where each has a title of its own."""
IN_A_STRIP = 25
"""Cells in a line that is one picture."""


@dataclass(frozen=True, slots=True)
class Layout:
    """
    A plan as tables.

    Args:
        corner: what goes down and what goes across, for the corner of a table.
        columns: the names of the columns; empty where each cell has its own title.
        facets: the tables, with the cells that `made` made.
    """

    corner: str
    columns: tuple[str, ...]
    facets: tuple[GridFacet, ...]


def layout_of(plan: Plan, made: Callable[[Cell], GridCell]) -> Layout:
    """
    Lay a plan out.

    Of two axes the one with fewer values goes across, of three and more the last two make tables of all others. Cells
    that are no product of axes stand in lines.

    Args:
        plan: the cells.
        made: what is shown of each.
    """
    axes = [axis for axis in plan.axes if len(axis) > 1]
    if prod(map(len, axes)) != len(plan) or not axes:
        return Layout(
            "",
            (),
            (GridFacet("", _lines(plan.cells, made, _even(len(plan)) if len(plan) <= SEPARATE else IN_A_STRIP)),),
        )
    across, down, others = _turned(axes)
    if down is None:
        return _one_axis(across, plan, made)
    ordered = sorted(plan.cells, key=lambda cell: _place(cell, [*others, down, across]))
    facets = []
    for title, of_facet in groupby(
        ordered, lambda cell: " · ".join(f"{axis.name} {cell.at[axis.name]}" for axis in others)
    ):
        rows = groupby(of_facet, lambda cell: cell.at[down.name])
        facets.append(GridFacet(title, [(name, [made(cell) for cell in row]) for name, row in rows]))
    return Layout(f"{down.name} ↓  {across.name} →", across.names, tuple(facets))


def _turned(axes: Sequence[Axis]) -> tuple[Axis, Axis | None, list[Axis]]:
    """Return the axis that goes across, the one that goes down, and all others."""
    if len(axes) == 1:
        return axes[0], None, []
    *others, down, across = axes
    if len(across) > len(down) and (len(across) > ACROSS or across.name == "prompt"):
        down, across = across, down
    return across, down, others


def _one_axis(axis: Axis, plan: Plan, made: Callable[[Cell], GridCell]) -> Layout:
    if len(axis) <= IN_LINE:
        return Layout(f"{axis.name} →", axis.names, (GridFacet("", [("", [made(cell) for cell in plan.cells])]),))
    width = _even(len(plan)) if len(plan) <= SEPARATE else IN_A_STRIP
    return Layout("", (), (GridFacet("", _lines(plan.cells, made, width)),))


def _even(count: int) -> int:
    """
    Return how many cells stand in a line, so that the last line has the fewest empty places.

    >>> _even(40), _even(9), _even(13)
    (8, 5, 7)
    """
    return min(range(IN_LINE, IN_LINE // 2, -1), key=lambda width: -count % width)


def _lines(cells: Sequence[Cell], made: Callable[[Cell], GridCell], width: int) -> list[tuple[str, list[GridCell]]]:
    """Return cells in lines, each with its own name below it."""
    return [("", [_named(cell, made(cell)) for cell in cells[at : at + width]]) for at in range(0, len(cells), width)]


def _named(cell: Cell, shown: GridCell) -> GridCell:
    """Return a cell with its name below it; words and file names need none before them that says what they are."""
    alone = next(iter(cell.at.items())) if len(cell.at) == 1 else ("", "")
    return replace(shown, name=alone[1] if alone[0] in {"prompt", "images"} else cell.title)


def _place(cell: Cell, axes: Sequence[Axis]) -> list[int]:
    return [axis.names.index(cell.at[axis.name]) for axis in axes]
