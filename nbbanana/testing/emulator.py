"""`Emulator`: the base of a service on loopback that stands in for a real one in tests."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from nbbanana.sandbox.faults import Fault, FaultScript, play
from nbbanana.sandbox.painter import flat
from nbbanana.sandbox.server import Listener

__all__ = ["Emulator", "Post", "picture"]


@dataclass
class Post:
    """
    A request that the service took, and is paid for.

    Args:
        model: what the service calls the model.
        payload: its JSON.
        headers: its headers, without the key.
        id: the service's own id of it.
        at: when it came, on the monotonic clock in seconds.
        over: how it ended, in the emulator's own words; empty while it has not.
    """

    model: str
    payload: Mapping[str, Any]
    headers: Mapping[str, str]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    at: float = field(default_factory=time.monotonic)
    over: str = ""


class Emulator(ABC):
    """
    A service on loopback; use it as a context manager.

    Args:
        faults: what goes wrong, as for the sandbox: `Fault.named("drop after accept", "submit")`.
        end: how requests end: `ok`, `blocked` or `failed`.
        holds: whether POSTs wait for `release` before they are answered.

    Attributes:
        posts: the requests that it took, in their order: each is paid for.
        asked: method and path of everything that came, also of what a fault kept from it.
        keys: the paths that the key came to.
    """

    key: str
    """The key that it takes."""

    def __init__(self, *, faults: Iterable[Fault] = (), end: str = "ok", holds: bool = False) -> None:
        self.end = end
        self.posts: list[Post] = []
        self.asked: list[tuple[str, str]] = []
        self.keys: set[str] = set()
        self._faults = FaultScript(faults)
        self._released = threading.Event()
        if not holds:
            self._released.set()

    @property
    @abstractmethod
    def environment(self) -> dict[str, str]:
        """The environment variables that point nbbanana here, the key among them."""

    @property
    @abstractmethod
    def routes(self) -> list[BaseRoute]:
        """What it answers; a request that is paid for goes through `take`."""

    @abstractmethod
    def target(self, method: str, path: str) -> str:
        """Return which of `submit`, `status`, `result`, `cancel`, `download` and `catalog` a request is."""

    def error(self, status: int, message: str) -> Response:
        """Return an error as the service words it."""
        return JSONResponse({"error": {"code": status, "message": message}}, status)

    def __enter__(self) -> Self:
        self._app = Starlette(routes=self.routes)
        self._listener = Listener(self._serve, "127.0.0.1", 0)
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        self._listener.close()

    @property
    def url(self) -> str:
        """Its origin."""
        return self._listener.origin

    @property
    def submits(self) -> int:
        """How many POSTs that are paid for came, also those that a fault kept from it."""
        return sum(self.target(*one) == "submit" for one in self.asked)

    def release(self) -> None:
        """Answer every POST that is held, and hold no more."""
        self._released.set()

    async def take(self, request: Request, model: str, payload: Any) -> Post:
        """Take a request that is paid for; it waits here while POSTs are held."""
        headers = {name: value for name, value in request.headers.items() if self.key not in value}
        post = Post(model, payload, headers)
        self.posts.append(post)
        await asyncio.to_thread(self._released.wait)
        return post

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        self.asked.append((request.method, request.url.path))
        if any(self.key in value for value in (str(request.url), *request.headers.values())):
            self.keys.add(request.url.path)
        fault = self._faults.next(self.target(request.method, request.url.path))
        await play(fault, self._app, scope, receive, send)


def picture(post: Post, index: int = 0, output_format: str = "png") -> bytes:
    """Return a small picture whose colour follows from the request and the index."""
    words = repr(sorted((name, str(value)[:500]) for name, value in post.payload.items()))
    return flat(words, 0, index, output_format)
