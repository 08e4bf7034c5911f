"""The input schema of a model out of an OpenAPI document, as services such as fal publish one for each model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbbanana.models.dialect import unreadable

__all__ = ["input_schema"]

DEEPEST = 8
JSON = "application/json"


def input_schema(model_id: str, document: Any) -> dict[str, Any]:
    """
    Return what a POST of the document takes: its properties and what is required, references within it followed.

    Raises:
        ProtocolError: it has none.
    """
    schemas = _at(document, "components", "schemas")
    known = schemas if isinstance(schemas, Mapping) else {}
    paths = _at(document, "paths")
    for path in paths.values() if isinstance(paths, Mapping) else ():
        found = _resolved(_at(path, "post", "requestBody", "content", JSON, "schema"), known, DEEPEST)
        properties = found.get("properties")
        if isinstance(properties, Mapping) and properties:
            nodes = {str(name): _resolved(node, known, DEEPEST) for name, node in properties.items()}
            return {"properties": nodes, "required": found.get("required", [])}
    raise unreadable(model_id)


def _resolved(node: Any, known: Mapping[str, Any], left: int) -> dict[str, Any]:
    """
    Return a node without references and without alternatives: of several, the first that is not null.

    >>> _resolved({"anyOf": [{"type": "integer"}, {"type": "null"}], "title": "Seed"}, {}, 8)
    {'type': 'integer', 'title': 'Seed'}
    >>> _resolved({"allOf": [{"$ref": "#/components/schemas/Size"}]}, {"Size": {"enum": ["1K"]}}, 8)
    {'enum': ['1K']}
    """
    if not isinstance(node, Mapping) or left == 0:
        return {}
    own = {word: value for word, value in node.items() if word not in {"$ref", "allOf", "anyOf", "oneOf"}}
    reference = node.get("$ref")
    if isinstance(reference, str):
        return _resolved(known.get(reference.rpartition("/")[2]), known, left - 1) | own
    for word in ("allOf", "anyOf", "oneOf"):
        branches = node.get(word)
        if isinstance(branches, list):
            usable = (one for one in branches if isinstance(one, Mapping) and one.get("type") != "null")
            return _resolved(next(usable, None), known, left - 1) | own
    return own


def _at(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
