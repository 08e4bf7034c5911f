"""Many jobs at once: none doubled, none lost, and hardly later than they could be."""

from __future__ import annotations

import heapq
import sys
import time

import pytest
from PIL import Image

import nbbanana as nb
from nbbanana.sandbox import Sandbox


def run_batch(tmp_path, monkeypatch, jobs, **switches):
    """Ask for many edits at once; the sandbox that saw them, the results, and seconds from first to last."""
    scale = switches["time_scale"]
    monkeypatch.setenv("NBBANANA_SANDBOX_SCALE", str(scale))
    picture = Image.linear_gradient("L").resize((48, 32)).convert("RGB")
    with Sandbox(balance=1e6, paint="flat", **switches) as box:
        for name, value in box.addresses["environment"].items():
            monkeypatch.setenv(name, value)
        with nb.Session(store=tmp_path / "store") as session:
            begun = time.monotonic()
            waiting = [session.submit("Make it snow.", picture, seed=n, resolution="0.5K") for n in range(jobs)]
            results = [job.result() for job in waiting]
            return box, results, time.monotonic() - begun


def lower_bound(durations, slots):
    """Seconds that a queue with these slots needs for these jobs, in the order in which they came."""
    free = [0.0] * slots
    for duration in durations:
        heapq.heappush(free, heapq.heappop(free) + duration)
    return max(free)


def test_a_batch_through_a_rate_limit_doubles_nothing(tmp_path, monkeypatch):
    """A service that says 429 now and then gets each request once."""
    box, results, _ = run_batch(tmp_path, monkeypatch, 12, slots=4, time_scale=0.02, rate_limit=(10, 0.5))
    assert len(results) == len({result.id for result in results}) == len(box.submissions) == 12
    assert any(seen.status == 429 for seen in box.requests), "the limit was never met"


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_two_hundred_jobs_on_sixteen_slots_are_hardly_later_than_they_could_be(tmp_path, monkeypatch):
    """The makespan stays within 1.10 of what the queue alone needs, rate limits and polling included."""
    box, results, took = run_batch(tmp_path, monkeypatch, 200, slots=16, time_scale=0.5, rate_limit=(100, 1.0))
    bound = lower_bound([job.finished_at - job.started_at for job in box.submissions], 16)
    refused = sum(seen.status == 429 for seen in box.requests)
    sys.stdout.write(
        f"\n200 jobs on 16 slots: {took:.1f} s, lower bound {bound:.1f} s, ratio {took / bound:.3f}; "
        f"{len(box.requests)} requests, {refused} of them refused, {len(box.submissions)} submissions\n"
    )
    assert len({result.id for result in results}) == len(box.submissions) == 200
    assert took <= 1.10 * bound
