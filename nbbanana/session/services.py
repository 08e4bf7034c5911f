"""The services that could run a request, and what it would cost at each by its price list; nothing is asked of any."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nbbanana.display.words import money, price_in_words
from nbbanana.engine.prices import Quote, quote
from nbbanana.models import Model, from_schema
from nbbanana.providers.base import Price
from nbbanana.providers.credentials import key_place
from nbbanana.providers.registry import Broken, listed
from nbbanana.providers.spec import ProviderSpec
from nbbanana.request import EditRequest
from nbbanana.session.choice import Choice

__all__ = ["Carried", "by_list", "carried_by", "elsewhere", "least", "usable"]


def usable() -> Iterator[ProviderSpec]:
    """Give the providers whose key is here, and those that need none."""
    for spec in listed():
        if not isinstance(spec, Broken) and (not spec.key_variables or key_place(spec)):
            yield spec


def by_list(spec: ProviderSpec, request: EditRequest, model: Model) -> Quote | None:
    """
    Return what a request costs at a provider by its dated price list; None where none is known.

    >>> from nbbanana import models
    >>> from nbbanana.providers.registry import find
    >>> model = models.get("google/nano-banana-2/edit")
    >>> by_list(find("fal"), EditRequest(model.id, {"number_of_images": 4}), model).low
    0.32
    """
    found = spec.offer(model.id)
    if found is None or found.prices is None:
        return None
    price = Price(found.prices.base, "image", prices=found.prices)
    return quote(price, request, model, live=from_schema(model.id, found.schema))


@dataclass(frozen=True, slots=True)
class Carried:
    """
    What a provider carries of parameters.

    Args:
        whole: those that it takes as they are.
        lossy: those that it takes with loss.
        dropped: those that it has no parameter for; to set one is an error there.
    """

    whole: tuple[str, ...]
    lossy: tuple[str, ...]
    dropped: tuple[str, ...]


def carried_by(spec: ProviderSpec, model: Model, parameters: Iterable[str]) -> Carried | None:
    """Return what a provider carries of a model's parameters, as far as that is known without asking; else None."""
    found = spec.offer(model.id)
    if found is None:
        return None
    there = from_schema(model.id, found.schema)
    known = {name: model.counterpart(name, there) for name in parameters}
    return Carried(
        tuple(name for name, field in known.items() if field is not None and not field.loss),
        tuple(name for name, field in known.items() if field is not None and field.loss),
        tuple(name for name, field in known.items() if field is None),
    )


def elsewhere(request: EditRequest, model: Model, chosen: Choice) -> Iterator[str]:
    """Give a sentence for each other provider that takes money: what the request costs there, and whether it can."""
    here = {chosen.name, chosen.spec.name if chosen.spec else ""}
    for spec in listed():
        if isinstance(spec, Broken) or spec.is_play or spec.name in here:
            continue
        key = key_place(spec)
        yield f"{spec.label}: {_terms(spec, request, model)}; {f'its key is here: {key}' if key else 'no key here'}."


def _terms(spec: ProviderSpec, request: EditRequest, model: Model) -> str:
    set_here = [name for name, value in request.parameters.items() if not model.goes_without_saying(name, value)]
    carried = carried_by(spec, model, set_here)
    if carried is None:
        return "by what is known here it does not have this model"
    if carried.dropped:
        return f"it does not carry {' and '.join(carried.dropped)}"
    found = by_list(spec, request, model)
    if found is None or found.low is None:
        return "its price is asked for once it is chosen"
    return f"{least(found)}, by its price list of {_read(spec, model)}"


def least(price: Quote) -> str:
    """
    Return a price in words, as the least where its most is not known.

    >>> least(Quote(0.32, 0.32, "")), least(Quote(0.27, None, ""))
    ('$0.32', 'at least $0.27')
    """
    return price_in_words(price.low, price.high) if price.high is not None else f"at least {money(price.low)}"


def _read(spec: ProviderSpec, model: Model) -> str:
    found = spec.offer(model.id)
    return found.prices.read if found and found.prices else ""
