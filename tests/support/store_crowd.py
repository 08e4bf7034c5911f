"""
Many processes at one store, as a program of its own: it forks, which no process with threads should.

    python store_crowd.py append FOLDER PROCESSES EDITS
    python store_crowd.py reserve FOLDER PROCESSES EDITS BUDGET
    python store_crowd.py inherit FOLDER
    python store_crowd.py kill FOLDER KILLS SEED

Prints one JSON object with what it counted.
"""

from __future__ import annotations

import json
import os
import random
import select
import shutil
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from nbbanana.errors import NBBananaError
from nbbanana.store import Edit, InputRecord, OutputRecord, Store
from nbbanana.store.leases import new_owner
from nbbanana.store.store import digests_hold
from support.stores import asked, complete

PRICE = 0.07


def append(folder: Path, processes: str, edits: str) -> dict[str, Any]:
    """Every process opens the store, new or not, and takes edits through all their states."""

    def work(number: int) -> None:
        with Store.open(folder) as store:
            for n in range(int(edits)):
                edit = complete(store, asked(f"process {number} edit {n}"), f"{number} {n}", cost=PRICE)
                store.annotate(edit.id, add_tags=[f"p{number}"])

    failed = crowd(int(processes), work)
    with Store.open(folder) as store:
        found: list[Edit] = []
        while page := store.page_after(found[-1].id if found else 0, 500):
            found += page
        return {
            "failed": failed,
            "count": store.count(),
            "prompts": len({edit.prompt for edit in found}),
            "completed": sum(edit.state == "completed" and len(edit.transitions) == 6 for edit in found),
            "true": sum(digests_hold(edit) for edit in found),
            "spent": store.spending("sandbox").total,
            "problems": store.verify().rows,
        }


def reserve(folder: Path, processes: str, edits: str, budget: str) -> dict[str, Any]:
    """Every process asks for money until it is refused; what is granted is spent, dearer or cheaper than asked."""

    def work(number: int) -> None:
        chance = random.Random(number)
        with Store.open(folder) as store:
            for _ in range(int(edits)):
                edit = store.begin(asked(provider="runcomfy", price_quoted=PRICE))
                if store.reserve(edit.id, PRICE, budget=float(budget)).granted:
                    store.move(edit.id, "submitting")
                    end = chance.choice(("unknown", "queued", "rejected"))
                    cost = PRICE * chance.random() if end == "queued" else None
                    store.move(edit.id, end, request_id=edit.uid, cost=cost)
                else:
                    store.move(edit.id, "cancelled", note="over budget")

    failed = crowd(int(processes), work)
    with Store.open(folder) as store:
        states = Counter(edit.state for edit in store.filter(limit=100_000))
        return {
            "failed": failed,
            "spent": store.spending("runcomfy").total,
            "states": states,
            "problems": store.verify().rows,
        }


def inherit(folder: Path) -> dict[str, Any]:
    """A store that was open before a fork is used by parent and children alike."""
    with Store.open(folder) as store:
        complete(store, asked("before"), "a")

        def work(number: int) -> None:
            for n in range(10):
                complete(store, asked(f"child {number} {n}"), "b")

        failed = crowd(3, work, meanwhile=lambda: [complete(store, asked(f"parent {n}"), "c") for n in range(10)])
        return {"failed": failed, "count": store.count(), "problems": store.verify().rows}


def kill(folder: Path, kills: str, seed: str) -> dict[str, Any]:
    """Kill a writer again and again; what it was told is on the disk must be there, and nothing may be torn."""
    chance = random.Random(int(seed))
    acknowledged: dict[str, list[str]] = {}
    torn: list[str] = []
    for turn in range(int(kills)):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            ended(partial(churn, folder, random.Random(f"{seed} {turn}"), writing))
        os.close(writing)
        if chance.random() < 0.7:  # else perhaps while it opens the store
            select.select([reading], [], [], 30.0)
        time.sleep(chance.uniform(0.0, 0.1))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        for line in read_all(reading).split("\n")[:-1]:
            uid, state = line.split(" ")
            acknowledged.setdefault(uid, []).append(state)
        torn += faults(folder, acknowledged)
    with Store.open(folder) as store:
        verification = store.verify()
        told = sum(map(len, acknowledged.values()))
        return {
            "torn": torn,
            "edits": store.count(),
            "acknowledged": told,
            "missing": verification.missing,
            "changed": verification.changed,
            "wrong": verification.wrong_digests,
            "problems": verification.rows,
            "leftovers": len(store.gc(dry_run=False, grace=-1.0).temporary),
            "left": len(list(store.incoming.iterdir())),
        }


def churn(folder: Path, chance: random.Random, pipe: int) -> None:
    """Write without end, and say what is written once it is."""
    with Store.open(folder) as store:
        owner = new_owner()
        while True:
            sent, made = chance.randbytes(50_000), chance.randbytes(200_000)
            edit = store.begin(asked("Make it snow.", InputRecord("photo.png", "pixels:0", store.put(sent))))
            tell(pipe, edit)
            store.claim(edit.id, owner, 60.0)
            tell(pipe, store.move(edit.id, "submitting"))
            if chance.random() < 0.2:
                tell(pipe, store.move(edit.id, chance.choice(("unknown", "rejected"))))
                continue
            tell(pipe, store.move(edit.id, "queued", request_id=edit.uid))
            tell(pipe, store.move(edit.id, "downloading"))
            file = store.incoming / edit.uid
            file.write_bytes(made)
            record = OutputRecord(0, store.adopt(file), "image/png", 256, 256, len(made))
            tell(pipe, store.move(edit.id, "completed", outputs=[record], cost=PRICE))
            store.annotate(edit.id, starred=True, add_tags=["kept"], note="fine")


def faults(folder: Path, acknowledged: dict[str, list[str]]) -> list[str]:
    """What is wrong with a store after a kill, by SQLite's own word and by what the writer was told."""
    found: list[str] = []
    # A copy, as a disk would show it: the next opening has to find its own way back.
    copy = folder.with_name("copy")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("blobs"))
    connection = sqlite3.connect(copy / "edits.sqlite")
    found += [row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
    connection.close()
    with Store.open(folder) as store:
        for uid, states in acknowledged.items():
            edit = store.find(uid)
            if edit is None:
                found.append(f"{uid} is lost")
            elif [step.state for step in edit.transitions][: len(states)] != states:
                found.append(f"{uid} was {states}, is {edit.transitions}")
            elif edit.state != edit.transitions[-1].state or not digests_hold(edit):
                found.append(f"{uid} is torn")
            else:
                found += [f"{uid} misses a picture" for item in edit.outputs if not store.has_blob(item.sha256)]
    return found


def tell(pipe: int, edit: Edit) -> None:
    """Say that a state is on the disk."""
    os.write(pipe, f"{edit.uid} {edit.state}\n".encode())


def read_all(pipe: int) -> str:
    """What came through a pipe until its writer was gone."""
    with os.fdopen(pipe, encoding="ascii") as file:
        return file.read()


def crowd(processes: int, work: Callable[[int], None], meanwhile: Callable[[], object] = lambda: None) -> list[int]:
    """Run `work` in so many forks at once; returns the numbers of those that failed."""
    children = {}
    for number in range(processes):
        child = os.fork()
        if child == 0:
            ended(partial(work, number))
        children[child] = number
    meanwhile()
    return [number for child, number in children.items() if os.waitpid(child, 0)[1] != 0]


def ended(work: Callable[[], None]) -> None:
    """Do the work of a fork and end it there, without what the parent has registered for its own end."""
    code = 1
    try:
        work()
        code = 0
    except NBBananaError as error:
        print(error, error.__cause__, file=sys.stderr)
    finally:
        os._exit(code)


if __name__ == "__main__":
    command, where, *rest = sys.argv[1:]
    print(
        json.dumps(
            {"append": append, "reserve": reserve, "inherit": inherit, "kill": kill}[command](Path(where), *rest)
        )
    )
