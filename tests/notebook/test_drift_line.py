"""`%nbhistory` finds edits by what was measured of them."""

from __future__ import annotations

from typing import Any

import pytest
from support.drifts import drifted

from nbbanana import samples
from nbbanana.errors import UsageError
from nbbanana.session import current


@pytest.fixture
def measured(shell: Any) -> Any:
    """A shell whose store has three edits with figures."""
    session = current()
    for seed, value in enumerate((1.0, 3.0, 5.0)):
        made = session.edit("Make it snow.", samples.still_life((64, 48)), seed=seed, resolution="0.5K")
        session.store.measured(made.id, [drifted(0, moved=value, recoloured=value)], {})
    return shell


@pytest.mark.parametrize(
    ("line", "numbers"),
    [
        ("--drift-outside <2", [1]),
        ("--drift-outside '>= 3' --moved <5", [2]),
        ("snow --moved=>1", [3, 2]),
        ("--redrawn-outside >0.5", []),
    ],
)
def test_a_bound_on_the_line_is_one_of_the_history(measured: Any, line: str, numbers: list[int]) -> None:
    """`<`, `<=`, `>` or `>=` and a number; the figure stands in the list."""
    measured.display_pub.displays.clear()
    measured.run_cell(f"%nbhistory {line}")
    shown = measured.text_shown()
    assert [int(row.split("]")[0]) for row in shown.split("history[")[1:]] == numbers
    assert shown.count(" · drift ") == len(numbers)


@pytest.mark.parametrize("bound", ["2", "<two", "=2", "<2;DROP TABLE drifts"])
def test_what_is_no_bound_is_said(measured: Any, bound: str) -> None:
    """With what to write instead."""
    with pytest.raises(UsageError, match="--drift-outside is") as caught:
        measured.run_cell(f"%nbhistory --drift-outside '{bound}'")
    assert caught.value.how == "Write --drift-outside <2."
