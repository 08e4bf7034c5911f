"""Servers that a provider should not trust."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from contextlib import ExitStack

import pytest
from PIL import Image

import nbbanana as nb


@pytest.fixture
def serve(tmp_path, monkeypatch):
    """Makes a session at an emulator, of its class and switches, and gives both."""
    with ExitStack() as stack:

        def make(kind, provider, model=None, *, store="store", budget=None, **switches):
            service = stack.enter_context(kind(**switches))
            for name, value in service.environment.items():
                monkeypatch.setenv(name, value)
            session = nb.Session(provider=provider, store=tmp_path / store, budget=budget, model=model)
            return stack.enter_context(session), service

        yield make


@pytest.fixture
def picture(tmp_path):
    """A small picture."""
    path = tmp_path / "photo.png"
    Image.new("RGB", (48, 32), "teal").save(path)
    return path


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


QUICK = {"reset-after-accept", "429", "500", "502-html", "truncated"}
"""The faults of the conformance suite that `make test` tries; `make nightly` tries all."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Have the long form of the suite's matrix be nightly."""
    for item in items:
        callspec = getattr(item, "callspec", None)
        if "whatever_goes_wrong_on_the_wire" in item.name and callspec is not None and callspec.id not in QUICK:
            item.add_marker(pytest.mark.nightly)
