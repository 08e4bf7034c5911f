"""Fetching the outputs of a completed job: checked, stored byte for byte, recorded."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from functools import partial

from nbbanana.engine.context import Context
from nbbanana.engine.outputs import NoPictureError, take_in
from nbbanana.engine.prices import Quote
from nbbanana.engine.retry import ask_with_retries
from nbbanana.engine.run import Outcome, Run
from nbbanana.errors import DownloadError, NBBananaError, OutputGoneError, UnsafeDownloadError
from nbbanana.providers.base import JobStatus
from nbbanana.store.records import OutputRecord, State

__all__ = ["fetch"]

AT_ONCE = 4
PATIENCE = 180.0
"""Seconds for which an output is asked for again: a page of a server in between may give way to the picture, and an
address that is "not found" may only be young."""
STRANGE_ATTEMPTS = 5
"""How often an output that is neither a picture nor a page is requested."""


async def fetch(run: Run, context: Context, status: JobStatus, price: Quote | None = None) -> Outcome:
    """
    Fetch what a completed job made.

    An output that cannot be a picture is left out and said, as long as another one is good.

    Raises:
        DownloadError: an output could not be fetched now; the edit stays `downloading` and can be collected.
        OutputGoneError: the service no longer serves any output; recorded as `gone`, with the cost.
        UnsafeDownloadError: no output may be fetched; recorded as failed.
    """
    if run.row.state != "downloading":
        # What is shown is never ahead of what is recorded: a stop decides by the record.
        await context.rows.move(run, "downloading", cost=status.cost)
    context.prices.check_cost(run.model.id, price, status.cost)
    urls = _bounded(run, status.urls)
    run.update(phase="downloading", outputs_total=len(urls), outputs_done=0, restart_clock=True)
    outputs = _Outputs(run, context)
    found = await asyncio.gather(*(outputs.one(index, url) for index, url in enumerate(urls)), return_exceptions=True)
    return await _record(run, context, status, found)


def _bounded(run: Run, urls: tuple[str, ...]) -> tuple[str, ...]:
    """Return as many outputs as can have been asked for: an answer with thousands of addresses is none of ours."""
    field = run.model.with_role("count")
    asked = run.model.count(run.request.parameters)
    most = max(asked, int(field.maximum or 1) if field else 1)
    if len(urls) > most:
        run.notes.append(f"The service named {len(urls)} outputs; the first {most} were fetched.")
    return urls[:most]


class _Outputs:
    """The outputs of one run while they are fetched."""

    def __init__(self, run: Run, context: Context) -> None:
        self._run, self._context = run, context
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._counts: dict[int, int] = {}

    async def one(self, index: int, url: str) -> OutputRecord:
        """
        Fetch one output.

        Raises:
            UnsafeDownloadError: it is no picture, or must not be fetched.
            DownloadError: it could not be fetched now.
        """
        ends = time.monotonic() + PATIENCE
        async with self._gate:
            for attempt in range(1, STRANGE_ATTEMPTS + 1):
                try:
                    record = await ask_with_retries(
                        lambda: self._download(index, url),
                        seconds=ends - time.monotonic(),
                        passing=(DownloadError,),
                        on_pause=lambda error, _: self._run.update(note=f"{error.what} Fetching again."),
                    )
                    break
                except NoPictureError as error:
                    if attempt == STRANGE_ATTEMPTS:
                        raise UnsafeDownloadError(error.what, error.why, error.how) from error
                    await asyncio.sleep(0.1 * 2**attempt)
        self._run.arrived = (*self._run.arrived, record)
        self._run.update(outputs_done=len(self._run.arrived), note=None)
        return record

    async def _download(self, index: int, url: str) -> OutputRecord:
        context = self._context
        if (found := await self._helped(index, url)) is not None:
            return found
        file = await context.provider.download(url, context.rows.store.incoming, partial(self._count, index))
        return await take_in(self._run, context, index, file, url)

    async def _helped(self, index: int, url: str) -> OutputRecord | None:
        """Have a helper fetch an output; None where there is none, or where it could not."""
        run, source = self._run, getattr(self._context.provider, "outputs_from", None)
        if run.helper is None or source is None:
            return None
        measures = self._context.measure() and bool(run.row.inputs)
        found = await run.helper.fetch(run.row, index, url, source, measures=measures)
        if found is None:
            return None
        run.measures.update(found.measures)
        return replace(found.output, index=index, url=url)

    def _count(self, index: int, size: int) -> None:
        self._counts[index] = size
        self._run.update(bytes_done=sum(self._counts.values()))


async def _record(run: Run, context: Context, status: JobStatus, found: list[OutputRecord | BaseException]) -> Outcome:
    good = [item for item in found if isinstance(item, OutputRecord)]
    bad = [item for item in found if not isinstance(item, OutputRecord)]
    passing = [item for item in bad if not isinstance(item, UnsafeDownloadError | OutputGoneError)]
    if passing:
        raise passing[0]
    if not good:
        refused = next(item for item in bad if isinstance(item, NBBananaError))
        state: State = "gone" if isinstance(refused, OutputGoneError) else "failed"
        await context.rows.fail(run, state, refused, cost=status.cost)
        raise refused
    await context.rows.move(run, "completed", outputs=tuple(good), cost=status.cost)
    return Outcome(run.row, "made", (*run.notes, *_shortfall(run, good, bad)))


def _shortfall(run: Run, good: list[OutputRecord], bad: list[BaseException]) -> list[str]:
    asked = run.model.count(run.request.parameters)
    notes = [f"{error.what} {error.why}" for error in bad if isinstance(error, DownloadError)]
    if len(good) < asked:
        notes.append(f"{len(good)} of the {asked} pictures that were asked for came back.")
    return notes
