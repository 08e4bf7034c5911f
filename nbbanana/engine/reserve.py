"""Reserving money: `max_price` and budgets are checked before anything is sent, across all kernels on a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nbbanana.engine.allowances import above_limit, over_budget, unpriced
from nbbanana.engine.context import Context
from nbbanana.engine.prices import Quote, together, total
from nbbanana.engine.run import Run
from nbbanana.errors import BudgetError
from nbbanana.store.records import Budget, Reservation

__all__ = ["Asked", "reserve"]

Asked = tuple[Run, Quote]
"""A request that is written down, and its price."""


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
            raise unpriced(price, len(asked))
        answer = await _reserved(costs, context, budget)
        if not answer.granted:
            # What was kept back for requests that were never sent is free again before anything is refused.
            await context.rows.call(context.rows.store.settle_abandoned)
            answer = await _reserved(costs, context, budget)
        if not answer.granted:
            raise over_budget(price, answer, len(asked))
    except BudgetError as error:
        for run, _ in asked:
            if not run.stop_requested:  # else its row has ended, or ends
                await context.rows.fail(run, "rejected", error)
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
    error = None if limit is None else above_limit(total(most.values()), limit, price, len(asked))
    if error is not None:
        raise error
    return costs
