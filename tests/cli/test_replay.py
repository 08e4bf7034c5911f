"""`nbbanana replay`: a notebook, which may be a stranger's, run again without any road to the network or to a token."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from support.kernels import notebook_of, text_of
from support.shells import ASK, RUN

pytestmark = pytest.mark.kernel

CELLS = [
    "%load_ext nbbanana\nimport nbbanana as nb",
    f"%nbedit table.png --seed 7 --resolution 0.5K -p '{ASK['prompt']}'",
    "%nbedit table.png --seed 8 -p 'Another.' --dry-run",
    (
        "session = nb.Session()\ntry:\n    session.quote(session.request('Another.', ['table.png']))\n"
        "except nb.errors.NBBananaError:\n    pass"
    ),
    "nb.studio()\nimport time; time.sleep(1)",
    "%nbstudio 1",
    "%nbresume",
    "%nbhistory --cost",
    (
        "from nbbanana.providers.credentials import find_credential\n"
        "from nbbanana.providers.runcomfy import SPEC, RunComfyEndpoints\n"
        "print('credential:', find_credential(SPEC, RunComfyEndpoints.from_environment()))"
    ),
    "import os\nprint(sorted(name for name in os.environ if 'TOKEN' in name and os.environ[name]))",
]


def test_replay_touches_the_network_by_no_road(shell, served):
    """A dry run, a quote, the Studio, collecting: nothing is asked, and no token is in reach."""
    box = served()
    shell(*RUN)
    token = shell.env.pop("RUNCOMFY_TOKEN")
    conf = Path(shell.env["XDG_CONFIG_HOME"]) / "runcomfy"
    conf.mkdir(parents=True)
    bases = ("RUNCOMFY_MODEL_API_BASE", "RUNCOMFY_SERVERLESS_API_BASE", "RUNCOMFY_WEB_BASE")
    endpoints = dict(zip(("model_api", "account", "web"), (shell.env[name] for name in bases), strict=True))
    file = conf / "token.json"
    file.write_text(json.dumps({"access_token": token, "endpoints": endpoints}))
    file.chmod(0o600)
    assert shell("balance").code == 0, "the token file is one that works"
    before = len(box.requests)
    nbformat.write(notebook_of(CELLS), shell.folder / "study.ipynb")
    ran = shell.process("replay", "study.ipynb", "--store", "store")
    cells = nbformat.read(shell.folder / "study.replayed.ipynb", 4).cells
    shown = [text_of(cell.outputs) for cell in cells]
    assert ran.code == 0, [ran.err, *shown]
    assert [seen.target for seen in box.requests[before:]] == []
    assert "price is not asked in replay" in shown[2]
    assert "sandbox" not in shown[2]
    assert "credential: None" in shown[-2]
    assert "RUNCOMFY_TOKEN" not in shown[-1]
    assert token not in "".join(shown)


def test_an_error_names_the_cell_and_the_written_file(shell):
    """By the cell's place among all cells and its `In [n]`; what later cells showed before does not mislead."""
    notebook = notebook_of(["x = 1", "%load_ext nbbanana", "%nbedit nowhere.png -p night", "1 / 0"])
    notebook.cells.insert(0, nbformat.v4.new_markdown_cell("# A study"))
    stale = nbformat.v4.new_output("error", ename="ZeroDivisionError", evalue="stale", traceback=[])
    notebook.cells[-1].outputs = [stale]
    nbformat.write(notebook, shell.folder / "study.ipynb")
    (shell.folder / "store").mkdir()
    ran = shell("replay", "study.ipynb", "--store", "store")
    assert ran.code != 0
    assert "Cell 4 of 5 (In [3]) failed: ImageNotFoundError: 'nowhere.png' is not there." in ran.err
    assert "Look at it in study.replayed.ipynb; the cells after it were not run." in ran.err


SWEPT = {
    "a call": "nb.sweep('Paint it {{{{colour}}}}.', 'table.png', colour={colours}).run()",
    "a gallery": "nb.gallery(['table.png'], 'Paint it {{{{colour}}}}.', colour={colours}, lock=False).run()",
    "a cell": "%%nbedit table.png --sweep colour={words}\nPaint it {{{{colour}}}}.",
}


@pytest.mark.nightly
@pytest.mark.parametrize("how", list(SWEPT))
def test_a_sweep_that_the_store_does_not_answer_breaks_the_replay(shell, served, how):
    """The grid is shown, the error names the cells; a sweep that is answered, and a plan alone, break nothing."""

    def cell(*colours):
        return SWEPT[how].format(colours=list(colours), words=",".join(colours))

    def replayed(*more):
        book = notebook_of(["%load_ext nbbanana\nimport nbbanana as nb", *more])
        nbformat.write(book, shell.folder / "study.ipynb")
        return shell.process("replay", "study.ipynb", "--store", "store")

    served()
    shell("edit", "table.png", "-p", "Paint it {{colour}}.", "--sweep", "colour=red,blue")
    plan = "nb.sweep('Paint it {{colour}}.', 'table.png', colour=['red', 'pink'])"
    ran = replayed(plan, cell("red", "blue"))
    assert ran.code == 0, ran.err
    ran = replayed(cell("red", "pink"), "print('not reached')")
    assert ran.code == 1
    assert "NotInStoreError: 1 of 2 cells is not in the store:" in ran.err
    assert "colour pink" in ran.err
    shown = [text_of(cell.outputs) for cell in nbformat.read(shell.folder / "study.replayed.ipynb", 4).cells]
    assert any("1 of 2 cells are here" in text for text in shown), shown
    assert "not reached" not in "".join(shown)
