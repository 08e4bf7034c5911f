"""
What is done as a cell begins: a body is kept whole, a cell can wait without stopping the kernel, its origin is set.

IPython turns `%%nbedit …` and `%nbedit …` into calls of `get_ipython().run_cell_magic('nbedit', …)`. At module level
they are swapped for calls of the magics' own methods: `await ….awaited(…)` where the kernel can wait for a cell, else
`….blocking(…)`. A function's body is left as it is: an `await` there would be a syntax error, so the magic blocks.

Why a swap at all: a magic's function cannot await. Why also where it blocks: only here it can be seen whether the
value of the call is bound to a variable or is the cell's own value, and IPython's way never hands over an empty body.
"""

from __future__ import annotations

import ast
import io
import os
import secrets
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import PurePath
from typing import Any, TypeGuard

from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult, InteractiveShell

from nbbanana.request import Origin, origin

__all__ = ["MAGIC", "CellOrigins", "SwapCalls", "can_await", "keep_body"]

KERNEL = secrets.token_hex(16)
"""Names this process: a kernel that is restarted keeps its connection file and gets another name here."""


class CellOrigins:
    """
    Sets `nbbanana.request.origin` as cells begin and end, for IPython's `pre_run_cell` and `post_run_cell`.

    The context variable is seen by whatever the cell runs: magics, `nb.edit`, its tasks, and threads that are started
    with a copy of its context. What a cell runs as a cell of its own, such as `%%capture`, belongs to the outer one.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell

    def begin(self, info: ExecutionInfo | None = None) -> None:
        """Set the origin of a cell that begins."""
        if not _is_running(InteractiveShell.run_code):
            # Not shell.execution_count: newer versions of IPython have counted this cell already, older ones have not.
            count = len(self._shell.history_manager.input_hist_parsed)  # type: ignore[union-attr]
            execution = count if getattr(info, "store_history", False) else None
            origin.set(self._origin(getattr(info, "cell_id", None), execution))

    def end(self, result: ExecutionResult | None = None) -> None:
        """Set the origin of what runs between cells, such as callbacks of widgets."""
        if not _is_running(InteractiveShell.run_code):
            origin.set(self._origin(None, None))

    def forget(self) -> None:
        """Leave requests without an origin, as before."""
        origin.set(Origin())

    def _origin(self, cell: str | None, execution: int | None) -> Origin:
        path = self._shell.user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME")
        notebook = PurePath(str(path)).name if path else None
        return Origin(notebook, cell, KERNEL, execution, "notebook")


def can_await(shell: Any) -> bool:
    """
    Return whether the cell that is transformed now will run in an event loop that goes on while the cell waits.

    What is run inside a cell, as by `%run`, `%%capture` or `%%time`, or by a callback, has no loop of its own:
    IPython's blocking `run_cell`, or the code of the outer cell, is on the stack then.
    """
    if getattr(shell, "kernel", None) is None:
        return False
    if not shell.autoawait or shell.loop_runner is not shell.loop_runner_map["asyncio"][0]:
        return False
    import asyncio  # a kernel has it; a terminal need not load it for this

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return not _is_running(InteractiveShell.run_code, InteractiveShell.run_cell)


def _is_running(*functions: Callable[..., Any]) -> bool:
    """Return whether one of these functions is on this thread's stack."""
    codes = {function.__code__ for function in functions}
    frame = sys._getframe()  # noqa: SLF001 - the interpreter's documented way to the stack
    while frame is not None and frame.f_code not in codes:
        frame = frame.f_back  # type: ignore[assignment]
    return frame is not None


MAGIC = "nbedit"
MAGICS = "get_ipython().magics_manager.registry['NBBananaMagics']"
"""Where IPython keeps the object that the swapped calls are made on."""

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def keep_body(lines: list[str]) -> list[str]:
    r"""
    Turn a `%%nbedit` cell into a call before IPython's own clean-up.

    IPython takes Python and IPython prompts off a pasted cell, also where a prompt for a picture begins with `...`.

    >>> keep_body(["%%nbedit a.jpg\n", "... and then it snows.\n"])
    ["get_ipython().run_cell_magic('nbedit', 'a.jpg', '... and then it snows.\\n')\n"]
    """
    for place, first in enumerate(lines):
        if first.isspace():
            continue
        name, _, line = first.rstrip().partition(" ")
        if name != f"%%{MAGIC}":
            return lines
        return [f"get_ipython().run_cell_magic({MAGIC!r}, {line!r}, {''.join(lines[place + 1 :])!r})\n"]
    return lines


class SwapCalls:
    """
    An IPython input transformer that swaps the magic's calls at module level.

    Args:
        shell: the shell whose cells it sees.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell

    def __call__(self, lines: list[str]) -> list[str]:
        """Give back a cell's lines, with the calls swapped if there are any."""
        text = "".join(lines)
        if f"_magic({MAGIC!r}" not in text:
            return lines
        # Lines as Python counts them: those that IPython hands over also end at a form feed or a U+2028.
        counted = list(io.StringIO(text, newline=""))
        wait, method = ("await ", "awaited") if can_await(self._shell) else ("", "blocking")
        for call, is_bound in reversed(list(_calls(_body(text)))):
            arguments = [repr(argument.value) for argument in call.args[1:] if isinstance(argument, ast.Constant)]
            arguments += ["is_bound=True"] if is_bound else []
            _replace(counted, call, f"{wait}{MAGICS}.{method}({', '.join(arguments)})")
        return counted


def _body(text: str) -> list[ast.stmt]:
    """Return the statements of a cell; none where it does not parse, which is for IPython to say."""
    with warnings.catch_warnings():
        # The cell is compiled again later; what Python warns of is heard then.
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text).body
        except (SyntaxError, ValueError, RecursionError):
            return []


def _calls(body: list[ast.stmt]) -> Iterator[tuple[ast.Call, bool]]:
    """Yield the magic's calls that are statements at module level, and whether their value is bound to a variable."""
    for statement in body:
        if isinstance(statement, _SCOPES):
            continue
        if isinstance(statement, ast.Expr | ast.Assign | ast.AnnAssign) and _is_ours(statement.value):
            yield statement.value, not isinstance(statement, ast.Expr)
        for inner in _blocks(statement):
            yield from _calls(inner)


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """Yield the blocks of a compound statement: loops, conditions, `with`, `try`, `match`."""
    for name in ("body", "orelse", "finalbody"):
        yield getattr(statement, name, [])
    for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        yield part.body


def _is_ours(value: ast.expr | None) -> TypeGuard[ast.Call]:
    if not isinstance(value, ast.Call) or value.keywords or value.lineno != value.end_lineno:
        return False
    function, arguments = value.func, value.args
    return (
        isinstance(function, ast.Attribute)
        and function.attr in {"run_cell_magic", "run_line_magic"}
        and ast.unparse(function.value) == "get_ipython()"
        and len(arguments) == (3 if function.attr == "run_cell_magic" else 2)
        and all(isinstance(argument, ast.Constant) and isinstance(argument.value, str) for argument in arguments)
        and arguments[0].value == MAGIC  # type: ignore[attr-defined]
    )


def _replace(lines: list[str], call: ast.Call, text: str) -> None:
    """Replace a call by another; the syntax tree counts in bytes of UTF-8."""
    line = lines[call.lineno - 1].encode()
    lines[call.lineno - 1] = (line[: call.col_offset] + text.encode() + line[call.end_col_offset :]).decode()
