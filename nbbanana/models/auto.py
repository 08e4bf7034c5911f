"""The model of a line that says `--model auto`: it takes what any model of the catalogue takes, until one is chosen."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from nbbanana.models.catalogue import get, ids
from nbbanana.models.model import Model, from_schema
from nbbanana.models.routing import default_model

__all__ = ["AUTO", "auto_model"]

AUTO = "auto"
"""What is written in the place of a model for the first of a ranking."""


@lru_cache(maxsize=1)
def auto_model() -> Model:
    """
    Return a model with every option that a model of the catalogue has, the default one's first.

    >>> auto_model().field("seed").role, auto_model().max_images
    ('seed', 20)
    """
    first = get(default_model())
    properties = {one.name: dict(first.schema["properties"][one.name]) for one in first.fields}
    roles = {one.role for one in first.fields if one.role}
    for model in map(get, ids()):
        for one in model.options:
            node = model.schema["properties"][one.name]
            if one.name in properties:
                properties[one.name] = _wider(properties[one.name], node)
            elif one.role is None or one.role not in roles:
                properties[one.name] = dict(node)
                roles |= {one.role} if one.role else set()
    for one in first.picture_fields:
        properties[one.name] = {**properties[one.name], "minItems": 0}
    schema = {"title": "Auto", "description": "The model that suits the request best.", "type": "object"}
    needed = [one.name for one in first.fields if one.required and not one.holds_pictures]
    return from_schema(AUTO, {**schema, "required": needed, "properties": _without_defaults(properties)})


def _wider(known: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return a field that takes the words of both; where one of them takes any, any."""
    if "enum" not in known:
        return known
    if "enum" not in other:
        return {key: value for key, value in known.items() if key != "enum"} if other.get("type") == "string" else known
    return {**known, "enum": list(dict.fromkeys([*known["enum"], *other["enum"]]))}


def _without_defaults(properties: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: {key: value for key, value in node.items() if key != "default"} for name, node in properties.items()}
