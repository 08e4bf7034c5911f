"""Words find edits, in any script, and whatever is typed is only ever words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.stores import asked, complete, picture

from nbbanana.store import Store
from nbbanana.store.search import NEWEST, query, spell

PROMPTS = {
    1: "Convert the background into a rainy neon cyberpunk street.",
    2: "把背景换成下雨的霓虹街道，保持人物不变。",
    3: "背景を雨の夜の渋谷にしてください。ネオンサインを足す。",
    4: "배경을 비 오는 네온 거리로 바꿔 주세요.",
    5: "Café crème at the Ärmelkanal, Straße №5; naïve façade",
    6: "เปลี่ยนพื้นหลังเป็นถนนนีออน",
    7: "Add a 🎨 palette and 🤖 robot beside the 𠮷野家 sign.",
    8: "Ｆｕｌｌ－ｗｉｄｔｈ ＮＥＯＮ ｶﾀｶﾅ",
    9: 'it\'s 100% "quoted" -- NOT (a AND b) OR c* ^d:e {f} + g',
}


@pytest.fixture
def library(store: Store) -> Store:
    """A store with prompts in many scripts."""
    for prompt in PROMPTS.values():
        store.begin(asked(prompt))
    return store


def found(store: Store, words: str) -> set[int]:
    """The ids that a search gives."""
    return {edit.id for edit in store.search(words)}


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ("neon", {1, 8}),
        ("NEON Street", {1}),
        ("street neon", {1}),
        ("cyberp", {1}),
        ("yberpunk", set()),
        ("rainy desert", set()),
        ("霓虹", {2}),
        ("霓虹街", {2}),
        ("虹霓", set()),
        ("霓虹 人物", {2}),
        ("背景", {2, 3}),
        ("渋谷", {3}),
        ("ネオン", {3}),
        ("してください", {3}),
        ("네온", {4}),
        ("네온 거리", {4}),
        ("거", {4}),
        ("cafe creme", {5}),
        ("CAFÉ", {5}),
        ("strasse", {5}),
        ("façade", {5}),
        ("นีออน", {6}),
        ("🎨", {7}),
        ("🤖 robot", {7}),
        ("𠮷野家", {7}),
        ("野家", {7}),
        ("full-width", {8}),
        ("カタカナ", {8}),
        ("quoted", {9}),
        ("100%", {9}),
        ("d:e", {9}),
    ],
)
def test_words_are_found_in_every_script(library: Store, words: str, ids: set[int]) -> None:
    """Case, accents and width aside: whole words and the beginning of the last; Han and Kana inside sentences."""
    assert found(library, words) == ids


@pytest.mark.parametrize("words", ["", "   ", "!?…", '"', "\x00", "\ud800", "*", "----", "()"])
def test_what_holds_no_word_finds_nothing(library: Store, words: str) -> None:
    """Punctuation alone is no question, and no error."""
    assert found(library, words) == set()


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ('"neon', {1, 8}),
        ("neon AND street", set()),  # "and" is a word, and not in the prompt
        ("neon OR desert", set()),
        ("NOT neon", set()),
        ("NEAR(neon street)", set()),
        ("prompt:neon", set()),
        ("neon*", {1, 8}),
        ("^convert", {1}),
        ("{prompt names}: neon", set()),
        ("neon'); DROP TABLE edits; --", set()),
        ("NOT (a AND b) OR c", {9}),
        ("neon " * 5000, {1, 8}),
        ("街" * 5000, set()),
        ("(" * 5000 + "neon", set()),  # the word lies beyond what is read
    ],
)
def test_nothing_a_user_types_is_a_command(library: Store, words: str, ids: set[int]) -> None:
    """Operators, columns, brackets and quotes of FTS5 and of SQL are words or nothing."""
    assert found(library, words) == ids


@given(st.text(max_size=60))
def test_spelling_is_the_same_the_second_time(text: str) -> None:
    """What was spelled stays as it is: the index and the query agree."""
    assert spell(spell(text)) == spell(text)


@given(st.text(max_size=60))
def test_a_query_holds_only_quoted_words(text: str) -> None:
    """Between its quotes there is nothing that FTS5 could read as an operator."""
    outside = query(text).split('"')[::2]
    assert {part.strip() for part in outside} <= {"", "*"}


def test_any_text_finds_the_prompt_that_it_is(store: Store) -> None:
    """Whatever is asked, searching for it finds it, as long as it holds a word."""

    @given(st.text(min_size=1, max_size=40))
    def law(text: str) -> None:
        edit = store.begin(asked(text))
        assert not spell(text) or edit.id in found(store, text)

    law()


def test_tags_notes_and_names_are_found(store: Store) -> None:
    """What people added is found once it is there, and no more once it is gone."""
    edit = store.begin(asked("x", picture("Grace Hopper.jpg")))
    assert found(store, "hopper") == {edit.id}
    store.annotate(edit.id, add_tags=["封面"], note="For the autumn cover")
    assert found(store, "封面") == found(store, "autumn") == found(store, "hopper 封 cover") == {edit.id}
    store.annotate(edit.id, remove_tags=["封面"], note="")
    assert found(store, "封面") == found(store, "autumn") == set()
    assert found(store, "hopper") == {edit.id}


def test_the_best_match_comes_first(store: Store) -> None:
    """A tag says more than a prompt, often more than once, short more than long; among equals the newest is first."""
    long = store.begin(asked("neon " + "and much else besides " * 30)).id
    once, again = (store.begin(asked("a neon sign")).id for _ in range(2))
    often = store.begin(asked("neon neon neon")).id
    tagged = store.begin(asked("a plain sign")).id
    store.annotate(tagged, add_tags=["neon"])
    assert [edit.id for edit in store.search("neon")] == [tagged, often, again, once, long]
    assert [edit.id for edit in store.search("neon", limit=2)] == [tagged, often]


def test_only_the_newest_matches_are_ranked(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many match, the work is bounded: beyond the newest, older ones are found by more words."""
    assert NEWEST == 5000
    monkeypatch.setattr("nbbanana.store.search.NEWEST", 3)
    old = complete(store, asked("common neon neon neon rare")).id
    for _ in range(3):
        store.begin(asked("common neon"))
    assert found(store, "neon") == {2, 3, 4}
    assert found(store, "neon rare") == {old}
