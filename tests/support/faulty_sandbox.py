"""
A sandbox in a process of its own, of which one request in twenty goes wrong: refused for now, dropped, failed.

    with faulty_sandbox(cells=1000, slots=64, scale=1.0) as box: os.environ.update(box.environment); …; box.seen()
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from nbbanana.sandbox import Fault, Sandbox

__all__ = ["FaultySandbox", "faulty_sandbox"]

SHARE = 0.05
SECONDS = 10.0
KINDS: list[dict[str, Any]] = [
    {"target": "submit", "status": 429, "retry_after": 1},
    {"target": "submit", "drop": True},
    {"target": "submit", "drop": True, "after_accept": True},
    {"target": "job", "error": "The painter fell asleep."},
    {"target": "status", "drop": True},
    {"target": "download", "drop": True},
]


@dataclass(frozen=True)
class FaultySandbox:
    """A sandbox that runs: the environment that leads a client there, and what it saw."""

    environment: Mapping[str, str]
    process: subprocess.Popen[str]

    def seen(self) -> dict[str, Any]:
        """Return how many jobs it accepted, the questions that were asked more than once, requests, first and last."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found


@contextmanager
def faulty_sandbox(*, cells: int, slots: int, scale: float, share: float = SHARE) -> Iterator[FaultySandbox]:
    """Serve one; its jobs take ten seconds times `scale`, in as many slots, and the same faults come every time."""
    command = [sys.executable, __file__, str(cells), str(slots), str(scale), str(share)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        environment = json.loads(process.stdout.readline())
        yield FaultySandbox({**environment, "NBBANANA_SANDBOX_SCALE": str(scale)}, process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.terminate()
        process.wait(timeout=30)
        process.stdout.close()


def faults(cells: int, share: float) -> Iterator[Fault]:
    """Give the faults of a sweep: each kind meets an even part of the share, at moments of a seeded dice."""
    dice = random.Random(5)
    for number in range(1, cells + 1):
        if dice.random() < share:
            kind = dice.choice(KINDS)
            yield Fault(**kind, nth=number)


def main(cells: int, slots: int, scale: float, share: float) -> None:
    """Serve until stdin ends; each line of it asks what was seen."""
    many = list(faults(cells, share))
    with Sandbox(balance=1e6, paint="flat", slots=slots, duration=SECONDS, time_scale=scale, faults=many) as box:
        print(json.dumps(box.addresses["environment"]), flush=True)
        while sys.stdin.readline():
            jobs = box.submissions
            asked = Counter((job.payload["prompt"], job.payload["seed"]) for job in jobs)
            print(
                json.dumps(
                    {
                        "accepted": len(jobs),
                        "twice": sum(count - 1 for count in asked.values()),
                        "requests": Counter(seen.target for seen in box.requests),
                        "faults": len(many),
                        "first": min((job.created_at for job in jobs), default=0.0),
                        "last": max((job.finished_at or 0.0 for job in jobs), default=0.0),
                    }
                ),
                flush=True,
            )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]))
