"""A provider as another package ships it: all that a service with a queue, its own words and its own prices needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbbanana.errors import RequestNotFoundError, TokenRejectedError, UnknownModelError
from nbbanana.models.offers import Offer, PriceList
from nbbanana.providers.answers import REQUEST_ID, output_urls, server_message
from nbbanana.providers.base import Cancellation, Description, JobStatus, Price, RemoteState, Wire
from nbbanana.providers.registry import Endpoints, ProviderSpec, base
from nbbanana.providers.service import Service

NAME, TITLE, MODEL = "elsewhere", "Elsewhere", "google/nano-banana-2/edit"
SCHEMA = {
    "type": "object",
    "required": ["words", "pictures"],
    "properties": {
        "words": {"type": "string", "x-nbbanana": {"role": "prompt"}},
        "pictures": {"type": "array", "items": {"type": "string"}, "maxItems": 3, "x-nbbanana": {"role": "images"}},
        "copies": {"type": "integer", "minimum": 1, "maximum": 4, "x-nbbanana": {"role": "count"}},
        "seed": {"type": "integer", "x-nbbanana": {"role": "seed"}},
        "resolution": {"type": "string", "enum": ["0.5K", "1K", "2K", "4K"]},
    },
}
FACTORS = {"0.5K": 0.5, "1K": 1.0, "2K": 2.0, "4K": 4.0}
PRICES = PriceList(0.03, "2026-11-29", "elsewhere.example/prices", factors={"resolution": FACTORS})
STATES: dict[str, RemoteState] = {
    "waits": "queued", "works": "running", "done": "completed", "stopped": "cancelled", "failed": "failed",
}  # fmt: skip
OFFER = Offer(NAME, MODEL, "banana-two", SCHEMA, PRICES, "2026-11-29", "elsewhere.example/models")


@dataclass(frozen=True, slots=True)
class ElsewhereEndpoints(Endpoints):
    """Where it is."""

    api: str = base("https://api.elsewhere.example", "ELSEWHERE_BASE")


def offers(model: str) -> Offer | None:
    """Return what it has of a model of the catalogue."""
    return OFFER if model == MODEL else None


class Elsewhere(Service):
    """Its queue; a handle is the id of a job."""

    name, title = NAME, TITLE
    endpoints = ElsewhereEndpoints()
    output_hosts = (".elsewhere.example",)
    refusals = {401: (TokenRejectedError, f"{TITLE} did not accept your key.", "Check ELSEWHERE_KEY.")}  # noqa: RUF012

    @staticmethod
    def wire(endpoints: ElsewhereEndpoints, model: str, payload: Mapping[str, Any]) -> Wire:
        """Return the POST of a request."""
        if (found := offers(model)) is None:
            raise UnknownModelError(f"{TITLE} has no {model}.", "It has one model.", f"Choose {MODEL}.")
        return Wire(f"{endpoints.api}/jobs/{found.id}", "Authorization: Bearer $ELSEWHERE_KEY", payload)

    def model_id(self, model: str) -> str:
        """Return what it calls a model."""
        return self.wire(self.endpoints, model, {}).url.rpartition("/")[2]

    async def status(self, handle: str) -> JobStatus:
        """Ask how a job stands."""
        answer = await self._ask("GET", self._address(handle), "job", "ask for it", handle)
        told = answer.json if isinstance(answer.json, dict) else {}
        state, why = STATES.get(str(told.get("state")), "other"), server_message(told)
        urls = tuple(output_urls(told))
        return JobStatus(
            state, str(told.get("state")), urls=urls, error=why, is_blocked="refused" in why, cost=told.get("paid")
        )

    async def result(self, handle: str) -> JobStatus:
        """Ask for its outputs: the same question."""
        return await self.status(handle)

    async def cancel(self, handle: str) -> Cancellation:
        """Ask for it to be stopped."""
        answer = await self._ask("DELETE", self._address(handle), "cancel", "cancel it", handle)
        stopped = answer.json == {"state": "stopped"}
        return Cancellation(stopped, "stopped" if stopped else "goes on", "cancelled" if stopped else "other")

    def _address(self, handle: str) -> str:
        """Return the address of a job; the handle may be of a stranger's bundle."""
        if not REQUEST_ID.match(handle):
            raise RequestNotFoundError(f"{handle[:40]!r} is no job of {TITLE}.", "It is no id.", "Check the id.")
        return f"{self.endpoints.api}/jobs/{handle}"

    async def describe(self, model: str) -> Description:
        """Return its fields and prices."""
        self.model_id(model)
        return Description(Price(PRICES.base, "image", prices=PRICES), SCHEMA)


SPEC = ProviderSpec(
    NAME,
    TITLE,
    connect=Elsewhere,
    wire=Elsewhere.wire,
    key_variables=("ELSEWHERE_KEY",),
    key_page="elsewhere.example/keys",
    endpoints=ElsewhereEndpoints,
    offers=offers,
    default_model=MODEL,
)
