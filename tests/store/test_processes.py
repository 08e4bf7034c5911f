"""Many kernels at one store, and kernels that are killed: nothing lost, nothing doubled, nothing torn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import support.store_crowd

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")

CROWD = support.store_crowd.__file__


def crowd(command: str, folder: Path, *arguments: float) -> dict[str, Any]:
    """Run the crowd as a program; gives what it counted, and the time it took."""
    words = [sys.executable, "-W", "error", CROWD, command, str(folder), *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def everyone_was_heard(folder: Path, processes: int, edits: int) -> dict[str, Any]:
    """All edits of all processes are there once, whole, true and counted."""
    told = crowd("append", folder, processes, edits)
    every = processes * edits
    assert told == {
        "failed": [],
        "count": every,
        "prompts": every,
        "completed": every,
        "true": every,
        "spent": pytest.approx(0.07 * every),
        "problems": [],
    }
    return told


def nobody_overspent(folder: Path, processes: int, edits: int, budget: float) -> dict[str, Any]:
    """However many ask at once, the sum stays within the budget, and comes near it."""
    told = crowd("reserve", folder, processes, edits, budget)
    assert told["failed"] == []
    assert told["problems"] == []
    assert budget - 0.07 < told["spent"] <= budget
    assert sum(told["states"].values()) == processes * edits
    assert told["states"]["cancelled"] > 0
    return told


def nothing_was_torn(folder: Path, kills: int, seed: int) -> dict[str, Any]:
    """After every kill the file is whole and holds all that was acknowledged; what lies around is cleaned up."""
    told = crowd("kill", folder, kills, seed)
    assert told["torn"] == []
    assert (told["missing"], told["changed"], told["wrong"], told["problems"]) == ({}, [], [], [])
    assert told["edits"] >= kills / 2
    assert told["acknowledged"] > told["edits"]
    assert told["left"] == 0
    return told


def test_many_processes_write_to_one_new_store(folder: Path) -> None:
    """Four processes open the same empty folder at once and write a hundred edits each."""
    everyone_was_heard(folder, processes=4, edits=100)


def test_many_processes_keep_one_budget(folder: Path) -> None:
    """Four processes reserve from one budget at once; it is used up and never overdrawn."""
    nobody_overspent(folder, processes=4, edits=50, budget=3.0)


def test_a_store_may_be_open_when_its_process_forks(folder: Path) -> None:
    """Children get connections of their own; the parent's go on working."""
    assert crowd("inherit", folder) == {"failed": [], "count": 41, "problems": []}


def test_a_killed_writer_leaves_a_true_store(folder: Path) -> None:
    """Twenty kills at seeded moments of a writer that never rests."""
    nothing_was_torn(folder, kills=20, seed=1)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_eight_processes_write_a_thousand_edits_each(folder: Path) -> None:
    """The long form: 8 × 1,000 edits through all their states; none lost, none doubled, never locked."""
    print("\n8 processes × 1,000 edits:", everyone_was_heard(folder, processes=8, edits=1000))


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_eight_processes_keep_one_budget(folder: Path) -> None:
    """The long form: 8 processes ask 500 times each."""
    print("\n8 processes × 500 reservations:", nobody_overspent(folder, processes=8, edits=500, budget=50.0))


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("seed", range(5))
def test_two_hundred_kills_leave_a_true_store(folder: Path, seed: int) -> None:
    """The long form: 5 × 200 kills."""
    told = nothing_was_torn(folder, kills=200, seed=seed)
    print(f"\n200 kills, seed {seed}: {told['edits']} edits, {told['acknowledged']} acknowledged steps, 0 torn, 0 lost")
