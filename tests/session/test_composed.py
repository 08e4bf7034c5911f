"""A prompt in parts means the same through every way of asking, is recorded as parts and as sent, and comes back."""

from __future__ import annotations

import html
from typing import Any

import pytest

import nbbanana as nb
from nbbanana.errors import PromptError
from nbbanana.prompts import Prompt
from nbbanana.prompts.prompting import escape
from nbbanana.session.dry_run import describe_requests

ORDINALS = "qwen/qwen-image-2.1/edit"
SMALL = {"resolution": "0.5K"}
LINES = 'Keep: objects, table\nonly: background\na rainy street\ntext: sign = "営業中です"'
COMPOSED = (
    "Keep the objects and table unchanged. Change only the background to a rainy street."
    ' The sign reads "営業中です" in Japanese.'
)
PARTS = {
    "keep": ["objects", "table"],
    "change": "a rainy street",
    "only": ["background"],
    "text": [["sign", "営業中です"]],
}


def asked_in_parts() -> Any:
    """The same as a call has it."""
    return nb.prompt(keep="objects, table", only="background", change="a rainy street", text={"sign": "営業中です"})


def test_a_text_with_lines_and_a_prompt_of_parts_are_one_request(session: nb.Session, photo: Any) -> None:
    """Recorded as sent and as parts; the second is answered by the first, for parts are no part of the question."""
    result = session.edit(LINES, photo("portrait"), seed=1, **SMALL)
    assert (result.prompt, result.record.parts) == (COMPOSED, PARTS)
    assert session.edit(asked_in_parts(), photo("portrait"), seed=1, **SMALL).id == result.id
    assert session.edit(COMPOSED, photo("portrait"), seed=1, **SMALL).id == result.id
    assert session.request(LINES, [photo("portrait")]).ask == session.request(COMPOSED, [photo("portrait")]).ask
    assert result[0].edit(LINES, **SMALL).record.parts == PARTS
    assert session.edit(COMPOSED, photo("portrait"), seed=2, **SMALL).record.parts is None


def test_what_comes_back_is_lines_and_a_call_and_asks_the_same(session: nb.Session, photo: Any) -> None:
    """The cell has a line for each part, the code an `nb.prompt`; variations and reruns keep the parts."""
    result = session.edit(LINES, photo("portrait"), seed=1, **SMALL)
    body = result.cell().partition("\n")[2]
    assert body == 'keep: objects, table\nchange: a rainy street\nonly: background\ntext: sign = "営業中です"'
    assert session.edit(body, photo("portrait"), seed=1, **SMALL).id == result.id
    code = result.code()
    assert "    nb.prompt(\n        keep=['objects', 'table'],\n" in code
    assert eval(code, {"nb": Namespace(session)}).id == result.id
    assert result.vary([5])[0].record.parts == PARTS


class Namespace:
    """What `nb` is in copied code, for one session."""

    prompt = staticmethod(nb.prompt)

    def __init__(self, session: nb.Session) -> None:
        self.edit, self.history = session.edit, session.history


def test_a_dry_run_shows_the_words_and_the_parts_that_they_are_composed_of(session: nb.Session, photo: Any) -> None:
    """Before anything is sent; words without parts are shown as they were."""
    shown = describe_requests(session, [session.request(LINES, [photo("portrait")])])
    assert f"\n{COMPOSED}\ncomposed of:\n    keep: objects, table\n" in shown["text/plain"]
    assert 'text: sign = "営業中です"' in html.unescape(shown["text/html"])
    assert "composed of" not in str(describe_requests(session, [session.request(COMPOSED, [photo("portrait")])]))


def test_a_difference_names_the_parts_that_changed(session: nb.Session, photo: Any) -> None:
    """As they are written; where one of the two has no parts, the words say it all."""
    first = session.edit(LINES, photo("portrait"), seed=1, **SMALL)
    second = session.edit(LINES.replace(", table", ""), photo("portrait"), seed=1, **SMALL)
    third = session.edit("Make it night.", photo("portrait"), seed=1, **SMALL)
    diff = session.history.diff(first.id, second.id)
    assert diff.parts == {"keep": ("objects, table", "objects")}
    assert "keep" in repr(diff)
    assert "keep:" in diff._repr_mimebundle_()[0]["text/plain"]
    assert session.history.diff(first.id, third.id).parts == {}


@pytest.mark.parametrize("words", ["keep: this is a title", "Add a sign.\nText:: OPEN\nonly: so", "{{keep}}: x"])
def test_words_that_look_like_parts_can_be_sent_as_words(session: nb.Session, photo: Any, words: str) -> None:
    """With the colon twice they are words; what comes back has it twice again."""
    escaped = escape(Prompt(words).lines)
    result = session.edit(escaped, photo("portrait"), seed=1, **SMALL)
    assert (result.prompt, result.record.parts) == (words, None)
    assert result.cell().partition("\n")[2] == escaped
    assert eval(result.code(), {"nb": Namespace(session)}).id == result.id


@pytest.mark.nightly
@pytest.mark.parametrize("case", nb.use_cases(), ids=lambda case: case.id)
def test_rows_12_13_and_17_what_is_composed_draws_no_advice(session: nb.Session, case: Any) -> None:
    """Rows 12, 13 and 17: what stays leads, the place is said, no anti-pattern is left; lines are read before."""
    for words in case.prompts:
        assert [found.rule for found in nb.lint(words, nb.samples.still_life(), params={**SMALL})] == []
        assert list(nb.lint(words.lines, nb.samples.still_life())) == []


def test_advice_reads_the_lines_of_a_prompt(session: nb.Session) -> None:
    """What a request would say of the words that are sent."""
    assert nb.lint("keep: pose\nchange: the sky should be replaced by a sunset").prompt == (
        "Keep the pose unchanged. Replace the sky by a sunset."
    )


def test_a_prompt_is_composed_in_the_grammar_of_the_model_that_is_asked(session: nb.Session, photo: Any) -> None:
    """In a call, and asked again of another model; once it was edited as text it stays as it is."""
    words = nb.prompt(keep="face", change="Replace the coat", references=["the jacket"])
    pictures = [photo("portrait"), photo("coffee")]
    assert words.endswith("Use the jacket from image 2.")
    assert session.request(words, pictures, model=ORDINALS).prompt.endswith("Use the jacket from the second image.")
    assert session.request(words + "!", pictures, model=ORDINALS).prompt == words + "!"
    result = session.edit(words, *pictures, seed=1, **SMALL)
    other = result.rerun(model=ORDINALS, without=["resolution"])
    assert other.prompt.endswith("Use the jacket from the second image.")
    assert other.record.parts == result.record.parts
    assert other.cell().endswith("\nreference: 2 = the jacket")
    scene = session.request("keep: the style\nchange: A lighthouse", model="google/nano-banana-2/text-to-image")
    assert scene.prompt == "A lighthouse. Keep the style unchanged."


def test_a_template_without_its_values_is_not_sent(session: nb.Session, photo: Any) -> None:
    """The error says what to fill in."""
    with pytest.raises(PromptError, match="no value yet"):
        session.edit(nb.prompt(change="Convert the background into {{place}}"), photo("portrait"))
    assert len(session.history) == 0


def test_row_14_a_series_of_one_template_is_recorded_with_its_parts(session: nb.Session, photo: Any) -> None:
    """Row 14: each of the series has the same grammar, and its own value among its parts."""
    series = nb.prompt(keep="objects", change="Convert the background into {{place}}")
    results = [
        session.edit(series.fill(place=place), photo("portrait"), seed=1, **SMALL) for place in ("a beach", "snow")
    ]
    assert [result.prompt.replace("a beach", "snow") for result in results] == [results[1].prompt] * 2
    assert [result.record.parts["change"] for result in results] == [  # type: ignore[index]
        "Convert the background into a beach",
        "Convert the background into snow",
    ]


def test_use_cases_fit_a_terminal() -> None:
    """Each with its prompt, in lines that are not cut."""
    text = nb.use_cases()._repr_mimebundle_()["text/plain"]
    assert max(map(len, text.split("\n"))) <= 88
    assert "object-removal\n" in text
    assert "getfixture" not in (nb.use_cases.__doc__ or "")
