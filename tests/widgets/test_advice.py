"""Advice in the Studio: it follows what is written, is applied with a button, and says what a dry run says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import nbbanana as nb
from nbbanana.display.listings import advice_rows
from nbbanana.settings import settings

from .test_studio import Told

LATE = "Turn day into night. Keep the cup unchanged."


@pytest.fixture
def bench(session: nb.Session, photo: Callable[[str], Path]) -> Iterator[Told]:
    """A Studio with a picture."""
    bench = Told(nb.studio(photo("coffee"), session=session))
    yield bench
    bench.form.close()


def rules(told: dict) -> list[str]:
    """The rules of a message of advice."""
    return [row["rule"] for row in told["rows"]]


def test_advice_follows_what_is_written(bench: Told) -> None:
    """A passage by its place, why, and nothing any more once it is mended by hand."""
    bench.ask("words", text=LATE, count=1, view="a")
    [row] = bench.wait("advice", lambda told: told["rows"])["rows"]
    assert (row["rule"], row["severity"], row["mends"]) == ("preservation-after-change", "hint", True)
    assert LATE[slice(*row["span"])] == row["passage"] == "Keep the cup unchanged."
    bench.ask("words", text="Keep the cup unchanged. Turn day into night.", count=2, view="a")
    bench.wait("advice", lambda told: not told["rows"])


def test_apply_mends_the_words_and_can_be_undone(bench: Told) -> None:
    """The button writes the fix of the rule into the prompt; undo brings the words back."""
    bench.ask("words", text=LATE, count=1, view="a")
    bench.wait("advice", lambda told: told["rows"])
    bench.ask("mend", rule="preservation-after-change")
    assert bench.form.prompt == "Keep the cup unchanged. Turn day into night."
    assert bench.last("said")["undo"] is True
    bench.wait("advice", lambda told: not told["rows"])
    bench.ask("undo")
    assert bench.form.prompt == LATE


def test_apply_mends_a_parameter(bench: Told) -> None:
    """A ratio that crops the picture is a warning; Apply leaves the ratio to the picture."""
    bench.form.prompt = "Keep the cup unchanged. Turn day into night."
    bench.form.set(aspect_ratio="9:16")
    assert rules(bench.wait("advice", lambda told: told["rows"])) == ["ratio-crops-input"]
    bench.ask("mend", rule="ratio-crops-input")
    assert bench.form.parameters["aspect_ratio"] == "auto"
    bench.ask("mend", rule="a rule that finds nothing")
    bench.wait("advice", lambda told: not told["rows"])


def test_the_studio_says_what_a_dry_run_says(bench: Told) -> None:
    """One source: the rows under the prompt are those of the advice that the form's request carries."""
    bench.form.prompt = "Can you make it red?"
    bench.form.set(aspect_ratio="9:16")
    told = bench.wait("advice", lambda told: "ratio-crops-input" in rules(told))
    request = bench.form.state.form.request(bench.form.session)
    shown = [{name: row[name] for name in ("rule", "severity", "passage", "why", "settings")} for row in told["rows"]]
    assert shown == [
        {name: row[name] for name in ("rule", "severity", "passage", "why", "settings")}
        for row in advice_rows(request.advice)
    ]


def test_parts_are_advised_on_as_they_will_be_sent(bench: Told) -> None:
    """Lines of parts are composed first."""
    bench.form.prompt = "change: Turn day into night."
    assert rules(bench.wait("advice", lambda told: told["rows"])) == ["missing-preservation"]
    bench.form.prompt = "keep: the cup\nchange: Turn day into night."
    bench.wait("advice", lambda told: not told["rows"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("Make it night.\n---\nAdd a boat.", "stands between two passes"),
        ("Convert the background into {{place}}.", "{{place}} has no value"),
        ("change: Make it night.\nchange: Add a boat.", "change:"),
    ],
)
def test_words_that_cannot_be_sent_are_said_while_they_are_written(bench: Told, words: str, said: str) -> None:
    """With the mend, before Run; Run refuses them in the same words, and they go when they are mended."""
    settings().lint = False
    bench.ask("words", text=words, count=1, view="a")
    [row] = bench.wait("advice", lambda told: told["rows"])["rows"]
    assert (row["severity"], row["mends"]) == ("error", False)
    with pytest.raises(nb.errors.InputError) as caught:
        bench.form.run()
    assert said in row["why"]
    assert all(line in row["why"] for line in caught.value.lines)
    bench.ask("words", text="Make it night.", count=2, view="a")
    bench.wait("advice", lambda told: not told["rows"])


def test_braces_of_a_record_come_back_as_words(bench: Told) -> None:
    """What was sent with two braces is asked again as it was, by the form, its cell and its code."""
    result = bench.form.session.edit("A sign: {{{{open}}", seed=1, model="google/nano-banana-2/text-to-image")
    bench.form.recall(result.id)
    request = bench.form.state.form.request(bench.form.session)
    assert (result.prompt, request.prompt, request.ask) == ("A sign: {{open}}", result.prompt, result.record.ask)
    assert bench.form.cell().endswith("\nA sign: {{{{open}}")


def test_it_is_silent_where_the_lint_is_off(bench: Told) -> None:
    """`lint = False` counts in the Studio too."""
    settings().lint = False
    bench.ask("words", text=LATE, count=1, view="a")
    bench.ask("hello")
    assert bench.wait("advice")["rows"] == []
