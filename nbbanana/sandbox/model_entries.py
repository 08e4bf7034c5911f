"""
The sandbox's models: their schemas from nbbanana's own catalogue, their prices and their pace from a data file.

The entries have the keys that clients of `GET /v1/models` read: `model_id`, `display_name`, `categories`, `kind`,
`base_price_usd`, `price_unit`, `pricing_note` and `input_schema`.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from nbbanana import models
from nbbanana.models.dialect import plain_schema
from nbbanana.sandbox.api_errors import BAD_INPUT, WRONG_MODEL, ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Catalogue", "Entry", "draw_duration"]

OWN_KEYS = "x-nbbanana"


@cache
def _data() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(files(__package__).joinpath("catalogue.json").read_text("utf-8"))
    return data


@dataclass(frozen=True)
class Entry:
    """
    One model of the sandbox: `model` as nbbanana knows it, `facts` as the data file has them.

    `facts` holds `display_name`, `categories`, `base_price_usd`, `price_unit` and `pricing_note`, which are
    published, and what the note says in numbers: `multipliers` (field → value → factor) and `surcharges` (a
    boolean field → US dollars more for each output).
    """

    model: models.Model
    facts: Mapping[str, Any]

    def published(self, *, with_schema: bool) -> dict[str, Any]:
        """Return the entry as the API gives it."""
        entry = {
            "model_id": self.model.id,
            "display_name": self.facts.get("display_name", self.model.id),
            "categories": list(self.facts.get("categories", ())),
            "kind": "model",
        }
        entry |= {key: self.facts[key] for key in ("base_price_usd", "price_unit", "pricing_note") if key in self.facts}
        if with_schema:
            entry["input_schema"] = self._published_schema
        return entry

    def check(self, payload: Any) -> None:
        """
        Hold a submission against the schema. Fields that the schema does not have are refused.

        Raises:
            ApiError: with a `detail` that names the field.
        """
        import fastjsonschema

        try:
            self._validate(payload)
        except fastjsonschema.JsonSchemaValueException as error:
            where = [str(part) for part in error.path[1:]]
            words = error.message.removeprefix("data.").removeprefix("data ")
            finding = {"loc": ["body", *where], "msg": words, "type": error.rule}
            raise ApiError(BAD_INPUT, f"The input does not match the schema: {words}", detail=[finding]) from None

    def count(self, payload: Mapping[str, Any]) -> int:
        """Return how many outputs a submission asks for. `limit_generations` holds it to one."""
        return 1 if payload.get("limit_generations") is True else self.model.count(payload)

    def unit_price(self, payload: Mapping[str, Any]) -> float:
        """Return US dollars for each output of a submission."""
        price = float(self.facts.get("base_price_usd", 0.0))
        for name, factors in self.facts.get("multipliers", {}).items():
            price *= float(factors.get(self._value(payload, name), 1.0))
        more = [extra for name, extra in self.facts.get("surcharges", {}).items() if payload.get(name)]
        return price + float(sum(more))

    def resolution(self, payload: Mapping[str, Any]) -> str:
        """Return the resolution that a submission asks for, in capitals; the schema's default, else `1K`."""
        return str(self._value(payload, "resolution") or "1K").upper()

    def _value(self, payload: Mapping[str, Any], name: str) -> Any:
        return payload.get(name, self.model.schema["properties"].get(name, {}).get("default"))

    @cached_property
    def _validate(self) -> Callable[[Any], Any]:
        import fastjsonschema

        schema = plain_schema(self.model.id, self.model.schema) | {"type": "object", "additionalProperties": False}
        validate: Callable[[Any], Any] = fastjsonschema.compile(schema, use_default=False, use_formats=False)
        return validate

    @cached_property
    def _published_schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = _without_own_keys(dict(self.model.schema))
        return schema


@cache
def _own_entries() -> dict[str, Entry]:
    return {model_id: Entry(models.get(model_id), facts) for model_id, facts in _data()["models"].items()}


class Catalogue:
    """
    All models of a sandbox.

    Args:
        more: catalogue entries by model id, each with an `input_schema`, beside or instead of the sandbox's own.
    """

    def __init__(self, more: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self._entries = dict(_own_entries())
        for model_id, facts in (more or {}).items():
            self._entries[model_id] = Entry(models.from_schema(model_id, facts["input_schema"]), facts)

    def find(self, model_id: str) -> Entry:
        """
        Return the model with this id.

        Raises:
            ApiError: there is none.
        """
        entry = self._entries.get(model_id)
        if entry is None:
            raise ApiError(WRONG_MODEL, f"There is no model {model_id[:200]!r}.")
        return entry

    def search(self, words: str) -> list[Entry]:
        """Return the models whose id or name holds `words`, in the order of their ids."""
        return [
            entry
            for model_id, entry in sorted(self._entries.items())
            if words.casefold() in f"{model_id} {entry.facts.get('display_name', '')}".casefold()
        ]


def draw_duration(rng: random.Random, resolution: str, count: int) -> float:
    """
    Return seconds that a job takes: log-normal with a median of 12 s, longer with the resolution and the count.

    >>> round(draw_duration(random.Random(0), "1K", 1), 1)
    17.5
    """
    timing = _data()["timing"]
    seconds = timing["median_seconds"] * math.exp(rng.gauss(0.0, timing["sigma"]))
    more = 1.0 + timing["each_further_output"] * (count - 1)
    return float(seconds * timing["resolution"].get(resolution, 1.0) * more)


def _without_own_keys(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _without_own_keys(value) for key, value in node.items() if key != OWN_KEYS}
    return [_without_own_keys(item) for item in node] if isinstance(node, list) else node
