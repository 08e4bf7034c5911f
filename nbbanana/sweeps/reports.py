"""The report of a gallery: each picture before and after, its record, totals, and a paragraph on the method."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from nbbanana._version import __version__
from nbbanana.display.sweep_report import ReportCell, ReportGroup, ReportPicture, ReportView, report_html
from nbbanana.display.words import duration, file_size, money, written
from nbbanana.errors import ParameterError, UsageError
from nbbanana.images import ImageInput
from nbbanana.session.library import Library
from nbbanana.session.saving import check_free
from nbbanana.store.records import Edit
from nbbanana.sweeps.cells import Cell, Standing, State
from nbbanana.sweeps.sharing import shared_parameters, words_of
from nbbanana.text import clip, one_line, without_secrets

if TYPE_CHECKING:
    from nbbanana.sweeps.sweep import Sweep

__all__ = ["THUMBNAIL", "write_report"]

THUMBNAIL = 320
"""Pixels of the longer side of a picture of a report."""
SIDES = range(64, 1025)


def write_report(
    sweep: Sweep, path: str | Path, *, title: str, side: int, notes: Sequence[str], overwrite: bool
) -> Path:
    """
    Write the report of a sweep; see `Gallery.report`.

    Raises:
        UsageError: another ending, a file that is there, or one that cannot be written.
        ParameterError: a size that is none.
    """
    target = Path(path).expanduser()
    if target.suffix.lower() not in {".html", ".htm"}:
        raise UsageError(f"{target.name} is no report.", "A report is HTML.", f"Use {target.stem}.html.")
    if side not in SIDES:
        raise ParameterError(f"thumbnail is {side!r}.", "It is a number from 64 to 1024.", "Use 320.")
    check_free([target], overwrite=overwrite)
    html = report_html(_view(sweep, title or "Gallery", side, notes))
    beside = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(html, encoding="utf-8")
        beside.replace(target)
    except OSError as error:
        raise UsageError("The report could not be written.", f"{error.strerror}.", "Choose another place.") from error
    finally:
        beside.unlink(missing_ok=True)
    return target


def _view(sweep: Sweep, title: str, side: int, notes: Sequence[str]) -> ReportView:
    plan, standings, library = sweep.plan, list(sweep.standings), sweep.session.library
    here = [one.made for one in standings if one.made is not None]
    said = [*notes]
    if any(edit.is_play for edit in here):
        said.append("Test pictures: they were drawn, and no model made them.")
    return ReportView(
        title,
        f"{_day(time.time())} · nbbanana {__version__}",
        words_of(plan),
        list(_totals(sweep, here)),
        list(_method(sweep, here)),
        said,
        list(_groups(plan.cells, standings, library)),
        side,
    )


def _totals(sweep: Sweep, here: Sequence[Edit]) -> Iterator[tuple[str, str]]:
    """Give what a reader asks first: how many, of what, for how much."""
    requests = [cell.request for cell in sweep.plan.cells if cell.request is not None]
    states = Counter(one.state for one in sweep.standings)
    each = ", ".join(f"{count} {state}" for state in get_args(State) if (count := states[state]))
    yield "requests", f"{len(sweep)}, all here" if states["here"] == len(sweep) else f"{len(sweep)}: {each}"
    yield "pictures", f"{sum(len(edit.outputs) for edit in here)}"
    yield "model", ", ".join(sorted({request.model for request in requests})) or "none"
    yield "provider", ", ".join(sorted({edit.provider for edit in here})) or "none asked"
    for name, value in shared_parameters(requests).items():
        yield name, written(value, 200)
    once = list({edit.id: edit for edit in here}.values())
    known = sum(edit.cost for edit in once if edit.cost is not None)
    unknown = sum(edit.cost is None for edit in once)
    play = bool(once) and all(edit.is_play for edit in once)
    yield "cost", money(known, is_play=play) + (f", and {unknown} of unknown cost" if unknown else "")
    times = [edit.duration for edit in once if edit.duration is not None]
    if times:
        yield "time at the service", f"{duration(sum(times))} in all, {duration(sum(times) / len(times))} each"


def _method(sweep: Sweep, here: Sequence[Edit]) -> Iterator[str]:
    """Give the sentences that a paper needs."""
    requests = [cell.request for cell in sweep.plan.cells if cell.request is not None]
    models = ", ".join(sorted({edit.answered_model or edit.model for edit in here} or {one.model for one in requests}))
    providers = ", ".join(sorted({edit.provider for edit in here}))
    pictures = {cell.at.get("images") or _identity(cell) for cell in sweep.plan.cells}
    at = f" at {providers}" if providers else ""
    days = list(dict.fromkeys(map(_day, sorted(edit.created_at for edit in here if edit.created_at))))
    when = f" ({days[0]})" if len(days) == 1 else f" ({days[0]} to {days[-1]})" if days else ""
    count = f"{len(pictures)} picture{' was' if len(pictures) == 1 else 's were'}"
    if here and all(edit.is_play for edit in here):
        yield f"{count} edited by {providers} in the place of {models}{when}: no model made the outputs."
    else:
        yield f"{count} edited with {models}{at}{when}, {len(sweep)} requests in all."
    text = "".join(piece for piece, _ in words_of(sweep.plan))
    if text:
        yield f"The instruction was “{one_line(text)}”."
    shared = shared_parameters(requests)
    if shared:
        yield f"The same for all: {', '.join(f'{name} {written(value)}' for name, value in shared.items())}."
    yield "What was not set was left to the model; seeds are given with each picture."
    without = len(sweep) - len(here)
    if without:
        yield f"{without} of {len(sweep)} requests gave no picture; the reasons are given."
    yield f"Requests were sent and recorded with nbbanana {__version__}; digests are SHA-256."


def _groups(cells: Sequence[Cell], standings: Sequence[Standing], library: Library) -> Iterator[ReportGroup]:
    """Give the requests by their first picture, in their order."""
    ordered = sorted(cells, key=lambda cell: cell.number)
    for _, several in groupby(ordered, lambda cell: cell.at.get("images") or _identity(cell)):
        some = list(several)
        first = next((cell.request.images[0] for cell in some if cell.request and cell.request.images), None)
        name = some[0].at.get("images") or (first.name if first else "no picture")
        before = None if first is None else ReportPicture(_content(first, some, standings, library), f"{name}, before")
        facts = [] if first is None else list(_facts(first))
        yield ReportGroup(name, before, facts, [_cell(cell, standings[cell.number], library) for cell in some])


def _identity(cell: Cell) -> str:
    return cell.request.images[0].identity if cell.request and cell.request.images else ""


def _content(
    image: ImageInput, cells: Sequence[Cell], standings: Sequence[Standing], library: Library
) -> bytes | Path | None:
    """Return the picture as it was sent, from the store; where it was not sent, as it is."""
    for cell in cells:
        edit = standings[cell.number].edit
        kept = library.blob(edit.inputs[0].sha256) if edit is not None and edit.inputs else None
        if kept is not None:
            return kept
    return image.content


def _facts(image: ImageInput) -> Iterator[str]:
    if image.width and image.height:
        yield f"{image.width}×{image.height} {image.format or ''}".rstrip()
    if image.path is not None and image.path.exists():
        yield file_size(os.path.getsize(image.path))  # noqa: PTH202
    kind, _, digest = image.identity.partition(":")
    yield f"{kind} {digest[:16]}"


def _cell(cell: Cell, one: Standing, library: Library) -> ReportCell:
    title = " · ".join(f"{axis} {name}" for axis, name in cell.at.items() if axis != "images")
    name = cell.title or f"request {cell.number}"
    pictures = [
        ReportPicture(library.blob(output.sha256), f"{name}, after{f', {output.index + 1}' if output.index else ''}")
        for output in one.outputs
    ]
    why = clip(without_secrets(one.why), 400) or "It was not asked for."
    return ReportCell(title or "after", pictures, one.state, why, list(_record(cell, one.edit)))


def _record(cell: Cell, edit: Edit | None) -> Iterator[str]:
    """Give the record of a request, a line for each kind of fact."""
    request = cell.request
    if request is None:
        return
    if edit is None:
        yield request.prompt
        return
    yield edit.prompt
    skipped = {edit.prompt_field, request.seed_field}
    seed = [f"seed {edit.seed}"] if edit.seed is not None else []
    options = [f"{name} {written(value, 80)}" for name, value in edit.parameters.items() if name not in skipped]
    yield " · ".join([*seed, *options])
    models = [edit.answered_model or edit.model, edit.provider]
    took = [duration(edit.duration)] if edit.duration is not None else []
    cost = "not charged" if edit.state == "rejected" else money(edit.cost, is_play=edit.is_play)
    yield " · ".join([*models, cost, *took])
    asked = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(edit.created_at))
    yield f"edit {edit.id} · {edit.state} · {asked} · request {edit.digest[:16]}"
    for output in edit.outputs:
        yield f"{output.width}×{output.height} {output.mime} · {file_size(output.size)} · sha256 {output.sha256[:16]}"
    yield from (f"drift: {one.sentence}" for one in edit.drifts)


def _day(when: float) -> str:
    return time.strftime("%d %B %Y", time.gmtime(when)).lstrip("0")
