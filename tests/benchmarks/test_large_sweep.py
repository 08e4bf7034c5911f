"""
A sweep of a thousand cells at a service with 64 slots where one request in twenty goes wrong.

Jobs take ten seconds and paint nothing. The sweep runs in one process and the service in another. Asserted are counts,
the ratio of the makespan to its lower bound, and that memory and output do not grow with the cells; times are printed.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import swept_crowd
from support.faulty_sandbox import SECONDS, faulty_sandbox

SLOTS = 64
CONCURRENCY = 96
"""Half as much again as the service has slots: a slot that becomes free finds a job in the queue."""
MOST_OVER_BOUND = 1.15
LARGEST_OUTPUT = 400_000
MOST_GROWTH_MIB = 40
"""Between a quarter of the cells and all: the records of the cells themselves, which the sweep holds."""
WARM = 1


def ran(folder: Path, cells: int, scale: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run a sweep in a process; what it says and what the service saw."""
    with faulty_sandbox(cells=cells, slots=SLOTS, scale=scale) as box:
        command = [sys.executable, swept_crowd.__file__, str(folder), str(cells), str(CONCURRENCY)]
        path = os.pathsep.join([str(Path(swept_crowd.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, **box.environment, "PYTHONPATH": path}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1]), box.seen()


def told(cells: int, scale: float, found: dict[str, Any], seen: dict[str, Any]) -> float:
    """Print what a run took; the ratio of its makespan to its lower bound."""
    bound = math.ceil(cells / SLOTS) * SECONDS * scale
    drawings = found["drawings"]
    print(
        f"\n{cells} cells on {SLOTS} slots, {seen['faults']} faults: {found['states']}, {seen['accepted']} accepted, {seen['twice']} twice"
    )
    print(
        f"planned in {found['planned']:.2f} s, looked ahead in {found['looked ahead']:.2f} s; both with all in the store {found['planned again']:.2f} s"
    )
    print(
        f"makespan {found['ran']:.1f} s, lower bound {bound:.1f} s, ratio {found['ran'] / bound:.3f}; {found['cpu'] / cells * 1000:.0f} ms of processor time a cell"
    )
    print(f"requests {dict(sorted(seen['requests'].items()))}")
    print(
        f"{len(drawings)} drawings, {sum(one['seconds'] for one in drawings):.1f} s, the largest {max(one['bytes'] for one in drawings) / 1000:.0f} kB; the last {found['final'] / 1000:.0f} kB"
    )
    print(
        f"memory {found['idle']:.0f} MiB idle, "
        + ", ".join(f"{one['mib']:.0f}" for one in drawings)
        + f", {found['peak']:.0f} at the end"
    )
    return found["ran"] / bound


def check(cells: int, found: dict[str, Any], seen: dict[str, Any]) -> None:
    """Each cell is done or named, nothing was sent twice, and the notebook stays small."""
    assert sum(found["states"].values()) == cells
    assert set(found["states"]) <= {"here", "unknown", "failed", "refused"}
    assert found["named"]
    assert seen["twice"] == 0
    assert seen["accepted"] <= cells + WARM
    assert max(found["final"], *(one["bytes"] for one in found["drawings"])) < LARGEST_OUTPUT


@pytest.mark.nightly
@pytest.mark.timeout(0)
def test_a_sweep_of_two_hundred_cells_with_faults_is_done_or_named(tmp_path: Path) -> None:
    """The short form, at a twentieth of the time: counts alone."""
    found, seen = ran(tmp_path / "store", 200, 0.05)
    told(200, 0.05, found, seen)
    check(200, found, seen)


@pytest.mark.benchmark
@pytest.mark.timeout(0)
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="resident memory is read from Linux's /proc")
def test_a_thousand_cells_are_hardly_later_than_they_could_be(tmp_path: Path) -> None:
    """The whole form, at full time; what the service failed is done again and not part of the bound."""
    found, seen = ran(tmp_path / "store", 1000, 1.0)
    ratio = told(1000, 1.0, found, seen)
    check(1000, found, seen)
    memory = [one["mib"] for one in found["drawings"]]
    quarter = memory[len(memory) // 4]
    assert found["peak"] - quarter < MOST_GROWTH_MIB
    assert ratio <= MOST_OVER_BOUND
