"""What every service does alike that answers a POST with the pictures: one POST, its whole answer, and no job."""

from __future__ import annotations

import base64
import binascii
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nbbanana.errors import (
    DownloadError,
    NBBananaError,
    NetworkError,
    ProtocolError,
    RequestNotFoundError,
    UncertainError,
    UnknownModelError,
    translated,
)
from nbbanana.models.offers import Offer, offered
from nbbanana.models.retiring import retired
from nbbanana.providers.answers import read_json, server_message
from nbbanana.providers.base import Cancellation, Downloaded, Finished, JobStatus, Wire
from nbbanana.providers.http import Answer, Timeouts
from nbbanana.providers.questions import with_wait
from nbbanana.providers.service import SURELY_NOT_TAKEN, Client
from nbbanana.text import one_line

__all__ = ["ANSWER_CAP", "PATIENT", "SynchronousService", "data_of", "member", "named_model", "picture_of"]

ANSWER_CAP = 64 << 20
"""Bytes of an answer with pictures: a PNG of 4096 × 4096 in base64 has 40 MB at most in practice."""
PATIENT = Timeouts(submit=600.0, submit_total=600.0)
"""A picture takes 15 to 60 s, one of 4K and a busy service several minutes; clients set up to 600 s."""


class SynchronousService(Client, ABC):
    """
    The part of a provider that is the same for every service without jobs.

    Args:
        http: its connections.
        token: its key.
        read: what an answer of it means.
    """

    is_play = False
    takes_jpeg = True
    is_synchronous = True
    pace = 1.0
    counts = False
    name: str
    """What records call it."""
    title: str
    """What people call it."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def model_id(self, model: str) -> str:
        """Return what the service calls a model; UnknownModelError where it has none."""
        return self._offer(model).id

    async def submit(self, model: str, payload: Mapping[str, Any]) -> Finished:
        """
        Send a request for one picture once, and return the answer with it.

        Raises:
            NetworkError: the connection was never made, so nothing was taken.
            InputError, UnknownModelError: nothing was sent, or there is no such model any more.
            RateLimitError, QuotaError, RejectedError, UpstreamError, BalanceError, CredentialError: it was refused.
            UncertainError: it may have been made and charged.
        """
        wire = self._wire(model, payload)
        with translated(UnknownModelError, lambda error: retired(self.name, self.title, model, error.why) or error):
            return await self._post(wire)

    def handle_of(self, model: str, request_id: str) -> str:
        """Return the id as it is: it is one of ours, and the service knows none."""
        return request_id

    async def status(self, handle: str) -> JobStatus:
        """Raise RequestNotFoundError: there are no jobs to ask for."""
        raise self._no_job()

    async def result(self, handle: str) -> JobStatus:
        """Raise RequestNotFoundError: there are no jobs to ask for."""
        raise self._no_job()

    async def cancel(self, handle: str) -> Cancellation:
        """Say that what is being made cannot be cancelled."""
        return Cancellation(cancelled=False, word="it takes no cancel", state="running")

    async def download(self, url: str, folder: Path, progress: Callable[[int], None] | None = None) -> Downloaded:
        """Raise DownloadError: its pictures have no addresses."""
        raise DownloadError(f"{self.title} has no addresses of pictures.", "They came with its answer, once.")

    async def is_alive(self, url: str) -> bool:
        """Return False: its pictures have no addresses."""
        return False

    async def _post(self, wire: Wire) -> Finished:
        """
        Send a request once, over a fresh connection, and return its whole answer.

        Raises:
            NetworkError: the connection was never made.
            UncertainError: it may have been made and charged.
            NBBananaError: it was refused.
        """
        answer = await self._send(wire)
        if answer.failure is None and 200 <= answer.status < 300 and answer.body.strip():
            return Finished(answer.body)
        raise self._error(answer)

    def _error(self, answer: Answer) -> NBBananaError:
        if isinstance(answer.failure, NetworkError):
            return answer.failure
        if answer.failure is None and self._is_refused(answer):
            refusal = self._read(answer, doing="send the request", request_id=None)
            assert refusal is not None, "a refusal has a status that is no success"
            return with_wait(refusal, answer.retry_after)
        why = (
            answer.failure.why if answer.failure else f"It answered HTTP {answer.status}. {server_message(answer.json)}"
        )
        uncertain = UncertainError(
            f"The request was sent, and no picture came back from {self.title}.",
            why.strip(),
            "It may have been made and charged, and it cannot be collected. Look at your account there.",
        )
        uncertain.__cause__ = answer.failure.__cause__ if answer.failure else None
        return uncertain

    @abstractmethod
    def _wire(self, model: str, payload: Mapping[str, Any]) -> Wire:
        """Return the POST of a request."""

    def _offer(self, model: str) -> Offer:
        return offered(self.name, self.title, model)

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

    def _is_refused(self, answer: Answer) -> bool:
        """Return whether an answer says that nothing was made or charged."""
        return answer.status in SURELY_NOT_TAKEN

    def _no_job(self) -> RequestNotFoundError:
        return RequestNotFoundError(
            f"{self.title} keeps no requests.", "It gives the pictures once, with its answer.", "Settle its cost."
        )


def data_of(uri: str) -> tuple[str, str] | None:
    """
    Return the media type and the base64 text of a data URI; None where it is an address.

    >>> data_of("data:image/png;base64,iVBO"), data_of("https://example.org/a.png")
    (('image/png', 'iVBO'), None)
    """
    head, comma, data = uri.partition(",")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        return None
    return head.removeprefix("data:").removesuffix(";base64"), data


def picture_of(text: object) -> bytes:
    """
    Return the bytes of a picture that stands in an answer in base64, also in a data URI.

    Raises:
        ProtocolError: it is no base64.
    """
    try:
        found = data_of(text) if isinstance(text, str) and text.startswith("data:") else None
        return base64.b64decode(found[1] if found else text, validate=True)  # type: ignore[arg-type]
    except (binascii.Error, ValueError, TypeError) as error:
        raise ProtocolError("A picture in the answer cannot be read.", "It is not base64.") from error


def named_model(value: Any) -> str | None:
    """Return the name of the model that answered, where it is one."""
    return one_line(value, 100) if isinstance(value, str) else None


def member(value: Any, *names: str) -> Any:
    """
    Return what stands under names inside one another; None where there is none.

    >>> member({"error": {"code": 400}}, "error", "code"), member([], "error")
    (400, None)
    """
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
