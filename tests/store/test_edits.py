"""An edit is written down before it is sent, goes forward only, and comes back as it was."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from support.stores import MODEL, Clock, asked, complete, output, picture, sha256

from nbbanana import __version__
from nbbanana.errors import NotInStoreError, StoreError
from nbbanana.request import canonical_json
from nbbanana.store import InputRecord, Store, Transition


def test_what_is_begun_is_prepared_and_dated(store: Store, clock: Clock) -> None:
    """`begin` gives a row in the state `prepared`, with its time, its package version and a name of its own."""
    first, second = store.begin(asked()), store.begin(asked())
    assert (first.id, second.id) == (1, 2)
    assert first.uid != second.uid
    assert first.state == "prepared"
    assert first.created_at == clock.now
    assert first.package_version == __version__
    assert first.transitions == (Transition("prepared", clock.now),)


def test_what_was_asked_comes_back_as_it_was(store: Store) -> None:
    """Every field of a new edit is read back equal, in another opening of the store too."""
    new = asked(
        "把背景换成霓虹街道 $5 'quoted' \\ \x00 ; --",
        picture(),
        InputRecord("photo", "url:https://example.com/a.png", url="https://example.com/a.png"),
        seed=2**63 - 1,
        parameters={"prompt": "p", "seed": 3, "list": [1, 2.5, None, True], "nested": {"ü": "\u202e"}},
        price_quoted=0.134,
        notebook="study.ipynb",
        cell="a1b2",
        kernel="k1",
        execution=4,
        ordinal=0,
        provider_model="theirs/edit",
        model_named=False,
        handle="h-1",
    )
    schema = {"type": "object", "properties": {"prompt": {"type": "string"}}}
    edit = store.begin(new, schema=schema)
    with Store.open(store.folder) as again:
        assert again.get(edit.id) == edit == again.find(edit.uid)
        assert again.schema(edit.schema_hash or "") == schema
    added = {"id", "uid", "created_at", "package_version", "transitions", "schema_hash"}
    given = {name: value for name, value in asdict(new).items() if name not in added}
    assert {name: value for name, value in asdict(edit).items() if name not in added} == given
    assert edit.schema_hash == sha256(canonical_json(schema))


def test_a_schema_is_kept_once_whether_or_not_its_hash_is_told(store: Store) -> None:
    """The hash that comes with a request is looked for, and is no reason to leave the schema out."""
    schema = {"type": "object", "properties": {"prompt": {"type": "string"}}}
    told = sha256(canonical_json(schema))
    edits = [store.begin(asked("p", picture(), schema_hash=known), schema=schema) for known in (told, told, None)]
    assert {edit.schema_hash for edit in edits} == {told}
    assert store.schema(told) == schema


@pytest.mark.parametrize("text", ["lone \ud800 half", "\udcff.jpg", "zero \x00 byte", "\u202e\u200f", ""])
def test_text_that_is_no_unicode_does_not_stop_an_edit(store: Store, text: str) -> None:
    """A file name of undecodable bytes or half a surrogate pair is kept; the prompt's parameters come back equal."""
    edit = store.begin(replace(asked("x", picture(text)), parameters={"prompt": text}, notebook=text, cell=text))
    moved = store.move(edit.id, "rejected", note=text, error=text)
    assert moved.parameters == {"prompt": text}
    assert moved.inputs[0].name == text.encode("utf-8", "backslashreplace").decode()


def test_parameters_are_kept_as_canonical_json(store: Store) -> None:
    """The column holds the one spelling that digests are made of."""
    store.begin(asked(parameters={"prompt": "ü", "b": 1, "a": 2.0}))
    with sqlite3.connect(store.folder / "edits.sqlite") as connection:
        (column,) = connection.execute("SELECT parameters FROM edits").fetchone()
    connection.close()
    assert column == '{"a":2.0,"b":1,"prompt":"ü"}'
    assert json.loads(column)["a"] == 2.0


def test_a_seed_that_no_column_can_hold_is_refused(store: Store) -> None:
    """A seed of more than 64 bits names the field and what is allowed, and leaves no row."""
    with pytest.raises(StoreError, match=r"seed cannot be 9223372036854775808.\n.*2\^63"):
        store.begin(asked(seed=2**63))
    assert store.count() == 0


def test_every_step_is_written_down_with_its_time(store: Store, clock: Clock) -> None:
    """Acceptance, start, the service's end and ours each have their time; the note of a step is kept."""
    edit = store.begin(asked())
    times = [clock.now]
    for state, facts in [
        ("submitting", {}),
        ("queued", {"request_id": "r-1", "note": "third in line"}),
        ("running", {}),
        ("downloading", {}),
        ("completed", {"cost": 0.07}),
    ]:
        times.append(clock.tick())
        edit = store.move(edit.id, state, **facts)
    assert [step.state for step in edit.transitions] == [
        *("prepared", "submitting", "queued", "running", "downloading", "completed")
    ]
    assert [step.at for step in edit.transitions] == times
    assert edit.transitions[2].note == "third in line"
    assert (edit.accepted_at, edit.started_at, edit.done_at, edit.finished_at) == tuple(times[2:])
    assert (edit.request_id, edit.cost, edit.is_terminal, edit.duration) == ("r-1", 0.07, True, 2.0)


def test_a_state_that_lasts_may_be_entered_again(store: Store) -> None:
    """A 429 sends once more: `submitting` is noted again; so is a queue that goes on."""
    edit = store.begin(asked())
    store.move(edit.id, "submitting")
    store.move(edit.id, "submitting", note="429, sent again")
    store.move(edit.id, "queued", request_id="r")
    edit = store.move(edit.id, "queued", note="a word that is new to us")
    assert [step.state for step in edit.transitions] == [*("prepared", "submitting", "submitting", "queued", "queued")]


@pytest.mark.parametrize("end", ["completed", "failed", "rejected", "cancelled", "gone"])
def test_what_ended_stays_ended(store: Store, end: str) -> None:
    """No step leads out of a final state, and a refused step leaves no trace."""
    edit = store.begin(asked())
    store.move(edit.id, "submitting")
    if end in {"completed", "failed", "gone"}:
        store.move(edit.id, "queued", request_id="r")
    edit = store.move(edit.id, end)  # type: ignore[arg-type]
    for state in ("prepared", "submitting", "queued", "running", "downloading", "completed", "failed", "unknown"):
        with pytest.raises(StoreError, match="is final") as caught:
            store.move(edit.id, state, request_id="r", cost=9.0)  # type: ignore[arg-type]
        assert caught.value.edit_id == edit.id
    assert store.get(edit.id) == edit


def test_nothing_is_accepted_without_a_request_id(store: Store) -> None:
    """`queued` says that the service took it, so it needs the id by which it can be collected."""
    edit = store.begin(asked())
    store.move(edit.id, "submitting")
    with pytest.raises(StoreError, match="without a request id"):
        store.move(edit.id, "queued")
    assert store.get(edit.id).state == "submitting"


def test_one_edit_is_one_submission(store: Store) -> None:
    """A second request id for the same edit is refused: somebody submitted twice."""
    edit = store.begin(asked())
    store.move(edit.id, "submitting")
    store.move(edit.id, "queued", request_id="r-1")
    with pytest.raises(StoreError, match="one edit is one submission"):
        store.move(edit.id, "running", request_id="r-2")
    assert store.get(edit.id).request_id == "r-1"


def test_an_unknown_edit_goes_on_once_its_request_id_is_found(store: Store) -> None:
    """A person resumes it by id: it is unfinished again, no longer dated as ended, and its error is history."""
    edit = store.begin(asked())
    store.move(edit.id, "submitting")
    edit = store.move(edit.id, "unknown", note="the connection dropped", error="It may have been taken.")
    assert edit.finished_at is not None
    with pytest.raises(StoreError, match="without a request id"):
        store.move(edit.id, "running")
    edit = store.move(edit.id, "running", request_id="r-9")
    assert (edit.state, edit.finished_at, edit.error, edit.request_id) == ("running", None, None, "r-9")
    assert [found.id for found in store.unfinished()] == [edit.id]
    assert [step.note for step in edit.transitions] == [None, None, "the connection dropped", None]


def test_outputs_arrive_one_by_one(store: Store) -> None:
    """Outputs are added by their index, in whatever order; one that comes again takes its own place."""
    edit = store.begin(asked())
    store.move(edit.id, "submitting")
    store.move(edit.id, "queued", request_id="r")
    store.move(edit.id, "downloading", outputs=[output("c", 2)])
    store.move(edit.id, "downloading", outputs=[output("a", 0), output("b", 1)])
    edit = store.move(edit.id, "completed", outputs=[output("b", 1)])
    assert edit.outputs == (output("a", 0), output("b", 1), output("c", 2))
    assert edit == store.get(edit.id)


def test_inputs_can_be_told_more_exactly(store: Store) -> None:
    """Once the upload is prepared, the inputs have a size and a note; search follows their names."""
    edit = store.begin(asked("x", picture("first.jpg")))
    sent = InputRecord("second.jpg", "pixels:0", sha256("sent"), width=10, height=10, note="scaled")
    assert store.move(edit.id, "submitting", inputs=[sent]).inputs == (sent,)
    assert [found.id for found in store.search("second.jpg")] == [edit.id]
    assert store.search("first.jpg") == []


def test_an_output_fed_back_in_names_its_parent(store: Store) -> None:
    """Lineage goes by content, whatever the file is called; several inputs may have one parent."""
    first = complete(store, asked(), "a", "b")
    other = complete(store, asked("Other"), "c")
    child = store.begin(
        asked("x", picture("b.png", "b"), picture("new.png", "new"), picture("c", "c"), picture("a", "a"))
    )
    assert child.parents == (first.id, other.id)
    assert store.children(first.id) == [child.id] == store.children(other.id)
    assert store.children(child.id) == []
    assert store.begin(asked("y", picture())).parents == ()


def test_of_twins_the_newest_is_the_parent(store: Store) -> None:
    """Where several edits made the same bytes, the last one before is taken; an edit is never its own parent."""
    complete(store, asked(), "same")
    second = complete(store, asked(), "same")
    child = complete(store, asked("x", picture("s.png", "same")), "same")
    assert child.parents == (second.id,)
    assert [edit.id for edit in store.by_output(sha256("same"))] == [child.id, second.id, 1]


@pytest.mark.parametrize("edit_id", [0, -1, 7, 2**70, -(2**70)])
def test_an_id_that_is_not_there_is_said_so(store: Store, edit_id: int) -> None:
    """Asking for, moving or marking an edit that does not exist is a NotInStoreError."""
    for call in (
        store.get,
        lambda n: store.move(n, "submitting"),
        store.annotate,
        lambda n: store.claim(n, "a:1:b", 9),
    ):
        with pytest.raises(NotInStoreError, match="There is no edit"):
            call(edit_id)
    assert store.find("nothing") is None


def test_what_people_add_is_kept(store: Store) -> None:
    """Stars, rejections, tags and a note are set one by one, and what is not named stays."""
    edit = store.begin(asked())
    assert (edit.starred, edit.rejected, edit.tags, edit.note) == (False, False, (), None)
    store.annotate(edit.id, starred=True, add_tags=["rain", " two  words ", "rain"])
    store.annotate(edit.id, note="for the cover", rejected=True)
    edit = store.annotate(edit.id, starred=False, remove_tags=["rain", "never there"])
    assert (edit.starred, edit.rejected, edit.tags, edit.note) == (False, True, ("two words",), "for the cover")
    assert store.annotate(edit.id, note="").note is None
    assert store.get(edit.id).state == "prepared"


@pytest.mark.parametrize("tag", ["", "  ", "x" * 101])
def test_what_cannot_be_a_tag_is_refused(store: Store, tag: str) -> None:
    """An empty or endless tag is an error, and nothing of the same call is kept."""
    edit = store.begin(asked())
    with pytest.raises(StoreError, match="cannot be a tag"):
        store.annotate(edit.id, starred=True, add_tags=["fine", tag])
    assert store.get(edit.id) == edit


def test_edits_of_another_store_are_taken_in_once(store: Store, tmp_path: Path) -> None:
    """Everything but the id travels; what is here already is not doubled; parents are found here by content."""
    with Store.open(tmp_path / "other") as other:
        parent = complete(other, asked("Parent"), "p", cost=0.1)
        child = other.annotate(complete(other, asked("Child", picture("p", "p")), "q").id, starred=True, add_tags=["t"])
    complete(store, asked("Already here"), "z")
    assert store.take_in([parent, child]) == 2
    assert store.take_in([parent, child]) == 0
    here = store.find(child.uid)
    assert here is not None
    assert replace(here, id=child.id, parents=child.parents) == replace(child, is_foreign=True)
    assert here.parents == (2,)
    assert store.count() == 3
    assert store.spending("sandbox").total == 0.0
    assert [edit.id for edit in store.search("child")] == [here.id]


def test_a_store_that_is_closed_says_so(store: Store) -> None:
    """After `close` every call is a StoreError, and closing again does nothing."""
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.count()
    assert MODEL not in repr(store)
    assert repr(store) == "<Store 'study'>"
