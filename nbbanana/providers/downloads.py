"""
Downloading outputs from addresses that a service's answer names, which are not trusted.

Only `https` on `*.runcomfy.net` and `*.runcomfy.com`, or the one origin that `RUNCOMFY_MODEL_API_BASE` points to;
every redirect is checked like the first address, by the same parser that connects. No token travels. Bytes are
counted while they stream, into a temporary file whose name owes nothing to the server.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import tempfile
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from nbbanana.errors import DownloadError, OutputGoneError, ProtocolError, UnsafeDownloadError, translated
from nbbanana.providers.answers import seconds_to_wait
from nbbanana.providers.base import Downloaded
from nbbanana.providers.failures import FAILURES, in_words
from nbbanana.providers.http import CHUNK, decoded, log, quiet

__all__ = ["OutputSource", "checked_url"]

HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]+\Z")
HEADERS = {"Accept": "image/*", "Accept-Encoding": "identity"}
REDIRECTS = 5
REDIRECT_CODES = frozenset({301, 302, 303, 307, 308})

Progress = Callable[[int], None]
ClientFor = Callable[[httpx.URL], httpx.AsyncClient]


def checked_url(text: str, *, hosts: tuple[str, ...], trusted_base: str | None = None) -> httpx.URL:
    """
    Return the address of an output, if it may be fetched.

    Args:
        text: what the service's answer, or a redirect, says.
        hosts: how the names of the service's hosts end, each beginning with a dot.
        trusted_base: a base whose origin (scheme, host and port, exactly) serves outputs too.

    Raises:
        UnsafeDownloadError: anything else.

    >>> checked_url("https://files.runcomfy.net/a.png", hosts=(".runcomfy.net",)).host
    'files.runcomfy.net'
    >>> checked_url("https://files.runcomfy.net@evil.example/a.png", hosts=(".runcomfy.net",))
    Traceback (most recent call last):
    ...
    nbbanana.errors.UnsafeDownloadError: An output's address is not one to fetch from.
    It holds a user name.
    Nothing was fetched. Look at the request at the service.
    """
    # Browsers, proxies and parsers disagree about these, so no two of them get the chance to.
    if not text.isascii() or not text.isprintable() or any(c in text for c in ' \\"<>^`{|}'):
        raise _unsafe("It holds characters that parsers disagree about.")
    with translated((httpx.InvalidURL, ValueError, TypeError), lambda _: _unsafe("It cannot be parsed.")):
        url, parts = httpx.URL(text), urlsplit(text)
        host, other_host = url.host, parts.hostname
    if url.userinfo or "@" in parts.netloc:
        raise _unsafe("It holds a user name.")
    if trusted_base is not None:
        own = httpx.URL(trusted_base)  # httpx leaves out the port that a scheme has by itself
        if (url.scheme, url.host, url.port) == (own.scheme, own.host, own.port):
            return url
    if url.scheme != "https":
        raise _unsafe("It is not https.")
    if url.port is not None:
        raise _unsafe("It names a port of its own.")
    if not HOST.match(host) or not host.endswith(hosts) or other_host != host:
        raise _unsafe("Its host is not one of the service's own.")
    return url


def _unsafe(why: str) -> UnsafeDownloadError:
    return UnsafeDownloadError(
        "An output's address is not one to fetch from.",
        why,
        "Nothing was fetched. Look at the request at the service.",
    )


@dataclass(frozen=True, slots=True)
class OutputSource:
    """
    Where the outputs of a service may be fetched from; no key belongs to it.

    Args:
        hosts, trusted_base: as for `checked_url`.
        deadline: the most seconds one output may take, so that a slow drip ends.
        cap: the most bytes one output may have; 2 GiB, as the RunComfy CLI has it.
    """

    hosts: tuple[str, ...] = ()
    trusted_base: str | None = None
    deadline: float = 900.0
    cap: int = 2 << 30

    async def fetch(
        self, client_for: ClientFor, url: str, folder: Path, progress: Progress | None = None
    ) -> Downloaded:
        """
        Fetch an output into a new file in `folder`, which is removed again on any failure.

        Args:
            client_for: gives the HTTP client for an address; it holds no token and does not follow redirects.
            url: what the service's answer says.
            folder: where the file goes.
            progress: is called with the bytes so far.

        Raises:
            UnsafeDownloadError: an address or a redirect that must not be followed, or more bytes than `cap`.
            DownloadError: a status that is not success, a broken or endless answer. May be tried again.
        """
        handle, name = await asyncio.to_thread(tempfile.mkstemp, prefix=".download-", dir=folder)
        begun, outcome = time.monotonic(), "given up"
        try:
            with translated(FAILURES, self._failed), quiet():
                async with asyncio.timeout(self.deadline):
                    with os.fdopen(handle, "wb") as file:
                        digest, size = await self._into(self._chunks(client_for, url), file.write, progress)
            outcome = f"{size} bytes"
        except BaseException as error:
            os.unlink(name)  # noqa: PTH108 - at once, even while this task is being cancelled
            outcome = error.why if isinstance(error, DownloadError) else type(error).__name__
            raise
        finally:
            log.debug("GET download: %s, %.3f s", outcome, time.monotonic() - begun)
        return Downloaded(Path(name), digest, size)

    def _failed(self, error: BaseException) -> DownloadError:
        if isinstance(error, TimeoutError):
            return _broken(f"It did not end within {self.deadline:g} s.")
        if isinstance(error, httpx.InvalidURL):  # httpx reads a redirect's target even when it follows none
            return _unsafe("It redirects to something that cannot be parsed.")
        if isinstance(error, ProtocolError):
            return _broken(error.why)
        if isinstance(error, OSError):
            return _broken(f"It could not be written: {error.strerror}.")
        return _broken(in_words(error)[0])

    async def _into(
        self, streamed: AsyncGenerator[bytes, None], write: Callable[[bytes], object], progress: Progress | None
    ) -> tuple[str, int]:
        digest, size = hashlib.sha256(), 0
        # Closed here and now: an answer that is refused half-way must not hold its connection until it is collected.
        async with aclosing(streamed) as chunks:
            async for chunk in chunks:
                size += len(chunk)
                if size > self.cap:
                    raise _too_large(self.cap)
                digest.update(chunk)
                write(chunk)
                if progress:
                    progress(size)
        if size == 0:
            raise _broken("It is empty.")
        return digest.hexdigest(), size

    async def _chunks(self, client_for: ClientFor, url: str) -> AsyncGenerator[bytes, None]:
        target = self._checked(url)
        for _ in range(REDIRECTS + 1):
            async with client_for(target).stream("GET", target, headers=HEADERS) as response:
                if response.status_code in REDIRECT_CODES:
                    target = self._next(target, response)
                    continue
                self._check(response)
                async with aclosing(decoded(response, CHUNK)) as pieces:
                    async for piece in pieces:
                        yield piece
                return
        raise UnsafeDownloadError("An output's address leads in circles.", f"More than {REDIRECTS} redirects.")

    def _next(self, target: httpx.URL, response: httpx.Response) -> httpx.URL:
        location = response.headers.get("location", "")
        if not location.isascii() or not location.isprintable() or "\\" in location:
            raise _unsafe("It redirects to characters that parsers disagree about.")
        cannot = _unsafe("It redirects to something that cannot be parsed.")
        with translated((httpx.InvalidURL, ValueError), lambda _: cannot):
            joined = str(target.join(location))
        return self._checked(joined)

    def _checked(self, url: str) -> httpx.URL:
        return checked_url(url, hosts=self.hosts, trusted_base=self.trusted_base)

    def _check(self, response: httpx.Response) -> None:
        if response.status_code in {404, 410}:
            raise OutputGoneError(
                "The service does not serve an output.", f"It answered HTTP {response.status_code}.", ""
            )
        if response.status_code != 200:
            error = _broken(f"The server answered HTTP {response.status_code}.")
            error.retry_after = seconds_to_wait(response.headers.get("retry-after"))
            raise error
        length = response.headers.get("content-length", "")
        if re.fullmatch("[0-9]{1,30}", length) and int(length) > self.cap:
            raise _too_large(self.cap)

    async def is_alive(self, client_for: ClientFor, url: str) -> bool:
        """Return whether an address still answers with success, without fetching it; a dead one is no error."""
        try:
            target = self._checked(url)
            with quiet():
                async with asyncio.timeout(5):
                    response = await client_for(target).head(target, headers=HEADERS)
        except (UnsafeDownloadError, *FAILURES):
            return False
        return response.status_code == 200


def _broken(why: str) -> DownloadError:
    return DownloadError("An output could not be fetched.", why, "%nbresume fetches it again; nothing is paid twice.")


def _too_large(cap: int) -> UnsafeDownloadError:
    return UnsafeDownloadError(
        "An output is too large to fetch.", f"It has more than {cap / (1 << 30):g} GiB.", "Look at it at the service."
    )
