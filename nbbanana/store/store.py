"""`Store`: the folder with the edits, as the rooms below see it."""

from __future__ import annotations

import os
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

from nbbanana._version import __version__
from nbbanana.errors import StoreError
from nbbanana.store import deferred, drifts, ledger, maintenance, model_schemas, rows, search, vote_rows
from nbbanana.store.annotations import annotate, rate
from nbbanana.store.blobs import Blobs
from nbbanana.store.database import Database
from nbbanana.store.leases import Leases, claim
from nbbanana.store.records import (
    Edit,
    Facts,
    Outcome,
    OutputDrift,
    Post,
    Rating,
    State,
    Transition,
)
from nbbanana.store.spending import Money
from nbbanana.store.vote_records import Vote
from nbbanana.store.votes import Votes

__all__ = ["Store"]


class Store(Money, Leases, Votes):
    """
    A folder with edits. Any thread may call any method; many processes may have it open at once.

    Every method that changes something has it on the disk when it returns, or has changed nothing and raises
    `StoreError`. Times are seconds since the epoch, money is in US dollars.

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
        super().__init__(Database(folder, read_only=read_only), clock)
        try:
            self._blobs = Blobs(folder, read_only=read_only)
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
        try:
            if not read_only:
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"The store {path.name!r} cannot be opened.",
                f"The system says: {error.strerror or type(error).__name__}.",
                "Name a folder that is yours.",
            ) from error
        return cls(path, clock=clock, read_only=read_only or not _is_writable(path))

    @property
    def read_only(self) -> bool:
        """Whether nothing can be written here."""
        return self._database.read_only

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what is unusual here, such as a network drive."""
        return self._database.notes

    def on_wait(self, listener: Callable[[bool], object]) -> Callable[[], None]:
        """
        Have `listener` called with True when something waits here longer than a moment for another process to unlock
        the store, and with False when that is over, in the thread that waits; returns what ends it.
        """
        return self._database.on_wait(listener)

    @property
    def incoming(self) -> Path:
        """A folder for files on their way in: `adopt` takes them from there without copying."""
        return self._blobs.incoming

    def close(self) -> None:
        """Close it; later calls raise a StoreError."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
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
        edit = replace(
            new,
            uid=uuid.uuid4().hex,
            state="prepared",
            created_at=now,
            package_version=__version__,
            transitions=(Transition("prepared", now),),
        )
        with self._database.write() as connection:
            schema_hash = None if schema is None else model_schemas.keep(connection, schema, new.schema_hash)
            edit_id = rows.add(connection, replace(edit, schema_hash=schema_hash))
            if owner is not None:
                claim(connection, edit_id, owner, now + ttl, now)
            search.index(connection, edit_id, edit)
            return rows.get(connection, edit_id)

    def add_local(self, made: Edit, note: str) -> Edit:
        """
        Write down an edit that was made here, with its outputs: `completed` in one step, without a POST, for nothing.

        Args:
            made: what was asked and what came of it; its blobs are put in before.
            note: what is said of it.
        """
        now = self._clock()
        edit = replace(
            made,
            uid=uuid.uuid4().hex,
            state="completed",
            created_at=now,
            finished_at=now,
            cost=0.0,
            package_version=__version__,
            transitions=(Transition("completed", now, note),),
        )
        with self._database.write() as connection:
            edit_id = rows.add(connection, edit)
            search.index(connection, edit_id, edit)
            return rows.get(connection, edit_id)

    def fill(self, edit_id: int, asked: Edit) -> Edit:
        """
        Write down what a `prepared` edit asks whose pictures were not known before; see `nbbanana.store.deferred`.

        Raises:
            NotInStoreError: no such edit.
            StoreError: it ended or was sent meanwhile.
        """
        with self._database.write() as connection:
            deferred.fill(connection, edit_id, asked)
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
                ledger.last_ended(connection, edit_id, outcome, handle=edit.handle)
            return edit

    def begin_post(self, edit_id: int, *, alone: bool = False) -> tuple[Edit, Edit | None]:
        """
        Take an edit to `submitting` and write down the POST that follows, in one transaction.

        Args:
            edit_id: the edit that is sent.
            alone: not where another edit of the same ask at the same provider was sent by now, as when this one's
                kernel slept and another asked meanwhile: of all kernels the first here sends.

        Returns:
            The edit, and the other one that was sent; then nothing was changed.

        Raises:
            NotInStoreError: no such edit.
            StoreError: it ended meanwhile.
        """
        with self._database.write() as connection:
            edit, other = self._submitting(connection, edit_id, alone=alone)
            if other is not None:
                return edit, other
            ledger.sent(connection, edit_id, self._clock(), seed=edit.seed, quote=edit.price_quoted)
            return rows.get(connection, edit_id), None

    def begin_posts(
        self, edit_id: int, seeds: Sequence[int | None], *, alone: bool = False
    ) -> tuple[Edit, Edit | None, list[Post]]:
        """
        Take an edit to `submitting` and write down the POSTs that follow, as `begin_post`; each gets a handle of ours.

        It is for a service that answers a POST with its pictures and gives no id.

        Args:
            edit_id: the edit that is sent.
            seeds: the seed of each POST.
            alone: see `begin_post`.

        Returns:
            The edit; the other one that was sent, then nothing was changed; and the POSTs in their order.
        """
        with self._database.write() as connection:
            now = self._clock()
            edit, other = self._submitting(connection, edit_id, alone=alone)
            if other is not None:
                return edit, other, []
            quote = None if edit.price_quoted is None else round(edit.price_quoted / max(1, len(seeds)), 9)
            ordinals = [ledger.sent(connection, edit_id, now, seed=seed, quote=quote, is_minted=True) for seed in seeds]
            posts = [
                Post(
                    edit_id,
                    ordinal,
                    now,
                    edit.provider,
                    None,
                    ledger.handle_of_post(edit.uid, ordinal),
                    quote,
                    None,
                    seed,
                )
                for ordinal, seed in zip(ordinals, seeds, strict=True)
            ]
            return rows.get(connection, edit_id), None, posts

    def _submitting(self, connection: sqlite3.Connection, edit_id: int, *, alone: bool) -> tuple[Edit, Edit | None]:
        """Take an edit to `submitting`, unless the other one that is given back was sent."""
        edit = rows.get(connection, edit_id)
        other = ledger.sent_elsewhere(connection, edit, self._clock()) if alone else None
        if other is None:
            rows.move(connection, edit_id, "submitting", self._clock())
        return edit, other

    def annotate(
        self,
        edit_id: int,
        *,
        starred: bool | None = None,
        rejected: bool | None = None,
        note: str | None = None,
        add_tags: str | Iterable[str] = (),
        remove_tags: str | Iterable[str] = (),
    ) -> Edit:
        """
        Change what people say about an edit; None leaves a thing as it is, an empty note takes it away.

        `starred` and `rejected` are for the edit as a whole: False takes the mark from all its outputs too. One text is
        one tag.

        Raises:
            NotInStoreError: no such edit.
            StoreError: a tag that is empty or longer than 100 characters.
        """
        with self._database.write() as connection:
            annotate(
                connection,
                edit_id,
                starred=starred,
                rejected=rejected,
                note=note,
                add_tags=add_tags,
                remove_tags=remove_tags,
            )
            return rows.get(connection, edit_id)

    def rate(self, edit_id: int, position: int, rating: Rating | None) -> Edit:
        """
        Rate one output of an edit by its index, or the whole edit (-1): `starred`, `rejected`, or None for neither.

        The rating of a whole edit holds for each of its outputs; once one of them is rated by itself, the others keep
        it as their own.

        Raises:
            NotInStoreError: no such edit.
            StoreError: it has no such output, or there is no such rating.
        """
        with self._database.write() as connection:
            rate(connection, edit_id, position, rating)
            return rows.get(connection, edit_id)

    def measured(self, edit_id: int, measures: Iterable[OutputDrift], heat_maps: Mapping[int, bytes]) -> Edit:
        """
        Write down what changed from the first input to each output, in the place of what was measured before.

        Args:
            edit_id: the edit.
            measures: what was measured, one for an output.
            heat_maps: by output; small PNGs, as `nbbanana.store.heat_maps` makes them.

        Raises:
            NotInStoreError: no such edit.
            StoreError: the edit has no such output, or a heat map is none.
        """
        with self._database.write() as connection:
            edit_id = rows.one(connection, edit_id)["id"]
            drifts.replace_all(connection, edit_id, measures, heat_maps)
            return rows.get(connection, edit_id)

    def post_sent(self, edit_id: int, *, seed: int | None, quote: float | None, is_minted: bool = False) -> int:
        """
        Write down a POST before it is sent; returns its ordinal in the edit, from 0, for `post_ended`. With `is_minted`
        it gets a handle of ours.

        Raises:
            NotInStoreError: no such edit.
            StoreError: `quote` is not an amount of money.
        """
        with self._database.write() as connection:
            return ledger.sent(connection, edit_id, self._clock(), seed=seed, quote=quote, is_minted=is_minted)

    def post_ended(
        self, edit_id: int, ordinal: int, outcome: Outcome, *, handle: str | None = None, cost: float | None = None
    ) -> None:
        """
        Write down how a POST ended: `accepted`, `refused`, `uncertain` or `not sent`.

        Raises:
            NotInStoreError: no such POST.
            StoreError: no such outcome, or `cost` is not an amount of money.
        """
        with self._database.write() as connection:
            ledger.ended(connection, edit_id, ordinal, outcome, handle=handle, cost=cost)

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
            known = {model_schemas.keep(connection, schema) for schema in schemas}
            for edit in edits:
                if rows.id_of(connection, edit.uid) is None:
                    schema = edit.schema_hash
                    if schema is not None and schema not in known and not model_schemas.has(connection, schema):
                        schema = None
                    foreign = replace(edit, is_foreign=not keep_ids, schema_hash=schema)
                    maps = (heat_maps or {}).get(edit.uid)
                    edit_id = rows.add(connection, foreign, keep_id=keep_ids, maps=maps)
                    added[edit_id] = edit
                    ledger.add(connection, edit_id, (posts or {}).get(edit.uid, ()))
            for edit_id, edit in added.items():
                search.index(connection, edit_id, edit)
            vote_rows.add(connection, votes)
        return len(added)

    # Pictures

    def put(self, data: bytes) -> str:
        """Keep bytes; returns their SHA-256."""
        return self._blobs.put(data)

    def adopt(self, path: Path, sha256: str | None = None) -> str:
        """
        Move a file in; returns its SHA-256.

        Raises:
            StoreError: it is not the file that `sha256` names, or cannot be moved; it stays where it is.
        """
        return self._blobs.adopt(path, sha256)

    def blob_path(self, sha256: str) -> Path:
        """Return the file with these bytes, to be read only; NotInStoreError where there is none."""
        return self._blobs.path(sha256)

    def has_blob(self, sha256: str) -> bool:
        """Return whether the bytes are there."""
        return self._blobs.has(sha256)

    # Care

    def verify(self) -> maintenance.Verification:
        """Read everything again: hash every blob, derive every digest, have SQLite check its file."""
        return maintenance.verify(self._database, self._blobs)

    def gc(self, *, dry_run: bool = True, grace: float = maintenance.GRACE) -> maintenance.Leftovers:
        """
        Find files that nothing refers to, and remove them if `dry_run` is False.

        Args:
            dry_run: only look.
            grace: seconds for which a file is left alone, since its edit may be about to be written.
        """
        return maintenance.collect(self._database, self._blobs, dry_run=dry_run, grace=grace)


def _is_writable(folder: Path) -> bool:
    file = folder / "edits.sqlite"
    return os.access(folder, os.W_OK) and (not file.exists() or os.access(file, os.W_OK))
