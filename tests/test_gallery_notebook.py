"""The notebook on galleries runs as a reader would run it: every cell, in a fresh kernel, without a key."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from support.kernels import errors_of, execute, html_of, text_of
from support.markup import read

pytestmark = [pytest.mark.kernel, pytest.mark.nightly]

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "gallery.ipynb"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it runs."""
    return tmp_path_factory.mktemp("gallery")


@pytest.fixture(scope="module")
def executed(home: Path) -> nbformat.NotebookNode:
    """The notebook after all its cells ran; a failing cell would raise."""
    return execute(nbformat.read(NOTEBOOK, as_version=4), home=home)


def outputs(notebook: nbformat.NotebookNode, name: str) -> list[nbformat.NotebookNode]:
    """The outputs of the cell with this id."""
    [cell] = [cell for cell in notebook.cells if cell.id == name]
    return list(cell.outputs)


def test_every_cell_succeeds(executed: nbformat.NotebookNode) -> None:
    """No cell left an error."""
    assert errors_of([output for cell in executed.cells for output in cell.get("outputs", ())]) == []


def test_it_shows_what_it_speaks_of(executed: nbformat.NotebookNode, home: Path) -> None:
    """The plan with what was left out, a picture for each product, nothing paid twice, the report and the sheet."""
    plan = text_of(outputs(executed, "plan"))
    assert "images (4) = 4 cells." in plan
    assert "1 file left out: prices.txt (it is no picture)." in plan
    assert "Columns that nothing uses: price." in plan
    assert len(read(outputs(executed, "run")[-1].data["text/html"]).all("img")) == 4
    assert "bottle-16.jpg" in html_of(outputs(executed, "run"))
    assert "All 4 cells are here." in text_of(outputs(executed, "again"))
    assert "All 12 cells are here." in text_of(outputs(executed, "seeds"))
    assert (home / "report.html").read_text("utf-8").count("<article>") == 4
    assert (home / "sheet.pdf").read_bytes().startswith(b"%PDF")
