"""The help: generated from the table and the schema, and its examples run as printed."""

from __future__ import annotations

import re
from typing import Any

import pytest

from nbbanana import models
from nbbanana.grammar import OWN
from nbbanana.notebook.magics import edit_help
from nbbanana.settings import settings


def examples() -> list[str]:
    """The cells of the help: indented by four, divided by sentences."""
    _, _, after = edit_help().partition("Examples, each a cell:\n")
    block, _, _ = after.partition("nbbanana's own options")
    return [re.sub("(?m)^    ", "", cell).strip() for cell in re.split(r"(?m)^\S.*\n", block)]


def test_the_examples_run_as_printed(shell: Any) -> None:
    """Each one, in the order of the page."""
    cells = examples()
    assert len(cells) >= 4
    for cell in cells:
        shell.run_cell(cell)
    assert len(shell.user_ns["night"]) == 2
    assert shell.user_ns["_"].inputs[0].name == "night[0]"
    assert "Not sent" in shell.text_shown()


@pytest.mark.parametrize("model", models.ids())
def test_every_option_is_there(model: str) -> None:
    """nbbanana's own and those of the model that is set, with what they take."""
    settings().model = model
    text = edit_help()
    for option in OWN:
        assert option.name in text
    for field in models.get(model).options:
        assert field.option in text
        assert all(str(value) in text for value in field.enum)


def test_help_is_there_for_a_model_that_is_not_shipped() -> None:
    """Then it shows the options of the default model."""
    settings().model = "someone/model"
    assert "google/nano-banana-2/edit" in edit_help()


def test_ipython_shows_it(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """`%%nbedit?` and `%nbedit?`, and one page for each of the other magics."""
    for asked, word in (
        ("%%nbedit?", "--aspect-ratio"),
        ("%nbedit?", "--aspect-ratio"),
        ("%nbhistory?", "neon street"),
        ("%nbmodels?", "google/nano-banana-2/edit"),
    ):
        shell.run_cell(asked)
        assert word in capsys.readouterr().out
