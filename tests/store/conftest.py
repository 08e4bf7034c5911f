"""A store in a folder of its own, and time that passes when it is told to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.stores import Clock

from nbbanana.store import Store


@pytest.fixture
def clock() -> Clock:
    """Time that stands still until the test moves it."""
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the store is; nothing is there yet."""
    return tmp_path / "study"


@pytest.fixture
def store(folder: Path, clock: Clock) -> Iterator[Store]:
    """An empty store."""
    with Store.open(folder, clock=clock) as store:
        yield store
