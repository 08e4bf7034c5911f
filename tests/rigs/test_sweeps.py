"""
The sweep rig: interrupts, kills, two kernels, changed budgets and logins, in real processes over a served sandbox.

What must hold: no cell is accepted twice, each cell is done or named, and what was settled is done afterwards.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from support import swept
from support.tiers import scaled

import nbbanana as nb
from nbbanana.sandbox import Fault, Sandbox

SMALL = {"colour": ["red", "blue", "green"], "seed": [1, 2, 3, 4], "resolution": ["0.5K", "1K"]}
WHOLE = {
    "colour": ["red", "blue", "green", "pink", "teal", "white"],
    "seed": [1, 2, 3, 4, 5, 6, 7, 8],
    "resolution": ["0.5K", "1K"],
}
SCALE = 0.02


def cells(axes: dict[str, list[Any]]) -> int:
    """How many cells these axes have."""
    return len(axes["colour"]) * len(axes["seed"]) * len(axes["resolution"])


def asked(box: Sandbox) -> Counter[tuple[Any, ...]]:
    """How often each cell was accepted."""
    return Counter(tuple(job.payload[name] for name in ("prompt", "seed", "resolution")) for job in box.submissions)


@pytest.fixture
def box(monkeypatch):
    """Serves a sandbox whose jobs take some hundredths of a second; processes that are started find it."""
    monkeypatch.setenv("NBBANANA_SANDBOX_SCALE", str(SCALE))
    with Sandbox(time_scale=SCALE, slots=8, balance=1e6, paint="flat") as box:
        for name, value in box.addresses["environment"].items():
            monkeypatch.setenv(name, value)
        yield box


class Process:
    """A process that runs the sweep; one that has ended is started again when it is needed."""

    def __init__(self, box: Sandbox, folder: Path, axes: dict[str, Any], dice: random.Random) -> None:
        self._box, self._dice, self.folder = box, dice, folder
        self._command = [sys.executable, swept.__file__, str(folder), json.dumps(axes)]
        self._child: subprocess.Popen[str] | None = None

    @property
    def child(self) -> subprocess.Popen[str]:
        """The process, at work on the sweep."""
        if self._child is None:
            self._child = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
            assert self.said() == "ready"
        return self._child

    def said(self) -> str:
        """What it tells next; empty where it has ended."""
        assert self._child is not None
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        return json.loads(line)["what"] if line else ""

    def hit(self, number: int, most: int) -> str:
        """Send it a signal after some requests more, at a moment of the dice; what became of it."""
        child, moment = self.child, len(self._box.requests) + self._dice.randrange(most)
        while len(self._box.requests) < moment and child.poll() is None:
            time.sleep(0.001)
        time.sleep(self._dice.uniform(0.0, 0.02))
        child.send_signal(number)
        said = self.said()
        if said != "stopped":
            self.end()
        return said or "killed"

    def kill(self) -> None:
        """End it, whatever it does."""
        if self._child is not None:
            self._child.kill()
        self.end()

    def end(self) -> None:
        """Wait for its end."""
        if self._child is not None:
            assert self._child.stdout is not None
            self._child.stdout.read()
            self._child.wait()
            self._child.stdout.close()
        self._child = None


@pytest.fixture
def process(tmp_path, box):
    """Starts the sweep in a process, which is killed at the end of the test if it still runs."""
    made: list[Process] = []

    def start(axes: dict[str, Any], folder: Path = tmp_path / "store", dice: random.Random | None = None) -> Process:
        made.append(Process(box, folder, axes, dice or random.Random(1)))
        return made[-1]

    yield start
    for one in made:
        one.kill()


@pytest.mark.timeout(0)
@pytest.mark.parametrize(
    ("axes", "interrupts", "kills", "rounds"),
    [(SMALL, 2, 1, 1), pytest.param(WHOLE, 5, 2, scaled(2), marks=pytest.mark.nightly, id="whole")],
)
def test_a_sweep_that_is_interrupted_and_killed_pays_once_for_each_cell(
    tmp_path, box, process, axes, interrupts, kills, rounds
):
    """Each cell is here or named `unknown`, which a person settles from the service's list; then all are here."""
    dice = random.Random(11)
    for number in range(rounds):
        box_before = len(box.submissions)
        folder, counts = tmp_path / f"store-{number}", Counter()
        changed = {**axes, "colour": [f"{colour} {number}" for colour in axes["colour"]]}
        child = process(changed, folder, dice)
        signals = [signal.SIGINT] * interrupts + [signal.SIGKILL] * kills
        dice.shuffle(signals)
        for each in signals:
            counts[child.hit(each, cells(axes) * 4 // len(signals))] += 1
        child.end()
        with nb.Session(store=folder) as session:
            sweep = swept.planned(session, **changed).run()
            counts.update(cell.state for cell in sweep)
            assert {cell.state for cell in sweep} <= {"here", "unknown"}
            settle(session, box, sweep)
            sweep = swept.planned(session, **changed).run().retry()
            assert [cell.state for cell in sweep] == ["here"] * cells(axes)
            assert session.store.verify().ok
        accepted = len(box.submissions) - box_before
        sys.stdout.write(f"\n{interrupts} interrupts, {kills} kills: {accepted} accepted, {dict(counts)}\n")
        assert accepted == cells(axes)
    assert set(asked(box).values()) == {1}


def settle(session: nb.Session, box: Sandbox, sweep: nb.Sweep) -> None:
    """Do as a person does with the list of the service: name the id of what it took; the rest cost nothing."""
    taken = {tuple(job.payload[name] for name in ("prompt", "seed", "resolution")): job for job in box.submissions}
    for cell in sweep:
        if cell.state == "unknown":
            prompt = swept.PROMPT.replace("{{colour}}", cell.at["colour"])
            job = taken.get((prompt, cell.at["seed"], cell.at["resolution"]))
            how: dict[str, Any] = {"cost": 0} if job is None else {"request_id": job.request_id}
            session.history.settle(cell.edit_id, **how)


@pytest.mark.timeout(0)
def test_two_kernels_that_run_the_same_sweep_pay_once_together(tmp_path, box):
    """Seeded cells: one of the two sends each, the other follows it; both have all pictures."""
    folder = tmp_path / "store"
    command = [sys.executable, swept.__file__, str(folder), json.dumps(SMALL)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = [json.loads(child.communicate()[0].splitlines()[-1]) for child in both]
    assert told == [{"what": "done", "states": {"here": cells(SMALL)}}] * 2
    assert len(box.submissions) == cells(SMALL)
    assert set(asked(box).values()) == {1}


def test_a_stop_while_the_first_post_is_under_way_records_its_answer(box, process):
    """The service is slow to answer: the POST goes on, and the next run takes its job up."""
    box.add_fault(Fault("submit", nth=1, delay=1.0, after_accept=True))
    running = process(SMALL)
    child = running.child
    while not box.submissions:
        time.sleep(0.001)
    child.send_signal(signal.SIGINT)
    assert [running.said(), running.said()] == ["stopped", "done"]
    assert len(box.submissions) == cells(SMALL)


def test_a_stop_before_anything_was_sent_leaves_nothing_to_pay(box, process):
    """The price is asked for while it is stopped, and its rows are being written; run again, each cell is sent once."""
    box.add_fault(Fault("catalog", nth=1, delay=0.5))
    running = process(SMALL)
    child = running.child
    while not box.requests:
        time.sleep(0.001)
    child.send_signal(signal.SIGINT)
    running.said()
    running.kill()
    with nb.Session(store=Path(running.folder)) as session:
        assert {cell.state for cell in swept.planned(session, **SMALL).run()} == {"here"}
    assert set(asked(box).values()) == {1}


def test_a_budget_that_is_lowered_meanwhile_is_kept(tmp_path, box):
    """What was reserved goes on; the cells of the next run are refused whole, and a larger budget sends them."""
    with nb.Session(store=tmp_path / "store") as session:
        first = swept.planned(session, **{**SMALL, "colour": ["red"]}).run()
        session.store.set_budget(session.choice().name, 0.60)
        with pytest.raises(nb.errors.BudgetError, match="Nothing was sent"):
            swept.planned(session, **SMALL).run()
        assert len(box.submissions) == len(first)
        session.store.set_budget(session.choice().name, 50.0)
        assert {cell.state for cell in swept.planned(session, **SMALL).run()} == {"here"}
    assert len(box.submissions) == cells(SMALL)


def test_another_account_between_two_runs_pays_for_nothing_again(tmp_path, box, monkeypatch):
    """What the first account made is here; what it did not is sent by the second."""
    with nb.Session(store=tmp_path / "store") as session:
        swept.planned(session, **{**SMALL, "colour": ["red"]}).run()
        monkeypatch.setenv("RUNCOMFY_TOKEN", box.accounts.grant(box.accounts.first))
        assert {cell.state for cell in swept.planned(session, **SMALL).run()} == {"here"}
    assert len(box.submissions) == cells(SMALL)
    assert set(asked(box).values()) == {1}


def test_a_service_is_an_axis(tmp_path, box, monkeypatch):
    """Each cell is at its own service and is paid once there; records of one never answer for the other."""
    from support.fal_service import FalService

    with FalService() as fal, nb.Session(store=tmp_path / "store") as session:
        for name, value in fal.environment.items():
            monkeypatch.setenv(name, value)
        axes = {"colour": ["red", "blue"], "seed": [1, 2], "provider": ["runcomfy", "fal"]}
        how: dict[str, Any] = {"model": "google/nano-banana-2/edit"}
        sweep = swept.planned(session, **axes, **how).run()
        assert [cell.state for cell in sweep] == ["here"] * 8
        assert [cell.state for cell in swept.planned(session, **axes, **how).run()] == ["here"] * 8
        assert len(box.submissions) == 4
        assert len(fal.posts) == 4


def test_a_store_that_cannot_be_written_refuses_before_anything_is_sent(tmp_path, box):
    """A bundle of a sweep shows all its cells; one more cell is an error, and nothing is sent."""
    with nb.Session(store=tmp_path / "store") as session:
        swept.planned(session, **SMALL).run()
        bundle = session.history.export(tmp_path / "sweep.zip")
    count = len(box.submissions)
    with nb.Session(store=bundle) as session:
        assert {cell.state for cell in swept.planned(session, **SMALL).run()} == {"here"}
        more = {**SMALL, "colour": [*SMALL["colour"], "white"]}
        larger = swept.planned(session, **more)
        with pytest.raises(nb.errors.NotInStoreError, match="8 of 32 cells are not in the store"):
            larger.run()
        assert Counter(cell.state for cell in larger) == {"here": cells(SMALL), "missing": 8}
    with nb.Session(store=bundle, mode="auto") as session, pytest.raises(nb.errors.NBBananaError):
        swept.planned(session, **more).run()
    assert len(box.submissions) == count


def test_a_replay_of_an_interrupted_sweep_shows_what_is_here_and_sends_nothing(tmp_path, box):
    """Half of the cells are in the store: the others are missing, and say so."""
    with nb.Session(store=tmp_path / "store") as session:
        swept.planned(session, **{**SMALL, "seed": [1, 2]}).run()
    count = len(box.requests)
    with nb.Session(store=tmp_path / "store", mode="replay") as session:
        sweep = swept.planned(session, **SMALL)
        with pytest.raises(nb.errors.NotInStoreError, match="12 of 24 cells are not in the store"):
            sweep.run()
        assert Counter(cell.state for cell in sweep) == {"here": 12, "missing": 12}
    assert len(box.requests) == count
