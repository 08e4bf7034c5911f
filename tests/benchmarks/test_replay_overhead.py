"""
What replaying costs a cell, beside what the cell costs without it.

The research notebook is replayed by a reader; the time of each cell is the kernel's own, from busy to idle. Showing a
result means reading originals and making thumbnails, which is what most of it is: a silenced cell is measured apart.
"""

from __future__ import annotations

import statistics
import time

import pytest
from support.research import read, spans, write

import nbbanana as nb

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(0)]

MOST_MS = 15.0
"""Milliseconds that a replayed cell may cost without showing its pictures: what is noticed in no notebook."""


def test_a_replayed_cell_costs_little(sandbox, photo, tmp_path):
    """Prints the cells of a replay in a kernel, and the cost of an answer from a bundle without showing it."""
    writing = write(tmp_path, sandbox, photo("portrait"), photo("coffee"))
    begun = time.perf_counter()
    reading = read(writing, tmp_path / "reader")
    whole = time.perf_counter() - begun
    assert reading.code == 0, reading.said
    shown = spans(reading.notebook)[3:]
    with nb.Session(store=writing.bundle) as session:
        wanted = [result for result in session.history if result.record.parameters.get("seed") is not None]
        taken, drawn = [], []
        for result in wanted:
            begun = time.perf_counter()
            answer = session.resubmit(result.record, mode="replay").result()
            taken.append((time.perf_counter() - begun) * 1000)
            begun = time.process_time()
            answer._repr_mimebundle_()
            drawn.append((time.process_time() - begun) * 1000)
    print(f"\nreplayed {writing.cells} cells in {whole:.1f} s, with the start of Python, Jupyter and the kernel")
    print(f"a cell with what it shows: {statistics.median(shown):6.1f} ms median, {max(shown):6.1f} ms at most")
    print(f"an answer from the bundle: {statistics.median(taken):6.1f} ms median, {max(taken):6.1f} ms at most")
    print(f"showing it, processor time: {statistics.median(drawn):6.1f} ms median, {max(drawn):6.1f} ms at most")
    assert statistics.median(taken) <= MOST_MS
