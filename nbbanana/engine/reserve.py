"""Reserving money: `max_price` and budgets are checked before anything is sent, across all kernels on a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nbbanana.engine.context import Context
from nbbanana.engine.past_costs import dollars
from nbbanana.engine.prices import Quote, cents_up, guess, together
from nbbanana.engine.series import Asked
from nbbanana.errors import BudgetError
from nbbanana.store.records import Budget, Reservation

__all__ = ["reserve"]


async def reserve(asked: Sequence[Asked], context: Context) -> None:
    """
    Keep back what requests that are written down may cost together: for all of them, or for none.

    Raises:
        BudgetError: they are not surely within `max_price`, or within what the budget leaves, or a price is not known.
            Their rows say that they were refused; nothing was sent.
    """
    price = together([price for _, price in asked])
    try:
        costs = _costs(asked, price)
        budget = await context.rows.call(context.rows.store.budget, asked[0][0].provider)
        if budget is None:
            return
        if costs is None:
            raise _unpriced(price, len(asked))
        answer = await _reserved(costs, context, budget)
        if not answer.granted:
            # What was kept back for requests that were never sent is free again before anything is refused.
            await context.rows.call(context.rows.store.settle_abandoned)
            answer = await _reserved(costs, context, budget)
        if not answer.granted:
            raise _over_budget(price, answer, len(asked))
    except BudgetError as error:
        for run, _ in asked:
            if not run.stop_requested:  # else its row has ended, or ends
                await context.rows.move(run, "rejected", error=str(error), error_kind=type(error).__name__)
        raise


async def _reserved(costs: Mapping[int, float], context: Context, budget: Budget) -> Reservation:
    return await context.rows.call(
        context.rows.store.reserve_all, costs, budget=budget.amount, after_id=budget.after_id
    )


def _costs(asked: Sequence[Asked], price: Quote) -> dict[int, float] | None:
    """
    Return the most that each request may cost: its price, else what the user says to count; None is unknown.

    Raises:
        BudgetError: together they are not surely within `max_price`.
    """
    most = {run.row.id: price.most(run.assume_price) for run, price in asked}
    known = {edit_id: amount for edit_id, amount in most.items() if amount is not None}
    costs = known if len(known) == len(most) else None
    limit = asked[0][0].max_price
    if limit is not None:
        _check_limit(costs, limit, price, len(asked))
    return costs


def _check_limit(costs: Mapping[int, float] | None, limit: float, price: Quote, edits: int) -> None:
    least = price.low or 0.0
    if costs is None and least <= limit:
        raise _not_surely_below(price, limit, edits)
    total = round(least if costs is None else sum(costs.values()), 9)
    if total > limit:
        raise BudgetError(
            f"It costs {'at least ' if price.high is None else ''}{dollars(total)}, and --max-price allows "
            f"{dollars(limit)}.",
            f"{price.how}.",
            f"Ask for fewer or smaller pictures, or allow more: --max-price {cents_up(total)}"
            f"{' or above' if costs is None else ''}. Nothing was sent.",
        )


def _not_surely_below(price: Quote, limit: float, edits: int) -> BudgetError:
    about, each = _about(price), _each(price, edits)
    allow = "" if float(each) * edits <= limit else f" --max-price {cents_up(float(each) * edits)}"
    return BudgetError(
        f"The price is not known exactly{about}, and --max-price allows {dollars(limit)}.",
        f"{price.how}. {price.note or ''}".strip(),
        f"Say what to count{'' if edits == 1 else ' for each'}: --assume-price {each}{allow}. Nothing was sent.",
    )


def _unpriced(price: Quote, edits: int) -> BudgetError:
    whole = "all of it" if edits == 1 else "each"
    return BudgetError(
        f"The price is not known exactly{_about(price)}, and there is a budget.",
        f"{price.how}. {price.note or ''}".strip(),
        f"Say what to count for {whole}: --assume-price {_each(price, edits)}. Or end the budget: "
        "%nbbudget off. Nothing was sent.",
    )


def _each(price: Quote, edits: int) -> str:
    """Return what one of some edits may well cost, to be typed."""
    return cents_up(guess(None if price.low is None else price.low / edits))


def _about(price: Quote) -> str:
    return "" if price.low is None else f" (about {dollars(price.low)})"


def _over_budget(price: Quote, answer: Reservation, edits: int) -> BudgetError:
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
    left = max(0.0, answer.budget - answer.spending.total)
    return BudgetError(
        f"{pictures} {dollars(answer.amount)}, and {dollars(left)} of {dollars(answer.budget)} is left.",
        f"{price.how}.",
        f"Ask for less, or allow more: %nbbudget {cents_up(answer.spending.total + answer.amount)}. Nothing was sent.",
    )
