"""Schemas that a service hands out: any image model works by its id, and what a live schema renames is renamed."""

from __future__ import annotations

import builtins
import socket
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.tiers import scaled

from nbbanana import models
from nbbanana.errors import InputError, ParameterError, PromptError, ProtocolError
from nbbanana.models import from_schema

from .schemas import GPT_IMAGE, INPAINTING, KONTEXT, NANO_BANANA, NANO_BANANA_LITE, SAMPLE, SEEDREAM

EDIT = "google/nano-banana-2/edit"


@pytest.mark.parametrize(
    ("model_id", "schema", "field", "is_list", "most"),
    [
        ("openai/gpt-image-2/edit", GPT_IMAGE, "images", True, 10),
        ("blackforestlabs/flux-1-kontext/pro/edit", KONTEXT, "image_url", False, 1),
        ("tongyi-mai/z-image/turbo/inpainting", INPAINTING, "image_url", False, 1),
        ("bytedance/seedream-5.0-pro/image-to-image", SEEDREAM, "image", True, 10),
        ("google/nano-banana-2-lite/edit", NANO_BANANA_LITE, "image_urls", True, 10),
    ],
)
def test_pictures_go_where_the_schema_says(
    model_id: str, schema: dict[str, Any], field: str, is_list: bool, most: int
) -> None:
    """Found by format, not by name: a list stays a list, one is one."""
    model = from_schema(model_id, schema)
    assert (model.kind, model.images_field, model.field(field).is_list) == ("edit", field, is_list)
    assert (model.min_images, model.max_images) == (1, most)
    mask = {"mask_image_url": SAMPLE} if model.mask_field else {}
    parameters = model.check({"prompt": "x"} | mask, images=1)
    urls = ["https://example.com/a.png"]
    assert model.payload(parameters, urls)[field] == (urls if is_list else urls[0])
    with pytest.raises(ParameterError, match=f"^{most + 1} pictures are too many"):
        model.check({"prompt": "x"} | mask, images=most + 1)
    assert not model.is_shipped


def test_samples_are_not_defaults() -> None:
    """Somebody's prompt, picture and seed are neither shown nor sent; what a field takes by itself is shown."""
    model = from_schema("blackforestlabs/flux-1-kontext/pro/edit", KONTEXT)
    assert {field.name: field.default for field in model.fields} == {
        "prompt": None,
        "image_url": None,
        "seed": None,
        "aspect_ratio": "16:9",
        "guidance_scale": 3.5,
    }
    assert model.payload(model.check({"prompt": "x"}, images=1), ["u"]) == {"prompt": "x", "image_url": "u"}
    with pytest.raises(PromptError):
        model.check({}, images=1)


def test_a_float_is_a_number() -> None:
    """The dialect's own type is checked like JSON's."""
    model = from_schema("a/b", INPAINTING)
    assert model.field("strength").kind == "number"
    for written in (1, 1.0, model.parse_option("strength", "1")):
        found = model.check({"prompt": "x", "mask_image_url": "m", "strength": written}, images=1)["strength"]
        assert repr(found) == "1.0"
    with pytest.raises(ParameterError, match=r"strength must be a number from 0 to 1, not 1\.5\. Did you mean 1\?"):
        model.check({"prompt": "x", "mask_image_url": "m", "strength": 1.5}, images=1)


def test_a_mask_is_not_the_picture() -> None:
    """Even where it comes first and has the same format; and a model that needs one says so."""
    model = from_schema("tongyi-mai/z-image/turbo/inpainting", INPAINTING)
    assert (model.mask_field, model.images_field) == ("mask_image_url", "image_url")
    assert model.field("mask_image_url") in model.options
    with pytest.raises(ParameterError, match="mask_image_url is missing"):
        model.check({"prompt": "x"}, images=1)


def test_a_count_by_any_name_is_the_count() -> None:
    """`-n` works on every model that has one."""
    model = from_schema("a/b", {"properties": {"prompt": {"type": "string"}, "num_images": {"type": "integer"}}})
    assert (model.count_field, model.field("num_images").short) == ("num_images", "-n")
    assert model.count({"num_images": 3}) == 3


def test_a_model_without_seed_or_count() -> None:
    """What is not there is None; one output is asked for."""
    model = from_schema("openai/gpt-image-2/edit", GPT_IMAGE)
    assert (model.seed_field, model.count_field, model.count({})) == (None, None, 1)


def test_a_field_that_the_service_renames_is_sent_under_its_name() -> None:
    """The user keeps the catalogue's names; what travels are the service's."""
    shipped, live = models.get(EDIT), from_schema(EDIT, NANO_BANANA)
    parameters = shipped.check({"prompt": "x", "number_of_images": 4, "seed": 7, "safety_tolerance": 2}, images=2)
    assert shipped.payload(parameters, ["a", "b"], live=live) == {
        "prompt": "x",
        "num_images": 4,
        "seed": 7,
        "safety_tolerance": "2",
        "image_urls": ["a", "b"],
    }
    assert "number_of_images" in parameters


def test_what_the_service_no_longer_takes_is_an_error_before_it_is_sent() -> None:
    """A parameter that is gone, a value that is gone, more pictures than it takes."""
    shipped, live = models.get(EDIT), from_schema(EDIT, NANO_BANANA)
    narrow = {
        **NANO_BANANA,
        "properties": {**NANO_BANANA["properties"], "resolution": {"type": "string", "enum": ["1K"]}},
    }
    with pytest.raises(ParameterError, match=r"enable_web_search is not a parameter of .* at this service"):
        shipped.payload({"prompt": "x", "enable_web_search": True}, ["a"], live=live)
    with pytest.raises(ParameterError, match="resolution must be 1K, not '4K'"):
        shipped.payload({"prompt": "x", "resolution": "4K"}, ["a"], live=from_schema(EDIT, narrow))
    with pytest.raises(ParameterError, match="takes 1 to 14"):
        shipped.payload({"prompt": "x"}, ["a"] * 15, live=live)


def test_a_live_schema_that_agrees_changes_nothing() -> None:
    """The common case."""
    shipped = models.get(EDIT)
    live = from_schema(EDIT, shipped.schema)
    parameters = {"prompt": "x", "number_of_images": 2, "enable_web_search": False}
    assert shipped.payload(parameters, ["a"], live=live) == shipped.payload(parameters, ["a"])


def test_other_ways_to_write_a_schema() -> None:
    """Types that may be null, types left out, formats on the items, names alone."""
    model = from_schema(
        "a/b",
        {
            "properties": {
                "prompt": {"type": ["null", "string"]},
                "images": {"type": "array", "items": {"type": "string", "format": "image_uri"}},
                "size": {"enum": [512, 1024]},
                "ratio": {"default": 0.5},
                "extra": {},
            }
        },
    )
    assert {field.name: field.kind for field in model.fields} == {
        "prompt": "string",
        "images": "array",
        "size": "integer",
        "ratio": "number",
        "extra": "string",
    }
    assert (model.images_field, model.min_images, model.max_images) == ("images", 0, None)
    assert model.check({"prompt": "x", "size": 512}, images=400) == {"prompt": "x", "size": 512}
    assert from_schema("a/b", {"properties": {"image_url": {"type": "string"}}}).images_field == "image_url"


@pytest.mark.parametrize(
    "schema", [{}, {"properties": {}}, {"properties": []}, {"properties": {"a": "string"}}, {"properties": None}]
)
def test_a_schema_that_is_none_is_a_protocol_error(schema: dict[str, Any]) -> None:
    """The model is named, and what can be done."""
    with pytest.raises(ProtocolError, match="a/b cannot be read") as caught:
        from_schema("a/b", schema)
    assert len(caught.value.lines) == 3


def test_a_hostile_schema_fetches_and_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """References, endless patterns and code in names stay words."""
    ran: list[str] = []
    monkeypatch.setattr(builtins, "pwned", lambda: ran.append("ran"), raising=False)
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: ran.append("connected"))
    poison = '"]; pwned(); x = ["'
    schema = {
        "$ref": "http://127.0.0.1:9/steal",
        "properties": {
            "prompt": {"type": "string", "$ref": "http://127.0.0.1:9/steal", "pattern": "(a+)+$"},
            poison: {"type": "string", "enum": [poison, "{pwned()}", "\n    pwned()"], "description": poison},
            "{variable}": {"type": "integer", "minimum": "pwned()", "maximum": 3, "$id": poison},
            "__class__": {"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:9"}}},
        },
        "required": [poison, "nobody"],
    }
    model = from_schema("a/b", schema)
    found = model.check({"prompt": "a" * 60 + "!", poison: poison, "{variable}": 2, "__class__": {"a": 1}}, images=0)
    assert found[poison] == poison
    with pytest.raises(ParameterError):
        model.check({"prompt": "a", poison: "other", "{variable}": 2}, images=0)
    assert ran == []


LIMITS = ["minimum", "maximum", "minItems", "maxItems", "multipleOf"]
WORDS = st.sampled_from(["type", "enum", "items", "format", "default", "description", "x-nbbanana", "role", *LIMITS])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats()
    | st.sampled_from(["string", "integer", "float", "array", "object", "image_uri", "image_uris", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=scaled(60))
@given(
    properties=st.dictionaries(
        st.sampled_from(["prompt", "image_urls", "mask", "seed", "num_images", "x"]),
        st.dictionaries(WORDS, VALUES, max_size=5),
        max_size=4,
    ),
    required=VALUES,
)
def test_any_schema_gives_a_model_or_a_protocol_error(properties: dict[str, Any], required: object) -> None:
    """A service may answer anything; a model that came out of it can be asked anything."""
    outcome: list[models.Model] = []
    try:
        outcome.append(from_schema("a/b", {"properties": properties, "required": required}))
    except ProtocolError:
        return
    [model] = outcome
    for field in model.options:
        for value in ("x", 1, 0.5, True, [1], {"a": 1}):
            try:
                checked = model.check({"prompt": "x", field.name: value}, images=1)
            except InputError:
                continue
            assert checked[field.name] == value
