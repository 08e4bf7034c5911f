"""A caption can be typed into a cell as it stands: Python takes it, and so does the line of the magic."""

from __future__ import annotations

import re
from typing import Any

import pytest

import nbbanana as nb

CAPTION = re.compile(r"<code>([^<]+)</code>")


def captions(bundle: tuple[dict[str, Any], Any] | dict[str, Any]) -> list[str]:
    data = bundle if isinstance(bundle, dict) else bundle[0]
    return [found for found in CAPTION.findall(data["text/html"]) if found.endswith("]")]


def value(shell: Any, code: str) -> Any:
    ran = shell.run_cell(code)
    ran.raise_error()
    return ran.result


@pytest.fixture
def made(shell: Any) -> Any:
    """A shell with a result of two pictures that is bound, and an edit of one of them that is not."""
    shell.user_ns["nb"] = nb
    value(shell, "%%nbedit neon << table -n 2 --seed 7 --resolution 0.5K\nMake it neon.")
    value(shell, "nb.edit('Make it dusk.', neon[1], seed=1, resolution='0.5K');")
    return shell


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("neon", ["neon[0]", "neon[1]"]),
        ("nb.history[1]", ["neon[0]", "neon[1]"]),
        ("nb.history[2]", ["nb.history[2][0]"]),
        ("dusk = nb.history[2]; dusk", ["dusk[0]"]),
        ("del neon; nb.history[1]", ["nb.history[1][0]", "nb.history[1][1]"]),
        ("neon = nb.history[2]; nb.history[1]", ["nb.history[1][0]", "nb.history[1][1]"]),
        ("part = neon[1:]; part", ["neon[1]"]),
        ("six = neon.vary([7, 8]); six", ["six[0][0]", "six[0][1]", "six[1][0]", "six[1][1]"]),
        ("import nbbanana; del nb; nbbanana.history[2]", ["nbbanana.history[2][0]"]),
        ("import nbbanana as banana; del nb; banana.history[2]", ["banana.history[2][0]"]),
        ("past = nb.history; del nb; past[2]", ["past[2][0]"]),
        ("_hidden = nb.history[2]; _hidden", ["nb.history[2][0]"]),
    ],
)
def test_a_caption_is_a_variable_that_holds_it_or_the_users_name_of_the_module(
    made: Any, code: str, expected: list[str]
) -> None:
    """It is looked up when it is shown, and each gives the very picture in Python and on the line of the magic."""
    *before, last = code.split("; ")
    for line in before:
        value(made, line)
    shown = value(made, last)
    found = [one for one in captions(shown._repr_mimebundle_()) if ".cell" not in one and "rerun" not in one]
    assert [one for one in found if one in expected] == expected
    pictures = [output for result in (shown if "six" in code else [shown]) for output in result]
    for caption, picture in zip(expected, pictures, strict=True):
        assert value(made, caption).sha256 == picture.sha256
        taken = value(made, f"%nbedit {caption} -p 'Rain.' --seed 3 --resolution 0.5K")
        assert taken.inputs[0].identity == f"sha256:{picture.sha256}"


def test_a_cell_shows_the_name_that_it_is_about_to_bind(notebook: Any) -> None:
    """At the moment of showing the variable is not there yet, or holds another result."""
    for body in ("Make it neon.", "Make it dusk."):
        notebook.run_cell(f"%%nbedit neon << table -n 2 --seed 7 --resolution 0.5K\n{body}")
    shown = [captions(bundle)[:2] for bundle in notebook.shown if "How it was made" in bundle["text/html"]]
    assert shown == [["neon[0]", "neon[1]"]] * 2


def test_captions_of_another_session_go_through_it(made: Any, tmp_path: Any) -> None:
    """An edit of a store that is not the current session's is named by the variable that holds that session."""
    value(made, f"study = nb.Session(provider='sandbox', store={str(tmp_path / 'study')!r})")
    shown = value(made, "study.edit('Make it rain.', table, seed=1, resolution='0.5K')")
    assert captions(shown._repr_mimebundle_())[0] == "study.history[1][0]"
    assert value(made, "study.history[1][0]").sha256 == shown[0].sha256
    taken = value(made, "%nbedit study.history[1][0] -p 'Snow.' --seed 3 --resolution 0.5K")
    assert taken.inputs[0].identity == f"sha256:{shown[0].sha256}"
    value(made, "study.close()")


def test_tables_diffs_and_lineages_name_edits_so_that_it_can_be_typed(made: Any) -> None:
    """`%nbhistory` names each by its number, a diff by what holds it, a lineage by the number."""
    assert captions(nb.history.latest()._repr_mimebundle_()) == ["nb.history[2]", "nb.history[1]"]
    difference = nb.history.diff(1, 2)._repr_mimebundle_()[0]
    assert difference["text/plain"].startswith("neon → nb.history[2]")
    assert captions(difference) == ["neon[0]", "nb.history[2][0]", "neon[1]"]
    assert captions(nb.history.lineage(2)._repr_mimebundle_()) == ["nb.history[1]", "nb.history[2]"]


def test_ipython_keeps_its_own_history(made: Any) -> None:
    """The name `history` is IPython's magic, in the variables and in the aliases, before and after."""
    assert "history" not in made.user_ns
    assert made.find_line_magic("history") is not None


@pytest.mark.parametrize(
    ("word", "what"),
    [("banana.history[1][0]", "no variable and no file banana"), ("table.history[1][0]", "table has no history")],
)
def test_a_history_that_is_not_there_is_said(made: Any, word: str, what: str) -> None:
    """The name before the dot is the module's, a session's or a history's."""
    with pytest.raises(nb.errors.VariableError, match=what):
        value(made, f"%nbedit {word} -p 'Rain.' --seed 3")
