"""Edits are found by what was measured of them: the worst output counts, and what is unknown is below nothing."""

from __future__ import annotations

import operator
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.drifts import drifted, refused
from support.stores import asked, complete

from nbbanana.store import Edit, OutputDrift, Store

COLUMNS = {"drift_outside": "recoloured_outside", "redrawn_outside": "redrawn_outside", "moved": "moved"}
KINDS: dict[str, Callable[[float, float], bool]] = {
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}
VALUES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.25)
WORDS = ("snow", "rain")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Ninety edits: with figures, refused, measured in part, and not measured."""
    chance = random.Random(7)
    with Store.open(tmp_path_factory.mktemp("measured")) as store:
        for number in range(90):
            many = chance.randrange(1, 4)
            edit = complete(
                store, asked(f"Make it {chance.choice(WORDS)}.", seed=number), *(f"{number} {n}" for n in range(many))
            )
            drifts = [_drift(chance, place) for place in range(many) if chance.random() < 0.9]
            if number % 5:
                store.measured(edit.id, drifts, {})
        yield store


def _drift(chance: random.Random, place: int) -> OutputDrift:
    if chance.random() < 0.1:
        return refused(place)
    recoloured = None if chance.random() < 0.1 else chance.choice(VALUES)
    return drifted(place, chance.choice(VALUES), recoloured, chance.choice(VALUES))


def _matches(edit: Edit, figure: str, kind: str, bound: float) -> bool:
    values = [drift.value(COLUMNS[figure]) for drift in edit.drifts]
    compare = KINDS[kind]
    if kind in {"gt", "ge"}:
        return any(value is not None and compare(value, bound) for value in values)
    return bool(values) and all(value is not None and compare(value, bound) for value in values)


@pytest.mark.nightly
@given(
    st.dictionaries(
        st.tuples(st.sampled_from(sorted(COLUMNS)), st.sampled_from(sorted(KINDS))),
        st.sampled_from(VALUES) | st.floats(-1, 4),
        min_size=1,
        max_size=3,
    ),
    st.none() | st.sampled_from(WORDS),
)
def test_what_the_store_finds_is_what_a_filter_over_all_edits_finds(
    measured: Store, bounds: dict[tuple[str, str], float], words: str | None
) -> None:
    """Any figures, bounds and words, newest first; ids, pages and counts say the same."""
    wanted: dict[str, Any] = {f"{figure}__{kind}": bound for (figure, kind), bound in bounds.items()}
    expected = [
        edit.id
        for edit in measured.filter(limit=100)
        if all(_matches(edit, figure, kind, bound) for (figure, kind), bound in bounds.items())
        and (words is None or words in edit.prompt)
    ]
    assert [edit.id for edit in measured.filter(words=words, limit=100, **wanted)] == expected
    assert [number for number, _ in measured.matching(words=words, **wanted)] == expected
    assert sum(measured.facets(words=words, **wanted)["state"].values()) == len(expected)


def test_an_edit_is_as_bad_as_its_worst_output(store: Store) -> None:
    """One output above is enough for `gt`; for `lt` all are below, and none is unknown."""
    edit = complete(store, asked(), "one", "two")
    store.measured(edit.id, [drifted(0, recoloured=1.0), drifted(1, recoloured=3.0)], {})
    found = {
        name: [one.id for one in store.filter(**{name: 2.0})]  # type: ignore[arg-type]
        for name in ("drift_outside__lt", "drift_outside__gt")
    }
    assert found == {"drift_outside__lt": [], "drift_outside__gt": [edit.id]}
    store.measured(edit.id, [drifted(0, recoloured=1.0), refused(1)], {})
    assert store.filter(drift_outside__lt=2.0) == store.filter(drift_outside__gt=2.0) == []
