"""A cell names what its model does by itself that spoils an edit, once, when it is sent; and sends what was written."""

from __future__ import annotations

import pytest

from nbbanana.session import current

from .conftest import StrictShell

CELL = "%%nbedit dusk << table --model {} {}\nKeep the table unchanged. Make it dusk."


def said(shell: StrictShell) -> list[str]:
    """The lines about defaults that were shown since the last time."""
    lines = [data["text/plain"] for data in shell.shown if "unless told otherwise" in data["text/plain"]]
    lines += [data["text/plain"] for data in shell.shown if "may make a square picture" in data["text/plain"]]
    shell.display_pub.displays.clear()
    return lines


def test_what_is_left_as_it_is_is_named_when_it_is_sent(notebook: StrictShell) -> None:
    """One line, with what to write; the record holds what the user set, and nothing else."""
    notebook.run_cell(CELL.format("seedream", "")).raise_error()
    (line,) = said(notebook)
    assert line.strip() == (
        "bytedance/seedream-5.0-pro/image-to-image makes a square picture unless told otherwise: "
        "--aspect-ratio auto follows the input."
    )
    assert current().history[-1].record.options == {}
    notebook.run_cell(CELL.format("seedream", "--aspect-ratio auto")).raise_error()
    assert said(notebook) == []
    assert current().history[-1].record.options == {"aspect_ratio": "auto"}


@pytest.mark.parametrize("option", ["-q", "--mode replay"])
def test_it_is_not_said_where_nothing_is_sent_or_shown(notebook: StrictShell, option: str) -> None:
    """A quiet cell, and one that the store answers."""
    notebook.run_cell(CELL.format("qwen", "--seed 7")).raise_error()
    assert len(said(notebook)) == 1
    notebook.run_cell(CELL.format("qwen", f"--seed 7 {option}")).raise_error()
    assert said(notebook) == []


def test_what_the_store_answers_is_as_it_was_asked_then(notebook: StrictShell) -> None:
    """Restart and Run All says it no second time."""
    for expected in (1, 0):
        notebook.run_cell(CELL.format("qwen", "--seed 7")).raise_error()
        assert len(said(notebook)) == expected


def test_where_no_word_follows_the_input_the_nearest_is_named(notebook: StrictShell) -> None:
    """The picture is 60 by 40; the pair is a word of this model, so it is written as it is."""
    notebook.run_cell(CELL.format("gpt-image", "")).raise_error()
    assert said(notebook)[0].strip().endswith("Nearest to the input is --aspect-ratio 3:2.")
    notebook.run_cell(CELL.format("gpt-image", "--aspect-ratio 3:2 --resolution 2K")).raise_error()
    assert said(notebook) == []
    assert current().history[-1].record.options == {"aspect_ratio": "3:2", "resolution": "2k"}
