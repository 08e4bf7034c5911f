"""Stars and rejections have one home: ratings by output or of the whole edit; lists, filters and marks read them."""

from __future__ import annotations

import pytest
from support.stores import asked, complete

from nbbanana.errors import NotInStoreError, StoreError
from nbbanana.store import WHOLE, Edit, Store


@pytest.fixture
def four(store: Store) -> Edit:
    """An edit with four outputs."""
    return complete(store, asked("neon"), "a", "b", "c", "d")


def test_one_output_is_rated_by_its_index(store: Store, four: Edit) -> None:
    """A star on one output stars the edit; a rejection of one does not reject it."""
    store.rate(four.id, 1, "starred")
    edit = store.rate(four.id, 0, "rejected")
    assert dict(edit.ratings) == {0: "rejected", 1: "starred"}
    assert (edit.starred, edit.rejected) == (True, False)
    assert store.filter(starred=True) == [edit]
    assert store.filter(rejected=True) == []
    edit = store.rate(four.id, 0, "starred")
    assert dict(edit.ratings) == {0: "starred", 1: "starred"}


def test_an_edit_is_rejected_once_all_its_outputs_are(store: Store, four: Edit) -> None:
    """Attribute and filter agree, with every output rated by itself and with the whole edit rated."""
    other = complete(store, asked("snow"), "e")
    for index in range(4):
        assert store.filter(rejected=True) == []
        edit = store.rate(four.id, index, "rejected")
    assert edit.rejected
    assert [one.id for one in store.filter(rejected=True)] == [four.id]
    assert [one.id for one in store.filter(rejected=False)] == [other.id]
    store.rate(four.id, 2, None)
    assert store.filter(rejected=True) == []
    assert [one.id for one in store.filter(rejected=False)] == [other.id, four.id]
    store.rate(other.id, WHOLE, "rejected")
    assert [one.id for one in store.filter(rejected=True)] == [other.id]


def test_a_mark_that_is_taken_back_is_gone(store: Store, four: Edit) -> None:
    """`annotate(starred=False)` takes the stars of the outputs too, and leaves rejections."""
    store.rate(four.id, 1, "starred")
    store.rate(four.id, 2, "rejected")
    edit = store.annotate(four.id, starred=False)
    assert dict(edit.ratings) == {2: "rejected"}
    assert not edit.starred
    assert store.filter(starred=True) == []
    edit = store.annotate(four.id, rejected=True)
    assert (edit.starred, edit.rejected) == (False, True)
    assert dict(store.annotate(four.id, rejected=False).ratings) == {}


def test_the_rating_of_a_whole_edit_holds_for_each_output_until_one_differs(store: Store, four: Edit) -> None:
    """Taking the star from one output of a starred edit leaves it on the others."""
    store.annotate(four.id, starred=True)
    edit = store.rate(four.id, 1, None)
    assert dict(edit.ratings) == {0: "starred", 2: "starred", 3: "starred"}
    assert dict(store.annotate(four.id, starred=True).ratings)[WHOLE] == "starred"


def test_what_cannot_be_rated_is_refused(store: Store, four: Edit) -> None:
    """An output that is not there, a rating that is none, an edit that is not there: typed, and nothing is written."""
    with pytest.raises(StoreError, match="no output 4"):
        store.rate(four.id, 4, "starred")
    with pytest.raises(StoreError, match="'loved' is not a rating"):
        store.rate(four.id, 0, "loved")  # type: ignore[arg-type]
    with pytest.raises(NotInStoreError):
        store.rate(99, 0, "starred")
    assert store.get(four.id) == four


def test_one_text_is_one_tag_and_one_state(store: Store, four: Edit) -> None:
    """A text is never taken apart into its letters."""
    edit = store.annotate(four.id, add_tags="portrait")
    assert edit.tags == ("portrait",)
    assert store.filter(states="completed") == store.filter(state="completed") == [edit]
    assert store.filter(state=["failed", "completed"]) == [edit]
    assert store.by_ask(four.ask, "sandbox", states="completed") == [edit]
    assert store.annotate(four.id, remove_tags="portrait").tags == ()


def test_a_search_with_facts_asks_the_database(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The starred edit is found however many better matches there are, also beyond those that are ranked."""
    monkeypatch.setattr("nbbanana.store.search.NEWEST", 20)
    first = complete(store, asked("A long prompt in which neon is one word of very many others."), "a")
    second = complete(store, asked("neon", provider="runcomfy"), "b")
    for number in range(40):
        complete(store, asked("neon neon neon"), f"c{number}")
    store.annotate(first.id, starred=True)
    assert [edit.id for edit in store.search("neon", limit=5, starred=True)] == [first.id]
    assert [edit.id for edit in store.filter(words="neon", starred=True)] == [first.id]
    assert [edit.id for edit in store.search("neo", provider="runcomfy")] == [second.id]
    page = store.filter(words="neon", limit=30)
    assert [edit.id for edit in store.filter(words="neon", before_id=page[-1].id, limit=1)] == [page[-1].id - 1]


def test_what_cannot_be_asked_for_is_a_type_error(store: Store) -> None:
    """A misspelt fact is never silently left out."""
    for call in (store.filter, store.matching, lambda **wanted: store.search("neon", **wanted)):
        with pytest.raises(TypeError, match="colour"):
            call(colour="red")
