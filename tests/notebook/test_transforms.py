"""What is done to a cell before it runs: which calls are swapped, for which twin, and that nothing else is touched."""

from __future__ import annotations

import ast
import asyncio
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from nbbanana.errors import PromptError
from nbbanana.grammar import Cell, FileOperand, parse, to_cell, written_words
from nbbanana.notebook.cell_hooks import MAGICS, can_await, keep_body

EDIT = "google/nano-banana-2/edit"
BEFORE_3_12 = sys.version_info < (3, 12)
AWAITED, BLOCKING = f"await {MAGICS}.awaited(", f"{MAGICS}.blocking("


def transformed(shell: Any, cell: str, *, in_kernel: bool = True) -> str:
    """A cell as it runs; in a kernel it is transformed inside the kernel's loop."""
    if not in_kernel:
        return str(shell.transform_cell(cell))
    shell.kernel = object()

    async def transform() -> str:
        return str(shell.transform_cell(cell))

    return asyncio.run(transform())


# ── which twin ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("cell", "swapped"),
    [
        ("%%nbedit a.jpg\nbody", f"{AWAITED}'a.jpg', 'body\\n')\n"),
        ("%nbedit a.jpg -p 'x';", f"{AWAITED}\"a.jpg -p 'x';\")\n"),
        ("x = %nbedit a.jpg -p x", f"x = {AWAITED}'a.jpg -p x', is_bound=True)\n"),
        ("é = 1\nx = %nbedit é -p é\ny = 2", f"é = 1\nx = {AWAITED}'é -p é', is_bound=True)\ny = 2\n"),
        ("for i in a:\n    %nbedit a -p x\n    b", f"for i in a:\n    {AWAITED}'a -p x')\n    b\n"),
        (
            "try:\n    %nbedit a -p x\nexcept E:\n    %nbedit b -p x\nfinally:\n    %nbedit c -p x",
            f"try:\n    {AWAITED}'a -p x')\nexcept E:\n    {AWAITED}'b -p x')\nfinally:\n    {AWAITED}'c -p x')\n",
        ),
        ("with a:\n  if b:\n    pass\n  else:\n    %nbedit c -p x",
         f"with a:\n  if b:\n    pass\n  else:\n    {AWAITED}'c -p x')\n"),
        ("match a:\n  case 1:\n    %nbedit c -p x", f"match a:\n  case 1:\n    {AWAITED}'c -p x')\n"),
        # From Python 3.12 on, IPython itself leaves every magic of such a cell as it stands.
        *([("s = 'a\x0cb\u2028c'\n%nbedit a -p x", f"s = 'a\x0cb\u2028c'\n{AWAITED}'a -p x')\n")] * BEFORE_3_12),
    ],
)  # fmt: skip
def test_calls_at_module_level_await_in_a_kernel(shell: Any, cell: str, swapped: str) -> None:
    """In any block of a cell that is not a function's, and with the line it stands on left where it is."""
    assert transformed(shell, cell) == swapped


@pytest.mark.parametrize("cell", ["%%nbedit a.jpg\nbody", "%nbedit a -p x", "x = %nbedit a -p x"])
def test_calls_block_without_a_kernel(shell: Any, cell: str) -> None:
    """In a terminal Ctrl-C never reaches a coroutine."""
    text = transformed(shell, cell, in_kernel=False)
    assert BLOCKING in text
    assert "await" not in text


@pytest.mark.parametrize(
    "cell",
    [
        "def f():\n    x = %nbedit a -p x\n    return x",
        "async def f():\n    %nbedit a -p x",
        "class A:\n    %nbedit a -p x",
        "def f():\n    for i in a:\n        %nbedit a -p x",
        "print(get_ipython().run_line_magic('nbedit', 'a'))",
        "get_ipython().run_line_magic('nbedit', line)",
        "other().run_line_magic('nbedit', 'a')",
    ],
)
def test_other_calls_are_left_alone(shell: Any, cell: str) -> None:
    """Functions, classes, and calls that somebody wrote otherwise."""
    text = transformed(shell, cell)
    assert MAGICS not in text
    assert "run_line_magic('nbedit'" in text


@pytest.mark.parametrize(
    "cell",
    [
        "x = 1\n\n\ny = 2",
        "text = \"_magic('nbedit'\"",
        "# get_ipython().run_line_magic('nbedit', 'a')",
        "%nbedit a -p x\nthis does not parse",
        "%time pass",
        "",
        "\n\n",
        "'nbedit'",
    ],
)
def test_cells_that_do_not_concern_it_are_untouched(bare: Any, cell: str) -> None:
    """Whatever does not hold such a call, or does not parse, is IPython's alone."""
    without = transformed(bare, cell)
    bare.run_cell("%load_ext nbbanana")
    assert transformed(bare, cell) == without
    bare.run_cell("%unload_ext nbbanana")


def test_a_warning_of_the_cell_is_heard_once(shell: Any, recwarn: pytest.WarningsRecorder) -> None:
    """Looking at a cell does not repeat what compiling it will say."""
    transformed(shell, "pattern = '\\d'\n%nbedit a -p x")
    assert list(recwarn) == []


def test_no_await_while_a_cell_runs(shell: Any) -> None:
    """What `%%capture` and `%%time` run has no loop of its own."""
    shell.user_ns["look"] = lambda: shell.user_ns.update(seen=shell.transform_cell("%nbedit a -p x"))
    shell.kernel = object()

    async def run() -> None:
        shell.run_cell("look()")

    asyncio.run(run())
    assert BLOCKING in shell.user_ns["seen"]
    assert AWAITED in transformed(shell, "%nbedit a -p x")


def test_no_await_where_the_shell_does_not_await(shell: Any) -> None:
    """`%autoawait off`, and any runner but asyncio's."""
    shell.autoawait = False
    assert BLOCKING in transformed(shell, "%nbedit a -p x")
    shell.loop_runner, shell.autoawait = shell.loop_runner_map["sync"]
    shell.autoawait = True
    assert BLOCKING in transformed(shell, "%nbedit a -p x")


def test_an_empty_cell_inside_a_cell_does_not_end_it(shell: Any) -> None:
    """IPython tells of its end and never told of its beginning."""
    shell.user_ns["look"] = lambda: shell.user_ns.update(seen=shell.transform_cell("%nbedit a -p x"))
    shell.kernel = object()

    async def run() -> None:
        shell.run_cell("get_ipython().run_cell(' ')\nlook()")

    asyncio.run(run())
    assert BLOCKING in shell.user_ns["seen"]


# ── the body ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("cell", "call"),
    [
        ("%%nbedit a\n>>> b\n... c\n", ("a", ">>> b\n... c\n")),
        ("\n \n%%nbedit  a \nb\n", (" a", "b\n")),
        ("%%nbedit\n", ("", "")),
        ("%%nbedit a\n%%nbedit b\n", ("a", "%%nbedit b\n")),
    ],
)
def test_a_body_stays_whole(cell: str, call: tuple[str, str]) -> None:
    """Prompts of Python in it, blank lines before it, another magic in it."""
    [line] = keep_body(cell.splitlines(keepends=True))
    assert ast.literal_eval(line.strip().removeprefix("get_ipython().run_cell_magic")) == ("nbedit", *call)


@pytest.mark.parametrize("cell", ["%%nbedit?\n", "%%nbedits a\nb\n", "%%time\n%%nbedit\n", "x = 1\n", "\n", ""])
def test_other_cells_stay_as_they_are(cell: str) -> None:
    """Help, other magics, code."""
    lines = cell.splitlines(keepends=True)
    assert keep_body(lines) == lines


def arguments(text: str) -> tuple[str, str]:
    """The line and the body that a transformed cell hands to the magic."""
    [statement] = ast.parse(text).body
    assert isinstance(statement, ast.Expr)
    call = statement.value.value if isinstance(statement.value, ast.Await) else statement.value
    line, body = (ast.literal_eval(argument) for argument in call.args)  # type: ignore[attr-defined]
    return line, body


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), min_size=1)
LINES = st.lists(st.sampled_from([">>> ", "... ", "In [1]: ", "%%time", "  ", "x = %nbedit", "!ls", "a?", "'"])).map(
    "\n".join
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(TEXT, LINES), TEXT.filter(lambda text: len(f"{text}.".splitlines()) == 1))
def test_a_written_cell_comes_whole_through_ipython(shell: Any, prompt: str, path: str) -> None:
    """Writing a cell, IPython's way with it, and reading it: the request is the one that was written."""
    try:
        written_words(prompt)
    except PromptError:
        assume(False)
    asked = Cell(prompt, (FileOperand(path),), EDIT)
    line, body = arguments(transformed(shell, to_cell(asked, asked.operands)))
    assert parse(line, body, default_model=EDIT) == asked


def test_a_shell_that_knows_nothing_of_kernels_can_be_asked(bare: Any) -> None:
    """Without a kernel no cell awaits."""
    assert can_await(bare) is False
