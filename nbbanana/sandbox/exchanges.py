"""
Exchanges with clients: the log of what came and what it was answered with, and refusals.

`LoggedApp` is the outermost layer of the application. It reads a request's body whole (bounded, as the service bounds
it), notes the request, and puts the sandbox's header on every answer. Tokens are not kept, pictures only by their
length, and nothing of the body of a request that was refused.

The codes of refusals and their meanings are those of the Model API's error-codes page. Which HTTP status goes with a
code is not on that page; here it is the code's first three digits. `Fault(status=…, error_code=…)` makes others.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nbbanana.sandbox.faults import Fault

__all__ = ["BODY", "KEPT_REQUESTS", "PAYLOAD", "SEEN", "ApiError", "LoggedApp", "Seen", "error_response", "shortened"]

SANDBOX_HEADER = "X-RunComfy-Sandbox"
PAYLOAD = "nbbanana.payload"
"""The scope's key for the body as JSON; absent where the body is none."""
BODY = "nbbanana.body"
"""The scope's key for the whole body, which cannot be received a second time."""
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

WRONG_MODEL, NO_BALANCE, BAD_TOKEN, NOT_YOURS, NOT_FOUND = 400001, 400002, 400004, 403001, 404001
BAD_INPUT = 422001
"""The Model API's page has no code for a schema mismatch; this one, with its `detail`, is the Serverless API's."""
TOO_LARGE, TOO_FAST = 413, 429
"""HTTP statuses, for what has no code."""


@dataclass(eq=False)
class ApiError(Exception):
    """
    An answer that says no.

    Args:
        code: an error code, or an HTTP status where none is documented.
        message: the sentence for the client.
        detail: a validation report, one `{"loc": [...], "msg": ..., "type": ...}` for each finding.
        retry_after: whole seconds for the `Retry-After` header.
    """

    code: int
    message: str
    detail: Sequence[dict[str, Any]] = ()
    retry_after: int | None = None


def error_response(error: ApiError) -> JSONResponse:
    """Return the answer for `error`."""
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    status = error.code
    body: dict[str, Any] = {"message": error.message}
    if error.code not in {TOO_LARGE, TOO_FAST}:
        status, body = error.code // 1000, {"error_code": error.code, "error_message": error.message}
    return JSONResponse(body | ({"detail": error.detail} if error.detail else {}), status, headers=headers)


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
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class LoggedApp:
    """An ASGI application whose requests are read whole, checked for their size and kept in a log."""

    app: ASGIApp
    log: deque[Seen]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI has it; there are no lifespan events and no WebSockets."""
        if scope["type"] != "http":
            return
        try:
            body = await _read(scope, receive)
        except ClientDisconnect:
            return  # half a request is none
        scope = dict(scope)
        with contextlib.suppress(ValueError, RecursionError):
            text = body or b""
            scope[PAYLOAD] = await asyncio.to_thread(json.loads, text) if len(text) > LARGE_JSON else json.loads(text)
        headers = dict(Headers(scope=scope))
        if "authorization" in headers:
            headers["authorization"] = headers["authorization"].partition(" ")[0] + " …"
        scope[SEEN] = seen = Seen(
            method=scope["method"],
            path=scope["path"][:LONGEST_TEXT],
            query=scope["query_string"].decode("latin-1")[:LONGEST_TEXT],
            headers=shortened(headers),
            body=None,
            size=len(body or b""),
            at=time.time(),
        )
        self.log.append(seen)
        send = _marked(send, seen)
        if body is None:
            refusal = ApiError(TOO_LARGE, f"The request is larger than {LARGEST_BODY // 2**20} MiB.")
            await error_response(refusal)(scope, receive, send)
        else:
            await self.app(scope | {BODY: body}, receive, send)


async def _read(scope: Scope, receive: Receive) -> bytes | None:
    """
    Return the body, or None as soon as it is larger than the service takes.

    Raises:
        ClientDisconnect: the client hung up before it was whole.
    """
    announced = Headers(scope=scope).get("content-length", "0")
    if announced.isdigit() and int(announced) > LARGEST_BODY:
        return None
    body = bytearray()
    async for part in Request(scope, receive).stream():
        body += part
        if len(body) > LARGEST_BODY:
            return None
    return bytes(body)


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
