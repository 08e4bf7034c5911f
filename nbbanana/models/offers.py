"""
What a service has of the catalogue: its own name for a model, what it takes, and its price list.

Each is a file beside the model's schema, `edit.fal.json` beside `edit.schema.json`, with its source and the day it was
read. Where a service's own words can be asked, they outrank it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any

from nbbanana.errors import UnknownModelError
from nbbanana.models.catalogue import SCHEMA, canonical, get, ids
from nbbanana.text import one_line

__all__ = ["Offer", "PriceList", "TokenPrices", "offer", "offered", "who_has"]

NAME = re.compile(r"[A-Za-z0-9_-]+")
"""A provider's name that can be a part of a file's name; a stranger's record can hold any."""


@dataclass(frozen=True, slots=True)
class PriceList:
    """
    The prices of a model as they were published.

    Args:
        base: US dollars an output.
        read: the day, as 2026-11-29.
        source: where it was read.
        factors: by parameter and value, what the base is multiplied by.
        extras: by parameter, US dollars that it adds where it is on.
        each_input: US dollars that each input picture adds to each output.
        is_floor: whether more is charged that nobody can know before, so that the sum is the least.
        beyond: what that is, such as "what it thinks is charged besides".
    """

    base: float
    read: str
    source: str
    factors: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    extras: Mapping[str, float] = field(default_factory=dict)
    each_input: float = 0.0
    is_floor: bool = False
    beyond: str = ""


@dataclass(frozen=True, slots=True)
class TokenPrices:
    """
    What a service charges by tokens, for the cost of an answer that says how many there were.

    Args:
        input: US dollars a million tokens of the request, pictures included.
        text_output: US dollars a million tokens of text and of thinking.
        image_output: US dollars a million tokens of pictures.
        search: US dollars a query on the web.
        read: the day, as 2026-11-29.
        source: where it was read.
    """

    input: float
    text_output: float
    image_output: float
    search: float
    read: str
    source: str


@dataclass(frozen=True, slots=True)
class Offer:
    """
    A model of the catalogue at a service.

    Args:
        provider: the name of the service, such as `fal`.
        model: the id in the catalogue.
        id: what the service calls it.
        schema: what it takes there.
        prices: its price list; None where none is known.
        read: the day when this was read, as 2026-11-29.
        source: where, and how sure it is.
        tokens: what tokens cost there; None where it does not charge by tokens.
        alive: the day of the newest source that speaks of it as served; empty where none is known.
        ends: the day on which it ends or ended, where that was announced; else empty.
    """

    provider: str
    model: str
    id: str
    schema: Mapping[str, Any] = field(repr=False)
    prices: PriceList | None
    read: str
    source: str
    tokens: TokenPrices | None = None
    alive: str = ""
    ends: str = ""


@lru_cache(maxsize=256)
def offer(provider: str, model_id: str) -> Offer | None:
    """
    Return what a service has of a model; None where it has none.

    >>> offer("fal", "google/nano-banana-2/edit").id
    'fal-ai/nano-banana-2/edit'
    """
    known = canonical(model_id)
    if known not in ids() or not NAME.fullmatch(provider):
        return None
    path = files("nbbanana.models") / "catalogue" / f"{known}.{provider}.json"
    if not path.is_file():
        return None
    return _read(provider, known, json.loads(path.read_text(encoding="utf-8")))


def _read(provider: str, model_id: str, found: Mapping[str, Any]) -> Offer:
    """Return the offer that a file holds; one without a schema has the catalogue's."""
    prices, tokens = found.get("prices"), found.get("tokens")
    return Offer(
        provider,
        model_id,
        found["id"],
        found.get("schema") or get(model_id).schema,
        None if prices is None else PriceList(**prices),
        found["read"],
        found["source"],
        None if tokens is None else TokenPrices(**tokens),
        found.get("alive", ""),
        found.get("ends", ""),
    )


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
    others = who_has(model)
    why = (
        f"By the catalogue these have it too: {', '.join(others)}."
        if others
        else "No other service is known to have it."
    )
    raise UnknownModelError(f"{title} has no {one_line(model, 80)}.", why, "Choose another model or another provider.")


def who_has(model_id: str) -> tuple[str, ...]:
    """
    Return the services that have a model, by the catalogue.

    >>> who_has("google/nano-banana-2/edit")
    ('fal', 'gemini', 'openrouter', 'runcomfy')
    """
    folder = files("nbbanana.models") / "catalogue"
    known = canonical(model_id)
    parent, _, stem = known.rpartition("/")
    if known not in ids():
        return ()
    names = (entry.name for entry in folder.joinpath(parent).iterdir() if entry.name.startswith(f"{stem}."))
    found = (name.removeprefix(f"{stem}.").removesuffix(".json") for name in names if name.endswith(".json"))
    return tuple(sorted(name for name in found if f".{name}.json" != SCHEMA))
