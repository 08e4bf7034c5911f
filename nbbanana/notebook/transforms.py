"""
What is done to a cell's text before it runs: keep a body whole, and let a cell wait without stopping the kernel.

IPython turns `%%nbedit …` and `%nbedit …` into calls of `get_ipython().run_cell_magic('nbedit', …)`. At module level
they are swapped for calls of the magics' own methods: `await ….awaited(…)` where the kernel can wait for a cell, else
`….blocking(…)`. A function's body is left as it is: an `await` there would be a syntax error, so the magic blocks.

Why a swap at all: a magic's function cannot await. Why also where it blocks: only here it can be seen whether the
value of the call is bound to a variable or is the cell's own value, and IPython's way never hands over an empty body.
"""

from __future__ import annotations

import ast
import io
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeGuard

from nbbanana.notebook.cells import can_await

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["MAGIC", "SwapCalls", "keep_body"]

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
        how = ("await ", "awaited") if can_await(self._shell) else ("", "blocking")
        for call, is_bound in reversed(list(_calls(_body(text)))):
            _replace(counted, call, _method_call(how, call, is_bound=is_bound))
        return counted


def _method_call(how: tuple[str, str], call: ast.Call, *, is_bound: bool) -> str:
    arguments = [repr(argument.value) for argument in call.args[1:] if isinstance(argument, ast.Constant)]
    arguments += ["is_bound=True"] if is_bound else []
    return f"{how[0]}{MAGICS}.{how[1]}({', '.join(arguments)})"


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
