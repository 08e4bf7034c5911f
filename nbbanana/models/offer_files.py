"""
`Offer`: what a service has of a model, as a file holds it, and the checks of one that came over the network.

What services said of their models when they were asked here is one dated file a service, beside the keys. It outranks
the files of this package that are older, so that a new model or price needs no release. A file that cannot be read
counts as none, and the log says so: an edit must not fail because of it.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from nbbanana.errors import ConfigError, ProtocolError, translated
from nbbanana.models.model import from_schema
from nbbanana.models.schemas import plain_schema
from nbbanana.settings import PLAY_PROVIDER, config_dir, write_private
from nbbanana.text import one_line

__all__ = [
    "MODEL_ID",
    "OWN_CATALOGUE",
    "Offer",
    "PriceList",
    "TokenPrices",
    "checked_offer",
    "keep",
    "keep_schema",
    "kept",
    "kept_providers",
    "offer_as_json",
    "read_offer",
    "today",
    "told",
]

MODEL_ID = re.compile(r"(?=.{1,200}\Z)[A-Za-z0-9][A-Za-z0-9._~-]*(?:/[A-Za-z0-9][A-Za-z0-9._~-]*)*\Z")
"""A slash path that goes into an address as it is."""
MOST_DOLLARS = 1e4
"""US dollars above which a price a picture is a mistake."""
MOST_FIELDS = 200
SAID = {"title": 120, "description": 400}
"""What a schema says of its model in words, and how many characters of it are kept."""
OWN_CATALOGUE = "own catalogue, read by nbbanana models refresh"
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


def told(provider: str, model: str, name: str, schema: Mapping[str, Any], each: float | None, source: str) -> Offer:
    """Return what a service tells today of a model: its fields, and US dollars a picture where it tells them."""
    day = today()
    prices = PriceList(each, day, source) if each else None
    return Offer(provider, model, name, schema, prices, day, source, alive=day)


def read_offer(provider: str, model: str, found: Mapping[str, Any], default_schema: Mapping[str, Any]) -> Offer:
    """Return the offer that a file of this package holds; one without a schema has the default."""
    prices, tokens = found.get("prices"), found.get("tokens")
    lists = {"prices": PriceList(**prices) if prices else None, "tokens": TokenPrices(**tokens) if tokens else None}
    return Offer(provider, model, **{"schema": default_schema, **found, **lists})


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
    own = found.get("id") if isinstance(found, Mapping) else None
    if not isinstance(own, str) or not MODEL_ID.match(own) or not MODEL_ID.match(model):
        raise _no_offer(model)
    return Offer(
        provider,
        model,
        own,
        _checked_schema(model, found.get("schema")),
        _checked_prices(found.get("prices")),
        _day(found.get("read")),
        one_line(str(found.get("source", "")), 200),
        alive=_day(found.get("alive")),
        gone=_day(found.get("gone")),
        is_refreshed=True,
    )


def _checked_schema(model: str, schema: Any) -> dict[str, Any]:
    """Return a schema in plain words, without what only this package's own files say."""
    plain = plain_schema(model, schema) if isinstance(schema, Mapping) else {"properties": {}}
    if not 0 < len(plain["properties"]) <= MOST_FIELDS:
        raise _no_offer(model)
    for node in plain["properties"].values():
        node.pop("x-nbbanana", None)
    from_schema(model, plain)
    words = {name: one_line(schema[name], width) for name, width in SAID.items() if isinstance(schema.get(name), str)}
    return {"type": "object", **words, **plain}


def _checked_prices(found: Any) -> PriceList | None:
    base = found.get("base") if isinstance(found, Mapping) else None
    if not isinstance(base, int | float) or isinstance(base, bool) or not 0 < base <= MOST_DOLLARS:
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


MOST_BYTES = 16 * 2**20
MOST_MODELS = 500
"""Models of one service that are kept; the newest of more."""
FORMAT = 1

log = logging.getLogger("nbbanana.models")


def kept(provider: str) -> Mapping[str, Offer]:
    """Return what a service said of its models when it was asked last, by their ids in the catalogue."""
    try:
        path = _path(provider)
        facts = path.stat()
    except (OSError, ConfigError, ValueError):
        return {}
    return _read(provider, path, facts.st_mtime_ns, facts.st_size)


def kept_providers() -> tuple[str, ...]:
    """Return the services that were asked here; a sandbox is none, whatever models it had."""
    try:
        return tuple(sorted(path.stem for path in _path("").parent.glob("*.json") if path.stem != PLAY_PROVIDER))
    except (OSError, ConfigError):
        return ()


def keep(provider: str, offers: Iterable[Offer]) -> Path:
    """
    Keep what a service said, beside what it said of other models before.

    Raises:
        ConfigError: the folder cannot be written.
        ProtocolError: what the service said is none that could be read again.
    """
    fresh = {offer.model: offer_as_json(offer) for offer in offers}
    for model, found in fresh.items():
        checked_offer(provider, model, found)
    old = {model: offer_as_json(offer) for model, offer in kept(provider).items() if model not in fresh}
    newest = dict([*fresh.items(), *old.items()][:MOST_MODELS])
    path = _path(provider)
    mend = "Check the folder of the settings."
    with translated(OSError, lambda error: ConfigError(f"{path.name} cannot be written.", f"{error.strerror}.", mend)):
        file = {"format": FORMAT, "provider": provider, "models": newest}
        write_private(path, json.dumps(file, indent=1).encode())
    return path


def keep_schema(provider: str, model: str, name: str, schema: Mapping[str, Any]) -> None:
    """
    Keep the schema that a service told of a model when it was used by its id, with the day.

    One that cannot be kept is asked for again by the next kernel, and the log says why: an edit must not fail of it.

    Args:
        provider: the service; its records name it so.
        model: the id that it was used by.
        name: what the service calls it.
        schema: what it takes.
    """
    found = told(provider, model, name, schema, None, "its schema, read when it was used")
    try:
        keep(provider, [found])
    except (ConfigError, ProtocolError) as error:
        log.warning("the schema of a model is not kept: %s", error.what)


@lru_cache(maxsize=32)
def _read(provider: str, path: Path, changed: int, size: int) -> Mapping[str, Offer]:
    """Return the offers of a file; `changed` makes one that was written again be read again."""
    del changed
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8")) if size <= MOST_BYTES else None
    except (OSError, ValueError, RecursionError):
        found = None
    models = found.get("models") if isinstance(found, dict) and found.get("format") == FORMAT else None
    if not isinstance(models, dict):
        log.warning("%s cannot be read, and counts as not there: nbbanana models refresh writes it anew", path.name)
        return {}
    offers: dict[str, Offer] = {}
    for model, one in list(models.items())[:MOST_MODELS]:
        try:
            offers[model] = checked_offer(provider, model, one)
        except ProtocolError as error:
            log.warning("in %s: %s", path.name, error.what)
    return offers


def _path(provider: str) -> Path:
    return config_dir() / "models" / f"{provider}.json"
