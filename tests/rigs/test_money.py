"""
The money rig: random interleavings of all that users, kernels, services and disks do, under a simulated clock.

What must hold is in `support.money_world`: what is accepted was asked for, nothing goes out after a stop, no id that
came back is lost, nothing is held for what was never sent, every request ends, what is uncertain is not sent again by
itself, and a seeded ask of two kernels is paid once.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from support.money_world import World
from support.scripted_provider import CANCELS, DOWNLOADS, STATUSES, SUBMITS
from support.simulated import simulate
from support.tiers import scaled

from nbbanana.store import Store

LONG = 20_000
STEPS = 30
SERVICES = st.sampled_from(["one", "one", "two"])
NUMBERS = st.integers(0, 7)
PAUSES = st.sampled_from([0.04, 0.12, 0.3, 1.0, 4.0, 12.0, 30.0, 130.0, 400.0])

ASKS = st.fixed_dictionaries(
    {
        "service": SERVICES,
        "prompt": st.sampled_from(["Make it snow.", "Make it snow.", "Make it rain."]),
        "seed": st.sampled_from([1, None, 1, 2]),
        "mode": st.sampled_from(["auto", "auto", "auto", "fresh"]),
        "max_price": st.sampled_from([None, None, 0.1]),
        "assume_price": st.sampled_from([None, None, 0.1]),
    }
)


class Counts:
    """How much was tried."""

    interleavings = steps = asked = accepted = 0


class MoneyMachine(RuleBasedStateMachine):
    """One interleaving."""

    template: Path
    folder: Path
    numbers = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.template, self.folder / str(next(self.numbers)))
        Counts.interleavings += 1

    @initialize(kernels=st.integers(1, 2), asks=st.lists(ASKS, max_size=3))
    def begin(self, kernels, asks) -> None:
        for _ in range(kernels):
            self.world.start_kernel()
        for number, ask in enumerate(asks):
            self.ask(number, ask)

    @rule(kernel=NUMBERS, ask=ASKS)
    def ask(self, kernel, ask) -> None:
        if living := self.world.living:
            self.world.ask(living[kernel % len(living)], **ask)

    @rule(kernel=NUMBERS, ask=ASKS, seconds=PAUSES)
    def ask_and_pass_time(self, kernel, ask, seconds) -> None:
        self.ask(kernel, ask)
        self.world.here.advance(seconds)

    @rule(service=SERVICES, kinds=st.lists(st.sampled_from(SUBMITS), min_size=1, max_size=3))
    def answer_submits(self, service, kinds) -> None:
        self.world.servers[service].submits.extend(kinds)

    @rule(service=SERVICES, kinds=st.lists(st.sampled_from(STATUSES), min_size=1, max_size=4))
    def answer_polls(self, service, kinds) -> None:
        self.world.servers[service].statuses.extend(kinds)

    @rule(service=SERVICES, kinds=st.lists(st.sampled_from(DOWNLOADS), min_size=1, max_size=6))
    def answer_downloads(self, service, kinds) -> None:
        self.world.servers[service].downloads.extend(kinds)

    @rule(service=SERVICES, kind=st.sampled_from(CANCELS))
    def answer_cancels(self, service, kind) -> None:
        self.world.servers[service].cancels.append(kind)

    @rule(service=SERVICES, seconds=st.sampled_from([10.0, 100.0, 400.0]))
    def know_no_request(self, service, seconds) -> None:
        self.world.servers[service].missing_until = self.world.now + seconds

    @rule(seconds=PAUSES)
    def pass_time(self, seconds) -> None:
        self.world.here.advance(seconds)

    @rule(kernel=NUMBERS, turns=st.integers(1, 12))
    def let_one_kernel_go_on(self, kernel, turns) -> None:
        living = self.world.living
        for _ in range(turns if living else 0):
            loop = living[kernel % len(living)].loop
            if (at := loop.next_at) is not None and at <= self.world.now:
                loop.turn()

    @rule(which=NUMBERS)
    def stop(self, which) -> None:
        running = [asked for asked in self.world.asked if asked.kernel in self.world.living]
        if running:
            self.world.stop(running[-1 - which % len(running)])

    @rule(kernel=NUMBERS)
    def close(self, kernel) -> None:
        if living := self.world.living:
            self.world.close(living[kernel % len(living)])

    @rule(kernel=NUMBERS)
    def kill(self, kernel) -> None:
        if living := self.world.living:
            self.world.kill(living[kernel % len(living)])

    @rule()
    def start_kernel(self) -> None:
        if len(self.world.living) < 3:
            self.world.start_kernel()

    @rule(kernel=NUMBERS, service=SERVICES)
    def resume(self, kernel, service) -> None:
        if living := self.world.living:
            self.world.resume(living[kernel % len(living)], service)

    @rule(service=SERVICES, amount=st.sampled_from([None, 0.0, 0.12, 0.6]))
    def set_budget(self, service, amount) -> None:
        self.world.set_budget(service, amount)

    @rule(service=SERVICES, price=st.sampled_from([0.05, 0.5]))
    def set_price(self, service, price) -> None:
        self.world.set_price(service, price)

    @rule(seconds=st.sampled_from([0.2, 3.0, 20.0, 45.0, 200.0]))
    def lock_the_store(self, seconds) -> None:
        self.world.here.locked_until = self.world.now + seconds

    @rule(is_full=st.booleans())
    def fill_or_empty_the_disk(self, is_full) -> None:
        self.world.here.is_full = is_full

    @rule(knows_id=st.booleans())
    def settle(self, knows_id) -> None:
        self.world.settle(knows_id=knows_id)

    @invariant()
    def holds(self) -> None:
        Counts.steps += 1
        self.world.check()
        assert not self.world.violations, self.world.violations

    def teardown(self) -> None:
        try:
            if not self.world.violations:
                self.world.finish()
                assert not self.world.violations, self.world.violations
        finally:
            Counts.asked += len(self.world.asked)
            Counts.accepted += sum(len(server.jobs) for server in self.world.servers.values())
            self.world.end()


@pytest.fixture
def machine(tmp_path) -> Iterator[type[MoneyMachine]]:
    """The machine with a folder for its stores, in a simulated world."""
    root = Path("/dev/shm") if Path("/dev/shm").is_dir() else tmp_path
    Store.open(tmp_path / "template").close()
    with tempfile.TemporaryDirectory(dir=root) as folder, simulate():
        MoneyMachine.template, MoneyMachine.folder = tmp_path / "template", Path(folder)
        yield MoneyMachine


def explore(machine: type[MoneyMachine], interleavings: int, *, seed: int | None = None, shrinks: bool = True) -> None:
    """Try so many interleavings."""
    settings = hypothesis.settings(
        max_examples=interleavings,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink] if shrinks else [Phase.generate],
        report_multiple_bugs=False,
    )
    machine = type(machine.__name__, (machine,), {})
    if seed is not None:
        hypothesis.seed(seed)(machine)
    run_state_machine_as_test(machine, settings=settings)


def test_money_is_kept_in_every_interleaving(machine):
    """The short form."""
    explore(machine, scaled(200))
