"""
`nbbanana`: the same things from a shell.

stdout is the payload and nothing else, stderr is progress and errors, and the exit code says how it went: 0, or
that of the error (see `nbbanana.errors`). Here nothing falls back to the sandbox: `--sandbox` asks for it.
"""

from nbbanana.cli.command_line import main

__all__ = ["main"]
