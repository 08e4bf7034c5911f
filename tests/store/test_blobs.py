"""Pictures are kept by their content, whole or not at all, and never written again."""

from __future__ import annotations

import errno
import os
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.stores import sha256

from nbbanana.errors import NotInStoreError, StoreError
from nbbanana.store import Store


def modes(path: Path) -> str:
    """Who may do what with a file, such as `0o600`."""
    return oct(stat.S_IMODE(path.stat().st_mode))


def test_bytes_come_back_as_they_were(store: Store) -> None:
    """What is put is found by its SHA-256, byte for byte, whatever it is."""

    @given(st.binary(max_size=2000))
    def law(data: bytes) -> None:
        name = store.put(data)
        assert name == sha256(data)
        assert store.has_blob(name)
        assert store.blob_path(name).read_bytes() == data

    law()


def test_a_file_is_moved_in(store: Store) -> None:
    """Adopted, it is gone from where it was, under the name of its content, for its owner only."""
    file = store.incoming / "download"
    file.write_bytes(b"a picture")
    name = store.adopt(file, sha256("a picture"))
    assert not file.exists()
    assert store.blob_path(name) == store.folder / "blobs" / name[:2] / name
    assert store.blob_path(name).read_bytes() == b"a picture"


def test_a_file_from_elsewhere_is_adopted_too(store: Store, tmp_path: Path) -> None:
    """It need not lie in the store's own folder."""
    (tmp_path / "x.png").write_bytes(b"x")
    assert store.adopt(tmp_path / "x.png") == sha256("x")
    assert not (tmp_path / "x.png").exists()


def test_a_file_on_another_disk_is_copied_in(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a rename cannot reach, the bytes are copied, and the file is gone all the same."""
    (tmp_path / "x.png").write_bytes(b"x")
    real = Path.stat

    def on_two_disks(path: Path, **options: bool) -> os.stat_result:
        result = list(real(path, **options))
        result[2] = 1 if path == store.incoming else 2
        return os.stat_result(result)

    monkeypatch.setattr(Path, "stat", on_two_disks)
    assert store.adopt(tmp_path / "x.png") == sha256("x")
    monkeypatch.undo()
    assert store.blob_path(sha256("x")).read_bytes() == b"x"
    assert not (tmp_path / "x.png").exists()


def test_a_file_that_is_not_what_it_should_be_stays_outside(store: Store) -> None:
    """The hash is checked before anything moves."""
    file = store.incoming / "download"
    file.write_bytes(b"something else")
    with pytest.raises(StoreError, match="is not what it should be"):
        store.adopt(file, sha256("a picture"))
    assert file.read_bytes() == b"something else"
    assert not store.has_blob(sha256("something else"))
    with pytest.raises(StoreError, match="No such file"):
        store.adopt(store.incoming / "nothing")


def test_what_is_there_is_not_written_again(store: Store) -> None:
    """Putting or adopting the same bytes leaves the file that is there alone."""
    name = store.put(b"same")
    before = store.blob_path(name).stat().st_ino
    file = store.incoming / "again"
    file.write_bytes(b"same")
    assert store.put(b"same") == store.adopt(file) == name
    assert store.blob_path(name).stat().st_ino == before
    assert list(store.incoming.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps other rights")
def test_only_the_owner_may_read(store: Store) -> None:
    """Folders are 0700 and files 0600, the database and its log included."""
    name = store.put(b"private")
    file = store.incoming / "download"
    file.write_bytes(b"open to all")
    file.chmod(0o644)
    adopted = store.adopt(file)
    found = sorted(path for path in store.folder.rglob("*"))
    assert {modes(path) for path in [store.folder, *found] if path.is_dir()} == {"0o700"}
    assert {modes(path) for path in found if path.is_file()} == {"0o600"}
    assert {store.blob_path(name), store.blob_path(adopted)} < set(found)


@pytest.mark.parametrize(
    "name", ["", "abc", "../../../etc/passwd", "A" * 64, "g" * 64, "a" * 65, f"{'a' * 63}/", "a" * 64 + "\n"]
)
def test_a_name_that_is_no_hash_leads_nowhere(store: Store, name: str) -> None:
    """No path can be built from what is not 64 lower-case hexadecimal digits."""
    for call in (store.blob_path, store.has_blob):
        with pytest.raises(StoreError, match="is not a blob's name"):
            call(name)


def test_a_blob_that_is_missing_is_said_so(store: Store) -> None:
    """A name that is a hash, of bytes that are not here, is a NotInStoreError."""
    with pytest.raises(NotInStoreError, match="not in the store"):
        store.blob_path(sha256("never"))


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_full_disk_leaves_no_half_picture(store: Store, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    """When the disk is full at whatever step, the error says so, and neither a blob nor a fragment stays."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os if failing == "fsync" else Path, failing, full)
        with pytest.raises(StoreError, match=r"could not be kept(.|\n)*disk is full(.|\n)*Make room"):
            store.put(b"too much")
    assert not store.has_blob(sha256("too much"))
    assert list(store.incoming.iterdir()) == []
    assert store.put(b"too much") == sha256("too much")


def test_many_threads_may_put_the_same(store: Store) -> None:
    """Whoever is first, there is one file with the right bytes in the end."""
    data = os.urandom(100_000)
    names: list[str] = []
    threads = [threading.Thread(target=lambda: names.append(store.put(data))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(names) == {sha256(data)}
    assert store.blob_path(names[0]).read_bytes() == data
    assert list(store.incoming.iterdir()) == []
