"""The notebook about the forms runs without hands: each form leaves a still, and what it asks is a record."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from support.kernels import errors_of, execute, html_of, text_of

pytestmark = [pytest.mark.kernel, pytest.mark.nightly, pytest.mark.timeout(300)]

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "explore.ipynb"
FORMS = ("studio-form", "compared", "place", "browser")


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    """The notebook after all its cells ran; a failing cell would raise."""
    return execute(nbformat.read(NOTEBOOK, as_version=4), home=tmp_path_factory.mktemp("explore"))


def outputs(notebook: nbformat.NotebookNode, name: str) -> list[nbformat.NotebookNode]:
    """The outputs of the cell with this id."""
    [cell] = [cell for cell in notebook.cells if cell.id == name]
    return list(cell.outputs)


def test_every_cell_succeeds(executed: nbformat.NotebookNode) -> None:
    """No cell left an error, and none wrote to stderr."""
    every = [output for cell in executed.cells for output in cell.get("outputs", ())]
    assert errors_of(every) == []
    assert [output.text for output in every if output.get("name") == "stderr"] == []


@pytest.mark.parametrize("cell", FORMS)
def test_a_form_leaves_a_still_that_reads_without_a_kernel(executed: nbformat.NotebookNode, cell: str) -> None:
    """One output is ordinary HTML, the other the widget, whose text says what to do."""
    still, widget = outputs(executed, cell)
    assert "application/vnd.jupyter.widget-view+json" not in still.data
    assert html_of([still])
    assert "application/vnd.jupyter.widget-view+json" in widget.data
    assert "run this cell" in widget.data["text/plain"]


def test_the_studio_s_still_has_what_was_made_later(executed: nbformat.NotebookNode) -> None:
    """Two runs came after the cell that shows it, and both are in what is saved there."""
    assert html_of(outputs(executed, "studio-form")[:1]).count("<img") >= 2


def test_a_still_is_drawn_before_the_cell_that_ran_the_form_has_ended(tmp_path: Path) -> None:
    """The forms' thread is busy as the result comes; nbclient drops what comes after the cell."""
    cells = (
        "import nbbanana as nb\nform = nb.studio(nb.samples.still_life(), prompt='Make it snow.')\nform",
        "import time\njob = form.run()\nnb.widgets.base.ui_thread.post(time.sleep, 0.5)\njob.result();",
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    shown = execute(notebook, home=tmp_path).cells[0].outputs
    assert html_of(shown[:1]).count("<img") >= 2


def test_what_the_form_asked_is_a_cell(executed: nbformat.NotebookNode) -> None:
    """With the words and the seed, and the picture by a name that stands for it."""
    text = text_of(outputs(executed, "copied"))
    assert text.startswith("%%nbedit ")
    assert "--seed 7" in text
    assert "one lamp." in text


def test_a_region_gives_words_and_stays_with_the_edit(executed: nbformat.NotebookNode) -> None:
    """The words stand in the prompt, and the result says which region it was about."""
    words = text_of(outputs(executed, "words")).strip()
    assert "left" in words
    assert words in text_of(outputs(executed, "fewer"))


def test_the_notebook_stays_small(executed: nbformat.NotebookNode) -> None:
    """Forms leave small pictures."""
    assert len(nbformat.writes(executed)) < 2_500_000
