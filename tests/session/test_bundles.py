"""Bundles: a notebook's edits in one file, read anywhere, and never trusted."""

from __future__ import annotations

import json
import pickle
import zipfile

import pytest

import nbbanana as nb
from nbbanana import errors

SNOW = "Keep the subject unchanged. Make it snow."


@pytest.fixture(scope="module")
def study(tmp_path_factory, photo):
    """A bundle with an edit, an edit of its output, and an unseeded edit asked twice; and what was used."""
    folder = tmp_path_factory.mktemp("study")
    copy = folder / "portrait.jpg"
    copy.write_bytes(photo("portrait").read_bytes())
    with nb.Session(provider="sandbox", store=folder / "store") as session:
        session.edit("Not part of it.", photo("coffee"), seed=1, resolution="0.5K")
        session.used.clear()
        first = session.edit(SNOW, copy, seed=7, resolution="0.5K")
        second = first[0].edit("Turn day into night.", seed=7, resolution="0.5K")
        third = session.edit("Make it rain.", copy, resolution="0.5K")
        fourth = session.edit("Make it rain.", copy, resolution="0.5K")
        copy.unlink()
        path = session.history.export(folder / "study.zip")
        yield path, [first, second, third, fourth]


def entries(path):
    """The content of a bundle by name."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def repacked(path, target, content):
    """A bundle with other content."""
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return target


def test_only_a_bundle_of_edits_that_are_here_is_replaced_unasked(session, photo, tmp_path):
    """A notebook that ends with an export runs again; another's bundle and any other file stay."""
    first = session.edit("Make it snow.", photo("coffee"), seed=1, resolution="0.5K")
    second = session.edit("Make it rain.", photo("coffee"), seed=1, resolution="0.5K")
    study = session.history.export(tmp_path / "study.zip")
    assert session.history.export(study, first) == study, "its other edit is still in the store"
    assert [result.prompt for result in nb.History.open(study)] == ["Make it snow."]
    with nb.Session(provider="sandbox", store=tmp_path / "other") as other:
        other.edit("Make it night.", photo("coffee"), seed=1, resolution="0.5K")
        for name, there in (("study.zip", study.read_bytes()), ("notes.txt", b"mine"), ("half.zip", b"PK")):
            (tmp_path / name).write_bytes(there)
            with pytest.raises(errors.UsageError, match=f"{name} is there already") as caught:
                other.history.export(tmp_path / name)
            assert caught.value.lines[2] == "Use overwrite=True, or another name."
            assert (tmp_path / name).read_bytes() == there
        assert len(nb.History.open(other.history.export(study, overwrite=True))) == 1
        other.history.merge(session.history.export(tmp_path / "both.zip", [first, second]))
        assert other.history.export(tmp_path / "both.zip", 1), "all of it is here now"


def test_a_reader_replays_without_the_inputs_the_key_or_the_network(study):
    """From the bundle alone the same asks give the same bytes, in their order, and nothing is sent."""
    path, made = study
    reader = nb.Session(store=path)
    assert reader.mode == "replay"
    first = reader.edit(SNOW, "portrait.jpg", seed=7, resolution="0.5K")
    second = first[0].edit("Turn day into night.", seed=7, resolution="0.5K")
    rain = [reader.edit("Make it rain.", "portrait.jpg", resolution="0.5K") for _ in range(2)]
    assert [r[0].bytes for r in (first, second, *rain)] == [r[0].bytes for r in made]
    assert second.record.parents == (first.id,)
    assert [r.id for r in (first, second, *rain)] == [r.id for r in made], "a notebook names edits by number"
    with pytest.raises(errors.NotInStoreError):
        reader.edit("Something else.", "portrait.jpg", seed=7)
    with pytest.raises(errors.ConfigError, match="only read"):
        reader.edit("Something else.", "portrait.jpg", seed=7, mode="fresh")
    reader.close()


def test_only_what_the_notebook_used_is_in_it_in_its_order(study):
    """Other edits of the store stay at home."""
    path, made = study
    records = json.loads(entries(path)["edits.json"])["edits"]
    assert [record["uid"] for record in records] == [result.record.uid for result in made]


def test_no_address_path_or_place_is_in_it(study, tmp_path):
    """No URL, no absolute path, no request id and no EXIF leave the store."""
    path, made = study
    text = json.dumps(json.loads(entries(path)["edits.json"]) | {"schemas": {}})  # a schema may name its own standard
    for private in ("http", str(tmp_path), made[0].record.request_id, "notebook"):
        assert private not in text


def test_merging_takes_in_what_is_new_and_doubles_nothing(study, tmp_path):
    """A merge adds each edit once, with bytes, digests and lineage equal."""
    path, made = study
    with nb.Session(store=tmp_path / "other", provider="sandbox") as other:
        assert other.history.merge(path) == len(made)
        assert other.history.merge(path) == 0
        taken = list(other.history)
        assert [r.record.digest for r in taken] == [r.record.digest for r in made]
        assert taken[1].record.parents == (taken[0].id,)
        assert other.store.verify().ok


def test_a_crate_says_what_was_made_from_what(study):
    """The RO-Crate has an action for each edit and a file for each picture."""
    path, made = study
    content = entries(path)
    graph = {entity["@id"]: entity for entity in json.loads(content["ro-crate-metadata.json"])["@graph"]}
    actions = [entity for entity in graph.values() if entity["@type"] == "CreateAction"]
    assert len(actions) == len(made)
    for action in actions:
        for file in (*action["object"], *action["result"]):
            assert file["@id"] in content
            assert graph[file["@id"]]["@type"] == "File"


def tampered(content, change):
    """The content with its records changed."""
    records = json.loads(content["edits.json"])
    change(records)
    return {**content, "edits.json": json.dumps(records).encode()}


HOSTILE = {
    "a path out": lambda c: {**c, "../../evil": b"x"},
    "an absolute path": lambda c: {**c, "/etc/passwd": b"x"},
    "a path out among the blobs": lambda c: {**c, "blobs/ab/../../../evil": b"x"},
    "a strange entry": lambda c: {**c, "run.py": b"print('hi')"},
    "no records": lambda c: {k: v for k, v in c.items() if k != "edits.json"},
    "garbage records": lambda c: {**c, "edits.json": b"\xff\xfe{"},
    "NaN": lambda c: {**c, "edits.json": c["edits.json"].replace(b'"cost":', b'"cost":NaN,"was":', 1)},
    "deep nesting": lambda c: {**c, "edits.json": b"[" * 100_000},
    "another prompt": lambda c: tampered(c, lambda r: r["edits"][0]["parameters"].update(prompt="Something else.")),
    "another seed": lambda c: tampered(c, lambda r: r["edits"][0].update(seed=8)),
    "a wrong digest": lambda c: tampered(c, lambda r: r["edits"][0].update(digest="0" * 64)),
    "another input": lambda c: tampered(c, lambda r: r["edits"][0]["inputs"][0].update(identity="sha256:" + "0" * 64)),
    "an unknown field": lambda c: tampered(c, lambda r: r["edits"][0].update(url="https://evil.example")),
    "a path as a hash": lambda c: tampered(c, lambda r: r["edits"][0]["outputs"][0].update(sha256="../" * 22)),
    "a state under way": lambda c: tampered(c, lambda r: r["edits"][0].update(state="queued")),
    "a missing picture": lambda c: {k: v for k, v in c.items() if not k.startswith("blobs/")},
    "changed pictures": lambda c: {k: (v + b"x" if k.startswith("blobs/") else v) for k, v in c.items()},
    "a picture in a wrong place": lambda c: {**c, "blobs/zz/" + "0" * 64: b"x"},
    "two with one number": lambda c: tampered(c, lambda r: r["edits"][1].update(id=r["edits"][0]["id"])),
    "no number": lambda c: tampered(c, lambda r: r["edits"][1].pop("id")),
    "a huge number": lambda c: tampered(c, lambda r: r["edits"][0].update(seed=10**40)),
    "a negative cost": lambda c: tampered(c, lambda r: r["edits"][0].update(cost=-1)),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_bundle_is_refused_and_leaves_no_trace(study, tmp_path, case):
    """Whatever was done to a bundle, it is refused with a typed error, and nothing of it is taken or evaluated."""
    path, _ = study
    content = entries(path)
    content = HOSTILE[case](content)
    evil = repacked(path, tmp_path / "evil.zip", content)
    with nb.Session(store=tmp_path / "victim", provider="sandbox") as victim, pytest.raises(errors.BundleError):
        victim.history.merge(evil)
    with nb.Session(store=tmp_path / "victim", provider="sandbox") as victim:
        assert len(victim.history) == 0
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not really", b"hello"])
def test_what_is_no_zip_file_is_no_bundle(tmp_path, content):
    """A file that is no bundle says so."""
    (tmp_path / "no.zip").write_bytes(content)
    with pytest.raises(errors.BundleError):
        len(nb.History.open(tmp_path / "no.zip"))


def test_a_truncated_bundle_is_refused(study, tmp_path):
    """Half a download is no bundle."""
    path, _ = study
    (tmp_path / "half.zip").write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(errors.BundleError):
        len(nb.History.open(tmp_path / "half.zip"))


def test_what_was_opened_to_be_read_changes_nothing(study):
    """A folder, a bundle and a pickled result: each picture is there, and a star is refused."""
    path, made = study
    store = made[0].library.store.folder
    before = made[0].record
    opened = [
        nb.History.open(store)[made[0].id],
        nb.History.open(path)[made[0].id],
        pickle.loads(pickle.dumps(made[0])),
    ]
    for result in opened:
        assert result[0].bytes == made[0][0].bytes
        with pytest.raises(errors.StoreError, match="for reading only"):
            result[0].star()
        assert result.library.store.read_only
    assert made[0].library.store.get(made[0].id) == before
