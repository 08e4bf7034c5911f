"""Prices: what the API says that a request costs, and what such requests cost before."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nbbanana.engine.past_costs import PastCosts, costs_more, dollars
from nbbanana.errors import JobCancelledError, ServiceError, UnknownModelError
from nbbanana.models import Model, from_schema, ids
from nbbanana.models.offers import PriceList, offer
from nbbanana.models.refreshed import keep_schema
from nbbanana.providers.base import Description, Price, Provider
from nbbanana.request import EditRequest

__all__ = ["Prices", "Quote", "cents_up", "counted", "guess", "quote", "together"]

PATIENCE = 3.0
"""Seconds that a question under way has left when its session closes."""

LASTS = 300.0
"""Seconds after which a price is asked for again."""
CENT_FRACTION = 1e-9
"""US dollars below which two amounts are the same."""


@dataclass(frozen=True, slots=True)
class Quote:
    """
    A price before it is paid, in US dollars: at least `low`, at most `high`.

    Args:
        low: the least that it costs; None is unknown, never free.
        high: the most that it costs; None is unknown.
        how: how it comes about, such as `4 × $0.07`.
        note: the service's own sentence about what else counts.
        count: how many outputs were counted.
    """

    low: float | None
    high: float | None
    how: str
    note: str | None = None
    count: int = 1

    @property
    def amount(self) -> float | None:
        """The least that it costs; the whole price where `is_exact`."""
        return self.low

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


def counted(parameters: Mapping[str, Any], model: Model, live: Model | None = None) -> int:
    """Return how many outputs these parameters give by the schema in force: what is set, else its default."""
    given = parameters.get(model.count_field) if model.count_field else None
    if given is None:
        field = (live or model).with_role("count")
        given = field.default if field else None
    return max(1, int(given)) if isinstance(given, int | float) else 1


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
    count = counted(request.parameters, model, live)
    if price.prices is not None:
        listed = _by_list(price.prices, request, count, price.note)
        if past_costs is None or listed.high is not None:
            return listed
        return _up_to(listed, past_costs, price.prices.each_input * max(0, len(request.images) - 1))
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
    return Quote(low, high, how, price.note, count)


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
        _total([price.low for price in prices]),
        _total([price.high for price in prices]),
        " and ".join(f"{edits} edits of {how}" if edits > 1 else how for how, edits in hows.items()),
        next((price.note for price in prices if price.note), None),
        sum(price.count for price in prices),
    )


def _total(amounts: Sequence[float | None]) -> float | None:
    known = [amount for amount in amounts if amount is not None]
    return round(sum(known), 6) if len(known) == len(amounts) else None


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


def _up_to(listed: Quote, past_costs: PastCosts, more: float) -> Quote:
    """
    Return a price whose most is the most that such pictures cost before: the list says only the least.

    `more` is what the input pictures after the first add to each output, since those may have been made of one.
    """
    assert listed.low is not None
    high = max(listed.low, round(listed.count * (past_costs.high + more), 6))
    return replace(listed, high=high, how=f"{listed.how}. {past_costs}")


@dataclass(frozen=True, slots=True)
class _Known:
    at: float
    description: Description


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
        self._known: dict[str, _Known] = {}
        self._asking: dict[str, asyncio.Task[Description]] = {}
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
        known = self._known.get(model_id)
        if known is not None and self._clock() - known.at < LASTS:
            return known.description
        asking = self._asking.get(model_id)
        if asking is None:
            asking = self._asking[model_id] = asyncio.create_task(self._ask(model_id))
            asking.add_done_callback(lambda done: self._asked(model_id, done))
        try:
            # One that is cancelled while it waits leaves the question to the others.
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            if asking.cancelled():  # only `close` does that
                raise _ended() from None
            raise

    async def close(self) -> None:
        """End the questions under way: one that went on would hold a connection that nothing closes any more."""
        self._is_closed, asking = True, list(self._asking.values())
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
        """Return what a request costs; errors as `ask`."""
        return (await self.ask(request, model))[0]

    async def ask(self, request: EditRequest, model: Model) -> tuple[Quote, Model | None]:
        """
        Return what a request costs, and its model as the service has it now; None where it tells no schema.

        Raises:
            UnknownModelError: the provider does not have the model.
            ServiceError: the provider does not answer.
        """
        return await self._quoted(request, model, await self.describe(model.id))

    async def described(self, request: EditRequest, model: Model) -> tuple[Quote, Model | None]:
        """Return what a request costs, and its model as the service has it now; None where it tells no schema."""
        try:
            description = await self.describe(model.id)
        except (ServiceError, UnknownModelError) as error:
            # A service that cannot be asked does not stop an edit; a budget, which needs the price, does.
            count = counted(request.parameters, model)
            return Quote(None, None, f"the price could not be asked: {error.what}", count=count), None
        return await self._quoted(request, model, description)

    async def _quoted(self, request: EditRequest, model: Model, description: Description) -> tuple[Quote, Model | None]:
        live = from_schema(model.id, description.schema) if description.schema else None
        found = quote(description.price, request, model, live=live)
        if found.high is None:
            found = quote(
                description.price, request, model, live=live, past_costs=await self._past_costs(request, model)
            )
        return found, live

    def check_cost(self, model_id: str, expected: Quote | None, cost: float | None) -> None:
        """Forget a cached price that a cost contradicts, so that it is asked for again."""
        if expected is not None and cost is not None and not expected.holds(cost):
            self._known.pop(model_id, None)

    def _asked(self, model_id: str, done: asyncio.Task[Description]) -> None:
        self._asking.pop(model_id, None)
        if not done.cancelled():
            done.exception()  # each that waits raises it; asyncio must not report it once more

    async def _ask(self, model_id: str) -> Description:
        # No retries here: a provider asks once more by itself, and a form waits for the answer.
        description = await self._provider.describe(model_id)
        self._known[model_id] = _Known(self._clock(), description)
        return description


def _ended() -> JobCancelledError:
    return JobCancelledError("The question was ended.", "The kernel or session closes.", "Ask in another session.")
