"""
A schema from a file or from a service, in plain JSON Schema words.

The service's dialect (RunComfy, read September 2026) has a raw type `float`, lists of `validations` about media files,
and defaults that are samples. Only the words below are kept: a schema from the network is compiled to code for
checking, and must not bring references to fetch or patterns that never end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbbanana.errors import ProtocolError

__all__ = ["checks_of", "plain_schema"]

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

SHOWN = frozenset({"title", "description", "default", "format", "x-nbbanana"})
"""The words that say what it means."""

NUMBERS = frozenset({"minimum", "maximum", "multipleOf"})
LENGTHS = frozenset({"minLength", "maxLength", "minItems", "maxItems"})


def plain_schema(model_id: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """
    The schema with `properties` and `required` only, each property in plain words.

    Raises:
        ProtocolError: it has no properties, or some that are none.
    """
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        raise _unreadable(model_id)
    required = schema.get("required")
    plain = {str(name): _plain(model_id, node) for name, node in properties.items()}
    names = required if isinstance(required, list) else []
    return {"properties": plain, "required": [name for name in names if name in plain]}


def checks_of(node: Mapping[str, Any]) -> dict[str, Any]:
    """What of a plain property says which values are allowed."""
    return {word: value for word, value in node.items() if word in CHECKS}


def _plain(model_id: str, node: Any) -> dict[str, Any]:
    if not isinstance(node, Mapping):
        raise _unreadable(model_id)
    plain = {word: value for word, value in node.items() if word in SHOWN or _is_sound(word, value)}
    plain["type"] = _type(node)
    items = node.get("items")
    plain.pop("items", None)
    if plain["type"] == "array" and isinstance(items, Mapping) and items:
        plain["items"] = _plain(model_id, items)
    return plain


def _is_sound(word: str, value: object) -> bool:
    if isinstance(value, bool):
        return False
    if word in NUMBERS:
        return isinstance(value, int | float)
    if word in LENGTHS:
        return isinstance(value, int)
    return word == "enum" and isinstance(value, list) and bool(value)


def _type(node: Mapping[str, Any]) -> str:
    """The JSON type; of several, the first that is not null; without any, that of the allowed values or the default."""
    stated = node.get("type")
    stated = next((one for one in stated if one != "null"), None) if isinstance(stated, list) else stated
    if isinstance(stated, str) and stated in TYPES:
        return TYPES[stated]
    samples = node.get("enum") if isinstance(node.get("enum"), list) else [node.get("default")]
    kinds = {bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}
    return kinds.get(type(samples[0]) if samples else str, "string")


def _unreadable(model_id: str) -> ProtocolError:
    return ProtocolError(
        f"The parameters of {model_id} cannot be read.",
        "The service describes them in a form that this version does not know.",
        "Update nbbanana, or use a model of its own catalogue (%nbmodels).",
    )
