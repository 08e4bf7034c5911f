"""
What each service has of a model: its name there, what it takes, its price list, and what to say of one that ends.

Each is a file beside the model's schema, `edit.fal.json` beside `edit.schema.json`, with its source and the day it was
read. What the service said when it was asked here (`nbbanana models refresh`) outranks it, if it is not older.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from nbbanana.errors import ModelRetiredError, UnknownModelError
from nbbanana.models.catalogue import canonical, get, ids, service_file, services_of, successor
from nbbanana.models.model import Model, from_schema
from nbbanana.models.offer_files import Offer, PriceList, TokenPrices, kept, kept_providers, read_offer
from nbbanana.text import one_line

__all__ = [
    "Offer",
    "PriceList",
    "TokenPrices",
    "all_models",
    "ending",
    "known_models",
    "lacking",
    "newest",
    "offer",
    "offered",
    "origins",
    "retired",
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
    if found := offer(provider, model):
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
    return tuple(found.provider for found in offers_of(model_id))


def offers_of(model_id: str) -> tuple[Offer, ...]:
    """Return what each service that has a model has of it; see `who_has`."""
    names = sorted({*services_of(canonical(model_id)), *kept_providers()})
    found = (offer(name, model_id) for name in names)
    return tuple(one for one in found if one and not one.gone)


def known_models() -> tuple[str, ...]:
    """Return the ids of the catalogue, then those that services told of when they were asked here."""
    told = {model for name in kept_providers() for model, found in kept(name).items() if not found.gone}
    return (*ids(), *sorted(told - {*ids()}))


def all_models() -> list[Model]:
    """Return the models of `known_models`."""
    found = (get(name) if name in ids() else told_model(name) for name in known_models())
    return [model for model in found if model]


def told_model(model_id: str) -> Model | None:
    """Return a model that is not shipped as a service described it when it was asked here; None where none did."""
    found = offers_of(model_id)
    return from_schema(model_id, found[0].schema) if found else None


def origins(model_id: str) -> tuple[str, ...]:
    """
    Return for each service that has a model when that was read, and how.

    >>> origins("google/nano-banana-2.1/edit")[0]
    'fal (read 2026-11-29)'
    """
    told = []
    for one in offers_of(model_id):
        how = "it was asked" if one.is_refreshed else "read"
        end = f"; its end was announced for {one.ends}" if one.ends else ""
        told.append(f"{one.provider} ({how} {one.read}{end})")
    return tuple(told)


@lru_cache(maxsize=256)
def _shipped(provider: str, model_id: str) -> Offer | None:
    if provider not in services_of(model_id):
        return None
    return read_offer(provider, model_id, service_file(model_id, provider), get(model_id).schema)


def _merged(shipped: Offer, fresh: Offer) -> Offer:
    """Return what a service said, with what only this package's file knows: roles, losses, factors, tokens, an end."""
    prices = shipped.prices
    if prices and fresh.prices:
        prices = replace(prices, base=fresh.prices.base, read=fresh.prices.read, source=fresh.prices.source)
    own = {name: node["x-nbbanana"] for name, node in shipped.schema["properties"].items() if "x-nbbanana" in node}
    known = fresh.schema["properties"]
    properties = {
        name: {**node, "x-nbbanana": own[name]} if name in own else dict(node) for name, node in known.items()
    }
    return replace(
        fresh,
        schema={**fresh.schema, "properties": properties},
        prices=prices or fresh.prices,
        tokens=shipped.tokens,
        alive=max(shipped.alive, fresh.alive),
        ends=shipped.ends,
    )


def retired(provider: str, title: str, model: str, why: str = "") -> ModelRetiredError | None:
    r"""
    Return the error for a model that a service says it does not have, though it had it by the catalogue.

    Args:
        provider: the name of the service, such as `fal`.
        title: what people call it.
        model: the id in the catalogue.
        why: what the service said.

    Returns:
        The error, with the model that follows and the setting that changes it; None where the catalogue does not know
        that the service ever had it.

    >>> error = retired("gemini", "Gemini", "google/nano-banana-2/edit", "It said: NOT_FOUND.")
    >>> print(error.what, error.why, sep="\n")
    Gemini does not have google/nano-banana-2/edit any more.
    It said: NOT_FOUND. Its end there was announced for 2026-10-29. It was last seen there on 2026-10-18.
    """
    found = offer(provider, model)
    if found is None:
        return None
    facts = [why, f"Its end there was announced for {found.ends}." if found.ends else ""]
    facts.append(f"It was last seen there on {found.alive}." if found.alive else "")
    return ModelRetiredError(
        f"{title} does not have {found.model} any more.",
        " ".join(filter(None, facts)),
        f"{_instead(found)} Nothing was made or charged.",
    )


def ending(provider: str, model: str) -> str | None:
    """
    Return a sentence about a model whose end at a service was announced, or that it said it lacks; else None.

    >>> print(ending("gemini", "nano-banana-2").partition("; ")[0])
    The end of google/nano-banana-2/edit at gemini was announced for 2026-10-29
    >>> ending("gemini", "nano-banana-2.1")
    """
    found = offer(provider, model)
    if found is None or not (found.ends or found.gone):
        return None
    new = successor(found.model)
    follows = f"; {new} follows it" if new else ""
    if found.gone:
        return f"On {found.gone} {provider} said that it does not have {found.model} any more{follows}."
    return f"The end of {found.model} at {provider} was announced for {found.ends}{follows}."


def _instead(found: Offer) -> str:
    """Return what to take instead of a model, and the one setting that does it."""
    new = successor(canonical(found.model))
    others = [one for one in who_has(found.model) if one != found.provider]
    if new is None:
        elsewhere = f" {', '.join(others)} had it: --provider {others[0]}." if others else ""
        return f"No model is known to follow it: %nbmodels shows the others.{elsewhere}"
    who = who_has(new)
    setting = f'for all requests %config NBBanana.model = "{new}"'
    if found.provider in who or not who:
        return f"{new} follows it: --model {new}, or {setting}."
    elsewhere = f'%config NBBanana.provider = "{who[0]}"'
    return f"{new} follows it at {', '.join(who)}: --provider {who[0]} --model {new}, or {setting} and {elsewhere}."
