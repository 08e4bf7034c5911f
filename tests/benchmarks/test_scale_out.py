"""
What a cluster costs an output, how that grows with their number, and from which size of picture it pays.

Pictures are served by a plain HTTP server in another process; nothing is paid, polled or painted. One engine-like loop
asks for all of them: here in this process as the engine does, there on the workers of a LocalCluster of two processes.
Times are printed; asserted are counts, and that an output of ten thousand costs hardly more than one of a hundred.
"""

from __future__ import annotations

import asyncio
import functools
import http.server
import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from distributed import Client
from PIL import Image
from support.clustered import local_cluster

from nbbanana.engine.outputs import measure_output
from nbbanana.images import verify_pixels
from nbbanana.providers.downloads import OutputSource
from nbbanana.providers.http import Connections
from nbbanana.store import Store
from nbbanana.store.records import Edit, InputRecord, OutputRecord
from nbbanana.sweeps.scale_out import Cluster

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(0)]

COUNTS = (100, 1000, 10_000)
SIDES = (512, 1024, 2048)
WORKERS = 2
MOST_GROWTH = 1.5


def picture(side: int, seed: int = 0) -> bytes:
    """A PNG with the noise of a photograph on a gradient."""
    noise = np.random.default_rng(seed).integers(-6, 7, (side, side, 3))
    ramp = np.linspace(40, 215, side)[None, :, None]
    stream = io.BytesIO()
    Image.fromarray(np.clip(ramp + noise, 0, 255).astype(np.uint8)).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder; gives its origin."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def edit_of(store: Store, data: bytes) -> Edit:
    """A completed record whose first input is this picture."""
    return Edit(
        model="google/nano-banana-2/edit", provider="sandbox", ask="a", digest="d", parameters={"prompt": "x"},
        inputs=(InputRecord("in.png", "sha256:0", store.put(data), None, 0, 0),), state="completed",
        seed=None, seed_given=False,
    )  # fmt: skip


def on_workers(
    place: tuple[Client, Store], edit: Edit, url: str, source: OutputSource, count: int, *, measures: bool
) -> float:
    """Seconds an output that the workers fetch."""
    cluster = Cluster(*place, None)

    async def all_of_them() -> None:
        found = await asyncio.gather(*(cluster.fetch(edit, 0, url, source, measures=measures) for _ in range(count)))
        assert all(found)
        assert cluster.fetched == count

    begun = time.monotonic()
    asyncio.run(all_of_them())
    return (time.monotonic() - begun) / count


def here(store: Store, edit: Edit, url: str, source: OutputSource, count: int, *, measures: bool) -> float:
    """Seconds an output that this process fetches, checks, keeps and measures, one after the other as one thread does."""

    async def one(connections: Connections) -> None:
        file = await source.fetch(connections.client_for, url, store.incoming)
        info = verify_pixels(file.path)
        sha256 = store.adopt(file.path)
        if measures:
            measure_output(
                store.blob_path, edit, OutputRecord(0, sha256, info.mime, info.width, info.height, file.size)
            )

    async def all_of_them() -> None:
        connections = Connections()
        for _ in range(count):
            await one(connections)
        await connections.aclose()

    begun = time.monotonic()
    asyncio.run(all_of_them())
    return (time.monotonic() - begun) / count


def test_an_output_costs_a_cluster_the_same_among_many(tmp_path: Path) -> None:
    """And from some size of picture on, the work of one is more than that."""
    store = Store.open(tmp_path / "store")
    (tmp_path / "www").mkdir()
    with served(tmp_path / "www") as origin, local_cluster(WORKERS) as dask, Client(dask) as client:
        source = OutputSource((), origin, 900.0)
        workers = (client, store)
        (tmp_path / "www" / "small.png").write_bytes(picture(64))
        edit = edit_of(store, picture(64))
        on_workers(workers, edit, f"{origin}/small.png", source, 20, measures=False)
        each = {n: on_workers(workers, edit, f"{origin}/small.png", source, n, measures=False) for n in COUNTS}
        local = here(store, edit, f"{origin}/small.png", source, 200, measures=False)
        print(
            f"\nan output of 64² pixels: {local * 1000:.1f} ms here; on {WORKERS} workers "
            + ", ".join(f"{each[n] * 1000:.1f} ms of {n:,}" for n in COUNTS)
        )
        print("side   here fetch+check   +measure   workers fetch+check   +measure   (ms an output)")
        for side in SIDES:
            name, count = f"{side}.png", max(2, 2**22 // side**2 * 2)
            (tmp_path / "www" / name).write_bytes(picture(side, 1))
            edit = edit_of(store, picture(side, 2))
            row = [
                way(where, edit, f"{origin}/{name}", source, count, measures=measures) * 1000
                for way, where in ((here, store), (on_workers, workers))
                for measures in (False, True)
            ]  # fmt: skip
            print(f"{side:>5}{row[0]:>16.0f}{row[1]:>14.0f}{row[2]:>17.0f}{row[3]:>14.0f}")
    store.close()
    assert each[COUNTS[-1]] <= MOST_GROWTH * each[COUNTS[0]]
