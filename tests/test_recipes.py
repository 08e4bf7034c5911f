"""The recipes run as a reader would run them: every cell, in a fresh kernel, without a key."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from support.kernels import errors_of, execute, html_of, text_of

import nbbanana as nb

pytestmark = [pytest.mark.kernel, pytest.mark.nightly]

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "recipes.ipynb"


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    """The notebook after all its cells ran; a failing cell would raise."""
    return execute(nbformat.read(NOTEBOOK, as_version=4), home=tmp_path_factory.mktemp("recipes"))


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
    ("cell", "words"),
    [
        ("sample-background", "Keep the subject identity unchanged. Convert the background into a rainy"),
        ("sample-text", "Keep the bottle, label, and lighting exactly as in the input."),
        ("sample-batch", "For each input image: keep the subject's pose and identity unchanged."),
    ],
)
def test_row_18_the_three_verified_sample_prompts_are_a_gallery_that_runs(
    executed: nbformat.NotebookNode, cell: str, words: str
) -> None:
    """Row 18: each is sent word for word, and gives pictures."""
    shown = outputs(executed, cell)
    assert "<img" in html_of(shown)
    assert words[:40] in text_of(shown)
    assert str(nb.use_cases()[cell].prompt).startswith(words)


def test_row_16_galleries_variants_and_relocalisation_run(executed: nbformat.NotebookNode) -> None:
    """Row 16: a gallery of one template, two wordings with one seed, the label in other scripts."""
    assert html_of(outputs(executed, "gallery")).count("<img") >= 3
    assert "change:" in text_of(outputs(executed, "variants"))
    assert "in Japanese" in text_of(outputs(executed, "local"))
    assert "in Cyrillic" in text_of(outputs(executed, "local"))


def test_row_13_and_15_one_change_in_its_place_and_a_second_in_a_pass_of_its_own(
    executed: nbformat.NotebookNode,
) -> None:
    """Rows 13 and 15: parts in a cell are shown before they are sent, kept with the record, and go in passes."""
    assert "composed of" in text_of(outputs(executed, "dry"))
    assert "'only': ['leftmost object']" in text_of(outputs(executed, "parts"))
    assert "<img" in html_of(outputs(executed, "passes"))
    assert "the second image" in text_of(outputs(executed, "references"))
