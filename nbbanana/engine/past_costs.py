"""What requests like one cost before, by the records of this store: a price where the service names none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbbanana.models import Model
from nbbanana.request import EditRequest
from nbbanana.store import Store
from nbbanana.text import one_line

__all__ = ["PastCosts", "costs_more", "dollars", "past_costs"]

RECORD_LIMIT = 200
"""Records that are read."""


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
