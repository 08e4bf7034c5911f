"""Looking after a store: is everything still what it was, and what lies around that nothing needs."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from nbbanana.errors import StoreError
from nbbanana.request import EditRequest
from nbbanana.store.blobs import Blobs, hash_file
from nbbanana.store.database import Database
from nbbanana.store.queries import Reader
from nbbanana.store.records import Edit

if TYPE_CHECKING:
    from nbbanana.images import ImageInput

__all__ = ["Leftovers", "Verification", "collect", "digests_hold", "verify"]

GRACE = 24 * 3600.0
"""Seconds that a file nothing refers to is left alone: its edit may be about to be written."""
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Verification:
    """
    What `Store.verify` found.

    Args:
        edits: rows that were read.
        blobs: files that were hashed.
        bytes: their size together.
        changed: blobs whose bytes are not what their name says.
        missing: blobs that edits refer to and that are not there, with those edits.
        wrong_digests: edits whose ask or digest does not follow from what they hold.
        rows: what SQLite found wrong with its file, in its words, and counters that do not add up.
    """

    edits: int
    blobs: int
    bytes: int
    changed: tuple[str, ...] = ()
    missing: dict[str, tuple[int, ...]] = field(default_factory=dict)
    wrong_digests: tuple[int, ...] = ()
    rows: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything is as it was written."""
        return not (self.changed or self.missing or self.wrong_digests or self.rows)


@dataclass(frozen=True, slots=True)
class Leftovers:
    """
    Files in the store that nothing refers to.

    Args:
        blobs: their names.
        temporary: files that were begun and never finished, relative to the store's folder.
        bytes: the size of all together.
        removed: whether they are gone now.
    """

    blobs: tuple[str, ...]
    temporary: tuple[str, ...]
    bytes: int
    removed: bool


def verify(database: Database, blobs: Blobs) -> Verification:
    """Read everything: hash every blob, derive every digest again, let SQLite check its file."""
    problems = [*_file_problems(database), *_counter_problems(database)]
    wrong: list[int] = []
    missing: dict[str, tuple[int, ...]] = {}
    read = 0
    for batch in _batches(database):
        read += len(batch)
        wrong += [edit.id for edit in batch if not digests_hold(edit)]
        for edit in batch:
            for sha256 in _needed(edit):
                if not blobs.has(sha256):
                    missing[sha256] = (*missing.get(sha256, ()), edit.id)
    changed: list[str] = []
    hashed = size = 0
    for name in blobs.names():
        hashed += 1
        size += blobs.place(name).stat().st_size
        if hash_file(blobs.place(name)) != name:
            changed.append(name)
    return Verification(read, hashed, size, tuple(changed), missing, tuple(wrong), tuple(problems))


def digests_hold(edit: Edit) -> bool:
    """Check that `ask` and `digest` follow from model, parameters, inputs, seed and provider."""
    # An input record has the one thing that a digest takes from an image: its identity.
    images = cast("tuple[ImageInput, ...]", edit.inputs)
    request = EditRequest(edit.model, edit.parameters, images, minted_seed=edit.seed, seed_field=None)
    return request.ask == edit.ask and request.digest(edit.provider) == edit.digest


def collect(database: Database, blobs: Blobs, *, dry_run: bool, grace: float = GRACE) -> Leftovers:
    """Find what nothing refers to and is older than `grace` seconds; remove it unless `dry_run`."""
    before = time.time() - grace
    unneeded = {
        name: size
        for names in _shards(blobs.names())
        for name in _unreferenced(database, names)
        if (size := _size_if_older(blobs.place(name), before)) is not None
    }
    abandoned = {
        file: size for file in _unfinished_files(database, blobs) if (size := _size_if_older(file, before)) is not None
    }
    if not dry_run:
        unneeded = {name: size for name, size in unneeded.items() if _remove_blob(blobs, name, before)}
        for file in abandoned:
            file.unlink(missing_ok=True)
    return Leftovers(
        blobs=tuple(unneeded),
        temporary=tuple(file.relative_to(database.folder).as_posix() for file in abandoned),
        bytes=sum(unneeded.values()) + sum(abandoned.values()),
        removed=not dry_run,
    )


def _batches(database: Database) -> Iterator[list[Edit]]:
    reader, last = Reader(database, time.time), 0
    while batch := reader.page_after(last, _BATCH):
        yield batch
        last = batch[-1].id


def _needed(edit: Edit) -> set[str]:
    return {item.sha256 for item in edit.outputs} | {item.sha256 for item in (*edit.inputs, *edit.masks) if item.sha256}


def _file_problems(database: Database) -> list[str]:
    with database.read() as connection:
        said = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        lost = connection.execute("PRAGMA foreign_key_check").fetchall()
    problems = [] if said == ["ok"] else said
    problems += [f"a row of {row['table']} belongs to no edit" for row in lost]
    if database.read_only:
        return problems
    try:
        with database.write() as connection:
            connection.execute("INSERT INTO words (words) VALUES ('integrity-check')")
    except StoreError as error:
        problems.append(f"the search index: {error.why}")
    return problems


def _counter_problems(database: Database) -> list[str]:
    with database.read() as connection:
        kept = connection.execute("SELECT * FROM totals ORDER BY provider, is_play").fetchall()
        counted = connection.execute(
            "SELECT provider, is_play, count(*), sum(accepted_at IS NOT NULL AND NOT is_foreign),"
            " sum(iif(cost IS NULL, 0, charge)), sum(iif(cost IS NULL, coalesce(charge, 0), 0)),"
            " sum(charge IS NULL) FROM edits GROUP BY provider, is_play ORDER BY provider, is_play"
        ).fetchall()
    if [tuple(row) for row in kept] == [tuple(row) for row in counted]:
        return []
    return ["the counters do not agree with the edits"]


def _shards(names: Iterable[str]) -> Iterator[list[str]]:
    shard: list[str] = []
    for name in names:
        if shard and shard[-1][:2] != name[:2]:
            yield shard
            shard = []
        shard.append(name)
    if shard:
        yield shard


def _unreferenced(database: Database, names: list[str]) -> list[str]:
    with database.read() as connection:
        return [name for name in names if not _is_referenced(connection, name)]


def _is_referenced(connection: sqlite3.Connection, name: str) -> bool:
    row = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM outputs WHERE sha256 = ?) OR EXISTS (SELECT 1 FROM inputs WHERE sha256 = ?)",
        (name, name),
    ).fetchone()
    return bool(row[0])


def _size_if_older(path: Path, moment: float) -> int | None:
    """Return the bytes of a file that is unchanged since; None where it was changed or removed."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_size if found.st_mtime < moment else None


def _unfinished_files(database: Database, blobs: Blobs) -> Iterator[Path]:
    for folder in (blobs.incoming, database.folder / "backups"):
        if folder.is_dir():
            for file in sorted(folder.iterdir()):
                if file.is_file() and (folder == blobs.incoming or file.name.startswith(".")):
                    yield file


def _remove_blob(blobs: Blobs, name: str, before: float) -> bool:
    """
    Remove a blob unless another process wants it at this moment.

    `Blobs.put` marks a blob that it finds by its time: one that was marked between our look and our rename is put
    back, and one that is renamed before the mark is simply written again.
    """
    place, aside = blobs.place(name), blobs.incoming / f"{name}.removed"
    with suppress(FileNotFoundError):
        place.rename(aside)
        if _size_if_older(aside, before) is not None:
            aside.unlink()
            return True
        aside.replace(place)
    return False
