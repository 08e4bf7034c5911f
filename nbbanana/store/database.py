"""
Connections and transactions: many threads, many processes, one file; and the versions of its schema.

Connections are lent out of a small pool, one to each transaction, so that any thread may call. Writers of one
process stand in line at a lock, writers of several at SQLite's own (`BEGIN IMMEDIATE`, 30 s of patience).
A commit is on the disk when it returns.

`migrations/NNN_*.sql` hold one step each to a newer version; number 1 makes an empty store. SQLite's `user_version`
says how far a store is. A store that holds something is copied to `backups/` before a step touches it, and a step that
fails leaves it as it was. What a newer nbbanana wrote is refused.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache, partial
from importlib import resources
from pathlib import Path

from nbbanana import models
from nbbanana.errors import StoreError, StoreVersionError, translated
from nbbanana.request import canonical_json, sha256_of
from nbbanana.settings import Guarded, beside
from nbbanana.store.search import spell

__all__ = ["APPLICATION_ID", "Database", "latest", "migrations", "statements"]

PATIENCE = 30.0
"""Seconds a transaction waits for others to finish theirs."""
SOON = 1.0
"""Seconds of waiting after which the listeners are called."""
IDLE = 4
"""Idle connections that are kept open."""
LOG_PAGES = 4_000
"""Pages of 4 KiB in the log before they are carried over to the file: fewer carryings, each a wait for one writer."""
LOG_BYTES = 64 << 20
"""What the log is cut back to after a large transaction."""
NO_SHARED_MEMORY = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL}
"""How a file system without shared memory refuses WAL, where it does not just keep its journal mode."""

_inherited: list[sqlite3.Connection] = []
"""A forked child's copies of its parent's connections: never used and never closed, as SQLite asks."""


class Database(Guarded):
    """
    The file `edits.sqlite` in `folder`, made or brought to this version where needed.

    `notes` says in sentences what is unusual about it. With `read_only` nothing in the folder is touched: a store of an
    older version, or one whose log cannot be checkpointed, is copied to a temporary folder and read there.

    Raises:
        StoreVersionError: a newer nbbanana wrote it.
        StoreError: it cannot be opened, or is not a store.
    """

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self.folder = folder
        self.path = folder / "edits.sqlite"
        self.read_only = read_only
        self._options = ""
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        self.notes: tuple[str, ...] = ()
        self._idle: list[sqlite3.Connection] = []
        self._listeners: list[Callable[[bool], object]] = []
        self._closed = False
        self._durable = "FULL"
        super().__init__()
        try:
            with translated((sqlite3.Error, OSError), self._unusable):
                if read_only:
                    self._prepare_to_read()
                else:
                    self._prepare()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that sees one snapshot of the store, whatever others write meanwhile."""
        with self._lent() as connection, self._transaction(connection, "BEGIN"):
            yield connection

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection whose changes are on the disk when the block ends, or rolled back if it raises."""
        if self.read_only:
            raise StoreError(
                f"The store in {self.folder.name!r} is open for reading only.",
                "Its folder cannot be written, or it was opened like this.",
                "Use a folder that is yours.",
            )
        with self._writing, self._lent() as connection, self._transaction(connection, "BEGIN IMMEDIATE"):
            yield connection

    def on_wait(self, listener: Callable[[bool], object]) -> Callable[[], None]:
        """
        Have `listener` called with True when a writer waits longer than a moment for another process, and with False
        when that is over, in the writer's thread; returns what ends it.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def close(self) -> None:
        """Close every connection; those in use close when they are given back."""
        with self._guard:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
        if self._copy is not None:
            self._copy.cleanup()

    @contextmanager
    def _transaction(self, connection: sqlite3.Connection, begin: str) -> Iterator[None]:
        self._begin(connection, begin)
        try:
            check_version(connection, self.folder)  # a newer nbbanana may have brought it up meanwhile
            yield
            connection.execute("COMMIT")
        except BaseException:
            # SQLite rolls back by itself when the disk is full.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _begin(self, connection: sqlite3.Connection, begin: str) -> None:
        """Begin when others are done; where that takes longer than a moment, the listeners are called."""
        if not self._listeners or begin == "BEGIN":
            connection.execute(begin)
            return
        try:
            connection.execute(f"PRAGMA busy_timeout = {SOON * 1000:.0f}")
            connection.execute(begin)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            self._tell(is_waiting=True)
            try:
                connection.execute(f"PRAGMA busy_timeout = {(PATIENCE - SOON) * 1000:.0f}")
                connection.execute(begin)
            finally:
                self._tell(is_waiting=False)
        finally:
            connection.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000:.0f}")

    def _tell(self, *, is_waiting: bool) -> None:
        for listener in tuple(self._listeners):
            listener(is_waiting)

    @contextmanager
    def _lent(self) -> Iterator[sqlite3.Connection]:
        with translated((sqlite3.Error, OSError), self._unusable):
            with self._guard:
                if self._closed:
                    raise StoreError("The store is closed.", "", "Open it again.")
                idle = self._idle.pop() if self._idle else None
            connection = idle or self._connect()
            try:
                yield connection
            finally:
                with self._guard:
                    is_kept = not self._closed and not connection.in_transaction and len(self._idle) < IDLE
                    self._idle += [connection] if is_kept else []
                if not is_kept:
                    connection.close()

    def _connect(self) -> sqlite3.Connection:
        connect = partial(sqlite3.connect, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        connection = connect(f"{self.path.as_uri()}?{self._options}", uri=True) if self._options else connect(self.path)
        connection.row_factory = sqlite3.Row
        if not self._options:
            connection.executescript(
                f"PRAGMA foreign_keys = ON; PRAGMA synchronous = {self._durable};"
                f" PRAGMA wal_autocheckpoint = {LOG_PAGES}; PRAGMA journal_size_limit = {LOG_BYTES};"
            )
        return connection

    def _prepare(self) -> None:
        """Refuse, make or bring up; nothing is written to a store that is refused."""
        with suppress(FileExistsError):
            self.path.touch(mode=0o600, exist_ok=False)
        with self._lent() as connection:
            version = check_version(connection, self.folder)
            self._choose_journal(connection)
            if version < latest():
                self._bring_up(connection)

    def _prepare_to_read(self) -> None:
        """Find a way to read without writing into the folder."""
        if not self.path.is_file():
            raise StoreError(
                f"There is no store in {self.folder.name!r}.", "It can only be read, and holds no edits.sqlite."
            )
        log = self.path.with_name(self.path.name + "-wal")
        # While others use it, their shared memory is there; if no process does and the log is empty, the file is all.
        ways = ["mode=ro", *([] if log.is_file() and log.stat().st_size else ["immutable=1"])]
        for self._options in ways:
            with suppress(sqlite3.OperationalError), closing(self._connect()) as connection:
                if check_version(connection, self.folder) == latest():
                    return
                break
        self._read_a_copy()

    def _read_a_copy(self) -> None:
        """Copy the file and its log, and bring the copy up to this version."""
        self._copy = tempfile.TemporaryDirectory(prefix="nbbanana-store-")
        for name in (self.path.name, f"{self.path.name}-wal"):
            if (self.folder / name).is_file():
                shutil.copyfile(self.folder / name, Path(self._copy.name) / name)
        self.path, self._options = Path(self._copy.name) / self.path.name, ""
        self.notes = (f"The store in {self.folder.name!r} can only be read: a copy of its rows is used.",)
        with closing(self._connect()) as connection:
            if check_version(connection, self.folder) < latest():
                self._bring_up(connection)

    def _choose_journal(self, connection: sqlite3.Connection) -> None:
        """Choose WAL where the file system can do it; else a rollback journal, which needs one more sync."""
        if _write_ahead(connection) == "wal":
            return
        self._durable = "EXTRA"
        connection.execute("PRAGMA synchronous = EXTRA")
        where = f"The store in {self.folder.name!r} is on a file system without shared memory, such as a network drive"
        self.notes = (f"{where}: it is slower there, and kernels wait for each other.",)

    def _bring_up(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA foreign_keys = OFF")
        with self._transaction(connection, "BEGIN IMMEDIATE"):
            # Another process may have been first: look again, now that no other can write.
            version = check_version(connection, self.folder)
            if 0 < version < latest() and self._copy is None:
                with closing(self._connect()) as source:
                    backup(source, self.folder, version)
            if version < latest():
                migrate(connection, version)
        connection.execute("PRAGMA foreign_keys = ON")

    def _unusable(self, error: Exception) -> StoreError:
        """Say in three lines what SQLite and the file system say in their own ways."""
        why, mend = f"The system says: {getattr(error, 'strerror', None) or type(error).__name__}.", "Check the folder."
        if isinstance(error, sqlite3.Error):
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            why, mend = _REASONS.get(code, (f"SQLite says: {error}.", "Check the disk, then run it again."))
        return StoreError(f"The store in {self.folder.name!r} could not be used.", why, mend)

    def renew_guard(self) -> None:
        """Leave connections to the parent, and replace the locks, in the child of a fork."""
        _inherited.extend(self._idle)
        self._idle = []
        self._writing = threading.Lock()
        super().renew_guard()


def _write_ahead(connection: sqlite3.Connection) -> str:
    """Return the journal mode that there is after WAL was asked for, which SQLite does not wait for by itself."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return str(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])
        except sqlite3.OperationalError as error:
            code = error.sqlite_errorcode & 0xFF
            if code in NO_SHARED_MEMORY:
                return str(connection.execute("PRAGMA journal_mode").fetchone()[0])
            if code not in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED} or time.monotonic() > deadline:
                raise
            time.sleep(0.005)


_REASONS = {
    sqlite3.SQLITE_FULL: ("The disk is full.", "Make room, then run it again; the store is as it was before."),
    sqlite3.SQLITE_BUSY: (
        f"Another process has kept it locked for more than {PATIENCE:.0f} seconds.",
        "Run it again, or look for a process that hangs.",
    ),
    sqlite3.SQLITE_READONLY: ("It may only be read.", "Give yourself the right to write there, or use another folder."),
    sqlite3.SQLITE_CANTOPEN: ("Its file cannot be opened.", "Check that the folder exists and is yours."),
    sqlite3.SQLITE_NOTADB: ("Its edits.sqlite is not a database.", "Choose another folder for the store."),
    sqlite3.SQLITE_CORRUPT: (
        "Its edits.sqlite is damaged.",
        "Copy the folder first; the pictures in blobs/ are not affected, and backups/ may hold an older state.",
    ),
}


# The versions of the schema

APPLICATION_ID = 0x6E62616E
"""`nban`, in the header of the file: https://www.sqlite.org/fileformat2.html#application_id"""


@cache
def migrations() -> dict[int, str]:
    """Return the steps by the version they lead to."""
    folder = resources.files("nbbanana.store") / "migrations"
    files = [file for file in folder.iterdir() if file.name.endswith(".sql")]
    return {int(file.name.partition("_")[0]): file.read_text(encoding="utf-8") for file in files}


def latest() -> int:
    """Return the version that this nbbanana reads and writes."""
    return max(migrations())


def check_version(connection: sqlite3.Connection, folder: Path) -> int:
    """
    Return the version of the store, 0 for an empty file. Writes nothing.

    Raises:
        StoreVersionError: it is newer than this nbbanana.
        StoreError: the file is a database, but not one of ours.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application == APPLICATION_ID and version == latest():
        return int(version)
    (objects,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and (application or version or objects):
        raise StoreError(
            f"The folder {folder.name!r} holds an edits.sqlite that is not a store.",
            "It is a database of another program.",
            "Choose another folder for the store.",
        )
    if version > latest():
        raise StoreVersionError(
            f"The store in {folder.name!r} was written by a newer nbbanana.",
            f"It has version {version}; this nbbanana knows versions up to {latest()}.",
        )
    return int(version)


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """
    Take every step after `version`, inside the transaction that is open.

    Foreign keys must be off, since a step may rebuild a table; they are checked at the end. The steps may use the
    function `spell` and the temporary table `shipped_schemas` (model, sha256, body).

    Raises:
        sqlite3.Error: a step failed; the caller rolls back.
        StoreError: a step would leave rows that refer to nothing.
    """
    connection.create_function("spell", 1, spell, deterministic=True)
    connection.execute("CREATE TEMP TABLE shipped_schemas (model TEXT PRIMARY KEY, sha256 TEXT, body TEXT)")
    shipped = ((name, models.get(name).schema) for name in (models.ids() if version else ()))
    rows = ((name, sha256_of(schema), canonical_json(schema)) for name, schema in shipped)
    connection.executemany("INSERT INTO shipped_schemas VALUES (?, ?, ?)", rows)
    for number, script in sorted(migrations().items()):
        if number > version:
            for statement in statements(script):
                connection.execute(statement)
    connection.execute("DROP TABLE shipped_schemas")
    if connection.execute("PRAGMA foreign_key_check").fetchone():
        raise StoreError(
            "The store could not be brought to this version.",
            "It holds rows that refer to rows which are not there.",
            "It was left as it was; use the nbbanana that wrote it.",
        )
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {latest()}")


def statements(script: str) -> Iterator[str]:
    r"""
    Yield the statements of an SQL script, one by one: `executescript` would commit the open transaction first.

    >>> list(statements("CREATE TABLE a (b); -- why\nINSERT INTO a VALUES (';');"))
    ['CREATE TABLE a (b);', "-- why\nINSERT INTO a VALUES (';');"]
    """
    gathered = ""
    for piece in script.split(";")[:-1]:
        gathered += piece + ";"
        if sqlite3.complete_statement(gathered):
            yield gathered.strip()
            gathered = ""


def backup(source: sqlite3.Connection, folder: Path, version: int) -> None:
    """
    Copy what `source` sees committed to a new file in `backups/`, whole or not at all.

    Raises:
        OSError, sqlite3.Error: it could not be written.
    """
    target = folder / "backups" / time.strftime(f"edits-v{version}-%Y%m%d-%H%M%S.sqlite", time.gmtime())
    target.parent.mkdir(mode=0o700, exist_ok=True)
    with beside(target) as part:
        part.touch(mode=0o600)
        with closing(sqlite3.connect(part)) as copy:
            source.backup(copy)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
