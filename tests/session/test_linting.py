"""The advice that a request carries, and the same words of it wherever it is shown."""

from __future__ import annotations

import pytest

import nbbanana as nb
from nbbanana.errors import ConfigError, PromptError
from nbbanana.request import quiet_line
from nbbanana.session.dry_run import describe_requests
from nbbanana.settings import settings

WORDS = "Keep the table unchanged. Turn day into night."


@pytest.fixture
def session(tmp_path):
    """A session in the sandbox."""
    with nb.Session(provider="sandbox", store=tmp_path / "store") as session:
        yield session


@pytest.fixture
def picture():
    """A picture of 1024 × 768 pixels."""
    return nb.samples.still_life()


def test_a_report_is_a_sequence_that_shows_itself(session, picture):
    """Findings by number, slices are reports, plain text and HTML name rule, words and what mends it."""
    report = nb.lint("The sky should be replaced with <b>stars</b>.", picture, params={"aspect_ratio": "1:1"})
    assert [one.rule for one in report] == ["ratio-crops-input", "missing-preservation", "passive"]
    assert report[0].severity == "warning"
    assert [one.rule for one in report[1:]] == ["missing-preservation", "passive"]
    assert repr(report[2:]) == "<LintReport passive (hint)>"
    assert report.fixed == "Keep everything else unchanged. Replace the sky with <b>stars</b>."
    assert report.settings == {"aspect_ratio": "auto"}
    shown = report._repr_mimebundle_()
    assert shown["text/plain"].splitlines()[0] == "1 warning, 2 hints"
    assert "&lt;b&gt;stars" in shown["text/html"]
    assert "<b>stars" not in shown["text/html"]
    assert 'title="nano-banana-edit.md, row 17: passive voice"' in shown["text/html"]


def test_nothing_to_advise_is_said(session):
    """A good prompt has an empty report, which says so."""
    report = nb.lint(WORDS)
    assert len(report) == 0
    assert report.fixed == WORDS
    assert report._repr_mimebundle_()["text/plain"] == "Nothing to advise"


def test_pictures_are_given_as_for_an_edit(session, picture):
    """Beside the words or as a list; without any, what depends on them is not looked at."""
    words = "Keep her face. Put the hat of image 2 on her."
    assert [one.severity for one in nb.lint(words, picture)] == ["error"]
    assert list(nb.lint(words, images=[picture])) == list(nb.lint(words, picture))
    assert len(nb.lint(words, picture, picture)) == len(nb.lint(words)) == 0
    with pytest.raises(PromptError):
        nb.lint("photo.jpg", "Make it night")


def test_dry_run_progress_and_caption_say_the_same(session, picture):
    """One request carries its advice: all of it in a dry run, one line while it runs and under the result."""
    request = session.request(WORDS, [picture], parameters={"aspect_ratio": "1:1", "seed": 5})
    line = quiet_line(request.advice)
    assert line is not None
    assert request.advice[0].why in describe_requests(session, [request])["text/plain"]
    job = session.start(request)
    assert line in job.view().notes
    result = job.result()
    assert result.notes == (line,)
    assert line in result._repr_mimebundle_()[0]["text/plain"]


def test_a_hint_is_for_who_looks_for_advice(session, picture):
    """It stands in a dry run, and neither above nor under what was sent."""
    request = session.request("Turn day into night.", [picture])
    assert [one.severity for one in request.advice] == ["hint"]
    assert "missing-preservation" in describe_requests(session, [request])["text/html"]
    assert session.start(request).result().notes == ()


def test_advice_is_no_part_of_the_question(session, picture):
    """The same words with and without it are the same ask: it changes no digest and no answer from the store."""
    asked = {"images": [picture], "parameters": {"aspect_ratio": "1:1", "seed": 5}}
    first = session.request(WORDS, **asked)
    settings().lint = False
    second = session.request(WORDS, **asked)
    assert (first.ask, first.digest("sandbox")) == (second.ask, second.digest("sandbox"))
    assert first == second
    assert (len(first.advice), second.advice) == (1, ())


def test_it_can_be_silenced_as_a_whole_and_by_rule(session, picture):
    """`lint = False` leaves a request without advice; `lint_off` leaves one rule out, and a wrong name is told."""
    asked = {"images": [picture], "parameters": {"aspect_ratio": "1:1"}}
    settings().lint_off = ["ratio-crops-input"]
    assert session.request(WORDS, **asked).advice == ()
    settings().lint_off = ["ratio-crops-inputs"]
    with pytest.raises(ConfigError, match="ratio-crops-input"):
        nb.lint(WORDS)


def test_a_switched_off_rule_that_is_none_is_said_with_the_request(session, picture):
    """A name that leaves nothing out is a warning of every request, and stops none."""
    settings().lint_off = ["compund"]
    request = session.request(WORDS, images=[picture])
    [said] = request.advice
    assert quiet_line(request.advice) == (
        "Warning: NBBanana.lint_off names 'compund', which is no rule of the lint. Write 'compound'. (lint_off)"
    )
    assert said.why in describe_requests(session, [request])["text/plain"]


@pytest.mark.parametrize(("ratio", "near"), [("16:9", "The nearest is 4:3."), ("4:3", "")])
def test_a_ratio_that_crops_is_told_with_the_nearest_one(session, picture, ratio, near):
    """The ratios are those of the model; one that is the picture's own is not advised on."""
    said = " ".join(one.why for one in nb.lint(WORDS, picture, params={"aspect_ratio": ratio}))
    assert near in said
    assert bool(said) == bool(near)
