"""
Bundles: a notebook's edits in one zip file that anybody can read, and nobody has to trust.

Written: `edits.json` with the records, `blobs/` with the pictures by SHA-256, and `ro-crate-metadata.json`. No
addresses, no paths, no notebook names, never a database.

Read: every name, number and size is checked against a schema and against limits before anything is unpacked, every
picture against its hash, every record against its digests. Nothing in a bundle is evaluated.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from nbbanana._version import __version__
from nbbanana.errors import BundleError
from nbbanana.request import canonical_json
from nbbanana.store.care import digests_hold
from nbbanana.store.crate import crate
from nbbanana.store.packed import checker, pack, parse_json, unpack
from nbbanana.store.records import Edit

if TYPE_CHECKING:
    from nbbanana.store.store import Store

__all__ = ["Bundle", "merge", "read", "write"]

FORMAT, VERSION = "nbbanana-bundle", 2
EDITS, CRATE = "edits.json", "ro-crate-metadata.json"
BLOB = re.compile(r"blobs/([0-9a-f]{2})/([0-9a-f]{64})\Z")
MOST_ENTRIES = 1_000_000
MOST_JSON = 256 << 20
MOST_BLOB = 2 << 30
MOST_BYTES = 64 << 30
CHUNK = 1 << 20


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
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                _fill(archive, store, kept)
            Path(name).chmod(0o644)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise BundleError(f"{target.name} cannot be written.", f"{error.strerror}.", "Choose another place.") from None
    return target


def _fill(archive: zipfile.ZipFile, store: Store, edits: list[Edit]) -> None:
    # The number is for readers: a notebook says `edit:12` and `history[12]`, and means it when it is replayed, too.
    records = [{**pack(edit), "id": edit.id} for edit in edits]
    content = {"format": FORMAT, "version": VERSION, "package": __version__, "edits": records}
    archive.writestr(EDITS, canonical_json(content))
    archive.writestr(CRATE, canonical_json(crate(edits)))
    for sha256 in dict.fromkeys(name for edit in edits for name in _blobs(edit)):
        # Pictures are compressed already; storing them also lets a reader see their true size.
        archive.write(store.blob_path(sha256), f"blobs/{sha256[:2]}/{sha256}", zipfile.ZIP_STORED)


def _blobs(edit: Edit) -> Iterator[str]:
    yield from (record.sha256 for record in (*edit.inputs, *edit.masks) if record.sha256)
    yield from (record.sha256 for record in edit.outputs)


class Bundle:
    """A bundle that was opened and checked: `edits` in their order, and their pictures."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._blobs = _checked_names(archive)
        self.edits = _checked_edits(_read_json(archive))

    def blobs(self) -> Iterator[tuple[str, IO[bytes]]]:
        """Each picture that a record names, as its SHA-256 and a stream; the hash is checked by whoever keeps it."""
        for sha256 in dict.fromkeys(name for edit in self.edits for name in _blobs(edit)):
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
    try:
        with zipfile.ZipFile(source) as archive:
            yield Bundle(archive)
    except FileNotFoundError:
        raise BundleError(f"There is no bundle {source.name}.", "The file is not there.", "Check its name.") from None
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError) as error:
        raise _broken(f"{source.name} is not a whole bundle.", f"{type(error).__name__}.") from None
    except OSError as error:
        raise BundleError(f"{source.name} cannot be read.", f"{error.strerror}.", "Check the file.") from None


def merge(store: Store, path: str | Path, *, keep_ids: bool = False) -> int:
    """
    Take a bundle's edits into a store; those that are there already are left as they are.

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
        return store.take_in(bundle.edits, keep_ids=keep_ids)


def _take(store: Store, sha256: str, stream: IO[bytes]) -> None:
    handle, name = tempfile.mkstemp(prefix=".bundle-", dir=store.incoming)
    path = Path(name)
    try:
        digest, size = hashlib.sha256(), 0
        with os.fdopen(handle, "wb") as file:
            while chunk := stream.read(CHUNK):
                size += len(chunk)
                if size > MOST_BLOB:
                    raise _broken("A picture does not end.", f"It has more than {MOST_BLOB >> 30} GiB.")
                digest.update(chunk)
                file.write(chunk)
        if digest.hexdigest() != sha256:
            raise _broken("A picture is not what its name says.", f"Its SHA-256 is not {sha256[:8]}….")
        store.adopt(path, sha256)
    finally:
        path.unlink(missing_ok=True)


def _checked_names(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The entries with pictures by their hash; any name that is not expected refuses the whole bundle."""
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
        if match is not None:
            if match[2][:2] != match[1] or match[2] in found or entry.file_size > MOST_BLOB:
                raise _broken("The bundle holds something strange.", f"{entry.filename[:20]}… stands in a wrong place.")
            found[match[2]] = entry
    return found


def _read_json(archive: zipfile.ZipFile) -> Any:
    try:
        with archive.open(EDITS) as stream:
            text = stream.read(MOST_JSON + 1)
    except KeyError:
        raise _broken("This zip file is no bundle.", f"It has no {EDITS}.") from None
    if len(text) > MOST_JSON:
        raise _broken("The bundle's records do not end.", f"They have more than {MOST_JSON >> 20} MiB.")
    try:
        return parse_json(text)
    except ValueError:
        raise _broken("The bundle's records cannot be read.", "They are not JSON.") from None


def _checked_edits(content: Any) -> list[Edit]:
    import fastjsonschema

    version = content.get("version") if isinstance(content, dict) else None
    if isinstance(version, int) and version > VERSION:
        raise BundleError(
            "The bundle was written by a newer nbbanana.", f"Its version is {version}.", "Update nbbanana."
        )
    try:
        checker()(content)
    except fastjsonschema.JsonSchemaException as error:
        raise _broken("The bundle's records are not as they should be.", f"{error.args[0]!s:.200}.") from None
    edits = [unpack(packed) for packed in content["edits"]]
    numbers = {edit.id for edit in edits}
    if len(numbers) < len(edits) or min(numbers, default=1) < 1:
        raise _broken("The bundle's records are not as they should be.", "Two have one number, or one has none.")
    for number, edit in enumerate(edits):
        if not digests_hold(edit):
            raise _broken("A record was changed.", f"Number {number} does not fit its digests.")
    return edits


def _broken(what: str, why: str) -> BundleError:
    return BundleError(what, why, "Nothing of it was taken. Ask whoever made it for another one.")
