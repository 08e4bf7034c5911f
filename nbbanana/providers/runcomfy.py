"""
The RunComfy Model API as a provider, over the network or over any other httpx transport.

The token goes to the API's own bases and nowhere else: addresses are built here from an id that was checked,
never taken from an answer, and no redirect is followed. A login is that of the RunComfy CLI: the service shows a page,
the user types a code there, and a token comes back (`/api/cli-auth/start` and `/api/cli-auth/poll` at the web base).
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import httpx

from nbbanana.errors import (
    BalanceError,
    CredentialError,
    DeadlineError,
    NBBananaError,
    NetworkError,
    ProtocolError,
    RateLimitError,
    RejectedError,
    RequestNotFoundError,
    TokenRejectedError,
    UnknownModelError,
    UpstreamError,
    translated,
)
from nbbanana.models.offer_files import MODEL_ID, OWN_CATALOGUE, told
from nbbanana.models.offers import Offer, lacking, retired
from nbbanana.models.schemas import member
from nbbanana.providers.answers import (
    REQUEST_ID,
    STATES,
    UNREADABLE,
    error_code,
    job_status,
    price_from,
    server_message,
    word_of,
)
from nbbanana.providers.base import Cancellation, Description, DeviceCode, JobStatus, Wire
from nbbanana.providers.credentials import Credential, Token
from nbbanana.providers.http import Answer, Connections
from nbbanana.providers.registry import Endpoints, ProviderSpec, base
from nbbanana.providers.service import Refusal, Service
from nbbanana.settings import DEFAULT_MODEL, DEFAULT_PROVIDER, PLAY_PROVIDER, under_home
from nbbanana.text import one_line

__all__ = ["SPEC", "RunComfy", "RunComfyEndpoints", "log_in", "token_file"]

TITLE = "RunComfy"
OUTPUT_HOSTS = (".runcomfy.net", ".runcomfy.com")
NO_TOKEN: Refusal = (
    TokenRejectedError,
    "The service did not accept your token.",
    "Make a new token on runcomfy.com, then log in again or set RUNCOMFY_TOKEN.",
)
NO_BALANCE: Refusal = (
    BalanceError,
    "There is not enough balance.",
    "Add balance on runcomfy.com. Nothing was made.",
)
WRONG_ID, NOT_FOUND = 400001, 404001
"""The codes of a wrong resource id, which of a submit is the model, and of an unknown request (error codes page)."""
QUESTION_PAUSE = 0.5
LONGEST_QUESTION_PAUSE = 5.0
"""Seconds before a question about a model is asked a second time."""
LONGEST_WAIT, LONGEST_PAUSE = 1800.0, 30.0
"""Seconds that a login takes at most, and between two polls of it."""


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
    home = Path(xdg) if xdg else under_home(os.path.expanduser("~/.config"), "RUNCOMFY_CONFIG_DIR")  # noqa: PTH111 - never raises
    return home / "runcomfy" / "token.json"


class RunComfy(Service):
    """
    A `Provider` over the Model API; see `Client` for its arguments.

    A token that a sandbox made means that a sandbox answers.
    """

    title = TITLE
    endpoints: RunComfyEndpoints = RunComfyEndpoints()
    output_hosts = OUTPUT_HOSTS
    refusals: ClassVar[Mapping[int, Refusal]] = {401: NO_TOKEN, 402: NO_BALANCE, 400004: NO_TOKEN, 400002: NO_BALANCE}
    takes_jpeg = False
    """JPEG in a request is not documented there; the setting `upload_format` sends it all the same."""

    def __init__(
        self, credential: Credential, endpoints: RunComfyEndpoints | None = None, pace: float = 1.0, **options: Any
    ) -> None:
        super().__init__(credential, endpoints, pace, **options)
        self.is_play = credential.is_play
        self.title = "the service" if self.is_play else TITLE
        self.name = PLAY_PROVIDER if self.is_play else DEFAULT_PROVIDER

    @classmethod
    def wire(cls, endpoints: RunComfyEndpoints, model: str, payload: Mapping[str, Any]) -> Wire:
        """Return the POST of a request."""
        url = f"{endpoints.model_api}/models/{_checked_model(model)}"
        return Wire(url, "Authorization: Bearer $RUNCOMFY_TOKEN", payload)

    # ── what a provider does ────────────────────────────────────────────────────────────────────────────────

    def model_id(self, model: str) -> str:
        """Return what the service calls a model: its own ids are the catalogue's."""
        return model

    async def status(self, handle: str) -> JobStatus:
        """Ask how a job stands."""
        return await self._job(handle, "status", "get the status")

    async def result(self, handle: str) -> JobStatus:
        """Ask for the outcome of a job, with its cost."""
        return await self._job(handle, "result?include_cost=true", "get the result")

    async def cancel(self, handle: str) -> Cancellation:
        """Ask the service not to run a job. Only a queued one can be cancelled."""
        url = f"{self.endpoints.model_api}/requests/{_checked_handle(handle)}/cancel"
        answer = (await self._ask("POST", url, "cancel", "cancel the job", handle)).json
        status, outcome = (word_of(answer, key) for key in ("status", "outcome"))
        cancelled = "cancelled" in {STATES.get(status), STATES.get(outcome)}
        return Cancellation(cancelled, outcome or status or "no word", STATES.get(status, "other"))

    async def describe(self, model: str) -> Description:
        """
        Return what the catalogue says of a model: its price and its live `input_schema`. Asked once more where the
        first answer says nothing, since a paid request waits for it.

        Raises:
            UnknownModelError: the service does not know it.
        """
        with translated((RequestNotFoundError, RejectedError), lambda error: self._unknown(model, error)):
            try:
                return await self._described(model)
            except (UpstreamError, ProtocolError, RateLimitError) as error:
                pause = min(error.retry_after or QUESTION_PAUSE, LONGEST_QUESTION_PAUSE)
            await asyncio.sleep(pause)
            return await self._described(model)

    # ── what else the service can be asked ──────────────────────────────────────────────────────────────────

    async def catalogue(self) -> Any:
        """Return the service's list of models, `{"models": […], "total": n}`: asked by `nbbanana models --remote`."""
        url = f"{self.endpoints.model_api}/models?limit=100"
        return (await self._ask("GET", url, "catalogue", "list the models")).json

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
        each = found.price.base if found.price.unit in {"output", "image"} else None
        return told(DEFAULT_PROVIDER, model, model, found.schema, each, f"{TITLE}'s {OWN_CATALOGUE}")

    async def whoami(self) -> Any:
        """Return whose token it is: `id` and, where the service says it, `email`."""
        url = f"{self.endpoints.web}/api/auth/me"
        return (await self._ask("GET", url, "whoami", "find out whose token it is")).json

    async def balance(self) -> Any:
        """Return the balance: `balance_usd`."""
        return (await self._ask("GET", f"{self.endpoints.account}/balance", "balance", "get the balance")).json

    # ── how it is done ──────────────────────────────────────────────────────────────────────────────────────

    async def _described(self, model: str) -> Description:
        url = f"{self.endpoints.model_api}/models/{_checked_model(model)}"
        entry = (await self._ask("GET", url, f"describe {model}", f"look up {model}")).json
        schema = member(entry, "input_schema")
        return Description(price_from(entry), schema if isinstance(schema, dict) else None)

    def _unknown(self, model: str, error: NBBananaError) -> NBBananaError:
        """Return the error for a model that the service does not have: it ended, or there never was one."""
        title = "The service" if self.is_play else TITLE
        return retired(self.name, title, model, error.why) or lacking(title, model, error.why)

    async def _job(self, handle: str, what: str, doing: str) -> JobStatus:
        url = f"{self.endpoints.model_api}/requests/{_checked_handle(handle)}/{what}"
        answer = await self._ask("GET", url, what.partition("?")[0], doing, handle)
        return job_status(answer.json, answer.retry_after)

    def _number(self, answer: Answer) -> int:
        code = error_code(answer.json)
        if code is None:
            return answer.status
        return code if code >= 100_000 else UNREADABLE  # so that no code is taken for a status

    def _refusal(self, answer: Answer, request_id: str | None) -> Refusal:
        """
        Return the error of a refusal.

        The API documents its "not found" as 404001: a 404 about an id without that code comes from something in
        between, or from an id that is too fresh, and passes.
        """
        kind, what, mend = super()._refusal(answer, request_id)
        if kind is RequestNotFoundError and self._number(answer) != NOT_FOUND:
            kind = UpstreamError if self._number(answer) == 404 and request_id else RejectedError
        return kind, what, mend

    def _for_submit(self, refusal: NBBananaError, answer: Answer) -> NBBananaError:
        is_unknown = self._number(answer) == WRONG_ID or (self._number(answer) == 404 and not answer.is_page)
        if refusal.request_id is None and is_unknown:
            return UnknownModelError("The service does not have this model.", refusal.why)
        return super()._for_submit(refusal, answer)


def _checked_model(model: str) -> str:
    if not MODEL_ID.match(model):
        raise UnknownModelError(
            f"There is no model {model[:200]!r}.",
            "A model's id is a path of plain words, such as google/nano-banana-2/edit.",
        )
    return model


def _checked_handle(handle: str) -> str:
    """Return the handle of a job, which is its request id, if it can stand in an address."""
    if not REQUEST_ID.match(handle):
        raise RequestNotFoundError(
            f"{handle[:40]!r} is no request id.", "An id has up to 128 letters, digits, - and _.", "Check the id."
        )
    return handle


# ── login ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def log_in(web: str, show: Callable[[DeviceCode], object]) -> Token:
    """
    Log in and return the token.

    Args:
        web: the base that is asked, such as `https://www.runcomfy.com`.
        show: is called once, with what the user has to do.

    Raises:
        NetworkError, ProtocolError: the service cannot be asked.
        CredentialError: the user refused.
        DeadlineError: the code was not typed in time.
        ConfigError: an environment variable about proxies or certificates cannot be used.
    """
    http = Connections()
    try:
        code = await _start(http, web)
        show(code)
        return await _until_typed(http, web, code)
    finally:
        await http.aclose()


async def _start(http: Connections, web: str) -> DeviceCode:
    answer = await http.ask("POST", f"{web}/api/cli-auth/start", "login start")
    if answer.failure is not None and not isinstance(answer.failure, ProtocolError):
        error = NetworkError("The login page could not be reached.", answer.failure.why, answer.failure.how)
        error.__cause__ = answer.failure.__cause__
        raise error
    why = server_message(answer.json) or "The answer is not what the service documents."
    kinds = (KeyError, TypeError, ValueError, OverflowError, httpx.InvalidURL)
    with translated(kinds, lambda _: ProtocolError("The login could not begin.", why)):
        return _device_code(answer.json)


def _device_code(answer: Any) -> DeviceCode:
    url = str(answer["verify_url"])
    if httpx.URL(url).scheme not in {"https", "http"} or not url.isprintable():
        raise ValueError("no address for a browser")
    lasts, pause = (float(answer[key]) for key in ("expires_in", "poll_interval"))
    if not math.isfinite(lasts + pause):
        raise ValueError("no time")
    return DeviceCode(
        one_line(answer["user_code"], 40),
        url,
        min(lasts, LONGEST_WAIT),
        min(max(1.0, pause), LONGEST_PAUSE),
        str(answer["device_code"]),
    )


async def _until_typed(http: Connections, web: str, code: DeviceCode) -> Token:
    ends = time.monotonic() + code.expires_in
    while time.monotonic() < ends:
        # A page of a proxy, a 429 or a broken connection in between is no answer, and the next poll may have one.
        body = json.dumps({"device_code": code.device_code}).encode()
        answer = await http.ask("POST", f"{web}/api/cli-auth/poll", "login poll", body=body)
        state, token = member(answer.json, "status"), Token(member(answer.json, "access_token") or "")
        if state == "authorized" and token:
            return token
        if state == "denied":
            raise CredentialError("The login was refused.", "It was refused on the page.", "Log in again.")
        if state == "expired":
            break
        await asyncio.sleep(min(max(code.interval, answer.retry_after or 0.0), LONGEST_PAUSE))
    raise DeadlineError("The login was not finished in time.", "The code has expired.", "Log in again.")


SPEC = ProviderSpec(
    name=DEFAULT_PROVIDER,
    title=TITLE,
    connect=RunComfy,
    key_variables=("RUNCOMFY_TOKEN",),
    key_page="runcomfy.com",
    endpoints=RunComfyEndpoints,
    device_login=lambda endpoints, show: log_in(endpoints.web, show),
    token_file=token_file,
    folder_variable="RUNCOMFY_CONFIG_DIR",
    default_model=DEFAULT_MODEL,
    catalogue=RunComfy.catalogue_entry,
    play_name=PLAY_PROVIDER,
    wire=RunComfy.wire,
)
