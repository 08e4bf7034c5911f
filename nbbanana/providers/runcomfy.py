"""
The RunComfy Model API as a provider, over the network or over any other httpx transport.

The token goes to the API's own bases and nowhere else: addresses are built here from an id that was checked,
never taken from an answer, and no redirect is followed.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from nbbanana.errors import (
    BalanceError,
    NBBananaError,
    ProtocolError,
    RateLimitError,
    RejectedError,
    RequestNotFoundError,
    TokenRejectedError,
    UnknownModelError,
    UpstreamError,
    translated,
)
from nbbanana.models.offer_files import today
from nbbanana.models.offers import Offer, PriceList, lacking
from nbbanana.models.retiring import retired
from nbbanana.providers.answers import (
    REQUEST_ID,
    STATES,
    error_code,
    error_from,
    job_status,
    price_from,
)
from nbbanana.providers.base import Accepted, Cancellation, Description, JobStatus, Wire
from nbbanana.providers.credentials import Credential
from nbbanana.providers.endpoints import Endpoints, base
from nbbanana.providers.http import Answer, Connections, Timeouts
from nbbanana.providers.login import log_in
from nbbanana.providers.service import SUBMIT, Service
from nbbanana.providers.spec import ProviderSpec
from nbbanana.settings import DEFAULT_MODEL, DEFAULT_PROVIDER, PLAY_PROVIDER, under_home
from nbbanana.text import one_line, without_addresses

__all__ = ["SPEC", "RunComfy", "RunComfyEndpoints", "Timeouts", "token_file"]


TITLE = "RunComfy"
OUTPUT_HOSTS = (".runcomfy.net", ".runcomfy.com")
MODEL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]*(?:/[A-Za-z0-9][A-Za-z0-9._~-]*)*\Z")
"""A slash path that goes into an address as it is (async queue endpoints page)."""
MENDS: Mapping[type[NBBananaError], str] = {
    TokenRejectedError: "Make a new token on runcomfy.com, then log in again or set RUNCOMFY_TOKEN.",
    BalanceError: "Add balance on runcomfy.com. Nothing was made.",
}
"""What to do about an error, where that is done on the service's page."""
WRONG_ID = 400001
"""The code of a wrong resource id: of a submit, that is the model (error codes page)."""
QUESTION_PAUSE = 0.5
LONGEST_QUESTION_PAUSE = 5.0
"""Seconds before a question about a model is asked a second time."""


@dataclass(frozen=True, slots=True)
class RunComfyEndpoints(Endpoints):
    """
    The three bases; their variables are those of the RunComfy CLI.

    Args:
        model_api: the Model API, with its `/v1`.
        account: what knows the balance.
        web: login and identity.
    """

    model_api: str = base("https://model-api.runcomfy.net/v1", "RUNCOMFY_MODEL_API_BASE")
    account: str = base("https://api.runcomfy.net/prod/v2", "RUNCOMFY_SERVERLESS_API_BASE")
    web: str = base("https://www.runcomfy.com", "RUNCOMFY_WEB_BASE")


def token_file() -> Path:
    """Return the file that keeps the token of a login: the RunComfy CLI's, which shares it."""
    given, xdg = (os.environ.get(name, "").strip() for name in ("RUNCOMFY_CONFIG_DIR", "XDG_CONFIG_HOME"))
    if given:
        return Path(given) / "token.json"
    if xdg:
        return Path(xdg) / "runcomfy" / "token.json"
    folder = under_home(os.path.expanduser("~/.config/runcomfy"), "RUNCOMFY_CONFIG_DIR")  # noqa: PTH111 - never raises
    return folder / "token.json"


def wire_of(endpoints: RunComfyEndpoints, model: str, payload: Mapping[str, Any]) -> Wire:
    """Return the POST of a request."""
    return Wire(
        f"{endpoints.model_api}/models/{_checked_model(model)}", "Authorization: Bearer $RUNCOMFY_TOKEN", payload
    )


class RunComfy(Service):
    """
    A `Provider` over the Model API.

    Args:
        credential: the token; one that a sandbox made means that a sandbox answers.
        endpoints: the bases.
        transport: makes an httpx transport; None is the network.
        timeouts: how long anything may take.
        pace: see `Provider.pace`.
    """

    output_hosts = OUTPUT_HOSTS
    takes_jpeg = False
    """JPEG in a request is not documented there; the setting `upload_format` sends it all the same."""

    def __init__(
        self,
        credential: Credential,
        endpoints: RunComfyEndpoints | None = None,
        *,
        transport: Callable[[], httpx.AsyncBaseTransport] | None = None,
        timeouts: Timeouts | None = None,
        pace: float = 1.0,
    ) -> None:
        self.is_play = credential.is_play
        self.name = PLAY_PROVIDER if self.is_play else DEFAULT_PROVIDER
        self.pace = pace
        self.endpoints = endpoints or RunComfyEndpoints()
        base_of_outputs = self.endpoints.model_api
        trusted = None if base_of_outputs == RunComfyEndpoints().model_api else base_of_outputs
        super().__init__(Connections(timeouts or Timeouts(), transport), credential.token, _error_of, trusted)

    def __repr__(self) -> str:
        return f"<RunComfy {self.name}>"

    # ── what a provider does ────────────────────────────────────────────────────────────────────────────────

    async def submit(self, model: str, payload: Mapping[str, Any]) -> Accepted:
        """
        Send a request once, over a fresh connection.

        Raises:
            NetworkError: the connection was never made, so nothing was taken.
            ConfigError, InputError, UnknownModelError: nothing was sent, or the service does not have the model.
            RateLimitError, RejectedError, BalanceError, CredentialError: the service refused it.
            UncertainError: it may have been taken.
        """
        wire = wire_of(self.endpoints, model, payload)
        with translated(UnknownModelError, lambda error: self._unknown(model, error.why)):
            request_id = await self._post(wire)
        return Accepted(request_id, request_id)

    def model_id(self, model: str) -> str:
        """Return what the service calls a model: its own ids are the catalogue's."""
        return model

    def handle_of(self, model: str, request_id: str) -> str:
        """Return the handle of a job: its request id."""
        del model
        return request_id

    async def status(self, handle: str) -> JobStatus:
        """Ask how a job stands."""
        return await self._job(handle, "status", "get the status")

    async def result(self, handle: str) -> JobStatus:
        """Ask for the outcome of a job, with its cost."""
        return await self._job(handle, "result?include_cost=true", "get the result")

    async def cancel(self, handle: str) -> Cancellation:
        """Ask the service not to run a job. Only a queued one can be cancelled."""
        url = f"/requests/{_checked_handle(handle)}/cancel"
        answer = (await self._ask("POST", url, "cancel", "cancel the job", handle)).json
        status, outcome = (_word(answer, key) for key in ("status", "outcome"))
        cancelled = "cancelled" in {STATES.get(status), STATES.get(outcome)}
        return Cancellation(cancelled, outcome or status or "no word", STATES.get(status, "other"))

    async def describe(self, model: str) -> Description:
        """
        Return what the catalogue says of a model: its price and its live `input_schema`. Asked once more where the
        first answer says nothing, since a paid request waits for it.

        Raises:
            UnknownModelError: the service does not know it.
        """
        with translated((RequestNotFoundError, RejectedError), lambda error: self._unknown(model, error.why)):
            try:
                entry = await self._catalogue_entry(model)
            except (UpstreamError, ProtocolError, RateLimitError) as error:
                pause = min(error.retry_after or QUESTION_PAUSE, LONGEST_QUESTION_PAUSE)
            else:
                return _description(entry)
            await asyncio.sleep(pause)
            return _description(await self._catalogue_entry(model))

    # ── what else the service can be asked ──────────────────────────────────────────────────────────────────

    async def catalogue(self, search: str = "", limit: int = 100) -> Any:
        """Return the service's list of models: `{"models": […], "total": n}`."""
        query = httpx.QueryParams({"limit": limit} | ({"search": search} if search else {}))
        return (await self._ask("GET", f"/models?{query}", "catalogue", "list the models")).json

    async def catalogue_entry(self, model: str) -> Offer:
        """
        Return what the catalogue has of a model now.

        Raises:
            UnknownModelError: the service does not know it.
            ProtocolError: it tells no schema.
        """
        found = await self.describe(model)
        if found.schema is None:
            raise ProtocolError(f"{TITLE} tells no schema of {model[:80]}.", "So nothing of it can be checked.")
        day, source = today(), f"{TITLE}'s own catalogue, read by nbbanana models refresh"
        each = found.price.base if found.price.unit in {"output", "image"} else None
        prices = PriceList(each, day, source) if each else None
        return Offer(DEFAULT_PROVIDER, model, model, found.schema, prices, day, source, alive=day)

    async def whoami(self) -> Any:
        """Return whose token it is: `id` and, where the service says it, `email`."""
        web = self.endpoints.web
        return (await self._ask("GET", "/api/auth/me", "whoami", "find out whose token it is", at=web)).json

    async def balance(self) -> Any:
        """Return the balance: `balance_usd`."""
        account = self.endpoints.account
        return (await self._ask("GET", "/balance", "balance", "get the balance", at=account)).json

    # ── how it is done ──────────────────────────────────────────────────────────────────────────────────────

    async def _catalogue_entry(self, model: str) -> Any:
        path = f"/models/{_checked_model(model)}"
        return (await self._ask("GET", path, f"describe {model}", f"look up {model}")).json

    def _unknown(self, model: str, why: str) -> UnknownModelError:
        """Return the error for a model that the service does not have: it ended, or there never was one."""
        title = "The service" if self.is_play else TITLE
        return retired(self.name, title, model, why) or lacking(title, model, why)

    async def _job(self, handle: str, what: str, doing: str) -> JobStatus:
        path = f"/requests/{_checked_handle(handle)}/{what}"
        answer = await self._ask("GET", path, what.partition("?")[0], doing, handle)
        return job_status(answer.json, answer.retry_after)

    async def _ask(
        self, method: str, path: str, name: str, doing: str, request_id: str | None = None, *, at: str = ""
    ) -> Answer:
        """Ask the service something that may be asked twice; errors as `Questions.ask`."""
        return await self._questions.ask(method, (at or self.endpoints.model_api) + path, name, doing, request_id)


def _checked_model(model: str) -> str:
    if not MODEL_ID.match(model):
        raise _unknown(model, "A model's id is a path of plain words, such as google/nano-banana-2/edit.")
    return model


def _unknown(model: str, why: str) -> UnknownModelError:
    return UnknownModelError(f"There is no model {model[:200]!r}.", why)


def _checked_handle(handle: str) -> str:
    """Return the handle of a job, which is its request id, if it can stand in an address."""
    if not REQUEST_ID.match(handle):
        raise RequestNotFoundError(
            f"{handle[:40]!r} is no request id.", "An id has up to 128 letters, digits, - and _.", "Check the id."
        )
    return handle


def _description(entry: Any) -> Description:
    schema = entry.get("input_schema") if isinstance(entry, dict) else None
    return Description(price_from(entry), schema if isinstance(schema, dict) else None)


def _word(answer: Any, key: str) -> str:
    value = answer.get(key) if isinstance(answer, dict) else None
    return one_line(without_addresses(value[:200].strip().lower()), 40) if isinstance(value, str) else ""


def _error_of(answer: Answer, *, doing: str, request_id: str | None) -> NBBananaError | None:
    found = error_from(
        answer.status, answer.json, doing=doing, request_id=request_id, is_page=answer.is_page, mends=MENDS
    )
    code = error_code(answer.json)
    is_unknown = code == WRONG_ID or (code is None and answer.status == 404 and not answer.is_page)
    if found is not None and doing == SUBMIT and request_id is None and is_unknown:
        return UnknownModelError("The service does not have this model.", found.why)
    return found


SPEC = ProviderSpec(
    name=DEFAULT_PROVIDER,
    title=TITLE,
    connect=lambda credential, endpoints, pace: RunComfy(credential, endpoints, pace=pace),
    key_variables=("RUNCOMFY_TOKEN",),
    key_page="runcomfy.com",
    endpoints=RunComfyEndpoints,
    device_login=lambda endpoints, show: log_in(endpoints.web, show),
    token_file=token_file,
    folder_variable="RUNCOMFY_CONFIG_DIR",
    default_model=DEFAULT_MODEL,
    catalogue=RunComfy.catalogue_entry,
    play_name=PLAY_PROVIDER,
    wire=wire_of,
)
