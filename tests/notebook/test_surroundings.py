"""Where a cell runs and what runs in it: origins of requests, `Output` widgets, cells inside of cells."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from pathlib import Path
from typing import Any

import nbformat
import pytest
from support.kernels import errors_of, notebook_of, run_cells, text_of

import nbbanana as nb
from nbbanana.request import Origin, origin

# ── the origin of a request ─────────────────────────────────────────────────────────────────────────────────


def test_everything_that_a_cell_asks_for_is_recorded_under_that_cell(shell: Any) -> None:
    """The magic, a call, a call in a function: all have the id of the cell that runs, not of the last magic's."""
    shell.user_ns["nb"] = nb
    shell.run_cell("%nbedit one << table -p one", cell_id="first")
    shell.run_cell("two = nb.edit('two', table)", cell_id="second")
    shell.run_cell("def ask():\n    return nb.edit('three', table)\nthree = ask()", cell_id="third")
    assert [result.record.cell for result in nb.history] == ["first", "second", "third"]


def test_what_runs_between_cells_belongs_to_no_cell(shell: Any) -> None:
    """A callback of a widget comes after the cell that made the widget."""
    shell.run_cell("%nbedit table -p one -q", cell_id="first")
    assert nb.edit("two", shell.user_ns["table"]).record.cell is None
    shell.run_cell("1 / 1", cell_id="second")
    assert origin.get().cell is None


def test_a_cell_in_a_cell_belongs_to_the_outer_one(shell: Any) -> None:
    """What `%%capture` runs is a cell for IPython and none for the user; the outer one goes on afterwards."""
    shell.user_ns.update(nb=nb, look=lambda: shell.user_ns.setdefault("seen", origin.get().cell))
    shell.run_cell("%%capture\n%nbedit table -p one", cell_id="outer")
    shell.run_cell("get_ipython().run_cell('1')\nget_ipython().run_cell(' ')\nlook()", cell_id="after")
    assert nb.history[1].record.cell == "outer"
    assert shell.user_ns["seen"] == "after"


def test_the_origin_goes_where_the_context_goes(shell: Any) -> None:
    """A thread that is started with a copy of the cell's context sees it, and so does a task."""
    seen: list[Origin] = []

    def look() -> None:
        seen.append(origin.get())

    async def look_later() -> None:
        look()

    def ask() -> None:
        thread = threading.Thread(target=contextvars.copy_context().run, args=(look,))
        thread.start()
        thread.join()
        asyncio.run(look_later())

    shell.user_ns["ask"] = ask
    count = shell.execution_count
    shell.run_cell("ask()", cell_id="c-1", store_history=True)
    assert [(one.cell, one.execution, one.source) for one in seen] == [("c-1", count, "notebook")] * 2
    assert seen[0].kernel


# ── a real kernel ───────────────────────────────────────────────────────────────────────────────────────────

TABLE = "from PIL import Image\ntable = Image.linear_gradient('L').resize((60, 40)).convert('RGB')"
OUTPUTS = "[(one['output_type'], sorted(one.get('data', {}))) for one in out.outputs]"
LATER = "await asyncio.sleep(0.3)\nNone"
"""Ends a cell with an `Output` widget: nbclient tells the kernel what that holds by the socket on which it waits for
the reply, and misses a reply that comes in that moment."""
CELLS = {
    "run a notebook that loads": "%run setup.ipynb",
    "value of the run": "first.prompt",
    "unload": "%unload_ext nbbanana",
    "load where it is captured": "%%capture\n%load_ext nbbanana\n%nbedit captured << table -p captured",
    "value of what was captured": "captured.prompt",
    "callback that runs a cell": "import asyncio\nloop = asyncio.get_running_loop()\n"
    "loop.call_soon(get_ipython().run_cell, '%nbedit called << table -p called')\nawait asyncio.sleep(0.5)\n",
    "value of the callback": "called.prompt",
    "call": "import nbbanana as nb\nfrom nbbanana.request import origin\n(await nb.aedit('x', table)).prompt, "
    "origin.get().execution == len(In) - 1",
    "output": "import ipywidgets\nout = ipywidgets.Output()\nwith out:\n    %nbedit o << table -p 'in an output'\n"
    + LATER,
    "value of the output": OUTPUTS,
    "button": "out = ipywidgets.Output()\nbutton = ipywidgets.Button()\ndef go(_):\n    with out:\n"
    "        get_ipython().run_line_magic('nbedit', 'v << table -p clicked')\nbutton.on_click(go)\nbutton.click()\n"
    + LATER,
    "value of the button": OUTPUTS,
    "failing in an output": "out = ipywidgets.Output()\nwith out:\n    %nbedit f << table --mode replay -p 'nothing'\n"
    + LATER,
    "live in an output": "out = ipywidgets.Output()\nwith out:\n    job = %nbedit table -p 'live' --no-wait\n"
    "await job\nimport threading\n"
    "[one.join() for one in threading.enumerate() if one.name == 'nbbanana-live']\n" + LATER,
    "value of the live one": OUTPUTS,
}
FAILING = {"failing in an output"}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """All cells in one kernel, whose sandbox takes long enough for progress to be shown."""
    home = tmp_path_factory.mktemp("surroundings")
    setup = ["%load_ext nbbanana", TABLE, "%%nbedit first << table\nMake it snow."]
    nbformat.write(notebook_of(setup), Path(home) / "setup.ipynb")
    how: dict[str, Any] = {"allow_errors": True, "env": {"NBBANANA_SANDBOX_SCALE": "0.05"}}
    return dict(zip(CELLS, run_cells(CELLS.values(), home=home, timeout=40, **how), strict=True))


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("value of the run", "'Make it snow.'"),
        ("value of what was captured", "'captured'"),
        ("value of the callback", "'called'"),
        ("call", "('x', True)"),
    ],
)
def test_it_blocks_wherever_no_cell_can_await(ran: dict[str, list[Any]], cell: str, value: str) -> None:
    """In `%run`, in `%%capture` around the load, in a callback of the loop: never "already running"."""
    assert {name for name, outputs in ran.items() if errors_of(outputs) and name not in FAILING} == set()
    assert text_of(ran[cell]).replace("\n", "") == value


@pytest.mark.kernel
@pytest.mark.parametrize("cell", ["value of the output", "value of the button", "value of the live one"])
def test_the_grid_comes_inside_an_output_widget(ran: dict[str, list[Any]], cell: str) -> None:
    """The last thing in it is the grid, and an update that it would drop is never sent."""
    outputs = eval(text_of(ran[cell]))
    assert outputs[-1] == (
        "display_data",
        ["application/vnd.nbbanana.v1+json", "image/jpeg", "text/html", "text/plain"],
    )
    progress = [kinds for _, kinds in outputs[:-1]]
    assert progress in ([], [["application/vnd.jupyter.widget-view+json", "text/plain"]])
