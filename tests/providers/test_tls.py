"""The service proves who it is before anything is sent to it, whatever the environment says."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
import threading

import pytest

from nbbanana.errors import NetworkError
from nbbanana.providers.credentials import Credential
from nbbanana.providers.runcomfy import RunComfy
from nbbanana.settings import Endpoints


@pytest.fixture
def impostor(tmp_path):
    """A TLS server with a certificate that nobody signed; what it was sent, and its port."""
    openssl = shutil.which("openssl")
    assert openssl, "openssl makes the certificate"
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = "req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    command = [openssl, *words.split(), "-keyout", key, "-out", certificate]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    plain, _ = listening.accept()
                except OSError:
                    return
                try:
                    with context.wrap_socket(plain, server_side=True) as connection:
                        heard.append(connection.recv(65536))
                except OSError:
                    continue  # the client hung up, as it should

        threading.Thread(target=serve, daemon=True).start()
        yield heard, listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("variable", ["", "PYTHONHTTPSVERIFY=0", "CURL_CA_BUNDLE=", "NODE_TLS_REJECT_UNAUTHORIZED=0"])
def test_a_service_that_cannot_prove_itself_is_sent_nothing(impostor, monkeypatch, variable):
    """A certificate that nobody signed ends the connection before the token or the request goes out."""
    if variable:
        monkeypatch.setenv(*variable.split("=", 1))
    heard, port = impostor
    base = f"https://localhost:{port}"

    async def submit() -> None:
        service = RunComfy(Credential("a-token", "RUNCOMFY_TOKEN"), Endpoints(base, base, base))
        try:
            await service.submit("google/nano-banana-2/edit", {"prompt": "x"})
        finally:
            await service.aclose()

    with pytest.raises(NetworkError):
        asyncio.run(submit())
    assert heard == []
