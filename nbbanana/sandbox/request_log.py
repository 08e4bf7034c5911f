"""
The log of requests: what came and what it was answered with.

`LoggedApp` is the outermost layer of the application. It reads a request's body whole (bounded, as the service bounds
it), notes the request, and puts the sandbox's header on every answer. Tokens are not kept, pictures only by their
length, and nothing of the body of a request that was refused.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nbbanana.sandbox.api_errors import TOO_LARGE, ApiError, error_response
from nbbanana.sandbox.faults import Fault

__all__ = ["KEPT_REQUESTS", "PAYLOAD", "SEEN", "LoggedApp", "Seen", "shortened"]

SANDBOX_HEADER = "X-RunComfy-Sandbox"
PAYLOAD = "nbbanana.payload"
"""The scope's key for the body as JSON; absent where the body is none."""
SEEN = "nbbanana.seen"
"""The scope's key for the request's `Seen`."""

KEPT_REQUESTS = 20_000
"""The latest requests, which are kept."""
LARGEST_BODY = 64 * 2**20
"""Bytes of a request: the limit that RunComfy's partner nodes name as the API's."""
LARGE_JSON = 64 * 2**10
"""Bytes from which JSON is read in a thread, so that the loop goes on."""
LONGEST_TEXT = 4_000
LONGEST_DATA_URI = 40


@dataclass(slots=True)
class Seen:
    """
    One request as it came.

    `target` is the kind that faults name (None for what is no call of the API). `body` is its JSON, with long
    texts and pictures cut to their beginning and length; None where it is no JSON or the request was refused.
    `at` is seconds since the epoch. `status` is what it was answered with, None while it was not answered; `fault` is
    what it met.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: Any
    size: int
    at: float
    target: str | None = None
    status: int | None = None
    fault: Fault | None = field(default=None)


class LoggedApp:
    """An ASGI application whose requests are read whole, checked for their size and kept in a log."""

    def __init__(self, app: ASGIApp, log: deque[Seen]) -> None:
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI has it; there are no lifespan events and no WebSockets."""
        if scope["type"] != "http":
            return
        try:
            body = await _read(scope, receive)
        except ClientDisconnect:
            return  # half a request is none
        scope = dict(scope)
        if body is not None:
            await _parse(body, scope)
        scope[SEEN] = seen = Seen(
            method=scope["method"],
            path=scope["path"][:LONGEST_TEXT],
            query=scope["query_string"].decode("latin-1")[:LONGEST_TEXT],
            headers=shortened(_without_token(Headers(scope=scope))),
            body=None,
            size=len(body or b""),
            at=time.time(),
        )
        self._log.append(seen)
        send = _marked(send, seen)
        if body is None:
            refusal = ApiError(TOO_LARGE, f"The request is larger than {LARGEST_BODY // 2**20} MiB.")
            await error_response(refusal)(scope, receive, send)
        else:
            await self._app(scope, _again(body, receive), send)


async def _read(scope: Scope, receive: Receive) -> bytes | None:
    """
    Return the body, or None as soon as it is larger than the service takes.

    Raises:
        ClientDisconnect: the client hung up before it was whole.
    """
    announced = Headers(scope=scope).get("content-length", "0")
    if announced.isdigit() and int(announced) > LARGEST_BODY:
        return None
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
        if size > LARGEST_BODY:
            return None
    return b"".join(parts)


async def _parse(body: bytes, scope: Scope) -> None:
    try:
        scope[PAYLOAD] = await asyncio.to_thread(json.loads, body) if len(body) > LARGE_JSON else json.loads(body)
    except (ValueError, RecursionError):
        return


def _again(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body once more, then the server's further messages."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return pending.pop() if pending else await receive()

    return replay


def _marked(send: Send, seen: Seen) -> Send:
    """Return a `send` that notes the status of the answer and marks it as the sandbox's."""

    async def marked(message: Message) -> None:
        """Send a message; of the first, note the status and add the headers."""
        if message["type"] == "http.response.start":
            seen.status = message["status"]
            headers = MutableHeaders(raw=list(message.get("headers", ())))
            headers[SANDBOX_HEADER] = "nbbanana"
            headers["Date"] = formatdate(usegmt=True)
            message = {**message, "headers": headers.raw}
        await send(message)

    return marked


def _without_token(headers: Headers) -> dict[str, str]:
    kept = dict(headers)
    if "authorization" in kept:
        kept["authorization"] = kept["authorization"].partition(" ")[0] + " …"
    return kept


def shortened(value: Any, longest: float = LONGEST_TEXT) -> Any:
    """
    Return the value with its texts shortened: data URIs to their beginning, others to `longest` characters.

    >>> shortened({"image": "data:image/png;base64," + "A" * 1000})
    {'image': 'data:image/png;base64,AAAAAAAAAAAAAAAAAA… (1022 characters)'}
    """
    if isinstance(value, dict):
        return {key: shortened(item, longest) for key, item in value.items()}
    if isinstance(value, list):
        return [shortened(item, longest) for item in value]
    if isinstance(value, str):
        end = LONGEST_DATA_URI if value.startswith("data:") else longest
        return value if len(value) <= end else f"{value[: int(end)]}… ({len(value)} characters)"
    return value
