"""Refusing to overspend: before anything is sent, and together with every other kernel on the same store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbbanana.errors import BudgetError

if TYPE_CHECKING:
    from nbbanana.engine.engine import Engine
    from nbbanana.engine.money import Quote
    from nbbanana.engine.run import Run
    from nbbanana.store.records import Budget, Reservation

__all__ = ["afford"]


async def afford(engine: Engine, run: Run, price: Quote) -> None:
    """
    Keep back what a journaled request may cost.

    Raises:
        BudgetError: it may cost more than `max_price`, or than the budget leaves, or nobody can say what it costs.
            The row says that it was refused; nothing was sent.
    """
    assert engine.provider is not None
    try:
        most = _most(price, run.max_price)
        budget: Budget | None = await engine.on_disk(engine.store.budget, engine.provider.name)
        if budget is None:
            return
        if most is None:
            raise _unpriced(price)
        answer: Reservation = await engine.on_disk(
            engine.store.reserve, run.row.id, most, budget=budget.amount, after_id=budget.after_id
        )
        if not answer.granted:
            raise _too_dear(run, price, answer)
    except BudgetError as error:
        await engine.move(run, "rejected", error=str(error), error_kind=type(error).__name__)
        raise


def _most(price: Quote, max_price: float | None) -> float | None:
    """The most a request may cost: its exact price, else what the user allows, else nobody knows."""
    if max_price is not None and price.amount is not None and price.amount > max_price:
        raise BudgetError(
            f"It costs ${price.amount:.2f}, and --max-price allows ${max_price:.2f}.",
            f"{price.how}.",
            "Ask for fewer or smaller pictures, or allow more. Nothing was sent.",
        )
    return price.amount if price.is_exact else max_price


def _unpriced(price: Quote) -> BudgetError:
    if price.amount is None:
        what, why = "Nobody knows what it costs, and there is a budget.", f"{price.how}."
    else:
        what = f"It costs ${price.amount:.2f} or more, and there is a budget."
        why = f"{price.how}. {price.note or ''}"
    return BudgetError(what, why, "Say what it may cost with --max-price, or lift %nbbudget. Nothing was sent.")


def _too_dear(run: Run, price: Quote, answer: Reservation) -> BudgetError:
    if answer.spending.unpriced:
        return BudgetError(
            "What was spent is not known, and there is a budget.",
            f"{answer.spending.unpriced} earlier edits have no known cost.",
            "Look at them in %nbhistory, then set %nbbudget anew. Nothing was sent.",
        )
    count = run.model.count(run.request.parameters)
    pictures = "1 picture costs" if count == 1 else f"{count} pictures cost"
    left = max(0.0, answer.budget - answer.spending.total)
    return BudgetError(
        f"{pictures} ${answer.amount:.2f}, and ${left:.2f} of ${answer.budget:.2f} is left.",
        f"{price.how}, as the API says.",
        f"Ask for less, or allow more: %nbbudget {answer.spending.total + answer.amount:.2f}. Nothing was sent.",
    )
