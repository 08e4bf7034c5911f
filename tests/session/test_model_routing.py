"""
The model that suits a request: suggested where none was named, taken by `auto`, never switched silently.

Row 11 of nano-banana-edit.md: a named model is always honoured, and the models of the table really run.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nbbanana as nb
from nbbanana.errors import NotInStoreError, ParameterError, UsageError
from nbbanana.session.dry_run import describe_requests
from nbbanana.settings import settings

EDIT, LETTERS = "google/nano-banana-2/edit", "openai/gpt-image-2/edit"
LOCAL, MASK = "blackforestlabs/flux-1-kontext/pro/edit", "qwen/qwen-image-2.1/edit"
SIGN = "Keep the door. Rewrite the sign in Japanese."
HAND = "She should hold a cup."


def test_row_11_another_model_is_suggested_in_one_line_and_nothing_is_switched(
    session: nb.Session, photo: Callable[[str], Path]
) -> None:
    """Row 11: the result and the dry run say which model the table means; the request went to the default."""
    result = session.edit(SIGN, photo("coffee"))
    assert result.model == EDIT
    assert not result.record.model_named
    [line] = [note for note in result.notes if LETTERS in note]
    assert "--model gpt-image" in line
    assert line.endswith(f"Sent to {EDIT}.")
    assert line in result._repr_mimebundle_()[0]["text/plain"]
    shown = describe_requests(session, [session.request(SIGN, [photo("coffee")])])["text/plain"]
    assert line.replace("Sent to", "It would go to") in shown
    assert "Sent to" not in shown


def test_what_the_other_model_does_not_take_is_said_with_it(session: nb.Session, photo: Callable[[str], Path]) -> None:
    """A seed, where it takes none."""
    [line] = session.edit(SIGN, photo("coffee"), seed=7).notes[:1]
    assert "It does not take --seed as set: leave it out there." in line


@pytest.mark.parametrize("how", ["named", "setting", "session", "switched off", "plain", "replayed"])
def test_row_11_nothing_is_suggested_where_a_model_was_named_or_none_is_meant(
    session: nb.Session, photo: Callable[[str], Path], how: str, tmp_path: Path
) -> None:
    """Row 11: a named model is always honoured; a plain edit, a switched-off line and a stored answer say nothing."""
    words, given = SIGN, {"model": "nano-banana"} if how == "named" else {}
    if how == "setting":
        settings().model = EDIT
    elif how == "switched off":
        settings().suggest = False
    elif how == "plain":
        words = "Turn day into night."
    elif how == "replayed":
        assert session.edit(words, photo("coffee"), seed=7).notes
    asker = nb.Session(provider="sandbox", store=tmp_path / "other", model=EDIT) if how == "session" else session
    try:
        result = asker.edit(words, photo("coffee"), seed=7, **given)
    finally:
        if asker is not session:
            asker.close()
    assert result.model == EDIT
    assert not [note for note in result.notes if LETTERS in note]


def test_a_model_that_the_provider_does_not_have_is_not_suggested(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photo: Callable[[str], Path]
) -> None:
    """The service in use decides; it is asked nothing."""
    monkeypatch.setenv("GEMINI_API_KEY", "AIza-test")
    with nb.Session(provider="gemini", store=tmp_path / "store") as session:
        assert session.request(SIGN, [photo("coffee")]).model_note == ""
        auto = session.request(SIGN, [photo("coffee")], model="auto")
    assert auto.model == "google/nano-banana-2.1/edit"
    assert f"{LETTERS} is for this, but the service in use is not known to have it." in auto.model_note


@pytest.mark.parametrize(
    ("words", "more", "model"),
    [
        (SIGN, {}, LETTERS),
        (HAND, {"seed": 7}, LOCAL),
        ("Turn day into night.", {"n": 2}, EDIT),
        ("Paint a bird.", {"mask": "region", "region": (0, 0, 0.5, 0.5)}, MASK),
    ],
)
def test_row_11_auto_takes_the_first_of_the_ranking_and_says_which_and_why(
    session: nb.Session, photo: Callable[[str], Path], words: str, more: dict[str, Any], model: str
) -> None:
    """Row 11: the models of the table really run; the record names the model, and the same call is answered by it."""
    result = session.edit(words, photo("coffee"), model="auto", **more)
    assert (result.model, result.record.model_named) == (model, True)
    assert result.notes[0].startswith(f"auto: {model}, since ")
    assert session.request(words, [photo("coffee")], model=model, **_parts(more)).ask == result.record.ask


def _parts(more: dict[str, Any]) -> dict[str, Any]:
    rest = dict(more)
    own = {key: rest.pop(key) for key in ("n", "region") if key in rest}
    return {**own, "parameters": rest}


def test_auto_without_a_picture_makes_one(session: nb.Session) -> None:
    """The text-to-image model of the table."""
    result = session.edit("A lighthouse in the fog.", model="auto", number_of_images=2)
    assert result.model == "google/nano-banana-2/text-to-image"
    assert len(result) == 2


def test_auto_leaves_out_a_model_that_does_not_take_what_is_set_and_says_so(
    session: nb.Session, photo: Callable[[str], Path]
) -> None:
    """GPT Image 2 has no seed: what is set is never dropped."""
    result = session.edit(SIGN, photo("coffee"), model="auto", seed=7)
    assert result.model == EDIT
    assert result.seed == 7
    assert result.notes[0] == (
        f"auto: {EDIT}, since it is the default model. {LETTERS} is for this, but does not take seed as set."
    )


def test_auto_says_by_which_facts_no_model_takes_it(session: nb.Session, photo: Callable[[str], Path]) -> None:
    """Two pictures and a mask."""
    with pytest.raises(ParameterError, match="No model") as caught:
        session.edit("Paint a bird.", photo("coffee"), photo("chelsea"), model="auto", mask=photo("coffee"))
    assert "takes no mask, and one is given" in caught.value.why


@pytest.mark.parametrize("seed", [None, 7])
def test_auto_replays_from_the_store_alone(
    session: nb.Session, photo: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, seed: int | None
) -> None:
    """The same digest, no connection; also of a model that another provider had then, and that the table means less."""
    words = HAND if seed else SIGN
    made = session.edit(words, photo("coffee"), model="auto", seed=seed)
    session.edit("Turn day into night.", photo("coffee"), model="nano-banana-2.1", seed=1)
    folder = session.folder
    session.close()
    monkeypatch.setattr(socket, "create_connection", None)
    with nb.Session(store=folder, mode="replay") as again:
        result = again.edit(words, photo("coffee"), model="auto", seed=seed)
        other = again.edit("Turn day into night.", photo("coffee"), model="auto", seed=1)
        with pytest.raises(NotInStoreError):
            again.edit("Make it snow.", photo("coffee"), model="auto", seed=1)
    assert (result.id, result.record.ask, result.model) == (made.id, made.record.ask, made.model)
    assert other.model == "google/nano-banana-2.1/edit"


def test_auto_may_be_what_the_settings_say(session: nb.Session, photo: Callable[[str], Path]) -> None:
    """`%config NBBanana.model = "auto"`."""
    settings().model = "auto"
    assert session.edit(HAND, photo("coffee")).model == LOCAL


@pytest.mark.parametrize("name", ["mask", "mask_url"])
def test_a_mask_for_a_model_that_takes_none_names_those_that_do(
    session: nb.Session, photo: Callable[[str], Path], name: str
) -> None:
    """With what to write for each."""
    with pytest.raises(ParameterError, match=f"{EDIT} takes no mask") as caught:
        session.edit("Paint a bird.", photo("coffee"), region=(0, 0, 0.5, 0.5), **{name: "region"})
    assert f"{MASK} (--model qwen)" in caught.value.why


def test_a_mask_goes_under_the_model_s_own_name_for_it(session: nb.Session, photo: Callable[[str], Path]) -> None:
    """`mask` is `mask_url` of the one and `mask_image_url` of the other; the record keeps the picture."""
    part = nb.region(photo("coffee"), boxes=[(0, 0, 0.5, 0.5)])
    for model, field in (("qwen", "mask_url"), ("z-image", "mask_image_url")):
        result = session.edit("A bird.", photo("coffee"), model=model, mask=part)
        assert [mask.parameter for mask in result.record.masks] == [field]
    part.close()


# ── the same request of another model ───────────────────────────────────────────────────────────────────────────


def test_a_request_is_asked_of_another_model_under_its_names(session: nb.Session, photo: Callable[[str], Path]) -> None:
    """The words, the pictures and the seed go along; the record names the model."""
    first = session.edit(HAND, photo("coffee"), seed=7)
    second = first.rerun(model="kontext")
    assert (second.model, second.seed, second.record.model_named) == (LOCAL, 7, True)
    assert second.prompt == first.prompt
    assert [one.identity for one in second.inputs] == [one.identity for one in first.inputs]
    assert f"Asked of {LOCAL} as it was asked of {EDIT}." in second.notes


def test_what_cannot_be_carried_is_said_and_given_up_only_by_name(
    session: nb.Session, photo: Callable[[str], Path]
) -> None:
    """All of it at once; nothing is sent before."""
    first = session.edit(SIGN, photo("coffee"), seed=7, safety_tolerance=3, n=2)
    with pytest.raises(ParameterError, match="number_of_images, safety_tolerance, seed would be dropped") as caught:
        first.rerun(model="gpt-image")
    assert caught.value.how.endswith("Nothing was sent.")
    assert len(session.history) == 1
    second = first.rerun(model="gpt-image", without=["number_of_images", "seed", "safety_tolerance"])
    assert (second.model, len(second), dict(second.record.options)) == (LETTERS, 1, {})
    with pytest.raises(UsageError, match="auto is for a new request"):
        first.rerun(model="auto")


def test_more_pictures_than_the_other_model_takes_are_refused(
    session: nb.Session, photo: Callable[[str], Path]
) -> None:
    """Pictures are never left out."""
    first = session.edit("Put both side by side.", photo("coffee"), photo("chelsea"), seed=7)
    with pytest.raises(ParameterError, match="2 pictures are too many"):
        first.rerun(model="kontext")


def test_a_mask_is_carried_to_another_model_that_takes_one(session: nb.Session, photo: Callable[[str], Path]) -> None:
    """Under its name there, with the same picture."""
    first = session.edit("A bird.", photo("coffee"), model="qwen", mask="region", region=(0, 0, 0.5, 1), seed=3)
    second = first.rerun(model="z-image")
    assert second.record.masks[0].parameter == "mask_image_url"
    assert second.record.masks[0].sha256 == first.record.masks[0].sha256


def test_variations_may_be_asked_of_another_model(session: nb.Session, photo: Callable[[str], Path]) -> None:
    """One request a seed, with the seeds that are given."""
    first = session.edit(HAND, photo("coffee"), seed=7)
    varied = first.vary([1, 2], model="kontext")
    assert {(one.model, one.seed) for one in varied} == {(LOCAL, 1), (LOCAL, 2)}
    with pytest.raises(UsageError, match="takes no seed"):
        first.vary([1, 2], model="gpt-image")


def test_a_composed_prompt_is_composed_anew_for_the_other_model(
    session: nb.Session, photo: Callable[[str], Path]
) -> None:
    """`image 2` of the one is `the second image` of the other; the parts stay."""
    words = nb.prompt(keep="the cup", change="Put the cat beside it", references={2: "the cat"})
    first = session.edit(words, photo("coffee"), photo("chelsea"), seed=7)
    second = first.rerun(model="qwen")
    assert "image 2" in first.prompt
    assert "the second image" in second.prompt
    assert second.record.parts == first.record.parts


def test_a_mask_that_a_model_needs_is_said_as_it_is_written(session: nb.Session, photo: Callable[[str], Path]) -> None:
    """For a line and for Python."""
    with pytest.raises(ParameterError, match="needs a mask") as caught:
        session.request("Paint a bird.", [photo("coffee")], model="z-image")
    assert "--mask PICTURE" in caught.value.how
    assert "mask=" in caught.value.how
