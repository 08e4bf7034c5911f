"""The digests of a request: what makes two questions the same, and two submissions."""

from __future__ import annotations

import hashlib
import json
from contextvars import copy_context
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nbbanana.images import ImageInput
from nbbanana.request import SEED_LIMIT, EditRequest, Origin, canonical_json, origin, sha256_of

NAMES = st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=1, max_size=6)
SCALARS = st.text(max_size=6) | st.integers() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)
PARAMETERS = st.dictionaries(
    NAMES.filter(lambda name: name != "seed"), SCALARS | st.lists(SCALARS, max_size=3), max_size=5
)
IMAGES = st.lists(
    st.builds(ImageInput, name=st.text(max_size=6), identity=st.from_regex(r"sha256:[0-9a-f]{4}", fullmatch=True)),
    max_size=4,
)
JSON = st.recursive(
    st.none() | SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
)


def request(parameters: dict[str, Any], images: list[ImageInput] = [], **more: Any) -> EditRequest:  # noqa: B006
    """A request of some model."""
    return EditRequest("google/nano-banana-2/edit", parameters, tuple(images), **more)


@given(parameters=PARAMETERS, images=IMAGES, data=st.data())
def test_the_order_of_parameters_does_not_matter(
    parameters: dict[str, Any], images: list[ImageInput], data: st.DataObject
) -> None:
    """The same question, however its parameters were written down."""
    shuffled = dict(data.draw(st.permutations(list(parameters.items()))))
    assert request(shuffled, images).ask == request(parameters, images).ask


@given(parameters=PARAMETERS, images=IMAGES, name=st.text(max_size=6))
def test_what_a_picture_is_called_does_not_matter(
    parameters: dict[str, Any], images: list[ImageInput], name: str
) -> None:
    """Neither its name, nor its size on record, nor where a service holds it."""
    others = [
        replace(image, name=name, width=7, source=b"x", remote_url="https://a.example/b", remote_provider="runcomfy")
        for image in images
    ]
    assert request(parameters, others).ask == request(parameters, images).ask


@given(parameters=PARAMETERS, images=IMAGES, name=NAMES, value=SCALARS)
def test_any_parameter_that_changes_changes_the_question(
    parameters: dict[str, Any], images: list[ImageInput], name: str, value: Any
) -> None:
    """Another value, another name, one more, one less."""
    changed = parameters | {name: value}
    assume(canonical_json(changed) != canonical_json(parameters))
    assert request(changed, images).ask != request(parameters, images).ask


@given(parameters=PARAMETERS, images=IMAGES, data=st.data())
def test_the_order_of_pictures_matters(
    parameters: dict[str, Any], images: list[ImageInput], data: st.DataObject
) -> None:
    """The first is the one that is edited."""
    shuffled = data.draw(st.permutations(images))
    same_order = [image.identity for image in shuffled] == [image.identity for image in images]
    assert (request(parameters, list(shuffled)).ask == request(parameters, images).ask) is same_order


@given(parameters=PARAMETERS, images=IMAGES.filter(bool))
def test_each_picture_matters(parameters: dict[str, Any], images: list[ImageInput]) -> None:
    """One less, one more, or another in its place."""
    asked = request(parameters, images).ask
    other = replace(images[0], identity="sha256:other")
    for changed in (images[1:], [*images, images[0]], [other, *images[1:]]):
        assert request(parameters, changed).ask != asked


def test_the_model_matters() -> None:
    """The same words to another model are another question."""
    assert EditRequest("a/b", {"prompt": "x"}).ask != EditRequest("a/c", {"prompt": "x"}).ask


@given(parameters=PARAMETERS, images=IMAGES, minted=st.integers(0, SEED_LIMIT))
def test_a_minted_seed_is_in_the_submission_and_not_in_the_question(
    parameters: dict[str, Any], images: list[ImageInput], minted: int
) -> None:
    """Asking again is the same question and another sample."""
    parameters.pop("seed", None)
    plain = request(parameters, images)
    seeded = replace(plain, minted_seed=minted)
    assert seeded.ask == plain.ask
    assert seeded.digest("sandbox") != plain.digest("sandbox")
    assert seeded.seed == minted
    assert dict(seeded.parameters) == parameters
    assert not seeded.is_seeded


@given(parameters=PARAMETERS, seed=st.integers(), minted=st.integers(0, SEED_LIMIT))
def test_a_seed_that_was_given_is_in_the_question(parameters: dict[str, Any], seed: int, minted: int) -> None:
    """And is the one that goes out; nothing is minted then."""
    given_ = parameters | {"seed": seed}
    asked = request(given_)
    assert asked.is_seeded
    assert asked.seed == seed
    assert asked.ask != request({name: value for name, value in given_.items() if name != "seed"}).ask
    assert asked.with_seed_for("seed") == asked
    assert replace(asked, minted_seed=minted).seed == seed


@given(parameters=PARAMETERS)
def test_the_provider_is_in_the_submission(parameters: dict[str, Any]) -> None:
    """The same question to two services is two submissions."""
    asked = request(parameters)
    assert asked.digest("sandbox") != asked.digest("runcomfy")
    assert asked.digest("sandbox") == request(parameters).digest("sandbox")


def test_every_request_gets_a_seed_of_its_own() -> None:
    """Minted at random, within what every service takes."""
    seeds = {request({"prompt": "x"}).with_seed_for("seed").seed for _ in range(200)}
    assert len(seeds) > 190
    assert all(seed is not None and 0 <= seed < SEED_LIMIT for seed in seeds)


def test_a_model_without_a_seed_gets_none() -> None:
    """Nothing is minted, nothing is sent; the digest of the submission is still its own."""
    asked = request({"prompt": "x"}).with_seed_for(None)
    assert (asked.seed, asked.is_seeded, dict(asked.parameters)) == (None, False, {"prompt": "x"})
    assert asked.digest("sandbox") == request({"prompt": "x"}, seed_field=None).digest("sandbox")


def test_a_seed_by_another_name() -> None:
    """Where a model calls it differently, that name is used."""
    asked = request({"prompt": "x", "noise_seed": 3}).with_seed_for("noise_seed")
    assert (asked.seed, asked.is_seeded, asked.minted_seed) == (3, True, None)
    minted = request({"prompt": "x"}).with_seed_for("noise_seed")
    assert (minted.seed_field, minted.seed) == ("noise_seed", minted.minted_seed)
    assert dict(minted.parameters) == {"prompt": "x"}


def test_a_request_cannot_be_changed_from_outside() -> None:
    """Its parameters are a copy that nobody can write to."""
    parameters = {"prompt": "x"}
    asked = request(parameters)
    before = asked.ask
    parameters["prompt"] = "y"
    assert (asked.prompt, asked.ask) == ("x", before)
    with pytest.raises(TypeError):
        asked.parameters["prompt"] = "z"  # type: ignore[index]


@given(JSON)
def test_canonical_json_is_json_and_only_one_spelling(value: Any) -> None:
    """Reading it gives the value back, and writing that again gives the same text."""
    text = canonical_json(value)
    assert json.loads(text) == value
    assert canonical_json(json.loads(text)) == text
    assert sha256_of(value) == sha256_of(json.loads(text))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), [float("nan")], {"a": float("inf")}])
def test_canonical_json_refuses_what_is_no_number(value: Any) -> None:
    """A digest of NaN would be one of a text that no other reader takes."""
    with pytest.raises(ValueError, match="Out of range"):
        canonical_json(value)


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", 1j, {"a": object()}, {("a",): 1}])
def test_canonical_json_refuses_what_is_not_json(value: Any) -> None:
    """There is no falling back to `str()`: two different things would have one digest."""
    with pytest.raises(TypeError):
        canonical_json(value)


def test_an_unfit_parameter_has_no_digest() -> None:
    """The refusal reaches the request."""
    with pytest.raises(TypeError):
        _ = request({"mask": object()}).ask
    with pytest.raises(ValueError, match="Out of range"):
        _ = request({"strength": float("nan")}).ask


def test_half_a_character_still_has_a_digest() -> None:
    """Names of files may hold one; it is told apart from others."""
    assert sha256_of("\ud800") != sha256_of("\ud801")


def test_digests_stay_what_they_are() -> None:
    """Stores are searched by them: a change here makes every stored answer unfindable."""
    asked = EditRequest(
        "google/nano-banana-2/edit",
        {"prompt": "Make it snow. ❄", "seed": 7, "number_of_images": 2},
        (ImageInput("a.png", "sha256:00ff"),),
    )
    question = (
        '{"images":["sha256:00ff"],"model":"google/nano-banana-2/edit",'
        '"parameters":{"number_of_images":2,"prompt":"Make it snow. ❄","seed":7}}'
    )
    ask = hashlib.sha256(question.encode()).hexdigest()
    submission = f'{{"ask":"{ask}","provider":"sandbox","seed":7}}'
    assert asked.ask == ask
    assert asked.digest("sandbox") == hashlib.sha256(submission.encode()).hexdigest()


@given(st.lists(st.text(st.characters(exclude_characters="\r\n")), min_size=1), st.sampled_from(["\r\n", "\r"]))
def test_the_ends_of_lines_are_no_part_of_the_question(lines: list[str], end: str) -> None:
    """An editor that writes CR LF, or CR alone, asks the same as one that writes LF."""
    plain, other = (request({"prompt": mark.join(lines)}) for mark in ("\n", end))
    assert other.prompt == plain.prompt
    assert (other.ask, other.digest("sandbox")) == (plain.ask, plain.digest("sandbox"))
    assert "\r" not in other.prompt


def test_the_prompt_is_found_under_the_name_that_the_model_has_for_it() -> None:
    """Only that field is a prompt: another one that is called so keeps what it holds."""
    asked = request({"instruction": "a\r\nb", "prompt": "c\r\nd"}, prompt_field="instruction")
    assert asked.prompt == "a\nb"
    assert asked.parameters["prompt"] == "c\r\nd"
    assert request({"seed": 7}, prompt_field=None).prompt == ""


def test_where_a_request_comes_from_is_an_argument_whose_default_is_of_the_context() -> None:
    """A context that says nothing is a script; what is given counts more; the question stays the same."""
    assert request({}).origin == Origin(source="script")
    token = origin.set(Origin(notebook="study.ipynb", cell="abc", execution=3, source="notebook"))
    try:
        assert request({}).origin.cell == "abc"
        form = request({}, origin=Origin(source="form"))
    finally:
        origin.reset(token)
    assert (form.origin.source, form.ask) == ("form", request({}).ask)
    assert copy_context().run(lambda: request({}).origin) == Origin()
