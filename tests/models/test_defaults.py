"""Defaults that spoil an edit are found by the shape of a schema, and what is proposed is a value that it takes."""

from __future__ import annotations

from typing import Any

import pytest

from nbbanana import models
from nbbanana.models import Model, from_schema
from nbbanana.models.defaults import cautions, presets, proposals

SWITCH = {"type": "boolean", "default": True}
RATIO = {"type": "string", "enum": ["1:1", "3:2", "16:9"], "default": "1:1"}


def model(*, edits: bool = True, **fields: Any) -> Model:
    """A model with these fields beside its prompt and, where it edits, its picture."""
    pictures = {"image": {"type": "string", "format": "image_uri"}} if edits else {}
    return from_schema("made/up", {"properties": {"prompt": {"type": "string"}, **pictures, **fields}})


def test_of_the_shipped_models_those_are_named_whose_sources_say_so() -> None:
    """Three with a fixed ratio and no word for the input's, one with such a word, one that rewrites prompts."""
    found = {model_id: [(one.field, one.value) for one in proposals(models.get(model_id))] for model_id in models.ids()}
    assert {model_id: fields for model_id, fields in found.items() if fields} == {
        "bytedance/seedream-5.0-pro/image-to-image": [("aspect_ratio", "auto")],
        "openai/gpt-image-2.5/flare/edit": [("aspect_ratio", None)],
        "openai/gpt-image-2.5/sunburst/edit": [("aspect_ratio", None)],
        "openai/gpt-image-2/edit": [("aspect_ratio", None)],
        "qwen/qwen-image-2.1/edit": [("enhance_prompt", False)],
    }


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"aspect_ratio": RATIO | {"enum": ["auto", "1:1"]}}, {"aspect_ratio": "auto"}),
        ({"ratio": RATIO | {"enum": ["adaptive", "1:1", "3:4"], "default": "3:4"}}, {"ratio": "adaptive"}),
        (
            {"image_size": {"enum": ["auto", "square_hd", "portrait_4_3"], "default": "square_hd"}},
            {"image_size": "auto"},
        ),
        ({"size": {"enum": ["auto", "1024x1024", "1536x1024"], "default": "1024x1024"}}, {"size": "auto"}),
        ({"enhance_prompt": SWITCH}, {"enhance_prompt": False}),
        ({"enable_prompt_expansion": SWITCH}, {"enable_prompt_expansion": False}),
        ({"prompt_upsampling": SWITCH}, {"prompt_upsampling": False}),
        ({"prompt_optimizer": SWITCH}, {"prompt_optimizer": False}),
        ({"magic_prompt_option": {"enum": ["AUTO", "ON", "OFF"], "default": "AUTO"}}, {"magic_prompt_option": "OFF"}),
    ],
)
def test_what_is_proposed_is_a_value_that_the_model_takes(fields: dict[str, Any], found: dict[str, Any]) -> None:
    """Kinds of fields, whatever they are called; the request without it names it, the one with it does not."""
    made = model(**fields)
    assert presets(made) == found
    assert made.check({"prompt": "x", **found}, images=1) == {"prompt": "x", **found}
    assert len(cautions(made, {})) == 1
    assert cautions(made, found) == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"aspect_ratio": RATIO | {"enum": ["auto", "1:1"], "default": "auto"}},
        {"aspect_ratio": {"type": "string", "enum": ["1:1", "16:9"]}},
        {"enhance_prompt": {"type": "boolean", "default": False}},
        {"enhance_prompt": {"type": "boolean"}},
        {"negative_prompt": {"type": "string", "default": "blurry"}},
        {"enhance_face": SWITCH},
        {"resolution": {"type": "string", "enum": ["1K", "2K"], "default": "1K"}},
        {"magic_prompt_option": {"enum": ["AUTO", "ON"], "default": "AUTO"}},
    ],
)
def test_what_does_no_harm_or_cannot_be_helped_is_not_named(fields: dict[str, Any]) -> None:
    """No default, one that follows the input, another thing altogether, a switch without an off."""
    assert proposals(model(**fields)) == ()


def test_a_model_that_makes_pictures_from_words_has_no_input_to_follow() -> None:
    """A square is as good as any there; a prompt that is rewritten is still named."""
    assert proposals(model(edits=False, aspect_ratio=RATIO)) == ()
    assert len(proposals(model(edits=False, enhance_prompt=SWITCH))) == 1


def test_where_no_value_is_safe_it_is_said_and_the_nearest_is_named() -> None:
    """A form sets nothing then; a person chooses."""
    made = model(aspect_ratio=RATIO)
    assert presets(made) == {}
    (line,) = cautions(made, {"prompt": "x"}, (1200, 800))
    assert line == (
        "made/up may make a square picture: 1:1 is its aspect_ratio where none is set, and no word of it follows the "
        "input. Nearest to the input is --aspect-ratio 3:2."
    )
    assert cautions(made, {}, None)[0].endswith("Say which you want, such as --aspect-ratio 1:1.")


def test_a_width_and_a_height_are_a_shape_too() -> None:
    """Where both have a default, whatever the input is."""
    side = {"type": "integer", "default": 1024}
    made = model(width=side, height=side)
    assert cautions(made, {}) == (
        "made/up may make a picture of 1024×1024 pixels, whatever the input's shape: --width and --height say another.",
    )
    assert cautions(made, {"width": 1536, "height": 1024}) == ()
    assert proposals(model(width={"type": "integer"}, height={"type": "integer"})) == ()


def test_the_line_says_what_to_write() -> None:
    """The model, what it does by itself, and the option that changes it."""
    (line,) = cautions(models.get("seedream"), {})
    assert line == (
        "bytedance/seedream-5.0-pro/image-to-image makes a square picture unless told otherwise: "
        "--aspect-ratio auto follows the input."
    )
