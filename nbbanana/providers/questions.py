"""Questions to a service that may be asked twice, and how each ends: with a whole answer, or with a typed error."""

from __future__ import annotations

from typing import Protocol

from nbbanana.errors import NBBananaError, ProtocolError, ServiceError, UpstreamError
from nbbanana.providers.http import Answer, Connections

__all__ = ["Questions", "Reader", "with_wait"]


class Reader(Protocol):
    """Returns the error that an answer of one service means, or None where it is none."""

    def __call__(self, answer: Answer, *, doing: str, request_id: str | None) -> NBBananaError | None:
        """`doing` is what was tried, for the first line of the error; `request_id` the job it was about."""
        ...


class Questions:
    """
    Asks a service; nothing that goes through here costs money.

    Args:
        http: its connections.
        token: its key.
        read: what an answer means.
    """

    def __init__(self, http: Connections, token: str, read: Reader) -> None:
        self._http = http
        self._token = token
        self._read = read

    async def ask(
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
        Ask, once.

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
        answer = await self._http.ask(method, url, name, token=self._token, request_id=request_id)
        error = _without_answer(answer, doing, request_id)
        if error is None and answer.status not in takes:
            error = self._read(answer, doing=doing, request_id=request_id)
        if error is not None:
            raise with_wait(error, answer.retry_after)
        if answer.json is None:
            raise ProtocolError(f"The answer while {doing} is not JSON.", "Something in between may have given it.")
        return answer


def _without_answer(answer: Answer, doing: str, request_id: str | None) -> NBBananaError | None:
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


def with_wait(error: NBBananaError, retry_after: float | None) -> NBBananaError:
    """Return the error with the seconds that the service asks to wait."""
    if isinstance(error, ServiceError):
        error.retry_after = retry_after
    return error
