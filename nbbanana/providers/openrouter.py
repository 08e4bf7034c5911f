"""
OpenRouter as a provider: its image API over plain httpx, which gives the pictures with its answer, and their cost.

Sources: OpenRouter's documentation and the types of its Python client 1.3.84, read on 29 November 2026; not tried
against the service. Google's models give one picture a request there. The upstream provider is pinned: a fallback
would be a second attempt that is paid for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import httpx

from nbbanana.errors import (
    BalanceError,
    NBBananaError,
    NotYoursError,
    ProtocolError,
    RateLimitError,
    RejectedError,
    ServiceError,
    TokenRejectedError,
    UnknownModelError,
    UpstreamError,
    translated,
)
from nbbanana.models.offer_files import today
from nbbanana.models.offers import Offer, PriceList, offer, offered
from nbbanana.models.retiring import retired
from nbbanana.providers.answering import ANSWER_CAP, PATIENT, SynchronousService, member, named_model, picture_of
from nbbanana.providers.answers import BLOCKED_WORDS, PASSING, money_from, server_message
from nbbanana.providers.base import Description, Outputs, Price, Wire
from nbbanana.providers.credentials import Credential
from nbbanana.providers.endpoints import Endpoints, base
from nbbanana.providers.http import Answer, Connections, Timeouts
from nbbanana.providers.spec import ProviderSpec
from nbbanana.text import one_line

__all__ = ["SPEC", "OpenRouter", "OpenRouterEndpoints"]

NAME, TITLE = "openrouter", "OpenRouter"
KEY_HEADER = "Authorization: Bearer $OPENROUTER_API_KEY"
SIZES = {"0.5K": "512"}
UPSTREAM = {"google": "google-ai-studio"}
"""The provider that a model's author is pinned to there."""
ANY: Mapping[str, Any] = {
    "properties": {
        "prompt": {"type": "string"},
        "image_urls": {"type": "array", "format": "image_uris", "items": {"type": "string"}},
        "number_of_images": {"type": "integer", "minimum": 1, "maximum": 4},
        "seed": {"type": "integer"},
        **{name: {"type": "string", "enum": []} for name in ("aspect_ratio", "resolution", "output_format")},
    },
    "required": ["prompt"],
}
"""What a model may take that this package does not know: its catalogue says which of it."""
SAME = ("prompt", "seed", "aspect_ratio", "output_format")


@dataclass(frozen=True, slots=True)
class OpenRouterEndpoints(Endpoints):
    """
    Where OpenRouter is.

    Args:
        api: its base, with the version.
    """

    api: str = base("https://openrouter.ai/api/v1", "NBBANANA_OPENROUTER_BASE")


def wire_of(endpoints: OpenRouterEndpoints, model: str, payload: Mapping[str, Any]) -> Wire:
    """Return the POST of a request for one picture."""
    found = _offer(model)
    body: dict[str, Any] = {"model": found.id, **{name: payload[name] for name in SAME if name in payload}}
    if size := payload.get("resolution"):
        body["resolution"] = SIZES.get(size, size)
    if urls := payload.get("image_urls"):
        body["input_references"] = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    body["provider"] = {"allow_fallbacks": False}
    if (upstream := UPSTREAM.get(found.id.partition("/")[0])) is not None:
        body["provider"]["only"] = [upstream]
    return Wire(f"{endpoints.api}/images", KEY_HEADER, body)


class OpenRouter(SynchronousService):
    """
    A `Provider` over OpenRouter's image API.

    Args:
        credential: the key.
        endpoints: the base.
        transport: makes an httpx transport; None is the network.
        timeouts: how long anything may take.
    """

    name = NAME
    title = TITLE
    takes_urls = True

    def __init__(
        self,
        credential: Credential,
        endpoints: OpenRouterEndpoints | None = None,
        *,
        transport: Callable[[], httpx.AsyncBaseTransport] | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        self.endpoints = endpoints or OpenRouterEndpoints()
        super().__init__(Connections(timeouts or PATIENT, transport, cap=ANSWER_CAP), credential.token, _error_of)

    def _wire(self, model: str, payload: Mapping[str, Any]) -> Wire:
        return wire_of(self.endpoints, model, payload)

    def outputs(self, model: str, answer: bytes) -> Outputs:
        """
        Read an answer: its pictures and its cost, or why there is no picture.

        Raises:
            ProtocolError: it is no answer of OpenRouter.
        """
        found = self._document(answer, "data", "error")
        pictures = tuple(picture_of(data) for data in _pictures(found))
        words = server_message(found)
        return Outputs(
            pictures,
            cost=money_from(member(found, "usage", "cost")),
            model=named_model(member(found, "model")),
            error=None if pictures else words or "It gave no picture and no reason.",
            is_blocked=bool(not pictures and BLOCKED_WORDS.search(words)),
        )

    async def describe(self, model: str) -> Description:
        """
        Return what OpenRouter has of a model now: its fields and its price, of the endpoint that is pinned.

        What its catalogue does not tell in a form that is known stays as this package's catalogue has it.
        """
        found = _offer(model)
        try:
            endpoint = await self._endpoint(found)
        except UnknownModelError:
            raise
        except ServiceError:
            return Description(_listed(found), found.schema)
        return Description(_price(endpoint, found), _schema(endpoint, found))

    async def catalogue_entry(self, model: str) -> Offer:
        """
        Return what OpenRouter's own catalogue has of a model now.

        Raises:
            UnknownModelError: it has none.
            ProtocolError: it tells nothing that can be read.
        """
        found = offer(NAME, model) or Offer(NAME, model, model, ANY, None, "", "")
        endpoint = await self._endpoint(found)
        if not endpoint:
            raise ProtocolError(f"{TITLE} tells no endpoint of {one_line(model, 80)}.", "So nothing can be checked.")
        day, source = today(), f"{TITLE}'s own catalogue, read by nbbanana models refresh"
        told = _price(endpoint, replace(found, prices=None)).base
        prices = PriceList(told, day, source) if told else None
        return Offer(NAME, model, found.id, _schema(endpoint, found), prices, day, source, alive=day)

    async def _endpoint(self, found: Offer) -> Mapping[str, Any]:
        """Return what its catalogue tells of the endpoint that is pinned, else of the first; empty where of none."""
        author, _, slug = found.id.partition("/")
        url = f"{self.endpoints.api}/images/models/{quote(author)}/{quote(slug, safe='')}/endpoints"
        with translated(UnknownModelError, lambda error: retired(NAME, TITLE, found.model, error.why) or error):
            answer = await self._questions.ask("GET", url, "describe", "get the price")
        return _pinned(answer.json, UPSTREAM.get(author))


def _offer(model: str) -> Offer:
    return offered(NAME, TITLE, model)


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _pictures(answer: Any) -> Iterator[Any]:
    found = member(answer, "data")
    for one in found if isinstance(found, list) else ():
        if (data := member(one, "b64_json")) is not None:
            yield data


def _pinned(answer: Any, upstream: str | None) -> Mapping[str, Any]:
    """Return the endpoint of the pinned upstream, else the first; empty where none is told."""
    told = member(answer, "endpoints")
    found = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
    named = [one for one in found if upstream in {one.get("provider_slug"), one.get("provider_tag")}]
    return next(iter([*named, *found]), {})


def _price(endpoint: Mapping[str, Any], found: Offer) -> Price:
    """Return the price a picture where the endpoint tells one; what it charges by tokens is a floor of that."""
    told = endpoint.get("pricing")
    prices = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
    each = [one for one in prices if one.get("billable") == "output_image" and one.get("unit") == "image"]
    plain = [money_from(one.get("cost_usd")) for one in each if not one.get("variant")]
    more = {one.get("billable") for one in prices if money_from(one.get("cost_usd"))} - {"output_image"}
    if len(plain) != 1 or plain[0] is None or len(each) != 1:
        return _listed(found)
    also = f"It also charges for {', '.join(sorted(one_line(item, 40) for item in more))}." if more else None
    return Price(plain[0], "image" if not more else None, note=also)


def _listed(found: Offer) -> Price:
    return Price(found.prices.base if found.prices else None, "image", prices=found.prices)


def _schema(endpoint: Mapping[str, Any], found: Offer) -> Mapping[str, Any]:
    """
    Return the fields that the endpoint supports by its own list, in the catalogue's words.

    A parameter that it does not list is not there; the values of one that it lists by an enumeration are its own.
    """
    told = endpoint.get("supported_parameters")
    if not isinstance(told, Mapping) or not told:
        return found.schema
    always = {"prompt", "image_urls", "number_of_images"}
    properties = {
        name: _narrowed(name, node, told.get(name))
        for name, node in found.schema["properties"].items()
        if name in always or name in told
    }
    return {**found.schema, "properties": properties}


def _narrowed(name: str, node: Mapping[str, Any], told: Any) -> Mapping[str, Any]:
    values = member(told, "values")
    if not isinstance(values, list) or "enum" not in node:
        return node
    back = {there: here for here, there in SIZES.items()} if name == "resolution" else {}
    theirs = [
        back.get(value, value) for value in values if isinstance(value, str) and re.fullmatch(r"[\w.:+-]{1,20}", value)
    ]
    return {**node, "enum": theirs} if theirs else node


# ── errors ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _error_of(answer: Answer, *, doing: str, request_id: str | None) -> NBBananaError | None:
    status = answer.status
    if 200 <= status < 300:
        return None
    words = server_message(answer.json)
    why = f"It said: {words} (HTTP {status})" if words else f"It answered HTTP {status} without a reason."
    nothing = "Nothing was made or charged."
    if status == 401:
        return TokenRejectedError("OpenRouter did not accept your key.", why, "Check OPENROUTER_API_KEY. " + nothing)
    if status == 402:
        return BalanceError("There are not enough credits.", why, "Add credits on openrouter.ai. " + nothing)
    if status == 404:
        return UnknownModelError("OpenRouter has this model no more.", why, "Choose another: %nbmodels.")
    if status >= 500 or status in PASSING or answer.is_page:
        return UpstreamError(f"Could not {doing}: OpenRouter failed.", why)
    kind = {403: NotYoursError, 429: RateLimitError}.get(status, RejectedError)
    return kind(
        f"Could not {doing}: OpenRouter refused.", why, f"{nothing} Change the request." if status < 429 else ""
    )


SPEC = ProviderSpec(
    name=NAME,
    title=TITLE,
    connect=lambda credential, endpoints, _pace: OpenRouter(credential, endpoints),
    wire=wire_of,
    key_variables=("OPENROUTER_API_KEY",),
    key_page="openrouter.ai/settings/keys",
    endpoints=OpenRouterEndpoints,
    default_model="google/nano-banana-2.1/edit",
    catalogue=OpenRouter.catalogue_entry,
    can_resume=False,
    can_cancel=False,
    counts=False,
)
