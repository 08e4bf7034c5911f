"""Parameters are checked before anything is sent, and what is wrong is said so that it can be mended."""

from __future__ import annotations

import enum
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbbanana import models
from nbbanana.errors import ParameterError, PromptError
from nbbanana.models import Model

EDIT = "google/nano-banana-2/edit"
RATIOS = "auto, 21:9, 16:9, 3:2, 4:3, 5:4, 1:1, 4:5, 3:4, 2:3 or 9:16"


class Unspeakable:
    """An object that cannot be written down."""

    def __repr__(self) -> str:
        raise RuntimeError("no words")


@pytest.fixture
def model() -> Model:
    """The model that edits."""
    return models.get(EDIT)


def refused(model: Model, images: int = 1, **parameters: Any) -> list[str]:
    """The three lines with which parameters are refused."""
    with pytest.raises(ParameterError) as caught:
        model.check({"prompt": "Make it snow."} | parameters, images=images)
    assert caught.value.__cause__ is None
    return caught.value.lines


def test_what_is_allowed_comes_back_as_it_was(model: Model) -> None:
    """Only what the user set: no default is filled in."""
    given_ = {"prompt": "Keep the cat.\nMake it snow.", "number_of_images": 4, "seed": 7, "enable_web_search": True}
    assert model.check(given_, images=20) == given_
    assert model.check({"prompt": "x"}, images=1) == {"prompt": "x"}


def test_a_value_that_is_not_in_the_list(model: Model) -> None:
    """Field, value, what is allowed, the nearest; what it means; what to do."""
    assert refused(model, aspect_ratio="16:10") == [
        f"aspect_ratio must be {RATIOS}, not '16:10'. Did you mean 16:9?",
        "Width to height of the outputs; auto follows the input. Fix it to keep a series alike.",
        "Write 16:9, or leave it out (default: auto).",
    ]


@pytest.mark.parametrize(
    ("parameters", "first"),
    [
        ({"number_of_images": 9}, "number_of_images must be a whole number from 1 to 4, not 9. Did you mean 4?"),
        ({"number_of_images": 0}, "number_of_images must be a whole number from 1 to 4, not 0. Did you mean 1?"),
        ({"number_of_images": "4"}, "number_of_images must be a whole number from 1 to 4, not '4'. Did you mean 4?"),
        ({"number_of_images": 2.5}, "number_of_images must be a whole number from 1 to 4, not 2.5. Did you mean 2?"),
        ({"number_of_images": True}, "number_of_images must be a whole number from 1 to 4, not True."),
        ({"seed": True}, "seed must be a whole number, not True."),
        ({"seed": float("nan")}, "seed must be a whole number, not nan."),
        ({"seed": "lucky"}, "seed must be a whole number, not 'lucky'."),
        ({"seed": [1, 2]}, "seed must be a whole number, not [1, 2]."),
        ({"resolution": "8K"}, "resolution must be 0.5K, 1K, 2K or 4K, not '8K'. Did you mean 4K?"),
        ({"seed": 10**5000}, "seed must be a whole number, not a value of type int."),
        (
            {"number_of_images": 10**30},
            f"number_of_images must be a whole number from 1 to 4, not {10**30}. Did you mean 4?",
        ),
        (
            {"seed": "12345678901234567891"},
            "seed must be a whole number, not '12345678901234567891'. Did you mean 12345678901234567891?",
        ),
        ({"output_format": Unspeakable()}, "output_format must be png, jpeg or webp, not a value of type Unspeakable."),
        ({"resolution": 1024}, "resolution must be 0.5K, 1K, 2K or 4K, not 1024."),
        ({"enable_web_search": "yes"}, "enable_web_search must be true or false, not 'yes'."),
        ({"enable_web_search": 1}, "enable_web_search must be true or false, not 1."),
        ({"safety_tolerance": 7}, "safety_tolerance must be a whole number from 1 to 6, not 7. Did you mean 6?"),
        ({"output_format": object}, "output_format must be png, jpeg or webp, not <class 'object'>."),
    ],
)
def test_the_first_line_names_field_value_and_what_is_allowed(
    model: Model, parameters: dict[str, Any], first: str
) -> None:
    """For every kind of field, with the nearest value where there is one."""
    lines = refused(model, **parameters)
    assert lines[0] == first
    assert len(lines) == 3


def test_an_unknown_parameter_names_the_nearest(model: Model) -> None:
    """Nothing is ignored: a typing mistake would be paid for."""
    assert refused(model, resolutoin="2K")[::2] == [
        f"resolutoin is not a parameter of {EDIT}. Did you mean resolution?",
        "Write resolution.",
    ]
    assert refused(model, num_images=2)[0].endswith("Did you mean number_of_images?")
    assert "Did you mean" not in refused(model, xyz=1)[0]


def test_pictures_are_not_set_by_name(model: Model) -> None:
    """They are given beside the parameters, where they are checked and counted."""
    assert refused(model, image_urls=["https://example.com/a.png"])[0] == "image_urls is not set by name."


@pytest.mark.parametrize("images", [21, 400])
def test_pictures_are_counted(model: Model, images: int) -> None:
    """One to twenty; without one it says how to give one."""
    assert refused(model, images)[0] == f"{images} pictures are too many."
    assert refused(model, images)[1] == f"{EDIT} takes 1 to 20 in one request."
    assert refused(model, 0)[0] == "No picture was given."
    assert "%%nbedit photo.jpg" in refused(model, 0)[2]


@pytest.mark.parametrize(
    ("name", "written", "listed"),
    [
        ("resolution", "1k", "1K"),
        ("resolution", " 0.5k ", "0.5K"),
        ("aspect_ratio", "16x9", "16:9"),
        ("aspect_ratio", "16 : 9", "16:9"),
        ("aspect_ratio", "16/9", "16:9"),
        ("aspect_ratio", "Auto", "auto"),
        ("output_format", "jpg", "jpeg"),
        ("output_format", "PNG", "png"),
    ],
)
def test_a_listed_value_may_be_written_in_other_ways(model: Model, name: str, written: str, listed: str) -> None:
    """By a call and on a line alike; what is sent and recorded is what the model lists."""
    assert model.check({"prompt": "x", name: written}, images=1)[name] == listed
    assert model.parse_option(name, written) == listed


def test_a_model_without_pictures_takes_none() -> None:
    """And the one that does is named."""
    lines = refused(models.get("google/nano-banana-2/text-to-image"), 1)
    assert lines[0] == "google/nano-banana-2/text-to-image takes no pictures: 1 given."
    assert EDIT in lines[2]


@pytest.mark.parametrize("prompt", ["", "   \n\t", None, "\ud800"])
def test_no_words_are_a_prompt_error(model: Model, prompt: str | None) -> None:
    """Nothing, spaces, and half a character cannot be sent."""
    with pytest.raises(PromptError) as caught:
        model.check({"prompt": prompt}, images=1)
    assert len(caught.value.lines) == 3
    with pytest.raises(PromptError):
        model.check({}, images=1)


def test_a_prompt_is_text(model: Model) -> None:
    """Not a number, not a list."""
    assert refused(model, prompt=3)[0] == "prompt must be text, not 3."


def test_none_is_the_same_as_left_out(model: Model) -> None:
    """`seed=None` is how functions pass on what their caller did not say."""
    assert model.check({"prompt": "x", "seed": None}, images=1) == {"prompt": "x"}


def test_what_numpy_gives_is_what_it_stands_for(model: Model) -> None:
    """Sweeps come from arange; JSON knows no NumPy."""

    class Format(enum.StrEnum):
        PNG = "png"

    found = model.check(
        {
            "prompt": np.str_("x"),
            "seed": np.int64(7),
            "number_of_images": np.float32(2.0),
            "enable_web_search": np.bool_(True),
            "safety_tolerance": np.array(3),
            "output_format": Format.PNG,
        },
        images=1,
    )
    assert json.dumps(found) == (
        '{"prompt": "x", "seed": 7, "number_of_images": 2, "enable_web_search": true, "safety_tolerance": 3, '
        '"output_format": "png"}'
    )
    assert {type(value) for value in found.values()} == {str, int, bool}


def test_a_long_value_is_cut_in_the_message(model: Model) -> None:
    """A message stays a line."""
    assert len(refused(model, output_format="x" * 10_000)[0]) < 150


def test_outputs_are_counted(model: Model) -> None:
    """One, unless the parameters say more."""
    assert [model.count(parameters) for parameters in ({}, {"number_of_images": 3}, {"number_of_images": None})] == [
        1,
        3,
        1,
    ]


def test_a_payload_holds_what_was_set_and_the_pictures(model: Model) -> None:
    """Flat, under the service's names, without a default."""
    urls = ["https://example.com/a.png", "data:image/png;base64,AA=="]
    parameters = model.check({"prompt": "x", "seed": 7}, images=2)
    assert model.payload(parameters, urls) == {"prompt": "x", "seed": 7, "image_urls": urls}
    assert parameters == {"prompt": "x", "seed": 7}
    make = models.get("google/nano-banana-2/text-to-image")
    assert make.payload({"prompt": "x"}, []) == {"prompt": "x"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(
    name=st.sampled_from([field.name for field in models.get(EDIT).fields]) | st.text(max_size=12),
    value=JSON,
    images=st.integers(-1, 25),
)
def test_whatever_is_given_is_sent_whole_or_refused_in_three_lines(name: str, value: object, images: int) -> None:
    """No value breaks the check, and what passes is JSON."""
    model = models.get(EDIT)
    refusal: list[str] = []
    found: dict[str, Any] = {}
    try:
        found = model.check({"prompt": "Make it snow.", name: value}, images=images)
    except (ParameterError, PromptError) as error:
        refusal = error.lines
    if refusal:
        assert len(refusal) in {2, 3}
        assert all(len(line) < 400 for line in refusal)
    else:
        assert 1 <= images <= 20
        json.dumps(found, allow_nan=False, ensure_ascii=False).encode("utf-8")
        assert value is None or found[name] == value
