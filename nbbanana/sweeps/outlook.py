"""How the cells of a plan stand, and what is ahead: price, time, budgets, whether those allow it; in words too."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from nbbanana.display.views import duration, money, price_in_words
from nbbanana.engine.prices import Quote, cents_up, dollars, guess, together
from nbbanana.engine.run import Outcome
from nbbanana.errors import BudgetError, NBBananaError
from nbbanana.request import EditRequest
from nbbanana.session import EditResult, Session
from nbbanana.settings import settings
from nbbanana.store.records import Budget, Edit
from nbbanana.sweeps.plan import Cell, Plan, Standing, State, standing_of
from nbbanana.text import as_options

__all__ = ["Outlook", "SweepState", "next_lines", "outlook", "plan_lines", "refusal"]


@dataclass(frozen=True, slots=True)
class Outlook:
    """
    What is ahead of a plan now, by the records of the store and the prices of the services.

    Args:
        standings: how each cell stands.
        prices: by provider, what its missing cells cost together; None where that cannot be told, as in replay.
        budgets: by provider, its budget, where there is one.
        play: the providers whose money is play money.
        seconds: how long the missing cells take at least; None where no such job is known.
        at_once: how many are sent at once.
        notes: sentences about prices that could not be had.
    """

    standings: tuple[Standing, ...] = field(repr=False)
    prices: Mapping[str, Quote | None]
    budgets: Mapping[str, Budget]
    play: frozenset[str]
    seconds: float | None
    at_once: int
    notes: tuple[str, ...] = ()

    def count(self, *states: State) -> int:
        """Return how many cells are in one of these states."""
        return sum(one.state in states for one in self.standings)


def outlook(session: Session, plan: Plan, standings: Sequence[Standing]) -> Outlook:
    """
    Look ahead: ask the services what the missing cells cost. Nothing is sent.

    Args:
        session: asks.
        plan: the cells.
        standings: how each of them stands.

    Raises:
        NBBananaError: a provider that cannot be had.
    """
    # Cells that ask the same are one edit, and are paid once.
    asked = {cell.ask: cell for cell, one in zip(plan.cells, standings, strict=True) if one.state == "missing"}
    groups: dict[str | None, list[EditRequest]] = {}
    for cell in asked.values():
        if cell.request is not None:
            groups.setdefault(cell.provider, []).append(cell.request)
    prices, budgets, play, notes = {}, {}, set(), []
    kinds: Counter[tuple[str, str, Any]] = Counter()
    for provider, requests in groups.items():
        choice = session.choice(provider)
        name = choice.name
        kinds.update((name, request.model, request.parameters.get("resolution")) for request in requests)
        if not name:  # in replay nobody is asked, and nothing is paid
            continue
        prices[name], note = _quotes(session, provider, requests)
        notes += [note] if note else []
        if (budget := session.store.budget(name)) is not None:
            budgets[name] = budget
        if choice.is_play:
            play.add(name)
    at_once = settings().concurrency
    seconds = _seconds(session, kinds, at_once)
    return Outlook(tuple(standings), prices, budgets, frozenset(play), seconds, at_once, tuple(notes))


class SweepState:
    """
    A plan and how its cells stand: what the parts of a sweep know of it.

    Args:
        session: asks, and holds the records.
        plan: the cells.
    """

    def __init__(self, session: Session, plan: Plan) -> None:
        self.session = session
        self.plan = plan
        self._ahead: Outlook | None = None
        self._standings: Sequence[Standing] | None = None

    @property
    def ahead(self) -> Outlook:
        """What is ahead as the plan was looked at: how many are here, and price, time and budget of the rest."""
        if self._ahead is None:
            self._ahead = outlook(self.session, self.plan, self.standings)
        return self._ahead

    @property
    def standings(self) -> Sequence[Standing]:
        """How each cell stands; before it ran by the store alone: no service is asked for that."""
        if self._standings is None:
            self._standings = standings_of(self.session, self.plan)
        return self._standings

    @property
    def made(self) -> list[Edit]:
        """The records of the cells that are here, in their order."""
        return [one.made for one in self.standings if one.made is not None]

    def result_of(self, cell: Cell) -> EditResult | None:
        """Return the result of a cell; None where it has none."""
        made = self.standings[cell.number].made
        return None if made is None else EditResult(self.session.library, self.session, Outcome(made, "replayed"))

    @property
    def notes(self) -> list[str]:
        """Sentences on how it came about, such as what was left out of it."""
        return []

    @property
    def summary(self) -> str:
        """How it stands, in a sentence or two, without the reasons."""
        states, count = Counter(one.state for one in self.standings), len(self.plan)
        if states["here"] == count:
            return f"All {count} cells are here." if count != 1 else "The cell is here."
        rest = ", ".join(f"{states[state]} {state}" for state in get_args(State)[1:] if states[state])
        return f"{states['here']} of {count} cells are here; {rest}."

    @property
    def stopped(self) -> str:
        """How it stands after an interrupt, and how to go on."""
        on = sum(one.state == "under way" for one in self.standings)
        what = "1 cell that was sent goes" if on == 1 else f"{on} cells that were sent go"
        goes_on = f" {what} on here, may be charged, and need no %nbresume in this kernel." if on else ""
        return f"Stopped: {self.summary}{goes_on} Run it again for the rest: nothing is paid twice."


def standings_of(session: Session, plan: Plan) -> list[Standing]:
    """Return how each cell stands by the store, which is asked once for all cells of a provider."""
    cells = plan.cells
    standings = [standing_of(cell, None) for cell in cells]
    of_provider: dict[str | None, list[Cell]] = {}
    for cell in cells:
        if cell.request is not None:
            of_provider.setdefault(cell.provider, []).append(cell)
    for provider, some in of_provider.items():
        asked = [(cell.request, cell.sample) for cell in some if cell.request is not None]
        for cell, edit in zip(some, session.standings(asked, provider), strict=True):
            standings[cell.number] = standing_of(cell, edit)
    return standings


def _quotes(session: Session, provider: str | None, requests: Sequence[EditRequest]) -> tuple[Quote | None, str]:
    """Return what requests cost together, and why that is not known. Words and seeds change no price."""
    alike: dict[str, list[EditRequest]] = {}
    for request in requests:
        words = {request.prompt_field, request.seed_field}
        priced = {name: value for name, value in request.parameters.items() if name not in words}
        alike.setdefault(f"{request.model} {len(request.images)} {priced}", []).append(request)
    found: list[Quote] = []
    for several in alike.values():
        try:
            found += [session.quote(several[0], provider)] * len(several)
        except NBBananaError as error:
            return None, f"The price is not known: {error.what}"
    return together(found), ""


def _seconds(session: Session, kinds: Counter[tuple[str, str, Any]], at_once: int) -> float | None:
    """
    Return how long jobs take at least, from the median of such jobs in this store; None where there is none.

    Args:
        session: has the store.
        kinds: how many jobs there are of each kind: provider, model and resolution.
        at_once: how many run at once.
    """
    total, count = 0.0, kinds.total()
    for (provider, model, resolution), several in kinds.items():
        took = session.store.durations(model, resolution, provider)
        if not took:
            return None
        total += statistics.median(took) * several
    return total / count * math.ceil(count / at_once) if count else 0.0


def refusal(ahead: Outlook, max_price: float | None, assume_price: float | None) -> BudgetError | None:
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


def next_lines(ahead: Outlook, max_price: float | None, assume_price: float | None, *, is_call: bool) -> list[str]:
    """Return what a plan says last: how it is run, by a call or a line, or why that will be refused."""
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


def plan_lines(plan: Plan, ahead: Outlook) -> list[str]:
    """Return what a plan is about to do, a sentence a line: how many, how many are here, price, time, budget."""
    return [f"{plan.shape}.", *_counts(plan, ahead.standings), *_costs(ahead), *_shared(plan), *ahead.notes]


def _counts(plan: Plan, standings: Sequence[Standing]) -> list[str]:
    """Say how many cells stand how, without the states of which there are none."""
    states, total = Counter(one.state for one in standings), len(plan)
    asks = [cell.ask for cell, one in zip(plan.cells, standings, strict=True) if one.state == "missing"]
    same = len(asks) - len(set(asks))
    refused = sum(one.state == "refused" and one.edit is not None for one in standings)
    impossible = states["refused"] - refused
    said = [
        (states["here"], f"{_all(states['here'], total)} in the store already, at no cost."),
        (states["under way"], f"{_cells(states['under way'])} under way: collected, not sent again."),
        (states["missing"], f"{_all(states['missing'], total)} to be sent."),
        (same, f"{same} cell{'s ask' if same > 1 else ' asks'} the same as another: one edit is for both."),
        (refused, f"{_cells(refused)} refused; sweep.retry() asks again, as nothing was charged."),
        (
            impossible,
            f"{impossible} cell{'s' * (impossible > 1)} cannot be asked, and the others can: the reason stands below.",
        ),
        (states["failed"], f"{_cells(states['failed'])} without a picture after an attempt; not sent again."),
        (
            states["unknown"],
            f"{_cells(states['unknown'])} perhaps charged; not sent again. nb.history.settle(…) closes them.",
        ),
    ]
    return [sentence for count, sentence in said if count]


def _costs(ahead: Outlook) -> Iterator[str]:
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


def _shared(plan: Plan) -> Iterator[str]:
    """Say which part of a picture all cells are about, and which shape and size they have."""
    region = next((request.region for request in plan.requests), None)
    if region is not None:
        yield f"All are about one part of a picture: {region.words}."
    if plan.locks:
        what = ", ".join(f"{name} {value}" for name, value in plan.locks.items())
        yield f"The same for all, so that they belong together: {what}. lock=False leaves it to each picture."


def _cells(count: int) -> str:
    return f"{count} cell{'' if count == 1 else 's'} {'is' if count == 1 else 'are'}"


def _all(count: int, total: int) -> str:
    return f"All {total} are" if count == total > 1 else _cells(count)
