"""Sessions over the sandbox in this process, and over a served one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import nbbanana as nb
from nbbanana.sandbox import Sandbox


@pytest.fixture
def session(tmp_path: Path, paint: str) -> Iterator[nb.Session]:
    """A session over the sandbox in this process, which takes no time."""
    with nb.Session(provider="sandbox", store=tmp_path / "store") as session:
        yield session


@pytest.fixture
def served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paint: str
) -> Iterator[Callable[..., tuple[nb.Session, Sandbox]]]:
    """Makes a session that talks over sockets to a served sandbox with the switches it is given."""
    opened: list[Any] = []

    def make(*, store: str = "store", **switches: Any) -> tuple[nb.Session, Sandbox]:
        box = Sandbox(**{"time_scale": 0, "paint": paint, **switches}).__enter__()
        opened.append(box)
        monkeypatch.setenv("RUNCOMFY_MODEL_API_BASE", box.api_base)
        monkeypatch.setenv("RUNCOMFY_TOKEN", box.token)
        session = nb.Session(store=tmp_path / store)
        opened.append(session)
        return session, box

    yield make
    for thing in reversed(opened):
        if isinstance(thing, nb.Session):
            thing.close()
        else:
            thing.__exit__(None, None, None)
