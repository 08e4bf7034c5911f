"""
`Sandbox`: one service with its switches, its wallet and the log of its requests.

Tests need not sleep. With `time_scale=0` a job ends as soon as its pictures are painted. With `duration=math.inf` no
job ends by itself, and a test goes step by step:

    with Sandbox(duration=math.inf, slots=1, paint="flat") as box:
        ...                                  # submit two jobs
        box.wait_for(1, "in_progress")       # one runs, the other is in the queue
        box.finish(box.submissions[0].request_id)
        box.wait_for(1, "completed")
        box.finish()                         # all accepted jobs
        box.settle()                         # and wait until they are over

`paint="flat"` makes pictures at next to no processor time.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from nbbanana.errors import UsageError
from nbbanana.sandbox.accounts import Accounts
from nbbanana.sandbox.api_errors import ErrorForm
from nbbanana.sandbox.app import create_app
from nbbanana.sandbox.catalogue import Catalogue, draw_duration
from nbbanana.sandbox.faults import Fault, FaultScript
from nbbanana.sandbox.files import Files
from nbbanana.sandbox.jobs import JobQueue, JobState, Order, Submission
from nbbanana.sandbox.limits import RateLimit
from nbbanana.sandbox.login import DeviceLogins
from nbbanana.sandbox.request_log import RequestLog, Seen

if TYPE_CHECKING:
    from nbbanana.sandbox.server import Listener

__all__ = ["Sandbox"]

SEED_LIMIT = 2**31


class Sandbox:
    """
    The Model API offline.

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
        errors: the HTTP form of refusals: `coded`, `http` or `ok200` (see `nbbanana.sandbox.api_errors`).
        rate_limit: calls and seconds: how many of them are taken in any such stretch of time.
        output: whether a single output comes as `{"images": [url]}` or `{"image": url}`.
        words: other spellings of states, such as `{"completed": "succeeded"}`.
        auto_authorize: device-code logins are allowed at once.
        login_seconds: how long a device code lives.
        keep_bytes: bytes of outputs that are kept; the oldest go first.
        paint: `full` paints a picture of the size that was asked for; `flat` writes 64×64 pixels of one colour, which
            costs less than a millisecond, for tests that do not look at pictures.

    In process use `app`; to serve it over loopback HTTP use it as a context manager, or `listen`. Its files lie
    in a temporary folder that goes with `close`.

    >>> box = Sandbox(time_scale=0)
    >>> box.token.startswith("nbsandbox_"), box.balance
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
        errors: ErrorForm = "coded",
        rate_limit: tuple[int, float] | None = None,
        output: Literal["images", "image"] = "images",
        words: Mapping[str, str] | None = None,
        auto_authorize: bool = False,
        login_seconds: int = 600,
        keep_bytes: int = 2**30,
        paint: Literal["full", "flat"] = "full",
    ) -> None:
        self._paint_mode = paint
        self._duration = duration
        self._time_scale = time_scale
        self._seed = seed
        self._listener: Listener | None = None
        self.errors: ErrorForm = errors
        self.output = output
        self.words = dict(words or {})
        self.script = FaultScript(faults)
        self.rate_limit = RateLimit(*rate_limit) if rate_limit else RateLimit()
        self.catalogue = Catalogue(models)
        self.accounts = Accounts(balance, token)
        self.files = Files(keep_bytes)
        self.queue = JobQueue(slots, self._draw, self._paint, self.files, self.script)
        self.logins = DeviceLogins(
            lambda: self.accounts.grant(self.accounts.first), lifetime=login_seconds, auto_authorize=auto_authorize
        )
        self.app: RequestLog = create_app(self)

    def __repr__(self) -> str:
        where = self._listener.origin if self._listener else "not served"
        return f"<Sandbox {where}, {len(self.queue.jobs)} submissions>"

    def __enter__(self) -> Self:
        if self._listener is None:
            self.listen()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def listen(self, host: str = "127.0.0.1", port: int = 0) -> Self:
        """Serve it on an address of this machine; port 0 takes any that is free. Needs uvicorn (`nbbanana[serve]`)."""
        try:
            from nbbanana.sandbox.server import Listener
        except ModuleNotFoundError:
            raise UsageError(
                "The sandbox cannot be served.", "uvicorn is not installed.", 'pip install "nbbanana[serve]"'
            ) from None
        self._listener = Listener(self.app, host, port)
        return self

    def close(self) -> None:
        """Stop serving, let running jobs go and remove all files. What it saw stays readable."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self.queue.close()
        self.files.close()

    @property
    def url(self) -> str:
        """The origin it is served at, such as `http://127.0.0.1:49152`: also a base, as `api_base` is."""
        return self._served.origin

    @property
    def api_base(self) -> str:
        """The base of the Model API, with its `/v1`."""
        return f"{self.url}/v1"

    @property
    def addresses(self) -> dict[str, Any]:
        """What a client needs, as JSON: `url`, the three bases, `token`, and `environment` with all of it."""
        bases = {"api_base": self.api_base, "serverless_base": f"{self.url}/prod/v2", "web_base": self.url}
        environment = {
            "RUNCOMFY_TOKEN": self.token,
            "RUNCOMFY_MODEL_API_BASE": bases["api_base"],
            "RUNCOMFY_SERVERLESS_API_BASE": bases["serverless_base"],
            "RUNCOMFY_WEB_BASE": bases["web_base"],
        }
        return {"url": self.url, "token": self.token} | bases | {"environment": environment}

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
        return self.app.requests

    @property
    def submissions(self) -> list[Submission]:
        """Every job it accepted, in that order, as it stands now."""
        return self.queue.jobs

    def add_fault(self, fault: Fault) -> None:
        """One more thing that goes wrong; it counts requests from now."""
        self.script.add(fault)

    @contextlib.contextmanager
    def refusing(self) -> Iterator[None]:
        """Meanwhile nobody listens: idle connections are closed and new ones refused."""
        with self._served.refusing():
            yield

    def settle(self, timeout: float = 30.0) -> None:
        """
        Wait until every accepted job is over.

        Raises:
            TimeoutError: one is not, after `timeout` seconds.
        """
        if not self.queue.settle(timeout):
            raise TimeoutError(f"After {timeout} s a job of the sandbox still runs.")

    def wait_for(self, count: int = 1, state: JobState | None = None, timeout: float = 30.0) -> list[Submission]:
        """
        Wait until `count` jobs were accepted or, with a state, until so many are in it; return all accepted jobs.

        Raises:
            TimeoutError: it does not come to that within `timeout` seconds.
        """
        if not self.queue.wait_for(count, state, timeout):
            raise TimeoutError(f"After {timeout} s fewer than {count} jobs are {state or 'accepted'}.")
        return self.submissions

    def finish(self, request_id: str | None = None) -> None:
        """Let one job, or every accepted job, end as soon as its outputs are painted, whatever its duration."""
        self.queue.hurry(request_id)

    def expire(self, request_id: str) -> None:
        """Let a request and its outputs expire, as the service does after some days."""
        self.queue.expire(request_id)

    def add_account(self, name: str, balance: float = 20.0) -> str:
        """Another account; a token for it. What one account made is not the other's."""
        return self.accounts.open(name, balance)

    def authorize(self, user_code: str) -> bool:
        """Allow the device-code login that shows this code; False if there is none."""
        return self.logins.decide(user_code, "authorized")

    def deny(self, user_code: str) -> bool:
        """Refuse the device-code login that shows this code; False if there is none."""
        return self.logins.decide(user_code, "denied")

    @property
    def _served(self) -> Listener:
        if self._listener is None:
            raise UsageError(
                "The sandbox is not served.", "It has an address only while it listens.", "Use it in a with statement."
            )
        return self._listener

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
