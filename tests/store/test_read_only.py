"""A store that cannot be written can be read: nothing in its folder is touched, and what would write says so."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from support.stores import asked, complete, sha256

from nbbanana.errors import StoreError
from nbbanana.store import Store

DATA = Path(__file__).parent / "data"


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user may read."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)
    shutil.rmtree(folder)


def locked(folder: Path) -> None:
    """Let everybody read and nobody write."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)


def as_a_reader(action: Callable[[], str]) -> str:
    """What `action` says in a process that may not write, also where the tests are run by root."""
    if os.geteuid() != 0:
        return action()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setuid(65534)
            os.write(writing, action().encode())
        except BaseException as error:
            os.write(writing, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read().decode()
    os.waitpid(child, 0)
    return said


def content(folder: Path) -> dict[str, str]:
    """Every file of a folder with its hash."""
    return {str(path.relative_to(folder)): sha256(path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.skipif(os.name == "nt", reason="other rights")
def test_a_store_that_cannot_be_written_is_read(place: Path) -> None:
    """Edits, pictures, search and sums are there; a write is a StoreError, and not a file is touched."""
    with Store.open(place / "study") as store:
        name = store.put(b"a picture")
        complete(store, asked("neon"), "a", cost=0.5)
    locked(place / "study")
    before = content(place / "study")

    def read() -> str:
        with Store.open(place / "study") as store:
            found = [store.read_only, store.search("neon")[0].id, store.spending("sandbox").total, store.has_blob(name)]
            found.append(store.verify().rows)
            with pytest.raises(StoreError, match="reading only"):
                store.begin(asked())
            return repr(found)

    assert as_a_reader(read) == "[True, 1, 0.5, True, ()]"
    assert content(place / "study") == before


@pytest.mark.skipif(os.name == "nt", reason="other rights")
def test_an_old_store_that_cannot_be_written_is_read_from_a_copy(place: Path) -> None:
    """It is brought up outside of its folder, and the copy goes when it is closed."""
    shutil.copytree(DATA / "store", place / "old")
    locked(place / "old")
    before = content(place / "old")

    def read() -> str:
        with Store.open(place / "old") as store:
            copy = store._database.path.parent
            found = [store.read_only, store.count(), dict(store.get(2).ratings), len(store.notes)]
        return repr([*found, copy.exists()])

    assert as_a_reader(read) == "[True, 16, {0: 'rejected', 1: 'starred'}, 1, False]"
    assert content(place / "old") == before


def test_a_log_that_was_left_is_read_too(store: Store, tmp_path: Path) -> None:
    """What a killed kernel had committed and not carried over is seen, also from a copy of its files."""
    store.begin(asked())
    with closing(sqlite3.connect(store.folder / "edits.sqlite")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    complete(store, asked("late"), "a")
    (tmp_path / "left").mkdir()
    for name in ("edits.sqlite", "edits.sqlite-wal"):
        shutil.copy(store.folder / name, tmp_path / "left" / name)
    before = content(tmp_path / "left")
    with Store.open(tmp_path / "left", read_only=True) as left:
        assert [edit.id for edit in left.search("late")] == [2]
    assert before.items() <= content(tmp_path / "left").items(), "SQLite's shared memory may have come, no more"


def test_a_store_in_use_may_be_read(store: Store) -> None:
    """A reader sees what the writer commits, as it commits it."""
    store.begin(asked("first"))
    with Store.open(store.folder, read_only=True) as reader:
        assert (reader.read_only, reader.count(), reader.notes) == (True, 1, ())
        store.begin(asked("second"))
        assert reader.count() == 2
        for write in (lambda: reader.begin(asked()), lambda: reader.settle(1, cost=0), lambda: reader.renew("o", 60)):
            with pytest.raises(StoreError, match="reading only"):
                write()


def test_a_folder_without_a_store_is_not_made_one(tmp_path: Path) -> None:
    """For reading only, nothing is made."""
    for folder in (tmp_path / "empty", tmp_path / "missing"):
        if folder.name == "empty":
            folder.mkdir()
        with pytest.raises(StoreError, match="no store in"):
            Store.open(folder, read_only=True)
    assert list(tmp_path.rglob("*")) == [tmp_path / "empty"]


def test_what_was_left_on_its_way_in_is_cleaned(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture that cannot be kept leaves no file, and opening removes what a killed process left a day ago."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    file = store.incoming / "download"
    file.write_bytes(b"a picture")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match="disk is full"):
            store.adopt(file)
    assert list(store.incoming.iterdir()) == []
    old, new = store.incoming / "old", store.incoming / "new"
    for path, age in ((old, 25 * 3600), (new, 3600)):
        path.write_bytes(b"half")
        os.utime(path, (time.time() - age,) * 2)
    Store.open(store.folder).close()
    assert list(store.incoming.iterdir()) == [new]
