"""
A Dask cluster as the helper of an engine: its workers fetch, check, hash and measure outputs.

Requests are sent and polled by the engine of this process: the journal is one, the service's limit is one account's,
and no key leaves it. A worker that dies is no loss. Dask gives its tasks to others; a task that was on several workers
when they died, and one whose scheduler is gone, comes back here, and the engine fetches that output itself.

A worker gets addresses of outputs and folders. It gets no key, writes no row, and what it does can be done twice: a
blob is named by its content, and is renamed into its place once it is whole.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import tempfile
import time
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from nbbanana.engine.outputs import measure_output
from nbbanana.engine.run import Fetched, Measure
from nbbanana.errors import NBBananaError, StoreError, UsageError
from nbbanana.images import thumbnails, verify_pixels
from nbbanana.measure import is_installed
from nbbanana.providers.base import Downloaded
from nbbanana.providers.downloads import OutputSource
from nbbanana.providers.http import Connections
from nbbanana.store import Store
from nbbanana.store.blobs import Blobs
from nbbanana.store.records import Edit, OutputRecord

__all__ = ["Cluster", "Work", "cluster", "fetch_output"]

FOR_EACH_THREAD = 2
"""Tasks at the cluster for each thread of its workers. Dask holds a worker's death against all tasks that wait for it,
so that few of them wait there and all others here."""
FEWEST = 8
ATTEMPTS = 3
"""How often a task is given to the cluster that was on workers when they died."""
GRACE = 60.0
"""Seconds more than a download may take, after which the engine fetches an output itself."""

LOOK, DESERTED = 5.0, 30.0
"""Seconds between two looks at whether there are workers, and after which a cluster without any is given up."""

log = logging.getLogger("nbbanana.sweeps")


def cluster(client: Any, store: Store, place: str | None = None) -> Cluster:
    """
    Return a cluster as the helper of an engine, once it was checked.

    Args:
        client: a `distributed.Client`.
        store: where edits are recorded.
        place: an fsspec address of a folder for the workers, such as `s3://bucket/incoming`; None where they share the
            folder of the store.

    Raises:
        UsageError: Dask is not installed, it is no such client, or the workers cannot do what they are to do.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise UsageError("on= needs Dask.", str(error), 'Install it: pip install "nbbanana[dask]".') from None
    if not isinstance(client, Client) or client.asynchronous:
        raise UsageError(
            f"on= is {'an asynchronous client' if isinstance(client, Client) else repr(client)[:60]}.",
            "It is a distributed.Client that is used without await.",
            "sweep.run(on=distributed.Client(…))",
        )
    found = Cluster(client, store, place)
    found.check()
    return found


def _told(edit: Edit) -> Edit:
    """Return what workers are told of a record: pictures and region, with which it is measured, and no words or ids."""
    inputs = tuple(replace(one, url=None) for one in edit.inputs)
    return replace(edit, parameters={}, parts=None, request_id=None, handle=None, transitions=(), inputs=inputs)


class Cluster:
    """
    Fetches outputs on the workers of a cluster; see `nbbanana.engine.run.Helper`.

    Args:
        client: of the cluster.
        store: where edits are recorded.
        place: an fsspec address for the workers; None where they share the store's folder.
    """

    def __init__(self, client: Any, store: Store, place: str | None) -> None:
        self._client, self._store = client, store
        self._place = place.rstrip("/") if place else None
        self._gate = asyncio.Semaphore(max(FEWEST, FOR_EACH_THREAD * sum(client.nthreads().values())))
        self._tasks: set[Any] = set()
        self._looking = asyncio.Lock()
        self._looked_at = self._seen_at = time.monotonic()
        self.fetched = 0
        """Outputs that came from workers."""
        self.returned = 0
        """Outputs that the engine fetched itself, since no worker could."""

    def check(self) -> None:
        """
        Check that all workers have this package and, where they are to share it, the folder of the store.

        Raises:
            UsageError: one of them has not.
        """
        with tempfile.NamedTemporaryFile(dir=self._store.incoming, prefix=".seen-") as probe:
            try:
                seen = self._client.run(sees, probe.name)
            except ImportError as error:
                what = f"The workers cannot load nbbanana: {error}."
                raise UsageError(what, "They fetch pictures with it.", 'Install it there: "nbbanana[dask]".') from None
        if self._place is None and not all(seen.values()):
            raise UsageError(
                f"{sum(not one for one in seen.values())} of {len(seen)} workers do not see the folder of the store.",
                "They put pictures there.",
                'Use a folder that all share, or say where to put them: sweep.run(on=client, blobs="s3://…").',
            )

    async def fetch(self, edit: Edit, index: int, url: str, source: OutputSource, *, measures: bool) -> Fetched | None:
        """Have an output in the store; None where no worker could."""
        folder = self._store.folder if self._place is None else None
        work = Work(_told(edit), index, url, source, folder, self._place, measures and folder is not None)
        async with self._gate:
            found = await self._worked(work)
        if isinstance(found, Fetched) and await asyncio.to_thread(self._adopted, found.output.sha256):
            self.fetched += 1
            if found.thumbnail:
                await asyncio.to_thread(thumbnails.keep, found.output.sha256, found.thumbnail)
            return found
        self.returned += 1
        return None

    async def _worked(self, work: Work) -> Fetched | str | None:
        """Return what a worker says; None where none could be had."""
        for _ in range(ATTEMPTS):
            if await self._is_deserted():
                return None
            try:
                answer = asyncio.wrap_future(await asyncio.to_thread(self._submit, work))
                return await self._answered(answer, work.source.deadline + GRACE)
            except TimeoutError:
                return None
            except Exception as error:  # noqa: BLE001 (whatever a cluster trips over, the output is still at the service)
                log.debug("a worker was lost: %s", type(error).__name__)
        return None

    async def _answered(self, answer: asyncio.Future[Fetched | str], seconds: float) -> Fetched | str:
        """
        Wait for the answer of a worker as long as there are workers.

        Raises:
            TimeoutError: it took longer, or there are none any more.
        """
        ends = time.monotonic() + seconds
        while not (await asyncio.wait({answer}, timeout=LOOK))[0]:
            if time.monotonic() > ends or await self._is_deserted():
                answer.cancel()
                raise TimeoutError
        return answer.result()

    async def _is_deserted(self) -> bool:
        """Return whether the cluster has had no worker for a while; it is asked by one task for all."""
        async with self._looking:
            if time.monotonic() - self._looked_at >= LOOK:
                self._looked_at = time.monotonic()
                try:
                    async with asyncio.timeout(LOOK):
                        has_workers = bool(await asyncio.to_thread(self._client.nthreads))
                except Exception as error:  # noqa: BLE001 (a scheduler that does not answer has no workers either)
                    log.debug("the cluster did not answer: %s", type(error).__name__)
                    has_workers = False
                if has_workers:
                    self._seen_at = time.monotonic()
        return time.monotonic() - self._seen_at > DESERTED

    def _submit(self, work: Work) -> Future[Fetched | str]:
        """Give a task to the cluster; the name that it has there says nothing."""
        answer: Future[Fetched | str] = Future()
        key = f"nbbanana-{secrets.token_hex(12)}"
        task: Any = self._client.submit(fetch_output, work, key=key, pure=False)
        self._tasks.add(task)  # Dask forgets a task that nobody holds
        task.add_done_callback(partial(self._give, answer))
        return answer

    def _give(self, answer: Future[Fetched | str], task: Any) -> None:
        """Give the end of a task to the one who waits for it: its result, or the kind of its error."""
        self._tasks.discard(task)
        if not answer.set_running_or_notify_cancel():
            return
        try:
            answer.set_result(task.result())
        except BaseException as error:  # noqa: BLE001 (it belongs to the one who waits)
            answer.set_exception(RuntimeError(type(error).__name__))

    def _adopted(self, sha256: str) -> bool:
        """Return whether a blob is in the store; takes it from where the workers put it."""
        if self._place is None:
            return self._store.has_blob(sha256)
        import fsspec

        try:
            files, path = fsspec.core.url_to_fs(f"{self._place}/{sha256}")
            target = self._store.incoming / secrets.token_hex(16)
            files.get(path, str(target))
            self._store.adopt(target, sha256)
            files.rm(path)
        except (StoreError, OSError) as error:
            log.debug("a blob could not be taken: %s", type(error).__name__)
            return self._store.has_blob(sha256)
        return True


# ── on a worker ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Work:
    """
    One output to be fetched.

    Args:
        edit: the record that it belongs to.
        index: which of its outputs it is.
        url: where the service has it; signed for the one who asked, so it is in no repr.
        source: where it may be fetched from.
        folder: the store's, where workers share it; else None.
        place: an fsspec address of a folder that workers write to; None where they share the store's.
        measures: whether it is to be measured; needs the store's folder.
    """

    edit: Edit = field(repr=False)
    index: int
    url: str = field(repr=False)
    source: OutputSource
    folder: Path | None
    place: str | None
    measures: bool


def sees(path: str) -> bool:
    """Return whether this process sees a file; asked of each worker before anything is sent to it."""
    return Path(path).is_file()


def fetch_output(work: Work) -> Fetched | str:
    """
    Fetch an output and put its blob into its place.

    Returns:
        What came; the name of the error where it could not be fetched, which the client then meets for itself.
    """
    try:
        if work.folder is not None:
            return _into_store(work, Blobs(work.folder, read_only=True))
        with tempfile.TemporaryDirectory() as folder:
            return _into_place(work, Path(folder))
    except (NBBananaError, OSError) as error:
        log.debug("an output was not fetched: %s", type(error).__name__)
        return type(error).__name__


def _into_store(work: Work, blobs: Blobs) -> Fetched:
    file = asyncio.run(_download(work, blobs.incoming))
    try:
        found = _checked(work, file)
        blobs.adopt(file.path, file.sha256)
    finally:
        file.path.unlink(missing_ok=True)
    return replace(found, measures=_measured(work, found, blobs)) if work.measures else found


def _into_place(work: Work, folder: Path) -> Fetched:
    import fsspec

    file = asyncio.run(_download(work, folder))
    found = _checked(work, file)
    with fsspec.open(f"{work.place}/{file.sha256}", "wb") as there:
        there.write(file.path.read_bytes())
    return found


async def _download(work: Work, folder: Path) -> Downloaded:
    connections = Connections()
    try:
        return await work.source.fetch(connections.client_for, work.url, folder)
    finally:
        await connections.aclose()


def _checked(work: Work, file: Downloaded) -> Fetched:
    info = verify_pixels(file.path)
    output = OutputRecord(work.index, file.sha256, info.mime, info.width, info.height, file.size)
    return Fetched(output, {}, thumbnails.thumbnail(file.path, side=thumbnails.SIDE, format="WEBP"))


def _measured(work: Work, found: Fetched, blobs: Blobs) -> dict[int, Measure | None]:
    """Measure what came against the first input; nothing where this worker has no NumPy."""
    if not is_installed():
        return {}
    return {work.index: measure_output(blobs.blob_path, replace(work.edit, state="completed"), found.output)}
