"""Text from a command line becomes typed values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbbanana import models
from nbbanana.errors import ParameterError
from nbbanana.models import Field, Model, from_schema
from nbbanana.models.checking import allowed

from .schemas import INPAINTING

EDIT = "google/nano-banana-2/edit"


@pytest.fixture
def model() -> Model:
    """The model that edits."""
    return models.get(EDIT)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("number_of_images", "4", 4),
        ("seed", "-7", -7),
        ("seed", " 00012 ", 12),
        ("seed", "123456789012345678901234567890", 123456789012345678901234567890),
        ("aspect_ratio", "16:9", "16:9"),
        ("enable_web_search", "true", True),
        ("enable_web_search", "OFF", False),
        ("limit_generations", "1", True),
    ],
)
def test_a_text_becomes_what_it_says(model: Model, name: str, text: str, value: object) -> None:
    """Of the field's own type, checked."""
    found = model.parse_option(name, text)
    assert (found, type(found)) == (value, type(value))
    assert model.parse_option(model.field(name), text) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("number_of_images", "5"),
        ("number_of_images", "four"),
        ("number_of_images", "2.0"),
        ("number_of_images", ""),
        ("seed", "1_000"),
        ("seed", "４"),
        ("seed", "0x10"),
        ("seed", "9" * 5000),
        ("aspect_ratio", "16:10"),
        ("enable_web_search", "maybe"),
    ],
)
def test_what_it_cannot_mean_is_refused_like_a_wrong_value(model: Model, name: str, text: str) -> None:
    """The field, the text, and what is allowed."""
    with pytest.raises(ParameterError) as caught:
        model.parse_option(name, text)
    assert caught.value.lines[0].startswith(f"{name} must be ")
    assert len(caught.value.lines) == 3


def test_an_unknown_option_names_the_nearest(model: Model) -> None:
    """By the parameter's name."""
    with pytest.raises(ParameterError, match="Did you mean seed"):
        model.parse_option("sede", "1")


def test_numbers_and_lists_of_a_live_model() -> None:
    """Floats, lists with commas or as JSON, steps."""
    model = from_schema("tongyi-mai/z-image/turbo/inpainting", INPAINTING)
    assert model.parse_option("strength", "0.35") == 0.35
    assert model.parse_option("strength", "1") == 1
    assert model.parse_option("loras", "a.safetensors, b") == ["a.safetensors", "b"]
    assert model.parse_option("loras", '["a,b"]') == ["a,b"]
    assert model.parse_option("steps", "8") == 8
    for name, text in (
        ("strength", "nan"),
        ("strength", "inf"),
        ("strength", "1,5"),
        ("strength", "1_0"),
        ("loras", "[1]"),
    ):
        with pytest.raises(ParameterError, match=name):
            model.parse_option(name, text)
    with pytest.raises(ParameterError, match="from 4 to 40 in steps of 4"):
        model.parse_option("steps", "9")
    with pytest.raises(ParameterError, match="a list of texts, at most 3 items"):
        model.parse_option("loras", "a,b,c,d")


def value_for(field: Field) -> st.SearchStrategy[object]:
    """Any value that a field of the shipped model takes."""
    if field.enum:
        return st.sampled_from(field.enum)
    if field.kind == "boolean":
        return st.booleans()
    low = None if field.minimum is None else int(field.minimum)
    high = None if field.maximum is None else int(field.maximum)
    return st.integers(low, high)


@given(st.data())
def test_what_is_written_is_read_back(data: st.DataObject) -> None:
    """Any allowed value of any option survives being written on a command line."""
    model = models.get(EDIT)
    field = data.draw(st.sampled_from(model.options))
    value = data.draw(value_for(field))
    found = model.parse_option(field, str(value))
    assert (found, type(found)) == (value, type(value))
    assert model.check({"prompt": "x", field.name: found}, images=1)[field.name] == value


@given(name=st.sampled_from([field.name for field in models.get(EDIT).options]), text=st.text(max_size=12))
def test_any_text_is_a_value_or_a_parameter_error(name: str, text: str) -> None:
    """Nothing else comes out of the command line."""
    model = models.get(EDIT)
    outcome: list[object] = []
    try:
        outcome.append(model.parse_option(name, text))
    except ParameterError as error:
        outcome.append(error)
    if not isinstance(outcome[0], ParameterError):
        assert model.check({"prompt": "x", name: outcome[0]}, images=1)[name] == outcome[0]


@pytest.mark.parametrize(
    ("node", "words"),
    [
        ({"type": "integer"}, "a whole number"),
        ({"type": "integer", "minimum": 1}, "a whole number, at least 1"),
        ({"type": "float", "maximum": 0.5}, "a number, at most 0.5"),
        (
            {"type": "integer", "minimum": 64, "maximum": 2048, "multipleOf": 64},
            "a whole number from 64 to 2048 in steps of 64",
        ),
        ({"type": "string", "minLength": 1}, "text"),
        ({"type": "string", "minLength": 1, "maxLength": 200}, "text of at most 200 characters"),
        ({"type": "string", "minLength": 6, "maxLength": 6}, "text of exactly 6 characters"),
        (
            {"type": "array", "items": {"type": "float"}, "minItems": 2, "maxItems": 4},
            "a list of numbers, 2 to 4 items",
        ),
        ({"type": "boolean"}, "true or false"),
        ({"type": "object"}, "a mapping"),
        ({"enum": ["only"]}, "only"),
        ({"enum": [1, 2]}, "1 or 2"),
        ({"enum": [True, False]}, "true or false"),
    ],
)
def test_what_a_field_takes_in_words(node: dict[str, object], words: str) -> None:
    """The phrase that messages and help share."""
    assert allowed(from_schema("a/b", {"properties": {"x": node}}).field("x")) == words
