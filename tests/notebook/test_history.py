"""`%nbhistory`: what a line asks of the history, and what it answers."""

from __future__ import annotations

from typing import Any

import pytest

import nbbanana as nb
from nbbanana.errors import NotInStoreError, UsageError


@pytest.fixture
def past(shell: Any) -> Any:
    """A shell with a small past: two edits of one picture, an edit of the second one's output, and a failed one."""
    for line, words in (
        ("table --seed 1", "Make it a night."),
        ("street << table --seed 2", "Make it a rainy street."),
        ("street[0] --seed 3", "Make it a rainy night."),
    ):
        shell.run_cell(f"%%nbedit {line} --resolution 0.5K\n{words}")
    nb.history[2].annotate(starred=True, add_tags=["cover"])
    shell.display_pub.displays.clear()
    return shell


def told(shell: Any, line: str) -> str:
    """The text that a line shows, nothing else before it."""
    shell.display_pub.displays.clear()
    shell.run_cell(f"%nbhistory {line}")
    return str(shell.text_shown())


def listed(shell: Any, line: str) -> list[int]:
    """The ids in the table that a line shows, in its order."""
    rows = [row.split("]")[0] for row in told(shell, line).split("history[")[1:]]
    return [int(row) for row in rows]


LISTED = (
    ("", [3, 2, 1]),
    ("-n 1", [3]),
    ("-n1", [3]),
    ("--limit=2", [3, 2]),
    ("rainy", [3, 2]),
    ("rainy night", [3]),
    ('"1"', []),
    ("1:3", [1, 2]),
    ("2:", [2, 3]),
    ("--starred", [2]),
    ("--tag cover", [2]),
    ("rainy --starred", [2]),
    ("night --starred", []),
    ("--seed 3", [3]),
    ("--seed=1 night", [1]),
    ("--state failed", []),
    ("--state completed -n 2", [3, 2]),
    ("--model google/nano-banana-2/edit --provider sandbox", [3, 2, 1]),
    ("--since 2020-01-01", [3, 2, 1]),
    ("--until 2020-01-01", []),
    ("--rejected", []),
)
"""Lines, and the numbers of the edits that they list."""


def test_it_lists_what_is_asked_for(past: Any) -> None:
    """Words, numbers, slices and facts, alone and together."""
    for line, ids in LISTED:
        assert sorted(listed(past, line)) == sorted(ids), line
    assert listed(past, "") == [3, 2, 1]


def test_a_number_is_an_edit(past: Any) -> None:
    """It shows that edit's pictures, also from the end."""
    assert "rainy street" in told(past, "2")
    assert past.shown[0]["text/html"].count("<img") >= 1
    assert "rainy night" in told(past, "-1")
    with pytest.raises(NotInStoreError):
        past.run_cell("%nbhistory 99")


def test_edits_are_compared_and_traced(past: Any) -> None:
    """A diff word by word, a lineage as a tree."""
    text = told(past, "--diff 2 3")
    assert "street" in text
    assert "<del" in past.shown[0]["text/html"]
    assert "history[2]" in told(past, "--lineage 3")
    assert "history[3]" in told(past, "--lineage=2")


def test_it_says_what_was_spent(past: Any) -> None:
    """The sandbox's money is play money."""
    assert "in play money at sandbox" in told(past, "--cost")


def test_nothing_was_spent_in_an_empty_store(shell: Any) -> None:
    """That too is an answer."""
    assert told(shell, "--cost") == "Nothing was spent."


def test_a_cell_comes_back_as_the_next_one(past: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is shown; the cell that asks the same is put below."""
    texts: list[str] = []
    monkeypatch.setattr(type(past), "set_next_input", lambda self, text, replace=False: texts.append(text))
    assert told(past, "--cell 2") == ""
    assert texts == [nb.history[2].cell()]
    past.run_cell(texts[0])
    assert nb.history[-1].record.ask == nb.history[2].record.ask


def test_a_name_behind_nbstudio_is_answered_with_what_would_do(past: Any) -> None:
    """The number of the edit that it holds, and the call that takes its picture."""
    past.user_ns["night"] = nb.history[2]
    with pytest.raises(UsageError) as caught:
        past.run_cell("%nbstudio night")
    assert caught.value.lines[2] == "%nbstudio 2; nb.studio(night) begins with its picture."
    with pytest.raises(UsageError) as caught:
        past.run_cell("%nbstudio nothing")
    assert caught.value.lines[2] == "%nbstudio 12."


WRONG = (
    ("-n none", "1 to 500"),
    ("-n 0", "1 to 500"),
    ("-n 501", "1 to 500"),
    ("-n", "takes a value"),
    ("--all", "no option --all"),
    ("--stared", "--starred"),
    ("--seed x", "whole number"),
    ("--state done", "completed"),
    ("--state complete", "Did you mean completed?"),
    ("--since yesterday", "ISO 8601"),
    ("--diff 3", "two edits"),
    ("--lineage x", "an edit"),
    ("--cost rainy", "stands alone"),
    ("--cell 2 --starred", "stands alone"),
    ("--tag", "takes a value"),
)
"""Lines that are wrong, and what their errors say."""


def test_what_it_does_not_understand_is_said(past: Any) -> None:
    """A line that is wrong shows nothing and names what is allowed."""
    for wrong, said in WRONG:
        with pytest.raises(UsageError) as caught:
            past.run_cell(f"%nbhistory {wrong}")
        assert said in str(caught.value), wrong
        assert past.shown == []
