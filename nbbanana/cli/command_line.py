"""The command line: its parser, and from an error to an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from nbbanana._version import __version__
from nbbanana.cli import administration, edits, galleries, linting, sweeps
from nbbanana.cli.console import Commands, Parser, prepare_streams, say
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
    except BrokenPipeError:
        # The program that read stdout has gone, as `head` does; Python must not complain about it at its end.
        sys.stdout = None
        return 0
    finally:
        origin.reset(before)


def _run(arguments: Sequence[str]) -> int:
    parser = Parser(prog="nbbanana", description="Edit pictures with words.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"nbbanana {__version__}")
    commands = Commands(parser)
    edits.add_to(commands)
    linting.add_to(commands)
    sweeps.add_to(commands)
    galleries.add_to(commands)
    administration.add_to(commands)
    # The options of `edit` come from the model's schema: what argparse does not know is left to the grammar's reader.
    options, left = parser.parse_known_args(arguments)
    if left and not hasattr(options, "line"):
        parser.error(f"unrecognized arguments: {' '.join(left)}")
    if hasattr(options, "line"):
        options.line = left
    code: int | None = options.run(options)
    return code or 0
