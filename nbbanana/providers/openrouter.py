"""
OpenRouter as a provider: its image API over plain httpx, which gives the pictures with its answer, and their cost.

Sources: OpenRouter's documentation and the types of its Python client 1.3.84, read on 29 November 2026; not tried
against the service. Google's models give one picture a request there. The upstream provider is pinned: a fallback
would be a second attempt that is paid for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from urllib.parse import quote

from nbbanana.errors import (
    BalanceError,
    NotYoursError,
    ProtocolError,
    RejectedError,
    ServiceError,
    TokenRejectedError,
    UnknownModelError,
)
from nbbanana.models.offer_files import OWN_CATALOGUE, told
from nbbanana.models.offers import Offer, offer
from nbbanana.models.schemas import member
from nbbanana.providers.answers import (
    BLOCKED_WORDS,
    members,
    money_from,
    named_model,
    picture_of,
    server_message,
)
from nbbanana.providers.base import Description, Outputs, Price, Wire
from nbbanana.providers.http import Answer
from nbbanana.providers.registry import Endpoints, ProviderSpec, base
from nbbanana.providers.service import Refusal, SynchronousService
from nbbanana.text import one_line

__all__ = ["SPEC", "OpenRouter", "OpenRouterEndpoints"]

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
NOTHING = "Nothing was made or charged."
SAME = ("prompt", "seed", "aspect_ratio", "output_format")


@dataclass(frozen=True, slots=True)
class OpenRouterEndpoints(Endpoints):
    """
    Where OpenRouter is.

    Args:
        api: its base, with the version.
    """

    api: str = base("https://openrouter.ai/api/v1", "NBBANANA_OPENROUTER_BASE")


class OpenRouter(SynchronousService):
    """A `Provider` over OpenRouter's image API; see `Client` for its arguments."""

    name = "openrouter"
    title = "OpenRouter"
    endpoints: OpenRouterEndpoints = OpenRouterEndpoints()
    refusals: ClassVar[Mapping[int, Refusal]] = {
        401: (TokenRejectedError, "OpenRouter did not accept your key.", f"Check OPENROUTER_API_KEY. {NOTHING}"),
        402: (BalanceError, "There are not enough credits.", f"Add credits on openrouter.ai. {NOTHING}"),
        404: (UnknownModelError, "OpenRouter has this model no more.", "Choose another: %nbmodels."),
    }

    @classmethod
    def wire(cls, endpoints: OpenRouterEndpoints, model: str, payload: Mapping[str, Any]) -> Wire:
        """Return the POST of a request for one picture."""
        found = cls._offer(model)
        body: dict[str, Any] = {"model": found.id, **{name: payload[name] for name in SAME if name in payload}}
        if size := payload.get("resolution"):
            body["resolution"] = SIZES.get(size, size)
        if urls := payload.get("image_urls"):
            body["input_references"] = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
        body["provider"] = {"allow_fallbacks": False}
        if (upstream := UPSTREAM.get(found.id.partition("/")[0])) is not None:
            body["provider"]["only"] = [upstream]
        return Wire(f"{endpoints.api}/images", KEY_HEADER, body)

    def outputs(self, model: str, answer: bytes) -> Outputs:
        """
        Read an answer: its pictures and its cost, or why there is no picture.

        Raises:
            ProtocolError: it is no answer of OpenRouter.
        """
        found = self._document(answer, "data", "error")
        told = [one.get("b64_json") for one in members(found, "data")]
        pictures = tuple(picture_of(data) for data in told if data is not None)
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
        found = self._offer(model)
        try:
            endpoint = await self._endpoint(found)
        except UnknownModelError:
            raise
        except ServiceError:
            return Description(Price.by_picture(found.prices), found.schema)
        return Description(_price(endpoint, found), _schema(endpoint, found))

    async def catalogue_entry(self, model: str) -> Offer:
        """
        Return what OpenRouter's own catalogue has of a model now.

        Raises:
            UnknownModelError: it has none.
            ProtocolError: it tells nothing that can be read.
        """
        found = offer(self.name, model) or Offer(self.name, model, model, ANY, None, "", "")
        endpoint = await self._endpoint(found)
        if not endpoint:
            raise ProtocolError(
                f"{self.title} tells no endpoint of {one_line(model, 80)}.", "So nothing can be checked."
            )
        each = _price(endpoint, replace(found, prices=None)).base
        return told(self.name, model, found.id, _schema(endpoint, found), each, f"{self.title}'s {OWN_CATALOGUE}")

    async def _endpoint(self, found: Offer) -> Mapping[str, Any]:
        """Return what its catalogue tells of the endpoint that is pinned, else of the first; empty where of none."""
        author, _, slug = found.id.partition("/")
        url = f"{self.endpoints.api}/images/models/{quote(author)}/{quote(slug, safe='')}/endpoints"
        with self._knowing(found.model):
            answer = await self._ask("GET", url, "describe", "get the price")
        endpoints, upstream = members(answer.json, "endpoints"), UPSTREAM.get(author)
        named = [one for one in endpoints if upstream in {one.get("provider_slug"), one.get("provider_tag")}]
        return next(iter([*named, *endpoints]), {})

    def _refusal(self, answer: Answer, request_id: str | None) -> Refusal:
        kind, what, mend = super()._refusal(answer, request_id)
        return kind, what, f"{NOTHING} Change the request." if kind in {NotYoursError, RejectedError} else mend


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _price(endpoint: Mapping[str, Any], found: Offer) -> Price:
    """Return the price a picture where the endpoint tells one; what it charges by tokens is a floor of that."""
    prices = members(endpoint, "pricing")
    each = [one for one in prices if one.get("billable") == "output_image" and one.get("unit") == "image"]
    plain = [money_from(one.get("cost_usd")) for one in each if not one.get("variant")]
    more = {one.get("billable") for one in prices if money_from(one.get("cost_usd"))} - {"output_image"}
    if len(plain) != 1 or plain[0] is None or len(each) != 1:
        return Price.by_picture(found.prices)
    also = f"It also charges for {', '.join(sorted(one_line(item, 40) for item in more))}." if more else None
    return Price(plain[0], "image" if not more else None, note=also)


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


SPEC = ProviderSpec(
    name=OpenRouter.name,
    title=OpenRouter.title,
    connect=OpenRouter,
    wire=OpenRouter.wire,
    key_variables=("OPENROUTER_API_KEY",),
    key_page="openrouter.ai/settings/keys",
    endpoints=OpenRouterEndpoints,
    default_model="google/nano-banana-2.1/edit",
    catalogue=OpenRouter.catalogue_entry,
    can_resume=False,
    can_cancel=False,
    counts=False,
)
