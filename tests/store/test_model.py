"""Whatever is done in whatever order, the store is what a few lines of Python say it should be."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from support.stores import Clock, asked, output, picture, sha256
from support.tiers import scaled

from nbbanana.errors import StoreError
from nbbanana.store import TERMINAL, Edit, Store

STATES = ["prepared", "submitting", "queued", "running", "downloading"]
STATES += ["completed", "failed", "rejected", "cancelled", "unknown", "lost", "gone"]
TAKEN = {"queued", "running", "downloading", "completed", "gone"}
UNCERTAIN = {"unknown", "lost"}
EARLY = {"prepared", "submitting"}
WORDS = ["neon", "street", "霓虹", "café", "snow"]
CENTS = st.integers(0, 300).map(lambda cents: cents / 100)
PATHS = [[], ["submitting"], ["submitting", "unknown"], *(["submitting", *STATES[2:n]] for n in range(3, 7))]
OUTPUTS = st.dictionaries(st.integers(0, 3), st.sampled_from("abcd"), max_size=2)
IDS = st.sampled_from([None, "one", "two"])


@dataclass
class Expected:
    """An edit as it should be."""

    new: Edit
    at: float
    state: str = "prepared"
    request_id: str | None = None
    cost: float | None = None
    kept: float | None = None
    started: bool = False
    outputs: dict[int, str] = field(default_factory=dict)
    tags: set[str] = field(default_factory=set)
    starred: bool = False
    note: str | None = None
    steps: list[str] = field(default_factory=lambda: ["prepared"])
    parents: tuple[int, ...] = ()
    lease: tuple[str, float] | None = None

    def may(self, state: str, request_id: str | None) -> bool:
        """Whether the step is one that can happen."""
        known = self.request_id or request_id
        is_another = request_id is not None and request_id != known
        if is_another or (known is None and (state in TAKEN or (self.state in UNCERTAIN and state not in UNCERTAIN))):
            return False
        never = {
            "prepared": TAKEN | {"failed", "unknown", "lost"},
            "submitting": {"prepared", "failed", "gone"},
            "queued": {"prepared", "submitting", "rejected", "lost"},
            "running": {"prepared", "submitting", "rejected", "lost"},
            "downloading": set(STATES) - {"downloading", "completed", "failed", "unknown", "gone"},
            "unknown": {"prepared", "submitting", "rejected", "unknown"},
            "lost": {"prepared", "submitting", "rejected", "unknown", "lost"},
        }
        return state not in never.get(self.state, set(STATES))

    def steps_ahead(self) -> list[tuple[Any, str | None]]:
        """The steps that can happen, with a request id that goes with them."""
        return [
            (state, known) for state in STATES for known in (None, self.request_id or "one") if self.may(state, known)
        ]

    @property
    def charge(self) -> float | None:
        """What it counts in a budget; None where nobody knows."""
        if self.cost is not None:
            return self.cost
        if self.state == "rejected" or (self.state == "cancelled" and not self.started):
            return 0.0
        if self.state == "prepared":
            return self.kept or 0.0
        return self.new.price_quoted if self.kept is None else self.kept


class AnySequence(RuleBasedStateMachine):
    """Edits are begun, moved, marked, paid for and watched, and the store is closed and opened in between."""

    @initialize()
    def an_empty_store(self) -> None:
        """Every sequence begins with nothing."""
        self.folder = tempfile.TemporaryDirectory()
        self.clock = Clock()
        self.store = Store.open(self.folder.name, clock=self.clock)
        self.expected: dict[int, Expected] = {}

    def teardown(self) -> None:
        """Everything is still true in the end, and the folder goes."""
        if hasattr(self, "store"):
            found = self.store.verify()
            assert (found.rows, found.wrong_digests) == ((), ())
            self.store.close()
            self.folder.cleanup()

    def some(self, data: st.DataObject) -> tuple[int, Expected]:
        """One of the edits that are there."""
        return data.draw(st.sampled_from(list(self.expected.items())))

    @rule(
        words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=3),
        contents=st.lists(st.sampled_from("abcd"), max_size=3),
        price=st.none() | CENTS,
        provider=st.sampled_from(["sandbox", "runcomfy"]),
        path=st.sampled_from(PATHS),
        made=st.sampled_from("abcd"),
    )
    def begin(
        self, words: list[str], contents: list[str], price: Any, provider: str, path: list[Any], made: str
    ) -> None:
        """A new edit, perhaps of what others made, on its way to some state."""
        photos = [picture(f"{content}.png", content) for content in contents]
        new = asked(" ".join(words), *photos, price_quoted=price, provider=provider)
        edit = self.store.begin(new)
        assert edit.id == len(self.expected) + 1
        makers = {
            content: max((n for n, other in self.expected.items() if content in other.outputs.values()), default=None)
            for content in contents
        }
        parents = tuple(dict.fromkeys(maker for content in contents if (maker := makers[content]) is not None))
        self.expected[edit.id] = Expected(new, self.clock.now, parents=parents)
        for state in path:
            outputs = {0: made} if state == "completed" else {}
            self.step(edit.id, state, "one" if state in TAKEN else None, None, outputs)

    @precondition(lambda self: self.expected)
    @rule(data=st.data(), request_id=IDS, cost=st.none() | CENTS)
    def try_to_move(self, data: st.DataObject, request_id: Any, cost: Any) -> None:
        """Every step that cannot happen is refused and changes nothing."""
        edit_id, expected = self.some(data)
        steps: list[Any] = [state for state in STATES if not expected.may(state, request_id)]
        for state in steps:
            with pytest.raises(StoreError):
                self.store.move(edit_id, state, request_id=request_id, cost=cost, outputs=[output("d")])

    @precondition(lambda self: any(other.steps_ahead() for other in self.expected.values()))
    @rule(data=st.data(), cost=st.none() | st.none() | CENTS, outputs=OUTPUTS)
    def move(self, data: st.DataObject, cost: Any, outputs: dict[int, str]) -> None:
        """A step that can happen happens."""
        edit_id = data.draw(st.sampled_from([n for n, other in self.expected.items() if other.steps_ahead()]))
        state, request_id = data.draw(st.sampled_from(self.expected[edit_id].steps_ahead()))
        self.step(edit_id, state, request_id, cost, outputs)

    def step(self, edit_id: int, state: Any, request_id: Any, cost: Any, outputs: dict[int, str]) -> None:
        """Take a step in the store and in the model."""
        expected = self.expected[edit_id]
        records = [output(content, index) for index, content in outputs.items()]
        self.store.move(edit_id, state, request_id=request_id, cost=cost, outputs=records)
        expected.state = state
        expected.steps.append(state)
        expected.request_id = expected.request_id or request_id
        expected.cost = expected.cost if cost is None else cost
        expected.started = expected.started or state == "running"
        expected.outputs |= outputs
        if state in TERMINAL:
            expected.lease = None

    @precondition(lambda self: self.expected)
    @rule(
        data=st.data(),
        starred=st.none() | st.booleans(),
        note=st.none() | st.sampled_from(["", "for the cover", "霓虹"]),
        add=st.sets(st.sampled_from("xyz")),
        remove=st.sets(st.sampled_from("xyz")),
    )
    def annotate(self, data: st.DataObject, starred: Any, note: Any, add: set[str], remove: set[str]) -> None:
        """People say what they think, in whatever state it is."""
        edit_id, expected = self.some(data)
        self.store.annotate(edit_id, starred=starred, note=note, add_tags=add, remove_tags=remove)
        expected.starred = expected.starred if starred is None else starred
        expected.note = expected.note if note is None else note or None
        expected.tags = (expected.tags | add) - remove

    @precondition(lambda self: any(other.state not in EARLY for other in self.expected.values()))
    @rule()
    def reserve_too_late(self) -> None:
        """Nothing can be kept back for what was sent."""
        for edit_id in [n for n, other in self.expected.items() if other.state not in EARLY]:
            with pytest.raises(StoreError):
                self.store.reserve(edit_id, 0.01, budget=1000.0)

    @precondition(lambda self: any(other.state in EARLY for other in self.expected.values()))
    @rule(data=st.data(), amount=CENTS, budget=CENTS | st.just(1000.0))
    def reserve(self, data: st.DataObject, amount: float, budget: float) -> None:
        """Money is kept back only if it is there."""
        edit_id = data.draw(st.sampled_from([n for n, other in self.expected.items() if other.state in EARLY]))
        expected = self.expected[edit_id]
        others = [
            other.charge
            for other in self.expected.values()
            if other.new.provider == expected.new.provider and other is not expected
        ]
        # A cost that is told already counts beside what would be kept back: it was spent.
        others += [expected.cost] if expected.cost is not None else []
        fits = None not in others and round((sum(filter(None, others)) + amount) * 100) <= round(budget * 100)
        assert self.store.reserve(edit_id, amount, budget=budget).granted == fits
        if fits:
            expected.kept = amount

    @precondition(lambda self: self.expected)
    @rule(data=st.data(), owner=st.sampled_from(["elsewhere:1:a", "elsewhere:2:b"]), ttl=st.sampled_from([10.0, 50.0]))
    def claim(self, data: st.DataObject, owner: str, ttl: float) -> None:
        """A lease is for one until its time is up."""
        edit_id, expected = self.some(data)
        free = expected.lease is None or expected.lease[0] == owner or expected.lease[1] <= self.clock.now
        assert self.store.claim(edit_id, owner, ttl) == free
        if free:
            expected.lease = (owner, self.clock.now + ttl)

    @rule(seconds=st.sampled_from([1.0, 20.0, 100.0]))
    def time_passes(self, seconds: float) -> None:
        """Leases end and edits grow old."""
        self.clock.tick(seconds)

    @rule()
    def another_kernel_opens_it(self) -> None:
        """Nothing lives in memory only."""
        self.store.close()
        self.store = Store.open(self.folder.name, clock=self.clock)

    @invariant()
    def rows_are_as_expected(self) -> None:
        """Every edit reads back as the model has it, newest first."""
        if not hasattr(self, "store"):
            return
        found = self.store.filter(limit=1000)
        assert [edit.id for edit in found] == sorted(self.expected, reverse=True)
        assert self.store.count() == len(self.expected)
        for edit in found:
            self.is_as_expected(edit, self.expected[edit.id])

    def is_as_expected(self, edit: Edit, expected: Expected) -> None:
        """One edit."""
        assert (edit.state, edit.request_id, edit.cost) == (expected.state, expected.request_id, expected.cost)
        assert (edit.created_at, edit.parents, edit.inputs) == (expected.at, expected.parents, expected.new.inputs)
        assert [step.state for step in edit.transitions] == expected.steps
        assert {item.index: item.sha256 for item in edit.outputs} == {
            index: sha256(content) for index, content in expected.outputs.items()
        }
        assert (set(edit.tags), edit.starred, edit.note) == (expected.tags, expected.starred, expected.note)
        assert (edit.finished_at is not None) == edit.is_terminal

    @invariant()
    def answers_are_as_expected(self) -> None:
        """Questions, money and leases agree with the model."""
        if not hasattr(self, "store"):
            return
        unfinished = [n for n, other in self.expected.items() if other.state not in TERMINAL]
        assert [edit.id for edit in self.store.unfinished()] == unfinished
        watched = {n for n, other in self.expected.items() if other.lease and other.lease[1] > self.clock.now}
        assert [edit.id for edit in self.store.unfinished(unclaimed=True)] == [
            n for n in unfinished if n not in watched
        ]
        for provider in ("sandbox", "runcomfy"):
            charges = [other.charge for other in self.expected.values() if other.new.provider == provider]
            for after_id in (None, 0):
                spending = self.store.spending(provider, after_id)
                assert spending.total == pytest.approx(sum(filter(None, charges)))
                assert spending.unpriced == charges.count(None)
        for word in WORDS:
            hits = {n for n, other in self.expected.items() if word in f"{other.new.parameters['prompt']} {other.note}"}
            assert {edit.id for edit in self.store.search(word, limit=1000)} == hits


TestAnySequence = AnySequence.TestCase
TestAnySequence.settings = settings(
    max_examples=scaled(12), stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
