"""
The RunComfy Model API as a provider, over the network or over any other httpx transport.

The token goes to the API's own bases and nowhere else: addresses are built here from an id that was checked,
never taken from an answer, and no redirect is followed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any

import httpx

from nbbanana._version import __version__
from nbbanana.errors import (
    NBBananaError,
    NetworkError,
    ProtocolError,
    RateLimitError,
    RejectedError,
    RequestNotFoundError,
    UncertainError,
    UnknownModelError,
    UpstreamError,
)
from nbbanana.providers.answers import (
    STATES,
    error_code,
    error_from,
    job_status,
    meaning,
    price_from,
    read_json,
    request_id_from,
    said,
    seconds_to_wait,
)
from nbbanana.providers.base import Accepted, Cancellation, Description, Downloaded, JobStatus
from nbbanana.providers.credentials import Credential
from nbbanana.providers.downloads import Downloader
from nbbanana.settings import LOOPBACK, MODEL_API, Endpoints

__all__ = ["Answer", "RunComfy", "Timeouts"]

SURELY_NOT_TAKEN = frozenset({400, 401, 402, 403, 404, 405, 413, 414, 415, 422, 429})
"""HTTP statuses, and error codes by their first three digits, that say the POST was refused.

408, 409 and everything from 500 on can be said by something in between after the service took the request.
"""
ANSWER_CAP = 8 << 20
NEVER_CONNECTED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.PoolTimeout,
)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """
    Seconds: to connect, between two pieces of an answer, and for a whole exchange (`submit`, `read`).

    The defaults follow RunComfy's own partner nodes: 20 and 30 s for a GET, 90 and 100 s for the POST.
    """

    connect: float = 10.0
    read: float = 20.0
    read_total: float = 30.0
    submit: float = 90.0
    submit_total: float = 100.0
    download_total: float = 900.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, read whole and bounded: its status, its JSON value or None, and what it asks to wait."""

    status: int
    json: Any
    retry_after: float | None


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
        self.pace = pace
        self.endpoints = endpoints or Endpoints()
        self._credential = credential
        self._transport = transport
        self._timeouts = timeouts or Timeouts()
        self._clients: dict[bool, httpx.AsyncClient] = {}

    def __repr__(self) -> str:
        return f"<RunComfy {self.name}>"

    # ── what a provider does ────────────────────────────────────────────────────────────────────────────────

    async def submit(self, model: str, payload: Mapping[str, Any]) -> Accepted:
        """
        Send a request once, over a fresh connection: on a stale pooled one a drop cannot be told from a drop
        after acceptance.

        Raises:
            NetworkError: the connection was never made, so nothing was taken.
            RateLimitError, RejectedError, BalanceError, CredentialError: the service refused it.
            UncertainError: it may have been taken.
        """
        body = json.dumps(payload, ensure_ascii=False).encode()
        timeout = httpx.Timeout(self._timeouts.submit, connect=self._timeouts.connect)
        try:
            url = f"{self.endpoints.model_api}/models/{model}"
            async with self._client(url, timeout, keepalive=False) as client:
                answer = await self._exchange(client, "POST", url, self._timeouts.submit_total, body)
        except NEVER_CONNECTED:
            raise NetworkError("The service could not be reached.", "The connection was never made.") from None
        except (httpx.HTTPError, TimeoutError, ProtocolError) as error:
            raise _uncertain(_in_words(error)) from None
        return _accepted(answer)

    async def status(self, request_id: str) -> JobStatus:
        """Ask how a job stands."""
        return await self._job(request_id, "status", "asking how it stands")

    async def result(self, request_id: str) -> JobStatus:
        """Ask what came of a job, with its cost."""
        return await self._job(request_id, "result?include_cost=true", "asking for the result")

    async def cancel(self, request_id: str) -> Cancellation:
        """Ask the service not to run a job. Only a queued one can be cancelled."""
        answer = await self._api("POST", f"/requests/{request_id}/cancel", "cancelling it", request_id)
        status, outcome = (str(_get(answer.json, key) or "").lower() for key in ("status", "outcome"))
        cancelled = outcome in {"cancelled", "canceled"} or status in {"cancelled", "canceled"}
        return Cancellation(cancelled, outcome or status or "no word", STATES.get(status, "other"))

    async def describe(self, model: str) -> Description:
        """
        What the catalogue says of a model: its price and its live `input_schema`.

        Raises:
            UnknownModelError: the service does not know it.
        """
        try:
            entry = (await self._api("GET", f"/models/{model}", f"asking about {model}")).json
        except (RequestNotFoundError, RejectedError) as error:
            raise UnknownModelError(f"There is no model {model!r}.", error.why) from None
        schema = _get(entry, "input_schema")
        return Description(price_from(entry), schema if isinstance(schema, dict) else None)

    async def download(self, url: str, folder: Path, progress: Callable[[int], None] | None = None) -> Downloaded:
        """Fetch an output; see `Downloader.fetch`."""
        return await self._downloader.fetch(url, folder, progress)

    async def is_alive(self, url: str) -> bool:
        """Whether an output's address still answers."""
        return await self._downloader.is_alive(url)

    async def aclose(self) -> None:
        """Close the connections."""
        while self._clients:
            await self._clients.popitem()[1].aclose()

    # ── how it is done ──────────────────────────────────────────────────────────────────────────────────────

    async def catalogue(self, search: str = "", limit: int = 100) -> Any:
        """The service's list of models: `{"models": […], "total": n}`."""
        query = httpx.QueryParams({"limit": limit} | ({"search": search} if search else {}))
        return (await self._api("GET", f"/models?{query}", "asking for the models")).json

    async def whoami(self) -> Any:
        """Whose token it is: `id` and, where the service tells, `email`."""
        return (await self._api("GET", "/api/auth/me", "asking who you are", base=self.endpoints.web)).json

    async def balance(self) -> Any:
        """What is left: `balance_usd`."""
        return (await self._api("GET", "/balance", "asking for the balance", base=self.endpoints.account)).json

    async def _job(self, request_id: str, what: str, doing: str) -> JobStatus:
        answer = await self._api("GET", f"/requests/{request_id}/{what}", doing, request_id)
        return job_status(answer.json, answer.retry_after)

    async def _api(
        self, method: str, path: str, doing: str, request_id: str | None = None, *, base: str | None = None
    ) -> Answer:
        url = (base or self.endpoints.model_api) + path
        try:
            answer = await self._exchange(self._client_for(url), method, url, self._timeouts.read_total)
        except (httpx.HTTPError, TimeoutError) as error:
            raise UpstreamError(
                f"No answer while {doing}.", _in_words(error), "Check the connection.", request_id=request_id
            ) from None
        refusal = error_from(answer.status, answer.json, doing=doing, request_id=request_id)
        if refusal is not None:
            raise _with_wait(refusal, answer.retry_after)
        if answer.json is None:
            raise ProtocolError(f"The answer while {doing} is not JSON.", "Something in between may have given it.")
        return answer

    async def _exchange(
        self, client: httpx.AsyncClient, method: str, url: str, total: float, body: bytes | None = None
    ) -> Answer:
        headers = {"Authorization": f"Bearer {self._credential.token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        async with (
            asyncio.timeout(total),
            client.stream(method, url, content=body, headers=headers) as response,
        ):
            content = bytearray()
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > ANSWER_CAP:
                    raise ProtocolError("The service's answer does not end.", f"It has more than {ANSWER_CAP} bytes.")
        return Answer(
            response.status_code, read_json(bytes(content)), seconds_to_wait(response.headers.get("retry-after"))
        )

    def _client(self, url: str, timeout: httpx.Timeout, *, keepalive: bool = True) -> httpx.AsyncClient:
        """A client for one address: whether a proxy of the environment may see it depends on that address alone."""
        local = httpx.URL(url).host in LOOPBACK
        return httpx.AsyncClient(
            transport=self._transport() if self._transport else None,
            verify=self._tls if not local else True,
            timeout=timeout,
            trust_env=not local,
            follow_redirects=False,
            headers={"User-Agent": f"nbbanana/{__version__}", "Accept": "application/json"},
            limits=httpx.Limits(max_keepalive_connections=20 if keepalive else 0),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # what one server sets, no other is told
        )

    def _client_for(self, url: str) -> httpx.AsyncClient:
        """The client that is kept for addresses like this one: on this machine, or not."""
        local = httpx.URL(url).host in LOOPBACK
        if local not in self._clients:
            self._clients[local] = self._client(url, httpx.Timeout(self._timeouts.read, connect=self._timeouts.connect))
        return self._clients[local]

    @cached_property
    def _tls(self) -> Any:
        return httpx.create_ssl_context()

    @property
    def _downloader(self) -> Downloader:
        trusted = None if self.endpoints.model_api == MODEL_API else self.endpoints.model_api
        return Downloader(self._client_for, trusted, deadline=self._timeouts.download_total)


def _get(answer: Any, key: str) -> Any:
    return answer.get(key) if isinstance(answer, dict) else None


def _accepted(answer: Answer) -> Accepted:
    """The request id of a submit's answer; whatever is not surely a refusal is uncertain."""
    code = error_code(answer.json)
    if code is not None or not 200 <= answer.status < 300:
        if meaning(code, answer.status) not in SURELY_NOT_TAKEN:
            raise _uncertain(f"It answered HTTP {answer.status}. {said(answer.json)}".strip())
        error = error_from(answer.status, answer.json, doing="the request")
        assert error is not None
        raise _with_wait(_for_submit(error), answer.retry_after)
    if request_id := request_id_from(answer.json):
        return Accepted(request_id)
    raise _uncertain("Its answer holds no request id.")


def _for_submit(error: NBBananaError) -> NBBananaError:
    """Not found, on a submit, is the model and not a request."""
    if isinstance(error, RequestNotFoundError | RejectedError):
        return RejectedError(error.what, error.why, "Nothing was made or charged. Change the request and run it again.")
    return error


def _with_wait(error: NBBananaError, retry_after: float | None) -> NBBananaError:
    if isinstance(error, RateLimitError):
        error.retry_after = retry_after
    return error


def _uncertain(why: str) -> UncertainError:
    return UncertainError("The request was sent, and nobody can tell whether the service took it.", why)


def _in_words(error: BaseException) -> str:
    # Never str(error): it can hold an address, and an address can hold a secret.
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return "No answer came in time."
    if isinstance(error, NBBananaError):
        return error.why
    return f"The connection broke ({type(error).__name__})."
