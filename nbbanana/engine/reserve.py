"""Reserving money: `max_price` and budgets are checked before anything is sent, across all kernels on a store."""

from __future__ import annotations

from nbbanana.engine.context import Context
from nbbanana.engine.prices import Quote
from nbbanana.engine.run import Run
from nbbanana.errors import BudgetError
from nbbanana.store.records import Budget, Reservation

__all__ = ["reserve"]


async def reserve(run: Run, context: Context, price: Quote) -> None:
    """
    Keep back what a request that is written down may cost.

    Raises:
        BudgetError: it is not surely within `max_price`, or within what the budget leaves, or its price is not known.
            The row says that it was refused; nothing was sent.
    """
    try:
        cost = _max_cost(price, run)
        budget = await context.rows.call(context.rows.store.budget, run.provider)
        if budget is None:
            return
        if cost is None:
            raise _unpriced(price)
        answer = await _reserved(run, context, cost, budget)
        if not answer.granted:
            # What was kept back for requests that were never sent is free again before anything is refused.
            await context.rows.call(context.rows.store.settle_abandoned)
            answer = await _reserved(run, context, cost, budget)
        if not answer.granted:
            raise _over_budget(price, answer)
    except BudgetError as error:
        await context.rows.move(run, "rejected", error=str(error), error_kind=type(error).__name__)
        raise


async def _reserved(run: Run, context: Context, amount: float, budget: Budget) -> Reservation:
    return await context.rows.call(
        context.rows.store.reserve, run.row.id, amount, budget=budget.amount, after_id=budget.after_id
    )


def _max_cost(price: Quote, run: Run) -> float | None:
    """Return the most that a request may cost: its price, else what the user says to count; None is unknown."""
    cost = run.assume_price if price.high is None else price.high
    if run.max_price is None:
        return cost
    if cost is None:
        raise _not_surely_below(price, run.max_price)
    if cost > run.max_price:
        raise BudgetError(
            f"It costs {dollars(cost)}, and --max-price allows {dollars(run.max_price)}.",
            f"{price.how}.",
            "Ask for fewer or smaller pictures, or allow more. Nothing was sent.",
        )
    return cost


def _not_surely_below(price: Quote, cost: float) -> BudgetError:
    least = "" if price.low is None else f" ({dollars(price.low)} or more)"
    return BudgetError(
        f"The price is not known exactly{least}, and --max-price allows {dollars(cost)}.",
        f"{price.how}. {price.note or ''}".strip(),
        f"Say what to count for it: --assume-price {cost:.2f}. Nothing was sent.",
    )


def _unpriced(price: Quote) -> BudgetError:
    least = "" if price.low is None else f" ({dollars(price.low)} or more)"
    guess = 0.6 if price.low is None else max(price.low * 2, 0.01)
    return BudgetError(
        f"The price is not known exactly{least}, and there is a budget.",
        f"{price.how}. {price.note or ''}".strip(),
        f"Say what to count for it: --assume-price {guess:.2f}. Or end the budget: %nbbudget off. Nothing was sent.",
    )


def _over_budget(price: Quote, answer: Reservation) -> BudgetError:
    if answer.spending.unpriced:
        count = answer.spending.unpriced
        edits = "1 earlier edit has" if count == 1 else f"{count} earlier edits have"
        return BudgetError(
            "What was spent is not known, and there is a budget.",
            f"{edits} no known cost.",
            "Find them with %nbhistory --state unknown, and say what each cost: nb.history.settle(12, cost=0). "
            "Nothing was sent.",
        )
    pictures = "1 picture costs" if price.count == 1 else f"{price.count} pictures cost"
    left = max(0.0, answer.budget - answer.spending.total)
    return BudgetError(
        f"{pictures} {dollars(answer.amount)}, and {dollars(left)} of {dollars(answer.budget)} is left.",
        f"{price.how}.",
        f"Ask for less, or allow more: %nbbudget {answer.spending.total + answer.amount:.2f}. Nothing was sent.",
    )


def dollars(amount: float) -> str:
    """Return an amount for a message: two decimals, three where the third counts."""
    text = f"{amount:.3f}"
    return f"${text.removesuffix('0')}"
