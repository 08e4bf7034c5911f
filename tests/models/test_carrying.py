"""What a service carries: whole, with loss and a line that says so, or not, which is an error before it is sent."""

from __future__ import annotations

from typing import Any

import pytest

from nbbanana import models
from nbbanana.errors import ParameterError
from nbbanana.models import Model, from_schema
from nbbanana.models.carrying import carriers, losses, payload_for
from nbbanana.models.offers import offer

EDIT, NEWER = "google/nano-banana-2/edit", "google/nano-banana-2.1/edit"


def at(provider: str, model_id: str = NEWER) -> Model:
    """The model as the catalogue says that a service has it."""
    found = offer(provider, model_id)
    assert found is not None
    return from_schema(model_id, found.schema)


@pytest.mark.parametrize(
    ("provider", "name", "value", "others"),
    [
        ("gemini", "output_format", "webp", "fal and openrouter carry it"),
        ("gemini", "limit_generations", True, "fal carries it"),
        ("openrouter", "safety_tolerance", 2, "fal and gemini carry it"),
        ("openrouter", "enable_web_search", True, "fal and gemini carry it"),
        ("openrouter", "thinking_level", "high", "fal and gemini carry it"),
    ],
)
def test_a_parameter_that_would_be_dropped_is_an_error_that_says_who_carries_it(
    provider: str, name: str, value: Any, others: str
) -> None:
    """It names the parameter, the service, the others, and what to type; unset, there is nothing to drop."""
    model, live = models.get(NEWER), at(provider)
    with pytest.raises(ParameterError) as caught:
        payload_for(model, {"prompt": "x", name: value}, ["u"], live, provider)
    assert caught.value.what == f"{provider} does not carry {name} for {NEWER}."
    assert others in caught.value.why
    assert "--provider fal" in caught.value.how
    assert "Nothing was sent" in caught.value.how
    assert payload_for(model, {"prompt": "x"}, ["u"], live, provider) == {"prompt": "x", "image_urls": ["u"]}


def test_a_parameter_that_no_one_carries_says_that() -> None:
    """A field of a model that one's own service alone has."""
    words = {"prompt": {"type": "string"}}
    model = from_schema("a/b", {"properties": words | {"glow": {"type": "number"}}})
    with pytest.raises(ParameterError, match="does not carry glow") as caught:
        payload_for(model, {"prompt": "x", "glow": 1.0}, [], from_schema("a/b", {"properties": words}), "acme")
    assert "No service of the catalogue" in caught.value.why


def test_a_value_that_the_service_does_not_take_names_the_service() -> None:
    """The catalogue allows twenty pictures; what is sent is what this service takes."""
    model, live = models.get(EDIT), at("gemini", EDIT)
    with pytest.raises(ParameterError, match="15 pictures are too many") as caught:
        payload_for(model, {"prompt": "x"}, ["u"] * 15, live, "gemini")
    assert "gemini" in caught.value.why


@pytest.mark.parametrize("provider", ["gemini", "openrouter"])
def test_what_is_carried_with_loss_is_said_in_one_line_each(provider: str) -> None:
    """Only of what the user set."""
    model, live = models.get(NEWER), at(provider)
    (line,) = losses(model, {"prompt": "x", "seed": 7, "resolution": "4K"}, live, provider)
    assert line.startswith(f"{provider} carries seed with loss: ")
    assert losses(model, {"prompt": "x", "resolution": "4K"}, live, provider) == ()


def test_a_safety_level_at_gemini_says_what_becomes_of_it() -> None:
    """As thresholds, whatever the number."""
    (line,) = losses(models.get(NEWER), {"safety_tolerance": 3}, at("gemini"), "gemini")
    assert "thresholds of Google's safety settings" in line
    assert losses(models.get(NEWER), {"safety_tolerance": 3}, at("fal"), "fal") == ()


def test_one_output_goes_without_saying() -> None:
    """A service without a count makes one: to ask for one there drops nothing, to ask for two does."""
    model = models.get(NEWER)
    live = from_schema(NEWER, {"properties": {"prompt": {"type": "string"}, "image_urls": {"format": "image_uris"}}})
    assert "number_of_images" not in payload_for(model, {"prompt": "x", "number_of_images": 1}, ["u"], live, "acme")
    with pytest.raises(ParameterError, match="acme does not carry number_of_images"):
        payload_for(model, {"prompt": "x", "number_of_images": 2}, ["u"], live, "acme")


def test_who_carries_a_parameter_by_another_name_carries_it() -> None:
    """fal calls the count num_images."""
    assert carriers(NEWER, "number_of_images") == ("fal", "gemini", "openrouter")
    assert "runcomfy" in carriers(EDIT, "limit_generations")
    assert carriers("acme/paint", "seed") == ()
