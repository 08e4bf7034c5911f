"""What was spent is exact, what nobody knows is never free, and a budget cannot be overdrawn."""

from __future__ import annotations

from typing import Any

import pytest
from support.stores import Clock, asked, complete

from nbbanana.errors import StoreError
from nbbanana.store import Budget, Edit, Spending, State, Store


def taken(store: Store, *states: State, **changes: Any) -> Edit:
    """An edit at a paid service, taken through `submitting` and `states`."""
    edit = store.begin(asked(provider="runcomfy", **changes))
    for state in ("submitting", *states):
        needs_id = state in {"queued", "running", "downloading", "completed"}
        edit = store.move(edit.id, state, request_id=f"r{edit.id}" if needs_id else None)  # type: ignore[arg-type]
    return edit


@pytest.mark.parametrize(
    ("states", "held"),
    [
        (("queued",), 0.25),
        (("queued", "running"), 0.25),
        (("queued", "running", "downloading", "completed"), 0.25),
        (("queued", "failed"), 0.25),
        (("unknown",), 0.25),
        (("queued", "running", "cancelled"), 0.25),
        (("queued", "cancelled"), 0.0),
        (("cancelled",), 0.0),
        (("rejected",), 0.0),
    ],
)
def test_until_the_cost_is_told_the_quoted_price_counts(store: Store, states: tuple[State, ...], held: float) -> None:
    """In flight, done or uncertain: the quoted price; what was refused, or cancelled before it ran: nothing."""
    edit = taken(store, *states, price_quoted=0.25)
    assert store.spending("runcomfy") == Spending(0.0, held, 0)
    if states in {("cancelled",), ("rejected",)}:
        with pytest.raises(StoreError, match="nothing about that is open"):
            store.settle(edit.id, cost=0.1)
        return
    if edit.is_terminal:
        store.settle(edit.id, cost=0.1)
    else:
        store.move(edit.id, edit.state, cost=0.1)
    assert store.spending("runcomfy") == Spending(0.1, 0.0, 0)


def test_what_was_not_sent_costs_nothing(store: Store) -> None:
    """A prepared edit counts only what is kept back for it."""
    edit = store.begin(asked(price_quoted=0.25))
    assert store.spending("sandbox").total == 0.0
    assert store.reserve(edit.id, 0.3, budget=1.0).granted
    assert store.spending("sandbox") == Spending(0.0, 0.3, 0)
    store.move(edit.id, "cancelled")
    assert store.spending("sandbox").total == 0.0


def test_an_unknown_price_is_not_free(store: Store) -> None:
    """It is counted as one that nobody knows, until its cost is told; a person may say that it was never charged."""
    edit = taken(store, "unknown")
    assert store.spending("runcomfy") == Spending(0.0, 0.0, 1)
    assert store.settle(edit.id, cost=0.0).state == "unknown"
    assert store.spending("runcomfy") == Spending(0.0, 0.0, 0)


def test_sums_are_exact(store: Store) -> None:
    """Ten thousandths add up to what they are, not to what binary fractions make of them."""
    for _ in range(30):
        complete(store, asked(), cost=0.1)
    assert store.spending("sandbox").total == 3.0
    assert store.spending("sandbox", after_id=0).total == 3.0
    assert not store.reserve(store.begin(asked()).id, 0.000001, budget=3.0).granted
    assert store.reserve(store.begin(asked()).id, 0.1, budget=3.1).granted


def test_providers_and_ids_are_kept_apart(store: Store) -> None:
    """The sandbox's pretended prices are nobody's money; `after_id` asks for what was begun later."""
    complete(store, asked(), cost=5.0)
    assert not store.has_paid_edits()
    taken(store, "rejected")
    assert not store.has_paid_edits()
    taken(store, "queued", price_quoted=0.5)
    assert store.has_paid_edits()
    last = store.last_id()
    taken(store, "queued", price_quoted=0.25)
    assert store.total_cost() == {"runcomfy": Spending(0.0, 0.75, 0), "sandbox": Spending(5.0, 0.0, 0, is_play=True)}
    assert store.spending("runcomfy", after_id=last).total == 0.25
    assert store.spending("runcomfy", after_id=last + 1).total == 0.0
    assert (store.count(), store.count("sandbox"), store.count("runcomfy"), store.count("x")) == (4, 1, 3, 0)


def test_a_budget_is_kept_before_it_is_spent(store: Store) -> None:
    """A reservation is granted while it fits, is refused with the figures when not, and changes nothing then."""
    first, second = store.begin(asked()), store.begin(asked())
    granted = store.reserve(first.id, 0.7, budget=1.0)
    assert (granted.granted, granted.spending.total, granted.left) == (True, 0.0, pytest.approx(0.3))
    refused = store.reserve(second.id, 0.7, budget=1.0)
    assert (refused.granted, refused.spending, refused.left) == (False, Spending(0.0, 0.7, 0), pytest.approx(0.3))
    assert store.spending("sandbox").total == 0.7
    assert store.reserve(second.id, 0.3, budget=1.0).granted
    assert store.spending("sandbox").total == 1.0


def test_asking_again_for_the_same_edit_counts_it_once(store: Store) -> None:
    """A reservation takes the place of the edit's own one; refused, the one before stays."""
    edit = store.begin(asked())
    assert store.reserve(edit.id, 0.6, budget=1.0).granted
    assert store.reserve(edit.id, 0.9, budget=1.0).granted
    assert not store.reserve(edit.id, 1.1, budget=1.0).granted
    assert store.spending("sandbox").total == 0.9


def test_a_reservation_outlives_the_kernel_and_ends_with_the_cost(store: Store) -> None:
    """What is kept back counts through the states, above the quoted price, until the service tells the cost."""
    edit = store.begin(asked(price_quoted=0.1))
    store.reserve(edit.id, 0.4, budget=1.0)
    store.move(edit.id, "submitting")
    with Store.open(store.folder) as other:
        assert other.spending("sandbox") == Spending(0.0, 0.4, 0)
        other.move(edit.id, "unknown")
    assert store.spending("sandbox").total == 0.4
    store.move(edit.id, "completed", request_id="r", cost=0.15)
    assert store.spending("sandbox") == Spending(0.15, 0.0, 0)


def test_nothing_is_granted_while_a_charge_is_unknown(store: Store) -> None:
    """An accepted edit without any price could cost anything, so no budget holds until its cost is told."""
    blind = taken(store, "queued")
    edit = store.begin(asked(provider="runcomfy"))
    answer = store.reserve(edit.id, 0.01, budget=100.0)
    assert (answer.granted, answer.spending.unpriced) == (False, 1)
    store.move(blind.id, "queued", cost=0.5)
    assert store.reserve(edit.id, 0.01, budget=100.0).granted


def test_what_was_sent_cannot_be_reserved_for(store: Store) -> None:
    """A budget is asked before the POST; afterwards it is too late."""
    edit = taken(store, "queued", price_quoted=0.1)
    with pytest.raises(StoreError, match="Nothing can be kept back"):
        store.reserve(edit.id, 0.1, budget=1.0)


def test_a_budget_is_everybodys(store: Store, clock: Clock) -> None:
    """It is kept in the store, counts from when it was first set, and is there for every kernel until it is lifted."""
    taken(store, "queued", price_quoted=9.0)
    clock.tick()
    assert store.budget("runcomfy") is None
    store.set_budget("runcomfy", 5.0)
    assert store.budget("runcomfy") == Budget(5.0, 1, Spending(0.0, 0.0, 0))
    clock.tick()
    taken(store, "queued", price_quoted=2.0)
    with Store.open(store.folder) as other:
        there = other.budget("runcomfy")
    assert there == Budget(5.0, 1, Spending(0.0, 2.0, 0))
    assert there.left == 3.0
    store.set_budget("runcomfy", 1.0)
    changed = store.budget("runcomfy")
    assert changed is not None
    assert (changed.after_id, changed.left) == (1, 0.0)
    assert store.budget("sandbox") is None
    store.set_budget("runcomfy", None)
    assert store.budget("runcomfy") is None
    store.set_budget("runcomfy", 5.0)
    again = store.budget("runcomfy")
    assert again is not None
    assert (again.after_id, again.left) == (2, 5.0)


@pytest.mark.parametrize("amount", [-0.01, float("nan"), float("inf"), 1e300])
def test_what_is_no_amount_is_refused(store: Store, amount: float) -> None:
    """Negative, infinite and undefined money is an error at every door, and nothing is written."""
    edit = store.begin(asked())
    for call in (
        lambda: store.begin(asked(price_quoted=amount)),
        lambda: store.reserve(edit.id, amount, budget=1.0),
        lambda: store.reserve(edit.id, 0.1, budget=amount),
        lambda: store.set_budget("sandbox", amount),
    ):
        with pytest.raises(StoreError, match="finite number"):
            call()
    assert store.get(edit.id) == edit
    assert (store.count(), store.spending("sandbox").total) == (1, 0.0)
