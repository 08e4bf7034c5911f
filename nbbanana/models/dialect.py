"""
A schema from a file or from a service, in plain JSON Schema words.

The service's dialect (RunComfy, read September 2026) has a raw type `float`, lists of `validations` about media files,
and defaults that are samples. Only the words below are kept: a schema from the network is compiled to code for
checking, and must not bring references to fetch or patterns that never end.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeGuard

from nbbanana.errors import ProtocolError

__all__ = ["checks_of", "plain_schema", "unreadable"]

TYPES = {
    "string": "string",
    "str": "string",
    "integer": "integer",
    "int": "integer",
    "number": "number",
    "float": "number",
    "double": "number",
    "boolean": "boolean",
    "bool": "boolean",
    "array": "array",
    "list": "array",
    "object": "object",
    "dict": "object",
}
CHECKS = frozenset(
    {"type", "enum", "minimum", "maximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems", "items"}
)
"""The words of JSON Schema that say what a value may be."""

NUMBERS = frozenset({"minimum", "maximum"})
LENGTHS = frozenset({"minLength", "maxLength", "minItems", "maxItems"})
DEEPEST = 8
"""Lists of lists are followed so far."""

TEXTS = frozenset({"title", "description", "format"})


def plain_schema(model_id: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the schema with `properties` and `required` only, each property in plain words.

    Raises:
        ProtocolError: it has no properties, or some that are none.
    """
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        raise unreadable(model_id)
    plain = {str(name): _plain(model_id, node) for name, node in properties.items()}
    required = schema.get("required")
    names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    return {"properties": plain, "required": [name for name in names if name in plain]}


def checks_of(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a plain property says which values are allowed."""
    return {word: value for word, value in node.items() if word in CHECKS}


def _plain(model_id: str, node: Any, depth: int = 0) -> dict[str, Any]:
    if not isinstance(node, Mapping) or depth > DEEPEST:
        raise unreadable(model_id)
    plain = {word: value for word, value in node.items() if _is_sound(word, value)}
    plain["type"] = _type(node)
    enum, items, own = node.get("enum"), node.get("items"), node.get("x-nbbanana")
    if isinstance(enum, list):
        plain["enum"] = [
            value for value in enum if isinstance(value, str) or _is_number(value) or value in (True, False)
        ]
    if not plain.get("enum"):
        plain.pop("enum", None)
    if plain["type"] == "array" and isinstance(items, Mapping) and items:
        plain["items"] = _plain(model_id, items, depth + 1)
    if isinstance(own, Mapping):
        plain["x-nbbanana"] = {word: value for word, value in own.items() if isinstance(value, str)}
    return plain


def _is_sound(word: str, value: object) -> bool:
    """Return whether a word is one that is kept, and its value one that it can have."""
    if word in NUMBERS:
        return _is_number(value)
    if word == "multipleOf":
        return _is_number(value) and value > 0
    if word in LENGTHS:
        return _is_number(value) and isinstance(value, int) and value >= 0
    return word == "default" or (word in TEXTS and isinstance(value, str))


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _type(node: Mapping[str, Any]) -> str:
    """Return the JSON type: of several the first that is not null, else that of the allowed values or the default."""
    stated = node.get("type")
    stated = next((one for one in stated if one != "null"), None) if isinstance(stated, list) else stated
    if isinstance(stated, str) and stated in TYPES:
        return TYPES[stated]
    samples = node.get("enum") if isinstance(node.get("enum"), list) else [node.get("default")]
    kinds = {bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}
    return kinds.get(type(samples[0]) if samples else str, "string")


def unreadable(model_id: str) -> ProtocolError:
    """Return the error for a schema that cannot be read."""
    return ProtocolError(
        f"The parameters of {model_id} cannot be read.",
        "The service describes them in a form that this version does not know.",
        "Update nbbanana, or use a model of its own catalogue (%nbmodels).",
    )
