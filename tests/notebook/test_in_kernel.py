"""The magics in a real kernel, through nbclient: what a notebook holds, and that the kernel lives while cells wait."""

from __future__ import annotations

import re
from typing import Any

import pytest
from support.kernels import errors_of, html_of, run_cells, text_of

pytestmark = pytest.mark.kernel

WORDS = "Keep the subject's edge; 100% {as} it is, don't \"touch it.\n\n雨夜霓虹"
CELLS = {
    "load": "%load_ext nbbanana\nimport asyncio\nfrom PIL import Image\n"
    "table = Image.linear_gradient('L').resize((60, 40)).convert('RGB')\n"
    f"words = {WORDS!r}",
    "ticking": "ticks = 0\nasync def tick():\n    global ticks\n    while True:\n        ticks += 1\n"
    "        await asyncio.sleep(0.001)\nticking = asyncio.ensure_future(tick())",
    "named": f"%%nbedit night << table -n 2 --seed 7\n{WORDS}",
    "named value": "night.prompt == words, _, Out",
    "unnamed": "%%nbedit night[0]\nMake it rain.",
    "unnamed value": "(_ is Out[5]) and _.prompt",
    "line": '%nbedit night[1] -p "Make it snow."',
    "silent": "%%nbedit night[1] --quiet\nMake it dawn.",
    "semicolon": "%nbedit night[1] -p noon;",
    "silent value": "_.prompt",
    "assigned": "x = %nbedit night[1] -p evening;",
    "assigned value": "x.prompt",
    "assigned and shown": "y = %nbedit night[1] -p morning;\ny",
    "await": "before = ticks\n%nbedit z << night[0] -p 'await';\nticks - before > 10",
    "loop": "before = ticks\nfor hour in (1, 2):\n    %nbedit z << night[0] -p 'At {{hour}}.';\nticks - before > 10",
    "time": "%%time\nbefore = ticks\n%nbedit timed << night[0] -p 'blocks'\nduring = ticks - before",
    "time value": "timed.prompt, during",
    "capture": "%%capture caught\n%%nbedit captured << night[0]\nNested.",
    "capture value": "captured.prompt, [list(output.data) for output in caught.outputs]",
    "function": "def ask(hour):\n    found = %nbedit night[0] -p 'At {{hour}} sharp.'\n    return found\nlate = ask(3)",
    "function value": "late.prompt",
    "other lines": "first = 1\n%nbedit z << night[0] -p 'other';\n1 / 0\n",
    "after an error": "z.prompt",
    "no autoawait": "%autoawait off",
    "no autoawait cell": "before = ticks\n%nbedit z << night[0] -p 'off';\nticks - before",
    "autoawait again": "%autoawait asyncio",
    "awaited picture": "async def later():\n    await asyncio.sleep(0.05)\n    return table\npicture = later()",
    "awaited picture cell": "%nbedit z << picture -p 'later';\nlen(z.inputs)",
    "a task blocks": "task = asyncio.ensure_future(later())",
    "a task blocks cell": "%%capture\n%nbedit z << task -p 'task'",
    "a task blocks value": "z.prompt",
    "a lost picture": "lost = asyncio.get_running_loop().create_future()\nlost.cancel()\n%nbedit z << lost -p lost",
    "job": "job = %nbedit night[0] -p 'live' --no-wait",
    # The display is brought up to date by a thread; what it sends between two cells is lost to nbclient.
    "job value": "import threading\nfound = await job\n"
    "[one.join() for one in threading.enumerate() if one.name == 'nbbanana-live']\nfound.prompt, job.done()",
    "dry": "%%nbedit dry << night[0] -n 4 --dry-run\nNothing.",
    "dry value": "'dry' in globals()",
    "empty": "%%nbedit night[0]",
    "wrong option": "%nbedit night[0] -p x --sead 3",
    "wrong operand": "%%nbedit nihgt[0]\nx",
    "several": "%%nbedit night\nx",
    "history": "%nbhistory -n 3",
    "models": "%nbmodels",
    "reloaded": "%reload_ext nbbanana\nimport IPython\nip = get_ipython()\n"
    "sum(type(one).__name__ == 'NBBananaMagics' for one in ip.configurables), len(ip.input_transformers_post)",
    "after reload": "before = ticks\n%nbedit z << night[0] -p 'again';\nticks - before > 10",
    "unloaded": "%unload_ext nbbanana\nip.find_cell_magic('nbedit'), len(ip.input_transformers_post)",
}
FAILING = {"other lines", "empty", "wrong option", "wrong operand", "several", "a lost picture"}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """All cells in one kernel; the outputs by the names of the cells."""
    home = tmp_path_factory.mktemp("kernel")
    return dict(zip(CELLS, run_cells(CELLS.values(), home=home, allow_errors=True), strict=True))


def test_only_what_should_fail_failed(ran: dict[str, list[Any]]) -> None:
    """And nothing wrote to stderr."""
    assert {name for name, outputs in ran.items() if errors_of(outputs)} == FAILING
    every = [output for outputs in ran.values() for output in outputs]
    assert [output.text for output in every if output.output_type == "stream" and output.name == "stderr"] == []


@pytest.mark.parametrize(("cell", "pictures"), [("named", 2), ("unnamed", 1), ("line", 1), ("job", 1)])
def test_a_saved_edit_has_one_output(ran: dict[str, list[Any]], cell: str, pictures: int) -> None:
    """It holds the grid, no progress, and what it was made with."""
    [output] = ran[cell]
    assert output.output_type == "display_data"
    assert html_of([output]).count("<img") >= pictures
    assert {"text/plain", "text/html", "image/jpeg", "application/vnd.nbbanana.v1+json"} == set(output.data)


@pytest.mark.parametrize("cell", ["silent", "semicolon", "assigned"])
def test_a_silenced_edit_leaves_nothing(ran: dict[str, list[Any]], cell: str) -> None:
    """Not even an empty output."""
    assert ran[cell] == []


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("named value", "(True, '', {})"),
        ("unnamed value", "'Make it rain.'"),
        ("silent value", "'noon'"),
        ("assigned value", "'evening'"),
        ("await", "True"),
        ("loop", "True"),
        ("time value", "('blocks', 0)"),
        ("function value", "'At 3 sharp.'"),
        ("after an error", "'other'"),
        ("no autoawait cell", "0"),
        ("awaited picture cell", "1"),
        ("a task blocks value", "'task'"),
        ("job value", "('live', True)"),
        ("dry value", "False"),
        ("reloaded", "(1, 1)"),
        ("after reload", "True"),
        ("unloaded", "(None, 0)"),
    ],
)
def test_values(ran: dict[str, list[Any]], cell: str, value: str) -> None:
    """What cells came to: bound, awaited (the kernel's loop went on), or blocked (it stood still)."""
    assert text_of(ran[cell]).replace("\n", "") == value


def test_a_silenced_result_is_shown_when_it_is_asked_for(ran: dict[str, list[Any]]) -> None:
    """The last line of its own cell shows it, as IPython shows any value."""
    [output] = ran["assigned and shown"]
    assert output.output_type == "execute_result"
    assert "morning" in text_of([output])


def test_nested_cells_show_the_grid_alone(ran: dict[str, list[Any]]) -> None:
    """Under %%capture one bundle is caught, under %%time there is one display and the times."""
    assert text_of(ran["capture value"]).count("image/jpeg") == 1
    assert [output.output_type for output in ran["time"]] == ["display_data", "stream"]
    assert ran["capture"] == []


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("empty", "PromptError"),
        ("wrong option", "UsageError"),
        ("wrong operand", "VariableError"),
        ("several", "VariableError"),
        ("a lost picture", "ImageError"),
    ],
)
def test_an_error_is_one_output_of_three_lines(ran: dict[str, list[Any]], cell: str, name: str) -> None:
    """A real error output, and no traceback."""
    [error] = ran[cell]
    assert (error.output_type, error.ename) == ("error", name)
    assert len(error.traceback) == 3
    assert error.traceback[0].startswith(f"{name}: ")


def test_an_error_of_another_line_is_pythons_own(ran: dict[str, list[Any]]) -> None:
    """It points to that line."""
    [error] = errors_of(ran["other lines"])
    assert error.ename == "ZeroDivisionError"
    assert re.search(r"-> 3 .*1 / 0", re.sub(r"\x1b\[[0-9;]*m", "", text_of([error])))


def test_lists_are_static_tables(ran: dict[str, list[Any]]) -> None:
    """The history and the models, in text and HTML."""
    for cell, word in (("history", "live"), ("models", "text-to-image")):
        [output] = ran[cell]
        assert word in output.data["text/plain"]
        assert word in output.data["text/html"]
