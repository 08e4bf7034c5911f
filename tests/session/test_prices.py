"""What a request may cost: a maximum that is one, and what to count where the price is not known."""

from __future__ import annotations

import pytest

from nbbanana import errors

SNOW = "Keep the subject unchanged. Make it snow."
FLOOR = {"resolution": "4K"}
"""Costs more than the base price, and the service says only in words how much."""


@pytest.mark.parametrize(
    "how",
    [
        {"max_price": 0.05},
        {"max_price": 0.10, "n": 2},
        {"max_price": 0.50, **FLOOR},
        {"max_price": 0.50, "assume_price": 0.60, **FLOOR},
    ],
)
def test_what_is_not_surely_below_the_maximum_is_not_sent(served, photo, how):
    """Above it, or not known and not assumed below it: refused without a budget too, before anything is sent."""
    session, box = served()
    with pytest.raises(errors.BudgetError):
        session.edit(SNOW, photo("portrait"), **how)
    assert not box.submissions
    assert session.history[1].record.state == "rejected"


@pytest.mark.parametrize("how", [{"max_price": 0.08}, {"max_price": 0.60, "assume_price": 0.50, **FLOOR}])
def test_what_is_surely_below_the_maximum_is_sent(served, photo, how):
    """A price that is known, or one that the user says to count."""
    session, box = served()
    assert len(session.edit(SNOW, photo("portrait"), **how)) == 1
    assert len(box.submissions) == 1


@pytest.mark.parametrize("amount", [float("nan"), float("inf"), -1.0, True, "0.60"])
@pytest.mark.parametrize("name", ["max_price", "assume_price"])
def test_what_is_no_amount_of_money_is_refused(served, photo, name, amount):
    """Typed, and before anything is written or sent."""
    session, box = served()
    with pytest.raises(errors.ParameterError):
        session.edit(SNOW, photo("portrait"), **{name: amount})
    assert not box.submissions
    assert len(session.history) == 0


def test_under_a_budget_an_unknown_price_is_refused_or_assumed_in_full(served, photo):
    """What is assumed is kept back until the cost is known."""
    session, box = served()
    session.store.set_budget(session.provider_name, 1.00)
    with pytest.raises(errors.BudgetError):
        session.edit(SNOW, photo("portrait"), **FLOOR)
    assert not box.submissions
    assert len(session.edit(SNOW, photo("portrait"), assume_price=0.60, **FLOOR)) == 1
