"""`nb.split` and `nb.rebase` propose, say what it costs, and send nothing."""

from __future__ import annotations

import pytest

import nbbanana as nb
from nbbanana import errors

NIGHT, BOAT = "Keep the cup. Make it night.", "Keep the cup. Keep the night. Add a boat."


def texts(value):
    """What it shows, as text and as HTML."""
    data = value._repr_mimebundle_()
    return data["text/plain"], data["text/html"]


def test_a_split_says_what_it_costs_and_is_the_body_of_a_cell():
    """Row 15 says "same total cost"; each pass is paid, and redraws all: both are said (image-tools, finding 6)."""
    found = nb.split("Keep the cup. Remove the <b>dog</b> and turn the wall blue.")
    assert str(found) == "Keep the cup. Remove the <b>dog</b>.\n---\nKeep the cup. Turn the wall blue."
    plain, html = texts(found)
    for text in (plain, html):
        assert "2 passes are 2 requests, and each is paid." in text
        assert "Each pass redraws the whole picture" in text
    assert "<b>dog" not in html
    assert "nothing to split" in texts(nb.split("Remove the dog."))[0]


@pytest.mark.parametrize(
    "words", ["保持人物不变。把背景换成海滩。再加一只船。", "Remplace le ciel et ajoute un bateau."]
)
def test_words_that_are_not_english_are_not_split_and_that_is_said(words):
    """Whoever asks is told why there is one pass, and what to write."""
    found = nb.split(words)
    assert list(found) == [words]
    assert "Only English" in texts(found)[0]
    assert "---" in found.notes[0]


def test_a_split_is_a_chain(session, photo):
    """It goes into `nb.chain` as it is."""
    made = nb.chain(nb.split("Keep the cup. Remove the dog and turn the wall blue."), photo("portrait"), seed=7)
    assert [one.prompt for one in made.passes] == ["Keep the cup. Remove the dog.", "Keep the cup. Turn the wall blue."]


def test_a_chain_is_folded_into_one_request_about_the_original(session, photo):
    """Its cell asks the original with all changes and the parameters of the last pass; nothing is sent by itself."""
    made = nb.chain([NIGHT, BOAT], photo("portrait"), seed=7, resolution="2K")
    folded = nb.rebase(made[0])
    assert len(session.history) == 2
    assert folded.prompt == "Keep the cup. Make it night. Add a boat."
    assert [image.identity for image in folded.images] == [made.passes[0].inputs[0].identity]
    assert folded.parameters == {"seed": 7, "resolution": "2K"}
    plain, html = texts(folded)
    assert "%%nbedit edit:1.inputs[0]" in plain
    for text in (plain, html):
        assert "Left out, since it keeps what a pass made: Keep the night." in text
    once = folded.edit()
    assert (once.prompt, once.record.parents, once.seed) == (folded.prompt, (), 7)
    assert eval(folded.code(), {"nb": nb}).id == once.id


def test_reference_images_of_later_passes_stand_last(session, photo):
    """And that is said, since their numbers may differ."""
    first = nb.edit(NIGHT, photo("portrait"))
    folded = nb.rebase(first.edit("Add the rocket from image 2.", photo("rocket")))
    assert len(folded.images) == 2
    assert "check their numbers" in texts(folded)[0]
    assert f"edit:{first.id}.inputs[0] edit:2.inputs[1]" in folded.cell()


def test_what_has_one_pass_is_not_folded(session, photo):
    """The error says how to ask it again."""
    result = nb.edit(NIGHT, photo("portrait"))
    with pytest.raises(errors.UsageError, match="was made in one pass"):
        nb.rebase(result)
    with pytest.raises(errors.UsageError, match="has no passes"):
        nb.rebase("night.png")
    with pytest.raises(errors.PromptError):
        nb.split("  ")
