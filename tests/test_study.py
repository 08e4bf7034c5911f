"""The study notebook does what it says: it runs, it makes a bundle, and a reader replays it from the bundle alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from support.kernels import errors_of, execute, text_of
from support.research import PROVENANCE, Reading, Writing, read

pytestmark = [pytest.mark.kernel, pytest.mark.nightly, pytest.mark.timeout(300)]

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "study.ipynb"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the author works."""
    return tmp_path_factory.mktemp("author")


@pytest.fixture(scope="module")
def executed(home: Path) -> nbformat.NotebookNode:
    """The notebook after all its cells ran; a failing cell would raise."""
    return execute(nbformat.read(NOTEBOOK, as_version=4), home=home)


@pytest.fixture(scope="module")
def replayed(executed: nbformat.NotebookNode, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Reading:
    """What a reader gets who has the notebook and the bundle, an empty home, and no network."""
    folder = tmp_path_factory.mktemp("reader")
    nbformat.write(executed, folder / "study.ipynb")
    writing = Writing(folder / "study.ipynb", home / "study.zip", len(executed.cells), 0, 0)
    return read(writing, folder / "desk")


def outputs(notebook: nbformat.NotebookNode, name: str) -> list[nbformat.NotebookNode]:
    """The outputs of the cell with this id."""
    [cell] = [cell for cell in notebook.cells if cell.id == name]
    return list(cell.outputs)


def pictures(notebook: nbformat.NotebookNode) -> list[str]:
    """SHA-256 of every picture that is shown, in their order."""
    return [name for cell in notebook.cells for output in cell.get("outputs", ()) for name in shown(output)]


def shown(output: Any) -> Iterator[str]:
    """SHA-256 of the pictures of one output."""
    made = output.get("data", {}).get(PROVENANCE, {})
    for record in made.get("edits", [made]):
        yield from (picture["sha256"] for picture in record.get("outputs", ()))


def test_every_cell_succeeds(executed: nbformat.NotebookNode) -> None:
    """No cell left an error."""
    assert errors_of([output for cell in executed.cells for output in cell.get("outputs", ())]) == []


def test_it_shows_what_it_speaks_of(executed: nbformat.NotebookNode) -> None:
    """The draws in their order, the difference, the lineage, the marks, the cost and the way back from a file."""
    assert "edits 2 to 5" in text_of(outputs(executed, "draws"))
    assert "10 pairs: 0." in text_of(outputs(executed, "distances"))
    assert "rainy" in text_of(outputs(executed, "diff"))
    assert "history[3]" in text_of(outputs(executed, "marks"))
    assert "★ starred · figure 3" in text_of(outputs(executed, "list"))
    assert "in play money" in text_of(outputs(executed, "cost"))
    assert text_of(outputs(executed, "embed")).startswith("content\n%%nbedit edit:3[0] ")
    assert "7 edits" in text_of(outputs(executed, "check"))


def test_a_reader_gets_every_byte_and_asks_nobody(executed: nbformat.NotebookNode, replayed: Reading) -> None:
    """Although the notebook names a store of its own, the bundle answers, and no connection is even tried."""
    assert replayed.code == 0, replayed.said
    assert replayed.attempts == ""
    made = pictures(executed)
    assert len(made) == 7
    assert pictures(replayed.notebook) == made
    assert "study.zip: 7 edits, read only" in text_of(outputs(replayed.notebook, "place"))
    assert text_of(outputs(replayed.notebook, "distances")) == text_of(outputs(executed, "distances"))


def test_what_is_looked_up_is_the_same_too(executed: nbformat.NotebookNode, replayed: Reading) -> None:
    """Numbers, marks and costs are in the bundle."""
    for cell in ("diff", "marks", "list", "cost", "embed", "check"):
        assert text_of(outputs(replayed.notebook, cell)) == text_of(outputs(executed, cell)), cell
