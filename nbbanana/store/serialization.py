"""
Records as JSON, as they leave a store: in bundles, beside pictures and inside them.

What is written has no addresses, no notebook names and no ids of one store. What is read is checked against
`bundle.schema.json`, and by the reader against its digests.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, fields
from functools import cache
from importlib import resources
from typing import Any, get_args

from nbbanana.prompts import parts_of
from nbbanana.regions import area_of
from nbbanana.request import canonical_json, sha256_of
from nbbanana.store.heat_maps import is_heat_map
from nbbanana.store.records import WHOLE, Edit, InputRecord, OutputDrift, OutputRecord, Post, Rating, Transition

__all__ = ["checker", "pack", "pack_post", "parse_json", "unpack", "unpack_heat_maps", "unpack_post"]

APART = frozenset(
    {
        "parameters",
        "parts",
        "tags",
        "inputs",
        "outputs",
        "masks",
        "region",
        "transitions",
        "ratings",
        "schema_hash",
        "drifts",
    }
)
"""Fields of a record that are written in a way of their own."""
PRIVATE = frozenset({"id", "parents", "request_id", "handle", "notebook", "kernel", "cell", "is_foreign"})
"""Fields of a record that mean nothing, or too much, in another place."""
PLAY_OF_FORMAT_1 = "sandbox"
"""The provider whose money is play money in records of format 1, which do not say so themselves."""
_PLAIN_CELL = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MARK = re.compile(r"(starred|rejected)\[(0|[1-9][0-9]{0,5})\]")


def pack(edit: Edit, heat_maps: Mapping[int, bytes] | None = None) -> dict[str, Any]:
    """Return a record as a JSON object, with its heat maps by output where they are given."""
    packed = {f.name: getattr(edit, f.name) for f in fields(edit) if f.name not in PRIVATE | APART}
    packed["schema"] = edit.schema_hash
    packed["parameters"] = dict(edit.parameters)
    packed["tags"] = list(edit.tags)
    packed["ratings"] = [{"position": place, "rating": rating} for place, rating in sorted(edit.ratings.items())]
    packed["inputs"] = [_without_url(record) for record in edit.inputs]
    if edit.masks:
        packed["masks"] = [_without_url(record) for record in edit.masks]
    if edit.region is not None:
        packed["region"] = edit.region.as_json()
    packed["outputs"] = [_without_url(record) for record in edit.outputs]
    packed["transitions"] = [asdict(step) for step in edit.transitions]
    # Where it was asked decides what a replay gives. Some editors name cells by the path of the file; a kernel is
    # only told from others.
    packed["cell"] = edit.cell if edit.cell and _PLAIN_CELL.fullmatch(edit.cell) else None
    packed["kernel"] = sha256_of(edit.kernel)[:32] if edit.kernel else None
    # Readers of before there were parts and figures pass over what is `extra`.
    extra: dict[str, Any] = {}
    if edit.parts is not None:
        extra["parts"] = dict(edit.parts)
    if edit.drifts:
        extra["drifts"] = [_packed_drift(drift, (heat_maps or {}).get(drift.index)) for drift in edit.drifts]
    return packed | ({"extra": extra} if extra else {})


def _packed_drift(drift: OutputDrift, heat_map: bytes | None) -> dict[str, Any]:
    packed = asdict(drift)
    return packed if heat_map is None else packed | {"heat_map": b64encode(heat_map).decode()}


def pack_post(post: Post) -> dict[str, Any]:
    """Return a POST as a JSON object, without what it could be collected with."""
    return {name: value for name, value in asdict(post).items() if name not in {"edit_id", "handle"}}


def unpack_post(packed: dict[str, Any]) -> Post:
    """Return the POST of a JSON object that was checked; it belongs to no edit yet."""
    return Post(edit_id=0, **packed)


def unpack(packed: dict[str, Any]) -> Edit:
    """Return the record of a JSON object that was checked; its id is 0 where it says none."""
    rest = dict(packed)
    extra = rest.pop("extra", {})
    parts = parts_of(extra.get("parts"))
    rest.pop("posts", None)
    inputs, masks = (tuple(map(_input, rest.pop(kind, ()))) for kind in ("inputs", "masks"))
    outputs = tuple(OutputRecord(**record) for record in rest.pop("outputs", ()))
    tags = tuple(rest.pop("tags", ()))
    ratings: dict[int, Rating] = {one["position"]: one["rating"] for one in rest.pop("ratings", ())}
    if "starred" in rest or "rejected" in rest:
        marks = {name: bool(rest.pop(name, False)) for name in get_args(Rating)}
        tags, ratings = _ratings_of_old(marks, tags, {output.index for output in outputs})
    rest.setdefault("id", 0)
    rest.setdefault("is_play", rest["provider"] == PLAY_OF_FORMAT_1)
    return Edit(
        inputs=inputs,
        masks=masks,
        region=area_of(rest.pop("region")) if "region" in rest else None,
        outputs=outputs,
        transitions=tuple(Transition(**step) for step in rest.pop("transitions", ())),
        tags=tags,
        ratings=ratings,
        schema_hash=rest.pop("schema", None),
        parts=parts.as_json() if parts else None,
        drifts=tuple(_drifts(extra.get("drifts"), {output.index for output in outputs})),
        **rest,
    )


def unpack_heat_maps(packed: dict[str, Any]) -> dict[int, bytes]:
    """Return the heat maps of a JSON object that was checked, by output; what is none of ours is left out."""
    outputs = {record["index"] for record in packed.get("outputs", ())}
    found: dict[int, bytes] = {}
    for one in _checked_drifts(packed.get("extra", {}).get("drifts"), outputs):
        with suppress(ValueError):
            data = b64decode(one.get("heat_map", ""), validate=True)
            if is_heat_map(data):
                found[one["index"]] = data
    return found


def _drifts(packed: Any, outputs: Container[int]) -> Iterator[OutputDrift]:
    for one in _checked_drifts(packed, outputs):
        yield OutputDrift(**{name: value for name, value in one.items() if name != "heat_map"})


def _checked_drifts(packed: Any, outputs: Container[int]) -> list[dict[str, Any]]:
    """Return what was measured, one for an output; nothing where one is not as it should be."""
    import fastjsonschema

    try:
        checker("drifts")(packed)
        indices = [one["index"] for one in packed]
        canonical_json([{**one, "figures": None} for one in packed]).encode()
    except (fastjsonschema.JsonSchemaException, ValueError):
        return []
    is_one_each = len(set(indices)) == len(indices) and all(place in outputs for place in indices)
    return packed if is_one_each and all((one["figures"] is None) != (one["reason"] is None) for one in packed) else []


def _ratings_of_old(
    flags: Mapping[str, bool], tags: Iterable[str], outputs: Container[int]
) -> tuple[tuple[str, ...], dict[int, Rating]]:
    """
    Return tags and ratings of a record that has a flag for the edit and tags such as `starred[1]` for its outputs.

    As the store's own upgrade has it: a star's tag counts while the flag is on; where both marks meet, the star stays.
    """
    found = [(tag, _MARK.fullmatch(tag)) for tag in tags]
    marks = {tag: (mark[1], int(mark[2])) for tag, mark in found if mark and int(mark[2]) in outputs}
    ratings: dict[int, Rating] = {}
    for rating in get_args(Rating):
        places = [place for name, place in marks.values() if name == rating]
        if rating == "starred" and not flags[rating]:
            continue
        for place in places or ([WHOLE] if flags[rating] else []):
            ratings.setdefault(place, rating)
    return tuple(tag for tag, _ in found if tag not in marks), ratings


def parse_json(text: str | bytes) -> Any:
    """
    Return a JSON value of unknown origin.

    Raises:
        ValueError: no JSON, NaN or an infinity, or nested deeper than anything of ours.
    """
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deep") from None


@cache
def checker(definition: str) -> Any:
    """
    Return the compiled schema of one of the definitions of a bundle's schema, such as `edit`.

    It is called with a value and raises `fastjsonschema.JsonSchemaException`.
    """
    import fastjsonschema

    text = resources.files(__package__).joinpath("bundle.schema.json").read_text(encoding="utf-8")
    definitions = json.loads(text)["definitions"]
    return fastjsonschema.compile({"$ref": f"#/definitions/{definition}", "definitions": definitions})


def _input(record: dict[str, Any]) -> InputRecord:
    return InputRecord(**{**record, "name": _last_of(record["name"])})


def _without_url(record: InputRecord | OutputRecord) -> dict[str, Any]:
    packed = asdict(record)
    del packed["url"]
    if packed.get("parameter", "") is None:
        del packed["parameter"]
    return packed


def _last_of(name: str) -> str:
    """Return a name without the folders that a stranger may have put before it."""
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2]


def _no_constant(name: str) -> Any:
    raise ValueError(name)  # NaN and the infinities are no JSON
