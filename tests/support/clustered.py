"""
A process that runs a sweep on a Dask cluster of this machine, and kills workers meanwhile if it is told to.

    python clustered.py STORE CELLS WORKERS KILLS [BLOBS]

The cluster is made before the key is in the environment, as a cluster elsewhere would not have it either. It writes one
line of JSON: how the cells stand, and what was killed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import dask
from distributed import Client, LocalCluster

import nbbanana as nb
from nbbanana.settings import settings
from nbbanana.sweeps.scale_out import Cluster
from support import swept

__all__ = ["local_cluster"]


def local_cluster(workers: int) -> LocalCluster:
    """A cluster of processes with one thread each, that restarts those that are killed."""
    return LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=":0", host="127.0.0.1"
    )


def holds(first: bytes, backwards: bytes) -> bool:
    """Whether this process has a key anywhere in its memory, which is told in two parts, the second one backwards."""
    with Path("/proc/self/maps").open() as maps, Path("/proc/self/mem").open("rb", buffering=0) as memory:
        for span, rights, *_ in map(str.split, maps):
            if not rights.startswith("rw"):
                continue
            start, end = (int(bound, 16) for bound in span.split("-"))
            try:
                memory.seek(start)
                data = memory.read(end - start)
            except (OSError, ValueError, OverflowError):
                continue
            at = data.find(first)
            while at >= 0:
                if data[at + len(first) : at + len(first) + len(backwards)][::-1] == backwards:
                    return True
                at = data.find(first, at + 1)
    return False


def killing(cluster: LocalCluster, helper: list[Cluster], kills: int, every: int, counts: Counter[str]) -> None:
    """Kill a worker, chosen by a seeded dice, each time that some outputs more came from workers."""
    dice = random.Random(3)
    for number in range(1, kills + 1):
        while not helper or helper[0].fetched + helper[0].returned < number * every:
            time.sleep(0.005)
        living = [nanny.process.pid for nanny in cluster.workers.values() if nanny.process is not None]
        if living:
            with suppress(ProcessLookupError, TypeError):
                os.kill(dice.choice(living), signal.SIGKILL)
                counts["killed"] += 1


def main(folder: str, cells: int, workers: int, kills: int, place: str | None = None) -> None:
    """Run the sweep and tell."""
    keys = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("RUNCOMFY_")}
    counts: Counter[str] = Counter()
    helpers: list[Cluster] = []
    made = Cluster.check
    Cluster.check = lambda self: (helpers.append(self), made(self))[1]  # type: ignore[method-assign]
    # A worker that is started anew is a child of this process too, and would have the key with the environment.
    spawned = {**dask.config.get("distributed.nanny.pre-spawn-environ"), "RUNCOMFY_TOKEN": ""}
    without_key = dask.config.set({"distributed.nanny.pre-spawn-environ": spawned})
    with without_key, local_cluster(workers) as cluster, Client(cluster) as client:
        os.environ.update(keys)
        settings().concurrency = 64
        with nb.Session(store=folder) as session:
            sweep = swept.planned(session, colour=["red", "blue"], seed=range(cells // 2))
            args = (cluster, helpers, kills, max(1, cells // (kills + 1)), counts)
            threading.Thread(target=killing, args=args, daemon=True).start()
            begun = time.monotonic()
            sweep.run(on=client, blobs=place)
            seconds = time.monotonic() - begun
            token = keys["RUNCOMFY_TOKEN"].encode()
            parts = token[: len(token) // 2], token[len(token) // 2 :][::-1]
            found: dict[str, Any] = {
                "has the key": holds(*parts),
                "workers with the key": sum(client.run(holds, *parts).values()),
                "states": Counter(cell.state for cell in sweep),
                "killed": counts["killed"],
                "fetched": helpers[0].fetched,
                "returned": helpers[0].returned,
                "seconds": seconds,
                "measured": sum(bool(cell.result.record.drifts) for cell in sweep if cell.state == "here"),
                "ok": session.store.verify().ok,
                "left": sum(1 for _ in Path(folder, "incoming").iterdir()),
            }
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]), *sys.argv[5:])
