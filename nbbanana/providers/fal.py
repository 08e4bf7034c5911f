"""
fal as a provider: its queue over plain httpx.

The addresses of a job are built here from the model's id and a checked request id, never taken from an answer. Sources:
fal's documentation of its queue and errors and the types of its clients, read on 29 November 2026; not tried against
the service.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import httpx

from nbbanana.errors import (
    BalanceError,
    NBBananaError,
    RejectedError,
    RequestNotFoundError,
    TokenRejectedError,
    UnknownModelError,
)
from nbbanana.models.offer_files import OWN_CATALOGUE, today, told
from nbbanana.models.offers import Offer, PriceList, offer
from nbbanana.models.schemas import input_schema
from nbbanana.providers.answers import (
    REQUEST_ID,
    members,
    money_from,
    output_urls,
    place_in_queue,
    server_message,
    word_of,
)
from nbbanana.providers.base import Cancellation, Description, JobStatus, Price, RemoteState, Wire
from nbbanana.providers.http import Answer
from nbbanana.providers.registry import Endpoints, ProviderSpec, base
from nbbanana.providers.service import Refusal, Service

__all__ = ["SPEC", "Fal", "FalEndpoints"]

KEY_HEADER = "Authorization: Key $FAL_KEY"
LOCKED = re.compile(r"locked|balance|top.?up|exhausted", re.IGNORECASE)
"""How a 403 reads that is about the wallet (fal's clients and forum)."""
BLOCKED = b"content_policy_violation"
"""The type of an error that refuses the content."""
STATES: Mapping[str, RemoteState] = {"in_queue": "queued", "in_progress": "running", "completed": "completed"}
HEADERS = {"x-fal-no-retry": "1"}
"""The queue repeats a request by itself up to ten times otherwise."""
APP_PARTS = 2
"""Parts of a model's id that the addresses of its jobs begin with: `fal-ai/nano-banana-2`, without `/edit`."""


@dataclass(frozen=True, slots=True)
class FalEndpoints(Endpoints):
    """
    Where fal is.

    Args:
        queue: takes requests.
        platform: knows the models and their prices.
    """

    queue: str = base("https://queue.fal.run", "NBBANANA_FAL_QUEUE")
    platform: str = base("https://api.fal.ai/v1", "NBBANANA_FAL_PLATFORM")


class Fal(Service):
    """
    A `Provider` over fal's queue; see `Client` for its arguments.

    A handle is the application and the request id, such as `fal-ai/nano-banana-2/requests/…`.
    """

    name = "fal"
    title = "fal"
    endpoints: FalEndpoints = FalEndpoints()
    output_hosts = (".fal.media",)
    connections: ClassVar[Mapping[str, Any]] = {"scheme": "Key"}
    refusals: ClassVar[Mapping[int, Refusal]] = {
        401: (
            TokenRejectedError,
            "fal did not accept your key.",
            "Check FAL_KEY, or make a new key on fal.ai.",
        ),
        402: (BalanceError, "There is not enough balance.", "Add balance on fal.ai. Nothing was made."),
    }

    @classmethod
    def wire(cls, endpoints: FalEndpoints, model: str, payload: Mapping[str, Any]) -> Wire:
        """Return the POST of a request."""
        return Wire(f"{endpoints.queue}/{cls._offer(model).id}", KEY_HEADER, payload, HEADERS)

    def handle_of(self, model: str, request_id: str) -> str:
        """Return the handle of a job: fal's addresses begin with the application."""
        return "/".join([*self.model_id(model).split("/")[:APP_PARTS], "requests", request_id])

    async def status(self, handle: str) -> JobStatus:
        """Ask how a job stands."""
        url, request_id = self._address(handle)
        answer = await self._ask("GET", f"{url}/status", "status", "get the status", request_id)
        word, ahead = word_of(answer.json), place_in_queue(answer.json)
        return JobStatus(STATES.get(word, "other"), word or "no word", ahead, retry_after=answer.retry_after)

    async def result(self, handle: str) -> JobStatus:
        """Ask for the outputs of a job, or why there are none: fal calls a job that failed completed too."""
        url, request_id = self._address(handle)
        takes = frozenset({400, 422})
        answer = await self._ask("GET", url, "result", "get the result", request_id, takes=takes)
        if answer.status == 400 and (stands := await self.status(handle)).state != "completed":
            return stands
        if answer.status in takes:
            words = server_message(answer.json) or f"It answered HTTP {answer.status} without a reason."
            return JobStatus("failed", "completed with an error", error=words, is_blocked=BLOCKED in answer.body)
        return JobStatus("completed", "completed", urls=tuple(output_urls(answer.json)), retry_after=answer.retry_after)

    async def cancel(self, handle: str) -> Cancellation:
        """Ask fal not to run a job; only one that was removed from the queue is surely cancelled."""
        url, request_id = self._address(handle)
        takes = frozenset({400})  # fal's answer about a job that is over or runs
        answer = await self._ask("PUT", f"{url}/cancel", "cancel", "cancel the job", request_id, takes=takes)
        word = word_of(answer.json)
        removed = answer.status < 300 and word in {"ok", "removed", "cancelled", "cancellation_done"}
        return Cancellation(removed, word or f"HTTP {answer.status}", "cancelled" if removed else "other")

    async def describe(self, model: str) -> Description:
        """Return the fields of fal's model by the catalogue, and its price by fal's price API, else its list."""
        found = self._offer(model)
        each, prices = await self._listed_price(found.id), found.prices
        if each:  # a list of ours knows what sizes and extras cost besides
            own = prices or PriceList(each, "", "")
            prices = replace(own, base=each, read=today(), source="fal's price API")
        return Description(Price.by_picture(prices), found.schema)

    async def catalogue_entry(self, model: str) -> Offer:
        """
        Return what fal's own catalogue has of a model now: its fields, and the price of a picture where it tells one.

        Raises:
            UnknownModelError: it has none.
        """
        known = offer(self.name, model)
        name = known.id if known else model
        query = httpx.QueryParams({"endpoint_id": name, "expand": "openapi-3.0"})
        with self._knowing(model):
            url = f"{self.endpoints.platform}/models?{query}"
            entry = _entry((await self._ask("GET", url, "models", "look it up")).json, "models", name)
            if not isinstance(entry.get("metadata"), dict):
                raise UnknownModelError(f"{self.title} has no {model[:80]}.", "Its catalogue does not list it.")
        schema = input_schema(model, entry.get("openapi"))
        schema["properties"].pop("sync_mode", None)  # it gives the picture in the answer and keeps nothing to collect
        return told(self.name, model, name, schema, await self._listed_price(name), f"{self.title}'s {OWN_CATALOGUE}")

    async def _listed_price(self, name: str) -> float | None:
        """Return US dollars a picture; None where fal charges by something else or tells none."""
        query = httpx.QueryParams({"endpoint_id": name})
        url = f"{self.endpoints.platform}/models/pricing?{query}"
        try:
            answer = await self._ask("GET", url, "pricing", "get the price")
        except NBBananaError:
            return None  # the fields are worth having all the same, and this package's own price stays
        entry = _entry(answer.json, "prices", name)
        each = entry.get("unit_price")
        is_by_picture = entry.get("unit") in {"image", "images"} and entry.get("currency") in {"USD", None}
        return money_from(each) if is_by_picture else None

    def _refusal(self, answer: Answer, request_id: str | None) -> Refusal:
        if answer.status == 403 and LOCKED.search(server_message(answer.json)):
            return self.refusals[402]
        if request_id is not None or answer.status in {429, *self.refusals}:
            return super()._refusal(answer, request_id)
        if answer.status == 404:
            return UnknownModelError, "fal does not have this model.", ""
        return (
            RejectedError,
            "fal refused the request.",
            "Nothing was made or charged. Change the request and run it again.",
        )

    def _address(self, handle: str) -> tuple[str, str]:
        """Return the address of a job and its request id; errors where the handle is not one of ours."""
        app, _, request_id = handle.partition("/requests/")
        if not re.fullmatch(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+", app) or not REQUEST_ID.match(request_id):
            raise RequestNotFoundError(
                f"{handle[:60]!r} is no request of fal.", "It names a model and a request id.", "Check the id."
            )
        return f"{self.endpoints.queue}/{app}/requests/{request_id}", request_id


def _entry(answer: Any, key: str, name: str) -> Mapping[str, Any]:
    """Return the entry of a list that is about a model; an empty one where none is."""
    found = (one for one in members(answer, key) if one.get("endpoint_id") == name)
    return next(found, {})


SPEC = ProviderSpec(
    name=Fal.name,
    title=Fal.title,
    connect=Fal,
    wire=Fal.wire,
    key_variables=("FAL_KEY",),
    key_page="fal.ai/dashboard/keys",
    endpoints=FalEndpoints,
    default_model="google/nano-banana-2/edit",
    catalogue=Fal.catalogue_entry,
)
