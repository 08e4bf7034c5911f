"""`Offer`: what a service has of a model, as a file holds it, and the checks of one that came over the network."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from nbbanana.errors import ProtocolError
from nbbanana.models.dialect import plain_schema
from nbbanana.models.model import from_schema
from nbbanana.text import one_line

__all__ = ["MODEL_ID", "Offer", "PriceList", "TokenPrices", "checked_offer", "offer_as_json", "read_offer", "today"]

MODEL_ID = re.compile(r"(?=.{1,200}\Z)[A-Za-z0-9][A-Za-z0-9._~-]*(?:/[A-Za-z0-9][A-Za-z0-9._~-]*)*\Z")
"""A slash path that goes into an address as it is."""
MOST_DOLLARS = 1e4
"""US dollars above which a price a picture is a mistake."""
MOST_FIELDS = 200
SAID = {"title": 120, "description": 400}
"""What a schema says of its model in words, and how many characters of it are kept."""
UNTOLD = "what sizes and options add is not told"
"""Of a service that tells the price of a picture and nothing else."""


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
    A model at a service.

    Args:
        provider: the name of the service, such as `fal`.
        model: the id in the catalogue; that of the service, where the catalogue does not have the model.
        id: what the service calls it.
        schema: what it takes there.
        prices: its price list; None where none is known.
        read: the day when this was read, as 2026-11-29.
        source: where, and how sure it is.
        tokens: what tokens cost there; None where it does not charge by tokens.
        alive: the day of the newest source that speaks of it as served; empty where none is known.
        ends: the day on which it ends or ended, where that was announced; else empty.
        gone: the day on which the service said that it does not have it; else empty.
        is_refreshed: whether the service's own catalogue was read here, by `nbbanana models refresh`.
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
    gone: str = ""
    is_refreshed: bool = False


def today() -> str:
    """Return the day, in UTC, as 2026-11-29."""
    return dt.datetime.now(dt.UTC).date().isoformat()


def read_offer(provider: str, model: str, found: Mapping[str, Any], default_schema: Mapping[str, Any]) -> Offer:
    """Return the offer that a file of this package holds; one without a schema has the default."""
    prices, tokens = found.get("prices"), found.get("tokens")
    return Offer(
        provider,
        model,
        found["id"],
        found.get("schema") or default_schema,
        None if prices is None else PriceList(**prices),
        found["read"],
        found["source"],
        None if tokens is None else TokenPrices(**tokens),
        found.get("alive", ""),
        found.get("ends", ""),
    )


def offer_as_json(offer: Offer) -> dict[str, Any]:
    """Return what is kept of an offer that a service told."""
    prices = None if offer.prices is None else asdict(offer.prices)
    kept = {name: getattr(offer, name) for name in ("id", "read", "source", "alive", "gone")}
    return {**kept, "schema": dict(offer.schema), "prices": prices}


def checked_offer(provider: str, model: str, found: Any) -> Offer:
    """
    Return the offer that a file of a refresh holds. Its words are a stranger's: only what is known is kept of them.

    Raises:
        ProtocolError: it is none.
    """
    if not isinstance(found, Mapping) or not all(_is_id(one) for one in (model, found.get("id"))):
        raise _no_offer(model)
    gone = _day(found.get("gone"))
    schema = _checked_schema(model, found.get("schema"))
    return Offer(
        provider,
        model,
        found["id"],
        schema,
        _checked_prices(found.get("prices")),
        _day(found.get("read")),
        one_line(str(found.get("source", "")), 200),
        alive=_day(found.get("alive")),
        gone=gone,
        is_refreshed=True,
    )


def _is_id(value: object) -> bool:
    return isinstance(value, str) and MODEL_ID.match(value) is not None


def _checked_schema(model: str, schema: Any) -> dict[str, Any]:
    """Return a schema in plain words, without what only this package's own files say."""
    if not isinstance(schema, Mapping):
        raise _no_offer(model)
    plain = plain_schema(model, schema)
    if len(plain["properties"]) > MOST_FIELDS:
        raise _no_offer(model)
    for node in plain["properties"].values():
        node.pop("x-nbbanana", None)
    from_schema(model, plain)
    words = {name: one_line(schema[name], width) for name, width in SAID.items() if isinstance(schema.get(name), str)}
    return {"type": "object", **words, **plain}


def _checked_prices(found: Any) -> PriceList | None:
    base = found.get("base") if isinstance(found, Mapping) else None
    if not isinstance(base, int | float) or isinstance(base, bool) or not math.isfinite(base):
        return None
    if not 0 < base <= MOST_DOLLARS:
        return None
    source = one_line(str(found.get("source", "")), 200)
    return PriceList(float(base), _day(found.get("read")), source, is_floor=True, beyond=UNTOLD)


def _day(value: object) -> str:
    """
    Return a day as it is written; empty where it is none.

    >>> _day("2026-11-29"), _day("<b>"), _day(None)
    ('2026-11-29', '', '')
    """
    try:
        return dt.date.fromisoformat(value).isoformat() if isinstance(value, str) else ""
    except ValueError:
        return ""


def _no_offer(model: str) -> ProtocolError:
    return ProtocolError(
        f"What the service has of {one_line(model, 80)} cannot be read.",
        "It describes the model in a form that this version does not know.",
        "The catalogue of this package is used. Update nbbanana.",
    )
