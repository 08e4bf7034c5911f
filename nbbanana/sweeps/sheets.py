"""Saving a sweep as a picture or a PDF: which file, which paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbbanana.display.sweep_sheets import PAPER, write_sweep_sheet
from nbbanana.errors import ParameterError, UsageError
from nbbanana.session.saving import check_free
from nbbanana.sweeps.shown import sheet_view

if TYPE_CHECKING:
    from nbbanana.session.library import Library
    from nbbanana.sweeps.cells import Standing
    from nbbanana.sweeps.plan import Plan

__all__ = ["SUFFIXES", "save_sheet"]

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".pdf"})
INCHES = (2.0, 60.0)
"""The least and the most of a side of the paper."""


def save_sheet(
    plan: Plan,
    standings: list[Standing],
    library: Library,
    target: Path,
    *,
    lines: list[str],
    title: str,
    size: Any,
    overwrite: bool,
) -> Path:
    """
    Write the grid of a sweep into a file; see `Sweep.save`.

    Raises:
        UsageError: a file that is there, or one that cannot be written.
        ParameterError: a paper that is none.
    """
    inches = _inches(size)
    check_free([target], overwrite=overwrite)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_sweep_sheet(target, sheet_view(plan, standings, library, lines), title or plan.shape, inches)
    except OSError as error:
        raise UsageError("The sheet could not be written.", f"{error.strerror}.", "Choose another place.") from error
    return target


def _inches(size: Any) -> tuple[float, float]:
    """
    Return width and height of a paper.

    >>> _inches("A4"), _inches((12, 8.5))
    ((11.69, 8.27), (12.0, 8.5))
    """
    if isinstance(size, str) and size in PAPER:
        return PAPER[size]
    try:
        wide, high = (float(side) for side in size)
    except (TypeError, ValueError):
        wide = high = 0.0
    if not all(INCHES[0] <= side <= INCHES[1] for side in (wide, high)):
        names = ", ".join(f'"{name}"' for name in PAPER)
        raise ParameterError(f"size is {size!r:.60}.", f"It is {names}, or width and height in inches.", 'size="A4"')
    return wide, high
