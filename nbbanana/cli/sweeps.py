"""The command that runs a plan: sweep."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbbanana.cli.console import Commands, open_session, put_line, put_rows, say, target_folder
from nbbanana.errors import NotInStoreError

if TYPE_CHECKING:
    from nbbanana.sweeps import Sweep, SweepCell

__all__ = ["add_to", "run_sweep"]

INCOMPLETE = 1
"""The exit code of a sweep of which some cells have no picture."""


def add_to(commands: Commands) -> None:
    """Add the command to the command line."""
    sweep = commands.add(
        "sweep", _sweep, 'Run a plan that sweep.save("plan.json") wrote: what is missing of it, and nothing else.'
    )
    sweep.add_argument("plan", metavar="PLAN", help="the file; its pictures are in the folder beside it")
    sweep.add_argument("--dry-run", action="store_true", help="say how many cells are missing and what they cost")
    sweep.add_argument("--retry", action="store_true", help="ask again for cells that were refused and cost nothing")
    sweep.add_argument("--max-price", type=float, metavar="USD", help="send it only if all surely cost no more")
    sweep.add_argument("--assume-price", type=float, metavar="USD", help="what to count for each of unknown price")
    sweep.add_argument("-o", "--output-dir", metavar="DIR", help="write the pictures there")


def _sweep(options: argparse.Namespace) -> int:
    from nbbanana.sweeps import Sweep

    with open_session(options) as session:
        sweep = Sweep.open(options.plan, session)
        prices = {"max_price": options.max_price, "assume_price": options.assume_price}
        return run_sweep(options, sweep, prices, dry_run=options.dry_run, retries=options.retry)


def run_sweep(
    options: argparse.Namespace,
    sweep: Sweep,
    prices: Mapping[str, Any],
    *,
    dry_run: bool,
    retries: bool = False,
) -> int:
    """Run a sweep, or say what is ahead of it; writes a row for each cell, and returns the exit code."""
    if dry_run:
        from nbbanana.session.call_args import checked_prices
        from nbbanana.sweeps.allowed import next_lines

        lines = next_lines(sweep.ahead, **checked_prices(**prices), is_call=False)
        put_line(sweep.plan_sheet(*lines)["text/plain"])
        return 0
    folder = target_folder(options.output_dir) if options.output_dir else None
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
    files = _kept(sweep, folder) if folder else [_stored(cell) for cell in sweep]
    is_json = options.output == "json"
    put_rows(options, [_row(cell, some, is_json=is_json) for cell, some in zip(sweep, files, strict=True)])


def _kept(sweep: Sweep, folder: Path) -> list[list[Path]]:
    """Have the pictures in the folder, whatever was written there before; gives the files of each cell."""
    from nbbanana.sweeps.saved_pictures import file_names, keep_pictures

    names = file_names(sweep.plan, sweep.standings)
    return keep_pictures(names, sweep.plan.cells, sweep.result_of, folder)


def _stored(cell: SweepCell) -> list[Path]:
    return [output.path for output in cell.result] if cell.state == "here" else []


def _row(cell: SweepCell, files: Sequence[Path], *, is_json: bool) -> dict[str, Any]:
    pictures = [str(path.resolve()) for path in files]
    shown = pictures if is_json else " ".join(pictures)
    return {"cell": cell.title, "state": cell.state, "edit": cell.edit_id, "images": shown, "why": cell.why or None}
