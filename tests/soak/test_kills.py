"""Kill -9 at any moment: the store opens, nothing is torn, everything accepted is collected, nothing is sent twice."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

import pytest
from support import killed
from support.tiers import scaled

import nbbanana as nb
from nbbanana.sandbox import Sandbox

BATCH = 10
KILLED = ("one process", "one process", "two processes", "the parent of a fork")
SCALE = 0.02


@pytest.mark.timeout(0)
@pytest.mark.parametrize(
    "kills",
    [pytest.param(scaled(5), marks=pytest.mark.nightly, id="many"), pytest.param(200, marks=pytest.mark.soak)],
)
def test_a_killed_batch_loses_nothing_and_pays_nothing_twice(tmp_path, monkeypatch, kills):
    """
    Batches of ten edits, each killed at a seeded random moment, then collected by another process.

    Half of them run in two processes, the second forked while the engine of the first is at work; of those half are
    killed with their child, and half without.
    """
    dice, counts = random.Random(7), Counter()
    monkeypatch.setenv("NBBANANA_SANDBOX_SCALE", str(SCALE))
    with Sandbox(time_scale=SCALE, slots=4, balance=1e6, paint="flat") as box:
        for name, value in box.addresses["environment"].items():
            monkeypatch.setenv(name, value)
        for number in range(kills):
            folder = tmp_path / "store"
            counts[run_and_kill(box, folder, number * BATCH, dice)] += 1
            with nb.Session(store=folder) as session:
                session.history.resume()
        with nb.Session(store=tmp_path / "store") as session:
            edits = [result.record for result in session.history]
            assert not session.history.waiting()
            assert session.store.verify().ok
    counts.update(edit.state for edit in edits)
    accepted = [str(job.payload["seed"]) for job in box.submissions]
    collected = {str(edit.seed) for edit in edits if edit.state == "completed"}
    unknown = {str(edit.seed) for edit in edits if edit.state == "unknown"}
    counts["accepted"], counts["sent twice"] = len(accepted), len(accepted) - len(set(accepted))
    counts["lost"] = len(set(accepted) - collected - unknown)
    sys.stdout.write(f"\n{kills} kills of batches of {BATCH}: {dict(counts)}\n")
    assert counts["sent twice"] == 0
    assert counts["lost"] == 0
    assert set(counts) <= {"completed", "unknown", "cancelled", "accepted", "sent twice", "lost", *KILLED}
    with closing(sqlite3.connect(tmp_path / "store" / "edits.sqlite")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def run_and_kill(box: Sandbox, folder: Path, first_seed: int, dice: random.Random) -> str:
    """
    Start a batch in a process of its own, or in one and its fork, and kill it somewhere in the middle; what was killed.

    The moment is counted in requests that the sandbox saw and a few milliseconds more, so that a busy machine is
    killed in the same places as an idle one.
    """
    moment = len(box.requests) + dice.randrange(BATCH * 6)
    killed_with = dice.choice(KILLED)
    forks = "alone" if killed_with == "one process" else "forks"
    command = [sys.executable, killed.__file__, str(folder), str(first_seed), str(BATCH), forks]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        while len(box.requests) < moment and child.poll() is None:
            time.sleep(0.001)
        time.sleep(dice.uniform(0.0, 0.02))
        with suppress(ProcessLookupError):  # it was done already
            (os.killpg if killed_with == "two processes" else os.kill)(child.pid, signal.SIGKILL)
        child.stdout.read()  # to its end, also that of a fork that lives on
        child.wait()
    return killed_with
