"""Which of two outputs was preferred is kept by uid, travels without names, and is safe to read from a stranger."""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.stores import Clock, asked, complete, sha256
from support.tiers import scaled

from nbbanana.errors import NotInStoreError, StoreError
from nbbanana.store import Edit, OutputRecord, Store, Vote
from nbbanana.store.bundles import merge, write
from nbbanana.store.provenance import sidecar
from nbbanana.store.serialization import pack, pack_votes, unpack_votes, votes_that_hold

DATA = Path(__file__).parent / "data"
SWEEP = sha256("a sweep")


def made(store: Store, *contents: bytes) -> Edit:
    """A completed edit whose pictures are in the store."""
    edit = store.begin(asked(f"Make it snow, {store.last_id()}."))
    store.move(edit.id, "submitting")
    store.move(edit.id, "queued", request_id=f"request-{edit.id}")
    outputs = [
        OutputRecord(index, store.put(data), "image/png", 8, 8, len(data)) for index, data in enumerate(contents)
    ]
    return store.move(edit.id, "completed", outputs=outputs)


@pytest.fixture
def pair(store: Store) -> tuple[Edit, Edit]:
    """Two edits, the second of two pictures."""
    return made(store, b"one"), made(store, b"two", b"three")


def test_a_vote_is_kept_with_when_by_whom_and_among_which_pictures(
    store: Store, clock: Clock, pair: tuple[Edit, Edit]
) -> None:
    """It is found by the two edits, in whatever sweep it was cast; one whose other picture is not asked for is not."""
    one, two = pair
    three = made(store, b"four")
    clock.tick(5)
    vote = store.vote((one.uid, 0), (two.uid, 1), "second", sweep=SWEEP, rater="  Ada  Lovelace ")
    tie = store.vote((two.uid, 0), (two.uid, 1), "tie", sweep=SWEEP)
    store.vote((three.uid, 0), (one.uid, 0), "first", sweep=sha256("another"))
    assert store.votes_among([one.uid, two.uid]) == [vote, tie]
    assert (vote.at, vote.rater, vote.preferred, vote.share) == (clock.now, "Ada Lovelace", "second", 0.0)
    assert (tie.rater, tie.rater_id, tie.preferred, tie.share) == (None, None, "tie", 0.5)
    assert len(store.votes_among([one.uid, two.uid, three.uid])) == 3
    assert store.votes_among([]) == []
    again = store.vote((one.uid, 0), (two.uid, 0), "first", sweep=SWEEP, rater="Ada Lovelace")
    assert again.rater_id == vote.rater_id
    assert store.verify().ok


def test_a_vote_is_taken_back_by_its_uid(store: Store, pair: tuple[Edit, Edit]) -> None:
    """Once; what is not there is said not to be."""
    one, two = pair
    vote = store.vote((one.uid, 0), (two.uid, 0), "first", sweep=SWEEP)
    assert [store.take_back_vote(vote.uid), store.take_back_vote(vote.uid)] == [True, False]
    assert store.votes_among([one.uid, two.uid]) == []


def test_what_is_no_vote_is_not_written(store: Store, pair: tuple[Edit, Edit]) -> None:
    """A picture with itself, an output or an edit that is not there, another word, a name without end."""
    one, two = pair
    for first, second, preferred, match in [
        ((one.uid, 0), (one.uid, 0), "first", "two outputs"),
        ((one.uid, 1), (two.uid, 0), "first", "no output 1"),
        ((one.uid, -1), (two.uid, 0), "first", "no output -1"),
        ((one.uid, 10**30), (two.uid, 0), "first", "no output"),
        ((one.uid, 0), (two.uid, 0), "third", "is no vote"),
    ]:
        with pytest.raises(StoreError, match=match):
            store.vote(first, second, preferred, sweep=SWEEP)  # type: ignore[arg-type]
    with pytest.raises(NotInStoreError):
        store.vote(("f" * 32, 0), (two.uid, 0), "first", sweep=SWEEP)
    with pytest.raises(StoreError, match="cannot be a rater's name"):
        store.vote((one.uid, 0), (two.uid, 0), "first", sweep=SWEEP, rater="x" * 101)
    assert store.votes_among([one.uid, two.uid]) == []


def test_votes_travel_in_a_bundle_without_names_where_older_readers_pass_over_them(
    store: Store, pair: tuple[Edit, Edit], tmp_path: Path
) -> None:
    """They stand under `extra`; raters are told apart and not named; votes on pictures that stay are left out."""
    one, two = pair
    three = made(store, b"four")
    votes = [
        store.vote((one.uid, 0), (two.uid, 1), "second", sweep=SWEEP, rater="Ada"),
        store.vote((two.uid, 0), (one.uid, 0), "tie", sweep=SWEEP, rater="Bob"),
        store.vote((one.uid, 0), (two.uid, 0), "first", sweep=SWEEP, rater="Ada"),
    ]
    store.vote((one.uid, 0), (three.uid, 0), "first", sweep=SWEEP)
    bundle = write(store, [one, two], tmp_path / "study.zip")
    with zipfile.ZipFile(bundle) as archive:
        text = archive.read("edits.json").decode()
    assert "Ada" not in text
    assert "Bob" not in text
    assert [len(record["extra"].get("votes", ())) for record in json.loads(text)["edits"]] == [2, 1]
    with Store.open(tmp_path / "other") as other:
        assert merge(other, bundle) == 2
        arrived = other.votes_among([one.uid, two.uid])
        assert [vote.rater for vote in arrived] == [None] * 3
        assert {_without_name(vote) for vote in arrived} == {_without_name(vote) for vote in votes}
        assert len({vote.rater_id for vote in arrived}) == 2
        assert merge(other, bundle) == 0
        assert len(other.votes_among([one.uid, two.uid])) == 3
        assert other.verify().ok


def test_what_another_rater_says_of_the_same_pictures_is_merged(
    store: Store, pair: tuple[Edit, Edit], tmp_path: Path
) -> None:
    """The edits are known and no edit is added; their votes come, and one's own stay, with the name."""
    one, two = pair
    own = store.vote((one.uid, 0), (two.uid, 0), "first", sweep=SWEEP, rater="Ada")
    bundle = write(store, store.filter(), tmp_path / "study.zip")
    with Store.open(tmp_path / "colleague") as colleague:
        merge(colleague, bundle)
        said = colleague.vote((one.uid, 0), (two.uid, 0), "second", sweep=SWEEP, rater="Bob")
        back = write(colleague, colleague.filter(), tmp_path / "back.zip")
    assert merge(store, back) == 0
    found = {vote.uid: vote for vote in store.votes_among([one.uid, two.uid])}
    assert set(found) == {own.uid, said.uid}
    assert (found[own.uid].rater, found[said.uid].rater) == ("Ada", None)
    assert merge(store, back) == 0
    assert len(store.votes_among([one.uid, two.uid])) == 2


def test_a_record_beside_or_inside_a_picture_holds_no_votes(store: Store, pair: tuple[Edit, Edit]) -> None:
    """What people say of a picture does not go with its file."""
    one, two = pair
    store.vote((one.uid, 0), (two.uid, 0), "first", sweep=SWEEP, rater="Ada")
    for text in (sidecar(store.get(one.id), 0), json.dumps(pack(store.get(one.id)))):
        assert "votes" not in text
        assert "Ada" not in text


UIDS = st.sampled_from(["a" * 32, "b" * 32, "c" * 32])
OUTPUTS = st.tuples(UIDS, st.integers(0, 2))
VOTES = st.builds(
    Vote,
    st.uuids().map(lambda one: one.hex),
    OUTPUTS,
    OUTPUTS,
    st.sampled_from(["first", "second", "tie"]),
    st.just(SWEEP),
    st.floats(0, 1e11, allow_nan=False),
    rater_id=st.none() | st.uuids().map(lambda one: one.hex),
)


@given(st.lists(VOTES, max_size=6))
def test_votes_say_after_a_journey_what_they_said_before(votes: list[Vote]) -> None:
    """Packed, written as JSON, read and unpacked, each is the same; those on one picture twice are none."""
    outputs = {"a" * 32: {0, 1, 2}, "b" * 32: {0, 1}, "c" * 32: set()}
    arrived: list[Vote] = []
    for uid in outputs:
        own = [vote for vote in votes if vote.first[0] == uid]
        packed = json.loads(json.dumps(pack_votes(own, outputs), allow_nan=False))
        assert unpack_votes(packed, uid) == own
        arrived += unpack_votes(packed, uid)
    held = votes_that_hold(arrived, outputs)
    assert set(held) == {
        vote
        for vote in votes
        if vote.first != vote.second and all(place in outputs[uid] for uid, place in (vote.first, vote.second))
    }


@pytest.mark.nightly
@settings(max_examples=scaled(15))
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from(["first", "second", "tie"])), max_size=8),
    st.integers(0, 2),
)
def test_bundles_of_the_same_votes_merge_to_the_same_in_any_order(cast: list[tuple[int, int, Any]], again: int) -> None:
    """However often and in whatever order, a store that merges holds each vote once."""
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder, "a")) as store:
        edits = [complete(store, asked(f"prompt {number}"), f"output {number}") for number in range(4)]
        for edit in edits:
            for record in edit.outputs:
                store.put(record.sha256.encode())
        votes = {
            store.vote((edits[one].uid, 0), (edits[two].uid, 0), preferred, sweep=SWEEP)
            for one, two, preferred in cast
            if one != two
        }
        with Store.open(Path(folder, "b")) as other:
            for number in range(again + 1):
                edits_then = edits if number % 2 else edits[::-1]
                other.take_in(edits_then, votes=list(votes)[:: 1 if number % 2 else -1])
            assert set(other.votes_among(edit.uid for edit in edits)) == votes


def _without_name(vote: Vote) -> tuple[Any, ...]:
    return (vote.uid, vote.first, vote.second, vote.preferred, vote.sweep, vote.at, vote.rater_id)


def _to(name: str, value: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda vote: vote | {name: value}


HOSTILE: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a vote that is a word": lambda _: "first",
    "a vote that is nothing": lambda _: None,
    "more than there is": _to("note", "<script>"),
    "a preference that is none": _to("preferred", "third"),
    "an uid that is a path": _to("uid", "../../etc/passwd"),
    "an uid with a line's end": _to("uid", "a" * 32 + "\n"),
    "another edit that is not there": _to("other", "f" * 32),
    "an edit that is a number": _to("other", 7),
    "an output that is not there": _to("output", 9),
    "another's output that is not there": _to("other_output", 9),
    "an output that is a yes": _to("output", True),
    "an output of 10^400": _to("output", 10**400),
    "a name in place of a rater": _to("rater", "Ada <b>Lovelace</b>"),
    "a time that is text": _to("at", "now"),
    "a time before all times": _to("at", -1),
    "no digest": _to("sweep", "DROP TABLE votes"),
    "a picture with itself": lambda vote: vote | {"other": vote["self"], "other_output": vote["output"]},
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_votes_are_left_out_and_the_edits_are_taken(
    what: str, store: Store, pair: tuple[Edit, Edit], tmp_path: Path
) -> None:
    """What is not as it should be is as if nobody had voted; nothing else of the bundle is lost."""
    one, two = pair
    store.vote((one.uid, 0), (two.uid, 0), "first", sweep=SWEEP)
    path = write(store, store.filter()[::-1], tmp_path / "study.zip")
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    content = json.loads(entries["edits.json"])
    [vote] = content["edits"][0]["extra"]["votes"]
    changed = HOSTILE[what](vote | {"self": one.uid} if "itself" in what else vote)
    if isinstance(changed, dict):
        changed.pop("self", None)
    content["edits"][0]["extra"]["votes"] = [changed]
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (entries | {"edits.json": json.dumps(content).encode()}).items():
            archive.writestr(name, data)
    with Store.open(tmp_path / "other") as other:
        assert merge(other, path) == 2
        assert other.votes_among([one.uid, two.uid]) == []
        assert other.verify().ok


@pytest.mark.parametrize("votes", ["words", 7, {"0": {}}, [1], [[]], [None], None])
def test_what_is_no_list_of_votes_is_none(votes: Any) -> None:
    """Whatever stands in their place, nothing raises."""
    assert unpack_votes(votes, "a" * 32) == []


def test_more_votes_than_a_person_casts_are_left_out() -> None:
    """A record with more votes than a bundle is written with is not read."""
    one = {"output": 0, "other": "b" * 32, "other_output": 0, "preferred": "first", "sweep": SWEEP, "rater": None}
    packed = [one | {"uid": f"{number:032x}", "at": 0} for number in range(4001)]
    assert unpack_votes(packed, "a" * 32) == []
    assert len(unpack_votes(packed[:4000], "a" * 32)) == 4000


def test_a_stranger_changes_no_vote_that_is_here(store: Store, pair: tuple[Edit, Edit]) -> None:
    """One with the uid of a vote that is here is not taken."""
    one, two = pair
    vote = store.vote((one.uid, 0), (two.uid, 0), "first", sweep=SWEEP)
    store.take_in([], votes=[Vote(vote.uid, vote.first, vote.second, "second", SWEEP, 0.0)])
    assert store.votes_among([one.uid, two.uid]) == [vote]


def test_a_store_of_before_there_were_votes_takes_them(tmp_path: Path) -> None:
    """It is brought up with a backup; opened to be read it takes none."""
    folder = Path(shutil.copytree(DATA / "store4", tmp_path / "old"))
    with Store.open(folder) as store:
        one, two = [edit for edit in store.filter() if edit.outputs][:2]
        vote = store.vote((one.uid, 0), (two.uid, 0), "tie", sweep=SWEEP)
        assert store.votes_among([one.uid, two.uid]) == [vote]
        assert store.verify().ok
    with Store.open(folder, read_only=True) as store, pytest.raises(StoreError):
        store.vote((one.uid, 0), (two.uid, 0), "tie", sweep=SWEEP)
