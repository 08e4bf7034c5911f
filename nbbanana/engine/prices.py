"""Prices: what the API says that a request costs, and what such requests cost before, by the records of this store."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nbbanana.errors import JobCancelledError, ServiceError, UnknownModelError
from nbbanana.models import Model, from_schema, ids
from nbbanana.models.offer_files import keep_schema
from nbbanana.models.offers import PriceList, offer
from nbbanana.providers.base import Description, Price, Provider
from nbbanana.request import EditRequest
from nbbanana.store import Store
from nbbanana.text import one_line

__all__ = [
    "PastCosts",
    "Prices",
    "Quote",
    "cents_up",
    "dollars",
    "guess",
    "past_costs",
    "quote",
    "together",
    "total",
]

PATIENCE = 3.0
"""Seconds that a question under way has left when its session closes."""

LASTS = 300.0
"""Seconds after which a price is asked for again."""
RECORD_LIMIT = 200
"""Records that are read for what requests cost before."""
CENT_FRACTION = 1e-9
"""US dollars below which two amounts are the same."""


@dataclass(frozen=True, slots=True)
class Quote:
    """
    A price before it is paid, in US dollars: at least `low`, at most `high`.

    Args:
        low: the least that it costs, the whole price where `is_exact`; None is unknown, never free.
        high: the most that it costs; None is unknown.
        how: how it comes about, such as `4 × $0.07`.
        note: the service's own sentence about what else counts.
        count: how many outputs were counted.
        live: the model as the service has it now; None where it tells no schema.
    """

    low: float | None
    high: float | None
    how: str
    note: str | None = None
    count: int = 1
    live: Model | None = field(default=None, repr=False, compare=False)

    @property
    def is_exact(self) -> bool:
        """Whether the price is known and not only a floor."""
        return self.low is not None and self.low == self.high

    def most(self, assumed: float | None) -> float | None:
        """Return the most to count: what is known, else what the user says, never less than what it costs at least."""
        if self.high is not None or assumed is None:
            return self.high
        return max(assumed, self.low or 0.0)

    def holds(self, cost: float) -> bool:
        """Return whether a cost lies within the quote."""
        above = self.low is None or cost >= self.low - CENT_FRACTION
        return above and (self.high is None or cost <= self.high + CENT_FRACTION)


@dataclass(frozen=True, slots=True)
class PastCosts:
    """
    What one picture cost before, with the same values of all parameters that change the price, in US dollars.

    Args:
        low: the least.
        high: the most.
        what: the values of those parameters, in words, such as `4K`; empty where none is set.
        edits: the newest edits that cost so much and so little.
    """

    low: float
    high: float
    what: str
    edits: tuple[int, ...]

    def __str__(self) -> str:
        """
        Return it in words.

        >>> print(PastCosts(0.14, 0.14, "4K", (40,)))
        4K: $0.14 a picture, as in edit 40
        >>> print(PastCosts(0.105, 0.2, "", (38, 40)))
        $0.105 to $0.20 a picture, as in edits 38 and 40
        """
        costs = " to ".join(dollars(cost) for cost in dict.fromkeys((self.low, self.high)))
        where = f"edit{'' if len(self.edits) == 1 else 's'} {' and '.join(map(str, self.edits))}"
        return f"{self.what}{': ' if self.what else ''}{costs} a picture, as in {where}"


def past_costs(store: Store, provider: str, request: EditRequest, model: Model) -> PastCosts | None:
    """Return what one output cost in this store's own edits with the same priced parameters; None where it has none."""
    wanted = _priced(model, request.parameters)
    edits = store.filter(model=model.id, provider=provider, states=("completed",), limit=RECORD_LIMIT)
    costs: dict[float, int] = {}
    for edit in edits:  # the newest first; what other stores paid says nothing of what is paid here
        if edit.cost is not None and not edit.is_foreign and _priced(model, edit.parameters) == wanted:
            costs.setdefault(round(edit.cost / max(1, len(edit.outputs)), 6), edit.id)
    if not costs:
        return None
    low, high = min(costs), max(costs)
    return PastCosts(low, high, _in_words(wanted), tuple(sorted({costs[low], costs[high]})))


def dollars(amount: float) -> str:
    """Return an amount for a message: two decimals, up to four where they count."""
    whole, _, cents = f"{amount:.4f}".partition(".")
    return f"${whole}.{cents.rstrip('0').ljust(2, '0')}"


def _priced(model: Model, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the parameters that the catalogue says change the price."""
    return {name: parameters[name] for name in costs_more(model, parameters)}


def costs_more(model: Model, parameters: Mapping[str, Any]) -> list[str]:
    """Return the names of the parameters among these that the catalogue says change the price."""
    return [field.name for field in model.options if field.cost_note and field.name in parameters]


def _in_words(values: Mapping[str, Any]) -> str:
    """
    Return the values of parameters as one says them.

    >>> _in_words({"resolution": "4K", "enable_web_search": True})
    '4K, enable_web_search true'
    """
    return ", ".join(
        one_line(value, 40) if isinstance(value, str) else f"{one_line(name, 40)} {json.dumps(value)}"
        for name, value in values.items()
    )


def quote(
    price: Price,
    request: EditRequest,
    model: Model,
    *,
    live: Model | None = None,
    past_costs: PastCosts | None = None,
) -> Quote:
    """
    Return what a request costs at a price.

    The API names a base per output. Where a parameter that changes the price is set, and not to its default, or the
    service's note names more than the catalogue knows, the sum is only a base: then what such requests cost before says
    the rest.

    Args:
        price: the service's own words.
        request: what is asked.
        model: its model.
        live: the model as the service has it now, by whose schema outputs are counted; None is as shipped.
        past_costs: what one output with the same priced parameters cost before, by the records of this store.
    """
    count = model.count(request.parameters, live)
    if price.prices is not None:
        listed = replace(_by_list(price.prices, request, count, price.note), live=live)
        if past_costs is None or listed.high is not None:
            return listed
        # The list says only the least; such pictures may have been made of one, and those after it add to each output.
        each = past_costs.high + price.prices.each_input * max(0, len(request.images) - 1)
        most = max(listed.low or 0.0, round(count * each, 6))
        return replace(listed, high=most, how=f"{listed.how}. {past_costs}")
    low = high = None
    how = "the service names no price a picture"
    if price.base is not None and price.unit in {None, "output", "image"}:
        low = round(count * price.base, 6)
        extra = [name for name in costs_more(model, request.parameters) if not _is_default(name, request, model, live)]
        how = f"{count} × {dollars(price.base)}"
        if extra:
            how += f", which {' and '.join(extra)} may change"
        if price.unit is not None and not extra and (price.note is None or model.is_shipped):
            high = low
    if past_costs is not None and high is None:
        low, high = round(count * past_costs.low, 6), round(count * past_costs.high, 6)
        how = str(past_costs) if count == 1 else f"{count} pictures. {past_costs}"
    return Quote(low, high, how, price.note, count, live)


def _is_default(name: str, request: EditRequest, model: Model, live: Model | None) -> bool:
    """
    Return whether a parameter is set to what the service takes when it is left out, which is what a base is for.

    Where the service tells no schema, a default of the catalogue counts only if it is not assumed.
    """
    field = next((field for field in (live or model).options if field.name == name), None)
    if field is None or field.default is None or (live is None and field.sure == "assumed"):
        return False
    value = request.parameters[name]
    return type(value) is type(field.default) and bool(value == field.default)


def guess(low: float | None) -> float:
    """Return what a request may well cost whose most is not known: services publish factors of that kind."""
    return 0.6 if low is None else max(low * 1.5, 0.01)


def cents_up(amount: float) -> str:
    """
    Return an amount in whole cents that is not below it, to be typed.

    >>> cents_up(0.1209), cents_up(0.28)
    ('0.13', '0.28')
    """
    return f"{math.ceil(round(amount * 100, 6)) / 100:.2f}"


def together(prices: Sequence[Quote]) -> Quote:
    """
    Return what several requests cost together.

    >>> together([Quote(0.28, 0.28, "4 × $0.07", count=4)] * 3)
    Quote(low=0.84, high=0.84, how='3 edits of 4 × $0.07', note=None, count=12)
    """
    if len(prices) == 1:
        return prices[0]
    hows = Counter(price.how for price in prices)
    return Quote(
        total(price.low for price in prices),
        total(price.high for price in prices),
        " and ".join(f"{edits} edits of {how}" if edits > 1 else how for how, edits in hows.items()),
        next((price.note for price in prices if price.note), None),
        sum(price.count for price in prices),
    )


def total(amounts: Iterable[float | None]) -> float | None:
    """Return the sum of amounts of money; None where one is not known."""
    every = list(amounts)
    known = [amount for amount in every if amount is not None]
    return round(sum(known), 9) if len(known) == len(every) else None


def _by_list(prices: PriceList, request: EditRequest, count: int, note: str | None) -> Quote:
    """Return what a request costs by a published list; a value that is not in it leaves the most unknown."""
    each, is_known = prices.base, not prices.is_floor
    for name, factors in prices.factors.items():
        value = request.parameters.get(name)
        is_known &= value is None or str(value) in factors
        each *= 1.0 if value is None else factors.get(str(value), 1.0)
    each += prices.each_input * len(request.images)
    extra = sum(more for name, more in prices.extras.items() if request.parameters.get(name))
    low = round(count * each + extra, 6)
    high = round(count * (each + extra), 6)  # whether an extra counts once or by picture is not published
    how = f"{count} × ${each:.4g}{f' and ${extra:.4g} more' if extra else ''}, by its price list of {prices.read}"
    if prices.is_floor:
        how += f", and that is the least{f': {prices.beyond}' if prices.beyond else ''}"
    return Quote(low, high if is_known else None, how, note, count)


class Prices:
    """
    What a provider says of its models, asked for once by all runs that need it, and again when it is old.

    Args:
        provider: who is asked.
        past_costs: gives what one output of such a request cost before, from the store.
        clock: seconds, for the age of a price.
    """

    def __init__(
        self,
        provider: Provider,
        past_costs: Callable[[EditRequest, Model], Awaitable[PastCosts | None]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._provider = provider
        self._past_costs = past_costs
        self._clock = clock
        self._asked: dict[str, asyncio.Task[tuple[float, Description]]] = {}
        """By model, the question that is under way, or that was answered: when, and what the provider said."""
        self._kept: set[str] = set()
        self._is_closed = False

    async def describe(self, model_id: str) -> Description:
        """
        Return what the provider says of a model, cached for five minutes.

        Raises:
            UnknownModelError: the provider does not have it.
            ServiceError: the provider does not answer.
            JobCancelledError: the session closes.
        """
        if self._is_closed:
            raise _ended()
        asking = self._asked.get(model_id)
        if asking is None or (asking.done() and self._clock() - asking.result()[0] >= LASTS):
            asking = self._asked[model_id] = asyncio.create_task(self._ask(model_id))
            asking.add_done_callback(lambda done: self._over(model_id, done))
        try:
            # One that is cancelled while it waits leaves the question to the others.
            return (await asyncio.shield(asking))[1]
        except asyncio.CancelledError:
            if asking.cancelled():  # only `close` does that
                raise _ended() from None
            raise

    async def close(self) -> None:
        """End the questions under way: one that went on would hold a connection that nothing closes any more."""
        self._is_closed, asking = True, list(self._asked.values())
        if asking:  # one that is connecting is let through: a connection that is made as it is cancelled stays open
            await asyncio.wait(asking, timeout=PATIENCE)
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def live_model(self, model_id: str) -> Model:
        """
        Return a model that is not shipped, by the schema the service has for it: as it told it before, else as it tells
        it now, which is kept for the next kernel. A sandbox is always asked, while it answers.

        Raises:
            UnknownModelError: the service has none.
            ServiceError: it does not answer, and told nothing before.
        """
        who = self._provider
        found = offer(who.name, model_id)
        told = from_schema(model_id, found.schema) if found and not found.gone else None
        if told is not None and not who.is_play:
            return told
        try:
            schema = (await self.describe(model_id)).schema
        except ServiceError:
            if told is None:
                raise
            return told
        if schema is None:
            raise UnknownModelError(f"The service has no schema for {model_id!r}.", "So nothing of it can be checked.")
        model = from_schema(model_id, schema)
        if model_id not in self._kept and model_id not in ids():
            self._kept.add(model_id)
            await asyncio.to_thread(keep_schema, who.name, model_id, who.model_id(model_id), schema)
        return model

    async def quote(self, request: EditRequest, model: Model) -> Quote:
        """
        Return what a request costs, with its model as the service has it now.

        Raises:
            UnknownModelError: the provider does not have the model.
            ServiceError: the provider does not answer.
        """
        description = await self.describe(model.id)
        live = from_schema(model.id, description.schema) if description.schema else None
        found = quote(description.price, request, model, live=live)
        if found.high is None:
            past_costs = await self._past_costs(request, model)
            found = quote(description.price, request, model, live=live, past_costs=past_costs)
        return found

    async def quote_or_unknown(self, request: EditRequest, model: Model) -> Quote:
        """Return the same as `quote`; where the price cannot be asked it is not known."""
        try:
            return await self.quote(request, model)
        except (ServiceError, UnknownModelError) as error:
            # A service that cannot be asked does not stop an edit; a budget, which needs the price, does.
            count = model.count(request.parameters)
            return Quote(None, None, f"the price could not be asked: {error.what}", count=count)

    def check_cost(self, model_id: str, expected: Quote | None, cost: float | None) -> None:
        """Forget a cached price that a cost contradicts, so that it is asked for again."""
        if expected is not None and cost is not None and not expected.holds(cost):
            known = self._asked.get(model_id)
            if known is not None and known.done():  # a question under way is asked after that cost
                del self._asked[model_id]

    def _over(self, model_id: str, done: asyncio.Task[tuple[float, Description]]) -> None:
        """Forget a question without an answer: each that waits raises its error, and the next asks again."""
        if done.cancelled() or done.exception() is not None:
            del self._asked[model_id]

    async def _ask(self, model_id: str) -> tuple[float, Description]:
        # No retries here: a provider asks once more by itself, and a form waits for the answer.
        description = await self._provider.describe(model_id)
        return self._clock(), description


def _ended() -> JobCancelledError:
    return JobCancelledError("The question was ended.", "The kernel or session closes.", "Ask in another session.")
