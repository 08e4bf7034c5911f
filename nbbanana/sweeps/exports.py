"""A sweep outside of a notebook: files in a folder, its grid on paper, a pandas table, the report of a gallery."""

from __future__ import annotations

import os
import re
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, get_args

from nbbanana._version import __version__
from nbbanana.display.sweep_documents import PAPER, ReportCell, ReportGroup, report_html, write_sweep_sheet
from nbbanana.display.views import duration, file_size, money
from nbbanana.errors import ParameterError, UsageError
from nbbanana.images import ImageInput
from nbbanana.session.call_args import file
from nbbanana.session.exporting import check_free, load_pandas, target_of, writing
from nbbanana.settings import beside
from nbbanana.store.drifts import worst
from nbbanana.store.records import Edit, OutputRecord
from nbbanana.sweeps.outlook import SweepState
from nbbanana.sweeps.plan import Cell, State
from nbbanana.sweeps.shown import shared_parameters, sheet_view, words_of
from nbbanana.text import clip, counted, one_line, without_secrets, written

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = [
    "SUFFIXES",
    "THUMBNAIL",
    "file_names",
    "frame_of",
    "is_folder",
    "keep_pictures",
    "save_pictures",
    "save_sheet",
    "write_report",
]

LONGEST = 120
"""Bytes of a name without its ending and what tells it from others: file systems take 255."""
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".pdf"})
INCHES = (2.0, 60.0)
"""The least and the most of a side of the paper."""


def is_folder(path: str | Path) -> bool:
    """
    Return whether a path means a folder: one that is there, one that ends in `/`, or one without an ending.

    >>> is_folder("out/"), is_folder("out"), is_folder("grid.pdf"), is_folder("")
    (True, True, False, False)
    """
    text, target = str(path), Path(path).expanduser()
    return bool(text) and (text.endswith(("/", "\\")) or target.is_dir() or not target.suffix)


def save_pictures(sweep: SweepState, cells: Sequence[Cell], folder: Path, *, overwrite: bool) -> list[Path]:
    """
    Write the pictures of some cells of a sweep into a folder, which is made.

    Raises:
        UsageError: no picture is here, or one of the files is there already; nothing is written then.
    """
    names = file_names(sweep)
    outputs = [
        (output, folder / name)
        for cell in cells
        for output, name in zip(sweep.result_of(cell) or (), names[cell.number], strict=True)
    ]
    if not outputs:
        raise UsageError("There is no picture to save.", "None of the cells is here.", "sweep.run() asks for them.")
    check_free([target for _, target in outputs], overwrite=overwrite)
    return [output.save(target, overwrite=overwrite) for output, target in outputs]


def keep_pictures(sweep: SweepState, folder: Path) -> list[list[Path]]:
    """
    Have the pictures of a sweep in a folder that is there: what it holds already is not written again.

    A file that holds another picture is not replaced: the new one gets a number behind its name.

    Returns:
        The files of each cell.
    """
    by_size: dict[int, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.is_file():
            by_size.setdefault(path.stat().st_size, []).append(path)
    kept = []
    for cell, names in zip(sweep.plan.cells, file_names(sweep), strict=True):
        files = []
        for output, name in zip(sweep.result_of(cell) or (), names, strict=True):
            own, data = folder / name, output.bytes
            alike = [path for path in by_size.get(len(data), ()) if path.read_bytes() == data]
            if own in alike:
                files.append(own)
            elif alike:
                files.append(alike[0])
            else:
                free = _first_free(own.stem, own.suffix, lambda name: (folder / name).exists())
                files.append(output.save(folder / free))
        kept.append(files)
    return kept


def file_names(sweep: SweepState) -> list[list[str]]:
    """
    Return the names of the files of each cell: `colour-red-seed-0.png`, with a number for each of several pictures.

    They are safe in any file system, and no two are alike, also where capitals do not count: those that would be have
    the beginning of their SHA-256.
    """
    made = [
        [_name(cell, output, has_number=len(one.outputs) > 1) for output in one.outputs]
        for cell, one in zip(sweep.plan.cells, sweep.standings, strict=True)
    ]
    count = Counter(name.casefold() for names in made for name in names)
    taken = {name for name, times in count.items() if times == 1}
    for names, standing in zip(made, sweep.standings, strict=True):
        for at, (name, output) in enumerate(zip(names, standing.outputs, strict=True)):
            if count[name.casefold()] > 1:
                path = PurePath(name)
                stem = f"{path.stem}-{output.sha256[:8]}"
                names[at] = _first_free(stem, path.suffix, lambda name: name.casefold() in taken)
                taken.add(names[at].casefold())
    return made


def _name(cell: Cell, output: OutputRecord, *, has_number: bool) -> str:
    stem = _stem(cell)
    numbered = target_of("/", stem, output.index, output.mime)
    return numbered.name if has_number else f"{stem}{numbered.suffix}"


def _first_free(stem: str, suffix: str, is_taken: Callable[[str], bool]) -> str:
    """Return the name of a file that is not taken, with a number where it would be."""
    name, number = f"{stem}{suffix}", 1
    while is_taken(name):
        number += 1
        name = f"{stem}-{number}{suffix}"
    return name


def _stem(cell: Cell) -> str:
    """
    Return what the files of a cell begin with: names and values of the axes in letters, digits and hyphens.

    >>> _stem(Cell(0, {"images": "Mug 2.png", "colour": "deep/red", "seed": "0"}, {}))
    'Mug-2-colour-deep-red-seed-0'
    >>> _stem(Cell(0, {}, {})), _stem(Cell(0, {"colour": "../…"}, {}))
    ('picture', 'colour')
    """
    said = []
    for axis, value in cell.at.items():
        if axis not in {"images", "prompt"}:
            said.append(axis)
        said.append(
            re.sub(r"\.(png|jpe?g|webp|gif|bmp|tiff?|heic|avif)\b", "", value, flags=re.IGNORECASE)
            if axis == "images"
            else value
        )
    text = re.sub(r"[^\w.]+", "-", unicodedata.normalize("NFC", " ".join(said)))
    text = re.sub(r"-?\.(?!\d)|(?<!\d)\.|-+", "-", text).strip("-._")
    return text.encode()[:LONGEST].decode(errors="ignore").rstrip("-._") or "picture"


def save_sheet(sweep: SweepState, target: Path, lines: Sequence[str], title: str, size: Any) -> None:
    """
    Write the grid of a sweep into a file, under some sentences; see `Sweep.save`.

    Raises:
        UsageError: a file that cannot be written.
        ParameterError: a paper that is none.
    """
    inches = _inches(size)
    with writing("The sheet"):
        target.parent.mkdir(parents=True, exist_ok=True)
        write_sweep_sheet(target, sheet_view(sweep, lines), title or sweep.plan.shape, inches)


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


def frame_of(sweep: SweepState) -> DataFrame:
    """
    Return the cells as rows: the axes, then what became of each.

    `path` is the file of the first picture of a cell, `paths` lists those of all: `frame.explode("paths")` has a row
    for each picture.

    Measured figures are those of the worst output: ΔE00 and how far redrawn (0 to 1) outside the region, pixels moved.

    Raises:
        UsageError: pandas is not installed.
    """
    return load_pandas().DataFrame([_row(sweep, cell) for cell in sweep.plan.cells])


def _row(sweep: SweepState, cell: Cell) -> dict[str, Any]:
    standing = sweep.standings[cell.number]
    edit, request = standing.edit, cell.request
    drifts = edit.drifts if edit else ()
    paths = [str(sweep.session.store.blob_path(output.sha256)) for output in standing.outputs]
    return {
        "cell": cell.number,
        **{axis.name: cell.at.get(axis.name) for axis in sweep.plan.axes},
        "state": standing.state,
        "edit": edit.id if edit else None,
        "seed": request.seed if request else None,
        "model": request.model if request else None,
        "provider": edit.provider if edit else cell.provider,
        "cost": edit.cost if edit else None,
        "seconds": edit.duration if edit else None,
        "path": paths[0] if paths else None,
        "paths": paths,
        "drift_outside": worst(drifts, "recoloured_outside"),
        "redrawn_outside": worst(drifts, "redrawn_outside"),
        "moved": worst(drifts, "moved"),
        "advice": len(request.advice) if request else 0,
        "why": standing.why or None,
    }


# ── the report of a gallery ─────────────────────────────────────────────────────────────────────────────


THUMBNAIL = 320
"""Pixels of the longer side of a picture of a report."""
SIDES = range(64, 1025)


def write_report(sweep: SweepState, path: str | Path, *, title: str, side: int, overwrite: bool) -> Path:
    """
    Write the report of a sweep; see `Gallery.report`.

    Raises:
        UsageError: another ending, a file that is there, or one that cannot be written.
        ParameterError: a size that is none.
    """
    target = file(path)
    if target.suffix.lower() not in {".html", ".htm"}:
        raise UsageError(f"{target.name} is no report.", "A report is HTML.", f"Use {target.stem}.html.")
    if side not in SIDES:
        raise ParameterError(f"thumbnail is {side!r}.", "It is a number from 64 to 1024.", "Use 320.")
    check_free([target], overwrite=overwrite)
    html = _page(sweep, title or "Gallery", side)
    with writing("The report"):
        target.parent.mkdir(parents=True, exist_ok=True)
        with beside(target) as part:
            part.write_text(html, encoding="utf-8")
    return target


def _page(sweep: SweepState, title: str, side: int) -> str:
    said = sweep.notes
    if any(edit.is_play for edit in sweep.made):
        said.append("Test pictures: they were drawn, and no model made them.")
    return report_html(
        title=title,
        made=f"{_day(time.time())} · nbbanana {__version__}",
        words=words_of(sweep.plan),
        totals=list(_totals(sweep)),
        method=list(_method(sweep)),
        notes=said,
        groups=list(_groups(sweep)),
        side=side,
    )


def _totals(sweep: SweepState) -> Iterator[tuple[str, str]]:
    """Give what a reader asks first: how many, of what, for how much."""
    requests, here, count = sweep.plan.requests, sweep.made, len(sweep.plan)
    states = Counter(one.state for one in sweep.standings)
    each = ", ".join(f"{states[state]} {state}" for state in get_args(State) if states[state])
    yield "requests", f"{count}, all here" if states["here"] == count else f"{count}: {each}"
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


def _method(sweep: SweepState) -> Iterator[str]:
    """Give the sentences that a paper needs."""
    requests, here, total = sweep.plan.requests, sweep.made, len(sweep.plan)
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
        yield f"{count} edited with {models}{at}{when}, {counted(total, 'request')} in all."
    text = "".join(piece for piece, _ in words_of(sweep.plan))
    if text:
        yield f"The instruction was “{one_line(text)}”."
    shared = shared_parameters(requests)
    if shared:
        yield f"The same for all: {', '.join(f'{name} {written(value)}' for name, value in shared.items())}."
    yield "What was not set was left to the model; seeds are given with each picture."
    if len(here) < total:
        yield f"{total - len(here)} of {total} requests gave no picture; the reasons are given."
    yield f"Requests were sent and recorded with nbbanana {__version__}; digests are SHA-256."


def _groups(sweep: SweepState) -> Iterator[ReportGroup]:
    """Give the requests by their first picture, in their order."""
    for _, several in groupby(sweep.plan.cells, lambda cell: cell.at.get("images") or _identity(cell)):
        some = list(several)
        first = next((cell.request.images[0] for cell in some if cell.request and cell.request.images), None)
        name = some[0].at.get("images") or (first.name if first else "no picture")
        before = None if first is None else (_content(first, some, sweep), f"{name}, before")
        facts = [] if first is None else list(_facts(first))
        yield ReportGroup(name, before, facts, [_cell(cell, sweep) for cell in some])


def _identity(cell: Cell) -> str:
    return cell.request.images[0].identity if cell.request and cell.request.images else ""


def _content(image: ImageInput, cells: Sequence[Cell], sweep: SweepState) -> bytes | Path | None:
    """Return the picture as it was sent, from the store; where it was not sent, as it is."""
    for cell in cells:
        edit = sweep.standings[cell.number].edit
        kept = sweep.session.library.blob(edit.inputs[0].sha256) if edit is not None and edit.inputs else None
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


def _cell(cell: Cell, sweep: SweepState) -> ReportCell:
    one, blob = sweep.standings[cell.number], sweep.session.library.blob
    title = " · ".join(f"{axis} {name}" for axis, name in cell.at.items() if axis != "images")
    name = cell.title or f"request {cell.number}"
    pictures = [
        (blob(output.sha256), f"{name}, after{f', {output.index + 1}' if output.index else ''}")
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
