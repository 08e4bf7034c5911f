"""`%nbmodels`, `--model auto` and the line about another model, in a notebook."""

from __future__ import annotations

from typing import Any

import pytest

from nbbanana.errors import UnknownModelError, UsageError

EDIT, LETTERS, MASK = "google/nano-banana-2/edit", "openai/gpt-image-2/edit", "qwen/qwen-image-2.1/edit"


def ask(shell: Any, line: str, body: str) -> None:
    """Run a cell on the still life."""
    shell.run_cell("import nbbanana as nb\ntable = nb.samples.still_life()")
    shell.run_cell_magic("nbedit", line, body)


def shown_by(shell: Any, line: str) -> str:
    """What a line shows, in text."""
    shell.display_pub.displays.clear()
    shell.run_cell(line)
    return str(shell.text_shown())


def test_the_line_lists_shows_compares_searches_and_chooses(shell: Any) -> None:
    """All, one by its alias, two beside each other, those for a word, those for a request."""
    assert "12 models" in shown_by(shell, "%nbmodels")
    assert "State the change as a fact" in shown_by(shell, "%nbmodels kontext")
    assert "edits 1 to 10 pictures" in shown_by(shell, "%nbmodels --compare kontext gpt-image")
    assert "2 models for “mask”" in shown_by(shell, "%nbmodels --search mask")
    ranked = shown_by(shell, '%nbmodels --choose "rewrite the headline in Japanese" --images 2')
    assert ranked.splitlines()[1].startswith(f"1. {LETTERS} (--model gpt-image): ")
    assert MASK in shown_by(shell, '%nbmodels --choose "a bird" --images 1 --mask').splitlines()[1]


@pytest.mark.parametrize(
    "line",
    [
        "%nbmodels kontext qwen",
        "%nbmodels --compare kontext",
        "%nbmodels --choose snow on the roof",
        "%nbmodels --images 2",
        '%nbmodels --choose "snow" --images two',
        "%nbmodels --search mask kontext",
    ],
)
def test_a_line_that_cannot_be_meant_is_refused(shell: Any, line: str) -> None:
    """It says what to write."""
    with pytest.raises(UsageError):
        shell.run_cell(line)


def test_a_model_that_is_not_there_is_said(shell: Any) -> None:
    """Also in a comparison."""
    for line in ("%nbmodels someone/else", "%nbmodels --compare kontext someone/else"):
        with pytest.raises(UnknownModelError):
            shell.run_cell(line)


def test_row_11_a_cell_says_in_one_line_that_another_model_is_meant(shell: Any) -> None:
    """Row 11: where the table means another and none was named; not after `suggest` is switched off."""
    ask(shell, "sign << table", "Rewrite the sign in Japanese.")
    assert sum(LETTERS in line for line in shell.text_shown().splitlines()) == 1
    shell.run_cell("from nbbanana.settings import settings\nsettings().suggest = False")
    shell.display_pub.displays.clear()
    ask(shell, "sign << table", "Rewrite the sign in Korean.")
    assert LETTERS not in shell.text_shown()


def test_row_11_a_cell_with_auto_goes_to_the_model_that_suits(shell: Any) -> None:
    """Row 11: it says which and why; a mask may be a variable that holds a region."""
    ask(shell, "sign << table --model auto", "Rewrite the sign in Japanese.")
    assert shell.user_ns["sign"].model == LETTERS
    assert f"auto: {LETTERS}, since " in shell.text_shown()
    shell.run_cell("part = nb.region(table, boxes=[(0, 0, 0.5, 0.5)])")
    ask(shell, "bird << table --model auto --mask part --seed 7", "A bird.")
    bird = shell.user_ns["bird"]
    assert (bird.model, bird.seed, len(bird.record.masks)) == (MASK, 7, 1)
    shell.run_cell(bird.cell("again"))
    assert shell.user_ns["again"].id == bird.id


def test_the_options_of_auto_are_completed_and_dried(shell: Any) -> None:
    """`--dry-run` shows the model that is chosen and why."""
    ask(shell, "table --model auto --dry-run", "She should hold a cup.")
    assert "auto: blackforestlabs/flux-1-kontext/pro/edit, since one picture" in shell.text_shown()
