"""A sweep as it is shown: what all cells share, its axes as tables, pictures in cells, and why some have none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from itertools import groupby
from math import prod
from typing import Any

from nbbanana.display.sweep_grid import (
    SEPARATE,
    GridCell,
    GridFacet,
    SweepImages,
    SweepView,
    sweep_grid_bundle,
)
from nbbanana.display.views import at, edits, money, pictures
from nbbanana.errors import UnknownModelError
from nbbanana.grammar import read_words
from nbbanana.images import ImageInput
from nbbanana.models.catalogue import short_name
from nbbanana.models.framing import ratio_of
from nbbanana.request import EditRequest
from nbbanana.store.records import Edit
from nbbanana.sweeps.outlook import SweepState
from nbbanana.sweeps.plan import Cell, Plan
from nbbanana.sweeps.planning import places
from nbbanana.text import clip, counted, one_line, written

__all__ = ["cells_bundle", "shared_parameters", "sheet_bundle", "sheet_view", "words_of"]

MOST_INPUTS = 4
"""So many of the pictures that all cells have are shown."""
ACROSS = 12
"""Columns of a table, where another axis could go across instead."""
IN_LINE = 8
"""Cells in a line where each has a title of its own."""
IN_A_STRIP = 25
"""Cells in a line that is one picture."""
WORDS = {
    "missing": "not sent",
    "under way": "under way",
    "refused": "refused",
    "failed": "no picture",
    "unknown": "unknown",
}
MARKS = {"here": "■", "missing": "·", "under way": "◐", "refused": "×", "failed": "×", "unknown": "?"}


def sheet_bundle(
    sweep: SweepState, images: SweepImages, lines: Sequence[str], *, has_grid: bool = True
) -> dict[str, str]:
    """Return a sweep under some sentences, with its grid once there is a picture or it ran, as a MIME bundle."""
    view = _view(sweep, lines)
    return sweep_grid_bundle(view if has_grid else replace(view, facets=()), images)


def cells_bundle(sweep: SweepState, numbers: Sequence[int], lines: Sequence[str]) -> dict[str, str]:
    """Return some cells of a sweep in a line, each with its title, under some sentences."""
    made = (_made(sweep, sweep.plan.cells[number]) for number in numbers)
    cells = [replace(one, name=one.title) for one in made]
    return sweep_grid_bundle(SweepView(lines, "", (), [GridFacet("", [("", cells)])]))


def sheet_view(sweep: SweepState, lines: Sequence[str]) -> SweepView:
    """Return what is shown of a sweep under some sentences, for paper: with seeds where no axis or line says them."""
    seeds = {request.seed for request in sweep.plan.requests}
    return _view(sweep, lines, has_seeds=len(seeds) > 1 and all(axis.name != "seed" for axis in sweep.plan.axes))


def _view(sweep: SweepState, lines: Sequence[str], *, has_seeds: bool = False) -> SweepView:
    def made(cell: Cell) -> GridCell:
        seed = cell.request.seed if cell.request is not None and has_seeds else None
        shown = _made(sweep, cell)
        return shown if seed is None else replace(shown, note=f"seed {seed}")

    plan = sweep.plan
    corner, columns, facets = _layout(plan, made)
    images = _shared_images(plan.requests)
    inputs = [(content, one.name) for one in images if (content := one.content) is not None]
    return SweepView(
        lines,
        corner,
        columns,
        facets,
        reasons=_reasons(sweep),
        words=words_of(plan),
        facts=list(_facts(sweep, images)),
        inputs=inputs[:MOST_INPUTS],
        ratio=_ratio_to_come(plan),
        each=_most_pictures(sweep),
    )


def _most_pictures(sweep: SweepState) -> int:
    """Return how many pictures a cell asks for at most; 1 where its model is not known here."""
    most = 1
    for request in sweep.plan.requests:
        with suppress(UnknownModelError):
            most = max(most, sweep.session.library.model_by_id(request.model).count(request.parameters))
    return most


def _made(sweep: SweepState, cell: Cell) -> GridCell:
    """Return what is shown of a cell."""
    standing, blob = sweep.standings[cell.number], sweep.session.library.blob
    sources = tuple(source for output in standing.outputs if (source := blob(output.sha256)) is not None)
    source = sources[0] if sources else None
    words = "" if source is not None else WORDS.get(standing.state, "its file is gone")
    return GridCell(cell.title, source, words, MARKS[standing.state], why=standing.why, more=sources[1:])


def _reasons(sweep: SweepState) -> list[str]:
    """Return why cells have no picture, each reason once with the cells that it is about."""
    why: dict[str, list[str]] = {}
    for cell, one in zip(sweep.plan.cells, sweep.standings, strict=True):
        if one.why:
            why.setdefault(one_line(one.why, 240), []).append(cell.title)
    return [
        f"{clip(', '.join(titles[:4]), 200)}{f' and {len(titles) - 4} more' if len(titles) > 4 else ''}: {said}"
        for said, titles in why.items()
    ]


def _layout(plan: Plan, made: Callable[[Cell], GridCell]) -> tuple[str, tuple[str, ...], Sequence[GridFacet]]:
    """
    Lay a plan out as tables.

    Of two axes the one with fewer values goes across, of three and more the last two make tables of all others. Cells
    that are no product of axes, and those of one long axis, stand in lines, each with its own title.

    Args:
        plan: the cells.
        made: what is shown of each.

    Returns:
        What goes down and across, for the corner of a table; the names of the columns, if they have some; the tables.
    """
    axes = [axis for axis in plan.axes if len(axis) > 1]
    is_product = bool(axes) and prod(map(len, axes)) == len(plan)
    if is_product and len(axes) == 1 and len(plan) <= IN_LINE:
        line = [made(cell) for cell in plan.cells]
        return f"{axes[0].name} →", axes[0].names, (GridFacet("", [("", line)]),)
    if not is_product or len(axes) == 1:
        width = _even(len(plan)) if len(plan) <= SEPARATE else IN_A_STRIP
        cells = [_named(cell, made(cell)) for cell in plan.cells]
        return "", (), (GridFacet("", [("", cells[start : start + width]) for start in range(0, len(cells), width)]),)
    *others, down, across = axes
    if len(across) > len(down) and (len(across) > ACROSS or across.name == "prompt"):
        down, across = across, down
    order = [*others, down, across]
    ordered = sorted(plan.cells, key=lambda cell: [axis.names.index(cell.at[axis.name]) for axis in order])
    facets = []
    for title, of_facet in groupby(
        ordered, lambda cell: " · ".join(f"{axis.name} {cell.at[axis.name]}" for axis in others)
    ):
        rows = groupby(of_facet, lambda cell: cell.at[down.name])
        facets.append(GridFacet(title, [(name, [made(cell) for cell in row]) for name, row in rows]))
    return f"{down.name} ↓  {across.name} →", across.names, facets


def _even(count: int) -> int:
    """
    Return how many cells stand in a line, so that the last line has the fewest empty places.

    >>> _even(40), _even(9), _even(13)
    (8, 5, 7)
    """
    return min(range(IN_LINE, IN_LINE // 2, -1), key=lambda width: -count % width)


def _named(cell: Cell, shown: GridCell) -> GridCell:
    """Return a cell with its name below it; words and file names need none before them that says what they are."""
    alone = next(iter(cell.at.items())) if len(cell.at) == 1 else ("", "")
    return replace(shown, name=alone[1] if alone[0] in {"prompt", "images"} else cell.title)


def words_of(plan: Plan) -> list[tuple[str, bool]]:
    """Return the prompt of all cells in pieces, those True that stand for what varies; empty where prompts vary."""
    return places(str(read_words(plan.words[0]))) if len(set(plan.words)) == 1 else []


def _shared_images(requests: Sequence[EditRequest]) -> list[ImageInput]:
    """Return the pictures that all requests have."""
    if not requests:
        return []
    everywhere = set.intersection(*({image.identity for image in one.images} for one in requests))
    return [image for image in requests[0].images if image.identity in everywhere]


def shared_parameters(requests: Sequence[EditRequest]) -> dict[str, Any]:
    """Return the parameters that all requests have at one value, without words and pictures."""
    if not requests:
        return {}
    first = requests[0]
    return {
        name: value
        for name, value in first.parameters.items()
        if name != first.prompt_field and all(one.parameters.get(name, one) == value for one in requests)
    }


def _ratio_to_come(plan: Plan) -> float | None:
    """Return width to height of the pictures to come: what is asked for, else what the first picture has."""
    request = next(iter(plan.requests), None)
    if request is None:
        return None
    asked = ratio_of(request.parameters.get("aspect_ratio", ""))
    if isinstance(asked, Fraction):
        return float(asked)
    first = request.images[0] if request.images else None
    return first.width / first.height if first is not None and first.width and first.height else None


def _facts(sweep: SweepState, images: Sequence[ImageInput]) -> Iterator[str]:
    requests, here = sweep.plan.requests, sweep.made
    more = f" and {len(images) - 1} more" if len(images) > 1 else ""
    made = sum(len(edit.outputs) for edit in here)
    source = f" from {one_line(images[0].name, 40)}{more}" if images else ""
    if made or source:
        yield f"{pictures(made) if made else 'pictures'}{source}"
    yield from _makers(requests, here)
    for name, value in shared_parameters(requests).items():
        yield f"{name} {written(value, 40)}"
    once = list({edit.id: edit for edit in here}.values())
    if once:
        costs = [edit.cost for edit in once]
        known = sum(cost for cost in costs if cost is not None)
        yield money(None if None in costs else known, is_play=all(edit.is_play for edit in once))
        numbers = [edit.id for edit in once]
        is_run = max(numbers) - min(numbers) == len(numbers) - 1  # others are not worth a list
        yield edits(numbers) if is_run else counted(len(once), "edit")


def _makers(requests: Sequence[EditRequest], here: Sequence[Edit]) -> Iterator[str]:
    """Say which model all have, and where it ran, where that is one; what varies has an axis that says it."""
    if here and all(edit.is_play for edit in here):
        names = {edit.provider for edit in here}
        yield f"{one_line(names.pop())}, no model made them" if len(names) == 1 else "no model made them"
        return
    models = {request.model for request in requests}
    if len(models) == 1:
        providers = {edit.provider for edit in here}
        yield one_line(short_name(models.pop())) + (at(providers.pop()) if len(providers) == 1 else "")
