"""A sweep as a pandas table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbbanana.session.dataframes import load_pandas
from nbbanana.session.library import Library
from nbbanana.store.drift_records import worst
from nbbanana.sweeps.cells import Cell, Standing
from nbbanana.sweeps.plan import Plan

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["frame_of"]


def frame_of(plan: Plan, standings: Sequence[Standing], library: Library) -> DataFrame:
    """
    Return the cells as rows: the axes, then what became of each.

    `path` is the file of the first picture of a cell, `paths` lists those of all: `frame.explode("paths")` has a row
    for each picture.

    Measured figures are those of the worst output: ΔE00 and how far redrawn (0 to 1) outside the region, pixels moved.

    Raises:
        UsageError: pandas is not installed.
    """
    rows = [_row(plan, cell, one, library) for cell, one in zip(plan.cells, standings, strict=True)]
    table: DataFrame = load_pandas().DataFrame(rows)
    return table


def _row(plan: Plan, cell: Cell, standing: Standing, library: Library) -> dict[str, Any]:
    edit, request = standing.edit, cell.request
    paths = [str(library.store.blob_path(output.sha256)) for output in standing.outputs]
    return {
        "cell": cell.number,
        **{axis.name: cell.at.get(axis.name) for axis in plan.axes},
        "state": standing.state,
        "edit": edit.id if edit else None,
        "seed": request.seed if request else None,
        "model": request.model if request else None,
        "provider": edit.provider if edit else cell.provider,
        "cost": edit.cost if edit else None,
        "seconds": edit.duration if edit else None,
        "path": paths[0] if paths else None,
        "paths": paths,
        "drift_outside": worst(edit.drifts, "recoloured_outside") if edit else None,
        "redrawn_outside": worst(edit.drifts, "redrawn_outside") if edit else None,
        "moved": worst(edit.drifts, "moved") if edit else None,
        "advice": len(request.advice) if request else 0,
        "why": standing.why or None,
    }
