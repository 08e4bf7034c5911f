"""A series that is waited for shows how it stands in its cell, as one edit does."""

from __future__ import annotations

import re
from typing import Any

import pytest

from nbbanana.display.results import series_bundle
from nbbanana.engine.run import Progress

pytestmark = pytest.mark.painted  # a flat sandbox takes no time
FIRST = "%%nbedit first << table --seed 7 --resolution 0.5K\nMake it snow."


@pytest.fixture
def slow(notebook: Any) -> Any:
    """A notebook whose sandbox takes its time, with one edit and the package's name."""
    notebook.run_cell("%config NBBanana.sandbox_scale = 0.1")
    notebook.run_cell("import nbbanana as nb")
    notebook.run_cell(FIRST)
    return notebook


def test_a_series_shows_how_it_stands_and_what_came_of_it(slow: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One display, replaced as edits end; at its end it says which they are. What the store has is not shown."""
    drawn: list[str] = []
    keep = slow.display_pub.publish

    def publish(data: Any, *args: Any, **how: Any) -> None:
        drawn.append(data["text/plain"])
        keep(data, *args, **how)

    monkeypatch.setattr(slow.display_pub, "publish", publish)
    before = len(slow.shown)
    slow.run_cell("made = first.vary(range(3))")
    assert len(slow.shown) == before + 1
    assert all(re.fullmatch(r"◐ \d of 3 done  (\d [a-z]+ · )*sandbox", line) for line in drawn[:-1]), drawn
    assert len(drawn) > 1
    assert drawn[-1] == "3 of 3 edits were made: edits 2 to 4, $0.1575 in play money."
    slow.run_cell("more = first.vary(range(4))")
    assert drawn[-1] == "4 of 4 edits are here: edits 2 to 5, 3 of them from the store, $0.0525 in play money."
    before += 1
    slow.run_cell("again = first.vary(range(3))")
    assert len(slow.shown) == before + 1, "what the store answers is not waited for"


def test_nothing_is_shown_once_the_extension_is_unloaded(slow: Any) -> None:
    """The call is the same, and waits without a word."""
    slow.run_cell("%unload_ext nbbanana")
    before = len(slow.shown)
    slow.run_cell("made = first.vary(range(2))")
    assert len(slow.shown) == before
    slow.run_cell("%load_ext nbbanana")


def test_the_line_says_what_an_interrupt_would_do() -> None:
    """Free while nothing runs; what runs goes on and is collected later."""
    waits = series_bundle([Progress("done"), Progress("queued"), Progress("paused")])["text/html"]
    assert "ends them here: nothing more is charged" in waits
    runs = series_bundle([Progress("queued"), Progress("running")])["text/html"]
    assert "<code>%nbresume</code>" in runs
    assert "■" not in series_bundle([Progress("done"), Progress("failed")])["text/html"]
