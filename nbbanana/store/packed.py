"""
Records as JSON, as they leave a store: in bundles, beside pictures and inside them.

What is written has no addresses, no notebook names and no ids of one store. What is read is checked against
`bundle.schema.json`, and by whoever reads it against its digests.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from functools import cache
from importlib import resources
from typing import Any

from nbbanana.regions import area_of
from nbbanana.store.records import Edit, InputRecord, OutputRecord, Transition

__all__ = ["checker", "pack", "parse_json", "unpack"]

PRIVATE = frozenset(
    {"id", "parents", "request_id", "notebook", "cell", "transitions", "inputs", "outputs", "masks", "region"}
)
"""Fields of a record that mean nothing, or too much, in another place, and those that are written apart."""


def pack(edit: Edit) -> dict[str, Any]:
    """A record as a JSON object."""
    packed = {f.name: getattr(edit, f.name) for f in fields(edit) if f.name not in PRIVATE}
    packed["parameters"] = dict(edit.parameters)
    packed["tags"] = list(edit.tags)
    packed["inputs"] = [_without_url(record) for record in edit.inputs]
    if edit.masks:
        packed["masks"] = [_without_url(record) for record in edit.masks]
    if edit.region is not None:
        packed["region"] = edit.region.as_json()
    packed["outputs"] = [_without_url(record) for record in edit.outputs]
    packed["transitions"] = [asdict(step) for step in edit.transitions]
    return packed


def unpack(packed: dict[str, Any]) -> Edit:
    """The record of a JSON object that was checked; its id is 0 where it says none."""
    rest = dict(packed)
    inputs, masks = (tuple(map(_input, rest.pop(kind, ()))) for kind in ("inputs", "masks"))
    region = area_of(rest.pop("region")) if "region" in rest else None
    outputs = tuple(OutputRecord(**record) for record in rest.pop("outputs", ()))
    steps = tuple(Transition(**step) for step in rest.pop("transitions", ()))
    tags = tuple(rest.pop("tags", ()))
    rest.setdefault("id", 0)
    return Edit(inputs=inputs, masks=masks, region=region, outputs=outputs, transitions=steps, tags=tags, **rest)


def parse_json(text: str | bytes) -> Any:
    """
    A JSON value of unknown origin.

    Raises:
        ValueError: no JSON, NaN or an infinity, or nested deeper than anything of ours.
    """
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deep") from None


@cache
def checker(definition: str | None = None) -> Any:
    """
    The compiled schema of a bundle's records, or of one of its definitions, such as `edit`.

    It is called with a value and raises `fastjsonschema.JsonSchemaException`.
    """
    import fastjsonschema

    text = resources.files(__package__).joinpath("bundle.schema.json").read_text(encoding="utf-8")
    schema = json.loads(text)
    if definition is not None:
        schema = {"$ref": f"#/definitions/{definition}", "definitions": schema["definitions"]}
    return fastjsonschema.compile(schema)


def _input(record: dict[str, Any]) -> InputRecord:
    return InputRecord(**{**record, "name": _last_of(record["name"])})


def _without_url(record: InputRecord | OutputRecord) -> dict[str, Any]:
    packed = asdict(record)
    del packed["url"]
    if packed.get("parameter", "") is None:
        del packed["parameter"]
    return packed


def _last_of(name: str) -> str:
    """A name without the folders that a stranger may have put before it."""
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2]


def _no_constant(name: str) -> Any:
    raise ValueError(name)  # NaN and the infinities are no JSON
