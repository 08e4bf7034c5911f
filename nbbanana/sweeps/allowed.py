"""Whether a sweep may be sent: all its missing cells together, against `max_price` and the budgets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nbbanana.display.words import money
from nbbanana.engine.past_costs import dollars
from nbbanana.engine.prices import cents_up, guess
from nbbanana.errors import BudgetError
from nbbanana.sweeps.plan import Outlook
from nbbanana.text import as_options

__all__ = ["check_prices", "next_lines", "refusal"]


def check_prices(ahead: Outlook, max_price: float | None = None, assume_price: float | None = None) -> None:
    """
    Check before anything is written down that all missing cells together are within `max_price` and the budgets.

    Raises:
        BudgetError: they are not surely.
    """
    if (error := refusal(ahead, max_price, assume_price)) is not None:
        raise error


def refusal(ahead: Outlook, max_price: float | None = None, assume_price: float | None = None) -> BudgetError | None:
    """Return why all missing cells together are not surely within `max_price` and the budgets; None where they are."""
    count = ahead.count("missing")
    if not count or (max_price is None and not ahead.budgets):
        return None
    most: dict[str, float | None] = {}
    for name, quote in ahead.prices.items():
        high, low = (None, None) if quote is None else (quote.high, quote.low)
        assumed = None if assume_price is None else max(assume_price * count, low or 0.0)
        most[name] = assumed if high is None else high
    cells = "1 cell" if count == 1 else f"{count} cells"
    hows = " ".join(quote.how for quote in ahead.prices.values() if quote) or "No service names one."
    for sentence, limit, amount in _limits(ahead, most, max_price):
        if amount is None:
            return BudgetError(
                f"The price of {cells} is not known exactly, and {sentence}.",
                hows,
                f"Say what to count{' for each' * (count > 1)}: assume_price={_each(ahead, count)}. Nothing was sent.",
            )
        if round(amount, 9) > limit:
            return BudgetError(
                f"{cells} cost{'s' * (count == 1)} {dollars(amount)}, and {sentence}.",
                hows,
                "Sweep fewer values, or allow more. Nothing was sent.",
            )
    return None


def next_lines(
    ahead: Outlook, max_price: float | None = None, assume_price: float | None = None, *, is_call: bool = True
) -> list[str]:
    """
    Return what a plan says last: how it is run, or why that will be refused.

    Args:
        ahead: how its cells stand, with prices and budgets.
        max_price: US dollars that all missing cells may cost together at most.
        assume_price: US dollars to count for each where the price is not known.
        is_call: whether it is run by a call; else by a line, of a cell or a shell.
    """
    if not ahead.count("missing"):
        return []
    error = refusal(ahead, max_price, assume_price)
    if error is None:
        return ["sweep.run() asks for what is missing." if is_call else "Without --dry-run what is missing is sent."]
    mend = (error.how).removesuffix(" Nothing was sent.")
    why = f"{error.what} {mend}"
    return [f"run() will refuse: {why}" if is_call else f"It will be refused: {as_options(why)}"]


def _each(ahead: Outlook, count: int) -> str:
    """Return what a cell may well cost, of those whose price is not known; to be typed."""
    open_ = [quote for quote in ahead.prices.values() if quote is None or quote.high is None]
    lows = [None if quote is None or quote.low is None else quote.low / count for quote in open_]
    return cents_up(max(guess(low) for low in lows))


def _limits(
    ahead: Outlook, most: Mapping[str, float | None], max_price: float | None
) -> Iterator[tuple[str, float, float | None]]:
    """Give each limit: what it is, its amount, and what all that counts against it costs at most."""
    if max_price is not None:
        amounts = list(most.values())
        total = None if None in amounts else sum(amount for amount in amounts if amount is not None)
        yield f"max_price allows {dollars(max_price)}", max_price, total
    for name, budget in ahead.budgets.items():
        left = f"{dollars(budget.left)} of {money(budget.amount, is_play=name in ahead.play)}"
        yield f"{left} is left in the budget at {name}", budget.left, most.get(name)
