"""
The state of a sandbox: accounts, jobs, prices, faults and files. The application answers from it.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from nbbanana.sandbox.accounts import Accounts, DeviceLogins, LoginPages, RateLimit
from nbbanana.sandbox.faults import Fault, FaultScript
from nbbanana.sandbox.files import Files
from nbbanana.sandbox.job_queue import JobQueue, JobState, Order, Submission
from nbbanana.sandbox.model_entries import Catalogue, draw_duration
from nbbanana.sandbox.request_log import KEPT_REQUESTS, Seen

__all__ = ["State"]

SEED_LIMIT = 2**31


class State:
    """
    Everything that a sandbox knows and does, without HTTP.

    Args:
        slots: jobs that run at once; the others queue.
        duration: seconds a job takes, or `realistic`: log-normal with a median of 12 s, longer with resolution
            and count. Painting is part of it.
        time_scale: what durations are multiplied by; 0 lets a job end once its outputs are painted.
        faults: what goes wrong on purpose.
        balance: play money in the wallet, in US dollars.
        token: the bearer it takes; made up if None.
        seed: of everything that is drawn: durations, and the seeds of requests that bring none.
        models: catalogue entries by id, each with `input_schema` and what is published of its price, beside or
            instead of the sandbox's own.
        rate_limit: calls and seconds: how many of them are taken in any such stretch of time.
        auto_authorize: device-code logins are allowed at once.
        login_seconds: how long a device code lives.
        keep_bytes: bytes of outputs that are kept; the oldest go first.
        paint: `full` paints a picture of the size that was asked for; `flat` writes 64×64 pixels of one colour, which
            costs less than a millisecond, for tests that do not look at pictures.

    >>> state = State(time_scale=0)
    >>> state.token.startswith("nbsandbox_"), state.balance
    (True, 20.0)
    """

    def __init__(
        self,
        *,
        slots: int = 2,
        duration: float | Literal["realistic"] = "realistic",
        time_scale: float = 1.0,
        faults: Iterable[Fault] = (),
        balance: float = 20.0,
        token: str | None = None,
        seed: int = 0,
        models: Mapping[str, Mapping[str, Any]] | None = None,
        rate_limit: tuple[int, float] | None = None,
        auto_authorize: bool = False,
        login_seconds: int = 600,
        keep_bytes: int = 2**30,
        paint: Literal["full", "flat"] = "full",
    ) -> None:
        self._paint_mode = paint
        self._duration = duration
        self._time_scale = time_scale
        self._seed = seed
        self.script = FaultScript(faults)
        self.rate_limit = RateLimit(*rate_limit) if rate_limit else RateLimit()
        self.catalogue = Catalogue(models)
        self.accounts = Accounts(balance, token)
        self.files = Files(keep_bytes)
        self.queue = JobQueue(slots, self._draw, self._paint, self.files, self.script)
        self.logins = DeviceLogins(
            lambda: self.accounts.grant(self.accounts.first), lifetime=login_seconds, auto_authorize=auto_authorize
        )
        self.pages = LoginPages()
        self.log: deque[Seen] = deque(maxlen=KEPT_REQUESTS)

    @property
    def token(self) -> str:
        """The bearer of the sandbox's own account."""
        return self.accounts.token

    @property
    def balance(self) -> float:
        """What is in that account's wallet, in US dollars of play money."""
        return self.accounts.first.balance

    @property
    def requests(self) -> list[Seen]:
        """Every request it saw, in the order in which they came (the latest 20,000)."""
        return list(self.log)

    @property
    def submissions(self) -> list[Submission]:
        """Every job it accepted, in that order, as it stands now."""
        return self.queue.jobs

    def add_fault(self, fault: Fault) -> None:
        """Add a fault; it counts requests from now."""
        self.script.add(fault)

    def settle(self, timeout: float = 30.0) -> None:
        """
        Wait until every accepted job is over.

        Raises:
            TimeoutError: one is not, after `timeout` seconds.
        """
        if not self.queue.wait_for(lambda jobs: all(job.is_over for job in jobs), timeout):
            raise TimeoutError(f"After {timeout} s a job of the sandbox still runs.")

    def wait_for(self, count: int = 1, state: JobState | None = None, timeout: float = 30.0) -> list[Submission]:
        """
        Wait until `count` jobs were accepted or, with a state, until so many are in it; return all accepted jobs.

        Raises:
            TimeoutError: it does not come to that within `timeout` seconds.
        """
        if not self.queue.wait_for(lambda jobs: sum(state in {None, job.state} for job in jobs) >= count, timeout):
            raise TimeoutError(f"After {timeout} s fewer than {count} jobs are {state or 'accepted'}.")
        return self.submissions

    def finish(self, request_id: str | None = None) -> None:
        """Let one job, or every accepted job, end as soon as its outputs are painted, whatever its duration."""
        self.queue.hurry(request_id)

    def expire(self, request_id: str) -> None:
        """Let a request and its outputs expire, as the service does after some days."""
        self.queue.expire(request_id)

    def add_account(self, name: str, balance: float = 20.0) -> str:
        """Add an account and return its token. Accounts cannot see each other's requests."""
        return self.accounts.open(name, balance)

    def authorize(self, user_code: str) -> bool:
        """Allow the device-code login that shows this code; False if there is none."""
        return self.logins.decide(user_code, "authorized")

    def deny(self, user_code: str) -> bool:
        """Refuse the device-code login that shows this code; False if there is none."""
        return self.logins.decide(user_code, "denied")

    def _draw(self, number: int, order: Order) -> float:
        if not self._time_scale:
            return 0.0
        if self._duration != "realistic":
            return self._duration * self._time_scale
        return draw_duration(self._rng(number), order.resolution, order.count) * self._time_scale

    def _paint(self, job: Submission, inputs: list[bytes], index: int) -> bytes:
        from nbbanana.sandbox import painter

        asked = job.payload
        seed = asked.get("seed")
        minted = self._rng(job.number, "seed").randrange(SEED_LIMIT) if seed is None else int(seed)
        prompt, output_format = str(asked.get("prompt", "")), str(asked.get("output_format", "png"))
        if self._paint_mode == "flat":
            return painter.flat(prompt, minted, index, output_format)
        return painter.paint(
            inputs,
            prompt=prompt,
            seed=minted,
            index=index,
            aspect_ratio=str(asked.get("aspect_ratio", "auto")),
            resolution=job.order.resolution,
            output_format=output_format,
        )

    def _rng(self, number: int, purpose: str = "duration") -> random.Random:
        return random.Random(f"{self._seed}:{purpose}:{number}")  # noqa: S311  it is to be the same each time
