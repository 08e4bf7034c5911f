"""
A process that runs a sweep of many cells once, and says what it took: memory as it grows, drawings, seconds.

    python swept_crowd.py STORE CELLS CONCURRENCY
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nbbanana as nb
from nbbanana.settings import settings
from nbbanana.watching import Watcher, watch_with
from support import swept

COLOURS = ["red", "green", "blue", "pink", "teal"]


def resident() -> float:
    """Return the MiB of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


class Drawn(Watcher):
    """A notebook that takes every drawing, and notes what it weighs and how much memory there is."""

    def __init__(self) -> None:
        self.drawings: list[dict[str, float]] = []

    def drawing(self, make: Callable[[], Mapping[str, str]]) -> None:
        """Draw."""
        begun, html = time.monotonic(), make()["text/html"]
        seconds = time.monotonic() - begun
        self.drawings.append({"bytes": len(html.encode()), "seconds": seconds, "mib": resident()})


def main(folder: str, cells: int, concurrency: int) -> None:
    """Plan, look ahead, run; one line of JSON."""
    settings().concurrency = concurrency
    watch_with(lambda: drawn)
    drawn = Drawn()
    with nb.Session(store=folder) as session:
        swept.planned(session, colour=["warm"], seed=[0]).run()  # loads what is loaded on first use
        drawn.drawings.clear()
        found: dict[str, Any] = {"idle": resident()}
        begun = time.monotonic()
        sweep = swept.planned(session, colour=COLOURS, seed=range(cells // len(COLOURS)))
        found["planned"] = time.monotonic() - begun
        assert sweep.ahead.count("missing") == len(sweep)
        found["looked ahead"] = time.monotonic() - begun - found["planned"]
        sent, begun_at = time.monotonic(), time.time()
        sweep.run()
        found |= {"ran": time.monotonic() - sent, "begun at": begun_at, "peak": resident()}
        found["states"] = Counter(cell.state for cell in sweep)
        found["final"] = len(sweep._repr_mimebundle_()[0]["text/html"].encode())
        found["named"] = all(cell.why for cell in sweep if cell.state != "here")
        again = time.monotonic()
        swept.planned(session, colour=COLOURS, seed=range(cells // len(COLOURS))).ahead  # noqa: B018
        found |= {"planned again": time.monotonic() - again, "drawings": drawn.drawings}
        found["cpu"] = time.process_time()
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
