"""The services that could run a request now, and what it would cost at each by its price list; nothing is asked."""

from __future__ import annotations

from collections.abc import Iterator

from nbbanana.engine.prices import Quote, quote
from nbbanana.models import Model, from_schema
from nbbanana.providers.base import Price
from nbbanana.providers.credentials import key_place
from nbbanana.providers.registry import Broken, listed
from nbbanana.providers.spec import ProviderSpec
from nbbanana.request import EditRequest

__all__ = ["by_list", "usable"]


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
