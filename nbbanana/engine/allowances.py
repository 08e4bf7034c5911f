"""Whether a price is surely within what was allowed, by `max_price` and a budget; what is said where it is not."""

from __future__ import annotations

from collections.abc import Sequence

from nbbanana.engine.prices import Quote, cents_up, dollars, guess, together, total
from nbbanana.errors import BudgetError
from nbbanana.store.records import Budget, Reservation

__all__ = ["above_limit", "over_budget", "refusal", "unpriced"]


def refusal(
    prices: Sequence[Quote], budget: Budget | None, max_price: float | None, assume_price: float | None
) -> BudgetError | None:
    """
    Return why requests would be refused together, as the budget stands now; None where they would be sent.

    Args:
        prices: what each of them costs.
        budget: that of their provider; None where there is none.
        max_price: US dollars that all may cost together.
        assume_price: US dollars to count for each whose price is not known.
    """
    price, edits = together(prices), len(prices)
    most = total(one.most(assume_price) for one in prices)
    if max_price is not None and (error := above_limit(most, max_price, price, edits)) is not None:
        return error
    if budget is None:
        return None
    if most is None:
        return unpriced(price, edits)
    if budget.spending.allows(most, budget.amount):
        return None
    return over_budget(
        price, Reservation(granted=False, amount=most, budget=budget.amount, spending=budget.spending), edits
    )


def above_limit(most: float | None, limit: float, price: Quote, edits: int) -> BudgetError | None:
    """Return why some edits are not surely below a maximum price; `most` is what they cost at most, None is unknown."""
    least = price.low or 0.0
    if most is None and least <= limit:
        return _not_surely_below(price, limit, edits)
    amount = round(least if most is None else most, 9)
    if amount <= limit:
        return None
    costs = f"It costs {'at least ' if price.high is None else ''}{dollars(amount)}"
    return BudgetError(
        f"{costs}, and max_price allows {dollars(limit)}.",
        f"{price.how}.",
        f"Ask for fewer or smaller pictures, or allow more: max_price={cents_up(amount)}"
        f"{' or above' if most is None else ''}. Nothing was sent.",
    )


def _not_surely_below(price: Quote, limit: float, edits: int) -> BudgetError:
    about, each = _about(price), _each(price, edits)
    allow = "" if float(each) * edits <= limit else f" and max_price={cents_up(float(each) * edits)}"
    return BudgetError(
        f"The price is not known exactly{about}, and max_price allows {dollars(limit)}.",
        f"{price.how}. {price.note or ''}".strip(),
        f"Say what to count{'' if edits == 1 else ' for each'}: assume_price={each}{allow}. Nothing was sent.",
    )


def unpriced(price: Quote, edits: int) -> BudgetError:
    """Return why edits of unknown price are not within a budget."""
    whole = "all of it" if edits == 1 else "each"
    return BudgetError(
        f"The price is not known exactly{_about(price)}, and there is a budget.",
        f"{price.how}. {price.note or ''}".strip(),
        f"Say what to count for {whole}: assume_price={_each(price, edits)}. Or end the budget: "
        "%nbbudget off. Nothing was sent.",
    )


def over_budget(price: Quote, answer: Reservation, edits: int) -> BudgetError:
    """Return why a budget has not enough left for some edits, as the store answered."""
    if answer.spending.unpriced:
        count = answer.spending.unpriced
        earlier = "1 earlier edit has" if count == 1 else f"{count} earlier edits have"
        return BudgetError(
            "What was spent is not known, and there is a budget.",
            f"{earlier} no known cost.",
            "Find them with %nbhistory --state unknown, and say what each cost: nb.history.settle(12, cost=…). "
            "Nothing was sent.",
        )
    pictures = "1 picture costs" if price.count == 1 else f"{price.count} pictures cost"
    if edits > 1:
        pictures = f"All {edits} edits together, {price.count} pictures, cost"
    return BudgetError(
        f"{pictures} {dollars(answer.amount)}, and {dollars(answer.left)} of {dollars(answer.budget)} is left.",
        f"{price.how}.",
        f"Ask for less, or allow more: %nbbudget {cents_up(answer.spending.total + answer.amount)}. Nothing was sent.",
    )


def _each(price: Quote, edits: int) -> str:
    """Return what one of some edits may well cost, to be typed."""
    return cents_up(guess(None if price.low is None else price.low / edits))


def _about(price: Quote) -> str:
    return "" if price.low is None else f" (about {dollars(price.low)})"
