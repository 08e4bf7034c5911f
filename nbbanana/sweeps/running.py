"""Running a plan: its missing cells alone are sent, what fails ends no other, a stop leaves what was sent; the pace."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from dataclasses import replace
from typing import Any

from nbbanana.engine.reuse import COLLECTABLE
from nbbanana.engine.run import Helper, Progress
from nbbanana.errors import BudgetError, JobCancelledError, NBBananaError, NotInStoreError, UncertainError
from nbbanana.session import Job, Session
from nbbanana.store.records import Edit
from nbbanana.sweeps.outlook import Outlook
from nbbanana.sweeps.plan import Plan, Standing

__all__ = ["Running", "time_left"]

TICK = 0.2
"""Seconds between two looks at the jobs: an interrupt must find the interpreter awake."""
TOLD_EVERY = 1.0
"""Seconds between two drawings of a sheet that grows, at least."""
TOLD_EACH, SELDOMEST = 0.005, 15.0
"""Seconds more for each cell, and the most: about a twentieth of the time goes into drawing."""


class Running:
    """
    The cells of a plan while they run.

    Args:
        session: asks.
        plan: what is asked.
        ahead: how the cells stand as it begins.
        wanted: the numbers of the cells to ask; all others stay as they stand.
        prices: `max_price` for all at one provider together, and `assume_price` for each.
        helper: fetches the outputs; None leaves that to the engine.
    """

    def __init__(
        self,
        session: Session,
        plan: Plan,
        ahead: Outlook,
        wanted: Sequence[int],
        prices: Mapping[str, float | None],
        helper: Helper | None = None,
    ) -> None:
        self._session = session
        self._plan = plan
        self.standings = list(ahead.standings)
        self._wanted = list(wanted)
        self._prices = prices
        self._helper = helper
        self.jobs: dict[int, Job] = {}
        """By the number of the cell."""
        self._left: set[int] = set()
        self._begun: Future[None] | None = None
        """Done once all are begun."""
        self._told, self._told_at = -1, 0.0

    def start(self) -> None:
        """
        Begin all cells, at each provider together; returns at once.

        Raises:
            NBBananaError: a provider that cannot be had. What was begun before goes on.
            KeyboardInterrupt: it was interrupted; what was begun, and is being begun, is held to be taken back.
        """
        # In a thread of its own: an interrupt in the middle would leave requests that nothing holds.
        context = contextvars.copy_context()
        begun: Future[None] = Future()
        self._begun = begun
        threading.Thread(target=context.run, args=(self._start, begun), name="nbbanana-sweep").start()
        while not begun.done():
            wait_for([begun], timeout=TICK)
        begun.result()

    def _start(self, begun: Future[None]) -> None:
        try:
            for (provider, mode), numbers in self._groups().items():
                requests = [self._plan.cells[number].request for number in numbers]
                jobs = self._session.start_each(
                    [request for request in requests if request is not None],
                    mode=mode,
                    provider=provider,
                    helper=self._helper,
                    **self._prices,
                )
                self.jobs.update(zip(numbers, jobs, strict=True))
            self._left = set(self.jobs)
        except BaseException as error:  # noqa: BLE001 (it is raised again where it is waited for)
            begun.set_exception(error)
        else:
            begun.set_result(None)

    def look(self) -> bool:
        """Take notice of what is over; returns whether all is."""
        for number in [number for number in self._left if self.jobs[number].done()]:
            self._left.discard(number)
            self.standings[number] = _ended(self.jobs[number], self.standings[number])
        return not self._left

    def pause(self) -> None:
        """Wait for a moment, or until the next cell is over."""
        if self._left:
            self.jobs[next(iter(self._left))].wait(TICK)

    def news(self) -> list[Progress] | None:
        """Return how the jobs stand, now and then and only when one is over since; else None."""
        pause = max(TOLD_EVERY, min(TOLD_EACH * len(self._plan), SELDOMEST))
        if self._told == len(self._left) or time.monotonic() - self._told_at < pause:
            return None
        self._told_at, self._told = time.monotonic(), len(self._left)
        return [job.progress for job in self.jobs.values()]

    @property
    def outcome(self) -> str:
        """How many of the cells that were asked have their pictures, in words."""
        done = sum(self.standings[number].state == "here" for number in self.jobs)
        return f"{done} of {len(self.jobs)} done."

    def take_back(self) -> None:
        """Take back what was not sent; what a service has goes on, and the next run of the sweep takes it up."""
        if self._begun is not None:
            wait_for([self._begun])
        self._left = {number for number, job in self.jobs.items() if number in self._left or not job.done()}
        for back in [self.jobs[number].withdrawing() for number in self._left]:
            back.result()
        self.look()
        for number in self._left:
            self.standings[number] = replace(self.standings[number], state="under way", edit=self.jobs[number].run.edit)

    def _groups(self) -> dict[tuple[str | None, Any], list[int]]:
        """
        Return the cells to ask, by provider and mode.

        A cell of a model without a seed is sent anew: of several cells that ask the same, each is one sample, and
        which record stands for which was told before. One that a service has under way is collected.
        """
        groups: dict[tuple[str | None, Any], list[int]] = {}
        is_replay = self._session.mode == "replay"
        for number in self._wanted:
            cell, standing = self._plan.cells[number], self.standings[number]
            if cell.request is None:
                continue
            edit, is_sample = standing.edit, not cell.request.is_seeded
            if is_sample and not is_replay and edit is not None and edit.state in COLLECTABLE:
                self.jobs[number] = self._session.resume(edit)
                continue
            mode = "replay" if is_replay else "auto" if cell.request.is_seeded else "fresh"
            groups.setdefault((cell.provider, mode), []).append(number)
        return groups


def _ended(job: Job, before: Standing) -> Standing:
    """Return how a cell stands whose job is over."""
    error = job.exception()
    edit: Edit | None = job.run.edit or before.edit
    if error is None:
        return Standing("here", job.result().record)
    if not isinstance(error, NBBananaError):
        raise error
    if isinstance(error, UncertainError):
        return Standing("unknown", edit, error)
    if isinstance(error, BudgetError | JobCancelledError | NotInStoreError):
        return Standing("missing", edit, error)
    if edit is None or edit.state in {"rejected", "prepared"}:
        return Standing("refused", edit, error)
    return Standing("failed" if edit.is_terminal else "under way", edit, error)


def time_left(stages: Sequence[Progress], at_once: int, seconds: float) -> str:
    """
    Return in words how long a sweep takes on; empty where all is over.

    Args:
        stages: how its jobs stand.
        at_once: how many run at once. A rate is known once as many have ended: before, those that end quickest
            would speak for all.
        seconds: since it began.
    """
    over, total = sum(one.is_over for one in stages), len(stages)
    if over == total:
        return ""
    needed = min(max(1, at_once), max(1, total // 2))
    if over < needed:
        return f"How long it takes is known once {needed} {'is' if needed == 1 else 'are'} done."
    return f"{_left_in_words(seconds / over * (total - over))} left."


def _left_in_words(seconds: float) -> str:
    """
    Return a time that is an estimate, as roughly as it is known.

    >>> [_left_in_words(seconds) for seconds in (3, 42, 170, 4000, 20_000)]
    ['A few seconds', 'About 40 s', 'About 3 min', 'About 1 h 10 min', 'About 5 h 30 min']
    """
    if seconds < 8:
        return "A few seconds"
    if seconds < 90:
        return f"About {round(seconds, -1):.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"About {minutes} min"
    hours, rest = divmod(round(minutes, -1), 60)
    return f"About {hours} h {rest} min" if rest else f"About {hours} h"
