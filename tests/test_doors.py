"""Doors: an object opens what it may not know, and nothing behind a door is loaded before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import nbbanana as nb
from nbbanana import doors


def test_nothing_is_loaded_before_somebody_goes_through() -> None:
    """Importing the package and its sessions hangs the door; the forms come when it is opened."""
    code = (
        "import sys, nbbanana, nbbanana.session.history; from nbbanana import doors;"
        "before = 'nbbanana.widgets.browser' in sys.modules;"
        "doors.through('browse'); print(before, 'nbbanana.widgets.browser' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "True"]


def test_a_history_opens_what_is_behind_the_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`history.browse()` hands its session through, and returns what the door gives, whatever hangs there."""
    monkeypatch.setattr(doors, "_doors", dict(doors._doors))
    seen: list[Any] = []
    doors.hang("browse", lambda: seen.append)
    with nb.Session(provider="sandbox", store=tmp_path) as session:
        assert session.history.browse() is None
    assert seen == [session]
    with pytest.raises(KeyError):
        doors.through("cellar")
