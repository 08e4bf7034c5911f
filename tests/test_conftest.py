"""The tests' own walls hold: an isolated home, no credential, no network beyond this machine."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies


def test_home_is_empty_and_away_from_the_user(isolated: Path) -> None:
    """A test's home is its own."""
    assert Path.home() == isolated
    assert list(isolated.iterdir()) == []


def test_no_credential_leaks_in() -> None:
    """Whatever the developer's shell holds, tests see no token."""
    assert [name for name in os.environ if name.startswith("RUNCOMFY_")] == []


def test_foreign_addresses_are_refused_and_noted(on_this_machine_only: list[str]) -> None:
    """Connecting and resolving stay on this machine, and what strayed is remembered."""
    with socket.socket() as one, pytest.raises(ConnectionRefusedError, match=r"192\.0\.2\.1"):
        one.connect(("192.0.2.1", 443))
    with pytest.raises(socket.gaierror):
        socket.create_connection(("example.invalid", 443))
    assert on_this_machine_only == ["192.0.2.1", "example.invalid"]
    on_this_machine_only.clear()


def test_loopback_is_reached() -> None:
    """A server of the test's own answers."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname(), timeout=10) as client,
        server.accept()[0] as answering,
    ):
        answering.sendall(b"here")
        assert client.recv(4) == b"here"


@hypothesis.given(strategies.integers())
def test_laws_run_inside_the_walls(number: int) -> None:
    """The walls that stand around every test do not disturb hypothesis."""
    assert number + 0 == number


def test_photographs_are_real_files(photo: Callable[[str], Path]) -> None:
    """Each named photograph is there, without a download."""
    for name in ("astronaut", "coffee", "chelsea", "rocket", "portrait"):
        assert photo(name).stat().st_size > 50_000
