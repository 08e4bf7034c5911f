"""
Bundles: a notebook's edits in one zip file that can be read without trusting it.

Written: `edits.json` with the records, each model's JSON Schema once and the POSTs, `blobs/` with the pictures by
SHA-256, and `ro-crate-metadata.json`. No addresses, no paths, no handles, no notebook names, never a database.

Read: every name, number and size is checked against a schema and against limits before anything is unpacked, every
picture against its hash, every record against its digests. Records are read one by one, and nothing may unpack to
much more than it takes in the file, so that reading costs memory in proportion to what a bundle holds. Nothing in a
bundle is evaluated. Format 2 is written; format 1, which had no schemas, is read too.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from nbbanana import models
from nbbanana._version import __version__
from nbbanana.errors import BundleError, NBBananaError, translated
from nbbanana.request import canonical_json, sha256_of
from nbbanana.store.blobs import hash_file
from nbbanana.store.records import Edit, Post, Vote
from nbbanana.store.serialization import (
    JSONText,
    checker,
    crate,
    pack,
    pack_post,
    pack_votes,
    unpack,
    unpack_heat_maps,
    unpack_votes,
    votes_that_hold,
)
from nbbanana.store.store import Store, blobs_of, digests_hold
from nbbanana.store.values import checked_schema

__all__ = ["Bundle", "is_kept", "merge", "read", "write"]

FORMAT, VERSION = "nbbanana-bundle", 2
EDITS, CRATE = "edits.json", "ro-crate-metadata.json"
BLOB = re.compile(r"blobs/([0-9a-f]{2})/([0-9a-f]{64})\Z")
MOST_ENTRIES = 1_000_000
MOST_JSON = 256 << 20
MOST_EDIT = 2 << 20
"""Characters of one record."""
MOST_BLOB = 2 << 30
MOST_BYTES = 64 << 30
MOST_RATIO = 100
"""So much larger than in the file may an entry be, beyond `FREE` bytes: JSON of real records is 5 to 40 times."""
FREE = 16 << 20
CHUNK = 1 << 20
UNREADABLE = (ValueError, TypeError, OverflowError, RecursionError, NBBananaError)
"""What reading a record may raise that is not as it should be."""


def write(store: Store, edits: Iterable[Edit], path: str | Path) -> Path:
    """
    Write edits and their pictures into a bundle, in the order given.

    The file is written beside and renamed, so that an interrupted export leaves no half of one. Edits that are still
    under way are left out.

    Raises:
        NotInStoreError: a picture of theirs is missing.
        BundleError: the file cannot be written.
    """
    target = Path(path).expanduser()
    kept = [edit for edit in edits if edit.is_terminal]
    with (
        translated(OSError, lambda error: _unusable(target, "written", error, "Choose another place.")),
        tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder,
    ):
        path = Path(folder) / target.name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            _fill(archive, store, kept)
        path.chmod(0o644)
        path.replace(target)
    return target


def is_kept(store: Store, path: Path) -> bool:
    """Return whether a file is a bundle with which no edit would be lost: the store has all of them."""
    try:
        with read(path) as bundle:
            return all(store.find(edit.uid) for edit in bundle.edits)
    except BundleError:
        return False


def _fill(archive: zipfile.ZipFile, store: Store, edits: list[Edit]) -> None:
    with archive.open(EDITS, "w") as stream:
        for text in _written(store, edits):
            stream.write(text.encode("utf-8", "surrogatepass"))
    archive.writestr(CRATE, canonical_json(crate(edits)).encode("utf-8", "replace"))
    for sha256 in dict.fromkeys(name for edit in edits for name in blobs_of(edit)):
        # Pictures are compressed already; storing them also lets a reader see their true size.
        archive.write(store.blob_path(sha256), f"blobs/{sha256[:2]}/{sha256}", zipfile.ZIP_STORED)


def _written(store: Store, edits: list[Edit]) -> Iterator[str]:
    """Yield the records as JSON, piece by piece: first what they are, the schemas, then one record a line."""
    kept = {name: store.schema(name) for name in dict.fromkeys(edit.schema_hash for edit in edits) if name}
    first = {"format": FORMAT, "version": VERSION, "package": __version__, "extra": {}, "schemas": kept}
    yield json.dumps(first, ensure_ascii=True)[:-1] + ', "edits": ['
    uids = {edit.uid for edit in edits}
    for place, edit in enumerate(edits):
        posts = [pack_post(post) for post in reversed(store.posts(edit.id, limit=10_000))]
        # The number is for readers: a notebook says `edit:12` and `history[12]`, and means it when it is replayed, too.
        record = {"extra": {}, **pack(edit, store.heat_maps(edit.id)), "id": edit.id, "posts": posts}
        if votes := pack_votes(store.votes_of(edit.uid), uids):
            record["extra"] = {**record["extra"], "votes": votes}
        line = json.dumps(record, ensure_ascii=True, sort_keys=True, separators=(",", ":"), allow_nan=False)
        yield f"{',' if place else ''}\n{line}"
    yield "\n]}\n"


class Bundle:
    """
    A bundle that was opened and checked.

    Args:
        archive: the open zip file.

    Attributes:
        edits: the edits in their order.
        posts: their POSTs by uid.
        heat_maps: what was measured of their outputs, as small pictures, by uid and output.
        schemas: the JSON Schemas that they name, by hash.
        votes: the votes on two of their outputs.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._blobs = _checked_names(archive)
        self.posts: dict[str, tuple[Post, ...]] = {}
        self.heat_maps: dict[str, dict[int, bytes]] = {}
        self.schemas: dict[str, Mapping[str, Any]] = {}
        self.votes: list[Vote] = []
        head: dict[str, Any] = {}
        found: dict[str, list[Edit]] = {}
        text = JSONText(_read_text(archive), MOST_EDIT)
        for name in text.members():
            if name == "schemas":
                self.schemas |= _checked_schemas(text)
            elif name == "edits":
                found[name] = list(self._checked_edits(text))
            else:
                head[name] = text.value()
                _check_version(head)
        text.end()
        with translated(UNREADABLE, _not_by_schema):
            checker("head")(head | found)
        self.edits = [self._with_schema(edit, is_old=head["version"] == 1) for edit in found["edits"]]
        self.votes = votes_that_hold(self.votes, {edit.uid: _indices(edit) for edit in self.edits})

    def _checked_edits(self, text: JSONText) -> Iterator[Edit]:
        numbers: set[int] = set()
        for place, packed in enumerate(text.elements()):
            edit, posts = _checked_edit(packed, place)
            if edit.id < 1 or edit.id in numbers or edit.uid in self.posts:
                raise _broken(
                    "The bundle's records are not as they should be.", "Two have one number, or one has none."
                )
            numbers.add(edit.id)
            self.posts[edit.uid] = posts
            self.heat_maps[edit.uid] = unpack_heat_maps(packed)
            self.votes += unpack_votes(packed.get("extra", {}).get("votes"), edit.uid)
            yield edit

    def _with_schema(self, edit: Edit, *, is_old: bool) -> Edit:
        """Return an edit whose schema is here; one of format 1 gets the shipped schema of its model."""
        if is_old and edit.model in models.ids():
            schema = models.get(edit.model).schema
            self.schemas[sha256_of(schema)] = schema
            return replace(edit, schema_hash=sha256_of(schema))
        if edit.schema_hash is not None and edit.schema_hash not in self.schemas:
            raise _broken("A model's schema is missing.", f"{edit.schema_hash[:8]}… is named and not in the bundle.")
        return edit

    def blobs(self) -> Iterator[tuple[str, IO[bytes]]]:
        """Yield each picture that a record names, as its SHA-256 and a stream; the caller checks the hash."""
        for sha256 in dict.fromkeys(name for edit in self.edits for name in blobs_of(edit)):
            if sha256 not in self._blobs:
                raise _broken("A picture is missing.", f"blobs/{sha256[:2]}/{sha256[:8]}… is named and not there.")
            with self._archive.open(self._blobs[sha256]) as stream:
                yield sha256, stream


@contextmanager
def read(path: str | Path) -> Iterator[Bundle]:
    """
    Open a bundle and check it; nothing is unpacked yet.

    Raises:
        BundleError: not a bundle, or one that cannot be trusted.
    """
    source = Path(path).expanduser()
    broken = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError, struct.error)
    with (
        translated(OSError, lambda error: _unusable(source, "read", error, "Check the file.")),
        translated(broken, lambda error: _broken(f"{source.name} is not a whole bundle.", f"{type(error).__name__}.")),
        zipfile.ZipFile(source) as archive,
    ):
        yield Bundle(archive)


def merge(store: Store, path: str | Path, *, keep_ids: bool = False) -> int:
    """
    Take a bundle's edits into a store; those that are there already are left as they are, and get the votes on them.

    Args:
        store: where they go.
        path: the bundle.
        keep_ids: number them as they were; for an empty store, which then reads as the notebook's own.

    Returns:
        How many were added.

    Raises:
        BundleError: a bundle that cannot be trusted; the store is as it was, but for pictures that `gc` removes.
    """
    with read(path) as bundle:
        for sha256, stream in bundle.blobs():
            if not store.has_blob(sha256):
                _take(store, sha256, stream)
        return store.take_in(
            bundle.edits,
            keep_ids=keep_ids,
            schemas=bundle.schemas.values(),
            posts=bundle.posts,
            heat_maps=bundle.heat_maps,
            votes=bundle.votes,
        )


def _take(store: Store, sha256: str, stream: IO[bytes]) -> None:
    handle, name = tempfile.mkstemp(prefix=".bundle-", dir=store.incoming)
    path = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            shutil.copyfileobj(stream, file, CHUNK)  # no more than the size that was checked
        if hash_file(path) != sha256:
            raise _broken("A picture is not what its name says.", f"Its SHA-256 is not {sha256[:8]}….")
        store.adopt(path)
    finally:
        path.unlink(missing_ok=True)


def _checked_names(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the entries with pictures by their hash; any name that is not expected refuses the whole bundle."""
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES or sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise _broken("The bundle is too large.", f"It has {len(entries)} entries.")
    found: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        match = BLOB.match(entry.filename)
        if match is None and entry.filename not in {EDITS, CRATE}:
            raise _broken(
                "The bundle holds something strange.", f"No entry of a bundle is named {entry.filename!r:.80}."
            )
        if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise _broken("The bundle holds something strange.", f"{entry.filename[:20]} is compressed in another way.")
        if (
            entry.filename != CRATE and entry.file_size > FREE + MOST_RATIO * entry.compress_size
        ):  # that one is not read
            raise _broken(
                "The bundle unpacks to far more than it holds.",
                f"{entry.filename[:20]} has {entry.compress_size:,} bytes and would have {entry.file_size:,}.",
            )
        if match is not None:
            if match[2][:2] != match[1] or match[2] in found or entry.file_size > MOST_BLOB:
                raise _broken("The bundle holds something strange.", f"{entry.filename[:20]}… stands in a wrong place.")
            found[match[2]] = entry
    return found


def _read_text(archive: zipfile.ZipFile) -> str:
    """Return the records as text; more than `MOST_JSON` bytes are never held."""
    if EDITS not in archive.namelist():
        raise _broken("This zip file is not a bundle.", f"It has no {EDITS}.")
    with archive.open(EDITS) as stream:
        data = stream.read(MOST_JSON + 1)
    if len(data) > MOST_JSON:
        raise _broken("The bundle's records do not end.", f"They have more than {MOST_JSON >> 20} MiB.")
    with translated(
        UnicodeDecodeError, lambda _: _broken("The bundle's records cannot be read.", "They are not UTF-8.")
    ):
        return data.decode()


def _check_version(head: Mapping[str, Any]) -> None:
    version = head.get("version")
    if isinstance(version, int) and version > VERSION:
        raise BundleError(
            "The bundle was written by a newer nbbanana.", f"Its version is {version:.6g}.", "Update nbbanana."
        )


def _checked_schemas(text: JSONText) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name in text.members():
        schema = text.value()
        with translated(NBBananaError, lambda error: _broken("A model's schema cannot be taken.", error.why)):
            body = checked_schema(schema)
        if hashlib.sha256(body.encode()).hexdigest() != name:
            raise _broken("A model's schema was changed.", f"Its SHA-256 is not {name[:8]}….")
        yield name, schema


def _checked_edit(packed: Any, place: int) -> tuple[Edit, tuple[Post, ...]]:
    """
    Return the edit and the POSTs of a record.

    Raises:
        BundleError: it is not what the schema of records says, or does not fit its digests.
    """
    with translated(UNREADABLE, _not_by_schema):
        checker("edit")(packed)
    with translated(UNREADABLE, lambda error: _broken(f"Record {place} cannot be read.", f"{type(error).__name__}.")):
        # Half a surrogate pair is kept in parameters and parts, as the store does; anywhere else it is no text.
        canonical_json({**packed, "parameters": None, "extra": None}).encode()
        canonical_json([packed["parameters"], packed.get("extra")])
        edit = unpack(packed)
        posts = tuple(Post(edit_id=0, **post) for post in packed.get("posts", ()))
        holds = digests_hold(edit)
    if len({post.ordinal for post in posts}) < len(posts) or not set(edit.ratings) <= {-1, *_indices(edit)}:
        raise _broken("The bundle's records are not as they should be.", f"Record {place} contradicts itself.")
    if not holds:
        raise _broken("A record was changed.", f"Number {place} does not fit its digests.")
    return edit, posts


def _indices(edit: Edit) -> set[int]:
    return {output.index for output in edit.outputs}


def _not_by_schema(error: Exception) -> BundleError:
    return _broken("The bundle's records are not as they should be.", f"{error.args[0]!s:.200}.")


def _unusable(file: Path, how: str, error: OSError, mend: str) -> BundleError:
    if isinstance(error, FileNotFoundError) and how == "read":
        return BundleError(f"There is no bundle {file.name}.", "The file is not there.", "Check its name.")
    return BundleError(f"{file.name} cannot be {how}.", f"{error.strerror}.", mend)


def _broken(what: str, why: str) -> BundleError:
    return BundleError(what, why, "Nothing of it was taken. Ask its author for another one.")
