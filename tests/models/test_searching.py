"""The catalogue as users ask it: by words, by what a model can do, one beside another."""

from __future__ import annotations

import pytest

from nbbanana import models
from nbbanana.errors import UnknownModelError, UsageError

EDIT, LETTERS, LOCAL = (
    "google/nano-banana-2/edit",
    "openai/gpt-image-2/edit",
    "blackforestlabs/flux-1-kontext/pro/edit",
)
MASKS = ["qwen/qwen-image-2.1/edit", "tongyi-mai/z-image/turbo/inpainting"]


def found(words: str) -> list[str]:
    """The ids that words find."""
    return [model.id for model in models.search(words)]


def test_words_find_models_by_what_they_can_do() -> None:
    """A mask, a seed, several pictures or outputs: by their schemas, not by what a guidance says of others."""
    assert found("mask") == MASKS
    assert LETTERS not in found("seed")
    assert LOCAL in found("seed")
    assert LOCAL not in found("several pictures")
    assert found("several pictures mask") == MASKS[:1]
    assert all(models.get(name).count_field for name in found("several outputs"))


def test_words_find_models_by_what_is_said_of_them() -> None:
    """By id, title, purpose, advice and fields, the ones that are named so first; none where a word is nowhere."""
    assert found("kontext")[0] == LOCAL
    assert LETTERS in found("lettering")
    assert "qwen/qwen-image-2.1/edit" in found("transparent")
    assert found("zebra crossing") == []
    assert found("") == list(models.ids())
    with pytest.raises(UsageError):
        models.search(7)  # type: ignore[arg-type]


def test_a_list_shows_itself_with_what_to_write_for_each() -> None:
    """In text and HTML; a part of it is a list too."""
    listed = models.search("mask")
    assert listed[1:][0].id == MASKS[1]
    for text in listed._repr_mimebundle_().values():
        assert "2 models for “mask”" in text
        assert "qwen" in text
        assert "z-image" in text


def test_models_stand_beside_each_other_with_what_differs() -> None:
    """What each takes; what they share is said once; two at least, that are there."""
    compared = models.compare("kontext", "gpt-image")
    text = compared._repr_mimebundle_()["text/plain"]
    assert "edits one picture" in text
    assert "edits 1 to 10 pictures" in text
    assert "1k, 2k, 4k" in text
    assert "<table" in compared._repr_mimebundle_()["text/html"]
    same = models.compare("nano-banana", EDIT)._repr_mimebundle_()["text/plain"]
    assert "The same:" in same
    with pytest.raises(UsageError, match="two models"):
        models.compare("kontext")
    with pytest.raises(UnknownModelError):
        models.compare("kontext", "someone/else")


def test_a_model_shows_itself_whole() -> None:
    """Its options, what to write for it, when to take it and how to ask; it stays quiet in a text."""
    model = models.get("kontext")
    for text in model._repr_mimebundle_().values():
        assert "--model kontext" in text
        assert "--aspect-ratio" in text
        assert "How to ask" in text
        assert "State the change as a fact or an order" in text
    assert str(model) == repr(model)


def test_a_word_is_found_as_a_whole_or_in_the_plural() -> None:
    """Not as the beginning of another: `cheap` is no `cheaper`."""
    said = " ".join(models.get("nano-banana-2.1").guidance.split()).casefold()
    assert "cheaper" in said
    assert "google/nano-banana-2.1/edit" not in found("cheap")
    assert found("mask") == found("masks")
    assert set(found("picture")) <= set(models.ids())


def test_a_search_without_a_find_says_what_to_do() -> None:
    """In text and HTML."""
    for text in models.search("zebra crossing")._repr_mimebundle_().values():
        assert "Search one word, such as mask" in text


def test_a_list_has_each_model_once_and_marks_the_default() -> None:
    """By what one writes for it."""
    kontext, edit = models.get("kontext"), models.get(EDIT)
    listed = models.ModelList([edit, kontext, models.get(LOCAL)], default=EDIT)
    assert len(listed) == 2
    text = listed._repr_mimebundle_()["text/plain"].splitlines()
    assert [line.split()[0] for line in text if "default ·" in line] == ["nano-banana"]
    assert listed._repr_mimebundle_()["text/html"].count("<strong>default</strong>") == 1


def test_completion_offers_what_is_meant_for_users() -> None:
    """And no module inside."""
    assert dir(models) == sorted(models.__all__)
