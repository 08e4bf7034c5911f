"""
HTTP exchanges with a service: the client that an address takes, bounded answers, failures in words.

The library's own loggers are kept silent here, whatever the user configures, because they write whole addresses, and
an output's address holds a signature. What is logged instead is a line an exchange: method, name, outcome, seconds.
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import time
import zlib
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx

from nbbanana._version import __version__
from nbbanana.errors import NBBananaError, ProtocolError, bare_cause, translated
from nbbanana.providers.answers import read_json, seconds_to_wait
from nbbanana.providers.failures import FAILURES, error_for, unusable_certificates, unusable_proxy
from nbbanana.settings import LOOPBACK

__all__ = ["Answer", "Connections", "Timeouts", "decoded", "log", "quiet"]

log = logging.getLogger(__name__)

ANSWER_CAP = 8 << 20
"""Bytes of an answer that are read; the RunComfy API's are a few kilobytes."""
CHUNK = 1 << 16
LIBRARY_LOGGERS = (
    "httpx",
    "httpcore",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """
    Seconds: to connect, between two pieces of an answer, and for a whole exchange (`submit`, `read`).

    The defaults follow RunComfy's own partner nodes: 20 and 30 s for a GET, 90 and 100 s for the POST.
    """

    connect: float = 10.0
    read: float = 20.0
    read_total: float = 30.0
    submit: float = 90.0
    submit_total: float = 100.0
    download_total: float = 900.0


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What came back: all of it, or as much as came.

    Args:
        status: the HTTP status; 0 where none came.
        body: the bytes, decompressed, bounded.
        retry_after: seconds the service asks to wait.
        failure: why the answer is not whole; None where it is. A `NetworkError` says that nothing was sent.
    """

    status: int
    body: bytes = field(repr=False)
    retry_after: float | None = None
    failure: NBBananaError | None = None

    @property
    def json(self) -> Any:
        """The body's JSON value; None where it is none."""
        return read_json(self.body)

    @property
    def is_page(self) -> bool:
        """Whether the body is something else than JSON, such as a proxy's web page."""
        return bool(self.body.strip()) and self.json is None


class Connections:
    """
    The HTTP connections of one provider; used in one event loop.

    Args:
        timeouts: how long an exchange may take.
        transport: makes an httpx transport; None is the network.
        header: the header that takes the key.
        scheme: the word before the key in it; empty is none.
        cap: bytes of an answer that are read.
    """

    def __init__(
        self,
        timeouts: Timeouts | None = None,
        transport: Callable[[], httpx.AsyncBaseTransport] | None = None,
        *,
        header: str = "Authorization",
        scheme: str = "Bearer",
        cap: int = ANSWER_CAP,
    ) -> None:
        self.timeouts = timeouts or Timeouts()
        self._header, self._scheme = header, scheme
        self._cap = cap
        self.transport = transport
        self._clients: dict[tuple[str, bool, bool], httpx.AsyncClient] = {}

    def client_for(self, url: httpx.URL | str, *, fresh: bool = False) -> httpx.AsyncClient:
        """
        Return the client that is kept for addresses of this scheme, on this machine or not.

        A `fresh` one keeps no connection once it was used, so that each of its requests has a new one.
        """
        address = httpx.URL(url)
        key = address.scheme, address.host in LOOPBACK, fresh
        if key not in self._clients:
            self._clients[key] = self._new_client(address, keepalive=0 if fresh else 20)
        return self._clients[key]

    async def ask(
        self,
        method: str,
        url: str,
        name: str,
        *,
        token: str = "",
        body: bytes | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
        fresh: bool = False,
        request_id: str | None = None,
    ) -> Answer:
        """
        Make one exchange. No redirect is followed and nothing is sent twice.

        Args:
            method: the HTTP method.
            url: the address.
            name: what the log calls the exchange.
            token: the key; it is in no frame's repr, log or error.
            body: JSON to send.
            headers: more headers, none of them a secret.
            fresh: over a connection of its own, with the timeouts of a submit.
            request_id: the id it is about, for the log.

        Raises:
            ConfigError: an environment variable about proxies or certificates cannot be used; nothing was sent.
        """
        content, status, retry_after, failure, begun = bytearray(), 0, None, None, time.monotonic()
        seconds, read = (
            (self.timeouts.submit_total, self.timeouts.submit)
            if fresh
            else (self.timeouts.read_total, self.timeouts.read)
        )
        try:
            with quiet():
                address = httpx.URL(url)
                client = self.client_for(address, fresh=fresh)
                timeout = httpx.Timeout(read, connect=self.timeouts.connect)
                kind = {} if body is None else {"Content-Type": "application/json"}
                sent = {"Accept": "application/json", **kind, **headers}
                auth = self._with_key(token)
                exchange = client.stream(method, address, content=body, headers=sent, auth=auth, timeout=timeout)
                async with asyncio.timeout(seconds), exchange as response:
                    status, retry_after = response.status_code, seconds_to_wait(response.headers.get("retry-after"))
                    await _read_into(content, response, self._cap)
        except FAILURES as error:
            failure = error_for(error)
        finally:
            outcome = failure.why if failure else f"HTTP {status}" if status else "given up"
            log.debug("%s %s: %s, %.3f s, request %s", method, name, outcome, time.monotonic() - begun, request_id)
        # A service that echoes the token has it no more.
        received = bytes(content).replace(token.encode(), b"(token)") if token else bytes(content)
        return Answer(status, received, retry_after, failure)

    async def aclose(self) -> None:
        """Close the connections; the next exchange opens new ones. A submit under way keeps its own until it ends."""
        with quiet():
            while self._clients:
                (_, _, is_fresh), client = self._clients.popitem()
                if not is_fresh:
                    await client.aclose()

    def _with_key(self, token: str) -> Callable[[httpx.Request], httpx.Request]:
        """Return what puts the token on a request, so that no frame of ours has a header with it."""

        def put(request: httpx.Request) -> httpx.Request:
            if token:
                request.headers[self._header] = f"{self._scheme} {token}".lstrip()
            return request

        return put

    def _new_client(self, url: httpx.URL, *, keepalive: int) -> httpx.AsyncClient:
        """Make a client for one address: whether a proxy of the environment may see it depends on that alone."""
        is_checked = url.scheme == "https" and self.transport is None  # reading all certificates takes 50 ms
        with translated((ValueError, ImportError, httpx.InvalidURL), unusable_proxy):
            return httpx.AsyncClient(
                transport=self.transport() if self.transport else None,
                verify=self._tls if is_checked else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
                timeout=httpx.Timeout(self.timeouts.read, connect=self.timeouts.connect),
                trust_env=url.host not in LOOPBACK,
                follow_redirects=False,
                # Without compression an answer is no longer than what came, and what came can be counted.
                headers={"User-Agent": f"nbbanana/{__version__}", "Accept-Encoding": "identity"},
                limits=httpx.Limits(max_keepalive_connections=keepalive),
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # what one server sets, no other gets
            )

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        with translated(OSError, unusable_certificates):
            context = httpx.create_ssl_context()
            folder = os.environ.get("SSL_CERT_DIR")
            if folder and not os.environ.get("SSL_CERT_FILE") and not Path(folder).is_dir():
                raise NotADirectoryError(folder)  # OpenSSL would trust no certificate, without a word
            return context


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def _read_into(content: bytearray, response: httpx.Response, cap: int) -> None:
    """Read a body, so that what was read is kept even when the rest is too much or never comes."""
    async with aclosing(decoded(response)) as pieces:
        async for piece in pieces:
            content += piece[: cap - len(content) + 1]
            if len(content) > cap:
                raise ProtocolError("The service's answer does not end.", f"It has more than {cap} bytes.")


async def decoded(response: httpx.Response, chunk: int | None = None) -> AsyncGenerator[bytes, None]:
    """
    Stream a body's bytes, with at most one gzip or deflate undone, in pieces that the caller counts.

    An encoding that is none, such as `aws-chunked` or `utf-8`, and one that the bytes do not have, is passed over.

    Args:
        response: an answer whose body was not read.
        chunk: bytes of each piece that is read; None takes them as they come.

    Raises:
        ProtocolError: compressed more than once, or the compressed bytes are damaged or end early.
    """
    inflate = _Inflater(response.headers.get("content-encoding", ""))
    async for raw in response.aiter_raw(chunk):
        for piece in inflate.feed(raw):
            yield piece
    for piece in inflate.end():
        yield piece


class _Inflater:
    """Decompresses while it streams; the first bytes show whether there is a compression."""

    WINDOWS: Mapping[str, tuple[int, ...]] = {"gzip": (31,), "x-gzip": (31,), "deflate": (15, -15)}
    COMPRESSIONS = frozenset({*WINDOWS, "br", "zstd", "compress", "x-compress"})
    HEAD = 32
    """Bytes that are enough to recognise a compression."""

    def __init__(self, header: str) -> None:
        layers = [one for one in (part.strip().lower() for part in header.split(",")) if one in self.COMPRESSIONS]
        if len(layers) > 1:
            raise ProtocolError("The answer cannot be read.", "It is compressed more than once.")
        self._windows = self.WINDOWS.get(layers[0], ()) if layers else ()
        self._head = b""
        self._stream: Any = None

    def feed(self, raw: bytes) -> Iterator[bytes]:
        """Take bytes as they came and give them as they are meant."""
        if not self._windows:
            yield raw
        elif self._stream is not None:
            yield from self._inflated(raw)
        else:
            self._head += raw
            if len(self._head) >= self.HEAD:
                yield from self._begin()

    def end(self) -> Iterator[bytes]:
        """Give what is left; raise ProtocolError where compressed bytes ended early."""
        if self._head:
            yield from self._begin()
        if self._stream is not None and not self._stream.eof:
            raise ProtocolError("The answer cannot be read.", "Its compressed bytes end too early.")

    def _begin(self) -> Iterator[bytes]:
        head, self._head = self._head, b""
        for window in self._windows:
            try:
                zlib.decompressobj(window).decompress(head, 1)
            except zlib.error:
                continue
            self._stream = zlib.decompressobj(window)
            yield from self._inflated(head)
            return
        self._windows = ()
        yield head

    def _inflated(self, raw: bytes) -> Iterator[bytes]:
        try:
            while not self._stream.eof:
                piece = self._stream.decompress(raw, CHUNK)
                raw = self._stream.unconsumed_tail
                if piece:
                    yield piece
                if not raw and len(piece) < CHUNK:
                    break
        except zlib.error as error:
            raise ProtocolError("The answer cannot be read.", "Its compressed bytes are damaged.") from bare_cause(
                error
            )


# ── the library's loggers ───────────────────────────────────────────────────────────────────────────────────────

_ours: ContextVar[bool] = ContextVar("an exchange of nbbanana's is under way", default=False)


for _name in LIBRARY_LOGGERS:
    logging.getLogger(_name).addFilter(lambda _: not _ours.get())


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what happens inside out of the loggers of httpx and httpcore; other users of those libraries keep theirs."""
    before = _ours.set(True)
    try:
        yield
    finally:
        _ours.reset(before)
