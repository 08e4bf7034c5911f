"""Logging in where the login page answers as it likes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from nbbanana.errors import CredentialError, DeadlineError, NBBananaError, NetworkError, ProtocolError
from nbbanana.providers.runcomfy import LONGEST_PAUSE, LONGEST_WAIT, DeviceCode, RunComfyEndpoints, log_in

START = {
    "device_code": "secret-device",
    "user_code": "ABCD-EFGH",
    "verify_url": "https://www.runcomfy.com/verify",
    "expires_in": 600,
    "poll_interval": 1,
}


class Page:
    """A login page: what it answers, one answer after the other."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes]] = []
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, body = page.answers.pop(0)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.endpoints = RunComfyEndpoints(web=f"http://127.0.0.1:{self.server.server_port}")

    def says(self, *answers: object) -> None:
        """Queue answers: JSON with status 200, or a status and bytes."""
        self.answers = [
            answer if isinstance(answer, tuple) else (200, json.dumps(answer).encode()) for answer in answers
        ]


@pytest.fixture
def page() -> Iterator[Page]:
    """A login page on a port."""
    page = Page()
    thread = Thread(target=page.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield page
    page.server.shutdown()
    page.server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses take no time; gives how long they would have been."""
    paused: list[float] = []
    real = asyncio.sleep

    async def sleep(seconds: float, *args: object) -> None:
        paused.append(seconds)
        await real(0)

    monkeypatch.setattr("nbbanana.providers.runcomfy.asyncio.sleep", sleep)
    return paused


def attempt(page: Page) -> tuple[str, DeviceCode]:
    shown: list[DeviceCode] = []
    token = asyncio.run(log_in(page.endpoints.web, shown.append))
    return token, shown[0]


def test_pages_of_proxies_in_between_do_not_end_a_login(page):
    """A 502, a 429, an empty answer and a pending one, then the token; the device's secret is in no repr."""
    page.says(
        START,
        (502, b"<html>"),
        (429, b"slow down"),
        (200, b""),
        {"status": "pending"},
        {"status": "authorized", "access_token": "it"},
    )
    token, code = attempt(page)
    assert token == "it"
    assert "secret-device" not in repr(code)


@pytest.mark.parametrize(
    ("end", "error"),
    [
        ((410, b'{"status": "denied"}'), CredentialError),
        ((410, b'{"status": "expired"}'), DeadlineError),
    ],
)
def test_a_login_that_comes_to_nothing_is_typed(page, end, error):
    """Refused, or too late."""
    page.says(START, end)
    with pytest.raises(error):
        attempt(page)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        (200, b"<html>"),
        (500, b""),
        START | {"verify_url": "javascript:alert(1)"},
        START | {"verify_url": "file:///etc/passwd"},
        START | {"verify_url": "https://[::1"},
        START | {"verify_url": "https://x/\x1b[2J"},
        START | {"expires_in": "soon"},
        START | {"poll_interval": None},
        START | {"poll_interval": []},
    ],
    ids=str,
)
def test_a_login_that_cannot_begin_is_a_protocol_error(page, answer):
    """Whatever the page says instead of what it should."""
    page.says(answer)
    with pytest.raises(ProtocolError) as caught:
        attempt(page)
    assert "secret-device" not in str(caught.value)


@pytest.mark.parametrize("endless", [1e300, 10**9])
def test_no_page_makes_a_login_wait_for_ever(page, at_once, endless):
    """Lifetimes and pauses have bounds here."""
    page.says(
        START | {"expires_in": endless, "poll_interval": endless}, {}, {"status": "authorized", "access_token": "it"}
    )
    _, code = attempt(page)
    assert code.expires_in == LONGEST_WAIT
    assert at_once == [LONGEST_PAUSE]


def test_no_page_at_all_is_a_network_error():
    """Nobody listens."""
    with pytest.raises(NBBananaError) as caught:
        asyncio.run(log_in("http://127.0.0.1:9", print))
    assert isinstance(caught.value, NetworkError)
