"""
What an edit costs this process, in a batch: processor time and requests, with a server that does nothing.

The server is another process and paints nothing, so that the time is nbbanana's and its libraries'. Times are
printed; asserted are counts and that a large batch costs an edit no more than a small one.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image
from support.scripted_server import scripted_server

import nbbanana as nb

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(0)]

SMALL, LARGE = 50, 200
MOST_QUESTIONS = 2
"""Requests after the POST and beside the download: one status that says "completed", one result."""
MOST_GROWTH = 1.5


def batch(jobs: int, store: Path) -> tuple[float, Counter[str]]:
    """Ask for that many edits of one picture at once; milliseconds of processor time an edit, requests by kind."""
    picture = Image.linear_gradient("L").resize((48, 32)).convert("RGB")
    with scripted_server() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        with nb.Session(store=store) as session:
            session.edit("Make it rain.", picture, seed=0)  # loads what is loaded on first use
            before, begun = server.counts(), time.process_time()
            waiting = [session.submit("Make it snow.", picture, seed=1 + n) for n in range(jobs)]
            outputs = [len(job.result()) for job in waiting]
            taken = time.process_time() - begun
        assert outputs == [1] * jobs
        return taken / jobs * 1000, server.counts() - before


def unit() -> float:
    """Milliseconds of processor time that a fixed piece of Python takes now: how fast this machine is, and how busy."""
    taken = []
    for _ in range(5):
        begun = time.process_time()
        sum(number * number for number in range(200_000))
        taken.append((time.process_time() - begun) * 1000)
    return min(taken)


def test_an_edit_in_a_large_batch_costs_what_it_costs_in_a_small_one(tmp_path: Path) -> None:
    """One POST, one download and few questions an edit; processor time an edit does not grow with the batch."""
    small, _ = batch(SMALL, tmp_path / "small")
    large, counts = batch(LARGE, tmp_path / "large")
    print(f"\nprocessor time an edit: {small:.1f} ms in a batch of {SMALL}, {large:.1f} ms in a batch of {LARGE}")
    now = unit()
    print(f"in units of {now:.1f} ms (a fixed piece of Python, at the same moment): {large / now:.2f} an edit")
    print(f"requests of {LARGE} edits: {dict(sorted(counts.items()))}")
    assert counts["submit"] == counts["download"] == LARGE
    assert counts["status"] + counts["result"] <= MOST_QUESTIONS * LARGE
    assert large <= MOST_GROWTH * small
