"""A provider in this process whose answers are written beforehand: no sockets, no painting, pictures of one pixel."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from nbbanana.errors import (
    DownloadError,
    NetworkError,
    OutputGoneError,
    ProtocolError,
    RateLimitError,
    RejectedError,
    RequestNotFoundError,
    StoreError,
    UncertainError,
    UnsafeDownloadError,
    UpstreamError,
)
from nbbanana.providers.base import (
    Accepted,
    Cancellation,
    Description,
    Downloaded,
    Finished,
    JobStatus,
    Outputs,
    Price,
    RemoteState,
)

__all__ = [
    "CANCELS",
    "DOWNLOADS",
    "STATUSES",
    "SUBMITS",
    "RemoteJob",
    "ScriptedProvider",
    "ScriptedServer",
    "ScriptedSynchronous",
]

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
TRAVEL = 0.05
"""Seconds that a request and an answer are on their way."""
SUBMITS = (
    "accepted", "busy", "busy for 20 s", "no connection", "uncertain", "uncertain and not taken", "uncertain with id",
    "refused", "slow",
)  # fmt: skip
REFUSALS = frozenset({"busy", "busy for 20 s", "no connection", "refused"})
STATUSES = ("not found", "a page", "503", "strange", "fails", "stays")
DOWNLOADS = ("a page", "not found", "gone", "unsafe", "broken")
CANCELS = ("503", "a page")


@dataclass
class RemoteJob:
    """A request that the server took."""

    request_id: str
    uid: str
    account: str
    cost: float
    queued_until: float
    done_at: float
    end: Literal["completed", "failed"] = "completed"
    is_cancelled: bool = False

    def state(self, now: float) -> RemoteState:
        """How it stands."""
        if self.is_cancelled:
            return "cancelled"
        if now < self.queued_until:
            return "queued"
        return "running" if now < self.done_at else self.end


@dataclass
class ScriptedServer:
    """A service: the jobs it took, what it charges, and what it answers next."""

    name: str
    now: Callable[[], float]
    price: float = 0.05
    price_since: float = 0.0
    jobs: dict[str, RemoteJob] = field(default_factory=dict)
    submits: deque[str] = field(default_factory=deque)
    statuses: deque[str] = field(default_factory=deque)
    downloads: deque[str] = field(default_factory=deque)
    cancels: deque[str] = field(default_factory=deque)
    missing_until: float = 0.0

    def answer(self, question: str, kinds: Sequence[str]) -> None:
        """Answer the next questions of a kind, such as `statuses`, so."""
        getattr(self, question).extend(kinds)

    def accept(self, uid: str, account: str) -> RemoteJob:
        """Take a request of the edit `uid`."""
        now = self.now()
        job = RemoteJob(str(uuid.uuid4()), uid, account, self.price, now + 4.0, now + 12.0)
        self.jobs[job.request_id] = job
        return job

    def forgive(self) -> None:
        """Answer as a healthy service from now on."""
        for script in (self.submits, self.statuses, self.downloads, self.cancels):
            script.clear()
        self.missing_until = 0.0


class ScriptedProvider:
    """
    The provider of one kernel and account.

    Args:
        server: what it talks to.
        account: whose jobs it sees.
        sends: called when a POST is made, gives the uid of its edit.
        refuses: called when the server surely did not take one.
        takes: called when the server has taken one.
        hears: called when an id has come back.
        check_disk: raises StoreError where the disk is full.
    """

    is_play = False
    takes_jpeg = False
    takes_urls = True
    counts = True
    is_synchronous = False
    pace = 1.0

    def outputs(self, model: str, answer: bytes) -> Outputs:
        """Raise ProtocolError: it gives no pictures with an answer."""
        raise ProtocolError(f"The answer of {model} holds no pictures.", f"It has {len(answer)} bytes.")

    def model_id(self, model: str) -> str:
        """Return the model's own id."""
        return model

    def handle_of(self, model: str, request_id: str) -> str:
        """Return the handle of a job: its request id."""
        return request_id

    def __init__(
        self,
        server: ScriptedServer,
        account: str,
        *,
        sends: Callable[[], str],
        refuses: Callable[[], None],
        takes: Callable[[RemoteJob], None],
        hears: Callable[[RemoteJob], None],
        check_disk: Callable[[], None],
    ) -> None:
        self.name = server.name
        self.server = server
        self.account = account
        self._sends, self._refuses, self._takes, self._hears = sends, refuses, takes, hears
        self._check_disk = check_disk

    async def submit(self, model: str, payload: Mapping[str, Any]) -> Accepted:
        """Answer a POST as the script says."""
        uid = self._sends()
        server = self.server
        kind = server.submits.popleft() if server.submits else "accepted"
        await self._travel(kind)
        job = server.accept(uid, self.account)
        self._takes(job)
        await asyncio.sleep(12.0 if kind == "slow" else TRAVEL)
        if kind == "uncertain":
            raise UncertainError("The connection broke.")
        self._hears(job)
        if kind == "uncertain with id":
            raise UncertainError("A strange answer.", request_id=job.request_id)
        return Accepted(f"h:{job.request_id}", job.request_id)

    async def _travel(self, kind: str) -> None:
        """Let a POST get there, or not."""
        await asyncio.sleep(12.0 if kind == "slow" else TRAVEL)
        if kind in REFUSALS:
            self._refuses()
        if kind in {"busy", "busy for 20 s"}:
            error = RateLimitError("Too many.")
            error.retry_after = 20.0 if kind == "busy for 20 s" else None
            raise error
        if kind == "no connection":
            raise NetworkError("No connection.")
        if kind == "refused":
            raise RejectedError("Refused.")
        if kind == "uncertain and not taken":
            raise UncertainError("The connection broke.")

    async def status(self, handle: str) -> JobStatus:
        """Answer a poll."""
        job = self._job(handle)
        await asyncio.sleep(TRAVEL)
        if self._stumble(job) == "strange":
            return JobStatus("other", "strange")
        state = job.state(self.server.now())
        return JobStatus(state, state, queue_position=1 if state == "queued" else None)

    async def result(self, handle: str) -> JobStatus:
        """Answer the question for outputs."""
        job = self._job(handle)
        await asyncio.sleep(TRAVEL)
        state = job.state(self.server.now())
        if state == "completed":
            return JobStatus(state, state, urls=(f"https://out/{job.request_id}",), cost=job.cost)
        return JobStatus(state, state, error="It failed." if state == "failed" else None, cost=0.0)

    async def cancel(self, handle: str) -> Cancellation:
        """Cancel what is in the queue."""
        job = self._job(handle)
        await asyncio.sleep(TRAVEL)
        kind = self.server.cancels.popleft() if self.server.cancels else "taken"
        if kind == "503":
            raise UpstreamError("A fault.")
        if job.state(self.server.now()) == "queued":
            job.is_cancelled = True
        await asyncio.sleep(TRAVEL)
        if kind == "a page":
            raise ProtocolError("A page.")
        state = job.state(self.server.now())
        return Cancellation(job.is_cancelled, state, state)

    async def download(self, url: str, folder: Path, progress: Callable[[int], None] | None = None) -> Downloaded:
        """Give a picture, or what the script says."""
        await asyncio.sleep(TRAVEL)
        self._check_disk()
        kind = self.server.downloads.popleft() if self.server.downloads else "a picture"
        errors = {"not found": DownloadError, "gone": OutputGoneError, "unsafe": UnsafeDownloadError}
        if kind in errors:
            raise errors[kind]("No picture.")
        data = {"a page": b"<html>", "broken": b"\x00\x01"}.get(kind, PIXEL)
        path = folder / uuid.uuid4().hex
        path.write_bytes(data)
        return Downloaded(path, hashlib.sha256(data).hexdigest(), len(data))

    async def is_alive(self, url: str) -> bool:
        """No output is an input here."""
        return False

    async def describe(self, model: str) -> Description:
        """Tell the price of now."""
        await asyncio.sleep(TRAVEL)
        return Description(Price(self.server.price, "output"))

    async def aclose(self) -> None:
        """There are no connections."""

    def _job(self, handle: str) -> RemoteJob:
        job = self.server.jobs.get(handle.removeprefix("h:"))
        if job is None:
            raise StoreError(f"{handle} is no handle of this provider.")
        if job.account != self.account:
            raise RequestNotFoundError("Not found.")
        return job

    def _stumble(self, job: RemoteJob) -> str:
        server = self.server
        if server.now() < server.missing_until:
            raise RequestNotFoundError("Not found.")
        kind = server.statuses.popleft() if server.statuses else "as it is"
        if kind == "not found":
            raise RequestNotFoundError("Not found.")
        if kind == "a page":
            raise ProtocolError("A page.")
        if kind == "503":
            error = UpstreamError("A fault.")
            error.retry_after = 5.0
            raise error
        if kind == "fails":
            job.end = "failed"
        if kind == "stays":
            job.done_at += 120.0
        return kind


class ScriptedSynchronous(ScriptedProvider):
    """The provider of a service that answers a POST with the picture: it has no ids, and nothing to ask for later."""

    counts = False
    is_synchronous = True

    async def submit(self, model: str, payload: Mapping[str, Any]) -> Finished:  # type: ignore[override]
        """Answer a POST as the script says, once the picture is made."""
        uid = self._sends()
        server = self.server
        kind = server.submits.popleft() if server.submits else "accepted"
        await self._travel(kind)
        job = server.accept(uid, self.account)
        job.queued_until = server.now()
        if server.statuses and server.statuses.popleft() == "fails":
            job.end = "failed"
        self._takes(job)
        await asyncio.sleep(job.done_at - server.now() + (12.0 if kind == "slow" else 0.0))
        if kind.startswith("uncertain"):
            raise UncertainError("The connection broke.")
        self._hears(job)
        bytes_kind = server.downloads.popleft() if server.downloads else "a picture"
        return Finished(json.dumps({"cost": job.cost, "end": job.end, "bytes": bytes_kind}).encode())

    def outputs(self, model: str, answer: bytes) -> Outputs:
        """Read what `submit` gave; an answer that is a page cannot be read."""
        found = json.loads(answer)
        if found["bytes"] == "a page":
            raise ProtocolError("It is a page.")
        if found["end"] == "failed":
            return Outputs((), cost=0.0, error="It failed.")
        return Outputs((b"\x00\x01" if found["bytes"] == "broken" else PIXEL,), cost=found["cost"])
