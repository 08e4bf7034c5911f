"""The command that edits a folder of pictures: gallery."""

from __future__ import annotations

import argparse
from typing import Any

from nbbanana.cli.console import Commands, open_session, say
from nbbanana.cli.sweeps import run_sweep

__all__ = ["add_to"]

PARAMETERS = ("model", "provider", "n", "seed", "aspect_ratio", "resolution")


def add_to(commands: Commands) -> None:
    """Add the command to the command line."""
    gallery = commands.add("gallery", _gallery, "Edit each picture of a folder with one prompt, to one shape and size.")
    gallery.add_argument("folder", metavar="FOLDER", help="the pictures; hidden files and others are left out")
    gallery.add_argument("-p", "--prompt", required=True, help="the words; {{name}} is a file's name without ending")
    gallery.add_argument("--table", metavar="CSV", help="a row for each picture, with values of {{…}} and parameters")
    gallery.add_argument("--column", default="file", help="the column with the file's name (file)")
    gallery.add_argument("--subfolders", action="store_true", help="take the pictures of folders in the folder too")
    gallery.add_argument("--no-lock", action="store_true", help="leave shape and size to each picture")
    gallery.add_argument("--model", help="the model; else the provider's default")
    gallery.add_argument("--provider", help="the service; else the one of the settings")
    gallery.add_argument("-n", type=int, metavar="N", help="so many of each picture")
    gallery.add_argument("--seed", type=int, help="one seed for all; else each has its own")
    gallery.add_argument("--aspect-ratio", metavar="W:H", help="the shape of all")
    gallery.add_argument("--resolution", metavar="SIZE", help="the size of all, such as 1K")
    gallery.add_argument("--dry-run", action="store_true", help="say how many there are and what they cost")
    gallery.add_argument("--retry", action="store_true", help="ask again for those that were refused and cost nothing")
    gallery.add_argument("--max-price", type=float, metavar="USD", help="send it only if all surely cost no more")
    gallery.add_argument("--assume-price", type=float, metavar="USD", help="what to count for each of unknown price")
    gallery.add_argument("-o", "--output-dir", metavar="DIR", help="write the pictures there")
    gallery.add_argument("--report", metavar="HTML", help="write a report there; one that is there is replaced")


def _gallery(options: argparse.Namespace) -> int:
    from nbbanana.sweeps import gallery

    given: dict[str, Any] = {name: value for name in PARAMETERS if (value := getattr(options, name)) is not None}
    with open_session(options) as session:
        made = gallery(
            options.folder,
            options.prompt,
            table=options.table,
            column=options.column,
            subfolders=options.subfolders,
            lock=not options.no_lock,
            session=session,
            **given,
        )
        for note in made.notes:
            say(note, quiet=options.quiet)
        prices = {"max_price": options.max_price, "assume_price": options.assume_price}
        code = run_sweep(options, made, prices, dry_run=options.dry_run, retries=options.retry)
        if options.report:
            made.report(options.report, overwrite=True)
            say(f"The report is in {options.report}.", quiet=options.quiet)
        return code
