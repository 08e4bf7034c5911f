"""What a request will cost, as far as the API's own words tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbbanana.models import Model
    from nbbanana.providers.base import Price
    from nbbanana.request import EditRequest

__all__ = ["Quote", "quote"]


@dataclass(frozen=True, slots=True)
class Quote:
    """
    A price before it is paid.

    Args:
        amount: US dollars; None is unknown, never free.
        is_exact: whether it is the whole price; else it is a floor, since something set here costs extra.
        how: how it comes about, such as `4 × $0.07`.
        note: the service's own sentence about what else counts.
    """

    amount: float | None
    is_exact: bool
    how: str
    note: str | None = None


def quote(price: Price, request: EditRequest, model: Model) -> Quote:
    """
    What a request costs at a price.

    The API tells a base per output. Where a parameter that costs extra is set, or the service's note speaks of
    more than the catalogue knows, the sum is only a floor.
    """
    if price.base is None or price.unit not in {None, "output", "image"}:
        return Quote(None, is_exact=False, how="the service names no price a picture", note=price.note)
    count = model.count(request.parameters)
    extra = [field.name for field in model.options if field.cost_note and field.name in request.parameters]
    how = f"{count} × ${price.base:.4g}"
    if extra:
        how += f", and what {' and '.join(extra)} {'adds' if len(extra) == 1 else 'add'}"
    is_exact = price.unit is not None and not extra and (price.note is None or model.is_shipped)
    return Quote(round(count * price.base, 6), is_exact=is_exact, how=how, note=price.note)
