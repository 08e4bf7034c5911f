"""
One suite of tests that every provider passes.

Whoever adds a provider subclasses `Conformance` in a test module of its own and says which emulator stands in for the
service; pytest collects the rest. The tests run real requests over sockets, and look at what the service took, what
the store has, and what was said.
"""

from __future__ import annotations

import json
import logging
import os
import random
import re
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self

import pytest

import nbbanana as nb
from nbbanana import errors, models
from nbbanana.providers import registry
from nbbanana.providers.http import Timeouts
from nbbanana.providers.registry import ProviderSpec
from nbbanana.sandbox import FAULT_KINDS, Fault
from nbbanana.store.records import TERMINAL
from nbbanana.testing import asking
from nbbanana.testing.asking import small_picture
from nbbanana.testing.emulator import Emulator

__all__ = ["HASTE", "Conformance"]

HASTE = Timeouts(connect=2, read=0.5, read_total=1, submit=0.5, submit_total=1, download_total=3)
"""Seconds within which a fault that waits is given up in these tests."""
PACE = 0.005
"""Seconds that a second of the service takes: emulators answer at once, and are asked so often."""
WORDS = "Make it snow, number 1."
BATCH = 6
AFTERWARDS = {"completed", "unknown", "lost"}
"""The states of an edit whose POST was taken though something went wrong; never one that says it was not."""


class Conformance:
    """
    The suite; a subclass says what it is about.

    Attributes:
        provider: the name of the provider.
        emulator: makes the emulator of its service, of the switches that `Emulator` has.
        cap: bytes above which an answer is not read.
        kills: how many kernels are killed.
    """

    provider: ClassVar[str]
    emulator: ClassVar[type[Emulator]]
    cap: ClassVar[int] = 8 << 20
    kills: ClassVar[int] = 3

    @pytest.fixture(autouse=True)
    def _prepared(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        with self.prepared(tmp_path, monkeypatch):
            yield

    @contextmanager
    def prepared(self, folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Self]:
        """Work in a folder; what is opened meanwhile is closed afterwards."""
        self.folder, self.patch = folder, patch
        with ExitStack() as self._opened:
            yield self

    @property
    def spec(self) -> ProviderSpec:
        """The provider's spec."""
        return registry.find(self.provider)

    def service(self, **switches: Any) -> Emulator:
        """Serve an emulator, and have the environment point to it."""
        service = self._opened.enter_context(self.emulator(**switches))
        for name, value in service.environment.items():
            self.patch.setenv(name, value)
        return service

    def session(self, *, store: str = "store", hasty: bool = False, **how: Any) -> nb.Session:
        """Open a session at the provider; a hasty one gives up within a second."""
        options = {"provider": self.provider, "store": self.folder / store, "model": self.spec.default_model}
        session = nb.Session(**{**options, **how})
        self._opened.callback(session.close)
        session.engine_at().provider.pace = PACE
        if hasty:
            session.engine_at().provider.http.timeouts = HASTE  # type: ignore[attr-defined]
        return session

    # ── one request ─────────────────────────────────────────────────────────────────────────────────────────

    def test_a_request_is_sent_once_and_its_picture_is_recorded(self) -> None:
        """With provider, model, seed, cost or quote, and a line in the ledger."""
        service, session = self.service(), self.session()
        result = session.edit(WORDS, small_picture())
        record = result.record
        assert (len(result), len(service.posts), record.state) == (1, 1, "completed")
        assert record.provider_model == service.posts[0].model
        assert record.seed is None or str(record.seed) in json.dumps(dict(service.posts[0].payload))
        (post,) = session.store.posts(record.id)
        assert (post.outcome, post.provider) == ("accepted", record.provider)
        assert result[0].pil.size[0] > 0

    def test_what_it_says_it_carries_arrives_and_is_taken(self) -> None:
        """Each field by itself, with a value that the service's own rules check; several pictures too."""
        service, session = self.service(), self.session()
        model = models.get(self.spec.default_model)
        carries = self._carried(session)
        options = [one for one in model.options if one.name in carries and one.role not in {"seed", "mask"}]
        for option in options:
            given: dict[str, Any] = {option.name: 2 if option.role == "count" else _value(option)}
            assert session.edit(WORDS, small_picture(), **given), option.name
        assert len(session.edit(WORDS, small_picture(), n=2, seed=7)) == 2
        assert service.posts

    def test_what_it_does_not_carry_is_refused_and_names_itself(self) -> None:
        """Before anything is sent, and nothing is dropped in silence."""
        service, session = self.service(), self.session()
        model = models.get(self.spec.default_model)
        carries = self._carried(session)
        for option in (one for one in model.options if one.name not in carries):
            with pytest.raises(errors.ParameterError, match=option.name):
                session.edit(WORDS, small_picture(), **{option.name: _value(option)})
        with pytest.raises(errors.ParameterError):
            session.edit(WORDS, small_picture(), no_such_parameter=1)
        assert service.posts == []

    def test_refused_content_is_a_typed_outcome_with_its_reason(self) -> None:
        """Told apart from a fault of the service, and recorded."""
        self.service(end="blocked")
        session = self.session()
        with pytest.raises((errors.BlockedError, errors.RejectedError)) as caught:
            session.edit(WORDS, small_picture())
        assert caught.value.why
        assert session.history[1].record.state in {"failed", "rejected"}

    def test_a_wrong_key_is_told_and_nothing_is_taken(self) -> None:
        """The error names where the key comes from."""
        service = self.service()
        variable = next(name for name, value in service.environment.items() if value == service.key)
        self.patch.setenv(variable, "a-wrong-key")
        with pytest.raises(errors.CredentialError, match=variable):
            self.session().edit(WORDS, small_picture())
        assert service.posts == []

    # ── money ───────────────────────────────────────────────────────────────────────────────────────────────

    def test_the_cost_lies_within_the_quote(self) -> None:
        """A floor is a floor, and an exact price is exact."""
        self.service()
        session = self.session()
        quote = session.quote(session.request(WORDS, [small_picture()], n=2))
        record = session.edit(WORDS, small_picture(), n=2).record
        assert record.cost is None or quote.holds(record.cost)
        assert record.cost is not None or quote.low is not None

    def test_a_budget_is_kept_before_anything_is_sent(self) -> None:
        """For all pictures of a request together."""
        service, session = self.service(), self.session(budget=0.05)
        with pytest.raises(errors.BudgetError):
            session.edit(WORDS, small_picture(), n=4, assume_price=0.5)
        assert service.posts == []

    @pytest.mark.parametrize("kind", [pytest.param(kind, id=kind.replace(" ", "-")) for kind in FAULT_KINDS])
    def test_whatever_goes_wrong_on_the_wire_a_post_is_taken_once_at_most(self, kind: str) -> None:
        """The outcome is typed, the record true, and what is uncertain is not sent again by itself."""
        service, session = self.service(faults=[Fault.named(kind, "submit")]), self.session(hasty=True)
        outcome: errors.NBBananaError | None = None
        try:
            session.edit(WORDS, small_picture(), seed=1)
        except errors.NBBananaError as error:
            outcome = error
        service.release()
        state = session.history[1].record.state
        assert len(service.posts) <= 1
        assert (outcome is None) == (state == "completed")
        assert outcome is None or outcome.why
        assert state in AFTERWARDS if service.posts else state in {"completed", "rejected", "unknown", "lost"}
        if state in {"unknown", "lost"}:
            before = service.submits
            with pytest.raises(errors.UncertainError):
                session.edit(WORDS, small_picture(), seed=1)
            assert service.submits == before
            session.history.settle(1, cost=0)

    def test_an_answer_without_an_end_is_cut_at_its_cap(self) -> None:
        """And is no refusal: the request may have been taken."""
        huge = b'{"x": "' + b"x" * (self.cap + 10)
        service = self.service(faults=[Fault("submit", after_accept=True, status=200, body=huge)])
        session = self.session()
        with pytest.raises(errors.UncertainError):
            session.edit(WORDS, small_picture())
        assert len(service.posts) == 1

    def test_a_stop_leaves_a_true_record_and_sends_nothing_again(self) -> None:
        """What is made all the same is recorded; what was cancelled is cancelled."""
        service, session = self.service(holds=True), self.session()
        job = session.submit(WORDS, small_picture(), seed=3)
        _until(lambda: bool(service.posts))
        job.cancel()
        assert job.message
        service.release()
        _until(lambda: session.history[1].record.state in {*TERMINAL, "queued", "running"})
        assert len(service.posts) <= 1

    def test_killed_kernels_pay_nothing_twice_and_lose_nothing_without_a_word(self) -> None:
        """Batches that are killed at random moments; then another kernel collects what can be collected."""
        self.kill(self.kills)

    def kill(self, kills: int) -> Counter[str]:
        """Kill so many kernels, and check what they left; returns how many edits are in each state, and were taken."""
        service, dice = self.service(), random.Random(7)  # noqa: S311 - it picks moments
        for number in range(kills):
            self._kill_one(service, number * BATCH, dice)
            with nb.Session(provider=self.provider, store=self.folder / "store") as session:
                session.store.settle_abandoned(0.0)
                session.history.resume()
        with nb.Session(provider=self.provider, store=self.folder / "store") as session:
            states = {edit.record.seed: edit.record.state for edit in session.history}
            assert session.store.verify().ok
        payloads = json.dumps([post.payload for post in service.posts], default=str)
        taken = Counter(map(int, re.findall(r"number (\d+)\.", payloads)))
        assert max(taken.values(), default=0) <= 1, "a request was paid for twice"
        for seed in taken:
            assert states[seed] in AFTERWARDS, f"edit with seed {seed} was taken and is recorded as {states[seed]}"
        return Counter(states.values()) + Counter({"taken": len(taken)})

    # ── keys ────────────────────────────────────────────────────────────────────────────────────────────────

    @pytest.mark.parametrize("kind", ["", "drop after accept", "garbage", "500"])
    def test_the_key_is_nowhere(self, kind: str, caplog: pytest.LogCaptureFixture) -> None:
        """Not in files, logs, errors with their causes, or what is shown; and it came to no address of an output."""
        caplog.set_level(logging.DEBUG)
        service = self.service(faults=[Fault.named(kind, "submit")] if kind else [])
        session = self.session(hasty=bool(kind))
        shown = [repr(session.engine_at().provider), repr(session), str(nb.list_providers()._repr_mimebundle_())]
        try:
            result = session.edit(WORDS, small_picture())
            shown += [result.code(), result.cell(), result.curl(), str(result._repr_mimebundle_())]
            assert any(f"${name}" in result.curl() for name in self.spec.key_variables)
        except errors.NBBananaError as error:
            shown += ["".join(traceback.format_exception(error)), *_locals(error)]
        assert service.keys
        assert service.key not in caplog.text
        assert not [text for text in shown if service.key in text]
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        assert not [path for path in files if service.key.encode() in path.read_bytes()]
        assert not [path for path in service.keys if service.target("GET", path) == "download"]
        assert self.spec.endpoints().is_official
        assert all(base.startswith("https://") for base in self.spec.endpoints().as_dict().values())

    # ── records ─────────────────────────────────────────────────────────────────────────────────────────────

    def test_the_same_seeded_request_is_answered_from_the_store(self) -> None:
        """And a series pays for what is new only."""
        service, session = self.service(), self.session()
        first = session.edit(WORDS, small_picture(), seed=1)
        again = session.edit(WORDS, small_picture(), seed=1)
        assert again.record.id == first.record.id
        first.vary(seeds=[1, 2, 3])
        assert len(service.posts) == 3

    def test_a_bundle_is_replayed_where_the_provider_is_not_installed(self) -> None:
        """Without its key, and without the network."""
        service, session = self.service(), self.session()
        first = session.edit(WORDS, small_picture(), seed=1)
        bundle = session.history.export(self.folder / "study.zip")
        for name in service.environment:
            self.patch.delenv(name)
        # A copy: an entry that is put back into the dictionary would come last in every list of providers.
        self.patch.setattr(
            registry, "OWN", {name: registry.OWN[name] for name in registry.OWN if name != self.provider}
        )
        asked = len(service.asked)
        with nb.Session(store=bundle, mode="replay") as reader:
            again = reader.edit(WORDS, small_picture(), seed=1, model=first.record.model)
            assert again[0].bytes == first[0].bytes
        assert len(service.asked) == asked

    # ── helpers ─────────────────────────────────────────────────────────────────────────────────────────────

    def _carried(self, session: nb.Session) -> set[str]:
        """Return the parameters of the default model that the service has a field for, by its name or its role."""
        live = session.quote(session.request(WORDS, [small_picture()])).live
        model = models.get(self.spec.default_model)
        return {one.name for one in model.options if live is None or model.counterpart(one.name, live) is not None}

    def _kill_one(self, service: Emulator, first: int, dice: random.Random) -> None:
        """Start a batch in a process of its own and kill it after some requests and a few milliseconds."""
        moment = len(service.asked) + dice.randrange(BATCH * 4)
        command = [sys.executable, asking.__file__, str(self.folder / "store"), self.provider, self.spec.default_model]
        with subprocess.Popen([*command, str(first), str(BATCH)], stdout=subprocess.PIPE, text=True) as child:  # noqa: S603
            ends = time.monotonic() + 30.0
            while child.poll() is None and len(service.asked) < moment and time.monotonic() < ends:
                time.sleep(0.001)
            time.sleep(dice.random() * 0.03)
            if child.poll() is None:
                os.kill(child.pid, signal.SIGKILL)
            child.communicate()


def _value(option: models.Field) -> Any:
    """Return a value of an option that is not its default, where there is one."""
    if option.enum:
        return next((value for value in option.enum if value not in {option.default, "auto"}), option.enum[0])
    if option.kind == "boolean":
        return not option.default
    return option.minimum if option.minimum is not None else 1


def _locals(error: BaseException) -> list[str]:
    """Return the locals of each frame of nbbanana in an error's traceback, and those of its causes, hidden ones too."""
    found: list[str] = []
    one: BaseException | None = error
    while one is not None:
        frames = [frame for frame, _ in traceback.walk_tb(one.__traceback__) if frame.f_code.co_filename != __file__]
        found += [f"{name} = {value!r}" for frame in frames for name, value in frame.f_locals.items()]
        one = one.__cause__ or one.__context__
    return found


def _until(condition: Any, patience: float = 20.0) -> None:
    ends = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < ends, "it never came to that"
        time.sleep(0.005)
