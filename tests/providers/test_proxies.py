"""A proxy of the environment sees no token and no prompt, whichever address is asked beside which."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from nbbanana.errors import NBBananaError
from nbbanana.providers.credentials import Credential
from nbbanana.providers.runcomfy import RunComfy, RunComfyEndpoints, log_in

TOKEN = "bearer-of-the-proxy-test"
WORDS = "a prompt that is private"
REMOTE = "https://service.example"


class Recorder:
    """A loopback server that notes what it is sent and refuses it, as a proxy or as a service."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                recorder.seen.append(f"{self.requestline}\n{self.headers}\n{body}")
                self.send_response(403)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Write nothing."""

        for verb in ("GET", "POST", "HEAD", "CONNECT"):
            setattr(Handler, f"do_{verb}", Handler.answer)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def recorders() -> Iterator[tuple[Recorder, Recorder]]:
    """A proxy and a service, both recording."""
    both = Recorder(), Recorder()
    threads = [threading.Thread(target=one.server.serve_forever, kwargs={"poll_interval": 0.01}) for one in both]
    for thread in threads:
        thread.start()
    yield both
    for one, thread in zip(both, threads, strict=True):
        one.server.shutdown()
        one.server.server_close()
        thread.join()


def calls(service: RunComfy, folder: Path) -> dict[str, Callable[[], Coroutine[Any, Any, Any]]]:
    """Every call that a provider, or its login, can make."""
    return {
        "submit": lambda: service.submit("google/nano-banana-2/edit", {"prompt": WORDS}),
        "status": lambda: service.status("an-id"),
        "result": lambda: service.result("an-id"),
        "cancel": lambda: service.cancel("an-id"),
        "describe": lambda: service.describe("google/nano-banana-2/edit"),
        "catalogue": service.catalogue,
        "whoami": service.whoami,
        "balance": service.balance,
        "download": lambda: service.download(f"{service.endpoints.model_api}/a.png", folder),
        "is_alive": lambda: service.is_alive(f"{service.endpoints.model_api}/a.png"),
        "login": lambda: log_in(service.endpoints.web, print),
    }


@pytest.mark.parametrize("local", list(product([True, False], repeat=3)), ids=str)
def test_which_proxy_a_call_takes_is_decided_by_its_own_address(recorders, monkeypatch, tmp_path, local):
    """Each base on this machine or not, in all mixtures: the proxy sees CONNECT lines, and only for remote bases."""
    proxy, service = recorders
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy.origin)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    endpoints = RunComfyEndpoints(
        *(service.origin if here else f"{REMOTE}/{number}" for number, here in enumerate(local))
    )
    base_of = {"whoami": "web", "login": "web", "balance": "account"}

    async def make_all() -> None:
        provider = RunComfy(Credential(TOKEN, "RUNCOMFY_TOKEN"), endpoints)
        for name, call in calls(provider, tmp_path).items():
            proxy.seen.clear()
            service.seen.clear()
            with contextlib.suppress(NBBananaError):
                await call()
            here = getattr(endpoints, base_of.get(name, "model_api")) == service.origin
            assert bool(service.seen) == here, f"{name} reached the service's own address"
            assert bool(proxy.seen) == (not here), f"{name} took the proxy"
            assert all(seen.startswith("CONNECT service.example:443") for seen in proxy.seen), name
            assert not any(TOKEN in seen or WORDS in seen for seen in proxy.seen), name
        await provider.aclose()

    asyncio.run(make_all())


def test_the_recorder_would_have_seen_a_token(recorders):
    """The proxy of these tests notes what is sent in clear: without that, the test above could not fail."""
    proxy, _ = recorders
    with socket.create_connection(proxy.server.server_address[:2]) as plain:
        plain.sendall(f"GET http://x/ HTTP/1.0\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode())
        plain.recv(64)
    assert TOKEN in proxy.seen[0]
