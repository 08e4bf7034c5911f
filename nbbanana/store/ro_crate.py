"""
The same edits as an RO-Crate: what was made, from what, by what, for tools that know nothing of nbbanana.

A Process Run Crate (https://w3id.org/ro/wfrun/process, version 0.5, on RO-Crate 1.1): each edit is a `CreateAction`
with the model as its instrument, the inputs as its objects and the outputs as its results.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from nbbanana.request import canonical_json

if TYPE_CHECKING:
    from nbbanana.store.records import Edit, InputRecord, OutputRecord

__all__ = ["crate"]

CONTEXT = ["https://w3id.org/ro/crate/1.1/context", "https://w3id.org/ro/terms/workflow-run/context"]
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"


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
    for entity in (*_files(edit), *_region(edit)):
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


def _region(edit: Edit) -> Iterator[dict[str, Any]]:
    """Yield the part of a picture that it was about: the words for it, and the shapes as the records have them."""
    if edit.region is not None:
        yield {
            "@id": f"#{edit.uid}-region",
            "@type": "PropertyValue",
            "name": "region",
            "description": edit.region.words,
            "value": canonical_json(edit.region.as_json()),
        }


def _files(edit: Edit) -> Iterator[dict[str, Any]]:
    for input_ in (*edit.inputs, *edit.masks):
        if input_.sha256:
            yield _file(input_, input_.name, "image/png")
    for output in edit.outputs:
        yield _file(output, f"output {output.index}", output.mime)


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
