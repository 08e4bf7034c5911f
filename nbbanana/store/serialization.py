"""
Records as JSON, as they leave a store: in bundles, beside pictures and inside them; and as an RO-Crate.

What is written has no addresses, no notebook names and no ids of one store. What is read is checked against
`bundle.schema.json`, and by the reader against its digests; of a long list, `JSONText` holds one value at a time.

The crate says what was made, from what, by what, for tools that know nothing of nbbanana: a Process Run Crate
(https://w3id.org/ro/wfrun/process, version 0.5, on RO-Crate 1.1), where each edit is a `CreateAction` with the model as
its instrument, the inputs as its objects and the outputs as its results.
"""

from __future__ import annotations

import json
import re
import time
from base64 import b64decode, b64encode
from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, fields
from functools import cache
from importlib import resources
from typing import Any, get_args

from nbbanana.errors import BundleError
from nbbanana.prompts import parts_of
from nbbanana.regions import area_of
from nbbanana.request import canonical_json, sha256_of
from nbbanana.store.drifts import OutputDrift, is_heat_map
from nbbanana.store.records import WHOLE, Edit, InputRecord, OutputRecord, Post, Rating, Transition, Vote

__all__ = [
    "JSONText",
    "checker",
    "crate",
    "no_constant",
    "pack",
    "pack_post",
    "pack_votes",
    "unpack",
    "unpack_heat_maps",
    "unpack_votes",
    "votes_that_hold",
]

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
CONTEXT = ["https://w3id.org/ro/crate/1.1/context", "https://w3id.org/ro/terms/workflow-run/context"]
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
_PLAIN_CELL = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MARK = re.compile(r"(starred|rejected)\[(0|[1-9][0-9]{0,5})\]")


def pack(edit: Edit, heat_maps: Mapping[int, bytes] | None = None) -> dict[str, Any]:
    """Return a record as a JSON object, with its heat maps by output where they are given."""
    maps = {place: {"heat_map": b64encode(data).decode()} for place, data in (heat_maps or {}).items()}
    # Readers of before there were parts and figures pass over what is `extra`.
    extra = {
        "parts": None if edit.parts is None else dict(edit.parts),
        "drifts": [asdict(drift) | maps.get(drift.index, {}) for drift in edit.drifts] or None,
    }
    rare = {
        "masks": [_without_url(record) for record in edit.masks] or None,
        "region": edit.region.as_json() if edit.region is not None else None,
        "extra": {name: value for name, value in extra.items() if value is not None} or None,
    }
    return {
        **{f.name: getattr(edit, f.name) for f in fields(edit) if f.name not in PRIVATE | APART},
        "schema": edit.schema_hash,
        "parameters": dict(edit.parameters),
        "tags": list(edit.tags),
        "ratings": [{"position": place, "rating": rating} for place, rating in sorted(edit.ratings.items())],
        "inputs": [_without_url(record) for record in edit.inputs],
        "outputs": [_without_url(record) for record in edit.outputs],
        "transitions": [asdict(step) for step in edit.transitions],
        # Where it was asked decides what a replay gives. Some editors name cells by the path of the file; a kernel is
        # only told from others.
        "cell": edit.cell if edit.cell and _PLAIN_CELL.fullmatch(edit.cell) else None,
        "kernel": sha256_of(edit.kernel)[:32] if edit.kernel else None,
        **{name: value for name, value in rare.items() if value is not None},
    }


def pack_post(post: Post) -> dict[str, Any]:
    """Return a POST as a JSON object, without what it could be collected with."""
    return {name: value for name, value in asdict(post).items() if name not in {"edit_id", "handle"}}


def unpack(packed: dict[str, Any]) -> Edit:
    """Return the record of a JSON object that was checked; its id is 0 where it says none."""
    rest = dict(packed)
    extra = rest.pop("extra", {})
    parts = parts_of(extra.get("parts"))
    rest.pop("posts", None)
    inputs, masks = (tuple(map(_input, rest.pop(kind, ()))) for kind in ("inputs", "masks"))
    outputs = tuple(OutputRecord(**record) for record in rest.pop("outputs", ()))
    indices = {output.index for output in outputs}
    tags = tuple(rest.pop("tags", ()))
    ratings: dict[int, Rating] = {one["position"]: one["rating"] for one in rest.pop("ratings", ())}
    if "starred" in rest or "rejected" in rest:
        marks = {name: bool(rest.pop(name, False)) for name in get_args(Rating)}
        tags, ratings = _ratings_of_old(marks, tags, indices)
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
        drifts=tuple(
            OutputDrift(one["index"], one["against"], one["sentence"], one["reason"], one["figures"])
            for one in _checked_drifts(extra.get("drifts"), indices)
        ),
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


def _checked_drifts(packed: Any, outputs: Container[int]) -> list[dict[str, Any]]:
    """Return what was measured, one for an output; nothing where one is not as it should be."""
    try:
        checker("drifts")(packed)
        indices = [one["index"] for one in packed]
        canonical_json([{**one, "figures": None} for one in packed]).encode()
    except ValueError:
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


def pack_votes(votes: Iterable[Vote], uids: Collection[str]) -> list[dict[str, Any]]:
    """Return the votes of which both edits are among `uids`, as JSON objects."""
    return [
        {
            "uid": vote.uid,
            "output": vote.first[1],
            "other": vote.second[0],
            "other_output": vote.second[1],
            "preferred": vote.preferred,
            "sweep": vote.sweep,
            "rater": vote.rater_id,
            "at": vote.at,
        }
        for vote in votes
        if vote.second[0] in uids
    ]


def unpack_votes(packed: Any, uid: str) -> list[Vote]:
    """Return the votes of a record of unknown origin; nothing where one is not as it should be."""
    try:
        checker("votes")(packed)
    except ValueError:
        return []
    return [
        Vote(
            one["uid"],
            (uid, int(one["output"])),
            (one["other"], int(one["other_output"])),
            one["preferred"],
            one["sweep"],
            float(one["at"]),
            rater_id=one["rater"],
        )
        for one in packed
    ]


def votes_that_hold(votes: Iterable[Vote], outputs: Mapping[str, Collection[int]]) -> list[Vote]:
    """
    Return the votes on two outputs that are there, each once.

    Args:
        votes: as they were unpacked.
        outputs: the indices of the outputs of each edit, by uid.
    """
    found: dict[str, Vote] = {}
    for vote in votes:
        is_whole = all(position in outputs.get(uid, ()) for uid, position in (vote.first, vote.second))
        if is_whole and vote.first != vote.second:
            found.setdefault(vote.uid, vote)
    return list(found.values())


@cache
def checker(definition: str) -> Any:
    """
    Return the compiled schema of one of the definitions of a bundle's schema, such as `edit`.

    It is called with a value and raises `fastjsonschema.JsonSchemaException`, which is a ValueError.
    """
    import fastjsonschema

    text = resources.files(__package__).joinpath("bundle.schema.json").read_text(encoding="utf-8")
    definitions = json.loads(text)["definitions"]
    return fastjsonschema.compile({"$ref": f"#/definitions/{definition}", "definitions": definitions})


def _input(record: dict[str, Any]) -> InputRecord:
    # Without the folders that a stranger may have put before the name.
    name = record["name"].replace("\\", "/").rstrip("/").rpartition("/")[2]
    return InputRecord(**{**record, "name": name})


def _without_url(record: InputRecord | OutputRecord) -> dict[str, Any]:
    packed = asdict(record)
    del packed["url"]
    if packed.get("parameter", "") is None:
        del packed["parameter"]
    return packed


def crate(edits: Iterable[Edit]) -> dict[str, Any]:
    """Return the metadata of a crate that holds these edits, as JSON-LD."""
    entities: dict[str, dict[str, Any]] = {}
    actions = [_action(edit, entities) for edit in edits if edit.state == "completed"]
    files = [name for name, entity in entities.items() if entity["@type"] == "File"]
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": "Picture edits",
        "description": "Edits of pictures with words: requests, inputs and outputs, as nbbanana recorded them.",
        "datePublished": _moment(time.time()),
        "conformsTo": {"@id": PROFILE},
        "hasPart": [{"@id": name} for name in ("edits.json", *files)],
        "mentions": [{"@id": action["@id"]} for action in actions],
    }
    about = {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        "about": {"@id": "./"},
    }
    records = {"@id": "edits.json", "@type": "File", "name": "The records", "encodingFormat": "application/json"}
    profile = {"@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"}
    return {"@context": CONTEXT, "@graph": [about, root, profile, records, *entities.values(), *actions]}


def _action(edit: Edit, entities: dict[str, dict[str, Any]]) -> dict[str, Any]:
    instrument = f"#{edit.provider}/{edit.model}"
    entities.setdefault(
        instrument, {"@id": instrument, "@type": "SoftwareApplication", "name": f"{edit.model} ({edit.provider})"}
    )
    for entity in _entities(edit):
        entities.setdefault(entity["@id"], entity)
    return {
        "@id": f"#{edit.uid}",
        "@type": "CreateAction",
        "name": " ".join(edit.prompt.split())[:200],
        "description": edit.prompt,
        "startTime": _moment(edit.created_at),
        **({"endTime": _moment(edit.finished_at)} if edit.finished_at is not None else {}),
        "actionStatus": {"@id": "http://schema.org/CompletedActionStatus"},
        "instrument": {"@id": instrument},
        "object": [{"@id": _place(one.sha256)} for one in (*edit.inputs, *edit.masks) if one.sha256],
        "result": [{"@id": _place(record.sha256)} for record in edit.outputs],
        **({"additionalProperty": {"@id": f"#{edit.uid}-region"}} if edit.region else {}),
    }


def _entities(edit: Edit) -> Iterator[dict[str, Any]]:
    """Yield the pictures, and the part of one that it was about: its words, and the shapes as the records have them."""
    for input_ in (*edit.inputs, *edit.masks):
        if input_.sha256:
            yield _file(input_, input_.name, "image/png")
    for output in edit.outputs:
        yield _file(output, f"output {output.index}", output.mime)
    if edit.region is not None:
        yield {
            "@id": f"#{edit.uid}-region",
            "@type": "PropertyValue",
            "name": "region",
            "description": edit.region.words,
            "value": canonical_json(edit.region.as_json()),
        }


def _file(record: InputRecord | OutputRecord, name: str, mime: str) -> dict[str, Any]:
    assert record.sha256 is not None
    return {
        "@id": _place(record.sha256),
        "@type": "File",
        "name": name,
        "encodingFormat": mime,
        "sha256": record.sha256,
    }


def _place(sha256: str) -> str:
    return f"blobs/{sha256[:2]}/{sha256}"


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


# ── reading text of unknown origin ────────────────────────────────────────────────────────────────────────────────────

PIECE = 1 << 18
"""Characters that are looked at first: many values at once, and few of them that are larger."""
_SPACE = re.compile(r"[ \t\n\r]*")


class JSONText:
    """
    JSON text that is read from its beginning to its end; where it is not JSON, reading is a BundleError.

    Args:
        text: the whole text.
        most: characters of one value that is held at a time.

    >>> text = JSONText('{"edits": [1, {"a": 2}], "version": 2}', most=100)
    >>> [(name, list(text.elements()) if name == "edits" else text.value()) for name in text.members()]
    [('edits', [1, {'a': 2}]), ('version', 2)]
    """

    def __init__(self, text: str, most: int) -> None:
        self._text = text
        self._most = most
        self._at = 0
        self._decoder = json.JSONDecoder(parse_constant=no_constant)
        self._piece, self._from = "", 0  # the part of the text that was looked at last

    def members(self) -> Iterator[str]:
        """Yield the names of the object that comes next; what stands under each is to be read before the next one."""
        for _ in self._parts("{", "}"):
            name = self.value()
            if not isinstance(name, str):
                raise _no_json()
            self._expect(":")
            yield name

    def elements(self) -> Iterator[Any]:
        """Yield the elements of the list that comes next."""
        for _ in self._parts("[", "]"):
            yield self.value()

    def value(self) -> Any:
        """Return the value that comes next; BundleError where it is too large: no more of it is looked at."""
        self._skip_space()
        for size in (0, PIECE, self._most):
            if size:
                self._piece, self._from = self._text[self._at : self._at + size], self._at
            elif not self._from <= self._at < self._from + len(self._piece):
                continue
            is_all = self._from + len(self._piece) >= len(self._text)
            try:
                value, end = self._decoder.raw_decode(self._piece, self._at - self._from)
            except RecursionError:
                raise _no_json() from None
            except ValueError:
                if is_all:
                    raise _no_json() from None
            else:
                if end < len(self._piece) - 2 or is_all:  # a number may go on behind the piece: 0|.5, 0.|5, 1e-|5
                    self._at = self._from + end
                    return value
        raise BundleError(
            "A value in the bundle's records does not end.",
            f"It has more than {self._most >> 20} MiB, or is not JSON.",
            "Nothing of it was taken. Ask for another one.",
        )

    def end(self) -> None:
        """Check that nothing comes behind what was read; BundleError where something does."""
        self._skip_space()
        if self._at != len(self._text):
            raise _no_json()

    def _parts(self, opening: str, closing: str) -> Iterator[None]:
        """Stand before each part of an object or a list; the caller reads it."""
        self._expect(opening)
        while (sign := self._peek()) != closing:
            if sign == ",":
                self._expect(sign)
            yield
        self._expect(closing)

    def _peek(self) -> str:
        self._skip_space()
        return self._text[self._at : self._at + 1]

    def _expect(self, sign: str) -> None:
        if self._peek() != sign:
            raise _no_json()
        self._at += 1

    def _skip_space(self) -> None:
        found = _SPACE.match(self._text, self._at)
        assert found is not None
        self._at = found.end()


def _no_json() -> BundleError:
    return BundleError(
        "The bundle's records cannot be read.", "They are not JSON.", "Nothing of it was taken. Ask for another one."
    )


def no_constant(name: str) -> Any:
    """Refuse NaN and the infinities, which are no JSON; for `parse_constant` of a decoder."""
    raise ValueError(name)
