"""Which model of the catalogue a service has, and the error where it has none, which says who has it."""

from __future__ import annotations

from nbbanana.errors import UnknownModelError
from nbbanana.models.offers import Offer, offer, who_has
from nbbanana.text import one_line

__all__ = ["offered"]


def offered(provider: str, title: str, model: str) -> Offer:
    """
    Return what a service has of a model of the catalogue.

    Args:
        provider: the name of the service, such as `fal`.
        title: what people call it.
        model: the id in the catalogue.

    Raises:
        UnknownModelError: it has none; the services that have it are named.
    """
    found = offer(provider, model)
    if found is not None:
        return found
    others = who_has(model)
    why = (
        f"By the catalogue these have it too: {', '.join(others)}."
        if others
        else "No other service is known to have it."
    )
    raise UnknownModelError(f"{title} has no {one_line(model, 80)}.", why, "Choose another model or another provider.")
