"""
Accounts and their jobs: tokens, play money, device-code logins, the rate limit, and the queue that takes from a wallet.

The steps of a login, its fields and the 410 for a refused or expired code are those that RunComfy's own command line
relies on (`api/cli-auth/start` and `api/cli-auth/poll`). The page takes no code in its address, so that no link signs a
user in as another. A decision is taken only from a page that this sandbox served: see `DeviceLogins`.

A wallet pays once a job completes. Each slot of the queue is a thread that takes the next job, paints its outputs and
waits until the job's time is over, so that no event loop is needed to drive it: the same queue serves a socket, an
in-process client whose loop comes and goes, and no client at all. Threads start with work and end without.
"""

from __future__ import annotations

import math
import secrets
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from nbbanana.sandbox.exchanges import TOO_FAST, ApiError
from nbbanana.sandbox.faults import Fault, FaultScript
from nbbanana.sandbox.files import Files

__all__ = ["Account", "Accounts", "DeviceLogins", "JobQueue", "JobState", "Paint", "RateLimit", "Submission"]

TOKEN_PREFIX = "nbsandbox_"  # noqa: S105  the start of every token the sandbox makes, so that none is mistaken
CENTS = 6
"""Decimal places that sums are kept to: prices such as $0.0625 stay exact."""
ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
"""Letters of user codes: no vowels, so that no code is a word."""
POLL_INTERVAL = 1
"""Whole seconds that a client is asked to wait between polls."""
MOST_PAGES = 100
"""Login pages that are remembered at once."""

Decision = Literal["pending", "authorized", "denied"]


@dataclass(slots=True)
class Account:
    """
    One account: what it has and what its unfinished jobs will take of it, in US dollars of play money.

    Sums change only under the job queue's lock.
    """

    user_id: str
    email: str
    balance: float
    reserved: float = 0.0
    created_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat())

    def reserve(self, price: float) -> bool:
        """Set `price` aside for a job; False if the balance, less what is set aside already, does not reach."""
        if round(self.balance - self.reserved - price, CENTS) < 0:
            return False
        self.reserved = round(self.reserved + price, CENTS)
        return True

    def settle(self, reserved: float, cost: float) -> None:
        """Settle a job that ended: give back what was set aside for it and take what it cost."""
        self.reserved = round(self.reserved - reserved, CENTS)
        self.balance = round(self.balance - cost, CENTS)


class Accounts:
    """The accounts of one sandbox by token; any thread may ask."""

    def __init__(self, balance: float, token: str | None = None) -> None:
        self._by_token: dict[str, Account] = {}
        self.token = self.open("you", balance, token)
        self.first = self._by_token[self.token]

    def grant(self, account: Account, token: str | None = None) -> str:
        """Return a token for the account: the one given, else a new one."""
        token = token or TOKEN_PREFIX + secrets.token_urlsafe(24)
        self._by_token[token] = account
        return token

    def open(self, name: str, balance: float = 20.0, token: str | None = None) -> str:
        """Open an account and return a token for it."""
        return self.grant(Account(str(uuid.uuid4()), f"{name}@sandbox.invalid", balance), token)

    def find(self, authorization: str | None) -> Account | None:
        """Return the account behind an `Authorization` header, or None."""
        scheme, _, token = (authorization or "").partition(" ")
        return self._by_token.get(token.strip()) if scheme.lower() == "bearer" else None


@dataclass(slots=True)
class _Login:
    user_code: str
    expires_at: float
    decision: Decision


class DeviceLogins:
    """
    The logins under way, and the pages for them that were served and not yet used; any thread may ask.

    Each page has a token in its form and the same token in a cookie that other sites cannot make a browser send. A
    decision needs both, once: neither another site nor a plain POST can approve a login.

    Args:
        grant: makes the token for a login that was allowed.
        lifetime: seconds that a code lives.
        auto_authorize: every login is allowed at once, for demonstrations.
    """

    def __init__(self, grant: Callable[[], str], *, lifetime: int = 600, auto_authorize: bool = False) -> None:
        self._grant = grant
        self._lifetime = lifetime
        self._first_decision: Decision = "authorized" if auto_authorize else "pending"
        self._lock = threading.Lock()
        self._logins: dict[str, _Login] = {}
        self._pages: deque[str] = deque(maxlen=MOST_PAGES)

    def start(self, verify_url: str) -> dict[str, Any]:
        """Begin a login; the answer of `start`."""
        device_code = secrets.token_urlsafe(32)
        letters = "".join(secrets.choice(ALPHABET) for _ in range(8))
        login = _Login(f"{letters[:4]}-{letters[4:]}", time.monotonic() + self._lifetime, self._first_decision)
        with self._lock:
            self._forget_expired()
            self._logins[device_code] = login
        return {
            "device_code": device_code,
            "user_code": login.user_code,
            "verify_url": verify_url,
            "expires_in": self._lifetime,
            "poll_interval": POLL_INTERVAL,
        }

    def poll(self, device_code: str) -> tuple[int, dict[str, str]]:
        """Return status and answer of `poll`. A token is handed out once; an unknown code reads as expired."""
        with self._lock:
            self._forget_expired()
            login = self._logins.get(device_code)
            if login is None:
                return 410, {"status": "expired"}
            if login.decision == "pending":
                return 200, {"status": "pending"}
            del self._logins[device_code]
        if login.decision == "denied":
            return 410, {"status": "denied"}
        return 200, {"status": "authorized", "access_token": self._grant()}

    def decide(self, user_code: str, decision: Decision) -> bool:
        """Allow or refuse the login with this code, as typed; False if there is none."""
        typed = _plain(user_code)
        with self._lock:
            self._forget_expired()
            for login in self._logins.values():
                if _plain(login.user_code) == typed:
                    login.decision = decision
                    return True
        return False

    def open_page(self) -> str:
        """Return the token of a new page; the oldest page is forgotten where there are too many."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._pages.append(token)
        return token

    def use_page(self, form: str, cookie: str) -> bool:
        """Return whether form and cookie carry the token of a page, which is used up by this."""
        with self._lock:
            if form != cookie or form not in self._pages:
                return False
            self._pages.remove(form)
            return True

    def _forget_expired(self) -> None:
        now = time.monotonic()
        self._logins = {code: login for code, login in self._logins.items() if login.expires_at > now}


def _plain(user_code: str) -> str:
    return "".join(filter(str.isalpha, user_code.upper()))


class RateLimit:
    """
    Counts calls over a sliding window; any thread may call.

    The service publishes no limit and no `Retry-After`; here clients can be tried against one.

    Args:
        calls: how many are taken in a window; None for no limit.
        seconds: how long the window is.
    """

    def __init__(self, calls: int | None = None, seconds: float = 1.0) -> None:
        self._calls = calls
        self._seconds = seconds
        self._lock = threading.Lock()
        self._taken: deque[float] = deque()

    def take(self) -> None:
        """
        Count one call.

        Raises:
            ApiError: 429, with the whole seconds after which one more is taken.
        """
        if self._calls is None:
            return
        now = time.monotonic()
        with self._lock:
            while self._taken and self._taken[0] <= now - self._seconds:
                self._taken.popleft()
            if len(self._taken) < self._calls:
                self._taken.append(now)
                return
            wait = self._taken[0] + self._seconds - now
        raise ApiError(TOO_FAST, "Too many requests; retry in a moment.", retry_after=max(1, math.ceil(wait)))


# ── jobs ────────────────────────────────────────────────────────────────────────────────────────────────


JobState = Literal["in_queue", "in_progress", "completed", "failed", "cancelled"]
"""The API's own words; it documents no failed state, but its clients know one."""

OVER = frozenset({"completed", "failed", "cancelled"})
KEPT_JOBS = 20_000
"""Finished jobs that are remembered; older ones have expired."""
PAINTERS = 2
"""Outputs that are painted at once, whatever the number of slots."""


@dataclass(frozen=True, slots=True)
class Submission:
    """
    A job as it stands: a snapshot, not the job itself.

    Args:
        model_id: the endpoint it was sent to.
        payload: what was asked, with pictures cut to their length.
        account: who asked and pays.
        inputs: the pictures, put aside.
        count: outputs to make.
        unit_price: US dollars for each.
        resolution: such as `1K`.
        suffix: the file type of the outputs.
        number: which of the accepted jobs it is, from 1.
        duration: seconds that it takes.
        created_at, started_at, finished_at: seconds since the epoch.
        outputs: file names of what was made; they are addresses, so they stay out of the repr.
        cost: US dollars; None until it is known.
    """

    model_id: str
    payload: Mapping[str, Any]
    account: Account = field(repr=False)
    inputs: tuple[Path, ...] = field(repr=False)
    count: int
    unit_price: float
    resolution: str
    suffix: str
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    number: int = 0
    duration: float = 0.0
    state: JobState = "in_queue"
    created_at: float = field(default_factory=time.time)
    started_at: float | None = None
    finished_at: float | None = None
    outputs: tuple[str, ...] = field(default=(), repr=False)
    error: str | None = None
    cost: float | None = None
    fault: Fault | None = None

    @property
    def price(self) -> float:
        """US dollars if all outputs are made."""
        return round(self.count * self.unit_price, CENTS)

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
        durations: draws the seconds that a job takes.
        paint: makes one output of a job from its inputs; called off the event loop.
        files: where outputs go.
        faults: what goes wrong with a job on purpose.
    """

    def __init__(
        self, slots: int, durations: Callable[[Submission], float], paint: Paint, files: Files, faults: FaultScript
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

    def submit(self, asked: Submission) -> Submission | None:
        """Accept a job, or None where the account's balance does not reach."""
        with self._changed:
            if not asked.account.reserve(asked.price):
                return None
            self._accepted += 1
            job = replace(asked, number=self._accepted, fault=self._faults.next("job"))
            self._waiting.append(job.request_id)
            job = self._put(job, duration=self._durations(job))
            while len(self._jobs) > KEPT_JOBS and (oldest := next(iter(self._jobs.values()))).is_over:
                del self._jobs[oldest.request_id]
            if len(self._threads) < self._slots and not self._closed:
                thread = threading.Thread(target=self._work, name="nbbanana-sandbox-slot", daemon=True)
                self._threads.add(thread)
                thread.start()
        return job

    def find(self, request_id: str) -> Submission | None:
        """Return the job with this id, unless it expired."""
        with self._changed:
            return self._jobs.get(request_id)

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
            job = self._jobs.pop(request_id)
        self._files.withdraw(job.outputs)

    def close(self) -> None:
        """Start nothing more, let running jobs go and wait for their threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            threads = list(self._threads)
        for thread in threads:
            thread.join()

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
            left = min(max(0.0, ends_at - time.monotonic()), threading.TIMEOUT_MAX)
            self._changed.wait_for(lambda: self._closed or job.request_id in self._hurried, left)
            if not self._closed:
                cost = round(len(outputs) * job.unit_price, CENTS)
                self._end(job, state="failed" if error else "completed", outputs=outputs, error=error, cost=cost)

    def _make(self, job: Submission) -> tuple[tuple[str, ...], str | None]:
        """Paint a job's outputs: their names, or why there are none."""
        scripted = job.fault.outputs if job.fault else None
        names: list[str] = []
        try:
            inputs = [path.read_bytes() for path in job.inputs]
            for index in range(job.count if scripted is None else scripted):
                with self._painters:
                    picture = self._paint(job, inputs, index)
                names.append(self._files.publish(picture, job.suffix))
        except Exception as error:  # noqa: BLE001  whatever a painter trips over is the job's failure, as on a service
            self._files.withdraw(names)
            return (), " ".join(f"The sandbox could not paint this: {error}".split())
        return tuple(names), None

    def _end(self, job: Submission, *, state: JobState, cost: float, **changes: Any) -> None:
        job.account.settle(job.price, cost)
        self._files.discard(job.inputs)
        self._hurried.discard(job.request_id)
        self._put(job, state=state, cost=cost, finished_at=time.time(), **changes)

    def _put(self, job: Submission, **changes: Any) -> Submission:
        changed = replace(job, **changes)
        self._jobs[job.request_id] = changed
        self._changed.notify_all()
        return changed
