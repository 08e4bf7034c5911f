"""Why a connection was not made is said in words: a setting, a proxy, a certificate, a name or a closed port."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest

from nbbanana import errors
from nbbanana.providers.credentials import Credential
from nbbanana.providers.runcomfy import RunComfy, RunComfyEndpoints, log_in

REMOTE = RunComfyEndpoints("https://service.example/v1", "https://service.example", "https://service.example")
SECRET = "user:sekrit-of-the-proxy"
UNUSABLE = {
    "ALL_PROXY": "socks://127.0.0.1:9",
    "HTTPS_PROXY": f"gopher://{SECRET}@127.0.0.1:9",
    "HTTP_PROXY": f"http://{SECRET}@127.0.0.1:port",
    "https_proxy": "http://[::1",
    "NO_PROXY": "[::1]",
    "SSL_CERT_FILE": "/nowhere/certificates.pem",
    "SSL_CERT_DIR": "/nowhere/certificates",
    "SSLKEYLOGFILE": "/nowhere/keys.log",
}


def connect(endpoints: RunComfyEndpoints, call: str = "submit") -> errors.NBBananaError:
    """Make a call that must fail; return its error."""

    async def make() -> None:
        service = RunComfy(Credential("a-token", "RUNCOMFY_TOKEN"), endpoints)
        try:
            if call == "submit":
                await service.submit("a/b", {"prompt": "x"})
            elif call == "login":
                await log_in(endpoints.web, print)
            else:
                await service.describe("a/b")
        finally:
            await service.aclose()

    with pytest.raises(errors.NBBananaError) as caught:
        asyncio.run(make())
    return caught.value


@pytest.mark.parametrize("variable", UNUSABLE)
@pytest.mark.parametrize("call", ["submit", "describe", "login"])
def test_a_variable_that_cannot_be_used_is_named_and_not_shown(monkeypatch, variable, call):
    """A ConfigError with the name, before anything is sent; a proxy's password is not in it."""
    for name in UNUSABLE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, UNUSABLE[variable])
    error = connect(REMOTE, call)
    assert type(error) is errors.ConfigError
    assert variable in error.what
    assert "sekrit" not in str(error) + str(error.__cause__)


@pytest.mark.parametrize("content", ["", "no certificate"])
def test_a_file_without_certificates_is_named(monkeypatch, tmp_path, content):
    """`SSL_CERT_FILE` that is there and holds none."""
    (tmp_path / "ca.pem").write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    assert "SSL_CERT_FILE" in connect(REMOTE).what


@pytest.mark.parametrize("variable", UNUSABLE)
def test_a_sandbox_on_this_machine_needs_no_proxy_and_no_certificate(monkeypatch, sandbox, variable):
    """What is set wrongly for the network does not keep one from trying."""
    monkeypatch.setenv(variable, UNUSABLE[variable])

    async def ask() -> object:
        service = RunComfy(
            Credential(sandbox.token, "sandbox"), RunComfyEndpoints(sandbox.api_base, sandbox.api_base, "x")
        )
        try:
            return await service.describe("google/nano-banana-2/edit")
        finally:
            await service.aclose()

    assert asyncio.run(ask())


@pytest.fixture
def proxy() -> Iterator[tuple[int, list[bytes]]]:
    """A proxy that answers every CONNECT with what the list holds; its port and that list."""
    answer = [b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"]
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer[0])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1], answer
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_a_proxy_a_certificate_a_name_and_a_port_have_sentences_of_their_own(monkeypatch, proxy, untrusted):
    """Each says which it was, what to do, and that nothing was sent."""
    closed = f"http://127.0.0.1:{_closed_port()}"
    said = {
        "port": connect(RunComfyEndpoints(closed, closed, closed)),
        "certificate": connect(RunComfyEndpoints(untrusted, untrusted, untrusted)),
    }
    port, answer = proxy
    monkeypatch.setenv("HTTPS_PROXY", f"http://{SECRET}@127.0.0.1:{port}")
    said["proxy"] = connect(REMOTE)
    answer[0] = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"
    said["other proxy"] = connect(REMOTE)
    assert {type(error) for error in said.values()} == {errors.NetworkError}
    assert len({error.why for error in said.values()}) == len(said)
    for kind, words in {"port": "refused", "certificate": "not trusted", "proxy": "407", "other proxy": "502"}.items():
        assert words in said[kind].why
    assert all("othing was sent" in error.how or "nothing was sent" in error.how for error in said.values())
    assert "SSL_CERT_FILE" in said["certificate"].how
    assert "HTTPS_PROXY" in said["proxy"].how
    assert not any("sekrit" in str(error) for error in said.values())


def test_a_question_says_the_same_as_a_submit(untrusted):
    """Not only the POST: the price, the login."""
    endpoints = RunComfyEndpoints(untrusted, untrusted, untrusted)
    for call, kind in {"describe": errors.UpstreamError, "login": errors.NetworkError}.items():
        error = connect(endpoints, call)
        assert type(error) is kind
        assert "not trusted" in error.why


def test_the_cause_of_a_failed_connection_is_kept(untrusted):
    """A bug report holds what the library said, and no frame of it."""
    error = connect(RunComfyEndpoints(untrusted, untrusted, untrusted))
    causes = []
    cause = error.__cause__
    while cause is not None:
        causes.append(str(cause))
        assert cause.__traceback__ is None
        cause = cause.__cause__
    assert "ConnectError" in causes[0]
    assert any("CERTIFICATE_VERIFY_FAILED" in one for one in causes)
    assert error.__context__ is None


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@pytest.fixture
def untrusted(impostor: tuple[list[bytes], int]) -> str:
    """The address of a TLS server that no authority signed."""
    return f"https://localhost:{impostor[1]}"
