"""`Plan`: the cells of a sweep, and what is ahead of it: how many are here already, price, time and budget."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nbbanana.engine.prices import Quote, together
from nbbanana.errors import NBBananaError
from nbbanana.session import Session
from nbbanana.settings import settings
from nbbanana.store.records import Budget
from nbbanana.sweeps.axes import Axis
from nbbanana.sweeps.cells import Cell, Standing, State, standing_of

__all__ = ["Outlook", "Plan", "outlook", "standings_of"]


@dataclass(frozen=True, slots=True)
class Plan:
    """
    The cells of a sweep: a value that asks nothing and can be kept in a file.

    Args:
        axes: what varies, in the order of the arguments.
        cells: all cells, the last axis quickest.
        locks: parameters that were set for all, so that the outputs belong together.
        words: the prompts as they were written, before their places were filled; empty where that is not known.
    """

    axes: tuple[Axis, ...]
    cells: tuple[Cell, ...] = field(repr=False)
    locks: Mapping[str, Any] = field(default_factory=dict)
    words: tuple[str, ...] = field(default=(), repr=False)

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def shape(self) -> str:
        """How the cells come about: `prompt (6) × seed (8) = 48 cells`."""
        count = f"{len(self)} cell{'s' * (len(self) != 1)}"
        if math.prod(map(len, self.axes)) != len(self) or not self.axes:
            names = ", ".join(axis.name for axis in self.axes)
            return f"{count}{f' of {names}' if names else ''}"
        return f"{' × '.join(f'{axis.name} ({len(axis)})' for axis in self.axes)} = {count}"


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

    @property
    def price(self) -> Quote | None:
        """What all missing cells cost together; None where that is not known, or where play money is among it."""
        found = [quote for quote in self.prices.values() if quote is not None]
        return together(found) if found and len(found) == len(self.prices) else None


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
    found = {cell.ask: cell for cell, one in zip(plan.cells, standings, strict=True) if one.state == "missing"}
    missing = list(found.values())
    groups: dict[str | None, list[Cell]] = {}
    for cell in missing:
        groups.setdefault(cell.provider, []).append(cell)
    prices, budgets, play, notes = {}, {}, set(), []
    for provider, cells in groups.items():
        choice = session.choice(provider)
        name = choice.name
        if not name:  # in replay nobody is asked, and nothing is paid
            continue
        quotes, note = _quotes(session, provider, cells)
        prices[name] = quotes
        notes += [note] if note else []
        if (budget := session.store.budget(name)) is not None:
            budgets[name] = budget
        if choice.is_play:
            play.add(name)
    at_once = settings().concurrency
    return Outlook(
        tuple(standings), prices, budgets, frozenset(play), _seconds(session, missing, at_once), at_once, tuple(notes)
    )


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


def _quotes(session: Session, provider: str | None, cells: Sequence[Cell]) -> tuple[Quote | None, str]:
    """Return what cells cost together, and why that is not known. Words and seeds change no price."""
    alike: dict[str, list[Cell]] = {}
    for cell in cells:
        assert cell.request is not None
        words = {cell.request.prompt_field, cell.request.seed_field}
        priced = {name: value for name, value in cell.request.parameters.items() if name not in words}
        alike.setdefault(f"{cell.request.model} {len(cell.request.images)} {priced}", []).append(cell)
    found: list[Quote] = []
    for several in alike.values():
        assert several[0].request is not None
        try:
            found += [session.quote(several[0].request, provider)] * len(several)
        except NBBananaError as error:
            return None, f"The price is not known: {error.what}"
    return together(found), ""


def _seconds(session: Session, cells: Sequence[Cell], at_once: int) -> float | None:
    """Return how long cells take at least, from the median of such jobs in this store; None where there is none."""
    names = {provider: session.choice(provider).name for provider in {cell.provider for cell in cells}}
    kinds = Counter(
        (cell.request.model, cell.request.parameters.get("resolution"), names[cell.provider])
        for cell in cells
        if cell.request is not None
    )
    total = 0.0
    for (model, resolution, provider), count in kinds.items():
        took = session.store.durations(model, resolution, provider)
        if not took:
            return None
        total += statistics.median(took) * count
    if not cells:
        return 0.0
    return total / len(cells) * math.ceil(len(cells) / at_once)
