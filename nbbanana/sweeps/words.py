"""How a plan and a sweep stand, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import get_args

from nbbanana.display.series_summary import series_bundle
from nbbanana.display.words import duration, money, price_in_words
from nbbanana.engine.run import Progress
from nbbanana.sweeps.cells import Standing, State
from nbbanana.sweeps.plan import Outlook, Plan
from nbbanana.text import clip, one_line

__all__ = ["plan_lines", "progress_lines", "reasons", "stopped", "summary_of"]

INTERRUPT = "■ takes back what was not sent. What was sent goes on, and running the sweep again collects it."


def plan_lines(plan: Plan, ahead: Outlook) -> list[str]:
    """Return what a plan is about to do, a sentence a line: how many, how many are here, price, time, budget."""
    shared = [*_regions(plan), *_locks(plan)]
    return [f"{plan.shape}.", *_counts(plan, ahead.standings), *_ahead(ahead), *shared, *ahead.notes]


def _counts(plan: Plan, standings: Sequence[Standing]) -> Iterator[str]:
    states = Counter(one.state for one in standings)
    if states["here"]:
        yield f"{_all(states['here'], len(plan))} in the store already, at no cost."
    if states["under way"]:
        yield f"{_cells(states['under way'])} under way: collected, not sent again."
    if states["missing"]:
        yield f"{_all(states['missing'], len(plan))} to be sent."
    if same := _same(plan, standings):
        yield f"{same} cell{'s ask' if same > 1 else ' asks'} the same as another: one edit is for both."
    if refused := sum(one.state == "refused" and one.edit is not None for one in standings):
        yield f"{_cells(refused)} refused; sweep.retry() asks again, as nothing was charged."
    if impossible := states["refused"] - refused:
        yield f"{impossible} cell{'s' * (impossible > 1)} cannot be asked, and the others can: the reason stands below."
    if states["failed"]:
        yield f"{_cells(states['failed'])} without a picture after an attempt; not sent again."
    if states["unknown"]:
        yield f"{_cells(states['unknown'])} perhaps charged; not sent again. nb.history.settle(…) closes them."


def _same(plan: Plan, standings: Sequence[Standing]) -> int:
    """Count the cells to be sent that ask what one before them asks."""
    asks = [cell.ask for cell, one in zip(plan.cells, standings, strict=True) if one.state == "missing"]
    return len(asks) - len(set(asks))


def _ahead(ahead: Outlook) -> Iterator[str]:
    """Say what the missing cells cost and how long they take."""
    for provider, quote in ahead.prices.items():
        is_play = provider in ahead.play
        price = (
            "at a price that is not known" if quote is None else price_in_words(quote.low, quote.high, is_play=is_play)
        )
        how = f" ({quote.how})" if quote is not None and quote.how else ""
        yield f"At {provider}: {price}{how}."
        if (budget := ahead.budgets.get(provider)) is not None:
            left = price_in_words(budget.left, budget.left)
            yield f"{left} of {money(budget.amount, is_play=is_play)} is left in the budget at {provider}."
    if ahead.seconds:
        yield f"It takes at least {duration(ahead.seconds, 0)}: {ahead.at_once} are sent at once."


def _regions(plan: Plan) -> Iterator[str]:
    """Say which part of a picture all cells are about."""
    region = next((cell.request.region for cell in plan.cells if cell.request is not None), None)
    if region is not None:
        yield f"All are about one part of a picture: {region.words}."


def _locks(plan: Plan) -> Iterator[str]:
    if plan.locks:
        what = ", ".join(f"{name} {value}" for name, value in plan.locks.items())
        yield f"The same for all, so that they belong together: {what}. lock=False leaves it to each picture."


def progress_lines(stages: Sequence[Progress]) -> list[str]:
    """
    Return how the jobs of a sweep stand, and what an interrupt does.

    >>> progress_lines([Progress("done"), Progress("running"), Progress("queued")])[0]
    '◐ 1 of 3 done  1 queued · 1 running'
    """
    return [series_bundle(stages)["text/plain"], INTERRUPT]


def summary_of(plan: Plan, standings: Sequence[Standing]) -> str:
    """Return how a sweep stands, in sentences, without the reasons."""
    states = Counter(one.state for one in standings)
    if states["here"] == len(plan):
        return f"All {len(plan)} cells are here." if len(plan) != 1 else "The cell is here."
    rest = ", ".join(f"{count} {state}" for state in get_args(State)[1:] if (count := states[state]))
    return f"{states['here']} of {len(plan)} cells are here; {rest}."


def stopped(plan: Plan, standings: Sequence[Standing]) -> str:
    """Return how a sweep stands that was interrupted, and how to go on."""
    on = sum(one.state == "under way" for one in standings)
    what = "1 cell that was sent goes" if on == 1 else f"{on} cells that were sent go"
    goes_on = f" {what} on here, may be charged, and need no %nbresume in this kernel." if on else ""
    return f"Stopped: {summary_of(plan, standings)}{goes_on} Run it again for the rest: nothing is paid twice."


def reasons(plan: Plan, standings: Sequence[Standing]) -> list[str]:
    """Return why cells have no picture, each reason once with the cells that it is about."""
    why: dict[str, list[str]] = {}
    for cell, one in zip(plan.cells, standings, strict=True):
        if one.why:
            why.setdefault(one_line(one.why, 240), []).append(cell.title)
    return [
        f"{clip(', '.join(titles[:4]), 200)}{f' and {len(titles) - 4} more' if len(titles) > 4 else ''}: {said}"
        for said, titles in why.items()
    ]


def _cells(count: int) -> str:
    return f"{count} cell{'' if count == 1 else 's'} {'is' if count == 1 else 'are'}"


def _all(count: int, total: int) -> str:
    return f"All {total} are" if count == total > 1 else _cells(count)
