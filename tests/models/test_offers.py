"""What services have of the catalogue's models: files of data, each with its source and its day."""

from __future__ import annotations

import datetime as dt

import fastjsonschema
import pytest

from nbbanana import models
from nbbanana.models import from_schema
from nbbanana.models.offers import Offer, offer, who_has

EDIT, MAKE, NEWER = "google/nano-banana-2/edit", "google/nano-banana-2/text-to-image", "google/nano-banana-2.1/edit"
ALL = [(provider, model) for model in models.ids() for provider in who_has(model)]


def found(provider: str, model: str) -> Offer:
    """An offer that is there."""
    there = offer(provider, model)
    assert there is not None
    return there


@pytest.mark.parametrize(("provider", "model"), ALL)
def test_each_says_where_it_was_read_and_on_which_day(provider: str, model: str) -> None:
    """So that a user can judge it; its schema is one, and its prices and tokens have their own source."""
    there = found(provider, model)
    days = [there.read, *filter(None, [there.alive, there.ends])]
    for part in filter(None, [there.prices, there.tokens]):
        days.append(part.read)
        assert part.source
    assert all(dt.date.fromisoformat(day) > dt.date(2026, 1, 1) for day in days)
    assert there.source
    fastjsonschema.compile(dict(there.schema), use_default=False)


@pytest.mark.parametrize(("provider", "model"), ALL)
def test_each_parameter_there_is_one_of_the_model(provider: str, model: str) -> None:
    """By its name or its role: a parameter that no one can set would be dead data."""
    there, own = from_schema(model, found(provider, model).schema), models.get(model)
    roles = {field.role for field in own.fields if field.role}
    names = {field.name for field in own.fields}
    assert {field.name for field in there.fields if field.role not in roles} <= names


@pytest.mark.parametrize(("provider", "model"), ALL)
def test_each_value_of_the_price_list_is_one_that_can_be_asked_for(provider: str, model: str) -> None:
    """A factor for a value that no schema allows would never count."""
    prices = found(provider, model).prices
    for name, factors in (prices.factors if prices else {}).items():
        assert set(factors) <= set(models.get(model).field(name).enum)


@pytest.mark.parametrize(
    ("provider", "model", "name"),
    [
        ("fal", EDIT, "fal-ai/nano-banana-2/edit"),
        ("fal", NEWER, "google/nano-banana-2.1/edit"),
        ("gemini", NEWER, "gemini-nano-banana-2.1"),
        ("gemini", EDIT, "gemini-3.1-flash-image"),
        ("openrouter", NEWER, "google/gemini-nano-banana-2.1"),
        ("openrouter", EDIT, "google/gemini-3.1-flash-image"),
    ],
)
def test_what_each_service_calls_a_model(provider: str, model: str, name: str) -> None:
    """One name in the catalogue, many at the services."""
    assert found(provider, model).id == name


@pytest.mark.parametrize("model", [EDIT, NEWER])
@pytest.mark.parametrize(
    ("provider", "missing"),
    [
        ("fal", set()),
        ("gemini", {"output_format", "limit_generations"}),
        ("openrouter", {"safety_tolerance", "limit_generations", "enable_web_search", "thinking_level"}),
    ],
)
def test_what_a_service_does_not_carry_is_not_in_its_schema(model: str, provider: str, missing: set[str]) -> None:
    """So that a set one can be refused before anything is sent."""
    there, own = from_schema(model, found(provider, model).schema), models.get(model)
    carried = {field.name for field in own.fields if any(field.name == one.name for one in there.fields)}
    by_role = {field.name for field in own.fields if field.role and there.with_role(field.role)}
    assert {field.name for field in own.fields} - carried - by_role == missing & {field.name for field in own.fields}


def test_a_service_that_charges_by_tokens_says_what_they_cost() -> None:
    """A picture of 1,120 tokens costs its price in the list; others have no such prices."""
    for model, each in ((NEWER, 0.0336), (EDIT, 0.0672)):
        there = found("gemini", model)
        assert there.tokens is not None
        assert there.prices is not None
        assert 1120 * there.tokens.image_output / 1e6 == pytest.approx(each) == there.prices.base
        assert 1120 * there.tokens.input / 1e6 == pytest.approx(there.prices.each_input)
        assert there.prices.is_floor
    assert found("fal", EDIT).tokens is None


def test_no_name_of_a_provider_is_a_path() -> None:
    """A stranger's record can name any; a file outside the catalogue is never read."""
    assert offer("../nano-banana-2/edit.fal", NEWER) is None
    assert offer("fal", "../../etc/passwd") is None
    assert offer("fal", "nano-banana-2.1") == offer("fal", NEWER)
