"""What every service over HTTP does alike: one POST a request, questions, and outputs fetched without the key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from nbbanana.errors import (
    NBBananaError,
    NetworkError,
    ProtocolError,
    RejectedError,
    RequestNotFoundError,
    UncertainError,
    UpstreamError,
)
from nbbanana.providers.answers import (
    UNREADABLE,
    effective_status,
    error_code,
    request_id_from,
    request_id_in,
    server_message,
)
from nbbanana.providers.base import Downloaded, Outputs, Wire
from nbbanana.providers.downloads import Downloader, OutputSource
from nbbanana.providers.http import Answer, Connections, Timeouts
from nbbanana.providers.questions import Questions, Reader, with_wait

__all__ = ["SUBMIT", "SURELY_NOT_TAKEN", "Client", "Service", "accepted_id"]

SUBMIT = "send the request"
"""What is being done, in words, while a request is sent."""
SURELY_NOT_TAKEN = frozenset({400, 401, 402, 403, 404, 405, 413, 414, 415, 422, 429})
"""HTTP statuses, and error codes by their first three digits, that say the POST was refused.

408, 409 and everything from 500 on can be said by something in between after the service took the request.
"""


class Client:
    """
    The part of a provider that is the same for every service over HTTP.

    Args:
        http: its connections.
        token: its key.
        read: what an answer of it means.
    """

    def __init__(self, http: Connections, token: str, read: Reader) -> None:
        self._http = http
        self._token = token
        self._read = read
        self._questions = Questions(http, token, read)

    @property
    def timeouts(self) -> Timeouts:
        """How long anything may take."""
        return self._http.timeouts

    @timeouts.setter
    def timeouts(self, seconds: Timeouts) -> None:
        self._http.timeouts = seconds

    async def aclose(self) -> None:
        """Close the connections; a submit under way keeps its own until it ends."""
        await self._http.aclose()

    async def _send(self, wire: Wire) -> Answer:
        """
        Send a POST once. The connection is fresh: on a stale pooled one a drop cannot be told from a drop after
        acceptance.
        """
        return await self._http.ask(
            "POST", wire.url, "submit", token=self._token, body=wire.written(), headers=wire.headers, fresh=True
        )


class Service(Client):
    """
    The part of a provider that is the same for every queue service.

    Args:
        http: its connections.
        token: its key.
        read: what an answer of it means.
        trusted_base: a base of it that serves outputs too, such as a sandbox's; None is none.
    """

    output_hosts: ClassVar[tuple[str, ...]] = ()
    """How the names of the hosts of its outputs end, each beginning with a dot."""

    takes_urls = True
    counts = True
    is_synchronous = False

    def __init__(self, http: Connections, token: str, read: Reader, trusted_base: str | None) -> None:
        super().__init__(http, token, read)
        self._trusted_base = trusted_base

    async def download(self, url: str, folder: Path, progress: Callable[[int], None] | None = None) -> Downloaded:
        """Fetch an output; see `Downloader.fetch`."""
        return await self._downloader.fetch(url, folder, progress)

    async def is_alive(self, url: str) -> bool:
        """Return whether an output's address still answers."""
        return await self._downloader.is_alive(url)

    def outputs(self, model: str, answer: bytes) -> Outputs:
        """Raise ProtocolError: the pictures of a queue service are fetched by their addresses."""
        raise ProtocolError(
            f"The answer of {model} holds no pictures.", f"It has {len(answer)} bytes of something else."
        )

    async def _post(self, wire: Wire) -> str:
        """Send a request once and return its id; errors as `accepted_id`."""
        return accepted_id(await self._send(wire), self._read)

    @property
    def outputs_from(self) -> OutputSource | None:
        """Where another process may fetch its outputs; None where they are in this one."""
        return None if self._http.is_in_process else self._source

    @property
    def _source(self) -> OutputSource:
        return OutputSource(self.output_hosts, self._trusted_base, self._http.timeouts.download_total)

    @property
    def _downloader(self) -> Downloader:
        return self._source.downloader(self._http.client_for)


def accepted_id(answer: Answer, read: Reader) -> str:
    """
    Return the id in a submit's answer, or raise: whatever is not surely a refusal is uncertain, with its id.

    Raises:
        NetworkError: the connection was never made.
        UncertainError: it may have been taken.
        NBBananaError: it was refused.
    """
    if isinstance(answer.failure, NetworkError):
        raise answer.failure
    request_id, code = request_id_in(answer.body), error_code(answer.json)
    if answer.failure is None and code is None and 200 <= answer.status < 300 and request_id_from(answer.json):
        return str(request_id)
    if answer.failure is None and effective_status(code, answer.status) in SURELY_NOT_TAKEN:
        refusal = read(answer, doing=SUBMIT, request_id=request_id)
        raise with_wait(_for_submit(refusal, request_id), answer.retry_after)
    uncertain = UncertainError(
        "The request was sent, and it is not known whether the service accepted it.",
        _why_uncertain(answer, code),
        request_id=request_id,
    )
    uncertain.__cause__ = answer.failure.__cause__ if answer.failure else None
    raise with_wait(uncertain, answer.retry_after)


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
