"""
Connections and transactions: many threads, many processes, one file.

Connections are lent out of a small pool, one to each transaction, so that any thread may call. Writers of one
process stand in line at a lock, writers of several at SQLite's own (`BEGIN IMMEDIATE`, 30 s of patience).
A commit is on the disk when it returns.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path

from nbbanana.errors import StoreError
from nbbanana.store import versions

__all__ = ["Database"]

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

_alive: weakref.WeakSet[Database] = weakref.WeakSet()
_inherited: list[sqlite3.Connection] = []
"""A forked child's copies of its parent's connections: never used and never closed, as SQLite asks."""


class Database:
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
        self._renew_locks()
        with self._plain_errors():
            if read_only:
                self._prepare_to_read()
            else:
                self._prepare()
        _alive.add(self)

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
        with self._lock:
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
            versions.check(connection, self.folder)  # a newer nbbanana may have brought it up meanwhile
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
            self._begin_late(connection, begin)
        finally:
            connection.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000:.0f}")

    def _begin_late(self, connection: sqlite3.Connection, begin: str) -> None:
        self._tell(is_waiting=True)
        try:
            connection.execute(f"PRAGMA busy_timeout = {(PATIENCE - SOON) * 1000:.0f}")
            connection.execute(begin)
        finally:
            self._tell(is_waiting=False)

    def _tell(self, *, is_waiting: bool) -> None:
        for listener in tuple(self._listeners):
            listener(is_waiting)

    @contextmanager
    def _lent(self) -> Iterator[sqlite3.Connection]:
        with self._plain_errors():
            connection = self._borrow()
            try:
                yield connection
            finally:
                self._give_back(connection)

    def _borrow(self) -> sqlite3.Connection:
        with self._lock:
            if self._closed:
                raise StoreError("The store is closed.", "", "Open it again.")
            if self._idle:
                return self._idle.pop()
        return self._connect()

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if not self._closed and not connection.in_transaction and len(self._idle) < IDLE:
                self._idle.append(connection)
                return
        connection.close()

    def _connect(self) -> sqlite3.Connection:
        if self._options:
            place = f"{self.path.as_uri()}?{self._options}"
            connection = sqlite3.connect(
                place, uri=True, timeout=PATIENCE, isolation_level=None, check_same_thread=False
            )
            connection.row_factory = sqlite3.Row
            return connection
        connection = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA synchronous = {self._durable}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
        return connection

    def _prepare(self) -> None:
        """Refuse, make or bring up; nothing is written to a store that is refused."""
        with suppress(FileExistsError):
            self.path.touch(mode=0o600, exist_ok=False)
        connection = self._connect()
        try:
            version = versions.check(connection, self.folder)
            self._choose_journal(connection)
            if version < versions.latest():
                self._bring_up(connection)
        except BaseException:
            connection.close()
            raise
        self._give_back(connection)

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
                if versions.check(connection, self.folder) == versions.latest():
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
            version = versions.check(connection, self.folder)
            if version < versions.latest():
                connection.execute("PRAGMA foreign_keys = OFF")
                connection.execute("BEGIN IMMEDIATE")
                versions.migrate(connection, version)
                connection.execute("COMMIT")

    def _choose_journal(self, connection: sqlite3.Connection) -> None:
        """Choose WAL where the file system can do it; else a rollback journal, which needs one more sync."""
        mode = _patiently(lambda: _write_ahead(connection))
        if mode == "wal":
            return
        self._durable = "EXTRA"
        connection.execute("PRAGMA synchronous = EXTRA")
        where = f"The store in {self.folder.name!r} is on a file system without shared memory, such as a network drive"
        self.notes = (f"{where}: it is slower there, and kernels wait for each other.",)

    def _bring_up(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Another process may have been first: look again, now that no other can write.
            version = versions.check(connection, self.folder)
            if 0 < version < versions.latest():
                self._back_up(version)
            if version < versions.latest():
                versions.migrate(connection, version)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        connection.execute("PRAGMA foreign_keys = ON")

    def _back_up(self, version: int) -> None:
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
        source = self._connect()
        try:
            versions.backup(source, self.folder / "backups" / f"edits-v{version}-{stamp}.sqlite")
        finally:
            source.close()

    def _plain_errors(self) -> AbstractContextManager[None]:
        return _plain_errors(self.folder)

    def _renew_locks(self) -> None:
        self._lock = threading.Lock()
        self._writing = threading.Lock()

    def _leave_to_parent(self) -> None:
        """Forget the parent's connections and locks in a forked child."""
        _inherited.extend(self._idle)
        self._idle = []
        self._renew_locks()


def _after_fork() -> None:
    for database in _alive:
        database._leave_to_parent()  # noqa: SLF001 - this module's own class


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _write_ahead(connection: sqlite3.Connection) -> str:
    try:
        return str(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in NO_SHARED_MEMORY:
            return str(connection.execute("PRAGMA journal_mode").fetchone()[0])
        raise


def _patiently(action: Callable[[], str]) -> str:
    """Repeat while others hold the file: SQLite does not wait by itself when the journal mode changes."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return action()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
                raise
            if time.monotonic() > deadline:
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


@contextmanager
def _plain_errors(folder: Path) -> Iterator[None]:
    """Say in three lines what SQLite and the file system say in their own ways."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        why, mend = _REASONS.get(code, (f"SQLite says: {error}.", "Check the disk, then run it again."))
        raise StoreError(f"The store in {folder.name!r} could not be used.", why, mend) from error
    except OSError as error:
        why = f"The system says: {error.strerror or type(error).__name__}."
        raise StoreError(f"The store in {folder.name!r} could not be used.", why, "Check the folder.") from error
