"""
The sandbox over real loopback HTTP: uvicorn's protocol on a port, its loop in a thread of its own.

uvicorn's `Server` is left out: it takes a tenth of a second to stop, minds the process's signals and cannot stop
listening for a while. Its HTTP protocol is all that is needed, with one addition: each request's scope carries
the connection it came by, so that faults can happen to the socket itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import threading
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from nbbanana.errors import ConfigError
from nbbanana.sandbox.faults import EXTENSION, Connection

__all__ = ["Listener"]

KEEP_ALIVE = 75
"""Seconds that an idle connection is kept, as common web servers keep it."""
BACKLOG = 1024
HTTP_PORT = 80
"""The port that a `Host` header leaves out."""
MISDIRECTED = PlainTextResponse("This is the sandbox of nbbanana; it answers only under its own address.\n", 421)

T = TypeVar("T")


class Listener:
    """
    An application on a port.

    Args:
        app: the ASGI application.
        host: an address of this machine.
        port: 0 for any that is free.

    Raises:
        ConfigError: the port cannot be had.
    """

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        self._config = Config(
            app,
            interface="asgi3",
            lifespan="off",
            log_config=None,
            ws="none",
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE,
        )
        self._config.load()
        self._state = ServerState()
        self._host = host
        try:
            listening = _bound(host, port)
        except OSError as error:
            raise ConfigError(
                f"The sandbox cannot listen on {host} port {port}.", f"{error.strerror}.", "Choose port 0."
            ) from None
        self.port: int = listening.getsockname()[1]
        self._guard = _guard(host, self.port)
        self._accepting: set[asyncio.Task[None]] = set()
        self._listening: socket.socket | None = None
        self._loop = asyncio.SelectorEventLoop()
        self._thread = threading.Thread(target=self._run, name="nbbanana-sandbox", daemon=True)
        self._thread.start()
        self._do(self._listen(listening))

    @property
    def origin(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"http://[{self._host}]:{self.port}" if ":" in self._host else f"http://{self._host}:{self.port}"

    @contextlib.contextmanager
    def refusing(self) -> Iterator[None]:
        """Stop listening on the port meanwhile: connections are refused."""
        self._do(self._let_go())
        try:
            yield
        finally:
            self._do(self._listen_again())

    def close(self) -> None:
        """Stop listening, cut every connection and end the thread."""
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        if self._guard is not None:
            self._guard.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())

    def _do(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def _listen(self, listening: socket.socket) -> None:
        listening.settimeout(0)
        listening.listen(BACKLOG)
        self._listening = listening
        self._loop.add_reader(listening, self._accept)

    async def _listen_again(self) -> None:
        if self._listening is None:
            await self._listen(_bound(self._host, self.port))

    def _accept(self) -> None:
        """Take the connections that wait. `asyncio.Server` loses one that comes while it is closed."""
        assert self._listening is not None
        for _ in range(BACKLOG):
            try:
                connection, _address = self._listening.accept()
            except OSError:  # none is left, or its client has gone
                return
            task = self._loop.create_task(self._serve(connection))
            self._accepting.add(task)
            task.add_done_callback(self._accepting.discard)

    async def _serve(self, connection: socket.socket) -> None:
        factory = functools.partial(_Protocol, self._config, self._state, self._refuse)
        _transport, protocol = await self._loop.connect_accepted_socket(factory, connection)
        if self._listening is None:
            protocol.shutdown()

    async def _refuse(self, seconds: float) -> None:
        await self._let_go()
        self._loop.call_later(seconds, self._again_soon)

    async def _let_go(self) -> None:
        """Stop listening; idle connections end now, busy ones after their answer."""
        if self._listening is not None:
            self._loop.remove_reader(self._listening)
            self._listening.close()
            self._listening = None
        for connection in list(self._state.connections):
            connection.shutdown()

    def _again_soon(self) -> None:
        self._state.tasks.add(task := self._loop.create_task(self._listen_again()))
        task.add_done_callback(self._state.tasks.discard)

    async def _close(self) -> None:
        if self._accepting:
            await asyncio.wait(self._accepting)
        await self._let_go()
        for connection in list(self._state.connections):
            connection.transport.abort()
        if self._state.tasks:
            await asyncio.wait(self._state.tasks)
        await self._let_go()  # where it was to listen again


class _Protocol(H11Protocol):
    """uvicorn's HTTP/1.1 whose requests know their connection, and which logs no addresses of outputs."""

    def __init__(self, config: Config, state: ServerState, refuse: Any) -> None:
        super().__init__(config=config, server_state=state, app_state={})
        self.access_log = False
        self._refuse = refuse

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app = functools.partial(_with_connection, self.app, Connection(transport, self._refuse))


async def _with_connection(app: ASGIApp, connection: Connection, scope: Scope, receive: Receive, send: Send) -> None:
    address, port = connection.transport.get_extra_info("sockname")[:2]
    named = [value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"host"]
    if len(named) != 1 or named[0] not in _hosts(address, port):
        # The body is not read: nothing of such a request is kept.
        await MISDIRECTED(scope, receive, send)
        return
    await app({**scope, "extensions": {EXTENSION: connection}}, receive, send)


def _hosts(address: str, port: int) -> set[str]:
    """Return the `Host` headers that are this server's own: another name, led to this address, is another site's."""
    names = {"localhost", "127.0.0.1", "[::1]", f"[{address}]" if ":" in address else address}
    return {f"{name}:{port}" for name in names} | (names if port == HTTP_PORT else set())


def _bound(host: str, port: int) -> socket.socket:
    # asyncio switches Nagle's algorithm off only where the protocol is named: 40 ms an answer otherwise.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


def _guard(host: str, port: int) -> socket.socket | None:
    """Return a second socket that holds the port meanwhile, where the system allows two before `listen`."""
    try:
        return _bound(host, port)
    except OSError:
        return None
