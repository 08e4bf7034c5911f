"""One kernel watches a job at a time, and a kernel that is gone holds nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from support.stores import Clock, asked, complete

from nbbanana.store import Store
from nbbanana.store.leases import is_gone, new_owner

HERE, THERE = new_owner(), "elsewhere:1:other"


def test_a_lease_is_for_one(store: Store) -> None:
    """Whoever claims first has it; the same owner may claim again; released, it is free."""
    edit = store.begin(asked())
    assert not store.is_claimed(edit.id)
    assert store.claim(edit.id, HERE, ttl=60)
    assert store.claim(edit.id, HERE, ttl=60)
    assert store.is_claimed(edit.id)
    assert not store.claim(edit.id, THERE, ttl=60)
    store.release(THERE, edit.id)
    assert not store.claim(edit.id, THERE, ttl=60)
    store.release(HERE, edit.id)
    assert store.claim(edit.id, THERE, ttl=60)


def test_a_lease_that_is_not_renewed_ends(store: Store, clock: Clock) -> None:
    """Renewing lengthens all leases of an owner; without, they end at their time."""
    first, second = store.begin(asked()), store.begin(asked())
    assert store.claim(first.id, HERE, ttl=60)
    assert store.claim(second.id, THERE, ttl=60)
    clock.tick(50)
    assert store.renew(HERE, ttl=60) == 1
    clock.tick(10)
    assert store.is_claimed(first.id)
    assert not store.is_claimed(second.id)
    assert not store.claim(first.id, THERE, ttl=60)
    assert store.claim(second.id, HERE, ttl=60)
    store.release(HERE)
    assert [edit.id for edit in store.unfinished(unclaimed=True)] == [first.id, second.id]


def test_what_another_kernel_watches_is_not_announced(store: Store) -> None:
    """`unfinished(unclaimed=True)` leaves out what somebody living holds."""
    watched, left = store.begin(asked()), store.begin(asked())
    store.claim(watched.id, THERE, ttl=60)
    assert [edit.id for edit in store.unfinished(unclaimed=True)] == [left.id]
    assert [edit.id for edit in store.unfinished()] == [watched.id, left.id]


def test_what_ended_has_no_lease(store: Store) -> None:
    """The last step of an edit gives its lease back."""
    edit = store.begin(asked())
    store.claim(edit.id, THERE, ttl=60)
    store.move(edit.id, "rejected")
    assert not store.is_claimed(edit.id)
    assert store.renew(THERE, ttl=60) == 0


@pytest.mark.skipif(os.name == "nt", reason="a process cannot be asked for without disturbing it")
def test_a_kernel_that_was_killed_holds_nothing(store: Store) -> None:
    """On the same host the process is looked for: its leases are free at once, not after their time."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = f"{new_owner().split(':')[0]}:{process.pid}:abc"
    edit = store.begin(asked())
    try:
        assert store.claim(edit.id, owner, ttl=3600)
        assert not store.claim(edit.id, HERE, ttl=60)
        assert store.unfinished(unclaimed=True) == []
    finally:
        process.kill()
        process.communicate()
    assert not store.is_claimed(edit.id)
    assert [found.id for found in store.unfinished(unclaimed=True)] == [edit.id]
    assert store.claim(edit.id, HERE, ttl=60)


@pytest.mark.skipif(not hasattr(os, "waitid") or not Path("/proc/self").is_dir(), reason="only Linux tells")
def test_a_process_that_ended_and_was_not_reaped_holds_nothing() -> None:
    """As in a container whose first process reaps no orphans: it is gone at once, not after its lease's time."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = f"{new_owner().split(':')[0]}:{process.pid}:abc"
    assert not is_gone(owner)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert is_gone(owner)
    process.communicate()


def test_what_a_kernel_left_behind_ends(store: Store, clock: Clock) -> None:
    """Never sent is cancelled and costs nothing, on its way is unknown; watched, new and accepted edits are left."""
    prepared, submitting, accepted, watched = (store.begin(asked(price_quoted=0.5)) for _ in range(4))
    assert store.reserve(prepared.id, 0.5, budget=1.0).granted
    store.move(submitting.id, "submitting")
    store.move(accepted.id, "submitting")
    store.move(accepted.id, "queued", request_id="r")
    store.claim(watched.id, THERE, ttl=3600)
    assert store.settle_abandoned() == []
    clock.tick(60)
    new = store.begin(asked())
    settled = store.settle_abandoned()
    assert [(edit.id, edit.state) for edit in settled] == [(prepared.id, "cancelled"), (submitting.id, "unknown")]
    assert [edit.transitions[-1].note for edit in settled] == [
        "its kernel ended before it was sent",
        "its kernel ended while it was on its way",
    ]
    assert [edit.id for edit in store.unfinished()] == [accepted.id, watched.id, new.id]
    assert store.spending("sandbox").total == 1.0
    assert store.settle_abandoned() == []


@pytest.mark.parametrize(
    "owner", ["", "x", "x:y:z", f"{socket.gethostname()}:{2**70}:a", f"{socket.gethostname()}:-1:a"]
)
def test_an_owner_that_cannot_be_looked_for_is_alive(owner: str) -> None:
    """Only what is surely gone is gone; everything else waits for its time."""
    assert not is_gone(owner)


def test_a_collected_edit_can_be_claimed_still(store: Store) -> None:
    """Claiming what ended does no harm: the claim is granted and the edit stays as it is."""
    edit = complete(store, asked(), "a")
    assert store.claim(edit.id, HERE, ttl=60)
    assert store.get(edit.id).state == "completed"
