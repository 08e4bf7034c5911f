"""A sweep as it is shown: its sentences, and its grid once there is a picture or it ran."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from nbbanana.display.sweep_grid import GridCell, GridFacet, SweepImages, SweepView, sweep_grid_bundle
from nbbanana.errors import UnknownModelError
from nbbanana.session.library import Library
from nbbanana.sweeps.cells import Cell, Standing
from nbbanana.sweeps.layout import layout_of
from nbbanana.sweeps.plan import Outlook, Plan
from nbbanana.sweeps.sharing import header_of, ratio_to_come
from nbbanana.sweeps.words import plan_lines, reasons

__all__ = ["cells_bundle", "plan_bundle", "sheet_bundle", "sheet_view"]

WORDS = {
    "missing": "not sent",
    "under way": "under way",
    "refused": "refused",
    "failed": "no picture",
    "unknown": "unknown",
}
MARKS = {"here": "■", "missing": "·", "under way": "◐", "refused": "×", "failed": "×", "unknown": "?"}


def plan_bundle(
    plan: Plan, ahead: Outlook, library: Library, images: SweepImages, notes: Sequence[str] = ()
) -> dict[str, str]:
    """Return a plan before it runs: what it is about to do, and the grid of what is here already."""
    has_pictures = any(one.state == "here" for one in ahead.standings)
    lines = [*plan_lines(plan, ahead), *notes]
    return _bundle(plan, ahead.standings, library, lines, images, has_grid=has_pictures)


def sheet_bundle(
    plan: Plan, standings: Sequence[Standing], library: Library, images: SweepImages, lines: Sequence[str]
) -> dict[str, str]:
    """Return the grid of a sweep that ran or runs, under some sentences."""
    return _bundle(plan, standings, library, lines, images, has_grid=True)


def cells_bundle(
    plan: Plan, standings: Sequence[Standing], library: Library, numbers: Sequence[int], lines: Sequence[str]
) -> dict[str, str]:
    """Return some cells of a sweep in a line, each with its title, under some sentences."""
    made = (_made(plan.cells[number], standings[number], library) for number in numbers)
    cells = [replace(one, name=one.title) for one in made]
    return sweep_grid_bundle(SweepView(lines, "", (), [GridFacet("", [("", cells)])]))


def sheet_view(plan: Plan, standings: Sequence[Standing], library: Library, lines: Sequence[str]) -> SweepView:
    """Return what is shown of a sweep under some sentences, for paper: with seeds where no axis or line says them."""
    seeds = {one.request.seed for one in plan.cells if one.request is not None}
    has_seeds = len(seeds) > 1 and all(axis.name != "seed" for axis in plan.axes)
    return _view(plan, standings, library, lines, has_seeds=has_seeds)


def _bundle(
    plan: Plan,
    standings: Sequence[Standing],
    library: Library,
    lines: Sequence[str],
    images: SweepImages,
    *,
    has_grid: bool,
) -> dict[str, str]:
    view = _view(plan, standings, library, lines)
    return sweep_grid_bundle(view if has_grid else replace(view, facets=()), images)


def _view(
    plan: Plan, standings: Sequence[Standing], library: Library, lines: Sequence[str], *, has_seeds: bool = False
) -> SweepView:
    def made(cell: Cell) -> GridCell:
        seed = cell.request.seed if cell.request is not None and has_seeds else None
        shown = _made(cell, standings[cell.number], library)
        return shown if seed is None else replace(shown, note=f"seed {seed}")

    laid, why = layout_of(plan, made), reasons(plan, standings)
    header = header_of(plan, standings)
    return SweepView(
        lines, laid.corner, laid.columns, laid.facets, why, header, ratio_to_come(plan), _each(plan, library)
    )


def _each(plan: Plan, library: Library) -> int:
    """Return how many pictures a cell asks for at most; 1 where its model is not known here."""
    most = 1
    for request in (cell.request for cell in plan.cells):
        if request is not None:
            with suppress(UnknownModelError):
                most = max(most, library.model_by_id(request.model).count(request.parameters))
    return most


def _made(cell: Cell, standing: Standing, library: Library) -> GridCell:
    """Return what is shown of a cell."""
    sources = tuple(source for output in standing.outputs if (source := library.blob(output.sha256)) is not None)
    source = sources[0] if sources else None
    words = "" if source is not None else WORDS.get(standing.state, "its file is gone")
    return GridCell(cell.title, source, words, MARKS[standing.state], why=standing.why, more=sources[1:])
