"""Bundles hold what an edit belongs to, are read by what they hold, and refuse everything else with a typed error."""

from __future__ import annotations

import json
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.stores import asked, complete

from nbbanana import models
from nbbanana.errors import BundleError
from nbbanana.request import sha256_of
from nbbanana.store import Edit, OutputRecord, Store
from nbbanana.store.bundles import merge, read, write

DATA = Path(__file__).parent / "data"
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"prompt": {"type": "string"}}}


def made(store: Store, prompt: str, content: bytes, *, schema: Any = None, **changes: Any) -> Edit:
    """A completed edit whose picture is in the store."""
    edit = store.begin(asked(prompt, **changes), schema=schema)
    store.move(edit.id, "submitting")
    store.post_ended(edit.id, store.post_sent(edit.id, seed=7, quote=0.1).ordinal, "accepted", handle="secret-handle")
    store.move(edit.id, "queued", request_id="secret-id")
    output = OutputRecord(0, store.put(content), "image/png", 8, 8, len(content), "https://example.com/secret-address")
    return store.move(edit.id, "completed", outputs=[output], cost=0.1)


@pytest.fixture
def bundle(store: Store, tmp_path: Path) -> Path:
    """A bundle of three edits, two with one schema."""
    one = made(store, "one", b"1", schema=SCHEMA, kernel="kernel-7", cell="a1-b2", execution=3, ordinal=1)
    store.annotate(one.id, add_tags="kept", note="fine")
    store.rate(one.id, 0, "starred")
    made(store, "two", b"2", schema=SCHEMA, cell="vscode-notebook-cell:/home/me/secret.ipynb#W0")
    made(store, "three", b"3", model_named=False, provider_model="theirs/edit")
    return write(store, store.page_after(0), tmp_path / "study.zip")


def records(path: Path) -> dict[str, Any]:
    """The records of a bundle."""
    with zipfile.ZipFile(path) as archive:
        content: dict[str, Any] = json.loads(archive.read("edits.json"))
    return content


def rewritten(path: Path, text: str) -> Path:
    """The bundle with other records."""
    target = path.with_name("rewritten.zip")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, text if name == "edits.json" else old.read(name))
    return target


def test_what_an_edit_belongs_to_travels(store: Store, bundle: Path, tmp_path: Path) -> None:
    """Schemas, ratings, POSTs, names of models and where it was asked arrive; the edits are foreign there."""
    with Store.open(tmp_path / "other") as other:
        assert merge(other, bundle) == 3
        one, two, three = other.page_after(0)
        assert other.schema(one.schema_hash or "") == SCHEMA
        assert (one.schema_hash, three.schema_hash) == (two.schema_hash, None)
        assert (dict(one.ratings), one.tags, one.note) == ({0: "starred"}, ("kept",), "fine")
        assert (one.cell, one.execution, one.ordinal, two.cell) == ("a1-b2", 3, 1, None)
        assert one.kernel == sha256_of("kernel-7")[:32]
        assert (three.model_named, three.provider_model) == (False, "theirs/edit")
        assert [edit.is_play for edit in (one, two)] == [True, True]
        assert all(edit.is_foreign for edit in (one, two, three))
        [post] = other.posts(one.id)
        assert (post.outcome, post.cost, post.quote, post.seed, post.handle) == ("accepted", 0.1, 0.1, 7, None)
        assert other.verify().rows == ()


def test_each_schema_is_there_once_and_nothing_private_is(bundle: Path) -> None:
    """No handle, request id, address, path or name of a kernel is anywhere in the file."""
    assert list(records(bundle)["schemas"]) == [sha256_of(SCHEMA)]
    with zipfile.ZipFile(bundle) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
    assert b"secret" not in everything
    assert b"kernel-7" not in everything
    assert b"/home" not in everything


def test_what_a_later_nbbanana_adds_is_ignored(bundle: Path, tmp_path: Path) -> None:
    """The `extra` object of the bundle and of each edit may hold anything."""
    content = records(bundle)
    content["extra"] = {"mood": ["fair", {"deep": [1]}]}
    content["edits"][0]["extra"] = {"camera": {"lens": "50 mm"}}
    with read(rewritten(bundle, json.dumps(content))) as opened:
        assert [edit.prompt for edit in opened.edits] == ["one", "two", "three"]


def test_parts_travel_in_a_bundle_where_older_readers_pass_over_them(store: Store, tmp_path: Path) -> None:
    """They stand under `extra`; what is no parts there is none."""
    parts = {"keep": ["the \ud800 cup"], "change": "Make it snow.", "text": [["sign", "OPEN"]]}
    made(store, "Keep the \ud800 cup unchanged. Make it snow.", b"one", parts=parts)
    written = write(store, store.filter(), tmp_path / "parts.zip")
    content = records(written)
    assert content["edits"][0]["extra"] == {"parts": parts}
    assert "parts" not in content["edits"][0]
    with read(written) as opened:
        assert opened.edits[0].parts == parts
    for strange in ("words", {"keep": 7}, {"only": ["sky"]}, [1], {"change": {"a": "b"}}):
        content["edits"][0]["extra"] = {"parts": strange}
        with read(rewritten(written, json.dumps(content))) as opened:
            assert opened.edits[0].parts is None


def test_a_bundle_of_format_1_gets_the_shipped_schemas(tmp_path: Path) -> None:
    """What the version before wrote is read; flags and tags become ratings, play is known by the sandbox's name."""
    with Store.open(tmp_path / "store") as store:
        assert merge(store, DATA / "study.zip", keep_ids=True) == 14
        edit = store.get(2)
        assert store.schema(edit.schema_hash or "") == models.get(edit.model).schema
        ratings = {edit.id: dict(edit.ratings) for edit in store.page_after(0) if edit.ratings}
        assert ratings == {
            1: {-1: "starred"},
            2: {0: "rejected", 1: "starred"},
            3: {-1: "rejected"},
            4: {-1: "rejected"},
            6: {-1: "starred"},
            13: {-1: "starred"},
        }
        assert store.get(8).tags == ("starred[9]", "starred[x]")
        assert [edit.is_play for edit in (store.get(1), store.get(12))] == [True, False]
        assert store.get(13).schema_hash is None
        assert store.verify().ok


def _first(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], object]:
    return lambda content: change(content["edits"][0])


HOSTILE: dict[str, Callable[[dict[str, Any]], object]] = {
    "half a surrogate pair in a tag": _first(lambda edit: edit.update(tags=["\ud800"])),
    "half a surrogate pair in a note": _first(lambda edit: edit.update(note="\udfff")),
    "half a surrogate pair in a transition": _first(lambda edit: edit["transitions"][0].update(note="\udfff")),
    "a size of 10^30": _first(lambda edit: edit["outputs"][0].update(size=10**30)),
    "a cost of more than any edit costs": _first(lambda edit: edit.update(cost=1e7)),
    "an infinite cost": _first(lambda edit: edit.update(cost=1e400)),
    "an infinite parameter": _first(lambda edit: edit["parameters"].update(strength=1e400)),
    "a POST twice": _first(lambda edit: edit.update(posts=edit["posts"] * 2)),
    "a rating of an output that is not there": _first(
        lambda edit: edit.update(ratings=[{"position": 5, "rating": "starred"}])
    ),
    "a rating that is none": _first(lambda edit: edit.update(ratings=[{"position": 0, "rating": "loved"}])),
    "one edit twice": lambda content: content["edits"].append(content["edits"][0] | {"id": 99}),
    "a schema under another hash": lambda content: content["schemas"].update({"0" * 64: SCHEMA}),
    "a schema that is a list": lambda content: content["schemas"].update({"0" * 64: []}),
    "a large schema": lambda content: content["schemas"].update({"0" * 64: {"title": "x" * 300_000}}),
    "a schema that is missing": lambda content: content["schemas"].clear(),
    "no edits": lambda content: content.pop("edits"),
    "edits that are none": lambda content: content.update(edits={}),
    "an edit that is a number": lambda content: content["edits"].insert(0, 7),
    "no version": lambda content: content.pop("version"),
    "a version with a point": lambda content: content.update(version=1.5),
    "another format": lambda content: content.update(format="diary"),
    "a state under way": _first(lambda edit: edit.update(state="queued")),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_no_store_wrote_is_refused(bundle: Path, tmp_path: Path, name: str) -> None:
    """Every name, number, text and reference is checked before anything is taken."""
    content = records(bundle)
    HOSTILE[name](content)
    evil = rewritten(bundle, json.dumps(content).replace("Infinity", "1e400"))
    with Store.open(tmp_path / "victim") as victim:
        with pytest.raises(BundleError):
            merge(victim, evil)
        assert victim.count() == 0


@pytest.mark.nightly
@pytest.mark.parametrize(
    "text",
    [
        '{"format":"nbbanana-bundle","version":2,"edits":[' + "[]," * 1_000_000 + "[]]}",
        '{"edits":[{"tags":[' + '"",' * 1_000_000 + '""]}],"format":"nbbanana-bundle","version":2}',
        '{"format":"nbbanana-bundle","version":2,"extra":{"a":[' + "{}," * 1_000_000 + '{}]},"edits":[]}',
        "[" * 11_000_000,
    ],
    ids=["many lists", "one long record", "a long extra", "deep"],
)
@pytest.mark.parametrize("ratio", [100, 10_000], ids=["by the ratio", "by its parts"])
def test_a_bundle_that_unpacks_hugely_is_refused_cheaply(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, ratio: int
) -> None:
    """A file of some kilobytes takes neither memory nor time, also where what it unpacks to were not bounded."""
    monkeypatch.setattr("nbbanana.store.bundles.MOST_RATIO", ratio)
    monkeypatch.setattr("nbbanana.store.bundles.FREE", 1 << 20)
    evil = rewritten(bundle, text)
    assert evil.stat().st_size < 175_000
    tracemalloc.start()
    begun = time.perf_counter()
    with pytest.raises(BundleError), read(evil):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < (8 << 20 if ratio == 100 else 96 << 20)
    assert time.perf_counter() - begun < 60


def test_a_picture_that_unpacks_hugely_is_refused(bundle: Path, tmp_path: Path) -> None:
    """Nothing is written to the disk of it."""
    name = "0" * 64
    with zipfile.ZipFile(bundle, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"blobs/00/{name}", b"\0" * (40 << 20))
    with Store.open(tmp_path / "victim") as victim:
        with pytest.raises(BundleError, match="far more than it holds"):
            merge(victim, bundle)
        assert list(victim.incoming.iterdir()) == []


@pytest.mark.nightly
def test_many_edits_are_read_one_by_one(store: Store, tmp_path: Path) -> None:
    """A hundred edits, from a few to forty thousand characters, are read as they were written."""
    edits = [complete(store, asked(f"neon {number} " + "x" * (number * 400))) for number in range(100)]
    with read(write(store, edits, tmp_path / "many.zip")) as opened:
        assert [(edit.id, edit.prompt) for edit in opened.edits] == [(edit.id, edit.prompt) for edit in edits]
