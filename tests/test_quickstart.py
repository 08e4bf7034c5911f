"""The quickstart runs as a reader would run it: every cell, in a fresh kernel, without a key."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from support.kernels import errors_of, execute, html_of, text_of

pytestmark = [pytest.mark.kernel, pytest.mark.nightly]

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "quickstart.ipynb"


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    """The quickstart after all its cells ran; a failing cell would raise."""
    return execute(nbformat.read(NOTEBOOK, as_version=4), home=tmp_path_factory.mktemp("quickstart"))


def outputs(notebook: nbformat.NotebookNode, name: str) -> list[nbformat.NotebookNode]:
    """The outputs of the cell with this id."""
    [cell] = [cell for cell in notebook.cells if cell.id == name]
    return cell.outputs


def test_every_cell_succeeds(executed: nbformat.NotebookNode) -> None:
    """No cell left an error, and none wrote to stderr."""
    every = [output for cell in executed.cells if cell.cell_type == "code" for output in cell.outputs]
    assert errors_of(every) == []
    assert [output.text for output in every if output.output_type == "stream" and output.name == "stderr"] == []


@pytest.mark.parametrize(
    ("cell", "count"),
    [
        ("neon", 4),
        ("second-pass", 1),
        ("aura", 1),
        ("studio", 3),
        ("fewer", 1),
        ("label", 1),
        ("street", 1),
        ("line", 1),
        ("call", 1),
    ],
)
def test_edits_show_their_pictures(executed: nbformat.NotebookNode, cell: str, count: int) -> None:
    """Each edit leaves one output, which holds as many pictures as were asked for and says that a sandbox made them."""
    [output] = outputs(executed, cell)
    assert html_of([output]).count("<img") >= count
    assert "sandbox" in text_of([output])


def test_a_dry_run_sends_nothing(executed: nbformat.NotebookNode) -> None:
    """The dry run shows the request, and the history does not know it."""
    assert "4K" in text_of(outputs(executed, "dry"))
    assert "4K" not in text_of(outputs(executed, "history"))


def test_the_same_question_is_answered_from_the_store(executed: nbformat.NotebookNode) -> None:
    """The call asks what the line asked, and the caption says where the picture came from."""
    assert "From the store" not in text_of(outputs(executed, "line"))
    assert "From the store" in text_of(outputs(executed, "call"))


def test_the_notebook_stays_small(executed: nbformat.NotebookNode) -> None:
    """Thumbnails live in the notebook and originals in the store: all of it stays under two megabytes."""
    assert len(nbformat.writes(executed)) < 2_000_000


def test_nothing_of_the_machine_is_in_the_notebook(executed: nbformat.NotebookNode) -> None:
    """No absolute path of the store and no address of an output is in what was saved."""
    saved = nbformat.writes(executed)
    assert str(NOTEBOOK.parents[1]) not in saved
    assert "/blobs/" not in saved
    assert "http://localhost" not in saved
