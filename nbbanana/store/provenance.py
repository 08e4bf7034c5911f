"""
Where a picture comes from: by a record that travels with it, inside a copy of the file or in a JSON file beside it; or
by what it looks like.

What comes back from a file is of unknown origin: it is bounded, checked against the schema that bundles are checked
against, and held against its own digests. Nothing in it is evaluated.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from nbbanana._version import __version__
from nbbanana.errors import ImageError, UsageError, translated
from nbbanana.images import fingerprint
from nbbanana.store.embedding import MOST_RECORD, embed, embedded, has_content_credentials, originals
from nbbanana.store.records import Edit
from nbbanana.store.serialization import checker, no_constant, pack, unpack
from nbbanana.store.store import Store, digests_hold

__all__ = [
    "Record",
    "embedded_copy",
    "fingerprints",
    "names_of",
    "read_embedded",
    "read_sidecar",
    "sidecar",
    "sidecar_path",
]

FORMAT, VERSION = "nbbanana-record", 2
BATCH = 256
"""Pictures that are looked at before what was found is written down, so that an interrupt loses little."""
_TABLE = "CREATE TABLE IF NOT EXISTS dhash (sha256 TEXT PRIMARY KEY, bits BLOB) WITHOUT ROWID"
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
    try:
        content = json.loads(text, parse_constant=no_constant)
        checker("record")(content)
        edit = unpack(content["edit"])
        return Record(edit, content.get("output"), digests_hold(edit))
    except (ValueError, RecursionError):
        return None


def fingerprints(store: Store, file: Path) -> dict[str, int]:
    """
    Return the fingerprint of each output of a store by its SHA-256; those that are too plain for one are left out.

    The first call reads every picture, 20 to 100 ms each on one core; later ones only what is new. Fingerprints belong
    to contents, not to stores, so one cache serves them all. It holds nothing that cannot be made again: where it
    cannot be read or written, only time is lost.

    Args:
        store: the store.
        file: the cache, a SQLite file of its own; made where there is none.
    """
    names = store.output_names()
    known: dict[str, int | None] = {}
    with suppress(sqlite3.Error, OSError), closing(_opened(file)) as connection:
        connection.execute(_TABLE)
        rows = connection.execute("SELECT sha256, bits FROM dhash")
        known = {name: None if bits is None else int.from_bytes(bits, "big") for name, bits in rows}
    new = [name for name in names if name not in known and store.has_blob(name)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(new), BATCH):
            batch = new[start : start + BATCH]
            found = dict(zip(batch, pool.map(_look, [store.blob_path(name) for name in batch]), strict=True))
            known |= found
            with suppress(sqlite3.Error, OSError), closing(_opened(file)) as connection, connection:
                connection.execute(_TABLE)
                connection.executemany(
                    "INSERT OR REPLACE INTO dhash VALUES (?, ?)",
                    [(name, None if bits is None else bits.to_bytes(8, "big")) for name, bits in found.items()],
                )
    return {name: bits for name in names if (bits := known.get(name)) is not None}


def _opened(file: Path) -> sqlite3.Connection:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return sqlite3.connect(file, timeout=5.0)


def _look(path: Path) -> int | None:
    try:
        return fingerprint(path)
    except ImageError:
        return None
