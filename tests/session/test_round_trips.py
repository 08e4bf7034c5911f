"""
A bundle carries all of what was done in a store, and merging it anywhere gives the same: digests, lineage, bytes.

Hypothesis makes up studies: edits of photographs and of edits, branches, failures and refusals, exports in the middle,
merges of whole and partial bundles in any order. A model beside the store says what must be there.
"""

from __future__ import annotations

import hashlib
import itertools
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from support.tiers import scaled

import nbbanana as nb
from nbbanana import errors
from nbbanana.providers import local
from nbbanana.sandbox import Fault

PHOTOS = [np.random.default_rng(seed).integers(0, 255, (24, 32, 3), "uint8") for seed in range(3)]
WORDS = ("Make it snow.", "背景换成霓虹街道。", "Keep <all> & add “neon”.\n\nTwo lines.")
SEEDS = st.sampled_from([None, 1, 2, 2**31 - 1])
Facts = tuple[object, ...]


class Study(RuleBasedStateMachine):
    """Two stores and the bundles between them."""

    @initialize()
    def begin(self) -> None:
        """Two empty stores."""
        self.folder = Path(tempfile.mkdtemp())
        self.stores = [nb.Session(provider="sandbox", store=self.folder / name) for name in ("one", "other")]
        self.known: list[dict[str, Facts]] = [{}, {}]
        self.bundles: list[tuple[Path, dict[str, Facts]]] = []
        self.names = itertools.count()

    def teardown(self) -> None:
        """Everything is merged into a third store, which is whole and holds the same; then all is removed."""
        if not hasattr(self, "stores"):
            return
        with nb.Session(provider="sandbox", store=self.folder / "third") as third:
            expected: dict[str, Facts] = {}
            for path, content in self.bundles:
                third.history.merge(path)
                expected |= content
            check(third, expected)
        for session in self.stores:
            session.close()
        shutil.rmtree(self.folder)

    @rule(which=st.integers(0, 1), photo=st.integers(0, 2), words=st.sampled_from(WORDS), seed=SEEDS)
    def edit_a_photograph(self, which: int, photo: int, words: str, seed: int | None) -> None:
        """A new edit, or an old one where the same was asked before."""
        result = self.stores[which].edit(words, PHOTOS[photo], seed=seed, resolution="0.5K")
        self.known[which][result.record.uid] = facts(result)

    @rule(which=st.integers(0, 1), pick=st.integers(0, 99), words=st.sampled_from(WORDS), seed=SEEDS)
    def edit_an_edit(self, which: int, pick: int, words: str, seed: int | None) -> None:
        """A branch of something that was made or merged."""
        made = [result for result in self.stores[which].history if len(result)]
        if not made:
            return
        parent = made[pick % len(made)]
        result = parent[0].edit(words, seed=seed, resolution="0.5K")
        assert result.record.parents
        self.known[which][result.record.uid] = facts(result)

    @rule(which=st.integers(0, 1), refused=st.booleans())
    def fail(self, which: int, refused: bool) -> None:
        """The service fails a job, or refuses to take one: that is remembered as well."""
        fault = Fault("submit", error_code=400002) if refused else Fault("job", error="no paint")
        local._sandbox(0.0).add_fault(fault)
        with pytest.raises(errors.BalanceError if refused else errors.JobFailedError) as failed:
            self.stores[which].edit("Make it fail.", PHOTOS[0], resolution="0.5K", mode="fresh")
        result = self.stores[which].history[failed.value.edit_id]
        assert result.record.state == ("rejected" if refused else "failed")
        self.known[which][result.record.uid] = facts(result)

    @rule(which=st.integers(0, 1), some=st.sets(st.integers(0, 5)))
    def export(self, which: int, some: set[int]) -> None:
        """A bundle of everything, or of a few."""
        results = [result for number, result in enumerate(self.stores[which].history) if number not in some]
        path = self.folder / f"{next(self.names)}.zip"
        self.stores[which].history.export(path, results)
        self.bundles.append((path, {result.record.uid: facts(result) for result in results}))

    @precondition(lambda self: self.bundles)
    @rule(which=st.integers(0, 1), pick=st.integers(0, 99))
    def merge(self, which: int, pick: int) -> None:
        """A merge adds what was not there, and a second one nothing."""
        path, content = self.bundles[pick % len(self.bundles)]
        new = content.keys() - self.known[which].keys()
        assert self.stores[which].history.merge(path) == len(new)
        assert self.stores[which].history.merge(path) == 0
        self.known[which] |= {uid: content[uid] for uid in new}

    @precondition(lambda self: self.bundles)
    @rule(pick=st.integers(0, 99))
    def open_a_bundle(self, pick: int) -> None:
        """A bundle that is opened holds just what was put into it, in its order."""
        path, content = self.bundles[pick % len(self.bundles)]
        with nb.Session(store=path) as session:
            assert [result.record.uid for result in nb.History.open(path)] == list(content)
            check(session, content)

    @invariant()
    def both_stores_hold_what_the_model_holds(self) -> None:
        """After every step."""
        for session, known in zip(getattr(self, "stores", ()), getattr(self, "known", ()), strict=True):
            assert {result.record.uid: facts(result) for result in session.history} == known


def facts(result: nb.EditResult) -> Facts:
    """What must stay the same wherever an edit travels."""
    edit = result.record
    return (
        edit.digest,
        edit.ask,
        edit.state,
        edit.seed,
        dict(edit.parameters),
        [(record.name, record.identity, record.sha256) for record in edit.inputs],
        [(output.sha256, output.mime, output.size) for output in edit.outputs],
        [(step.state, step.at) for step in edit.transitions],
        (edit.cost, edit.created_at, edit.error),
    )


def check(session: nb.Session, expected: dict[str, Facts]) -> None:
    """A store holds these edits, its bytes and digests are whole, and its lineage follows from content."""
    results = {result.record.uid: result for result in session.history}
    assert {uid: facts(result) for uid, result in results.items()} == expected
    assert session.store.verify().ok
    made: dict[str, set[int]] = {}
    for result in results.values():
        sources = [record.identity.removeprefix("sha256:") for record in result.inputs]
        # Of several edits that made the same bytes any may be the parent; one there was must be.
        assert len(result.record.parents) >= any(made.get(source) for source in sources)
        assert set(result.record.parents) <= set().union(*(made.get(source, set()) for source in sources))
        for output in result:
            assert hashlib.sha256(output.bytes).hexdigest() == output.sha256
            made.setdefault(output.sha256, set()).add(result.id)


FORM = {"deadline": None, "suppress_health_check": list(HealthCheck)}


def test_a_short_study_goes_round():
    """A few studies of some steps, in every run."""
    run_state_machine_as_test(Study, settings=settings(max_examples=4, stateful_step_count=8, **FORM))


@pytest.mark.nightly
@pytest.mark.timeout(0)
def test_long_studies_go_round():
    """Many studies of many steps."""
    run_state_machine_as_test(Study, settings=settings(max_examples=scaled(10), stateful_step_count=30, **FORM))
