"""Sessions over the sandbox in this process, one Chromium for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import lab as labs

import nbbanana as nb


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paint: str) -> Iterator[nb.Session]:
    """A session over a sandbox that takes no time, in a folder of its own that is also the working directory."""
    monkeypatch.chdir(tmp_path)
    with nb.Session(provider="sandbox", store=tmp_path / "store") as session:
        yield session


@pytest.fixture(scope="package")
def browser() -> Iterator[labs.Browser]:
    """Headless Chromium; without one the tests are skipped, in CI they fail."""
    if reason := labs.missing():
        pytest.skip(reason)
    executable = labs.chromium()
    assert executable, "CI must install Chromium before the tests"
    with labs.Browser(executable) as opened:
        yield opened
