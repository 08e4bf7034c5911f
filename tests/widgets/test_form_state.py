"""The bench without a widget: nothing is lost, nothing unset is sent, and the way to a cell and back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbbanana import models
from nbbanana.errors import ParameterError, UsageError
from nbbanana.images import ImageInput
from nbbanana.widgets.form_state import Draft, FormState, differences
from nbbanana.widgets.pictures import Slot

EDIT = "google/nano-banana-2/edit"
IMAGE = "google/nano-banana-2/text-to-image"


def bench(**draft: Any) -> FormState:
    return FormState(Draft(EDIT, **draft), lambda model_id, _: models.get(model_id))


def slot(name: str) -> Slot:
    return Slot(ImageInput(name, f"sha256:{name}"), name)


VALUES = st.one_of(
    st.tuples(st.just("seed"), st.integers(0, 2**31 - 1)),
    st.tuples(st.just("number_of_images"), st.integers(1, 4)),
    st.tuples(st.just("aspect_ratio"), st.sampled_from(["auto", "1:1", "4:5"])),
    st.tuples(st.just("enable_web_search"), st.booleans()),
    st.tuples(st.sampled_from(["seed", "aspect_ratio"]), st.none()),
)
CHANGES = st.one_of(
    st.tuples(st.just("set"), VALUES),
    st.tuples(st.just("write"), st.text(max_size=20)),
    st.tuples(st.just("add"), st.lists(st.text("abc", min_size=1, max_size=3), max_size=3)),
    st.tuples(st.just("move"), st.tuples(st.integers(0, 5), st.integers(-2, 8))),
    st.tuples(st.just("remove"), st.integers(0, 5)),
    st.tuples(st.just("choose"), st.sampled_from([EDIT, IMAGE])),
    st.tuples(st.just("recall"), st.sampled_from(["all", "all but seed", "only words"])),
)


def apply(one: FormState, change: tuple[str, Any]) -> None:
    """Make a change; one that does not fit the chosen model is refused and changes nothing."""
    what, how = change
    keys = [slot.key for slot in one.draft.slots]
    before = one.draft
    try:
        if what == "set":
            one.set(*how)
        elif what == "add":
            one.change("a picture", slots=(*one.draft.slots, *map(slot, how)))
        elif what == "move" and keys:
            one.move(keys[how[0] % len(keys)], how[1])
        elif what == "remove" and keys:
            one.remove(keys[how % len(keys)])
        elif what == "recall":
            one.recall(Draft(EDIT, "Old words.", {"seed": 3}, (slot("old"),)), how, seed_field="seed")
        elif what in {"write", "choose"}:
            getattr(one, what)(how)
    except ParameterError:
        assert one.draft == before


@given(st.lists(CHANGES, max_size=12))
def test_undo_goes_back_to_the_beginning(changes: list[tuple[str, Any]]) -> None:
    """However the form was changed, taking everything back gives what it began with."""
    one = bench(prompt="Begin.", parameters={"seed": 1})
    first = one.draft
    for change in changes:
        apply(one, change)
    while one.undo() is not None:
        pass
    assert one.draft == first


@given(st.lists(CHANGES, max_size=12))
def test_nothing_unset_is_kept_as_a_value(changes: list[tuple[str, Any]]) -> None:
    """No parameter of a draft is ever None, and all of them are ones that its model takes."""
    one = bench()
    for change in changes:
        apply(one, change)
        for name, value in one.draft.parameters.items():
            assert value is not None
            one.model.field(name)


@given(st.lists(st.text("abc", min_size=1), min_size=1, max_size=6), st.data())
def test_moving_loses_no_picture(names: list[str], data: st.DataObject) -> None:
    """A picture that is moved stands where it was put, and the others keep their order."""
    one = bench()
    one.change("a picture", slots=tuple(map(slot, names)))
    moved = data.draw(st.sampled_from(one.draft.slots))
    place = data.draw(st.integers(-3, 9))
    others = [other.key for other in one.draft.slots if other.key != moved.key]
    one.move(moved.key, place)
    keys = [other.key for other in one.draft.slots]
    assert keys.index(moved.key) == max(0, min(place, len(others)))
    assert [key for key in keys if key != moved.key] == others


def test_writing_on_is_one_step() -> None:
    """Letters that are typed one after the other are taken back together."""
    one = bench(prompt="Keep her.")
    for words in ("Keep her.\nM", "Keep her.\nMa", "Keep her.\nMake it snow."):
        one.write(words)
    assert one.undo() == "the words"
    assert one.draft.prompt == "Keep her."


@pytest.mark.parametrize(
    ("what", "words", "parameters", "pictures"),
    [
        ("all", "Old.", {"seed": 3, "resolution": "2K"}, ["old"]),
        ("all but seed", "Old.", {"resolution": "2K"}, ["old"]),
        ("only words", "Old.", {"seed": 7}, ["new"]),
    ],
)
def test_recall_brings_what_was_asked_for(
    what: Any, words: str, parameters: dict[str, Any], pictures: list[str]
) -> None:
    """All, all but the seed, or only the words of a record; one undo brings back what was being written."""
    one = bench(prompt="New.", parameters={"seed": 7}, slots=(slot("new"),))
    before = one.draft
    one.recall(Draft(EDIT, "Old.", {"seed": 3, "resolution": "2K"}, (slot("old"),)), what, seed_field="seed")
    assert one.draft.prompt == words
    assert dict(one.draft.parameters) == parameters
    assert [slot.image.name for slot in one.draft.slots] == pictures
    one.undo()
    assert one.draft == before


def test_recall_refuses_another_word() -> None:
    """What is not one of the three ways is an error that names them."""
    with pytest.raises(UsageError, match="all but seed"):
        bench().recall(Draft(EDIT), "everything", seed_field="seed")  # type: ignore[arg-type]


def test_a_value_that_the_model_does_not_take_changes_nothing() -> None:
    """It is an error that names the field, and the form stays as it was."""
    one = bench(prompt="Snow.")
    with pytest.raises(ParameterError, match="number_of_images"):
        one.set("number_of_images", 9)
    assert dict(one.draft.parameters) == {}
    assert one.can_undo is None


def test_another_model_puts_away_what_it_does_not_take() -> None:
    """It says what, and undo brings it back."""
    one = bench(prompt="Snow.", parameters={"limit_generations": True, "seed": 7})
    kept = {field.name for field in models.get(IMAGE).options}
    dropped = one.choose(IMAGE)
    assert set(dropped) == {"limit_generations", "seed"} - kept
    one.undo()
    assert dict(one.draft.parameters) == {"limit_generations": True, "seed": 7}


def test_differences_are_said_in_words() -> None:
    """What is unlike the form is listed as phrases, what is alike is not."""
    form = Draft(EDIT, "Snow.", {"seed": 7, "resolution": "2K"}, (slot("a"), slot("b")))
    other = Draft(EDIT, "Snow.", {"seed": 3, "enable_web_search": True}, (slot("b"), slot("a")))
    assert differences(form, other) == [
        "seed 3 instead of 7",
        "enable web search on",
        "resolution not set",
        "the pictures in another order",
    ]
    assert differences(form, form) == []
