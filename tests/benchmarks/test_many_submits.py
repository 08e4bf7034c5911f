"""
What thousands of submits of one picture cost: memory over an idle kernel, and how soon the first result is seen.

The work runs in a process of its own, whose peak of memory is only its own; the server is another process. Times and
mebibytes are printed; asserted are counts, the promised limits of memory and of waiting, and that memory does not grow
with the number of submits as their pictures would.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.scripted_server import scripted_server

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(0)]

SUBMITS = 2000
LARGEST = 300
"""MiB over a kernel that made one edit and is idle."""
SLOWEST = 3.0
"""Seconds from the moment that the first result is made until it is recorded, and from there until it is seen."""
SHARE = 0.1
"""Of the pictures' bytes: what is held must not be what was submitted."""

CODE = """
import json, os, resource, sys, time
from pathlib import Path
import nbbanana as nb

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

store, picture, submits = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
with nb.Session(store=store) as session:
    session.edit("Make it rain.", picture, seed=0)
    idle, begun = resident(), time.process_time()
    seen = {}
    jobs = []
    for seed in range(1, submits + 1):
        job = session.submit("Make it snow.", picture, seed=seed)
        job.run.future.add_done_callback(lambda _, seed=seed: seen.setdefault(seed, time.time()))
        jobs.append(job)
    submitted = time.time()
    results = [job.result() for job in jobs]
    taken = time.process_time() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows = [result.record for result in results]
print(json.dumps({
    "outputs": sum(map(len, results)), "idle": idle, "peak": peak, "ms": taken / submits * 1000,
    "seen_after": [seen[seed] - row.finished_at for seed, row in enumerate(rows, 1)],
    "collected_after": [row.finished_at - row.accepted_at for row in rows],
    "first_before_last_submit": seen[1] < submitted,
}))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="resident memory is read from Linux's /proc")
def test_thousands_of_submits_of_a_picture_take_the_memory_of_a_few(tmp_path: Path) -> None:
    """Its bytes are held once, its payload only while it is sent, and results come while others still wait."""
    picture = tmp_path / "picture.png"
    pixels = np.random.default_rng(1).integers(0, 256, (560, 610, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(picture)
    found = _measured(tmp_path / "store", picture)
    size = picture.stat().st_size / 2**20
    seen, collected = sorted(found["seen_after"]), sorted(found["collected_after"])
    over = found["peak"] - found["idle"]
    print(f"\n{SUBMITS} submits of a picture of {size:.2f} MiB: {found['ms']:.1f} ms of processor time each")
    print(f"idle {found['idle']:.0f} MiB, peak {found['peak']:.0f} MiB, {over:.0f} MiB over idle (limit {LARGEST})")
    print(f"a result is seen {seen[len(seen) // 2] * 1000:.0f} ms after it is recorded, {seen[-1]:.2f} s at most")
    print(f"from acceptance to the result {collected[len(collected) // 2]:.2f} s, {collected[-1]:.2f} s at most")
    assert found["outputs"] == SUBMITS
    assert over <= LARGEST
    assert over <= SHARE * SUBMITS * size
    assert seen[-1] <= SLOWEST
    assert found["collected_after"][0] <= SLOWEST
    assert found["first_before_last_submit"], "the first result waits for the last submit"


def _measured(store: Path, picture: Path) -> dict[str, Any]:
    with scripted_server() as server:
        command = [sys.executable, "-c", CODE, str(store), str(picture), str(SUBMITS)]
        environment = {**os.environ, **server.environment, "NBBANANA_PROVIDER": ""}
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        assert server.counts()["submit"] == SUBMITS + 1
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found
