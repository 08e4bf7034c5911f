"""
What every service over HTTP does alike: one POST a request, questions that may be asked twice, and errors in words.

A service has a queue, whose outputs are fetched without the key (`Service`), or answers a POST with the pictures
(`SynchronousService`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import httpx

from nbbanana.errors import (
    DownloadError,
    NBBananaError,
    NetworkError,
    NotYoursError,
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
from nbbanana.models.offers import Offer, offered, retired
from nbbanana.providers.answers import (
    UNREADABLE,
    effective_status,
    error_code,
    read_json,
    reason_of,
    request_id_from,
    request_id_in,
    server_message,
)
from nbbanana.providers.base import Accepted, Cancellation, Downloaded, Finished, JobStatus, Outputs, Wire
from nbbanana.providers.credentials import Credential
from nbbanana.providers.downloads import OutputSource
from nbbanana.providers.http import Answer, Connections, Timeouts
from nbbanana.providers.registry import Endpoints

__all__ = ["ANSWER_CAP", "Client", "Refusal", "Service", "SynchronousService"]

SURELY_NOT_TAKEN = frozenset({400, 401, 402, 403, 404, 405, 413, 414, 415, 422, 429})
"""HTTP statuses, and error codes by their first three digits, that say the POST was refused.

408, 409 and everything from 500 on can be said by something in between after the service took the request.
"""
Refusal = tuple[type[NBBananaError], str, str]
"""An error, what happened, in which `{doing}` is what was tried, and what to do."""
KINDS: Mapping[int, type[NBBananaError]] = {
    403: NotYoursError,
    404: RequestNotFoundError,
    429: RateLimitError,
}
PASSING = frozenset({408, 409, 425})
"""Statuses below 500 that speak of the moment and not of the question."""
PAGES_THAT_PASS = frozenset({400, 403, 404, 405})
"""Statuses below 500 that a firewall or a proxy gives with a web page of its own."""
ANSWER_CAP = 64 << 20
"""Bytes of an answer with pictures: a PNG of 4096 × 4096 in base64 has 40 MB at most in practice."""


class Client(ABC):
    """
    The part of a provider that is the same for every service over HTTP.

    Args:
        credential: the key.
        endpoints: the bases; None is the service's own.
        pace: see `Provider.pace`.
        transport: makes an httpx transport; None is the network.
        timeouts: how long anything may take.
    """

    name: str
    """What records call it."""
    title: str
    """What people call it."""
    endpoints: Endpoints
    is_play = False
    takes_jpeg = True
    takes_urls = True
    connections: ClassVar[Mapping[str, Any]] = {}
    """Options of its `Connections`, such as the header that takes the key."""
    patience: ClassVar[Timeouts] = Timeouts()
    """How long anything may take, where nothing else is said."""
    refusals: ClassVar[Mapping[int, Refusal]] = {}
    """What an HTTP status or a code of the service means, where that is not the same for all services."""
    after_failure = ""
    """What to do where it failed; empty is the default of the error."""

    def __init__(
        self,
        credential: Credential,
        endpoints: Endpoints | None = None,
        pace: float = 1.0,
        *,
        transport: Callable[[], httpx.AsyncBaseTransport] | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        self.endpoints = endpoints or self.endpoints
        self.pace = pace
        self._token = credential.token
        self.http = Connections(timeouts or self.patience, transport, **self.connections)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    @classmethod
    @abstractmethod
    def wire(cls, endpoints: Any, model: str, payload: Mapping[str, Any]) -> Wire:
        """Return the POST of a request."""

    def model_id(self, model: str) -> str:
        """Return what the service calls a model; UnknownModelError where it has none."""
        return self._offer(model).id

    def handle_of(self, model: str, request_id: str) -> str:
        """Return the handle of a job: its id."""
        return request_id

    async def aclose(self) -> None:
        """Close the connections; a submit under way keeps its own until it ends."""
        await self.http.aclose()

    @classmethod
    def _offer(cls, model: str) -> Offer:
        return offered(cls.name, cls.title, model)

    def _knowing(self, model: str) -> translated:
        """Return a `with` block in which an answer that there is no such model says whether it ended."""
        return translated(UnknownModelError, lambda error: self._unknown(model, error))

    def _unknown(self, model: str, error: NBBananaError) -> NBBananaError:
        return retired(self.name, self.title, model, error.why) or error

    async def _ask(
        self,
        method: str,
        url: str,
        name: str,
        doing: str,
        request_id: str | None = None,
        *,
        takes: frozenset[int] = frozenset(),
    ) -> Answer:
        """
        Ask, once, what costs no money and may be asked twice.

        Args:
            method: the HTTP method.
            url: the address.
            name: what the log calls the exchange.
            doing: what is tried, for the first line of an error.
            request_id: the job it is about.
            takes: HTTP statuses that are answers here and no errors.

        Raises:
            UpstreamError, ProtocolError, RateLimitError: no answer, or one that says nothing about the request.
            NBBananaError: the error that the answer means.
        """
        answer = await self.http.ask(method, url, name, token=self._token, request_id=request_id)
        error: NBBananaError | None = None
        if failure := answer.failure:  # that nothing was sent makes no difference here
            kind = ProtocolError if isinstance(failure, ProtocolError) else UpstreamError
            mend = failure.how or "Check the connection."
            error = kind(f"Could not {doing}: no answer came.", failure.why, mend, request_id=request_id)
            error.__cause__ = failure.__cause__
        elif answer.status not in takes:
            error = self._error_of(answer, doing=doing, request_id=request_id)
        if error is not None:
            raise _with_wait(error, answer)
        if answer.json is None:
            raise ProtocolError(f"The answer while {doing} is not JSON.", "Something in between may have given it.")
        return answer

    async def _send(self, wire: Wire) -> Answer:
        """
        Send a POST once and return the answer that says that it was taken.

        The connection is fresh: on a stale pooled one a drop cannot be told from a drop after acceptance. Whatever is
        not surely a refusal is uncertain, with the id that was seen.

        Raises:
            NetworkError: the connection was never made.
            UncertainError: it may have been taken.
            NBBananaError: it was refused.
        """
        answer = await self.http.ask(
            "POST", wire.url, "submit", token=self._token, body=wire.written(), headers=wire.headers, fresh=True
        )
        if isinstance(answer.failure, NetworkError):
            raise answer.failure
        if answer.failure is None and 200 <= answer.status < 300 and self._is_taken(answer):
            return answer
        request_id = request_id_in(answer.body)
        if answer.failure is None and self._is_refused(answer):
            refusal = self._error_of(answer, doing="send the request", request_id=request_id)
            assert refusal is not None, "a refusal has a code or a status that is no success"
            raise _with_wait(self._for_submit(refusal, answer), answer)
        uncertain = self._uncertain(answer.failure.why if answer.failure else self._why_uncertain(answer), request_id)
        uncertain.__cause__ = answer.failure.__cause__ if answer.failure else None
        raise _with_wait(uncertain, answer)

    @abstractmethod
    def _is_taken(self, answer: Answer) -> bool:
        """Return whether a success holds what the service gives for a request; it is not read where that is long."""

    def _is_refused(self, answer: Answer) -> bool:
        """Return whether an answer says that nothing was made or charged."""
        return effective_status(error_code(answer.json), answer.status) in SURELY_NOT_TAKEN

    def _for_submit(self, refusal: NBBananaError, answer: Answer) -> NBBananaError:
        return refusal

    @abstractmethod
    def _uncertain(self, why: str, request_id: str | None) -> UncertainError:
        """Return the error of a POST that may have been taken."""

    def _why_uncertain(self, answer: Answer) -> str:
        code = error_code(answer.json)
        number = f"HTTP {answer.status}" if code in {None, UNREADABLE} else f"error {code}"
        return f"It answered {number}. {server_message(answer.json)}".strip()

    def _error_of(self, answer: Answer, *, doing: str, request_id: str | None) -> NBBananaError | None:
        """
        Return the error that an answer means, or None where it is none.

        Args:
            answer: what came back.
            doing: what was tried, for the first line of the error.
            request_id: the job it was about.
        """
        if 200 <= self._number(answer) < 300:
            return None
        status = effective_status(self._number(answer), answer.status)
        kind, what, mend = self._refusal(answer, request_id)
        if status >= 500 or status in PASSING or (answer.is_page and status in PAGES_THAT_PASS):
            kind, what, mend = UpstreamError, f"Could not {{doing}}: {self.title} failed.", self.after_failure
        if kind is UpstreamError and request_id:
            mend = "The job may still run: %nbresume collects it."
        return kind(what.format(doing=doing), reason_of(answer.status, answer.json), mend, request_id=request_id)

    def _number(self, answer: Answer) -> int:
        """Return what says how an exchange ended: its HTTP status; a service with codes of its own has those first."""
        return answer.status

    def _refusal(self, answer: Answer, request_id: str | None) -> Refusal:
        """Return the error of a refusal; `request_id` is the job that the question was about."""
        number = self._number(answer)
        status = effective_status(number, answer.status)
        kind = KINDS.get(status, RejectedError if status >= 400 else ProtocolError)
        usual = kind, f"Could not {{doing}}: {self.title} refused.", ""
        return self.refusals.get(number) or self.refusals.get(status) or usual


def _with_wait(error: NBBananaError, answer: Answer) -> NBBananaError:
    """Return the error with the seconds that the service asks to wait."""
    if isinstance(error, ServiceError) and answer.retry_after is not None:
        error.retry_after = answer.retry_after
    return error


class Service(Client):
    """
    The part of a provider that is the same for every queue service.

    A base of it that is not its own, such as a sandbox's, serves outputs too: the first one, which takes requests.
    """

    output_hosts: ClassVar[tuple[str, ...]] = ()
    """How the names of the hosts of its outputs end, each beginning with a dot."""
    counts = True
    is_synchronous = False

    async def submit(self, model: str, payload: Mapping[str, Any]) -> Accepted:
        """
        Send a request once, over a fresh connection.

        Raises:
            NetworkError: the connection was never made, so nothing was taken.
            ConfigError, InputError, UnknownModelError: nothing was sent, or the service does not have the model.
            RateLimitError, RejectedError, BalanceError, CredentialError: the service refused it.
            UncertainError: it may have been taken.
        """
        wire = self.wire(self.endpoints, model, payload)
        with self._knowing(model):
            request_id = str(request_id_from((await self._send(wire)).json))
        return Accepted(self.handle_of(model, request_id), request_id)

    async def download(self, url: str, folder: Path, progress: Callable[[int], None] | None = None) -> Downloaded:
        """Fetch an output; see `OutputSource.fetch`."""
        return await self._source.fetch(self.http.client_for, url, folder, progress)

    async def is_alive(self, url: str) -> bool:
        """Return whether an output's address still answers."""
        return await self._source.is_alive(self.http.client_for, url)

    def outputs(self, model: str, answer: bytes) -> Outputs:
        """Raise ProtocolError: the pictures of a queue service are fetched by their addresses."""
        raise ProtocolError(
            f"The answer of {model} holds no pictures.", f"It has {len(answer)} bytes of something else."
        )

    @property
    def outputs_from(self) -> OutputSource | None:
        """Where another process may fetch its outputs; None where they are in this one."""
        return None if self.http.transport else self._source

    @property
    def _source(self) -> OutputSource:
        trusted = None if self.endpoints.is_official else next(iter(self.endpoints.as_dict().values()))
        return OutputSource(self.output_hosts, trusted, self.http.timeouts.download_total)

    def _is_taken(self, answer: Answer) -> bool:
        return request_id_from(answer.json) is not None and error_code(answer.json) is None

    def _for_submit(self, refusal: NBBananaError, answer: Answer) -> NBBananaError:
        """Return the error of a refused submit: no fault passes by itself, and no job is missing."""
        if isinstance(refusal, RequestNotFoundError | RejectedError | UpstreamError):
            mend = "Nothing was made or charged. Change the request and run it again."
            return RejectedError("The service refused the request.", refusal.why, mend, request_id=refusal.request_id)
        return refusal

    def _uncertain(self, why: str, request_id: str | None) -> UncertainError:
        what = "The request was sent, and it is not known whether the service accepted it."
        return UncertainError(what, why, request_id=request_id)

    def _why_uncertain(self, answer: Answer) -> str:
        if 200 <= answer.status < 300 and error_code(answer.json) is None:
            return "Its answer holds no request id."
        return super()._why_uncertain(answer)


class SynchronousService(Client):
    """The part of a provider that is the same for every service that answers a POST with the pictures, without jobs."""

    is_synchronous = True
    counts = False
    connections: ClassVar[Mapping[str, Any]] = {"cap": ANSWER_CAP}
    patience = Timeouts(submit=600.0, submit_total=600.0)
    """A picture takes 15 to 60 s, one of 4K and a busy service several minutes; clients set up to 600 s."""

    async def submit(self, model: str, payload: Mapping[str, Any]) -> Finished:
        """
        Send a request for one picture once, over a fresh connection, and return the answer with it.

        Raises:
            NetworkError: the connection was never made, so nothing was taken.
            InputError, UnknownModelError: nothing was sent, or there is no such model any more.
            RateLimitError, QuotaError, RejectedError, UpstreamError, BalanceError, CredentialError: it was refused.
            UncertainError: it may have been made and charged.
        """
        wire = self.wire(self.endpoints, model, payload)
        with self._knowing(model):
            return Finished((await self._send(wire)).body)

    async def status(self, handle: str) -> JobStatus:
        """Raise RequestNotFoundError: there are no jobs to ask for."""
        raise RequestNotFoundError(
            f"{self.title} keeps no requests.", "It gives the pictures once, with its answer.", "Settle its cost."
        )

    result = status

    async def cancel(self, handle: str) -> Cancellation:
        """Say that what is being made cannot be cancelled."""
        return Cancellation(cancelled=False, word="it takes no cancel", state="running")

    async def download(self, url: str, folder: Path, progress: Callable[[int], None] | None = None) -> Downloaded:
        """Raise DownloadError: its pictures have no addresses."""
        raise DownloadError(f"{self.title} has no addresses of pictures.", "They came with its answer, once.")

    async def is_alive(self, url: str) -> bool:
        """Return False: its pictures have no addresses."""
        return False

    def _is_taken(self, answer: Answer) -> bool:
        return bool(answer.body.strip())

    def _uncertain(self, why: str, request_id: str | None) -> UncertainError:
        return UncertainError(
            f"The request was sent, and no picture came back from {self.title}.",
            why,
            "It may have been made and charged, and it cannot be collected. Look at your account there.",
        )

    def _document(self, answer: bytes, *names: str) -> Mapping[str, Any]:
        """
        Return the JSON of an answer that has one of these names at its top.

        Raises:
            ProtocolError: it is no answer of the service.
        """
        found = read_json(answer)
        if not isinstance(found, dict) or not set(names) & set(found):
            raise ProtocolError(f"The answer of {self.title} cannot be read.", "It is none that the API documents.")
        return found
