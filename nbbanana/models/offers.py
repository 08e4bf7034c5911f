"""
What a service has of the catalogue: its own name for a model, what it takes, and its price list.

Each is a file beside the model's schema, `edit.fal.json` beside `edit.schema.json`, with its source and the day it was
read. What the service said when it was asked here (`nbbanana models refresh`) outranks it, if it is not older.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from typing import Any

from nbbanana.errors import UnknownModelError
from nbbanana.models.catalogue import SCHEMA, canonical, get, ids
from nbbanana.models.model import Model, from_schema
from nbbanana.models.offer_files import Offer, PriceList, TokenPrices, read_offer
from nbbanana.models.refreshed import kept, kept_providers
from nbbanana.text import one_line

__all__ = [
    "Offer",
    "PriceList",
    "TokenPrices",
    "known_models",
    "lacking",
    "newest",
    "offer",
    "offered",
    "origins",
    "told_model",
    "who_has",
]

NAME = re.compile(r"[A-Za-z0-9_-]+")
"""A provider's name that can be a part of a file's name; a stranger's record can hold any."""


def offer(provider: str, model_id: str) -> Offer | None:
    """
    Return what a service has of a model; None where it has none.

    >>> offer("fal", "google/nano-banana-2/edit").id
    'fal-ai/nano-banana-2/edit'
    """
    if not NAME.fullmatch(provider):
        return None
    known = canonical(model_id)
    return newest(provider, known, _shipped(provider, known))


def newest(provider: str, model_id: str, shipped: Offer | None) -> Offer | None:
    """Return an offer that a package ships, or what the service said since then when it was asked here."""
    fresh = kept(provider).get(model_id)
    if shipped is None or fresh is None:
        return shipped or fresh
    return _merged(shipped, fresh) if fresh.read >= shipped.read else shipped


def offered(provider: str, title: str, model: str) -> Offer:
    """
    Return what a service has of a model of the catalogue.

    Args:
        provider: the name of the service, such as `fal`.
        title: what people call it.
        model: the id in the catalogue.

    Raises:
        UnknownModelError: it has none; the services that have it are named.
    """
    found = offer(provider, model)
    if found is not None:
        return found
    raise lacking(title, model)


def lacking(title: str, model: str, why: str = "") -> UnknownModelError:
    """
    Return the error for a model that a service does not have.

    >>> print(lacking("RunComfy", "google/nano-banana-2.1/edit", "It said: wrong id."))
    RunComfy has no google/nano-banana-2.1/edit.
    It said: wrong id. By the catalogue these have it: fal, gemini, openrouter.
    Choose another model or another provider: --provider fal.
    """
    others = who_has(model)
    has = f"By the catalogue these have it: {', '.join(others)}." if others else "No other service is known to have it."
    mend = f"Choose another model or another provider{f': --provider {others[0]}' if others else ''}."
    return UnknownModelError(f"{title} has no {one_line(model, 80)}.", f"{why} {has}".strip(), mend)


def who_has(model_id: str) -> tuple[str, ...]:
    """
    Return the services that have a model, by the catalogue and by what they said when they were asked here.

    >>> who_has("google/nano-banana-2/edit")
    ('fal', 'gemini', 'openrouter', 'runcomfy')
    """
    known = canonical(model_id)
    found = {*_shippers(known), *(name for name in kept_providers() if known in kept(name))}
    return tuple(sorted(name for name in found if (there := offer(name, known)) and not there.gone))


def known_models() -> tuple[str, ...]:
    """Return the ids of the catalogue, then those that services told of when they were asked here."""
    told = {model for name in kept_providers() for model, found in kept(name).items() if not found.gone}
    return (*ids(), *sorted(told - {*ids()}))


def told_model(model_id: str) -> Model | None:
    """Return a model that is not shipped as a service described it when it was asked here; None where none did."""
    found = next((there for name in who_has(model_id) if (there := offer(name, model_id))), None)
    return from_schema(model_id, found.schema) if found else None


def origins(model_id: str) -> tuple[str, ...]:
    """
    Return for each service that has a model when that was read, and how.

    >>> origins("google/nano-banana-2.1/edit")[0]
    'fal (read 2026-11-29)'
    """
    found = (there for name in who_has(model_id) if (there := offer(name, model_id)))
    return tuple(f"{one.provider} ({_origin(one)})" for one in found)


def _origin(found: Offer) -> str:
    how = "it was asked" if found.is_refreshed else "read"
    return f"{how} {found.read}{f'; its end was announced for {found.ends}' if found.ends else ''}"


@lru_cache(maxsize=64)
def _shippers(model_id: str) -> tuple[str, ...]:
    if model_id not in ids():
        return ()
    parent, _, stem = model_id.rpartition("/")
    folder = (files("nbbanana.models") / "catalogue").joinpath(parent)
    names = (entry.name for entry in folder.iterdir() if entry.name.startswith(f"{stem}."))
    found = (name.removeprefix(f"{stem}.").removesuffix(".json") for name in names if name.endswith(".json"))
    return tuple(name for name in found if f".{name}.json" != SCHEMA)


@lru_cache(maxsize=256)
def _shipped(provider: str, model_id: str) -> Offer | None:
    if model_id not in ids():
        return None
    path = files("nbbanana.models") / "catalogue" / f"{model_id}.{provider}.json"
    if not path.is_file():
        return None
    return read_offer(provider, model_id, json.loads(path.read_text(encoding="utf-8")), get(model_id).schema)


def _merged(shipped: Offer, fresh: Offer) -> Offer:
    """Return what a service said, with what only this package's file knows: roles, losses, factors, tokens, an end."""
    prices = shipped.prices
    if prices and fresh.prices:
        prices = replace(prices, base=fresh.prices.base, read=fresh.prices.read, source=fresh.prices.source)
    return replace(
        fresh,
        schema={**fresh.schema, "properties": _with_own_words(fresh.schema["properties"], shipped.schema)},
        prices=prices or fresh.prices,
        tokens=shipped.tokens,
        alive=max(shipped.alive, fresh.alive),
        ends=shipped.ends,
    )


def _with_own_words(properties: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    own = {name: node["x-nbbanana"] for name, node in schema["properties"].items() if "x-nbbanana" in node}
    return {name: {**node, "x-nbbanana": own[name]} if name in own else dict(node) for name, node in properties.items()}
