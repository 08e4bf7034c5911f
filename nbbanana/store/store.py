"""`Store`: the folder with the edits, as the rooms below see it; and whether everything in it is what it was."""

from __future__ import annotations

import json
import os
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, Unpack, cast

from nbbanana._version import __version__
from nbbanana.errors import StoreError, translated
from nbbanana.request import EditRequest
from nbbanana.store import rows, search
from nbbanana.store.annotations import Annotations, add_votes
from nbbanana.store.blobs import Blobs, hash_file
from nbbanana.store.database import Database
from nbbanana.store.filters import Filters
from nbbanana.store.leases import Leases, claim
from nbbanana.store.queries import Reader
from nbbanana.store.records import Edit, Facts, Outcome, Post, State, Transition, Vote
from nbbanana.store.spending import Money, add_posts, end_post
from nbbanana.store.values import has_schema, keep_schema

if TYPE_CHECKING:
    from nbbanana.images import ImageInput

__all__ = ["Leftovers", "Store", "Verification", "blobs_of", "digests_hold"]

GRACE = 24 * 3600.0
"""Seconds that a file nothing refers to is left alone: its edit may be about to be written."""
_BATCH = 500


class Store(Filters, Money, Leases, Annotations, Blobs):
    """
    A folder with edits. Any thread may call any method; many processes may have it open at once.

    Every method that changes something has it on the disk when it returns, or has changed nothing and raises
    `StoreError`. Times are seconds since the epoch, money is in US dollars.

    Attributes:
        read_only: whether nothing can be written here.
        notes: sentences about what is unusual here, such as a network drive.
        on_wait: has a listener called while something waits for another process; see `Database.on_wait`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Store.open(folder) as store:
    ...     edit = store.begin(Edit("m", "sandbox", "ask", "digest", {"prompt": "Make it snow."}, 7, True))
    ...     edit = store.move(edit.id, "submitting")
    ...     edit = store.move(edit.id, "queued", request_id="r-1")
    ...     [step.state for step in edit.transitions], store.count(), store.search("snow")[0].id
    (['prepared', 'submitting', 'queued'], 1, 1)
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time, read_only: bool = False) -> None:
        self.folder = folder
        database = Database(folder, read_only=read_only)
        Reader.__init__(self, database, clock)
        self.read_only, self.notes, self.on_wait = database.read_only, database.notes, database.on_wait
        try:
            Blobs.__init__(self, folder, read_only=read_only)
        except StoreError:
            self.close()
            raise

    @classmethod
    def open(cls, folder: str | Path, *, clock: Callable[[], float] = time.time, read_only: bool = False) -> Store:
        """
        Open the store in `folder`; make it where there is none.

        With `read_only`, and where its files cannot be written, nothing is made or changed, and what would write is a
        StoreError. A folder that is made is for its owner only (0700), one that is there keeps its mode; the files in
        it are for their owner only.

        Raises:
            StoreVersionError: a newer nbbanana wrote it; it was not touched.
            StoreError: it cannot be made or read.
        """
        path = Path(folder).expanduser().absolute()
        with translated(
            OSError,
            lambda error: StoreError(
                f"The store {path.name!r} cannot be opened.",
                f"The system says: {error.strerror or type(error).__name__}.",
                "Name a folder that is yours.",
            ),
        ):
            if not read_only:
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return cls(path, clock=clock, read_only=read_only or not _is_writable(path))

    def close(self) -> None:
        """Close it; later calls raise a StoreError."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Store {self.folder.name!r}>"

    # Writing down what happens

    def begin(
        self, new: Edit, *, schema: Mapping[str, Any] | None = None, owner: str | None = None, ttl: float = 60.0
    ) -> Edit:
        """
        Journal an edit before anything is sent: it is on the disk when this returns, in the state `prepared`.

        Args:
            new: what is asked.
            schema: the JSON Schema of its model, to be kept with it.
            owner: takes its lease in the same step, so that no other kernel sees it without one.
            ttl: seconds that the lease lasts.
        """
        now = self._clock()
        edit = replace(new, state="prepared", transitions=(Transition("prepared", now),))
        with self._database.write() as connection:
            schema_hash = None if schema is None else keep_schema(connection, schema, new.schema_hash)
            edit_id = _add_new(connection, replace(edit, schema_hash=schema_hash), now)
            if owner is not None:
                claim(connection, edit_id, owner, now + ttl, now)
            return rows.get(connection, edit_id)

    def add_local(self, made: Edit, note: str) -> Edit:
        """
        Write down an edit that was made here, with its outputs: `completed` in one step, without a POST, for nothing.

        Args:
            made: what was asked and what came of it; its blobs are put in before.
            note: what is said of it.
        """
        now = self._clock()
        step = Transition("completed", now, note)
        edit = replace(made, state="completed", finished_at=now, cost=0.0, transitions=(step,))
        with self._database.write() as connection:
            return rows.get(connection, _add_new(connection, edit, now))

    def fill(self, edit_id: int, asked: Edit) -> Edit:
        """
        Write down what a `prepared` edit asks whose pictures were not known before: a later pass, which edits what an
        earlier one gives.

        Such an edit has its number and keeps money back from the beginning. Until this its digests are its own, so that
        no other request is answered by it or waits for it.

        Args:
            edit_id: the edit.
            asked: its digests, seed, pictures and masks.

        Raises:
            NotInStoreError: no such edit.
            StoreError: it ended or was sent meanwhile.
        """
        with self._database.write() as connection:
            if (state := rows.one(connection, edit_id)["state"]) != "prepared":
                raise StoreError(f"Edit {edit_id} cannot be filled in.", f"It is {state!r} already.", edit_id=edit_id)
            connection.execute(
                "UPDATE edits SET ask = ?, digest = ?, seed = ? WHERE id = ?",
                (asked.ask, asked.digest, asked.seed, edit_id),
            )
            rows.write_inputs(connection, edit_id, (*asked.inputs, *asked.masks))
            search.reindex_names(connection, edit_id, asked.inputs)
            return rows.get(connection, edit_id)

    def move(
        self,
        edit_id: int,
        state: State,
        *,
        outcome: Outcome | None = None,
        **facts: Unpack[Facts],
    ) -> Edit:
        """
        Take an edit to `state` and write down when, with what came to light (see `Facts`).

        A state that lasts may be entered again, with a note. `outcome` says how the last POST ended. An edit that ends
        loses its lease.

        Raises:
            NotInStoreError: no such edit.
            StoreError: the step is not allowed: an edit that ended stays ended, save `unknown` and `lost` when the
                request id was found.
        """
        with self._database.write() as connection:
            rows.move(connection, edit_id, state, self._clock(), **facts)
            edit = rows.get(connection, edit_id)
            if outcome is not None:
                (last,) = connection.execute("SELECT max(ordinal) FROM posts WHERE edit_id = ?", (edit_id,)).fetchone()
                if last is not None:
                    end_post(connection, edit_id, last, outcome, edit.handle, None)
            return edit

    def take_in(
        self,
        edits: Iterable[Edit],
        *,
        keep_ids: bool = False,
        schemas: Iterable[Mapping[str, Any]] = (),
        posts: Mapping[str, Sequence[Post]] | None = None,
        heat_maps: Mapping[str, Mapping[int, bytes]] | None = None,
        votes: Iterable[Vote] = (),
    ) -> int:
        """
        Add edits that another store wrote, in their order, all or none; those whose uid is here are left out.

        They get ids of this store, or keep theirs where it is empty and `keep_ids` says so, and parents by content.
        Their blobs are put in before. Those that join a store with edits of its own count in no budget, total or
        duration there.

        Args:
            edits: the edits.
            keep_ids: number them as they were.
            schemas: the JSON Schemas that they name by hash; a hash that is not here is left out of an edit.
            posts: the POSTs of edits, by uid.
            heat_maps: the heat maps of their outputs, by uid and output.
            votes: votes on two of their outputs, also of edits that are here; those that are here are left out.

        Returns:
            How many edits were added.
        """
        added: dict[int, Edit] = {}
        with self._database.write() as connection:
            for body in schemas:
                keep_schema(connection, body)
            for edit in edits:
                if connection.execute("SELECT 1 FROM edits WHERE uid = ?", (edit.uid,)).fetchone() is None:
                    schema = edit.schema_hash
                    if schema is not None and not has_schema(connection, schema):
                        schema = None
                    foreign = replace(edit, is_foreign=not keep_ids, schema_hash=schema)
                    maps = (heat_maps or {}).get(edit.uid)
                    edit_id = rows.add(connection, foreign, keep_id=keep_ids, maps=maps)
                    added[edit_id] = edit
                    add_posts(connection, edit_id, (posts or {}).get(edit.uid, ()))
            for edit_id, edit in added.items():
                search.index(connection, edit_id, edit)
            add_votes(connection, votes)
        return len(added)

    # Looking after it

    def verify(self) -> Verification:
        """Read everything again: hash every blob, derive every digest, have SQLite check its file."""
        problems = _problems(self._database)
        wrong: list[int] = []
        missing: dict[str, tuple[int, ...]] = {}
        read = last = 0
        while batch := self.page_after(last, _BATCH):
            read, last = read + len(batch), batch[-1].id
            wrong += [edit.id for edit in batch if not digests_hold(edit)]
            for edit in batch:
                for sha256 in blobs_of(edit):
                    if not self.has_blob(sha256):
                        missing[sha256] = (*missing.get(sha256, ()), edit.id)
        places = [self.place(name) for name in self.blob_names()]
        size = sum(place.stat().st_size for place in places)
        changed = tuple(place.name for place in places if hash_file(place) != place.name)
        return Verification(read, len(places), size, changed, missing, tuple(wrong), tuple(problems))

    def gc(self, *, dry_run: bool = True, grace: float = GRACE) -> Leftovers:
        """
        Find files that nothing refers to, and remove them if `dry_run` is False.

        Args:
            dry_run: only look.
            grace: seconds for which a file is left alone, since its edit may be about to be written.
        """
        before = time.time() - grace
        unneeded = {
            name: size
            for _, names in groupby(self.blob_names(), key=lambda name: name[:2])
            for name in self._unreferenced(list(names))
            if (size := _size_if_older(self.place(name), before)) is not None
        }
        unfinished = [*self.incoming.glob("*"), *self._database.folder.glob("backups/.*")]
        abandoned = {
            file: size
            for file in sorted(unfinished)
            if file.is_file() and (size := _size_if_older(file, before)) is not None
        }
        if not dry_run:
            unneeded = {name: size for name, size in unneeded.items() if self._remove_blob(name, before)}
            for file in abandoned:
                file.unlink(missing_ok=True)
        return Leftovers(
            blobs=tuple(unneeded),
            temporary=tuple(file.relative_to(self._database.folder).as_posix() for file in abandoned),
            bytes=sum(unneeded.values()) + sum(abandoned.values()),
            removed=not dry_run,
        )

    def _unreferenced(self, names: list[str]) -> list[str]:
        found = self._rows(
            "SELECT value FROM json_each(?) WHERE NOT EXISTS (SELECT 1 FROM outputs WHERE sha256 = value)"
            " AND NOT EXISTS (SELECT 1 FROM inputs WHERE sha256 = value)",
            (json.dumps(names),),
        )
        return [row["value"] for row in found]

    def _remove_blob(self, name: str, before: float) -> bool:
        """
        Remove a blob unless another process wants it at this moment.

        `put` marks a blob that it finds by its time: one that was marked between our look and our rename is put back,
        and one that is renamed before the mark is simply written again.
        """
        place, aside = self.place(name), self.incoming / f"{name}.removed"
        with suppress(FileNotFoundError):
            place.rename(aside)
            if _size_if_older(aside, before) is not None:
                aside.unlink()
                return True
            aside.replace(place)
        return False


def _add_new(connection: sqlite3.Connection, new: Edit, now: float) -> int:
    """Write down an edit of this moment, findable by its words; returns its id."""
    edit = replace(new, uid=uuid.uuid4().hex, created_at=now, package_version=__version__)
    edit_id = rows.add(connection, edit)
    search.index(connection, edit_id, edit)
    return edit_id


def _is_writable(folder: Path) -> bool:
    file = folder / "edits.sqlite"
    return os.access(folder, os.W_OK) and (not file.exists() or os.access(file, os.W_OK))


# ── whether all is what it was, and what nothing needs ────────────────────────────────────────────────────────────────


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


def digests_hold(edit: Edit) -> bool:
    """Check that `ask` and `digest` follow from model, parameters, inputs, seed and provider."""
    # An input record has the one thing that a digest takes from an image: its identity.
    images = cast("tuple[ImageInput, ...]", edit.inputs)
    request = EditRequest(edit.model, edit.parameters, images, minted_seed=edit.seed, seed_field=None)
    return request.ask == edit.ask and request.digest(edit.provider) == edit.digest


def blobs_of(edit: Edit) -> list[str]:
    """Return the SHA-256 of the pictures of an edit, each once, inputs first."""
    sent = [record.sha256 for record in (*edit.inputs, *edit.masks) if record.sha256]
    return list(dict.fromkeys([*sent, *(record.sha256 for record in edit.outputs)]))


def _problems(database: Database) -> list[str]:
    """Return what SQLite finds wrong with its file, in its words, and counters that do not add up."""
    with database.read() as connection:
        problems = [row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
        lost = connection.execute("PRAGMA foreign_key_check").fetchall()
        kept = connection.execute("SELECT * FROM totals ORDER BY provider, is_play").fetchall()
        counted = connection.execute(
            "SELECT provider, is_play, count(*), sum(accepted_at IS NOT NULL AND NOT is_foreign),"
            " sum(iif(cost IS NULL, 0, charge)), sum(iif(cost IS NULL, coalesce(charge, 0), 0)),"
            " sum(charge IS NULL) FROM edits GROUP BY provider, is_play ORDER BY provider, is_play"
        ).fetchall()
    problems += [f"a row of {row['table']} belongs to no edit" for row in lost]
    if [tuple(row) for row in kept] != [tuple(row) for row in counted]:
        problems.append("the counters do not agree with the edits")
    try:
        if not database.read_only:
            with database.write() as connection:
                connection.execute("INSERT INTO words (words) VALUES ('integrity-check')")
    except StoreError as error:
        problems.append(f"the search index: {error.why}")
    return problems


def _size_if_older(path: Path, moment: float) -> int | None:
    """Return the bytes of a file that is unchanged since; None where it was changed or removed."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_size if found.st_mtime < moment else None
