"""
The RunComfy Model API as a provider, over the network or over any other httpx transport.

The token goes to the API's own bases and nowhere else: addresses are built here from an id that was checked,
never taken from an answer, and no redirect is followed.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

from nbbanana.errors import (
    InputError,
    NBBananaError,
    NetworkError,
    ProtocolError,
    RateLimitError,
    RejectedError,
    RequestNotFoundError,
    ServiceError,
    UncertainError,
    UnknownModelError,
    UpstreamError,
    translated,
)
from nbbanana.providers.answers import (
    REQUEST_ID,
    STATES,
    UNREADABLE,
    effective_status,
    error_code,
    error_from,
    job_status,
    price_from,
    request_id_from,
    request_id_in,
    server_message,
)
from nbbanana.providers.base import Accepted, Cancellation, Description, Downloaded, JobStatus
from nbbanana.providers.credentials import Credential
from nbbanana.providers.downloads import Downloader
from nbbanana.providers.http import Answer, Connections, Timeouts
from nbbanana.settings import MODEL_API, Endpoints
from nbbanana.text import one_line, without_addresses

__all__ = ["RunComfy", "Timeouts"]

OUTPUT_HOSTS = (".runcomfy.net", ".runcomfy.com")
SURELY_NOT_TAKEN = frozenset({400, 401, 402, 403, 404, 405, 413, 414, 415, 422, 429})
"""HTTP statuses, and error codes by their first three digits, that say the POST was refused.

408, 409 and everything from 500 on can be said by something in between after the service took the request.
"""
MODEL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]*(?:/[A-Za-z0-9][A-Za-z0-9._~-]*)*\Z")
"""A slash path that goes into an address as it is (async queue endpoints page)."""
QUESTION_PAUSE = 0.5
LONGEST_QUESTION_PAUSE = 5.0
"""Seconds before a question about a model is asked a second time."""


class RunComfy:
    """
    A `Provider` over the Model API.

    Args:
        credential: the token.
        endpoints: the bases.
        name: what the record says: `runcomfy`, or `sandbox` where a sandbox made the token.
        transport: makes an httpx transport; None is the network.
        timeouts: how long anything may take.
        pace: see `Provider.pace`.
    """

    def __init__(
        self,
        credential: Credential,
        endpoints: Endpoints | None = None,
        *,
        name: str | None = None,
        transport: Callable[[], httpx.AsyncBaseTransport] | None = None,
        timeouts: Timeouts | None = None,
        pace: float = 1.0,
    ) -> None:
        self.name = name or ("sandbox" if credential.is_sandbox else "runcomfy")
        self.is_play = self.name == "sandbox"
        self.pace = pace
        self.endpoints = endpoints or Endpoints()
        self._credential = credential
        self._http = Connections(timeouts or Timeouts(), transport)

    def __repr__(self) -> str:
        return f"<RunComfy {self.name}>"

    # ── what a provider does ────────────────────────────────────────────────────────────────────────────────

    async def submit(self, model: str, payload: Mapping[str, Any]) -> Accepted:
        """
        Send a request once, over a fresh connection: on a stale pooled one a drop cannot be told from a drop
        after acceptance.

        Raises:
            NetworkError: the connection was never made, so nothing was taken.
            ConfigError, InputError, UnknownModelError: nothing was sent.
            RateLimitError, RejectedError, BalanceError, CredentialError: the service refused it.
            UncertainError: it may have been taken.
        """
        url = f"{self.endpoints.model_api}/models/{_checked_model(model)}"
        with translated((ValueError, TypeError, RecursionError), _cannot_be_sent):
            body = json.dumps(payload, ensure_ascii=False, allow_nan=False).encode()
        answer = await self._http.ask("POST", url, "submit", token=self._credential.token, body=body, fresh=True)
        return _accepted(answer)

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
        with translated((RequestNotFoundError, RejectedError), lambda error: _unknown(model, error.why)):
            try:
                entry = await self._catalogue_entry(model)
            except (UpstreamError, ProtocolError, RateLimitError) as error:
                pause = min(error.retry_after or QUESTION_PAUSE, LONGEST_QUESTION_PAUSE)
            else:
                return _description(entry)
            await asyncio.sleep(pause)
            return _description(await self._catalogue_entry(model))

    async def download(self, url: str, folder: Path, progress: Callable[[int], None] | None = None) -> Downloaded:
        """Fetch an output; see `Downloader.fetch`."""
        return await self._downloader.fetch(url, folder, progress)

    async def is_alive(self, url: str) -> bool:
        """Return whether an output's address still answers."""
        return await self._downloader.is_alive(url)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    # ── what else the service can be asked ──────────────────────────────────────────────────────────────────

    async def catalogue(self, search: str = "", limit: int = 100) -> Any:
        """Return the service's list of models: `{"models": […], "total": n}`."""
        query = httpx.QueryParams({"limit": limit} | ({"search": search} if search else {}))
        return (await self._ask("GET", f"/models?{query}", "catalogue", "list the models")).json

    async def whoami(self) -> Any:
        """Return whose token it is: `id` and, where the service says it, `email`."""
        web = self.endpoints.web
        return (await self._ask("GET", "/api/auth/me", "whoami", "find out whose token it is", base=web)).json

    async def balance(self) -> Any:
        """Return the balance: `balance_usd`."""
        account = self.endpoints.account
        return (await self._ask("GET", "/balance", "balance", "get the balance", base=account)).json

    # ── how it is done ──────────────────────────────────────────────────────────────────────────────────────

    async def _catalogue_entry(self, model: str) -> Any:
        path = f"/models/{_checked_model(model)}"
        return (await self._ask("GET", path, f"describe {model}", f"look up {model}")).json

    async def _job(self, handle: str, what: str, doing: str) -> JobStatus:
        path = f"/requests/{_checked_handle(handle)}/{what}"
        answer = await self._ask("GET", path, what.partition("?")[0], doing, handle)
        return job_status(answer.json, answer.retry_after)

    async def _ask(
        self, method: str, path: str, name: str, doing: str, request_id: str | None = None, *, base: str = ""
    ) -> Answer:
        """
        Ask the service something that may be asked twice.

        Raises:
            UpstreamError, ProtocolError, RateLimitError: no answer, or one that says nothing about the request.
            NBBananaError: the error that the answer means.
        """
        url = (base or self.endpoints.model_api) + path
        answer = await self._http.ask(method, url, name, token=self._credential.token, request_id=request_id)
        error = _exchange_error(answer, doing, request_id) or error_from(
            answer.status, answer.json, doing=doing, request_id=request_id, is_page=answer.is_page
        )
        if error is not None:
            raise _with_wait(error, answer.retry_after)
        if answer.json is None:
            raise ProtocolError(f"The answer while {doing} is not JSON.", "Something in between may have given it.")
        return answer

    @property
    def _downloader(self) -> Downloader:
        trusted = None if self.endpoints.model_api == MODEL_API else self.endpoints.model_api
        return Downloader(self._http.client_for, trusted, OUTPUT_HOSTS, deadline=self._http.timeouts.download_total)


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


def _cannot_be_sent(error: BaseException) -> InputError:
    return InputError(
        "The request cannot be written as JSON.",
        f"A parameter holds something that JSON has no form for ({type(error).__name__}).",
        "Nothing was sent. Check the parameters.",
    )


def _description(entry: Any) -> Description:
    schema = entry.get("input_schema") if isinstance(entry, dict) else None
    return Description(price_from(entry), schema if isinstance(schema, dict) else None)


def _word(answer: Any, key: str) -> str:
    value = answer.get(key) if isinstance(answer, dict) else None
    return one_line(without_addresses(value[:200].strip().lower()), 40) if isinstance(value, str) else ""


def _exchange_error(answer: Answer, doing: str, request_id: str | None) -> NBBananaError | None:
    """Return the error of a question without a whole answer; that nothing was sent makes no difference here."""
    failure = answer.failure
    if failure is None:
        return None
    kind = ProtocolError if isinstance(failure, ProtocolError) else UpstreamError
    error = kind(
        f"Could not {doing}: no answer came.",
        failure.why,
        failure.how or "Check the connection.",
        request_id=request_id,
    )
    error.__cause__ = failure.__cause__
    return error


def _accepted(answer: Answer) -> Accepted:
    """Return the id in a submit's answer, or raise: whatever is not surely a refusal is uncertain, with its id."""
    if isinstance(answer.failure, NetworkError):
        raise answer.failure
    request_id, json_value = request_id_in(answer.body), answer.json
    code = error_code(json_value)
    if answer.failure is None and code is None and 200 <= answer.status < 300 and request_id_from(json_value):
        return Accepted(handle=str(request_id), request_id=str(request_id))
    if answer.failure is None and effective_status(code, answer.status) in SURELY_NOT_TAKEN:
        refusal = error_from(answer.status, json_value, doing="send the request", request_id=request_id)
        raise _with_wait(_for_submit(refusal, request_id), answer.retry_after)
    uncertain = UncertainError(
        "The request was sent, and it is not known whether the service accepted it.",
        _why_uncertain(answer, code),
        request_id=request_id,
    )
    uncertain.__cause__ = answer.failure.__cause__ if answer.failure else None
    raise _with_wait(uncertain, answer.retry_after)


def _why_uncertain(answer: Answer, code: int | None) -> str:
    if answer.failure is not None:
        return answer.failure.why
    if code is None and 200 <= answer.status < 300:
        return "Its answer holds no request id."
    number = f"HTTP {answer.status}" if code in {None, UNREADABLE} else f"error {code}"
    return f"It answered {number}. {server_message(answer.json)}".strip()


def _for_submit(error: NBBananaError | None, request_id: str | None) -> NBBananaError:
    """Return the error of a refused submit: "not found" is the model then, and no fault passes by itself."""
    assert error is not None, "a refusal has a code or a status that is no success"
    if isinstance(error, RequestNotFoundError | RejectedError | UpstreamError):
        mend = "Nothing was made or charged. Change the request and run it again."
        return RejectedError("The service refused the request.", error.why, mend, request_id=request_id)
    return error


def _with_wait(error: NBBananaError, retry_after: float | None) -> NBBananaError:
    if isinstance(error, ServiceError):
        error.retry_after = retry_after
    return error
