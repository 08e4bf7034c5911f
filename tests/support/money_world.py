"""A world for the money rig: kernels, services, what was asked, and what must hold of them at every moment."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nbbanana.engine.engine import Engine
from nbbanana.engine.prices import LASTS
from nbbanana.engine.reuse import EVERY_STATE, UNDER_WAY, Reuse
from nbbanana.engine.run import Run, StopReport
from nbbanana.errors import NBBananaError, StoreError, UncertainError
from nbbanana.models import from_schema
from nbbanana.request import EditRequest, Origin
from nbbanana.settings import Mode
from nbbanana.store import Store
from nbbanana.store.records import Edit
from support.scripted_provider import RemoteJob, ScriptedProvider, ScriptedServer, ScriptedSynchronous
from support.simulated import SimulatedLoop, Surroundings

__all__ = ["SERVICES", "Asked", "Kernel", "World"]

MODEL = from_schema("rig/model", {"properties": {"prompt": {"type": "string"}, "seed": {"type": "integer"}}})
ACCOUNTS = ("ann", "bob")
SERVICES = ("one", "two", "three")
SYNCHRONOUS = "three"
"""The service that answers a POST with the picture."""
AT_ONCE = 3.0
"""Seconds within which an id that came back is on the disk, once there is room on it."""
OPEN = frozenset({"unknown", "lost"})
SURELY_NOT_TAKEN = frozenset({"refused", "not sent"})

_LAST_OUTCOME = """
SELECT coalesce((SELECT coalesce(outcome, 'not known') FROM posts WHERE edit_id = edits.id
                 ORDER BY ordinal DESC LIMIT 1), 'none')
"""


@dataclass(eq=False)
class Asked:
    """One request of a user, and what the world knows of it."""

    kernel: Kernel
    engine: Engine
    run: Run
    mode: Mode
    max_price: float | None
    at: float
    must_not_send: str | None = None
    stops: list[Future[StopReport]] = field(default_factory=list)
    is_later: bool = False
    """Whether it is a later pass, which asks what it asks once its picture is there."""
    uid: str = ""
    may_be_taken: bool = False
    """Whether a POST was made that was not surely refused."""
    taken: list[RemoteJob] = field(default_factory=list)


@dataclass(eq=False)
class Kernel:
    """A process that asks: its loop, its store, its engines."""

    name: str
    loop: SimulatedLoop
    store: Store
    reuse: Reuse
    engines: dict[tuple[str, str], Engine] = field(default_factory=dict)
    """By service and account."""
    account: str = ACCOUNTS[0]
    is_closed: bool = False
    """Whether closing began."""
    has_closed: bool = False
    """Whether closing returned."""
    is_killed: bool = False
    killed_at: float = 0.0
    disk_free_since: float = 0.0


@dataclass(frozen=True)
class Told:
    """An id that came back to a kernel."""

    asked: Asked
    at: float

    @property
    def is_in_memory(self) -> bool:
        """Whether its process lives and still tries to keep it: closing a session does not end that."""
        kernel, exchange = self.asked.kernel, self.asked.run.exchange
        return not kernel.is_killed and (not kernel.is_closed or (exchange is not None and not exchange.done()))

    @property
    def had_no_chance(self) -> bool:
        """Whether its process was killed before it could keep anything: within a moment, or on a full disk."""
        kernel = self.asked.kernel
        return kernel.is_killed and kernel.killed_at - max(self.at, kernel.disk_free_since) < AT_ONCE


class WatchedEngine(Engine):
    """An engine whose runs know which request of the world they are, wherever they go on."""

    def __init__(self, store: Store, provider: Any, reuse: Reuse, asker: Any, **how: Any) -> None:
        super().__init__(store, provider, reuse, **how)
        self._asker = asker
        self.holders: dict[Run, list[Asked]] = {}

    def _begin(self, run: Run, work: Any, *, is_answer: bool = True) -> None:
        self._asker.set(self.holders.setdefault(run, []))
        super()._begin(run, work, is_answer=is_answer)


def _after(request: EditRequest, edit: Edit) -> EditRequest:
    """Return the request of a later pass about what an edit gave."""
    words = f"{request.parameters['prompt']} After {edit.uid}."
    return replace(request, parameters={**request.parameters, "prompt": words}, minted_seed=edit.seed)


class World:
    """
    Everything of one interleaving.

    Args:
        template: the folder of an empty store.
        folder: where the store of this world is to be.
    """

    def __init__(self, template: Path, folder: Path) -> None:
        shutil.copytree(template, folder)
        self.folder = folder
        self.here = Surroundings()
        self.servers = {name: ScriptedServer(name, self.here.clock.read) for name in SERVICES}
        self.store = Store.open(folder, clock=self.here.clock.read)
        self.rows = sqlite3.connect(folder / "edits.sqlite")
        self.rows.row_factory = sqlite3.Row
        self.kernels: list[Kernel] = []
        self.asked: list[Asked] = []
        self.questions: list[dict[str, Any]] = []
        self.by_run: dict[Run, Asked] = {}
        self.told: dict[str, Told] = {}
        self.kept: set[str] = set()
        self.budgets: dict[str, tuple[float, float]] = {}
        self.settled: set[str] = set()
        self.violations: list[str] = []
        self.disk_free_since = 0.0

    @property
    def now(self) -> float:
        """The time."""
        return self.here.clock.now

    @property
    def living(self) -> list[Kernel]:
        """The kernels in which something can be asked."""
        return [kernel for kernel in self.kernels if not (kernel.is_closed or kernel.is_killed)]

    def wrong(self, what: str) -> None:
        """Note that something does not hold."""
        self.violations.append(what)

    # ── what can happen ─────────────────────────────────────────────────────────────────────────────────────

    def start_kernel(self) -> Kernel:
        """Start a kernel."""
        loop = SimulatedLoop(self.here)
        self.here.loops.append(loop)
        store = Store.open(self.folder, clock=self.here.clock.read)
        kernel = Kernel(f"k{len(self.kernels)}", loop, store, Reuse(store))
        self.kernels.append(kernel)
        return kernel

    def engine(self, kernel: Kernel, service: str) -> Engine:
        """The engine of a kernel for a service and the account of now."""
        key = (service, kernel.account)
        if key not in kernel.engines:
            self.here.building, self.here.owner = kernel.loop, kernel.name
            kind = ScriptedSynchronous if service == SYNCHRONOUS else ScriptedProvider
            provider = kind(
                *(self.servers[service], kernel.account),
                sends=lambda: self._sends(kernel),
                refuses=self._refuses,
                takes=self._takes,
                hears=self._hears,
                check_disk=self._check_disk,
            )
            kernel.engines[key] = WatchedEngine(kernel.store, provider, kernel.reuse, self.here.asker, concurrency=2)
        return kernel.engines[key]

    def ask(self, kernel: Kernel, service: str, prompt: str, seed: int | None, mode: Mode, **limits: Any) -> None:
        """Ask for an edit."""
        self.questions.append({"service": service, "prompt": prompt, "seed": seed, "mode": mode, **limits})
        engine = self.engine(kernel, service)
        parameters = {"prompt": prompt} | ({} if seed is None else {"seed": seed})
        request = EditRequest(MODEL.id, parameters, origin=Origin(kernel=kernel.name))
        why = self._must_not_send(request, service) if mode == "auto" else None
        try:
            [run] = engine.start([(request, MODEL)], mode=mode, **limits)
        except (UncertainError, StoreError):
            return
        self._note(Asked(kernel, engine, run, mode, limits.get("max_price"), self.now, why))

    def ask_chain(
        self, kernel: Kernel, service: str, prompts: Sequence[str], seed: int | None, mode: Mode, **limits: Any
    ) -> None:
        """Ask for an edit in passes; a later pass asks about what the one before gave."""
        engine = self.engine(kernel, service)
        origin, seeded = Origin(kernel=kernel.name), {} if seed is None else {"seed": seed}
        requests = [EditRequest(MODEL.id, {"prompt": words, **seeded}, origin=origin) for words in prompts]
        with suppress(UncertainError, StoreError):
            runs = engine.start_chain([(request, MODEL) for request in requests], _after, mode=mode, **limits)
            for number, run in enumerate(runs):
                # The maximum is for all passes together.
                most = limits.get("max_price")
                asked = Asked(kernel, engine, run, mode, most, self.now, is_later=number > 0)
                self._note(asked)

    def _note(self, asked: Asked) -> None:
        if asked.run not in self.by_run:
            engine = asked.engine
            assert isinstance(engine, WatchedEngine)
            engine.holders.setdefault(asked.run, []).append(asked)
            self.asked.append(asked)
            self.by_run[asked.run] = asked

    def resume(self, kernel: Kernel, service: str) -> None:
        """Collect what waits, as `history.resume` does."""
        engine = self.engine(kernel, service)
        with suppress(StoreError):
            kernel.store.settle_abandoned(0.0)
        for edit in kernel.store.unfinished(service, unclaimed=True):
            if edit.request_id:
                run = engine.resume(edit, EditRequest(edit.model, edit.parameters), MODEL)
                self._note(Asked(kernel, engine, run, "auto", None, self.now, "a job that was collected is sent again"))

    def stop(self, asked: Asked) -> None:
        """Stop a request without waiting for what comes of it."""
        asked.stops.append(asked.engine.stop(asked.run))

    def log_in(self, kernel: Kernel) -> None:
        """Have a kernel's next requests go to its other account."""
        kernel.account = ACCOUNTS[kernel.account == ACCOUNTS[0]]

    def close(self, kernel: Kernel) -> None:
        """Close a kernel's engines and store; every request of it has ended then."""
        kernel.is_closed = True
        for engine in kernel.engines.values():
            engine.close()
        kernel.store.close()
        kernel.has_closed = True
        self.check_ends(kernel)

    def kill(self, kernel: Kernel) -> None:
        """Kill a kernel: nothing of it goes on."""
        kernel.is_killed, kernel.killed_at = True, self.now
        kernel.disk_free_since = self.now if self.here.is_full else self.disk_free_since
        self.here.loops.remove(kernel.loop)
        self.here.dead.add(kernel.name)

    def set_budget(self, service: str, amount: float | None) -> None:
        """Set a budget that counts from now, or end it."""
        with suppress(StoreError):
            self.store.set_budget(service, None)
            self.budgets.pop(service, None)
            if amount is not None:
                self.store.set_budget(service, amount)
                self.budgets[service] = (amount, self.now)

    def fill_disk(self, *, is_full: bool) -> None:
        """Fill the disk, or make room."""
        if self.here.is_full and not is_full:
            self.disk_free_since = self.now
        self.here.is_full = is_full

    def set_price(self, service: str, price: float) -> None:
        """Have a service charge another price from now on."""
        server = self.servers[service]
        if server.price != price:
            server.price, server.price_since = price, self.now

    def settle(self, *, knows_id: bool) -> None:
        """Settle the newest uncertain edit: by its id where the person finds it, else as never charged."""
        for edit in self.store.filter(states=tuple(OPEN), limit=1):
            with suppress(StoreError):
                jobs = self.servers[edit.provider].jobs.values()
                job = next((job for job in jobs if job.uid == edit.uid), None)
                if knows_id and job is not None and edit.cost is None:
                    self.store.settle(edit.id, request_id=job.request_id)
                else:
                    self.store.settle(edit.id, cost=0.0)
                    self.settled.add(edit.uid)

    # ── what must hold ──────────────────────────────────────────────────────────────────────────────────────

    def check(self) -> None:
        """Look at what must hold at every moment."""
        for request_id, told in list(self.told.items()):
            if request_id not in self.kept and not told.is_in_memory:
                self._check_kept(request_id, told)

    def check_ends(self, kernel: Kernel) -> None:
        """Every request of a kernel that was closed has ended, with an outcome or one of our errors."""
        for asked in self.asked:
            if asked.kernel is kernel:
                self._check_end(asked)

    def finish(self) -> None:
        """Lift every fault, let everything end, close and collect; then look at the whole record."""
        here = self.here
        here.locked_until, here.is_full = 0.0, False
        for server in self.servers.values():
            server.forgive()
        here.advance(2_500.0)
        for kernel in self.living:
            self.check_ends(kernel)
            self.close(kernel)
        self.check()
        last = self.start_kernel()
        used = {job.account for server in self.servers.values() for job in server.jobs.values()}
        for last.account in sorted(used) or ACCOUNTS[:1]:
            for service in self.servers:
                self.resume(last, service)
            here.advance(2_500.0)
        self.close(last)
        self._check_record()

    def end(self) -> None:
        """Take the world down."""
        self.here.end([kernel.loop for kernel in self.kernels])
        for kernel in self.kernels:
            kernel.store.close()
        self.store.close()
        self.rows.close()
        shutil.rmtree(self.folder)

    def _check_disk(self) -> None:
        if self.here.is_full:
            raise StoreError("The picture could not be kept.", "The disk is full.")

    def _must_not_send(self, request: EditRequest, service: str) -> str | None:
        newest = self.store.by_ask(request.ask, service, states=EVERY_STATE, limit=1)
        if newest and self._is_open(newest[0]):
            return f"edit {newest[0].id} of the same ask may have been charged, and is sent again"
        return None

    def _is_open(self, edit: Edit) -> bool:
        """Whether an edit may have been charged, and nothing will say so by itself."""
        if edit.state == "submitting" and not self.store.is_claimed(edit.id):
            return any(post.outcome not in SURELY_NOT_TAKEN for post in self.store.posts(edit.id, limit=1))
        return edit.cost is None and edit.state in OPEN

    def _asked_now(self) -> Asked | None:
        return next(iter(self.here.asker.get(())), None)

    def _sends(self, kernel: Kernel) -> str:
        """A POST is made: it is allowed."""
        asked = self._asked_now()
        if self.here.is_over:
            return ""
        if asked is None:
            self.wrong("a POST belongs to no request")
            return ""
        asked.may_be_taken = True
        if asked.run.stopping.is_set() or any(stop.done() for stop in asked.stops):
            self.wrong("a POST goes out after a stop")
        if kernel.has_closed:
            self.wrong("a POST goes out after its kernel was closed")
        if asked.must_not_send:
            self.wrong(asked.must_not_send)
        asked.uid = asked.run.row.uid
        return asked.uid

    def _refuses(self) -> None:
        if (asked := self._asked_now()) is not None:
            asked.may_be_taken = False

    def _takes(self, job: RemoteJob) -> None:
        """The server took a request: once, not above its maximum, and not what another has under way."""
        asked = self._asked_now()
        if self.here.is_over or asked is None:
            return
        asked.taken.append(job)
        if len(asked.taken) > 1:
            self.wrong("one request is accepted twice")
        self._check_price(asked, job)
        self._check_budget(asked, job)
        if asked.mode == "auto" and asked.run.request.is_seeded:
            self._check_alone(asked)

    def _check_price(self, asked: Asked, job: RemoteJob) -> None:
        if asked.max_price is None or job.cost <= asked.max_price:
            return
        server = self.servers[asked.run.provider]
        was_told = any(
            other.engine is asked.engine
            and (edit := self._result_of(other)) is not None
            and edit.cost == job.cost != edit.price_quoted
            and (edit.finished_at or 0.0) < asked.at
            for other in self.asked
        )
        if asked.at > server.price_since + LASTS or was_told:
            self.wrong(f"${job.cost} is paid, and {asked.max_price} was the most")

    def _result_of(self, asked: Asked) -> Edit | None:
        """The row of a request that was made here and is over."""
        future = asked.run.future
        if not asked.taken or not future.done() or future.exception() is not None:
            return None
        return future.result().edit

    def _check_budget(self, asked: Asked, job: RemoteJob) -> None:
        amount, since = self.budgets.get(asked.run.provider, (0.0, 0.0))
        server = self.servers[asked.run.provider]
        if not since or asked.at <= since or server.price_since + LASTS > since:
            return
        ours = [one for one in self.asked if one.run.provider == server.name and one.at > since]
        spent = sum(
            one.cost for other in ours for one in other.taken if one.uid not in self.settled and self._costs(one)
        )
        if spent > amount + 1e-9:
            self.wrong(f"${spent:.2f} are spent of a budget of ${amount:.2f}")

    def _costs(self, job: RemoteJob) -> bool:
        return job.state(self.now) not in {"cancelled", "failed"}

    def _check_alone(self, asked: Asked) -> None:
        """No older edit of the same seeded ask is under way, answers it, or may have been charged."""
        row = asked.run.row
        edits = self.store.by_ask(row.ask, row.provider, states=EVERY_STATE, limit=100)
        older = [edit for edit in edits if edit.id < row.id]
        for edit in older:
            if asked.is_later and edit.state == "prepared":
                continue  # a later pass that was filled in after this one gives way to it
            runs_on = edit.state in UNDER_WAY and (edit.request_id is not None or self.store.is_claimed(edit.id))
            if edit.state == "completed" or runs_on:
                self.wrong(f"a seeded ask is accepted though edit {edit.id} of it is {edit.state}")
        if older and self._is_open(older[0]):
            self.wrong(f"a seeded ask is accepted though edit {older[0].id} of it is {older[0].state}")

    def _hears(self, job: RemoteJob) -> None:
        asked = self._asked_now()
        if not self.here.is_over and asked is not None:
            self.told[job.request_id] = Told(asked, self.now)

    def _check_kept(self, request_id: str, told: Told) -> None:
        """An id is in its row, or in a file beside the store."""
        if self._is_in_row(request_id, told) or told.had_no_chance:
            self.kept.add(request_id)
        elif told.asked.run.provider == SYNCHRONOUS and any(self.folder.glob(f"*/{told.asked.uid}-*.answer")):
            return
        elif not any(request_id in path.read_text() for path in self.folder.glob("accepted/*.json")):
            self.wrong(f"the id {request_id} is lost")
            self.kept.add(request_id)

    def _is_in_row(self, request_id: str, told: Told) -> bool:
        """Whether the row has the id; of a service without ids, whether it has what came."""
        if told.asked.run.provider != SYNCHRONOUS:
            return bool(self.rows.execute("SELECT 1 FROM edits WHERE request_id = ?", (request_id,)).fetchone())
        ended = "SELECT 1 FROM edits WHERE uid = ? AND state IN ('completed', 'failed')"
        return bool(self.rows.execute(ended, (told.asked.uid,)).fetchone())

    def _check_end(self, asked: Asked) -> None:
        future = asked.run.future
        if not future.done():
            self.wrong(f"a request never ends: {asked.run!r}")
            return
        error = future.exception()
        if error is not None and not isinstance(error, NBBananaError):
            self.wrong(f"a request ends with a bare {error!r}")
        for stop in asked.stops:
            if stop.done() and stop.exception() is None and stop.result().cancelled:
                self._check_nothing_runs(asked, stop.result().message)

    def _check_nothing_runs(self, asked: Asked, message: str) -> None:
        if any(not job.is_cancelled for job in asked.taken):
            self.wrong(f"a stop said {message!r}, and the server runs it")

    def _check_record(self) -> None:
        """The rows say what the servers know, and nothing is held for what was never taken."""
        rows = self.rows.execute(f"SELECT *, ({_LAST_OUTCOME}) AS outcome FROM edits").fetchall()
        taken = {job.uid: job for server in self.servers.values() for job in server.jobs.values()}
        maybe = {asked.uid for asked in self.asked if asked.may_be_taken}
        for row in rows:
            self._check_row(row, taken.get(row["uid"]), may_be_taken=row["uid"] in maybe)

    def _check_row(self, row: sqlite3.Row, job: RemoteJob | None, *, may_be_taken: bool) -> None:
        state, charge, number = row["state"], row["charge"], row["id"]
        if state in {"prepared", "submitting", "queued", "running"}:
            self.wrong(f"edit {number} stays {state}")
        was_sent = row["outcome"] not in {"none", *SURELY_NOT_TAKEN}  # a kernel may die before it hears of a refusal
        if not may_be_taken and not was_sent and charge != 0:
            self.wrong(f"{charge} is held for edit {number}, which was never sent")
        if job is None and state not in {"cancelled", "rejected", "unknown", "lost"}:
            self.wrong(f"edit {number} is {state}, and no server has it")
        if job is not None and not job.is_cancelled and state in {"cancelled", "rejected"}:
            self.wrong(f"edit {number} is {state}, and the server took it and ran it")
