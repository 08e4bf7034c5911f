"""One request on its way: what any thread may know of it, and the future that ends it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from nbbanana.engine.progress import Progress

if TYPE_CHECKING:
    import asyncio

    from nbbanana.models import Model
    from nbbanana.request import EditRequest
    from nbbanana.store.records import Edit, OutputRecord

__all__ = ["Outcome", "Run"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What came of a request.

    Args:
        edit: the row, with its outputs.
        origin: `made` just now, `replayed` from the store, or `collected` by taking an accepted job up again.
        notes: sentences the reader should see, such as that fewer outputs came than were asked for.
    """

    edit: Edit
    origin: str = "made"
    notes: tuple[str, ...] = ()


class Run:
    """
    A request being run.

    Any thread may read `progress`, `edit` and `future` and ask for listeners; only the engine's loop writes.
    """

    def __init__(
        self,
        request: EditRequest,
        model: Model,
        *,
        expected_outputs: int,
        max_price: float | None = None,
        download: bool = True,
    ) -> None:
        self.request = request
        self.model = model
        self.max_price = max_price
        self.download = download
        """Whether the outputs are fetched; if not they stay at the service, to be collected."""
        self.urls: tuple[str, ...] = ()
        """Where the service has the outputs, once it made them; signed, so for the one who asked and no record."""
        self.future: Future[Outcome] = Future()
        self.edit: Edit | None = None
        self.task: asyncio.Task[Any] | None = None
        self.exchange: asyncio.Task[None] | None = None
        """The POST on its way, which outlives the task."""
        self.stop_requested = False
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
        """The row in the store; there is one from the journal on."""
        assert self.edit is not None
        return self.edit

    @property
    def request_id(self) -> str:
        """The service's id; there is one from the acceptance on."""
        assert self.row.request_id is not None
        return self.row.request_id

    @property
    def progress(self) -> Progress:
        """Where it stands now, with the clock read now."""
        snapshot, since = self._snapshot, self._since
        return snapshot if snapshot.is_over else replace(snapshot, elapsed=time.monotonic() - since)

    def tell(self, *, restart_clock: bool = False, **changes: Any) -> None:
        """Change the snapshot and wake the listeners; called in the engine's loop."""
        now = time.monotonic()
        with self._guard:
            if restart_clock:
                self._since = now
            self._snapshot = replace(self._snapshot, elapsed=now - self._since, **changes)
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener(self)

    def listen(self, listener: Callable[[Run], None]) -> Callable[[], None]:
        """
        Call `listener(run)` in the engine's thread at each change; returns what ends that.

        A listener must return at once and must not raise.
        """
        with self._guard:
            self._listeners.append(listener)
        return lambda: self._forget(listener)

    def _forget(self, listener: Callable[[Run], None]) -> None:
        with self._guard:
            if listener in self._listeners:
                self._listeners.remove(listener)
