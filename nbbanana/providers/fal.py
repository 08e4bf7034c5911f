"""
fal as a provider: its queue over plain httpx.

The addresses of a job are built here from the model's id and a checked request id, never taken from an answer. Sources:
fal's documentation of its queue and errors and the types of its clients, read on 29 November 2026; not tried against
the service.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx

from nbbanana.errors import (
    BalanceError,
    NBBananaError,
    NotYoursError,
    RateLimitError,
    RejectedError,
    RequestNotFoundError,
    TokenRejectedError,
    UnknownModelError,
    UpstreamError,
    translated,
)
from nbbanana.models.offer_files import today
from nbbanana.models.offers import Offer, PriceList, offer, offered
from nbbanana.models.openapi import input_schema
from nbbanana.models.retiring import retired
from nbbanana.providers.answers import PASSING, REQUEST_ID, output_urls, server_message
from nbbanana.providers.base import Accepted, Cancellation, Description, JobStatus, Price, Wire
from nbbanana.providers.credentials import Credential
from nbbanana.providers.endpoints import Endpoints, base
from nbbanana.providers.http import Answer, Connections, Timeouts
from nbbanana.providers.service import Service
from nbbanana.providers.spec import ProviderSpec

__all__ = ["SPEC", "Fal", "FalEndpoints"]

NAME, TITLE = "fal", "fal"
KEY_HEADER = "Authorization: Key $FAL_KEY"
LOCKED = re.compile(r"locked|balance|top.?up|exhausted", re.IGNORECASE)
"""How a 403 reads that is about the wallet (fal's clients and forum)."""
BLOCKED = "content_policy_violation"
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


def wire_of(endpoints: FalEndpoints, model: str, payload: Mapping[str, Any]) -> Wire:
    """Return the POST of a request."""
    return Wire(f"{endpoints.queue}/{_offer(model).id}", KEY_HEADER, payload, HEADERS)


class Fal(Service):
    """
    A `Provider` over fal's queue.

    A handle is the application and the request id, such as `fal-ai/nano-banana-2/requests/…`.

    Args:
        credential: the key.
        endpoints: the bases.
        transport: makes an httpx transport; None is the network.
        timeouts: how long anything may take.
    """

    name = NAME
    is_play = False
    output_hosts = (".fal.media",)
    takes_jpeg = True
    pace = 1.0

    def __init__(
        self,
        credential: Credential,
        endpoints: FalEndpoints | None = None,
        *,
        transport: Callable[[], httpx.AsyncBaseTransport] | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        self.endpoints = endpoints or FalEndpoints()
        trusted = None if self.endpoints.is_official else self.endpoints.queue
        http = Connections(timeouts or Timeouts(), transport, scheme="Key")
        super().__init__(http, credential.token, _error_of, trusted)

    def __repr__(self) -> str:
        return "<Fal>"

    def model_id(self, model: str) -> str:
        """Return what fal calls a model; UnknownModelError where it has none."""
        return _offer(model).id

    def handle_of(self, model: str, request_id: str) -> str:
        """Return the handle of a job: fal's addresses begin with the application."""
        app = "/".join(_offer(model).id.split("/")[:APP_PARTS])
        return f"{app}/requests/{request_id}"

    async def submit(self, model: str, payload: Mapping[str, Any]) -> Accepted:
        """
        Send a request once, over a fresh connection.

        Raises:
            NetworkError: the connection was never made, so nothing was taken.
            InputError, UnknownModelError: nothing was sent, or fal does not have the model any more.
            RateLimitError, RejectedError, BalanceError, CredentialError: the service refused it.
            UncertainError: it may have been taken.
        """
        wire = wire_of(self.endpoints, model, payload)
        with translated(UnknownModelError, lambda error: retired(NAME, TITLE, model, error.why) or error):
            request_id = await self._post(wire)
        return Accepted(self.handle_of(model, request_id), request_id)

    async def status(self, handle: str) -> JobStatus:
        """Ask how a job stands."""
        url, request_id = self._address(handle)
        return _status(await self._questions.ask("GET", f"{url}/status", "status", "get the status", request_id))

    async def result(self, handle: str) -> JobStatus:
        """Ask for the outputs of a job, or why there are none: fal calls a job that failed completed too."""
        url, request_id = self._address(handle)
        takes = frozenset({400, 422})
        answer = await self._questions.ask("GET", url, "result", "get the result", request_id, takes=takes)
        if answer.status == 400 and (stands := await self.status(handle)).state != "completed":
            return stands
        if answer.status in takes:
            return _failed(answer)
        return JobStatus("completed", "completed", urls=tuple(output_urls(answer.json)), retry_after=answer.retry_after)

    async def cancel(self, handle: str) -> Cancellation:
        """Ask fal not to run a job; only one that was removed from the queue is surely cancelled."""
        url, request_id = self._address(handle)
        takes = frozenset({400})  # fal's answer about a job that is over or runs
        answer = await self._questions.ask("PUT", f"{url}/cancel", "cancel", "cancel the job", request_id, takes=takes)
        word = _word(answer.json)
        removed = answer.status < 300 and word in {"ok", "removed", "cancelled", "cancellation_done"}
        return Cancellation(removed, word or f"HTTP {answer.status}", "cancelled" if removed else "other")

    async def describe(self, model: str) -> Description:
        """Return the fields of fal's model by the catalogue, and its price by fal's price API, else its list."""
        found = _offer(model)
        told, listed = await self._listed_price(found.id, today(), "fal's price API"), found.prices
        if told is not None and listed is not None:  # its list knows what sizes and extras cost besides
            told = replace(listed, base=told.base, read=told.read, source=told.source)
        prices = told or listed
        return Description(Price(prices.base if prices else None, "image", prices=prices), found.schema)

    async def catalogue_entry(self, model: str) -> Offer:
        """
        Return what fal's own catalogue has of a model now: its fields, and the price of a picture where it tells one.

        Raises:
            UnknownModelError: it has none.
        """
        known = offer(NAME, model)
        name = known.id if known else model
        query = httpx.QueryParams({"endpoint_id": name, "expand": "openapi-3.0"})
        with translated(UnknownModelError, lambda error: retired(NAME, TITLE, model, error.why) or error):
            url = f"{self.endpoints.platform}/models?{query}"
            entry = _entry((await self._questions.ask("GET", url, "models", "look it up")).json, "models", name)
            if not isinstance(entry.get("metadata"), dict):
                raise UnknownModelError(f"{TITLE} has no {model[:80]}.", "Its catalogue does not list it.")
        schema = input_schema(model, entry.get("openapi"))
        schema["properties"].pop("sync_mode", None)  # it gives the picture in the answer and keeps nothing to collect
        day = today()
        source = "fal's own catalogue, read by nbbanana models refresh"
        return Offer(NAME, model, name, schema, await self._listed_price(name, day, source), day, source, alive=day)

    async def _listed_price(self, name: str, day: str, source: str) -> PriceList | None:
        """Return the price of a picture; None where fal charges by something else or tells none."""
        query = httpx.QueryParams({"endpoint_id": name})
        url = f"{self.endpoints.platform}/models/pricing?{query}"
        try:
            answer = await self._questions.ask("GET", url, "pricing", "get the price")
        except NBBananaError:
            return None  # the fields are worth having all the same, and this package's own price stays
        entry = _entry(answer.json, "prices", name)
        each = entry.get("unit_price")
        is_by_picture = entry.get("unit") in {"image", "images"} and entry.get("currency") in {"USD", None}
        return (
            PriceList(float(each), day, source)
            if isinstance(each, int | float) and each is not True and is_by_picture
            else None
        )

    def _address(self, handle: str) -> tuple[str, str]:
        """Return the address of a job and its request id; errors where the handle is not one of ours."""
        app, _, request_id = handle.partition("/requests/")
        if not re.fullmatch(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+", app) or not REQUEST_ID.match(request_id):
            raise RequestNotFoundError(
                f"{handle[:60]!r} is no request of fal.", "It names a model and a request id.", "Check the id."
            )
        return f"{self.endpoints.queue}/{app}/requests/{request_id}", request_id


def _offer(model: str) -> Offer:
    return offered(NAME, TITLE, model)


def _entry(answer: Any, key: str, name: str) -> Mapping[str, Any]:
    """Return the entry of a list that is about a model; an empty one where none is."""
    listed = answer.get(key) if isinstance(answer, dict) else None
    found = (one for one in listed if isinstance(one, dict) and one.get("endpoint_id") == name) if listed else ()
    return next(iter(found), {})


def _status(answer: Answer) -> JobStatus:
    word = _word(answer.json)
    state = {"in_queue": "queued", "in_progress": "running", "completed": "completed"}.get(word, "other")
    position = answer.json.get("queue_position") if isinstance(answer.json, dict) else None
    ahead = position if type(position) is int and 0 <= position < 10**9 else None
    return JobStatus(state, word or "no word", queue_position=ahead, retry_after=answer.retry_after)  # type: ignore[arg-type]


def _failed(answer: Answer) -> JobStatus:
    """Return the end of a job whose result is an error; a refusal of the content is told by its type."""
    blocked = BLOCKED.encode() in answer.body
    words = server_message(answer.json) or f"It answered HTTP {answer.status} without a reason."
    return JobStatus("failed", "completed with an error", error=words, is_blocked=blocked)


def _word(answer: Any) -> str:
    value = answer.get("status") if isinstance(answer, dict) else None
    return value.strip().lower()[:40] if isinstance(value, str) and value.isascii() else ""


def _error_of(answer: Answer, *, doing: str, request_id: str | None) -> NBBananaError | None:
    """Return the error that an answer of fal means; a status without JSON comes from something in between."""
    status = answer.status
    if 200 <= status < 300:
        return None
    words = server_message(answer.json)
    why = f"It said: {words} (HTTP {status})" if words else f"It answered HTTP {status} without a reason."
    if status == 401:
        return TokenRejectedError("fal did not accept your key.", why, "Check FAL_KEY, or make a new key on fal.ai.")
    if status == 402 or (status == 403 and LOCKED.search(words)):
        return BalanceError("There is not enough balance.", why, "Add balance on fal.ai. Nothing was made.")
    if status >= 500 or status in PASSING or answer.is_page:
        mend = "The job may still run: %nbresume collects it." if request_id else ""
        return UpstreamError(f"Could not {doing}: fal failed.", why, mend, request_id=request_id)
    if request_id is None and status != 429:
        mend = "Nothing was made or charged. Change the request and run it again."
        refusal = RejectedError("fal refused the request.", why, mend)
        return UnknownModelError("fal does not have this model.", why) if status == 404 else refusal
    kind = {403: NotYoursError, 404: RequestNotFoundError, 429: RateLimitError}.get(status, RejectedError)
    return kind(f"Could not {doing}: fal refused.", why, request_id=request_id)


SPEC = ProviderSpec(
    name=NAME,
    title=TITLE,
    connect=lambda credential, endpoints, _pace: Fal(credential, endpoints),
    wire=wire_of,
    key_variables=("FAL_KEY",),
    key_page="fal.ai/dashboard/keys",
    endpoints=FalEndpoints,
    default_model="google/nano-banana-2/edit",
    catalogue=Fal.catalogue_entry,
)
