"""
A record that travels with its picture: inside a copy of the file, or in a JSON file beside it.

What comes back from a file is of unknown origin: it is bounded, checked against the schema that bundles are checked
against, and held against its own digests. Nothing in it is evaluated.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from nbbanana._version import __version__
from nbbanana.errors import ImageError, UsageError, translated
from nbbanana.store.containers import has_content_credentials
from nbbanana.store.embedding import MOST_RECORD, embed, embedded, originals
from nbbanana.store.maintenance import digests_hold
from nbbanana.store.records import Edit
from nbbanana.store.serialization import checker, pack, parse_json, unpack

__all__ = [
    "Record",
    "embedded_copy",
    "has_content_credentials",
    "names_of",
    "read_embedded",
    "read_sidecar",
    "sidecar",
    "sidecar_path",
]

FORMAT, VERSION = "nbbanana-record", 2
INSIDE = (
    *(
        "uid",
        "model",
        "provider",
        "ask",
        "digest",
        "parameters",
        "prompt_field",
        "seed",
        "seed_given",
        "state",
        "created_at",
    ),
    *("model_named", "provider_model", "answered_model", "is_play"),
    *("inputs", "masks", "region", "outputs", "package_version", "extra"),
)
"""What goes into a copy of a file: the request and what it made. Who gets the copy need not know what it cost, and
what was measured can be measured again."""


@dataclass(frozen=True, slots=True)
class Record:
    """
    A record that came with a picture.

    Args:
        edit: what it says; its id is 0, since it is in no store.
        output: which output the picture was, from 0; None where it does not say.
        holds: whether its digests follow from what it says; False means that it was changed.
    """

    edit: Edit
    output: int | None
    holds: bool

    @property
    def sha256(self) -> str | None:
        """SHA-256 of the output's bytes as they came, where the record says which output it is."""
        return next((output.sha256 for output in self.edit.outputs if output.index == self.output), None)


def embedded_copy(data: bytes, edit: Edit, index: int) -> bytes:
    """
    Return the file of an output with its request inside; what it cost and what people said about it stay out.

    Raises:
        UsageError: a file that is signed, or that cannot hold a record.
    """
    if has_content_credentials(data):
        raise UsageError(
            "The picture carries Content Credentials.",
            "They sign every byte of the file: anything written into it would break them.",
            "Use sidecar=True, which leaves the file as it is.",
        )
    whole = pack(replace(edit, drifts=()))
    packed = {name: whole[name] for name in INSIDE if name in whole}
    with translated(
        ImageError,
        lambda error: UsageError("The record cannot be put into the file.", error.what, "Use sidecar=True."),
    ):
        return embed(data, _written(packed, index))


def sidecar(edit: Edit, index: int) -> str:
    """Return the JSON that lies beside an output: its record as a bundle has it."""
    return json.dumps(json.loads(_written(pack(edit), index)), ensure_ascii=False, indent=1) + "\n"


def sidecar_path(picture: Path) -> Path:
    """Return where the JSON of a picture lies."""
    return picture.with_name(picture.name + ".json")


def read_embedded(data: bytes) -> Record | None:
    """Return the record inside a file; None where there is none that can be read."""
    text = embedded(data)
    return None if text is None else _read(text)


def read_sidecar(picture: Path) -> Record | None:
    """Return the record beside a file; None where there is none that can be read."""
    path = sidecar_path(picture)
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            text = file.read(MOST_RECORD + 1)
    except OSError:
        return None
    return _read(text) if len(text) <= MOST_RECORD else None


def names_of(data: bytes) -> Iterator[str]:
    """Yield SHA-256 of a file, then of what it may have been before a record was embedded."""
    yield sha256(data).hexdigest()
    if embedded(data) is not None:
        yield from (sha256(original).hexdigest() for original in originals(data))


def _written(packed: dict[str, Any], index: int) -> str:
    content = {"format": FORMAT, "version": VERSION, "package": __version__, "output": index, "edit": packed}
    # ASCII alone survives every program that copies metadata from one file into another.
    return json.dumps(content, ensure_ascii=True, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _read(text: str | bytes) -> Record | None:
    import fastjsonschema

    try:
        content = parse_json(text)
        checker("record")(content)
        edit = unpack(content["edit"])
        return Record(edit, content.get("output"), digests_hold(edit))
    except (ValueError, RecursionError, fastjsonschema.JsonSchemaException):
        return None
