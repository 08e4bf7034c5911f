"""The fault matrix: whatever goes wrong on the wire, at most one submission, a typed outcome, a true record."""

from __future__ import annotations

import sys
import time
from collections import Counter
from contextlib import nullcontext

import pytest
from PIL import Image

import nbbanana as nb
from nbbanana.errors import NBBananaError
from nbbanana.providers.http import Timeouts
from nbbanana.providers.runcomfy import RunComfy
from nbbanana.sandbox import FAULT_KINDS, Fault, Sandbox

HASTE = Timeouts(connect=1, read=0.4, read_total=0.8, submit=0.4, submit_total=0.8, download_total=2)
TARGETS = ("submit", "status", "result", "download", "cancel")
KINDS = ("refused", *FAULT_KINDS)
SHORT = {("submit", "reset after accept"), ("status", "502 html"), ("result", "slow drip"), ("download", "time-out"),
         ("cancel", "503"), ("submit", "refused"), ("cancel", "reset after accept")}  # fmt: skip
OUTCOMES: Counter[str] = Counter()


def cells():
    """Every target with every kind; the short form is a few of them."""
    for target in TARGETS:
        for kind in KINDS:
            marks = [] if (target, kind) in SHORT else [pytest.mark.nightly]
            yield pytest.param(target, kind, id=f"{target}-{kind}", marks=marks)


@pytest.fixture
def picture():
    """A small picture."""
    return Image.linear_gradient("L").resize((48, 32)).convert("RGB")


@pytest.fixture
def wire(tmp_path, monkeypatch):
    """Makes a hurried session that talks to a served sandbox over sockets."""
    monkeypatch.setattr(RunComfy, "patience", HASTE)
    opened = []

    def make(**switches):
        box = Sandbox(**{"time_scale": 0, "paint": "flat", **switches}).__enter__()
        for name, value in box.addresses["environment"].items():
            monkeypatch.setenv(name, value)
        opened.append(box)
        session = nb.Session(store=tmp_path / "store")
        opened.append(session)
        return session, box

    yield make
    for thing in reversed(opened):
        thing.close()


def fault_of(target: str, kind: str) -> list[Fault]:
    """The fault; a refused connection is set on the request before the one it meets."""
    if kind != "refused":
        return [Fault.named(kind, target)]
    before = {"status": "submit", "result": "status", "download": "result"}.get(target)
    return [Fault(before, refuse=0.3)] if before else []


@pytest.mark.parametrize(("target", "kind"), list(cells()))
def test_at_most_one_submission_a_typed_outcome_and_a_true_record(wire, picture, target, kind):
    """One cell of the matrix."""
    if target == "cancel":
        return cancel_cell(wire, picture, kind)
    session, box = wire(faults=fault_of(target, kind))
    with box.refusing() if (target, kind) == ("submit", "refused") else nullcontext():
        outcome = attempt(session, picture)
    box.settle()
    (edit,) = [result.record for result in session.history]
    posts = [seen for seen in box.requests if seen.target == "submit"]
    told(target, kind, outcome, len(box.submissions))
    assert len(box.submissions) <= 1
    if target != "submit":
        assert (outcome, edit.state) == ("completed", "completed")
    elif box.submissions:
        assert edit.state in {"completed", "unknown"}, "an accepted request was recorded as refused"
    else:
        assert edit.state in {"rejected", "unknown"}
    assert (edit.state == "completed") == (outcome == "completed")
    assert len(posts) <= 1 or kind.startswith("429")
    return None


def cancel_cell(wire, picture, kind):
    """A job in the queue is cancelled, and the cancel goes wrong."""
    session, box = wire(faults=fault_of("cancel", kind), slots=1, duration=30.0, time_scale=1)
    blocker = session.submit("Make it snow.", picture, seed=1)
    while not box.submissions:
        time.sleep(0.005)
    job = session.submit("Make it snow.", picture, seed=2)
    while len(box.submissions) < 2 or job.status != "queued":
        time.sleep(0.005)
    if kind == "refused":
        with box.refusing():
            job.cancel()
    else:
        job.cancel()
    words = job.message
    state = session.store.get(job.edit_id).state
    told("cancel", kind, state, len(box.submissions))
    assert len(box.submissions) == 2
    if state == "cancelled":
        assert box.submissions[1].state == "cancelled", "recorded as cancelled, and it runs"
        assert "nothing is charged" in words
    else:
        assert state == "queued"
        assert "%nbresume" in words
    blocker.cancel()


def attempt(session, picture) -> str:
    """What comes of an edit: `completed`, or the name of the typed error."""
    try:
        session.edit("Make it snow.", picture, seed=1, resolution="0.5K")
    except NBBananaError as error:
        assert 2 <= len(error.lines) <= 3  # noqa: PT017 - both outcomes are looked at
        return type(error).__name__
    return "completed"


def told(target, kind, outcome, submissions):
    """Print a row of the matrix, and count it."""
    OUTCOMES[outcome] += 1
    sys.stdout.write(f"\n{target:9} {kind:22} {outcome:18} {submissions} accepted   so far {dict(OUTCOMES)}")
