"""A store that the version before the ownership of edits wrote opens, is upgraded with a backup, and replays."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

import nbbanana as nb
from nbbanana import models
from nbbanana.request import sha256_of
from nbbanana.store import Edit, Store, database

DATA = Path(__file__).parent / "data"
SMALL = {"resolution": "0.5K", "output_format": "jpeg"}
EDIT, TEXT, PAINT = "google/nano-banana-2/edit", "google/nano-banana-2/text-to-image", "acme/paint/edit"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A copy of the store that version 2 wrote: sixteen edits in every state, two providers, three models."""
    return Path(shutil.copytree(DATA / "store", tmp_path / "old"))


def test_an_old_store_is_backed_up_and_keeps_every_edit(old: Path) -> None:
    """All edits are there with what they had, every digest and counter holds, and the backup is the file as it was."""
    with closing(sqlite3.connect(old / "edits.sqlite")) as connection:
        before = connection.execute("SELECT id, uid, state, parameters, cost, note FROM edits ORDER BY id").fetchall()
    with Store.open(old) as store:
        found = store.verify()
        assert (found.ok, found.edits, found.blobs) == (True, 16, 14)
        with store._database.read() as connection:
            rows = connection.execute("SELECT id, uid, state, parameters, cost, note FROM edits ORDER BY id")
            assert [tuple(row) for row in rows] == before
        assert store.get(3).parents == (2,)
        assert store.get(7).region is not None
        assert [mask.parameter for mask in store.get(13).masks] == ["mask_image_url"]
        assert store.begin(_like(store)).id == 17
    [backup] = (old / "backups").iterdir()
    assert backup.name.startswith("edits-v2-")
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("SELECT count(*) FROM edits WHERE starred").fetchone() == (4,)


def _like(store: Store) -> Edit:
    one = store.get(1)
    return Edit(one.model, one.provider, one.ask, one.digest, one.parameters, one.seed, one.seed_given)


def test_old_edits_get_the_shipped_schema_of_their_model(old: Path) -> None:
    """Each schema is kept once; an edit of a model that is not shipped has none."""
    with Store.open(old) as store:
        for edit in store.page_after(0, 100):
            if edit.model == PAINT:
                assert edit.schema_hash is None
            else:
                assert edit.schema_hash == sha256_of(models.get(edit.model).schema)
                assert store.schema(edit.schema_hash) == models.get(edit.model).schema
            assert (edit.provider_model, edit.model_named, edit.is_foreign) == (edit.model, True, False)
            assert edit.is_play == (edit.provider == "sandbox")
            assert edit.handle == edit.request_id
        with store._database.read() as connection:
            assert connection.execute("SELECT count(*) FROM schemas").fetchone()[0] == 2


def test_old_stars_and_rejections_become_ratings(old: Path) -> None:
    """Flags are for the whole edit, tags such as `starred[1]` for an output; other tags stay what they are."""
    with Store.open(old) as store:
        ratings = {edit.id: dict(edit.ratings) for edit in store.page_after(0, 100) if edit.ratings}
        assert ratings == {
            1: {-1: "starred"},
            2: {0: "rejected", 1: "starred"},
            3: {-1: "rejected"},
            4: {-1: "rejected"},
            6: {-1: "starred"},
            13: {-1: "starred"},
        }
        tags = {edit.id: edit.tags for edit in store.page_after(0, 100) if edit.tags}
        assert tags == {1: ("café", "cover"), 3: ("keeper",), 8: ("starred[9]", "starred[x]")}
        assert [edit.id for edit in store.search("starred")] == [8], "the words of a tag that went are not found"
        assert [edit.id for edit in store.filter(starred=True)] == [13, 6, 2, 1]
        assert [edit.id for edit in store.filter(rejected=True)] == [4, 3]


def test_a_star_that_was_taken_back_does_not_return_with_its_leftover_tag(old: Path) -> None:
    """The flag was the newer word: where it is off, a tag of a star that was left behind is no star."""
    with closing(sqlite3.connect(old / "edits.sqlite")) as connection, connection:
        connection.execute("UPDATE edits SET starred = 0 WHERE id = 2")
    with Store.open(old) as store:
        assert dict(store.get(2).ratings) == {0: "rejected"}
        assert store.get(2).tags == ()


def test_old_submissions_become_posts(old: Path) -> None:
    """One row for each edit that was sent, with how that ended."""
    with Store.open(old) as store:
        posts = {post.edit_id: post for post in store.posts(limit=100)}
        assert sorted(posts) == list(range(1, 17))
        assert {number: post.outcome for number, post in posts.items() if post.outcome != "accepted"} == {
            10: "uncertain",
            11: "refused",
        }
        for number, post in posts.items():
            edit = store.get(number)
            assert (post.ordinal, post.handle, post.seed) == (0, edit.request_id, edit.seed)
            assert (post.cost, post.quote) == (edit.cost, edit.price_quoted)


def test_old_budgets_count_the_same_edits_by_order(old: Path) -> None:
    """What was begun since the budget was set is what has a greater id."""
    with Store.open(old) as store:
        play, paid = store.budget("sandbox"), store.budget("runcomfy")
        assert play is not None
        assert paid is not None
        assert (play.amount, play.after_id, play.spending.known) == (40.0, 7, 0.0525)
        assert (paid.amount, paid.after_id, paid.spending.held) == (5.0, 12, 1.0)
        assert store.has_paid_edits()


def test_an_amount_that_cannot_be_does_not_survive_the_upgrade(old: Path) -> None:
    """A cost of 1e300 that a service told once no longer blocks every budget."""
    with closing(sqlite3.connect(old / "edits.sqlite")) as connection, connection:
        connection.execute("UPDATE edits SET cost = 1e300 WHERE id = 12")
    with Store.open(old) as store:
        assert store.get(12).cost is None
        assert store.spending("runcomfy").total < 2.0


def test_an_old_store_and_an_old_bundle_replay(old: Path, tmp_path: Path) -> None:
    """The asks of the notebook give the same bytes from the upgraded store and from the bundle, and nothing is sent."""
    shutil.copy(DATA / "study.zip", tmp_path / "study.zip")
    for place in (old, tmp_path / "study.zip"):
        with nb.Session(provider="sandbox", store=place, mode="replay") as session:
            snow = session.edit("Keep the subject unchanged. Make it snow.", "portrait.png", seed=7, **SMALL)
            two = session.edit(
                "Keep the subject. Rainy neon street at night.", "portrait.png", seed=11, number_of_images=2, **SMALL
            )
            rain = [session.edit("Make it rain.", "café.png", **SMALL) for _ in range(2)]
            fog = session.edit("A lighthouse in fog.", model=TEXT, seed=3, **SMALL)
            assert [one.id for one in (snow, two, *rain, fog)] == [1, 2, 4, 5, 6]
            assert [two[1].edit_id, len(two[1].bytes)] == [2, two[1].path.stat().st_size]
            assert session.history[3].record.parents == (2,)
            assert session.store.verify().ok


def test_a_store_and_a_bundle_of_before_there_were_parts_open_and_take_new_edits(tmp_path: Path) -> None:
    """Version 4 is backed up and brought up: its edits have no parts and replay, new ones keep theirs."""
    folder = Path(shutil.copytree(DATA / "store4", tmp_path / "four"))
    Image.new("RGB", (48, 32), "teal").save(tmp_path / "cup.png")
    lines = "keep: objects\nchange: Make it night."
    with nb.Session(provider="sandbox", store=folder) as session:
        # The same words, written as lines: the parts are no part of the question, and the store answers it.
        same = session.edit(lines, tmp_path / "cup.png", seed=7, **SMALL)
        assert (same.id, same.record.parts) == (1, {"keep": ["objects"], "change": "Make it night."})
        assert session.history[1].record.parts is None
        assert session.history[2].cell().endswith("Keep the cup\nas it is.")
        new = session.edit(lines, tmp_path / "cup.png", seed=9, **SMALL)
        assert session.store.get(new.id).parts == {"keep": ["objects"], "change": "Make it night."}
        assert session.store.verify().ok
    [backup] = (folder / "backups").iterdir()
    assert backup.name.startswith("edits-v4-")
    shutil.copy(DATA / "study4.zip", tmp_path / "four.zip")
    with nb.Session(provider="sandbox", store=tmp_path / "four.zip") as session:
        assert session.edit(lines, tmp_path / "cup.png", seed=7, **SMALL).id == 1


def test_only_the_newest_version_is_written() -> None:
    """The data above is of versions 2 and 4; what came after is written down here, so that a new step is looked at."""
    assert database.latest() == 7
