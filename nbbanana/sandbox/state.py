"""
The state of a sandbox: accounts, jobs, models with their prices, faults and files. The application answers from it.

The schemas of its models come from nbbanana's own catalogue, their prices and their pace from a data file. The entries
have the keys that clients of `GET /v1/models` read: `model_id`, `display_name`, `categories`, `kind`,
`base_price_usd`, `price_unit`, `pricing_note` and `input_schema`.
"""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Literal

from nbbanana import models
from nbbanana.models.schemas import plain_schema
from nbbanana.sandbox.accounts import Accounts, DeviceLogins, JobQueue, JobState, RateLimit, Submission
from nbbanana.sandbox.exchanges import BAD_INPUT, KEPT_REQUESTS, WRONG_MODEL, ApiError, Seen
from nbbanana.sandbox.faults import Fault, FaultScript
from nbbanana.sandbox.files import Files
from nbbanana.text import packaged

__all__ = ["Catalogue", "State"]

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

    Attributes:
        token: the bearer of the sandbox's own account.
        add_account: adds an account and returns its token; accounts cannot see each other's requests.
        add_fault: adds a fault; it counts requests from now.
        finish: lets one job, or every accepted job, end as soon as its outputs are painted, whatever its duration.
        expire: lets a request and its outputs expire, as the service does after some days.

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
        self.rate_limit = RateLimit(*(rate_limit or ()))
        self.catalogue = Catalogue(models)
        self.accounts = Accounts(balance, token)
        self.files = Files(keep_bytes)
        self.queue = JobQueue(slots, self._draw, self._paint, self.files, self.script)
        self.logins = DeviceLogins(
            lambda: self.accounts.grant(self.accounts.first), lifetime=login_seconds, auto_authorize=auto_authorize
        )
        self.log: deque[Seen] = deque(maxlen=KEPT_REQUESTS)
        self.token = self.accounts.token
        self.add_account = self.accounts.open
        self.add_fault = self.script.add
        self.finish = self.queue.hurry
        self.expire = self.queue.expire

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

    def authorize(self, user_code: str) -> bool:
        """Allow the device-code login that shows this code; False if there is none."""
        return self.logins.decide(user_code, "authorized")

    def deny(self, user_code: str) -> bool:
        """Refuse the device-code login that shows this code; False if there is none."""
        return self.logins.decide(user_code, "denied")

    def _draw(self, job: Submission) -> float:
        if not self._time_scale:
            return 0.0
        if self._duration != "realistic":
            return self._duration * self._time_scale
        return _draw_duration(self._rng(job.number), job.resolution, job.count) * self._time_scale

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
            resolution=job.resolution,
            output_format=output_format,
        )

    def _rng(self, number: int, purpose: str = "duration") -> random.Random:
        return random.Random(f"{self._seed}:{purpose}:{number}")  # noqa: S311  it is to be the same each time


# ── models ──────────────────────────────────────────────────────────────────────────────────────────────


OWN_KEYS = "x-nbbanana"


@dataclass(frozen=True)
class Entry:
    """
    One model of the sandbox: `model` as nbbanana knows it, `facts` as the data file has them.

    `facts` holds `display_name`, `categories`, `base_price_usd`, `price_unit` and `pricing_note`, which are
    published, and what the note says in numbers: `multipliers` (field → value → factor) and `surcharges` (a
    boolean field → US dollars more for each output).
    """

    model: models.Model
    facts: Mapping[str, Any]

    def published(self, *, with_schema: bool) -> dict[str, Any]:
        """Return the entry as the API gives it."""
        entry = {
            "model_id": self.model.id,
            "display_name": self.facts.get("display_name", self.model.id),
            "categories": list(self.facts.get("categories", ())),
            "kind": "model",
        }
        entry |= {key: self.facts[key] for key in ("base_price_usd", "price_unit", "pricing_note") if key in self.facts}
        if with_schema:
            entry["input_schema"] = _without_own_keys(dict(self.model.schema))
        return entry

    def check(self, payload: Any) -> None:
        """
        Hold a submission against the schema. Fields that the schema does not have are refused.

        Raises:
            ApiError: with a `detail` that names the field.
        """
        import fastjsonschema

        try:
            self._validate(payload)
        except fastjsonschema.JsonSchemaValueException as error:
            where = [str(part) for part in error.path[1:]]
            words = error.message.removeprefix("data.").removeprefix("data ")
            finding = {"loc": ["body", *where], "msg": words, "type": error.rule}
            raise ApiError(BAD_INPUT, f"The input does not match the schema: {words}", detail=[finding]) from None

    def count(self, payload: Mapping[str, Any]) -> int:
        """Return how many outputs a submission asks for. `limit_generations` holds it to one."""
        return 1 if payload.get("limit_generations") is True else self.model.count(payload)

    def unit_price(self, payload: Mapping[str, Any]) -> float:
        """Return US dollars for each output of a submission."""
        price = float(self.facts.get("base_price_usd", 0.0))
        for name, factors in self.facts.get("multipliers", {}).items():
            price *= float(factors.get(self._value(payload, name), 1.0))
        more = [extra for name, extra in self.facts.get("surcharges", {}).items() if payload.get(name)]
        return price + float(sum(more))

    def resolution(self, payload: Mapping[str, Any]) -> str:
        """Return the resolution that a submission asks for, in capitals; the schema's default, else `1K`."""
        return str(self._value(payload, "resolution") or "1K").upper()

    def _value(self, payload: Mapping[str, Any], name: str) -> Any:
        return payload.get(name, self.model.schema["properties"].get(name, {}).get("default"))

    @cached_property
    def _validate(self) -> Callable[[Any], Any]:
        import fastjsonschema

        schema = plain_schema(self.model.id, self.model.schema) | {"type": "object", "additionalProperties": False}
        validate: Callable[[Any], Any] = fastjsonschema.compile(schema, use_default=False, use_formats=False)
        return validate


@cache
def _own_entries() -> dict[str, Entry]:
    published = packaged(__package__, "catalogue.json")["models"]
    return {model_id: Entry(models.get(model_id), facts) for model_id, facts in published.items()}


class Catalogue:
    """
    All models of a sandbox.

    Args:
        more: catalogue entries by model id, each with an `input_schema`, beside or instead of the sandbox's own.
    """

    def __init__(self, more: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self._entries = dict(_own_entries())
        for model_id, facts in (more or {}).items():
            self._entries[model_id] = Entry(models.from_schema(model_id, facts["input_schema"]), facts)

    def find(self, model_id: str) -> Entry:
        """
        Return the model with this id.

        Raises:
            ApiError: there is none.
        """
        entry = self._entries.get(model_id)
        if entry is None:
            raise ApiError(WRONG_MODEL, f"There is no model {model_id[:200]!r}.")
        return entry

    def search(self, words: str) -> list[Entry]:
        """Return the models whose id or name holds `words`, in the order of their ids."""
        return [
            entry
            for model_id, entry in sorted(self._entries.items())
            if words.casefold() in f"{model_id} {entry.facts.get('display_name', '')}".casefold()
        ]


def _draw_duration(rng: random.Random, resolution: str, count: int) -> float:
    """
    Return seconds that a job takes: log-normal with a median of 12 s, longer with the resolution and the count.

    >>> round(_draw_duration(random.Random(0), "1K", 1), 1)
    17.5
    """
    timing = packaged(__package__, "catalogue.json")["timing"]
    seconds = timing["median_seconds"] * math.exp(rng.gauss(0.0, timing["sigma"]))
    more = 1.0 + timing["each_further_output"] * (count - 1)
    return float(seconds * timing["resolution"].get(resolution, 1.0) * more)


def _without_own_keys(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _without_own_keys(value) for key, value in node.items() if key != OWN_KEYS}
    return [_without_own_keys(item) for item in node] if isinstance(node, list) else node
