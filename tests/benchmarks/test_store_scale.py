"""
A store that grows from a thousand edits to a million: what opening, asking, searching and appending take.

One store is filled through its own schema, in bulk, and measured at each size, the calmest of three turns; the disk's
own sync is measured beside, since an append cannot be faster. The limits are those that a person notices, and growth
is a ratio.
"""

from __future__ import annotations

import gc
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest
from support.stores import MODEL, asked, complete, generated, sha256

from nbbanana.store import Edit, Store

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(0)]

SIZES = (1_000, 10_000, 100_000, 1_000_000)
BATCH = 50_000
TURNS = 3
"""Other work on the machine falls on some turns only; what the store itself takes falls on all."""

LIMITS_MS = {
    "open": (50, None),
    "append": (2, 50),
    "search, in nearly all": (100, None),
    "search, three common words": (100, None),
    "search, in 1 of 100, Chinese": (100, None),
    "search, beginning of a word": (100, None),
    "len": (5, None),
}
"""Milliseconds at a million edits: the median, and where there is one, the 99th percentile."""
GROWTH = 6.0
"""How much slower the median may be at 10⁶ than at 10⁴, where a search ranks as many matches as it ever does."""

RARE = {"search, in 1 of 100, Chinese", "search, beginning of a word"}
"""Searches with fewer matches at 10⁴ than are ranked: they take longer until there are as many, then no more."""

Figures = dict[str, tuple[float, float]]


def spans(action: Callable[[int], object], times: int) -> tuple[float, float]:
    """The median and the 99th percentile of so many calls, in milliseconds; of three turns the calmest."""
    return min(turned(action, times) for _ in range(TURNS))


def turned(action: Callable[[int], object], times: int) -> tuple[float, float]:
    """The median and the 99th percentile of one turn."""
    taken = []
    for turn in range(times):
        begun = time.perf_counter()
        action(turn)
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken), statistics.quantiles(taken, n=100)[98]


def opened(folder: Path) -> Callable[[int], object]:
    """Open the store, read the newest page, close it."""

    def action(_: int) -> None:
        with Store.open(folder) as store:
            store.last_id()

    return action


def synced(folder: Path) -> Callable[[int], object]:
    """What the disk takes to keep 4 KiB, without any store."""
    file = os.open(folder / "sync", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def action(_: int) -> None:
        os.write(file, bytes(4096))
        os.fdatasync(file)

    return action


def measured(store: Store, scratch: Path) -> Figures:
    """Every question to a store of the size it has now."""
    gc.collect()
    gc.freeze()  # a search makes enough rows to set off Python's collector, whose pause is that of the harness's heap
    size, chance = store.count(), random.Random(1)
    digests = [sha256(f"0 digest {chance.randrange(size)}") for _ in range(200)]
    outputs = [sha256(f"0 output {chance.randrange(size)}") for _ in range(200)]
    searches = {
        "search, in nearly all": "background",
        "search, three common words": "subject identity pose",
        "search, in 1 of 100, Chinese": "霓虹",
        "search, beginning of a word": "neo",
    }
    figures = {
        "open": spans(opened(store.folder), 50),
        "last page of 50": spans(lambda _: store.filter(limit=50), 100),
        "one by id": spans(lambda turn: store.get(1 + turn * 7919 % size), 200),
        "one by digest": spans(lambda turn: store.by_digest(digests[turn]), 200),
        "one by output": spans(lambda turn: store.by_output(outputs[turn]), 200),
        "newest 50 starred": spans(lambda _: store.filter(starred=True), 50),
        "durations": spans(lambda _: store.durations(MODEL, "2K", "runcomfy"), 100),
        "spent": spans(lambda _: store.spending("runcomfy").total, 100),
        "len": spans(lambda _: store.count(), 200),
    }
    figures |= {name: spans(lambda _, words=words: store.search(words), 30) for name, words in searches.items()}  # type: ignore[misc]
    figures |= {
        "append": spans(lambda turn: store.begin(asked(f"appended {size} {turn}")), 1000),
        "append, and all states": spans(lambda turn: complete(store, asked(f"{size} {turn}"), f"{size} {turn}"), 100),
        "the disk's own sync": spans(synced(scratch), 300),
    }
    return figures


def grown(store: Store, source: Iterator[Edit], size: int) -> float:
    """Fill a store up to so many edits; gives the seconds it took."""
    begun = time.perf_counter()
    cached(store, megabytes=512)
    while missing := size - store.count():
        store.take_in(islice(source, min(BATCH, missing)))
    cached(store, megabytes=2)
    return time.perf_counter() - begun


def cached(store: Store, megabytes: int) -> None:
    """Give the one connection that is in use here room to fill, or what every connection has, to be measured."""
    with store._database.read() as connection:
        connection.execute(f"PRAGMA cache_size = -{megabytes * 1000}")


def printed(results: dict[int, Figures]) -> None:
    """The table: p50 / p99 in milliseconds, a column a size."""
    print(f"\n{'p50 / p99 in ms':32}" + "".join(f"{size:>20,}" for size in results))
    for name in results[SIZES[0]]:
        cells = (f"{figures[name][0]:.2f} / {figures[name][1]:.2f}" for figures in results.values())
        print(f"{name:32}" + "".join(f"{cell:>20}" for cell in cells))


def kept(figures: Figures, name: str, middle: float, tail: float | None) -> bool:
    """Whether a limit is kept; where four syncs of the disk alone take longer, an append may take as long as those."""
    disk = figures["the disk's own sync"] if name == "append" else (0.0, 0.0)
    return figures[name][0] <= max(middle, 4 * disk[0]) and (tail is None or figures[name][1] <= max(tail, 4 * disk[1]))


def test_a_store_of_a_million_edits_answers_like_one_of_a_thousand(tmp_path: Path) -> None:
    """Opening, asking, searching and appending keep their limits at a million, and hardly grow on the way there."""
    results: dict[int, Figures] = {}
    source = generated(SIZES[-1])
    with Store.open(tmp_path / "store") as store:
        for size in SIZES:
            seconds = grown(store, source, size)
            megabytes = (store.folder / "edits.sqlite").stat().st_size / 1e6
            print(f"\nfilled to {size:,} in {seconds:.0f} s, {megabytes:,.0f} MB")
            results[size] = measured(store, tmp_path)
    printed(results)
    last = results[SIZES[-1]]
    assert {name: last[name] for name, limits in LIMITS_MS.items() if not kept(last, name, *limits)} == {}
    growth = {name: last[name][0] / results[10_000][name][0] for name in last if name not in RARE}
    assert {name: ratio for name, ratio in growth.items() if ratio > GROWTH} == {}
