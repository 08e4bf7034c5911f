"""What a model's fields are for follows from its schema, whatever they are called."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from nbbanana import models
from nbbanana.errors import ParameterError, PromptError, ProtocolError
from nbbanana.grammar import options_of, parse, to_cell
from nbbanana.request import EditRequest

IMAGE, IMAGES = {"type": "string", "format": "image_uri"}, {"type": "array", "format": "image_uris", "maxItems": 3}
TEXT = {"type": "string"}

FOREIGN: dict[str, Any] = {
    "type": "object",
    "required": ["instruction", "source"],
    "properties": {
        "style_image": IMAGE,
        "instruction": TEXT | {"default": "A sample."},
        "source": IMAGE,
        "references": IMAGES,
        "mask_url": IMAGE,
        "seed": {"type": "integer"},
        "n": {"type": "integer", "minimum": 1, "maximum": 4},
    },
}
"""A model that calls nothing as the shipped ones do: words, two fields for references, and a mask."""


def model(schema: dict[str, Any] = FOREIGN) -> models.Model:
    """A model of a schema that a service handed out."""
    return models.from_schema("other/x", schema)


def test_a_model_that_calls_nothing_as_usual_is_used_by_its_roles() -> None:
    """Words, pictures, mask, seed and count are found; only what is set by name is an option."""
    found = model()
    assert (found.prompt_field, found.images_field, found.mask_field) == ("instruction", "source", "mask_url")
    assert (found.seed_field, found.count_field, found.kind) == ("seed", "n", "edit")
    assert [one.name for one in found.picture_fields] == ["source", "style_image", "references"]
    assert [one.name for one in found.options] == ["mask_url", "seed", "n"]
    assert (found.min_images, found.max_images) == (1, 5)


def test_words_are_checked_and_sent_under_their_own_name() -> None:
    """A prompt is what the model takes for one."""
    asked = model().check({"instruction": "Make it night.", "n": 2}, images=1)
    assert asked == {"instruction": "Make it night.", "n": 2}
    assert model().payload(asked, ["https://a.example/1.png"])["source"] == "https://a.example/1.png"
    with pytest.raises(PromptError):
        model().check({"instruction": " "}, images=1)


def test_a_cell_is_read_and_written_without_the_word_prompt() -> None:
    """The body is the prompt, whatever the field is called."""
    cell = parse("a.jpg --n 2", "Make it night.\n", default_model="other/x", model_of=lambda _: model())
    parameters = {"instruction": cell.prompt, **cell.parameters}
    request = EditRequest("other/x", parameters, prompt_field=model().prompt_field)
    assert to_cell(request, ["a.jpg"], default_model="other/x") == "%%nbedit a.jpg --n 2\nMake it night."
    assert "--instruction" not in {option.name for option in options_of(model())}


@pytest.mark.parametrize(
    ("count", "shared"),
    [
        (1, {"source": [0]}),
        (2, {"source": [0], "style_image": [1]}),
        (4, {"source": [0], "style_image": [1], "references": [2, 3]}),
    ],
)
def test_pictures_go_to_the_fields_that_take_pictures(count: int, shared: dict[str, list[int]]) -> None:
    """The first is edited, the others are references; none is ever sent as a text that names a file."""
    assert model().share_pictures(range(count)) == shared
    urls = [f"https://a.example/{number}.png" for number in range(count)]
    payload = model().payload({"instruction": "x"}, urls)
    assert payload["source"] == urls[0]
    assert payload.get("references", []) == urls[2:]
    with pytest.raises(ParameterError, match="not set by name"):
        model().check({"instruction": "x", "style_image": "style.png"}, images=1)
    with pytest.raises(ParameterError, match="too many"):
        model().check({"instruction": "x"}, images=6)


def test_what_a_second_field_needs_is_left_to_it() -> None:
    """A list that would take all leaves a required picture to the field that needs it."""
    found = model(
        {
            "required": ["prompt", "images", "control_image"],
            "properties": {"prompt": TEXT, "images": IMAGES | {"maxItems": 9}, "control_image": IMAGE},
        }
    )
    assert found.min_images == 2
    assert found.share_pictures("abc") == {"images": ["a", "b"], "control_image": ["c"]}


def test_a_stored_schema_makes_the_whole_model_at_once() -> None:
    """Equal schemas give the same model, so that a thousand records of it cost one."""
    stored = json.dumps(FOREIGN)
    assert model(json.loads(stored)) is model(json.loads(stored))
    assert models.from_schema("other/y", FOREIGN) is not model()
    begun = time.process_time()
    for _ in range(1000):
        model(json.loads(stored))
    assert time.process_time() - begun < 1.0


def deep(levels: int) -> dict[str, Any]:
    """A list of lists."""
    node: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        node = {"type": "array", "items": node}
    return node


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"prompt": deep(900)}},
        {"properties": {"prompt": deep(20)}},
        {"properties": {"n": {"type": "integer", "maximum": 10**5000}}},
        {"properties": {"prompt": {"type": "string", "description": "x" * 2**21}}},
        {"properties": {"prompt": {"type": "string", "default": object()}}},
        {"properties": 3},
    ],
)
def test_a_schema_that_is_a_trap_is_a_typed_error(schema: dict[str, Any]) -> None:
    """Nesting, digits and sizes that nobody means."""
    with pytest.raises(ProtocolError):
        model(schema)
