"""
A sweep beside what people write instead, in one run: the same cells, the same faults, each killed once in the middle.

Each is started, killed with SIGKILL once 24 of its cells were accepted, and started again until it ends by itself,
three times at most. Times are printed; asserted is what was paid twice and what is missing at the end.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support import instead, swept
from support.faulty_sandbox import FaultySandbox, faulty_sandbox

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(0)]

CELLS, SLOTS, SCALE, SHARE = 40, 16, 0.1, 0.1
KILLED_AT = 24
"""Accepted jobs at which each is killed: the second wave of those that go at once is under way."""
STARTS = 3


@dataclass(frozen=True)
class Row:
    """What one way took."""

    way: str
    seconds: float
    requests: int
    accepted: int
    twice: int
    missing: int
    named: int

    @property
    def text(self) -> str:
        """The row of the table."""
        return f"{self.way:<9}{self.seconds:>8.1f}{self.requests:>10}{self.accepted:>10}{self.twice:>12}{self.missing:>9}{self.named:>7}"


def command(way: str, folder: Path) -> list[str]:
    """What starts it."""
    if way != "sweep":
        return [sys.executable, instead.__file__, way, str(folder), str(CELLS)]
    axes = {"colour": ["red"], "seed": list(range(CELLS)), "resolution": "0.5K"}
    return [sys.executable, swept.__file__, str(folder), json.dumps(axes), str(instead.AT_ONCE)]


def killed_once(way: str, folder: Path, box: FaultySandbox) -> tuple[float, str]:
    """Start it, kill it once 24 of its cells were accepted, start it again; seconds, and what it said last."""
    environment = {**os.environ, **box.environment}
    begun, said = time.monotonic(), ""
    for number in range(STARTS):
        with subprocess.Popen(
            command(way, folder), env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as child:
            while number == 0 and child.poll() is None and box.seen()["accepted"] < KILLED_AT:
                time.sleep(0.02)
            if number == 0:
                child.send_signal(signal.SIGKILL)
            assert child.stdout is not None
            said = child.stdout.read()
        if child.returncode == 0:
            break
    return time.monotonic() - begun, said


def row(way: str, folder: Path) -> Row:
    """What this way takes with faults of its own, which come at the same requests for all."""
    with faulty_sandbox(cells=CELLS, slots=SLOTS, scale=SCALE, share=SHARE) as box:
        seconds, said = killed_once(way, folder, box)
        seen: dict[str, Any] = box.seen()
    if way == "sweep":
        states = json.loads(said.splitlines()[-1])["states"]
        here, named = states.pop("here"), sum(states.values())
    else:
        here, named = len(list(folder.glob("*.png"))), 0
    requests = sum(seen["requests"].values())
    return Row(way, seconds, requests, seen["accepted"], seen["twice"], CELLS - here - named, named)


def test_a_sweep_pays_once_where_what_people_write_pays_twice(tmp_path: Path) -> None:
    """After one kill and some faults: nothing twice and nothing missing without a word, with no more requests."""
    rows = {way: row(way, tmp_path / way) for way in ("sweep", *instead.WAYS)}
    print(f"\n{CELLS} cells on {SLOTS} slots, one request in {1 / SHARE:.0f} goes wrong, killed once\n")
    print("way      seconds  requests  accepted  paid twice  missing  named")
    print("\n".join(one.text for one in rows.values()))
    ours = rows.pop("sweep")
    assert (ours.twice, ours.missing) == (0, 0)
    assert ours.accepted <= CELLS
    assert all(one.twice > 0 for one in rows.values())
    assert ours.requests < min(rows["gather"].requests, rows["threads"].requests)
