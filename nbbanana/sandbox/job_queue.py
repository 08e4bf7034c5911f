"""
The queue: accepted jobs, a set number of slots, durations, and the wallet that pays once a job completes.

Each slot is a thread that takes the next job, paints its outputs and waits until the job's time is over, so that
no event loop is needed to drive it: the same queue serves a socket, an in-process client whose loop comes and
goes, and no client at all. Threads start with work and end without.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from nbbanana.sandbox.accounts import CENTS, Account
from nbbanana.sandbox.faults import Fault, FaultScript
from nbbanana.sandbox.files import Files

__all__ = ["JobQueue", "JobState", "Order", "Paint", "Submission"]

JobState = Literal["in_queue", "in_progress", "completed", "failed", "cancelled"]
"""The API's own words; it documents no failed state, but its clients know one."""

OVER = frozenset({"completed", "failed", "cancelled"})
KEPT_JOBS = 20_000
"""Finished jobs that are remembered; older ones have expired."""
PAINTERS = 2
"""Outputs that are painted at once, whatever the number of slots."""


@dataclass(frozen=True, slots=True)
class Order:
    """
    What was asked and what it takes.

    Args:
        model_id: the endpoint.
        payload: the submission, pictures cut to their length.
        account: who asked and pays.
        inputs: the pictures, put aside.
        count: outputs to make.
        unit_price: US dollars for each.
        resolution: such as `1K`.
        suffix: the file type of the outputs.
    """

    model_id: str
    payload: Mapping[str, Any]
    account: Account = field(repr=False)
    inputs: tuple[Path, ...] = field(repr=False)
    count: int
    unit_price: float
    resolution: str
    suffix: str

    @property
    def price(self) -> float:
        """US dollars if all outputs are made."""
        return round(self.count * self.unit_price, CENTS)


@dataclass(frozen=True, slots=True)
class Submission:
    """
    An accepted job as it stands: a snapshot, not the job itself.

    Times are seconds since the epoch, `cost` is in US dollars and None until it is known. `outputs` are the file
    names of what was made; they are addresses, so they stay out of the repr.
    """

    request_id: str
    number: int
    order: Order
    duration: float
    state: JobState
    created_at: float
    started_at: float | None = None
    finished_at: float | None = None
    outputs: tuple[str, ...] = field(default=(), repr=False)
    error: str | None = None
    cost: float | None = None
    expired: bool = False
    fault: Fault | None = None

    @property
    def model_id(self) -> str:
        """The endpoint it was sent to."""
        return self.order.model_id

    @property
    def payload(self) -> Mapping[str, Any]:
        """What was asked, with pictures cut to their length."""
        return self.order.payload

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in OVER


Paint = Callable[[Submission, list[bytes], int], bytes]
"""Makes the output with a given index, from 0, from a job's inputs."""


class JobQueue:
    """
    All jobs of one sandbox; any thread may call.

    Args:
        slots: jobs that run at once.
        durations: draws the seconds a job takes, from its number and its order.
        paint: makes one output of a job from its inputs; called off the event loop.
        files: where outputs go.
        faults: what goes wrong with a job on purpose.
    """

    def __init__(
        self, slots: int, durations: Callable[[int, Order], float], paint: Paint, files: Files, faults: FaultScript
    ) -> None:
        self._slots = slots
        self._durations = durations
        self._paint = paint
        self._files = files
        self._faults = faults
        self._changed = threading.Condition()
        self._painters = threading.BoundedSemaphore(PAINTERS)
        self._jobs: dict[str, Submission] = {}
        self._waiting: deque[str] = deque()
        self._hurried: set[str] = set()
        self._threads: set[threading.Thread] = set()
        self._accepted = 0
        self._closed = False

    def submit(self, order: Order) -> Submission | None:
        """Accept an order, or None where the account's balance does not reach."""
        with self._changed:
            if not order.account.reserve(order.price):
                return None
            self._accepted += 1
            job = Submission(
                request_id=str(uuid.uuid4()),
                number=self._accepted,
                order=order,
                duration=self._durations(self._accepted, order),
                state="in_queue",
                created_at=time.time(),
                fault=self._faults.next("job"),
            )
            self._jobs[job.request_id] = job
            self._waiting.append(job.request_id)
            self._forget_oldest()
            self._staff()
            self._changed.notify_all()
        return job

    def find(self, request_id: str) -> Submission | None:
        """Return the job with this id, unless it expired."""
        with self._changed:
            job = self._jobs.get(request_id)
        return None if job is None or job.expired else job

    @property
    def jobs(self) -> list[Submission]:
        """All accepted jobs that are remembered, in the order of acceptance."""
        with self._changed:
            return list(self._jobs.values())

    def ahead_of(self, request_id: str) -> int:
        """Return how many queued jobs go before this one; 0 means that it is the next."""
        with self._changed:
            return self._waiting.index(request_id) if request_id in self._waiting else 0

    def cancel(self, request_id: str) -> bool:
        """Take a job out of the queue; False if it runs or is over."""
        with self._changed:
            if request_id not in self._waiting:
                return False
            self._waiting.remove(request_id)
            self._end(self._jobs[request_id], state="cancelled", cost=0.0)
        return True

    def hurry(self, request_id: str | None = None) -> None:
        """Let one accepted job, or all of them, end as soon as its outputs are painted, whatever its duration."""
        with self._changed:
            self._hurried |= {request_id} if request_id else {key for key, job in self._jobs.items() if not job.is_over}
            self._changed.notify_all()

    def wait_for(self, reached: Callable[[Iterable[Submission]], bool], timeout: float) -> bool:
        """Wait until the accepted jobs are as `reached` says; False if the time ran out first."""
        with self._changed:
            return self._changed.wait_for(lambda: reached(self._jobs.values()), timeout)

    def expire(self, request_id: str) -> None:
        """Let a finished job and its outputs be forgotten, as the service does after some days."""
        with self._changed:
            job = self._jobs[request_id]
            self._jobs[request_id] = replace(job, expired=True)
        self._files.withdraw(job.outputs)

    def close(self) -> None:
        """Start nothing more, let running jobs go and wait for their threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            threads = list(self._threads)
        for thread in threads:
            thread.join()

    def _staff(self) -> None:
        """Start a thread if a job waits for one and a slot is free."""
        if self._waiting and len(self._threads) < self._slots and not self._closed:
            thread = threading.Thread(target=self._work, name="nbbanana-sandbox-slot", daemon=True)
            self._threads.add(thread)
            thread.start()

    def _work(self) -> None:
        while (job := self._take()) is not None:
            self._run(job)

    def _take(self) -> Submission | None:
        """Return the next job, now in progress; None where there is none, and then the thread has gone."""
        with self._changed:
            if self._closed or not self._waiting:
                self._threads.discard(threading.current_thread())
                return None
            return self._put(self._jobs[self._waiting.popleft()], state="in_progress", started_at=time.time())

    def _run(self, job: Submission) -> None:
        ends_at = time.monotonic() + job.duration
        error = job.fault.error if job.fault else None
        outputs: tuple[str, ...] = ()
        if error is None:
            outputs, error = self._make(job)
        with self._changed:
            self._changed.wait_for(lambda: self._closed or job.request_id in self._hurried, _bounded(ends_at))
            if not self._closed:
                cost = round(len(outputs) * job.order.unit_price, CENTS)
                self._end(job, state="failed" if error else "completed", outputs=outputs, error=error, cost=cost)

    def _make(self, job: Submission) -> tuple[tuple[str, ...], str | None]:
        """Paint a job's outputs: their names, or why there are none."""
        scripted = job.fault.outputs if job.fault else None
        names: list[str] = []
        try:
            inputs = [path.read_bytes() for path in job.order.inputs]
            for index in range(job.order.count if scripted is None else scripted):
                with self._painters:
                    picture = self._paint(job, inputs, index)
                names.append(self._files.publish(picture, job.order.suffix))
        except Exception as error:  # noqa: BLE001  whatever a painter trips over is the job's failure, as on a service
            self._files.withdraw(names)
            return (), " ".join(f"The sandbox could not paint this: {error}".split())
        return tuple(names), None

    def _end(self, job: Submission, *, state: JobState, cost: float, **changes: Any) -> None:
        job.order.account.settle(job.order.price, cost)
        self._files.discard(job.order.inputs)
        self._hurried.discard(job.request_id)
        self._put(job, state=state, cost=cost, finished_at=time.time(), **changes)

    def _put(self, job: Submission, **changes: Any) -> Submission:
        changed = replace(job, **changes)
        self._jobs[job.request_id] = changed
        self._changed.notify_all()
        return changed

    def _forget_oldest(self) -> None:
        while len(self._jobs) > KEPT_JOBS and (oldest := next(iter(self._jobs.values()))).is_over:
            del self._jobs[oldest.request_id]


def _bounded(ends_at: float) -> float:
    """Return seconds from now to then, as a lock can wait."""
    return min(max(0.0, ends_at - time.monotonic()), threading.TIMEOUT_MAX)
