"""
When an ask is answered from the store instead of being sent.

A *seeded* ask is one question: its newest answer answers it, and a job of it that is under way anywhere is followed.

An ask *without a seed* is a wish for samples. Each record knows the cell and the ordinal it was asked with: "the k-th
time in this execution of this cell". Restart and Run All asks the same cells in the same order, so the k-th occurrence
in the first execution of a cell is answered by the newest record of that cell and ordinal; where no cell is known
(nbclient and papermill send none), occurrences are counted in the kernel, and answered in the order in which the cells
were first asked. Records that were not given yet in this kernel come next. A later execution of a cell asks for a new
sample, and is sent.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from nbbanana.errors import NotInStoreError, UncertainError
from nbbanana.models import ids
from nbbanana.request import EditRequest
from nbbanana.settings import Guarded, Mode
from nbbanana.store import Store
from nbbanana.store.records import Edit, State
from nbbanana.text import counted

__all__ = ["Occurrence", "Reuse"]

COLLECTABLE: tuple[State, ...] = ("queued", "running", "downloading")
"""States of a job that the service took and whose pictures are not here."""
UNDER_WAY: tuple[State, ...] = ("prepared", "submitting", *COLLECTABLE)
EVERY_STATE: tuple[State, ...] = get_args(State)
UNSETTLED = frozenset({"unknown", "lost"})
MANY = 1000
"""The most records of one ask that are read."""
AT_ONCE = 500
"""Asks that one query is about."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """
    One time that an ask comes up.

    Args:
        cell: the cell that asks; None where it is not known.
        ordinal: how often it came up before: in the cell's execution, or in the kernel where no cell is known.
        is_first: whether the cell runs for the first time in this kernel; a later execution wants a new sample.
    """

    cell: str | None
    ordinal: int
    is_first: bool


class Reuse(Guarded):
    """
    Decides which stored edit answers a request; one for a session, which counts what was asked and given.

    Args:
        store: the store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._asked: Counter[tuple[str, str | None, int | None]] = Counter()
        self._first: dict[tuple[str, str], int | None] = {}
        self._given: set[int] = set()
        super().__init__()

    def occurs(self, request: EditRequest) -> Occurrence:
        """Count one occurrence of an ask."""
        ask, origin = request.ask, request.origin
        execution = origin.execution if origin.cell is not None else None
        with self._guard:
            ordinal = self._asked[ask, origin.cell, execution]
            self._asked[ask, origin.cell, execution] += 1
            is_first = origin.cell is None or self._first.setdefault((ask, origin.cell), execution) == execution
        return Occurrence(origin.cell, ordinal, is_first)

    def give(self, edit: Edit) -> Edit:
        """Record that an edit was given as an answer in this kernel."""
        with self._guard:
            self._given.add(edit.id)
        return edit

    def answer(self, request: EditRequest, occurrence: Occurrence, provider: str | None, mode: Mode) -> Edit | None:
        """
        Return the stored edit that answers an occurrence of an ask, or None where it is to be sent.

        Args:
            request: what is asked.
            occurrence: which time it is.
            provider: whose edits may answer; None, in a replay without a provider, takes any.
            mode: `auto`, `fresh` or `replay`.

        Raises:
            NotInStoreError: in `replay`, where nothing answers.
        """
        if mode == "fresh":
            return None
        answers = self._of_ask(request, provider, ("completed",), MANY)
        found = self._choose(answers, request, occurrence, mode)
        if found is None and mode == "replay":
            raise _no_answer(occurrence, len(answers))
        return None if found is None else self.give(found)

    def newest(self, request: EditRequest, provider: str) -> Edit | None:
        """Return the newest completed edit of an ask, whether it was given in this kernel or not."""
        return next(iter(self._of_ask(request, provider, ("completed",), 1)), None)

    def standings(self, asked: Sequence[tuple[EditRequest, int]], provider: str | None) -> list[Edit | None]:
        """
        Return for each sample of an ask the edit that stands for it: the one that answers it, else the newest there is.

        The store is asked once for many of them.

        Args:
            asked: each request, and of an ask without a seed, which of those that were sent, the oldest first; a
                seeded ask has one.
            provider: who runs them; None takes any.
        """
        found: list[Edit | None] = []
        for start in range(0, len(asked), AT_ONCE):
            some = asked[start : start + AT_ONCE]
            questions = [self._questions(request) for request, _ in some]
            edits = self._store.by_asks(list(dict.fromkeys(itertools.chain.from_iterable(questions))), provider)
            of_ask: dict[str, list[Edit]] = {}
            for edit in edits:
                of_ask.setdefault(edit.ask, []).append(edit)
            found += [
                _standing(request, sample, _newest_first(request, asks, of_ask))
                for (request, sample), asks in zip(some, questions, strict=True)
            ]
        return found

    def collectable(self, request: EditRequest, provider: str) -> Edit | None:
        """Return an accepted job of the same ask that was not collected and that no kernel watches."""
        edits = self._of_ask(request, provider, COLLECTABLE, 10)
        return next((edit for edit in edits if edit.request_id and not self._store.is_claimed(edit.id)), None)

    def followed(self, request: EditRequest, provider: str, before: int | None = None) -> Edit | None:
        """
        Return a job of the same seeded ask that another kernel or session has under way.

        Args:
            request: what is asked.
            provider: who runs it.
            before: only jobs that were written down before this edit, so that of two kernels one follows the other.
        """
        if not request.is_seeded:
            return None
        edits = self._of_ask(request, provider, UNDER_WAY, MANY)
        # The oldest first: it gives way to no other.
        older = [edit for edit in reversed(edits) if before is None or edit.id < before]
        return next((edit for edit in older if self._store.is_claimed(edit.id)), None)

    def ahead(self, request: EditRequest, provider: str, before: int) -> Edit | None:
        """
        Return an edit of the same seeded ask, written down before this, that is under way, answers it or is uncertain.

        None of them may have been there when the ask began. Of two kernels that ask at the same moment, the one whose
        edit came later sends nothing.
        """
        if (other := self.followed(request, provider, before)) is not None:
            return other
        # Asked after that: a job that ended between the two questions is found by the second.
        older = [edit for edit in self._of_ask(request, provider, EVERY_STATE, MANY) if edit.id < before]
        answers = [edit for edit in older if edit.state == "completed"]
        return next(iter([*answers, *filter(_is_uncertain, older[:1])]), None)

    def check_certain(self, request: EditRequest, provider: str) -> None:
        """
        Refuse to send an ask again whose newest edit may have been taken.

        Raises:
            UncertainError: it names that edit.
        """
        newest = self._of_ask(request, provider, EVERY_STATE, 1)
        if newest and newest[0].state == "submitting" and not self._store.is_claimed(newest[0].id):
            # Its kernel ended while it was being sent.
            self._store.settle_abandoned(0.0)
            newest = self._of_ask(request, provider, EVERY_STATE, 1)
        for edit in filter(_is_uncertain, newest):
            raise UncertainError(
                f"Edit {edit.id} asked the same, and it is not known whether it was charged.",
                "It may have been taken by the service, so it is not sent again by itself.",
                f"Look at the service's list. Then: nb.history.settle({edit.id}, cost=…), or mode='fresh' to ask anew.",
                edit_id=edit.id,
                request_id=edit.request_id,
            )

    def _of_ask(self, request: EditRequest, provider: str | None, states: Sequence[State], limit: int) -> list[Edit]:
        """
        Return the newest edits that asked the same.

        To a request that names no model, those are also the ones that named none when another model was the default:
        a default that changes makes no new question of an old cell.
        """
        ask, *unnamed = self._questions(request)
        return self._store.by_ask(ask, provider, states=states, limit=limit, unnamed=unnamed)

    @staticmethod
    def _questions(request: EditRequest) -> list[str]:
        """Return the digest of an ask and, where it names no model, of the same question to other models."""
        others = () if request.model_named else (model for model in ids() if model != request.model)
        return [request.ask, *(request.ask_at(model) for model in others)]

    def _choose(self, answers: list[Edit], request: EditRequest, occurrence: Occurrence, mode: Mode) -> Edit | None:
        if not answers:
            return None
        if request.is_seeded:
            return answers[0] if mode == "auto" else self._kth(answers, occurrence) or answers[0]
        if not occurrence.is_first and mode == "auto":
            return None
        return self._kth(answers, occurrence)

    def _kth(self, answers: list[Edit], occurrence: Occurrence) -> Edit | None:
        """Return the answer to an occurrence, else the first that was not given yet."""
        slots = _slots(answers)
        if occurrence.cell is not None:
            own = slots.get((occurrence.cell, occurrence.ordinal))
        else:
            in_order = list(slots.values())
            own = slots.get((None, occurrence.ordinal))
            if own is None and occurrence.ordinal < len(in_order):
                own = in_order[occurrence.ordinal]
        with self._guard:
            given = set(self._given)
        if own is not None and own.id not in given:
            return own
        left = [edit for edit in (*slots.values(), *answers) if edit.id not in given]
        return left[0] if left else None


def _newest_first(request: EditRequest, asks: Sequence[str], of_ask: Mapping[str, list[Edit]]) -> list[Edit]:
    """Return the edits of an ask; those of other models count where no model was named."""
    own = of_ask.get(request.ask, [])
    others = [edit for ask in asks[1:] for edit in of_ask.get(ask, ()) if not edit.model_named]
    return sorted([*own, *others], key=lambda edit: -edit.id)[:MANY] if others else own[:MANY]


def _standing(request: EditRequest, sample: int, edits: Sequence[Edit]) -> Edit | None:
    """Return the edit that stands for a sample, out of those of its ask, newest first."""
    if request.is_seeded:
        return next((edit for edit in edits if edit.state == "completed"), next(iter(edits), None))
    taken = [edit for edit in reversed(edits) if edit.state not in {"rejected", "cancelled"}]
    return taken[sample] if sample < len(taken) else None


def _is_uncertain(edit: Edit) -> bool:
    """Return whether the service may have taken an edit whose cost is not known."""
    return edit.state in UNSETTLED and edit.cost is None


def _slots(answers: Iterable[Edit]) -> dict[tuple[str | None, int], Edit]:
    """Return for each cell and ordinal its newest record, in the order in which they were first asked."""
    slots: dict[tuple[str | None, int], Edit] = {}
    unnumbered: Counter[str | None] = Counter()
    for edit in sorted(answers, key=lambda edit: edit.id):
        ordinal = edit.ordinal
        if ordinal is None:  # written before ordinals were kept: each was one occurrence
            ordinal = unnumbered[edit.cell]
            unnumbered[edit.cell] += 1
        slots[edit.cell, ordinal] = edit
    return slots


def _no_answer(occurrence: Occurrence, answers: int) -> NotInStoreError:
    asked, answered = counted(occurrence.ordinal + 1, "time"), counted(answers, "time")
    return NotInStoreError(
        f"The store holds no {'further ' if answers else ''}answer to this request.",
        f"It was asked {asked} here and answered {answered} before; replay sends nothing.",
        "Check the store and the cell, or use mode='auto' to ask the service.",
    )
