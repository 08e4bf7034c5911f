"""
`nbbanana`: the same things from a shell.

stdout is the payload and nothing else, stderr is progress and errors, and the exit code says how it went: 0, or
that of the error (see `nbbanana.errors`). Here nothing falls back to the sandbox: `--sandbox` asks for it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from nbbanana._version import __version__
from nbbanana.cli import edits, records, services
from nbbanana.cli.console import Parser, prepare_streams, say
from nbbanana.errors import NBBananaError
from nbbanana.request import Origin, origin

__all__ = ["main"]

INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command line.

    Args:
        arguments: what stands after `nbbanana`; None is that of the process.

    Returns:
        The exit code.
    """
    prepare_streams()
    before = origin.set(Origin(source="shell"))
    try:
        return _run(sys.argv[1:] if arguments is None else arguments)
    except NBBananaError as error:
        first, *rest = error.lines
        say("\n".join([f"{type(error).__name__}: {first}", *rest]))
        return error.exit_code
    except KeyboardInterrupt as interrupt:
        say("\n".join(["Interrupted.", *getattr(interrupt, "__notes__", [])]))
        return INTERRUPTED
    except OSError as error:
        if error.filename is not None:
            raise
        # Python must not complain about stdout at its end.
        sys.stdout = None
        if isinstance(error, BrokenPipeError):  # the program that read it has gone, as `head` does
            return 0
        say(f"What was to be printed could not be written.\n{error.strerror}.\nEdits that were made are in the store.")
        return 74  # EX_IOERR of sysexits.h
    finally:
        origin.reset(before)


def _run(arguments: Sequence[str]) -> int:
    parser = Parser(prog="nbbanana", description="Edit pictures with words.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"nbbanana {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    for add_to in (*edits.COMMANDS, *records.COMMANDS, *services.COMMANDS):
        add_to(commands)
    # The options of `edit` come from the model's schema: what argparse does not know is left to the grammar's reader.
    options, left = parser.parse_known_args(arguments)
    if left and not options.takes_more:
        parser.error(f"unrecognized arguments: {' '.join(left)}")
    options.line = left
    code: int | None = options.run(options)
    return code or 0
