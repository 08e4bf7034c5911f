"""Fetching the outputs of a completed job: checked, kept exactly as they came, recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from nbbanana.engine.run import Outcome
from nbbanana.engine.wait import patiently
from nbbanana.errors import DownloadError, ImageError, NBBananaError, UnsafeDownloadError
from nbbanana.images import inspect
from nbbanana.store.records import OutputRecord

if TYPE_CHECKING:
    from pathlib import Path

    from nbbanana.engine.engine import Engine
    from nbbanana.engine.run import Run
    from nbbanana.providers.base import JobStatus

__all__ = ["Fetcher"]

AT_ONCE = 4
PATIENCE = 120.0
ATTEMPTS = 5


class _NoPictureError(DownloadError):
    """Something came that is no picture; a page of a server in between may give way to the picture."""


class Fetcher:
    """Fetches outputs for an engine."""

    def __init__(self, engine: Engine) -> None:
        assert engine.provider is not None
        self._engine = engine
        self._provider = engine.provider

    async def fetch(self, run: Run, status: JobStatus) -> Outcome:
        """
        Fetch what a completed job made.

        An output that cannot be a picture is left out and said, as long as another one is good.

        Raises:
            DownloadError: an output could not be fetched now; the edit stays `downloading` and can be resumed.
            UnsafeDownloadError: no output may be fetched; recorded as failed.
        """
        if run.row.state != "downloading":
            # What is shown is never ahead of what is recorded: a stop decides by the record.
            await self._engine.move(run, "downloading")
        run.tell(phase="downloading", outputs_total=len(status.urls), outputs_done=0, restart_clock=True)
        gate = asyncio.Semaphore(AT_ONCE)
        counts = dict.fromkeys(range(len(status.urls)), 0)
        work = [self._one(run, index, url, gate, counts) for index, url in enumerate(status.urls)]
        found = await asyncio.gather(*work, return_exceptions=True)
        return await self._record(run, status, found)

    async def _one(
        self, run: Run, index: int, url: str, gate: asyncio.Semaphore, counts: dict[int, int]
    ) -> OutputRecord:
        def heard(size: int) -> None:
            counts[index] = size
            run.tell(bytes_done=sum(counts.values()))

        try:
            async with gate:
                record = await patiently(
                    lambda: self._download(index, url, heard),
                    seconds=PATIENCE,
                    attempts=ATTEMPTS,
                    on_pause=lambda words: run.tell(note=f"{words} Fetching again."),
                )
        except _NoPictureError as error:
            raise UnsafeDownloadError(error.what, error.why, error.how) from None
        run.arrived = (*run.arrived, record)
        run.tell(outputs_done=len(run.arrived))
        return record

    async def _download(self, index: int, url: str, heard: Callable[[int], None]) -> OutputRecord:
        file = await self._provider.download(url, self._engine.store.incoming, heard)
        try:
            info = await asyncio.to_thread(inspect, file.path)
        except ImageError as error:
            file.path.unlink(missing_ok=True)
            raise _NoPictureError(
                f"Output {index} is no picture.", error.why or "Its bytes say so.", "Look at it on runcomfy.com."
            ) from None
        sha256 = await self._engine.on_disk(self._adopt, file.path)
        return OutputRecord(index, sha256, info.mime, info.width, info.height, file.size, url)

    def _adopt(self, path: Path) -> str:
        return self._engine.store.adopt(path)

    async def _record(self, run: Run, status: JobStatus, found: list[OutputRecord | BaseException]) -> Outcome:
        good = [item for item in found if isinstance(item, OutputRecord)]
        bad = [item for item in found if not isinstance(item, OutputRecord)]
        if error := next((item for item in bad if not isinstance(item, UnsafeDownloadError)), None):
            raise error
        if not good:
            refused = next(item for item in bad if isinstance(item, NBBananaError))
            await self._engine.move(
                run, "failed", error=str(refused), error_kind=type(refused).__name__, cost=status.cost
            )
            raise refused
        await self._engine.move(run, "completed", outputs=tuple(good), cost=status.cost)
        return Outcome(run.row, "made", (*run.notes, *_shortfall(run, good, bad)))


def _shortfall(run: Run, good: list[OutputRecord], bad: list[BaseException]) -> list[str]:
    asked = run.model.count(run.request.parameters)
    notes = [f"{error.what} {error.why}" for error in bad if isinstance(error, DownloadError)]
    if len(good) < asked:
        notes.append(f"{len(good)} of the {asked} pictures that were asked for came back.")
    return notes
