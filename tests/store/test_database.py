"""One file for many threads and processes: made once, brought up with a backup, refused when newer, never half."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from support.stores import asked, complete, generated, sha256

from nbbanana.errors import StoreError, StoreVersionError
from nbbanana.store import Store, database


def pragma(store: Store, name: str) -> object:
    """What a connection of the store says of itself."""
    with store._database.read() as connection:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]


def raw(folder: Path) -> closing[sqlite3.Connection]:
    """The file as another program sees it."""
    return closing(sqlite3.connect(folder / "edits.sqlite", isolation_level=None))


def test_a_commit_is_on_the_disk(store: Store) -> None:
    """The log is written ahead and synced with each commit, rows refer to rows that are there."""
    assert pragma(store, "journal_mode") == "wal"
    assert pragma(store, "synchronous") == 2
    assert pragma(store, "foreign_keys") == 1
    assert pragma(store, "busy_timeout") == 30_000
    assert store.notes == ()


def test_every_commit_is_synced(folder: Path) -> None:
    """The system's own trace of a process shows it: before `begin` returns, the log is synced."""
    if not Path("/usr/bin/strace").exists():
        pytest.skip("this machine has no strace")
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[2])\n"
        "from support.stores import asked; from nbbanana.store import Store\n"
        "store = Store.open(sys.argv[1])\n"
        "for _ in range(5): os.write(1, b'ask'); store.begin(asked()); os.write(1, b'done')\n"
    )
    tests = Path(__file__).parents[1]
    words = ["/usr/bin/strace", "-f", "-e", "trace=fsync,fdatasync,write", sys.executable, "-c", code, folder, tests]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stderr
    spans = told.split('"ask"')[1:]
    assert len(spans) == 5
    assert all("sync(" in span.split('"done"')[0] for span in spans)


def test_any_thread_may_call(store: Store) -> None:
    """Eight threads write and read at once: every edit is there, with an id of its own."""
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for n in range(20):
                edit = complete(store, asked(f"thread {number} edit {n}"), f"{number} {n}")
                assert store.get(edit.id) == edit
                assert store.search(f"thread {number}")
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert store.count() == 160
    assert len({edit.prompt for edit in store.filter(limit=200)}) == 160


def test_a_reader_sees_one_state(store: Store) -> None:
    """What others write while a transaction reads is not seen in it, and does not have to wait."""
    store.begin(asked())
    with store._database.read() as connection:
        before = connection.execute("SELECT count(*) FROM edits").fetchone()[0]
        store.begin(asked())
        assert connection.execute("SELECT count(*) FROM edits").fetchone()[0] == before == 1
    assert store.count() == 2


def test_a_step_that_fails_leaves_nothing_behind(store: Store) -> None:
    """Whatever goes wrong in the middle of a transaction, Ctrl-C too, none of it is there, and the next one works."""

    def fail(failure: type[BaseException]) -> None:
        with store._database.write() as connection:
            connection.execute("INSERT INTO totals (provider, is_play) VALUES ('half', 0)")
            raise failure

    for failure, seen in [
        (ValueError, ValueError),
        (KeyboardInterrupt, KeyboardInterrupt),
        (sqlite3.OperationalError, StoreError),
    ]:
        with pytest.raises(seen):
            fail(failure)
    assert store.total_cost() == {}
    assert store.begin(asked()).id == 1


def test_opening_again_finds_what_was_written(folder: Path) -> None:
    """A store is its folder: closed and opened, it has the same edits."""
    with Store.open(folder) as store:
        edit = store.begin(asked())
    with Store.open(str(folder)) as store:
        assert store.get(edit.id) == edit
    assert not (folder / "edits.sqlite-wal").exists()


def test_a_newer_store_is_refused_and_not_touched(folder: Path) -> None:
    """A store with a greater version says so with both numbers; not a byte of it is changed."""
    Store.open(folder).close()
    with raw(folder) as connection:
        connection.execute("PRAGMA user_version = 99")
        connection.execute("PRAGMA journal_mode = DELETE")
    before = sha256((folder / "edits.sqlite").read_bytes())
    with pytest.raises(StoreVersionError, match=r"newer nbbanana\.\nIt has version 99; .* up to \d+\.\nUpdate"):
        Store.open(folder)
    assert sha256((folder / "edits.sqlite").read_bytes()) == before
    assert not (folder / "edits.sqlite-wal").exists()


def test_a_store_that_is_brought_up_meanwhile_is_not_written_by_the_old(store: Store) -> None:
    """A kernel that still runs the older version stops writing the moment a newer one took the store over."""
    edit = store.begin(asked())
    with raw(store.folder) as connection:
        connection.execute("PRAGMA user_version = 99")
    for call in (lambda: store.begin(asked()), lambda: store.move(edit.id, "submitting"), store.count):
        with pytest.raises(StoreVersionError):
            call()


def test_another_programs_database_is_refused_and_not_touched(folder: Path) -> None:
    """A file that is not ours is left as it is."""
    folder.mkdir()
    with raw(folder) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    before = (folder / "edits.sqlite").read_bytes()
    with pytest.raises(StoreError, match="not a store"):
        Store.open(folder)
    assert (folder / "edits.sqlite").read_bytes() == before


def test_a_file_that_is_no_database_is_refused(folder: Path) -> None:
    """Text under our file's name is an error of three lines."""
    folder.mkdir()
    (folder / "edits.sqlite").write_text("a diary " * 200)
    with pytest.raises(StoreError, match="not a database") as caught:
        Store.open(folder)
    assert len(caught.value.lines) == 3
    assert (folder / "edits.sqlite").read_text() == "a diary " * 200


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    """What cannot be a folder is said by its name, not its path."""
    (tmp_path / "notes.txt").touch()
    with pytest.raises(StoreError, match=r"notes\.txt") as caught:
        Store.open(tmp_path / "notes.txt")
    assert str(tmp_path) not in str(caught.value)


def test_a_folder_without_room_for_pictures_is_refused(folder: Path) -> None:
    """Where `blobs` is a file there can be no store, and what was opened is closed again."""
    folder.mkdir()
    (folder / "blobs").touch()
    with pytest.raises(StoreError, match="could not be kept"):
        Store.open(folder)
    assert not (folder / "edits.sqlite-wal").exists()


def test_damage_is_said(store: Store) -> None:
    """A page that was overwritten is a StoreError that says what to do, not wrong pictures."""
    for _ in range(50):
        store.begin(asked("x" * 500))
    store.close()
    file = store.folder / "edits.sqlite"
    data = bytearray(file.read_bytes())
    data[4096:] = os.urandom(len(data) - 4096)
    file.write_bytes(data)
    with pytest.raises(StoreError, match=r"damaged\.\nCopy the folder"), Store.open(store.folder) as damaged:
        damaged.filter()


def test_a_full_disk_leaves_a_true_store(store: Store) -> None:
    """When SQLite has no room for a page, the edit is not there, the error says so, and room makes it work again."""
    store.begin(asked())
    with store._database.read() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    with store._database.read() as connection:
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreError, match=r"The disk is full\.\nMake room"):
        store.take_in(generated(100))
    with pytest.raises(StoreError, match=r"The disk is full\.\nMake room"):
        deque(store.begin(asked("x" * 3000)) for _ in range(100))
    written = store.count()
    assert written == len(store.filter(limit=200))
    assert store.verify().rows == ()
    with store._database.read() as connection:
        connection.execute("PRAGMA max_page_count = 1073741823")
    assert store.begin(asked("x" * 3000)).id == written + 1


def test_a_lock_that_is_never_given_back_is_said(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever hangs with the file locked is waited for, and then named as the reason."""
    monkeypatch.setattr(database, "PATIENCE", 0.05)
    with Store.open(store.folder) as impatient, raw(store.folder) as hanging:
        hanging.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="kept it locked"):
            impatient.begin(asked())
        assert impatient.count() == 0


def test_a_wait_for_another_process_is_told_and_so_is_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who listens hears once that a writer waits, and once that it is over; who left hears nothing."""
    monkeypatch.setattr(database, "SOON", 0.05)
    told: list[bool] = []
    waits = threading.Event()
    with Store.open(tmp_path) as store, ThreadPoolExecutor(1) as pool:
        unlisten = store.on_wait(lambda is_waiting: (told.append(is_waiting), waits.set()))
        with raw(tmp_path) as other:
            other.execute("BEGIN EXCLUSIVE")
            writing = pool.submit(store.set_budget, "sandbox", 5.0)
            assert waits.wait(10)
            assert told == [True]
            other.execute("ROLLBACK")
            writing.result(10)
        assert told == [True, False]
        unlisten()
        store.set_budget("sandbox", 6.0)
        assert store.budget("sandbox").amount == 6.0
    assert told == [True, False]


@pytest.fixture
def without_shared_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite as it is on a file system that cannot share memory: its own dot-file locking cannot, by design."""
    real = sqlite3.connect

    def connect(path: object, **options: object) -> sqlite3.Connection:
        return real(f"file:{path}?vfs=unix-dotfile", uri=True, **options)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(sqlite3, "connect", connect)


@pytest.mark.skipif(os.name == "nt", reason="the locking by dot-files is not there")
@pytest.mark.usefixtures("without_shared_memory")
def test_a_network_drive_is_noted_and_works(folder: Path) -> None:
    """Where WAL cannot be had, the store keeps a rollback journal, syncs once more, and says that it is slower."""
    with Store.open(folder) as store:
        assert pragma(store, "journal_mode") == "delete"
        assert pragma(store, "synchronous") == 3
        assert "network drive" in store.notes[0]
        assert str(folder) not in store.notes[0]
        edit = complete(store, asked("neon"), "a")
        assert store.search("neon") == [edit]
    with Store.open(folder) as store:
        assert store.get(edit.id) == edit


@pytest.mark.parametrize("code", [sqlite3.SQLITE_IOERR_SHMMAP, sqlite3.SQLITE_CANTOPEN])
def test_a_drive_that_refuses_shared_memory_is_noted(folder: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """Some drives fail where others keep their journal: both are understood."""
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code

    class Drive(sqlite3.Connection):
        def execute(self, sql: str, *arguments: object) -> sqlite3.Cursor:
            if sql == "PRAGMA journal_mode = WAL":
                raise error
            return super().execute(sql, *arguments)  # type: ignore[arg-type]

    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **options: real(*given, **options, factory=Drive))
    with Store.open(folder) as store:
        assert pragma(store, "journal_mode") == "delete"
        assert store.notes
        assert store.begin(asked()).id == 1


class TestMigration:
    """A store of an older version is copied, then brought up, whole or not at all."""

    LATER = (
        "ALTER TABLE edits ADD COLUMN mood TEXT NOT NULL DEFAULT 'fair; ''fine''';\nCREATE INDEX moods ON edits (mood);"
    )

    @pytest.fixture
    def old(self, folder: Path) -> Path:
        """A store of version 1 with something in it."""
        with Store.open(folder) as store:
            store.put(b"a picture")
            complete(store, asked("Written by version 1"), "a", cost=0.07)
        return folder

    @pytest.fixture
    def later(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[int, str]]:
        """A package with one step more."""
        steps = {**database.migrations(), database.latest() + 1: self.LATER}
        monkeypatch.setattr(database, "migrations", lambda: steps)
        return steps

    def test_a_new_store_has_all_steps(self, folder: Path, later: dict[int, str]) -> None:
        """An empty folder goes through every step, and there is nothing to back up."""
        with Store.open(folder) as store:
            assert pragma(store, "user_version") == max(later)
            complete(store, asked(), "a")
        assert not (folder / "backups").exists()

    def test_an_old_store_is_backed_up_and_brought_up(self, old: Path, later: dict[int, str]) -> None:
        """What was there is there still; the backup is a store of the old version, for its owner only."""
        before = sorted((old / "blobs").rglob("*"))
        with Store.open(old) as store:
            assert pragma(store, "user_version") == max(later)
            assert [edit.prompt for edit in store.search("written")] == ["Written by version 1"]
            assert store.begin(asked()).id == 2
            with store._database.read() as connection:
                moods = [row[0] for row in connection.execute("SELECT mood FROM edits")]
        assert moods == ["fair; 'fine'"] * 2
        assert sorted((old / "blobs").rglob("*")) == before
        (backup,) = (old / "backups").iterdir()
        assert backup.name.startswith(f"edits-v{max(later) - 1}-")
        if os.name != "nt":
            assert (backup.stat().st_mode & 0o777, backup.parent.stat().st_mode & 0o777) == (0o600, 0o700)

    def test_the_backup_can_be_put_back(self, old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """In the place of `edits.sqlite`, it is the store as it was, for the package that wrote it."""
        with monkeypatch.context() as patch:
            steps = {**database.migrations(), database.latest() + 1: self.LATER}
            patch.setattr(database, "migrations", lambda: steps)
            Store.open(old).close()
        with pytest.raises(StoreVersionError):
            Store.open(old)
        (backup,) = (old / "backups").iterdir()
        (tmp_path / "restored").mkdir()
        backup.rename(tmp_path / "restored" / "edits.sqlite")
        with Store.open(tmp_path / "restored") as store:
            assert [edit.prompt for edit in store.filter()] == ["Written by version 1"]
            assert store.verify().rows == ()

    def test_it_is_done_once(self, old: Path, later: dict[int, str]) -> None:
        """Opening it again, or at the same time, takes no further step and no further backup."""
        failed: list[BaseException] = []

        def work() -> None:
            try:
                Store.open(old).close()
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        assert len(list((old / "backups").iterdir())) == 1

    @pytest.mark.parametrize(
        ("step", "words"),
        [
            ("ALTER TABLE edits ADD COLUMN mood TEXT; SELECT * FROM nowhere;", "no such table"),
            ("DELETE FROM edits;", "rows that refer to rows which are not there"),
        ],
    )
    def test_a_step_that_fails_leaves_the_old_store(
        self, old: Path, monkeypatch: pytest.MonkeyPatch, step: str, words: str
    ) -> None:
        """Half a step is none: the store is what it was, and the version that wrote it opens it."""
        with monkeypatch.context() as patch:
            steps = {**database.migrations(), database.latest() + 1: step}
            patch.setattr(database, "migrations", lambda: steps)
            with pytest.raises(StoreError, match=words):
                Store.open(old)
        with Store.open(old) as store:
            assert [edit.prompt for edit in store.filter()] == ["Written by version 1"]
            assert store.verify().rows == ()

    def test_without_room_for_a_backup_nothing_is_done(
        self, old: Path, later: dict[int, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No backup, no step."""

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match="No space left"):
            Store.open(old)
        with raw(old) as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (max(later) - 1,)


def test_the_package_loads_sqlite_only_with_the_store() -> None:
    """Importing the records of the store, as the whole package does, leaves SQLite out."""
    code = "import sys, nbbanana.store, nbbanana.store.records; print('sqlite3' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"
