"""What all commands share: parser and session, the two streams, text from files and stdin, folders for pictures."""

from __future__ import annotations

import argparse
import codecs
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from nbbanana.errors import ImageNotFoundError, InputError, StoreError, UsageError, translated

if TYPE_CHECKING:
    from nbbanana.session import EditResult, Session

__all__ = [
    "OUTPUT_DIR",
    "Command",
    "Option",
    "Parser",
    "command",
    "in_session",
    "in_store",
    "option",
    "prepare_streams",
    "put_bundle",
    "put_json",
    "put_line",
    "put_rows",
    "read_bytes",
    "read_text",
    "save_pictures",
    "say",
    "target_folder",
]

_IN_A_SHELL = (
    (r"%nb(resume|history|models|login|logout|budget|providers)\?", r"nbbanana \1 --help"),
    (r"%nb(resume|history|models|login|logout|budget|providers)\b(?: --state unknown)?", r"nbbanana \1"),
    (r"%%?nbedit\?", "nbbanana edit --help"),
    (r"%%?nbedit(?= --)", "nbbanana edit"),
    (r"%config NBBanana\.provider(?: = )?", "NBBANANA_PROVIDER="),
    (r"%config NBBanana\.model(?: = )?", "NBBANANA_MODEL="),
    (r"%config NBBanana\.timeout", "NBBANANA_TIMEOUT"),
    (r"nb\.history\.settle\((\d+), cost=([\d.]+|…)\)", r"nbbanana settle \1 --cost \2"),
    (r"nb\.history\.settle(?:\(…\))?", "nbbanana settle"),
    (r"sweep\.retry\(\)", "--retry"),
    (r"overwrite=True", "--overwrite"),
)
"""What commands and calls of a notebook are called in a shell: patterns, compiled once a message needs them."""

# ── the words that are understood ───────────────────────────────────────────────────────────────────────────────


class Parser(argparse.ArgumentParser):
    """argparse whose complaints are `UsageError`, with exit code 64."""

    def error(self, message: str) -> NoReturn:
        """Raise it."""
        raise UsageError(f"{self.prog}: {message}.", "", f"See {self.prog} --help.")


Option = tuple[tuple[str, ...], dict[str, Any]]
"""An option or an argument of a command, as `option` makes it."""


def option(*names: str, **how: Any) -> Option:
    """Return an option or an argument; see `argparse.ArgumentParser.add_argument`."""
    return names, how


OUTPUT_DIR = option("--output-dir", metavar="DIR", help="write the pictures there")


SHARED = (
    option("--sandbox", action="store_true", help="use the sandbox: no model, no cost"),
    option("--store", metavar="DIR", help="the folder with the edits"),
    option(
        "--output",
        choices=["text", "json"],
        default="text",
        help="lists as lines with tabs, or as JSON; everything else is JSON always",
    ),
    option("-q", "--quiet", action="store_true", help="no progress on stderr"),
)
"""The options of all commands."""

Run = Callable[[argparse.Namespace], int | None]
"""Runs a command: takes what was given, and returns an exit code, or None for 0."""

Command = Callable[[Any], None]
"""Adds a command to those of a parser."""


def command(
    name: str, run: Run, about: str, *options: Option | list[Option], takes_more: bool = False, **more: Any
) -> Command:
    """
    Return a command.

    Args:
        name: the word that calls it.
        run: what it does.
        about: one line for the help.
        options: its own, behind the shared ones; of a list of them exactly one must be given.
        takes_more: whether it reads itself what argparse does not know, from `line`.
        more: what else `argparse.ArgumentParser` takes.
    """

    def add_to(commands: Any) -> None:
        """Add it to the commands of a parser."""
        made: Parser = commands.add_parser(name, help=about, description=about, allow_abbrev=False, **more)
        for one in (*SHARED, *options):
            some = one if isinstance(one, list) else [one]
            place = made if len(some) == 1 else made.add_mutually_exclusive_group(required=True)
            for names, how in some:
                place.add_argument(*names, **how)
        made.set_defaults(run=run, takes_more=takes_more)

    return add_to


def in_session(run: Callable[[argparse.Namespace, Session], int | None]) -> Run:
    """Give a command the session that the shared options name."""

    def opened(options: argparse.Namespace) -> int | None:
        """Open it, run the command, and close it."""
        from nbbanana.session import Session
        from nbbanana.settings import PLAY_PROVIDER

        with Session(provider=PLAY_PROVIDER if options.sandbox else None, store=options.store) as session:
            return run(options, session)

    return opened


def in_store(run: Callable[[argparse.Namespace, Session], int | None]) -> Run:
    """Give a command, which only looks at edits or marks them, the session over a store or a bundle that is there."""

    def checked(options: argparse.Namespace, session: Session) -> int | None:
        """Refuse a folder that was named and is no store, before one is made there."""
        from nbbanana.session.library import is_bundle

        if options.store and not (is_bundle(session.folder) or (session.folder / "edits.sqlite").is_file()):
            raise StoreError(
                f"There is no store in {session.folder.name!r}.",
                "It holds no edits.sqlite.",
                "Check the folder's name.",
            )
        return run(options, session)

    return in_session(checked)


# ── the two streams ─────────────────────────────────────────────────────────────────────────────────────────────


def prepare_streams() -> None:
    """Let both streams escape what their encoding has no letter for, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")


def put_json(value: Any) -> None:
    """Write JSON to stdout."""
    put_line(json.dumps(value, indent=2))


def put_rows(options: argparse.Namespace, rows: list[dict[str, Any]]) -> None:
    """Write rows as JSON where that was asked for, else as lines with tabs between, and spaces in a list."""
    if options.output == "json":
        put_json(rows)
        return
    for row in rows:
        put_line("\t".join(map(_column, row.values())))


def _column(value: Any) -> str:
    shown = " ".join(map(str, value)) if isinstance(value, list) else str("" if value is None else value)
    return " ".join(shown.split())


def put_bundle(shown: Mapping[str, str]) -> None:
    """Write what a notebook shows as text, with a shell's names for the magics, but for a request's body."""
    for line in shown["text/plain"].split("\n"):
        put_line(line if line.startswith((" ", "{")) else _for_a_shell(line))


def put_line(text: str) -> None:
    """
    Write a line to stdout; nothing in it steers a terminal.

    Raises:
        BrokenPipeError: the program that read stdout has gone.
    """
    from nbbanana.text import plain

    _write(sys.stdout, plain(text))


def say(text: str, *, quiet: bool = False) -> None:
    """Write a line to stderr, with a shell's names for the magics; a reader that has gone is not missed."""
    from nbbanana.text import plain

    if quiet:
        return
    try:
        _write(sys.stderr, plain(_for_a_shell(text)))
    except BrokenPipeError:
        # As in `nbbanana run … 2>&1 | head -1`. What is under way goes on: it may be paid for.
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - it stays open as stderr does


def _for_a_shell(text: str) -> str:
    """
    Return a message with the commands of a shell where it names magics.

    >>> _for_a_shell("%%nbedit? and %nbhistory? list the options; %nbmodels kontext.")
    'nbbanana edit --help and nbbanana history --help list the options; nbbanana models kontext.'
    >>> _for_a_shell("%nbhistory --state unknown, then nb.history.settle(12, cost=…).")
    'nbbanana history, then nbbanana settle 12 --cost ….'
    """
    from nbbanana.text import as_options

    for pattern, said in _IN_A_SHELL:
        text = re.sub(pattern, said, text)
    return as_options(text)


def _write(stream: TextIO | None, line: str) -> None:
    if stream is not None:
        stream.write(line + "\n")
        stream.flush()


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────────────


def read_bytes(name: str) -> bytes:
    """
    Read a file, or stdin where the name is `-`.

    Raises:
        ImageNotFoundError: there is no such file.
        InputError: it cannot be read.
    """
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).expanduser().read_bytes()
    except FileNotFoundError as error:
        raise ImageNotFoundError(f"There is no file {name}.", "It was named on the command line.") from error
    except OSError as error:
        raise InputError(f"{name} cannot be read.", f"{error.strerror}.") from error


def read_text(name: str) -> str:
    """
    Read the text of a file, or of stdin where the name is `-`: UTF-8 whatever the terminal's encoding is.

    A byte order mark is taken off; with one, UTF-16 is read as well, which PowerShell writes.

    Raises:
        ImageNotFoundError: there is no such file.
        InputError: it cannot be read, or is no such text.
    """
    data = read_bytes(name)
    is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        what = "stdin" if name == "-" else name
        raise InputError(
            f"{what} is not text in UTF-8.", f"Byte {error.start} does not fit.", "Save it as UTF-8."
        ) from error


def target_folder(name: str | None) -> Path | None:
    """
    Make a folder for pictures before anything is paid for that could not be put there.

    Raises:
        UsageError: it cannot be a folder, or nothing can be written there, or it is called like a picture.
    """
    from nbbanana.images.reading import ENDINGS

    if name is None:
        return None
    folder = Path(name).expanduser()
    if folder.suffix.lower() in (*ENDINGS, ".pdf") and not folder.is_dir():
        raise UsageError(
            f"{name} would be a folder.",
            "Pictures are written into a folder, under names of their own.",
            f"Name the folder: {folder.with_suffix('').name}/",
        )
    with translated(
        OSError,
        lambda error: UsageError(f"{name} cannot be a folder for pictures.", f"{error.strerror}.", "Name another."),
    ):
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()
    return folder


def save_pictures(result: EditResult, folder: Path | None) -> list[str]:
    """Write pictures into a folder, under names that nothing has yet; None gives their files in the store."""
    if folder is None:
        return [str(output.path) for output in result]
    return [str(output.save(_free(folder, f"edit-{result.id}-{output.index}")).resolve()) for output in result]


def _free(folder: Path, stem: str) -> Path:
    """Return a name in `folder` that nothing has yet, whatever its suffix."""
    taken = {path.stem for path in folder.iterdir()}
    names = [stem, *(f"{stem}-{number}" for number in range(1, len(taken) + 2))]
    return folder / next(name for name in names if name not in taken)
