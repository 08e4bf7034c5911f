"""
What the history browser asks of a store of 100,000 edits: all that matches in an order, and counts beside each choice.

A fifth of the edits is rated and as many have a tag. Times are printed, the calmest of five calls, by the clock and by the
processor; what is asserted are the counts, and that ten times the edits take at most twenty times as long.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.stores import MODEL, generated

from nbbanana.store import Edit, Store
from nbbanana.store.filters import Facets

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(0)]

SIZES = (10_000, 100_000)
TURNS = 5
GROWTH = 20.0
"""How much longer ten times the edits may take."""

Question = Callable[[Store], object]
QUESTIONS: dict[str, Question] = {
    "counts, nothing chosen": lambda store: store.facets(),
    "counts, a model": lambda store: store.facets(model=MODEL),
    "counts, a model, a service, no rejected": lambda store: store.facets(
        model=MODEL, provider="sandbox", rejected=False
    ),
    "counts, a tag": lambda store: store.facets(tag="poster"),
    "counts, a common word": lambda store: store.facets(words="background"),
    "newest first": lambda store: store.matching(),
    "newest first, a model": lambda store: store.matching(model=MODEL),
    "highest cost first": lambda store: store.matching(order="cost"),
    "longest time first": lambda store: store.matching(order="time"),
    "starred first": lambda store: store.matching(order="rating"),
}


def rated(many: int) -> Iterator[Edit]:
    """Generated edits, a fifth of them starred or rejected, a fifth tagged."""
    chance = random.Random(1)
    for edit in generated(many):
        draw = chance.random()
        tags = (("poster", "draft", "client review")[int(draw * 15)],) if draw < 0.2 else ()
        rating = chance.choice(["starred", "rejected"]) if chance.random() < 0.2 else None
        yield replace(edit, tags=tags, ratings={-1: rating} if rating else {})  # type: ignore[dict-item]


def measured(store: Store, question: Question) -> tuple[float, float]:
    """Milliseconds by the clock and by the processor."""
    turns = []
    for _ in range(TURNS):
        clock, processor = time.perf_counter(), time.process_time()
        question(store)
        turns.append((time.perf_counter() - clock, time.process_time() - processor))
    return 1000 * min(clock for clock, _ in turns), 1000 * min(processor for _, processor in turns)


def counted(counts: Facets) -> int:
    """How many edits the counts are of."""
    totals = {sum(counts[kind].values()) for kind in ("model", "provider", "state")}
    assert len(totals) == 1
    assert counts["rating"]["kept"] + counts["rating"]["rejected"] in totals
    return totals.pop()


def test_a_hundred_thousand_edits_are_counted_and_sorted(tmp_path: Path) -> None:
    """Prints milliseconds of each question at both sizes; they grow no faster than the edits, twice over."""
    took: dict[int, dict[str, tuple[float, float]]] = {}
    for size in SIZES:
        with Store.open(tmp_path / f"{size}") as store:
            store.take_in(rated(size))
            assert counted(store.facets()) == size == len(store.matching(order="rating"))
            took[size] = {name: measured(store, question) for name, question in QUESTIONS.items()}
    print(f"\n{'clock / processor, ms':42}" + "".join(f"{size:>16,}" for size in SIZES))
    for name in QUESTIONS:
        print(f"{name:42}" + "".join(f"{took[size][name][0]:8.0f} /{took[size][name][1]:6.0f}" for size in SIZES))
    small, large = (took[size] for size in SIZES)
    growth = {name: large[name][1] / small[name][1] for name in QUESTIONS if small[name][1] > 1}
    assert {name: ratio for name, ratio in growth.items() if ratio > GROWTH} == {}
