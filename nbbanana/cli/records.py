"""
The commands about many edits: sweep runs a plan, gallery edits a folder of pictures; and what was made: the history,
differences, bundles, the store, money that was spent, notebooks.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbbanana.cli.console import (
    command,
    in_session,
    in_store,
    option,
    put_bundle,
    put_json,
    put_line,
    put_rows,
    say,
    target_folder,
)
from nbbanana.errors import NotInStoreError, UsageError
from nbbanana.text import counted

if TYPE_CHECKING:
    from nbbanana.session import EditResult, Output, Session
    from nbbanana.sweeps import Sweep

__all__ = ["COMMANDS", "run_sweep"]

INCOMPLETE = 1
"""The exit code of a sweep of which some cells have no picture."""
DAMAGED = 1
"""The exit code of `verify` where something is not as it was kept."""
_OF_HISTORY = re.compile(r"(?:edit:)?([0-9]{1,18})(?:\[([0-9]{1,18})\])?")
"""An edit, or one of its pictures."""
PARAMETERS = ("model", "provider", "n", "seed", "aspect_ratio", "resolution")
"""The parameters that `gallery` has as options."""
PRICES = (
    option("--max-price", type=float, metavar="USD", help="send it only if all surely cost no more"),
    option("--assume-price", type=float, metavar="USD", help="what to count for each of unknown price"),
    option("-o", "--output-dir", metavar="DIR", help="write the pictures there"),
)


# ── many edits ────────────────────────────────────────────────────────────────────────────────────────────────────────


@in_session
def _sweep(options: argparse.Namespace, session: Session) -> int:
    from nbbanana.sweeps import Sweep

    return _run(options, Sweep.open(options.plan, session))


@in_session
def _gallery(options: argparse.Namespace, session: Session) -> int:
    from nbbanana.sweeps import gallery

    made = gallery(
        options.folder,
        options.prompt,
        table=options.table,
        column=options.column,
        subfolders=options.subfolders,
        lock=not options.no_lock,
        session=session,
        **{name: value for name in PARAMETERS if (value := getattr(options, name)) is not None},
    )
    for note in made.notes:
        say(note, quiet=options.quiet)
    if options.report:  # what cannot be written is refused before anything is paid
        made.report(options.report, overwrite=True)
    code = _run(options, made)
    if options.report:
        made.report(options.report, overwrite=True)
        say(f"The report is in {options.report}.", quiet=options.quiet)
    return code


def _run(options: argparse.Namespace, sweep: Sweep) -> int:
    return run_sweep(
        options,
        sweep,
        dry_run=options.dry_run,
        retries=options.retry,
        max_price=options.max_price,
        assume_price=options.assume_price,
    )


def run_sweep(
    options: argparse.Namespace,
    sweep: Sweep,
    *,
    dry_run: bool,
    retries: bool = False,
    **prices: Any,
) -> int:
    """Run a sweep, or say what is ahead of it; writes a row for each cell, and returns the exit code."""
    if dry_run:
        put_bundle(sweep.plan_sheet(**prices))
        return 0
    folder = target_folder(options.output_dir)
    say(f"{sweep.plan.shape}. {sweep.ahead.count('missing')} to be sent.", quiet=options.quiet)
    try:
        sweep.retry(**prices) if retries else sweep.run(**prices)
    except KeyboardInterrupt as interrupt:
        interrupt.add_note(sweep.stopped)
        raise
    except NotInStoreError:
        _put_cells(options, sweep, folder)
        raise
    _put_cells(options, sweep, folder)
    say(sweep.summary, quiet=options.quiet)
    return 0 if all(cell.state == "here" for cell in sweep) else INCOMPLETE


def _put_cells(options: argparse.Namespace, sweep: Sweep, folder: Path | None) -> None:
    from nbbanana.sweeps.exports import keep_pictures

    if folder:
        files = keep_pictures(sweep, folder)
    else:
        files = [[output.path for output in cell.result] if cell.state == "here" else [] for cell in sweep]
    put_rows(
        options,
        [
            {
                "cell": cell.title,
                "state": cell.state,
                "edit": cell.edit_id,
                "images": [str(path.resolve()) for path in some],
                "why": cell.why or None,
            }
            for cell, some in zip(sweep, files, strict=True)
        ],
    )


# ── what was made ─────────────────────────────────────────────────────────────────────────────────────────────────────


@in_store
def _history(options: argparse.Namespace, session: Session) -> None:
    found = session.history.search(" ".join(options.words)) if options.words else session.history.latest(options.n)
    put_rows(options, [_row(result) for result in found[: options.n]])


def _row(result: EditResult) -> dict[str, Any]:
    record = result.record
    names = ("id", "state", "provider", "model", "seed", "request_id", "cost")
    return {name: getattr(record, name) for name in names} | {"images": len(result), "prompt": record.prompt}


@in_session
def _diff(options: argparse.Namespace, session: Session) -> None:
    from nbbanana.session.picture_calls import diff

    found = diff(_edit_or_picture(options.left, session), _edit_or_picture(options.right, session))
    if options.output == "json":
        put_json(found.as_json())
    else:
        put_line(found._repr_mimebundle_()[0]["text/plain"])


@in_session
def _recover(options: argparse.Namespace, session: Session) -> None:
    from nbbanana.session.picture_calls import recover

    found = recover(options.file, session)
    facts = {name: getattr(found, name) for name in ("how", "is_certain", "output", "model", "seed", "prompt")}
    put_json({"edit": found.record.id or None, **facts, "said": list(found.lines)})


@in_store
def _export(options: argparse.Namespace, session: Session) -> None:
    edits = options.edits or [result.id for result in session.history]
    put_line(str(session.history.export(options.bundle, edits, overwrite=options.overwrite)))


@in_session
def _merge(options: argparse.Namespace, session: Session) -> None:
    put_json({"added": session.history.merge(options.bundle)})


@in_store
def _measure(options: argparse.Namespace, session: Session) -> None:
    found = session.history.measure(options.n)
    put_json(asdict(found)) if options.output == "json" else put_line(str(found))


@in_store
def _verify(options: argparse.Namespace, session: Session) -> int:
    found = session.history.verify()
    put_json({"ok": found.ok, **asdict(found)})
    return 0 if found.ok else DAMAGED


@in_store
def _gc(options: argparse.Namespace, session: Session) -> None:
    put_json(asdict(session.history.gc(dry_run=not options.delete)))


@in_store
def _settle(options: argparse.Namespace, session: Session) -> None:
    record = session.store.settle(options.edit, cost=options.cost, request_id=options.request_id)
    put_json({name: getattr(record, name) for name in ("id", "state", "cost", "request_id")})


@in_store
def _ledger(options: argparse.Namespace, session: Session) -> None:
    found = session.history.ledger(options.limit)
    if options.csv:
        for line in found.csv().splitlines():
            put_line(line)
    else:
        put_rows(options, found.rows)


def _replay(options: argparse.Namespace) -> None:
    from nbbanana.replay import replay

    if not options.store:
        mend = f"Write nbbanana replay {options.notebook} --store study.zip."
        raise UsageError("replay needs --store.", "It names the bundle or the folder with the edits.", mend)
    put_line(str(replay(Path(options.notebook), Path(options.store), Path(options.to) if options.to else None)))


def _edit_or_picture(text: str, session: Session) -> Path | EditResult | Output:
    """Return a picture file, or an edit or one of its pictures from the history."""
    found = _OF_HISTORY.fullmatch(text)
    if found is None and Path(text).is_file():
        return Path(text)
    number, index = (_edit_id(text), None) if found is None else found.groups()
    result = session.history[int(number)]
    if index is None:
        return result
    if int(index) >= len(result):
        why = f"Edit {number} has {counted(len(result), 'picture')}."
        raise UsageError(f"There is no {text}.", why, "They begin at [0].")
    return result[int(index)]


def _edit_id(text: str) -> int:
    """Return the number of an edit."""
    if not text.isdecimal():
        raise UsageError(
            f"{text!r} is not the number of an edit.", "Edits have whole numbers.", "See nbbanana history."
        )
    return int(text[:18])


COMMANDS = (
    command(
        "sweep",
        _sweep,
        'Run a plan that sweep.save("plan.json") wrote: what is missing of it, and nothing else.',
        option("plan", metavar="PLAN", help="the file; its pictures are in the folder beside it"),
        option("--dry-run", action="store_true", help="say how many cells are missing and what they cost"),
        option("--retry", action="store_true", help="ask again for cells that were refused and cost nothing"),
        *PRICES,
    ),
    command(
        "gallery",
        _gallery,
        "Edit each picture of a folder with one prompt, to one shape and size.",
        option("folder", metavar="FOLDER", help="the pictures; hidden files and others are left out"),
        option("-p", "--prompt", required=True, help="the words; {{name}} is a file's name without ending"),
        option("--table", metavar="CSV", help="a row for each picture, with values of {{…}} and parameters"),
        option("--column", default="file", help="the column with the file's name (file)"),
        option("--subfolders", action="store_true", help="take the pictures of folders in the folder too"),
        option("--no-lock", action="store_true", help="leave shape and size to each picture"),
        option("--model", help="the model; else the provider's default"),
        option("--provider", help="the service; else the one of the settings"),
        option("-n", type=int, metavar="N", help="so many of each picture"),
        option("--seed", type=int, help="one seed for all; else each has its own"),
        option("--aspect-ratio", metavar="W:H", help="the shape of all"),
        option("--resolution", metavar="SIZE", help="the size of all, such as 1K"),
        option("--dry-run", action="store_true", help="say how many there are and what they cost"),
        option("--retry", action="store_true", help="ask again for those that were refused and cost nothing"),
        *PRICES,
        option("--report", metavar="HTML", help="write a report there; one that is there is replaced"),
    ),
    command(
        "history",
        _history,
        "List edits, the newest first, or search them.",
        option("words", nargs="*"),
        option("-n", type=int, default=20, help="how many"),
    ),
    command(
        "diff",
        _diff,
        "Say what is unlike between two edits or pictures: words, parameters, pixels.",
        option("left", metavar="EDIT"),
        option("right", metavar="EDIT"),
        epilog="EDIT is the number of an edit, edit:12[0] for one of its pictures, or a picture file.",
    ),
    command("recover", _recover, "Say how a picture file was made; nothing is sent.", option("file")),
    command(
        "export",
        _export,
        "Write edits and their pictures into a bundle; prints where it is.",
        option("bundle", help="such as study.zip"),
        option("edits", type=_edit_id, nargs="*", metavar="EDIT", help="their numbers; none is all"),
        option("--overwrite", action="store_true", help="replace whatever file is there"),
    ),
    command("merge", _merge, "Take the edits of a bundle into the store, doubling nothing.", option("bundle")),
    command(
        "measure",
        _measure,
        "Measure what changed in pictures of edits without figures; free.",
        option("-n", type=int, default=1000, help="at most so many edits, the newest"),
    ),
    command("verify", _verify, "Hash every picture and check every record; 1 if something is not as it was."),
    command(
        "gc",
        _gc,
        "List files in the store that no edit refers to.",
        option("--delete", action="store_true", help="remove them"),
    ),
    command(
        "settle",
        _settle,
        "Say what became of an edit that is unknown, lost or gone.",
        option("edit", type=_edit_id, metavar="EDIT"),
        [
            option("--cost", type=float, metavar="USD", help="what it cost; 0: it was never charged"),
            option("--request-id", metavar="ID", help="the service's id of it, so that resume collects it"),
        ],
    ),
    command(
        "ledger",
        _ledger,
        "List every request that was sent: when, where, how it ended, its cost.",
        option("--csv", action="store_true", help="as CSV, for a service's support desk"),
        option("--limit", type=int, default=1000, metavar="N", help="the newest so many"),
    ),
    command(
        "replay",
        _replay,
        "Execute a notebook from stored edits alone: no key, no network, no cost.",
        option("notebook"),
        option("--to", metavar="FILE", help="where to write it; beside it, as NAME.replayed.ipynb, if not said"),
        usage="nbbanana replay NOTEBOOK --store BUNDLE_OR_DIR [--to FILE]",
    ),
)
