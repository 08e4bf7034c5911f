"""What a request may cost: a maximum that is one, and what to count where the price is not known."""

from __future__ import annotations

from dataclasses import replace

import pytest

import nbbanana as nb
from nbbanana import errors, models
from nbbanana.engine.prices import PastCosts, quote
from nbbanana.models.offers import offer
from nbbanana.providers.base import Price

NEWER = "google/nano-banana-2.1/edit"

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
    session.store.set_budget(session.choice().name, 1.00)
    with pytest.raises(errors.BudgetError):
        session.edit(SNOW, photo("portrait"), **FLOOR)
    assert not box.submissions
    assert len(session.edit(SNOW, photo("portrait"), assume_price=0.60, **FLOOR)) == 1


def test_what_such_requests_cost_before_is_their_price(served, photo):
    """Where the service leaves a price open, one's own records name it, with the edit: in quotes, dry runs, budgets."""
    from nbbanana.session.dry_run import describe_requests

    session, box = served()
    request = session.request(SNOW, [photo("portrait")], parameters=FLOOR, n=2)
    assert (
        "About $0.14 in play money (2 × $0.07, which resolution may change)"
        in describe_requests(session, [request])["text/plain"]
    )
    session.edit(SNOW, photo("portrait"), **FLOOR)
    quote = session.quote(request)
    assert (quote.low, quote.high, quote.is_exact) == (0.28, 0.28, True)
    assert quote.how == "2 pictures. 4K: $0.14 a picture, as in edit 1"
    assert (
        "$0.28 in play money (2 pictures. 4K: $0.14 a picture, as in edit 1)"
        in describe_requests(session, [request])["text/plain"]
    )
    session.store.set_budget(session.choice().name, 0.30)
    assert len(session.edit(SNOW, photo("portrait"), n=2, **FLOOR)) == 2
    with pytest.raises(errors.BudgetError, match=r"4K: \$0.14 a picture, as in edit 2"):
        session.edit(SNOW, photo("portrait"), **FLOOR)
    assert len(box.submissions) == 2


def test_costs_that_differed_before_are_a_price_with_two_ends(served, photo):
    """The dearest counts for a budget; both edits are named. Other values of the parameter are other requests."""
    session, _ = served()
    for cost in (0.2, 0.3):
        result = session.edit(SNOW, photo("portrait"), **FLOOR)
        with session.store._database.write() as connection:
            connection.execute("UPDATE edits SET cost = ? WHERE id = ?", (cost, result.id))
    session.edit(SNOW, photo("portrait"), resolution="2K")
    quote = session.quote(session.request(SNOW, [photo("portrait")], parameters=FLOOR))
    assert (quote.low, quote.high) == (0.2, 0.3)
    assert quote.how == "4K: $0.20 to $0.30 a picture, as in edits 1 and 2"
    session.store.set_budget(session.choice().name, 0.25)
    with pytest.raises(errors.BudgetError, match=r"1 picture costs \$0.30"):
        session.edit(SNOW, photo("portrait"), **FLOOR)


def test_what_others_paid_is_no_price(served, photo, tmp_path):
    """Edits that were merged from a bundle say nothing of what is paid here."""
    session, _ = served()
    session.edit(SNOW, photo("portrait"), **FLOOR)
    bundle = session.history.export(tmp_path / "study.zip")
    other, _ = served(store="other")
    other.history.merge(bundle)
    quote = other.quote(other.request(SNOW, [photo("portrait")], parameters=FLOOR))
    assert quote.high is None


def test_a_list_that_is_a_floor_names_the_least_and_no_most(photo):
    """Tokens that nobody can count before: the quote says so, and a maximum holds only what is surely below it."""
    request, model = a_request(photo, n=2), models.get(NEWER)
    found = quote(price_of("gemini"), request, model)
    assert (found.low, found.high) == (pytest.approx(2 * (0.0336 + 0.00168)), None)
    assert "that is the least" in found.how
    assert "2026-11-29" in found.how


def test_what_such_pictures_cost_before_is_the_most_of_a_floor(photo):
    """The store's own records say what the list cannot."""
    past = PastCosts(0.04, 0.05, "", (3,))
    found = quote(price_of("gemini"), a_request(photo, n=2), models.get(NEWER), past_costs=past)
    assert (found.low, found.high) == (pytest.approx(0.07056), pytest.approx(0.10))
    assert "as in edit 3" in found.how


def test_more_input_pictures_than_those_were_made_of_raise_the_most(photo):
    """Each costs tokens, and what was paid before may have been for one."""
    with nb.Session(provider="sandbox") as session:
        request = session.request(SNOW, [photo("portrait")] * 3, model=NEWER)
    past = PastCosts(0.04, 0.05, "", (3,))
    assert quote(price_of("gemini"), request, models.get(NEWER), past_costs=past).high == pytest.approx(0.05336)


def test_a_size_that_the_list_does_not_know_is_counted_as_the_least_of_it(photo):
    """No source names 2K of this model; 4K has its factor."""
    for size, low in (("2K", 0.0336), ("4K", 0.1134)):
        found = quote(price_of("gemini"), a_request(photo, parameters={"resolution": size}), models.get(NEWER))
        assert found.low == pytest.approx(low + 0.00168)
        assert found.high is None


def price_of(provider):
    """What a provider says whose price list is in the catalogue."""
    prices = offer(provider, NEWER).prices
    return Price(prices.base, "image", prices=prices)


def a_request(photo, **what):
    """A request to the model whose price is a floor."""
    with nb.Session(provider="sandbox") as session:
        return session.request(SNOW, [photo("portrait")], model=NEWER, **what)


def test_a_parameter_that_is_set_to_what_the_service_takes_by_itself_changes_no_price(served, photo):
    """By the service's own schema, at one cent above the price; any other value leaves the price open."""
    session, box = served()
    same = {"resolution": "1K", "enable_web_search": False}
    assert session.edit(SNOW, photo("portrait"), max_price=0.08, **same).cost == pytest.approx(0.07)
    with pytest.raises(errors.BudgetError, match="not known exactly"):
        session.edit(SNOW, photo("portrait"), resolution="2K", max_price=5)
    assert len(box.submissions) == 1


def test_the_default_that_counts_is_the_service_s_and_not_one_that_the_catalogue_assumes(served, photo):
    """A service whose default is 2K asks that for its base price; 1K may cost anything, as may an assumed default."""
    session, _ = served()
    request = session.request(SNOW, [photo("portrait")], parameters={"resolution": "1K"})
    shipped, base = models.get(request.model), Price(0.07, "output")
    assert shipped.options  # the catalogue's default is 1K, and assumed
    other = replace(
        shipped,
        fields=tuple(replace(one, default="2K") if one.name == "resolution" else one for one in shipped.fields),
    )
    assert quote(base, request, shipped, live=shipped).is_exact
    assert not quote(base, request, shipped, live=other).is_exact
    assert not quote(base, request, shipped).is_exact
