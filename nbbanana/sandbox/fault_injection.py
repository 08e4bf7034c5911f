"""
One request's line to the client: what ASGI can do with it, and what only its socket can.

The server puts a `Connection` into the scope of each request that came over a socket. Faults are played on it here.
"""

from __future__ import annotations

import asyncio
import math
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nbbanana.sandbox.faults import Fault

__all__ = ["EXTENSION", "Connection", "play"]

EXTENSION = "nbbanana.connection"
"""The key of a request's `Connection` under `scope["extensions"]`."""

LINGER_ZERO = struct.pack("ii", 1, 0)
PIECES = 100
"""A dripping answer goes out in about so many pieces."""


@dataclass(frozen=True, slots=True)
class Connection:
    """The connection that a request came by, and how to stop taking new ones for some seconds."""

    transport: asyncio.Transport
    refuse: Callable[[float], None]

    def reset(self) -> None:
        """End the connection with a TCP RST: what was not read yet is lost."""
        connection = self.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
        self.transport.abort()


class _Exchange:
    """A request under a fault: its receive, its send, its line if there is one."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._connection: Connection | None = scope.get("extensions", {}).get(EXTENSION)
        self._receive = receive
        self._send = send

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

    async def lose(self, *, reset: bool) -> None:
        """Close or reset the connection and wait until the server knows."""
        if self._connection is None:
            raise ConnectionResetError("The sandbox lost this connection on purpose.")
        if reset:
            self._connection.reset()
        else:
            self._connection.transport.close()
        await self._gone()

    def refuse(self, seconds: float) -> None:
        """Stop listening for so many seconds."""
        if self._connection is None:
            raise RuntimeError("Fault(refuse=…) needs a sandbox that is served over a socket.")
        self._connection.refuse(seconds)

    def shaped(self, fault: Fault) -> Send:
        """Return a `send` that changes the answer as the fault says."""
        return _Shaper(self, self._send, fault)


class _Shaper:
    """Sends an answer cut short, in small pieces, or with `Connection: close`."""

    def __init__(self, exchange: _Exchange, send: Send, fault: Fault) -> None:
        self._exchange = exchange
        self._send = send
        self._fault = fault
        self._total = 0
        self._sent = 0
        self._over = False

    async def __call__(self, message: Message) -> None:
        if self._over:
            return
        if message["type"] == "http.response.start":
            await self._start(message)
        else:
            await self._body(message.get("body", b""), more=message.get("more_body", False))

    async def _start(self, message: Message) -> None:
        headers = list(message["headers"])
        if self._fault.refuse:
            headers.append((b"connection", b"close"))
        self._total = int(dict(headers).get(b"content-length", b"0"))
        await self._send({**message, "headers": headers})

    async def _body(self, body: bytes, *, more: bool) -> None:
        if self._fault.truncate is None:
            await self._pour(body, more=more)
            return
        left = int(self._total * self._fault.truncate) - self._sent
        await self._pour(body[:left], more=True)
        if len(body) >= left or not more:
            self._over = True
            await self._exchange.lose(reset=False)

    async def _pour(self, body: bytes, *, more: bool) -> None:
        step = max(1, self._total // PIECES) if self._fault.drip else max(1, len(body))
        for start in range(0, len(body), step):
            await self._send({"type": "http.response.body", "body": body[start : start + step], "more_body": True})
            if self._fault.drip and await self._exchange.wait(self._fault.drip):
                self._over = True
                return
        self._sent += len(body)
        if not more:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})


async def play(fault: Fault, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one request with a fault: the order is work (if `after_accept`), delay, loss, answer."""
    exchange = _Exchange(scope, receive, send)
    answer = app
    if fault.after_accept:
        answer = await _captured(app, scope, receive)
    if fault.delay and await exchange.wait(fault.delay):
        return
    if fault.refuse:
        exchange.refuse(fault.refuse)
    if fault.drop or fault.reset:
        await exchange.lose(reset=fault.reset)
        return
    if fault.replaces_answer:
        answer = _made_up(fault)
    await answer(scope, receive, exchange.shaped(fault))


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


def _made_up(fault: Fault) -> Response:
    response = Response(fault.answer_body, fault.status or 200, dict(fault.headers), media_type=fault.content_type)
    if fault.retry_after is not None:
        response.headers["Retry-After"] = str(fault.retry_after)
    return response
