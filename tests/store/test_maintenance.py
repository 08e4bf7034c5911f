"""Looking after a store: what changed or is missing is found, what nobody needs can go, what somebody needs stays."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from support.stores import asked, sha256

from nbbanana.store import Edit, InputRecord, Leftovers, OutputRecord, Store, Verification
from nbbanana.store.blobs import Blobs

DAY = 24 * 3600


@pytest.fixture
def edit(store: Store) -> Edit:
    """An edit whose input and output are in the store."""
    photo = InputRecord("photo.png", f"sha256:{sha256('source')}", store.put(b"sent"))
    edit = store.begin(asked("Make it snow.", photo))
    store.move(edit.id, "submitting")
    store.move(edit.id, "queued", request_id="r")
    made = OutputRecord(0, store.put(b"made"), "image/png", 8, 8, 4)
    return store.move(edit.id, "completed", outputs=[made])


def age(path: Path, seconds: float = 2 * DAY) -> Path:
    """Make a file look as if nobody touched it for so long."""
    then = time.time() - seconds
    os.utime(path, (then, then))
    return path


def meddle(store: Store, statement: str) -> None:
    """Change the rows as no nbbanana would."""
    with closing(sqlite3.connect(store.folder / "edits.sqlite", isolation_level=None)) as connection:
        connection.execute(statement)


@pytest.mark.usefixtures("edit")
def test_a_store_that_was_left_alone_is_fine(store: Store) -> None:
    """Every blob and digest is read, and nothing is found."""
    found = store.verify()
    assert found.ok
    assert (found.edits, found.blobs, found.bytes) == (1, 2, 8)


def test_an_empty_store_is_fine(store: Store) -> None:
    """Nothing to read is nothing wrong."""
    assert store.verify() == Verification(0, 0, 0)


def test_a_blob_that_changed_is_found(store: Store, edit: Edit) -> None:
    """One byte is enough."""
    store.blob_path(edit.outputs[0].sha256).write_bytes(b"mada")
    found = store.verify()
    assert (found.ok, found.changed) == (False, (sha256("made"),))


def test_a_blob_that_is_missing_is_found_with_its_edits(store: Store, edit: Edit) -> None:
    """Inputs as well as outputs, and every edit that refers to them."""
    twin = store.begin(asked("Twin", *edit.inputs))
    store.blob_path(sha256("sent")).unlink()
    found = store.verify()
    assert (found.ok, found.missing) == (False, {sha256("sent"): (edit.id, twin.id)})


@pytest.mark.parametrize(
    "change",
    [
        """parameters = '{"prompt":"Make it rain."}'""",
        "model = 'other'",
        "seed = 8",
        "ask = digest",
        "provider = 'runcomfy'",
    ],
)
def test_an_edit_that_was_changed_is_found(store: Store, edit: Edit, change: str) -> None:
    """The digests follow from what an edit holds; who changes one of it without the other is found out."""
    store.begin(asked("another"))
    meddle(store, f"UPDATE edits SET {change} WHERE id = {edit.id}")
    assert store.verify().wrong_digests == (edit.id,)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE totals SET known = known + 1", "counters"),
        ("INSERT INTO tags VALUES (99, 'orphan')", "a row of tags belongs to no edit"),
        ("DELETE FROM words_data WHERE id > 100", "search index"),
    ],
)
def test_rows_that_do_not_fit_together_are_found(store: Store, edit: Edit, change: str, words: str) -> None:
    """Counters, references and the search index are checked against the edits."""
    meddle(store, change)
    found = store.verify()
    assert not found.ok
    assert words in found.rows[0]
    assert edit.id == 1


def test_what_nobody_needs_is_shown_before_it_goes(store: Store, edit: Edit) -> None:
    """A dry run lists blobs and fragments with their size and touches nothing; then they go, and the rest stays."""
    lost = age(store.blob_path(store.put(b"nobody asked")))
    fragment = store.incoming / "fragment"
    fragment.write_bytes(b"half")
    age(fragment)
    for needed in (*edit.inputs, *edit.outputs):
        age(store.blob_path(str(needed.sha256)))
    shown = store.gc()
    assert shown == Leftovers((lost.name,), ("incoming/fragment",), 16, removed=False)
    assert lost.exists()
    assert store.gc(dry_run=False) == replace(shown, removed=True)
    assert not lost.exists()
    assert not fragment.exists()
    assert store.gc() == Leftovers((), (), 0, removed=False)
    assert store.verify().ok


def test_what_is_new_is_left_alone(store: Store) -> None:
    """A blob may be put a moment before its edit is written, a download may go on: a day is given."""
    name = store.put(b"just now")
    (store.incoming / "download").write_bytes(b"on its way")
    assert store.gc(dry_run=False) == Leftovers((), (), 0, removed=True)
    age(store.blob_path(name))
    age(store.incoming / "download")
    assert store.gc(dry_run=False).bytes == 18
    assert not store.has_blob(name)


def test_a_blob_that_is_wanted_again_is_not_old(store: Store) -> None:
    """Putting what is there already starts its day anew."""
    name = store.put(b"again")
    age(store.blob_path(name))
    store.put(b"again")
    assert store.gc(dry_run=False).blobs == ()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_blob_that_is_wanted_at_the_very_moment_stays(
    store: Store, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Between the look and the removal somebody puts it: in either order, it is there in the end."""
    name = store.put(b"contested")
    age(store.blob_path(name))
    real = Path.rename

    def contested(path: Path, target: Path) -> Path:
        if moment == "before":
            store.put(b"contested")
        moved = real(path, target)
        if moment == "after":
            store.put(b"contested")
        return moved

    monkeypatch.setattr(Path, "rename", contested)
    store.gc(dry_run=False)
    monkeypatch.undo()
    assert store.blob_path(name).read_bytes() == b"contested"


def test_a_backup_that_was_never_finished_goes(store: Store) -> None:
    """Fragments of backups are cleaned up, backups are not."""
    (store.folder / "backups").mkdir()
    for name in (".edits-v1-x.sqlite.123", "edits-v1-x.sqlite"):
        (store.folder / "backups" / name).write_bytes(b"x")
        age(store.folder / "backups" / name)
    assert store.gc(dry_run=False).temporary == ("backups/.edits-v1-x.sqlite.123",)
    assert [path.name for path in (store.folder / "backups").iterdir()] == ["edits-v1-x.sqlite"]


def test_what_is_not_ours_in_blobs_is_left_alone(store: Store) -> None:
    """A file whose name is no hash belongs to somebody else."""
    name = store.put(b"x")
    stray = store.blob_path(name).with_name("Thumbs.db")
    stray.touch()
    (store.folder / "blobs" / ".DS_Store").touch()
    assert list(Blobs(store.folder).blob_names()) == [name]
    age(stray)
    store.gc(dry_run=False, grace=-1)
    assert stray.exists()
