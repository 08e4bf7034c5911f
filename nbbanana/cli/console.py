"""What all commands share: their parser, the two streams, text from files and stdin, folders for pictures, sessions."""

from __future__ import annotations

import argparse
import codecs
import json
import os
import re
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from nbbanana.errors import ImageNotFoundError, InputError, UsageError

if TYPE_CHECKING:
    from nbbanana.providers import Provider
    from nbbanana.session import EditResult, Session

__all__ = [
    "Commands",
    "Parser",
    "ask_account",
    "ask_provider",
    "open_session",
    "prepare_streams",
    "put_json",
    "put_line",
    "put_rows",
    "read_bytes",
    "read_text",
    "save_pictures",
    "say",
    "target_folder",
]

_MAGIC = re.compile(r"%nb(resume|history|models|login|logout|budget)\b(\??)")
_CELL = re.compile(r"%%?nbedit\?")

# ── the words that are understood ───────────────────────────────────────────────────────────────────────────────


class Parser(argparse.ArgumentParser):
    """argparse whose complaints are `UsageError`, with exit code 64."""

    def error(self, message: str) -> NoReturn:
        """Raise it."""
        raise UsageError(f"{self.prog}: {message}.", "", f"See {self.prog} --help.")


class Commands:
    """
    The commands of a parser; each of them has the shared options.

    Args:
        parser: the parser of `nbbanana` itself.
    """

    def __init__(self, parser: Parser) -> None:
        self._commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
        self.shared = Parser(add_help=False, allow_abbrev=False)
        self.shared.add_argument("--sandbox", action="store_true", help="use the sandbox: no model, no cost")
        self.shared.add_argument("--store", metavar="DIR", help="the folder with the edits")
        self.shared.add_argument(
            "--output",
            choices=["text", "json"],
            default="text",
            help="lists as lines with tabs, or as JSON; everything else is JSON always",
        )
        self.shared.add_argument("-q", "--quiet", action="store_true", help="no progress on stderr")

    def add(
        self, name: str, run: Callable[[argparse.Namespace], int | None], about: str, *, help_: bool = True
    ) -> Parser:
        """
        Add a command.

        Args:
            name: the word that calls it.
            run: takes what was given; returns an exit code, or None for 0.
            about: one line for the help.
            help_: whether argparse makes its `--help`.
        """
        made: Parser = self._commands.add_parser(
            name, parents=[self.shared], help=about, description=about, allow_abbrev=False, add_help=help_
        )
        made.set_defaults(run=run)
        return made


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
    """Write rows as JSON where that was asked for, else as lines with tabs between."""
    if options.output == "json":
        put_json(rows)
        return
    for row in rows:
        put_line("\t".join(" ".join(str("" if value is None else value).split()) for value in row.values()))


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
    """
    from nbbanana.text import as_options

    said = _MAGIC.sub(lambda found: f"nbbanana {found[1]}{' --help' if found[2] else ''}", text)
    return as_options(_CELL.sub("nbbanana edit --help", said))


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
        UsageError: it cannot be a folder.
    """
    if name is None:
        return None
    folder = Path(name).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{name} cannot be a folder for pictures.", f"{error.strerror}.", "Name another.") from error
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


# ── sessions ────────────────────────────────────────────────────────────────────────────────────────────────────


def open_session(options: argparse.Namespace) -> Session:
    """Open the session that the shared options name."""
    from nbbanana.session import Session
    from nbbanana.settings import PLAY_PROVIDER

    return Session(provider=PLAY_PROVIDER if options.sandbox else None, store=options.store)


def ask_provider(options: argparse.Namespace, question: Callable[[Provider], Awaitable[Any]]) -> Any:
    """Put one question to the service."""
    with open_session(options) as session:
        return session.engine.ask(question).result()


def ask_account(options: argparse.Namespace, question: str) -> Any:
    """
    Ask the service what not every service can be asked, such as `balance`.

    Raises:
        UsageError: this one cannot.
    """
    from nbbanana.providers.registry import title_of

    with open_session(options) as session:
        engine = session.engine
        if not hasattr(engine.provider, question):
            name = engine.provider.name
            raise UsageError(f"{title_of(name)} cannot be asked this.", f"It has no {question} for nbbanana to read.")
        return engine.ask(lambda service: getattr(service, question)()).result()
