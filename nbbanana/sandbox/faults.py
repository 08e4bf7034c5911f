"""
What goes wrong on purpose: scripted faults, never random ones, and how they are played on a request's connection.

A `Fault` names the kind of request it waits for, which one of them it meets, and what that one gets instead of
its proper answer. `FAULT_KINDS` holds the usual kinds by name, so that a fault matrix is two loops:

    for target in FAULT_TARGETS:
        for kind in FAULT_KINDS:
            Fault.named(kind, target)

The server puts a `Connection` into the scope of each request that came over a socket. Faults are played on it.
"""

from __future__ import annotations

import asyncio
import json
import math
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nbbanana.errors import UsageError

__all__ = ["EXTENSION", "FAULT_KINDS", "FAULT_TARGETS", "Connection", "Fault", "FaultScript", "play"]

EXTENSION = "nbbanana.connection"
"""The key of a request's `Connection` under `scope["extensions"]`."""

LINGER_ZERO = struct.pack("ii", 1, 0)
PIECES = 100
"""A dripping answer goes out in about so many pieces."""
FAULT_TARGETS = ("submit", "status", "result", "cancel", "download", "catalog", "balance", "whoami", "login")
"""The kinds of request that a fault can meet. A fault on `job` meets an accepted job instead."""


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One thing that goes wrong.

    Args:
        target: one of `FAULT_TARGETS`, or `job`.
        nth: the first request of that kind that it meets, counted from 1 from when the fault was set.
        times: how many in a row it meets; None for all from then on.
        after_accept: the request does its work first, and only the answer is lost or replaced.
        delay: seconds before anything is answered; `math.inf` never answers. A client that hangs up
            meanwhile was not served, unless `after_accept`.
        drop: the connection is closed without an answer.
        reset: the connection is reset (TCP RST) without an answer.
        status: the HTTP status of the answer; 200 where only `error_code` or `body` is given.
        error_code: the service's own code in a JSON body.
        message: the words in that body.
        body: the whole body instead.
        content_type: of `body`.
        retry_after: the `Retry-After` header: seconds or an HTTP date.
        headers: more headers of the answer.
        truncate: the part of the body, 0 to 1, that is sent of the `Content-Length` that was announced, before
            the connection is closed.
        drip: the body goes out in about a hundred pieces, so many seconds apart.
        refuse: seconds in which the server does not listen, from just before this answer is sent. The next
            connections are refused; over sockets only.
        error: `job` only: the reason with which the job fails.
        outputs: `job` only: how many outputs the job makes, whatever was asked.

    Dropping, resetting, truncating and dripping happen to the real socket. In process, without one, a lost
    connection surfaces as `ConnectionResetError` in the client.

    >>> Fault("result", nth=2, status=503).meets(2)
    True
    """

    target: str
    nth: int = 1
    times: int | None = 1
    after_accept: bool = False
    delay: float = 0.0
    drop: bool = False
    reset: bool = False
    status: int | None = None
    error_code: int | None = None
    message: str | None = None
    body: bytes | str | None = None
    content_type: str = "application/json"
    retry_after: float | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    truncate: float | None = None
    drip: float | None = None
    refuse: float = 0.0
    error: str | None = None
    outputs: int | None = None

    def __post_init__(self) -> None:
        if self.target not in (*FAULT_TARGETS, "job"):
            raise UsageError(
                f"A fault cannot wait for {self.target!r}.",
                f"Targets: {', '.join(FAULT_TARGETS)}, job.",
                "Name one of those.",
            )

    @classmethod
    def named(cls, kind: str, target: str, **changes: Any) -> Fault:
        """
        Return a fault of one of the `FAULT_KINDS`, with `changes` to its other fields.

        >>> Fault.named("502 html", "result", nth=3).status
        502
        """
        if kind not in FAULT_KINDS:
            raise UsageError(
                f"There is no fault named {kind!r}.", f"Kinds: {', '.join(FAULT_KINDS)}.", "Name one of those."
            )
        return cls(target, **{**FAULT_KINDS[kind], **changes})

    def meets(self, number: int) -> bool:
        """Return whether it meets the request with this number of its kind."""
        return number >= self.nth and (self.times is None or number < self.nth + self.times)

    @property
    def answer(self) -> Response | None:
        """The made-up answer, of `body`, else of the code and the words as JSON; None where the real one stays."""
        if self.status is None and self.error_code is None and self.body is None:
            return None
        words = self.message or HTTPStatus(self.status or 200).phrase
        coded = {"error_code": self.error_code, "error_message": words}
        body = json.dumps({"message": words} if self.error_code is None else coded) if self.body is None else self.body
        made = Response(body, self.status or 200, dict(self.headers), media_type=self.content_type)
        if self.retry_after is not None:
            made.headers["Retry-After"] = str(self.retry_after)
        return made


PAGE = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><h1>Bad gateway</h1></body></html>"
FAULT_KINDS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "reset before": {"reset": True},
        "reset after accept": {"reset": True, "after_accept": True},
        "drop before": {"drop": True},
        "drop after accept": {"drop": True, "after_accept": True},
        "time-out": {"delay": 30.0},
        "time-out after accept": {"delay": 30.0, "after_accept": True},
        **{str(status): {"status": status} for status in (408, 409, 429, 500, 503)},
        "429 with retry-after": {"status": 429, "retry_after": 1},
        "502 html": {"status": 502, "body": PAGE, "content_type": "text/html"},
        "200 with error_code": {"error_code": 500001, "message": "Something went wrong."},
        "empty": {"body": b""},
        "garbage": {"body": b'{"status": "comp\xff\x00'},
        "slow drip": {"drip": 0.05},
        "truncated": {"truncate": 0.5},
    }
)
"""The usual kinds by name: what to give `Fault` for each. A refused connection is `Fault(refuse=…)` on the request
before it, or `Sandbox.refusing()`: a service that is not there does not know which request it does not get."""


class FaultScript:
    """The faults of one sandbox and how far each has counted; any thread may ask."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._lock = threading.Lock()
        self._counted = [(fault, [0]) for fault in faults]

    def add(self, fault: Fault) -> None:
        """Set one more fault; it counts from now."""
        with self._lock:
            self._counted.append((fault, [0]))

    def next(self, target: str) -> Fault | None:
        """Count one request (or job) of this kind; the fault that it meets, the one set first if several do."""
        met = None
        with self._lock:
            for fault, count in self._counted:
                if fault.target == target:
                    count[0] += 1
                    met = met or (fault if fault.meets(count[0]) else None)
        return met


@dataclass(frozen=True, slots=True)
class Connection:
    """The connection that a request came by, and how to stop taking new ones for some seconds."""

    transport: asyncio.Transport
    refuse: Callable[[float], Awaitable[None]]


class _Exchange:
    """A request under a fault: it is served as usual, and its answer cut short, sent in small pieces, or lost."""

    def __init__(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        self._connection: Connection | None = scope.get("extensions", {}).get(EXTENSION)
        self._fault = fault
        self._receive = receive
        self._send = send
        self._total = 0
        self._sent = 0
        self._over = False

    async def wait(self, seconds: float) -> bool:
        """Wait, but no longer than the client does; return whether the client disconnected."""
        try:
            await asyncio.wait_for(self._gone(), None if math.isinf(seconds) else seconds)
        except TimeoutError:
            return False
        return True

    async def _gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def lose(self) -> None:
        """Close or reset the connection and wait until the server knows."""
        if self._connection is None:
            raise ConnectionResetError("The sandbox lost this connection on purpose.")
        transport = self._connection.transport
        if self._fault.reset:  # what was not read yet is lost
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
            transport.abort()
        else:
            transport.close()
        await self._gone()

    async def refuse(self) -> None:
        """Stop listening for as long as the fault says."""
        if self._connection is None:
            raise RuntimeError("Fault(refuse=…) needs a sandbox that is served over a socket.")
        await self._connection.refuse(self._fault.refuse)

    async def send(self, message: Message) -> None:
        """Send a message of the answer, changed as the fault says."""
        if self._over:
            return
        if message["type"] == "http.response.start":
            headers = list(message["headers"])
            if self._fault.refuse:
                headers.append((b"connection", b"close"))
            self._total = int(dict(headers).get(b"content-length", b"0"))
            await self._send({**message, "headers": headers})
        else:
            await self._body(message.get("body", b""), more=message.get("more_body", False))

    async def _body(self, body: bytes, *, more: bool) -> None:
        if self._fault.truncate is None:
            await self._pour(body, more=more)
            return
        left = int(self._total * self._fault.truncate) - self._sent
        await self._pour(body[:left], more=True)
        if len(body) >= left or not more:
            self._over = True
            await self.lose()

    async def _pour(self, body: bytes, *, more: bool) -> None:
        step = max(1, self._total // PIECES) if self._fault.drip else max(1, len(body))
        for start in range(0, len(body), step):
            await self._send({"type": "http.response.body", "body": body[start : start + step], "more_body": True})
            if self._fault.drip and await self.wait(self._fault.drip):
                self._over = True
                return
        self._sent += len(body)
        if not more:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})


async def play(fault: Fault | None, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one request with a fault, if it meets one: the order is work (if `after_accept`), delay, loss, answer."""
    if fault is None:
        await app(scope, receive, send)
        return
    exchange = _Exchange(fault, scope, receive, send)
    answer = await _captured(app, scope, receive) if fault.after_accept else app
    if fault.delay and await exchange.wait(fault.delay):
        return
    if fault.refuse:
        await exchange.refuse()
    if fault.drop or fault.reset:
        await exchange.lose()
        return
    await (fault.answer or answer)(scope, receive, exchange.send)


async def _captured(app: ASGIApp, scope: Scope, receive: Receive) -> ASGIApp:
    """Let the application do its work and keep its answer for later."""
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    async def replay(_scope: Scope, _receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    await app(scope, receive, keep)
    return replay
