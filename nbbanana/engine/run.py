"""`Run`: one request under way, its `Progress`, the `Helper` that fetches its outputs, the future that ends it."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

from nbbanana.models import Model
from nbbanana.request import EditRequest
from nbbanana.store.records import Edit, OutputDrift, OutputRecord

if TYPE_CHECKING:
    from nbbanana.providers.downloads import OutputSource

__all__ = [
    "Fetched",
    "Helper",
    "Measure",
    "Measures",
    "NotSentError",
    "Outcome",
    "Phase",
    "Progress",
    "Run",
    "StopReport",
    "answered",
    "log",
]

log = logging.getLogger("nbbanana.engine")
"""The log of all modules of the engine."""


Phase = Literal[
    "preparing",
    "submitting",  # the POST may be under way
    "paused",  # refused for now, nothing was taken: it is sent again at `resumes_at`
    "queued",
    "running",
    "downloading",
    "done",
    "cancelled",
    "failed",
    "unknown",
]


@dataclass(frozen=True, slots=True)
class Progress:
    """
    Where a job stands.

    Args:
        phase: the step it is in.
        elapsed: seconds since the phase's clock began (since acceptance while queued or running).
        expected: seconds such jobs took before, where the store knows any.
        queue_position: how many are ahead, where the service says so.
        outputs_done: outputs that are here.
        outputs_total: outputs that are coming.
        bytes_done: bytes of them so far.
        note: a sentence about something unusual: a state this version does not know, a poll that failed.
        resumes_at: when a pause ends, on the monotonic clock in seconds; None where nothing pauses.
        is_collectable: whether what runs can be collected later; else only this kernel gets its pictures.
    """

    phase: Phase
    elapsed: float = 0.0
    expected: float | None = None
    queue_position: int | None = None
    outputs_done: int = 0
    outputs_total: int = 0
    bytes_done: int = 0
    note: str | None = None
    resumes_at: float | None = None
    is_collectable: bool = True

    @property
    def is_over(self) -> bool:
        """Whether the job has ended."""
        return self.phase in {"done", "cancelled", "failed", "unknown"}


class NotSentError(Exception):
    """A stop came before the service took the request: nothing was sent, or all that was sent was refused."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    The outcome of a request.

    Args:
        edit: the row, with its outputs.
        origin: `made` just now, `replayed` from the store, or `collected` by taking an accepted job up again.
        notes: sentences the reader should see, such as that fewer outputs came than were asked for.
    """

    edit: Edit
    origin: str = "made"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StopReport:
    """
    The outcome of a stop.

    Args:
        cancelled: whether the request will surely not run, and so is not charged.
        message: the same in words, with what to do next.
    """

    cancelled: bool
    message: str


Measure = tuple[OutputDrift, bytes | None]
"""What was measured of an output, and its heat map; without one where it was refused."""
Measures = Mapping[int, Measure | None]
"""What was measured of outputs already, by their index; None where nothing could be."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """
    An output that another process fetched, checked, and put into the store.

    Args:
        output: its record, by its bytes.
        measures: what was measured of it; empty where it was not measured.
        thumbnail: a small copy of it, as `nbbanana.images.thumbnails` keeps them; empty where none was made.
    """

    output: OutputRecord
    measures: Measures
    thumbnail: bytes = field(default=b"", repr=False)


class Helper(Protocol):
    """Fetches outputs somewhere else. Whatever it does, rows are written by the engine alone."""

    async def fetch(self, edit: Edit, index: int, url: str, source: OutputSource, *, measures: bool) -> Fetched | None:
        """
        Have an output in the store; called in the engine's loop.

        Args:
            edit: the record that it belongs to.
            index: which of its outputs it is.
            url: where the service has it.
            source: where it may be fetched from.
            measures: whether it is to be measured too.

        Returns:
            None where that did not work out for whatever reason: then the engine fetches it itself.
        """
        ...


class Run:
    """
    A request being run.

    Any thread may read `progress`, `edit` and `future` and ask for listeners; only the engine's loop writes.

    Args:
        request: what is asked.
        model: its model, whose schema the parameters were checked against.
        provider: the name of the provider that runs it.
        is_play: whether its money is play money.
        expected_outputs: how many outputs were asked for.
        max_price: US dollars that it may cost at most; None is no limit of its own.
        assume_price: US dollars to count for it where the price is not known.
        download: whether the outputs are fetched; if not they stay at the service, to be collected.
        helper: who fetches the outputs in the place of the engine; None is the engine itself.
        ordinal: which occurrence of its ask it is, from 0, in its cell's execution or in its kernel.
    """

    def __init__(
        self,
        request: EditRequest,
        model: Model,
        *,
        provider: str,
        is_play: bool = False,
        expected_outputs: int,
        max_price: float | None = None,
        assume_price: float | None = None,
        download: bool = True,
        helper: Helper | None = None,
        ordinal: int = 0,
    ) -> None:
        self.request = request
        self.model = model
        self.provider = provider
        self.is_play = is_play
        self.max_price = max_price
        self.assume_price = assume_price
        self.download = download
        self.helper = helper
        self.ordinal = ordinal
        self.measures: dict[int, Measure | None] = {}
        """What the helper measured of outputs, by their index."""
        self.urls: tuple[str, ...] = ()
        """Where the service has the outputs, once it made them; signed, so for the one who asked and no record."""
        self.future: Future[Outcome] = Future()
        self.edit: Edit | None = None
        self.task: asyncio.Task[Any] | None = None
        self.exchange: asyncio.Task[Any] | None = None
        """The POST under way, which outlives the task."""
        self.followed: int | None = None
        """The edit of another kernel or session that it waits for; nothing of this run is sent."""
        self.dropping: asyncio.Task[None] | None = None
        """What cancels a row that was written after the run was over."""
        self.stopping = asyncio.Event()
        self.stop: asyncio.Task[StopReport] | None = None
        self.notes: list[str] = []
        self.arrived: tuple[OutputRecord, ...] = ()
        """Outputs that are here while others are still being fetched."""
        self._since = time.monotonic()
        self._snapshot = Progress("preparing", outputs_total=expected_outputs)
        self._listeners: list[Callable[[Run], None]] = []
        self._guard = threading.Lock()

    def __repr__(self) -> str:
        return f"<Run {self._snapshot.phase} edit={self.edit.id if self.edit else None}>"

    @property
    def row(self) -> Edit:
        """The row in the store; there is one once the request is written down."""
        assert self.edit is not None
        return self.edit

    @property
    def is_sending(self) -> bool:
        """Whether a POST of it is under way."""
        return self.exchange is not None and not self.exchange.done()

    @property
    def stop_requested(self) -> bool:
        """Whether a stop was asked for; nothing is sent from then on."""
        return self.stopping.is_set()

    @property
    def progress(self) -> Progress:
        """The progress now, with the elapsed time as of now."""
        snapshot, since = self._snapshot, self._since
        return snapshot if snapshot.is_over else replace(snapshot, elapsed=time.monotonic() - since)

    async def pause(self, seconds: float) -> None:
        """
        Sleep, unless a stop comes first.

        Raises:
            NotSentError: a stop was asked for.
        """
        try:
            async with asyncio.timeout(seconds):
                await self.stopping.wait()
        except TimeoutError:
            return
        raise NotSentError

    def update(self, *, restart_clock: bool = False, **changes: Any) -> None:
        """Update the progress and call the listeners; called in the engine's loop."""
        now = time.monotonic()
        with self._guard:
            if restart_clock:
                self._since = now
            self._snapshot = replace(self._snapshot, elapsed=now - self._since, **changes)
            listeners = tuple(self._listeners)
        for listener in listeners:
            try:
                listener(self)
            except Exception:
                # A listener is another's code: it must not hold up a run that may cost money.
                log.exception("A listener of a run failed and is not called any more.")
                self._forget(listener)

    def listen(self, listener: Callable[[Run], None]) -> Callable[[], None]:
        """
        Call `listener(run)` in the engine's thread at each change; returns what ends that.

        A listener must return at once. One that raises is logged and not called again.
        """
        with self._guard:
            self._listeners.append(listener)
        return lambda: self._forget(listener)

    def end(self, outcome: Outcome | None, error: BaseException | None) -> None:
        """End the future, once; a run that is being stopped is ended by the stop."""
        if self.future.done() or (outcome is None and error is None):
            return
        try:
            if outcome is not None:
                self.edit = outcome.edit
                self.update(phase="done", outputs_done=len(outcome.edit.outputs))
            elif not self.progress.is_over:
                self.update(phase="failed")
        finally:
            if outcome is not None:
                self.future.set_result(outcome)
            else:
                self.future.set_exception(error)

    def _forget(self, listener: Callable[[Run], None]) -> None:
        with self._guard:
            if listener in self._listeners:
                self._listeners.remove(listener)


def answered(request: EditRequest, model: Model, stored: Edit) -> Run:
    """Return a run that a stored edit answered already."""
    if request.region is not None:  # the region is no part of the question: it is what this asker looks at
        stored = replace(stored, region=request.region)
    if request.parts is not None:  # nor are the parts: the same words may have been written by hand before
        stored = replace(stored, parts=request.parts)
    run = Run(request, model, provider=stored.provider, is_play=stored.is_play, expected_outputs=len(stored.outputs))
    run.end(Outcome(stored, "replayed"), None)
    return run
