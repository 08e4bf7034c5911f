"""The history: asked for by word and by fact, compared, traced, and shown as a page."""

from __future__ import annotations

import datetime as dt
import re

import pytest

import nbbanana as nb
from nbbanana import errors
from nbbanana.display import word_diff


@pytest.fixture(scope="module")
def past(tmp_path_factory, photo):
    """A session with a small past: a portrait, two edits of its first output, and a cup of coffee."""
    with nb.Session(provider="sandbox", store=tmp_path_factory.mktemp("past")) as session:
        first = session.edit("Keep the subject. Make it a neon street.", photo("portrait"), seed=7, resolution="0.5K")
        first[0].edit("Keep the subject. Make it a snowy street.", seed=7, resolution="0.5K")
        session.history[2][0].edit("Keep the subject. Make it a snowy street.", seed=8, resolution="0.5K")
        session.edit("把背景换成下雨的霓虹街道", photo("coffee"), seed=9, resolution="0.5K")
        yield session


def test_it_is_asked_by_word_and_by_fact(past):
    """Words find prompts, also Chinese inside a sentence; facts find parameters, inputs and marks."""
    history = past.history
    assert [r.id for r in history.search("neon street")] == [1]
    assert [r.id for r in history.search("霓虹")] == [4]
    assert [r.id for r in history.filter(seed=7)] == [2, 1]
    assert [r.id for r in history.filter(input="grace_hopper.jpg")] == [1]
    assert not history.filter(since=dt.datetime.now(dt.UTC) + dt.timedelta(days=1))
    assert len(history.filter(since="2020-01-01")) == 4
    assert [r.id for r in history.filter(words="snowy street", seed=8)] == [3]
    assert [r.id for r in history.filter(words="street")] == [3, 2, 1]
    assert not history.filter(words="street", seed=9)
    assert not history.filter(until="2020-01-01")
    with pytest.raises(errors.UsageError, match="colour"):
        history.filter(colour="red")
    with pytest.raises(errors.UsageError, match="ISO 8601"):
        history.filter(since="yesterday")


def test_people_mark_what_they_like(past):
    """Stars, rejections, tags and notes are kept and found."""
    past.history[2].annotate(starred=True, add_tags=["cover"], note="the one")
    past.history[3].reject()
    assert [r.id for r in past.history.filter(starred=True)] == [2]
    assert [r.id for r in past.history.filter(tag="cover")] == [2]
    assert [r.id for r in past.history.filter(rejected=True)] == [3]
    assert past.history[2].record.note == "the one"
    shown = past.history.filter(starred=True)._repr_mimebundle_()[0]
    assert "1 of 4 edits: starred" in shown["text/plain"]
    assert "★ starred · cover" in shown["text/plain"]
    assert "the one" in shown["text/plain"]
    assert "✕ rejected" in past.history.filter(rejected=True)._repr_mimebundle_()[0]["text/plain"]
    found = past.history.filter(words="neon", seed=7, states=["completed", "failed"], starred=False)
    heading = found._repr_mimebundle_()[0]["text/plain"].partition("\n")[0]
    assert heading == "1 of 4 edits: not starred, with “neon”, seed 7, completed or failed"


def test_a_diff_says_what_is_unlike(past):
    """Words one by one, parameters with both values, and the outputs side by side."""
    diff = past.history.diff(2, 3)
    assert diff.parameters == {"seed": (7, 8)}
    assert all(kind == "same" for kind, _ in diff.words)
    words = past.history.diff(1, 2).words
    assert ("gone", "neon") in words
    assert ("new", "snowy") in words
    data, _ = past.history.diff(1, 2)._repr_mimebundle_()
    assert "<del" in data["text/html"]
    pictures = re.findall(r'<img [^>]*alt="(\w+)', data["text/html"])
    assert pictures[:3] == ["Before", "After", "Where"], "the two outputs, then where they differ"
    assert "[-neon-]{+snowy+}" in data["text/plain"]
    assert not past.history.diff(1, 1)


def test_a_lineage_is_a_tree(past):
    """Each edit stands under the one whose output it took, and says only what changed."""
    lineage = past.history.lineage(2)
    assert list(lineage) == [1, 2, 3]
    (root,) = lineage.roots
    assert root.children[0].is_current
    assert root.children[0].children[0].said == "the same words"
    data, _ = lineage._repr_mimebundle_()
    assert data["text/html"].count("<img") == 3
    assert "└─ ▸ nbbanana.history[2]" in data["text/plain"]
    assert "   └─ nbbanana.history[3]" in data["text/plain"]


def test_a_page_does_not_flood(past):
    """A list of edits shows itself as one table."""
    data, _ = past.history.search("street")._repr_mimebundle_()
    assert data["text/html"].count("<img") == 3
    assert "“street”" in data["text/plain"]


def test_it_becomes_a_table(past):
    """A row an edit, with its parameters as columns."""
    table = past.history.to_frame()
    assert list(table.index) == [1, 2, 3, 4]
    assert table.loc[1, "resolution"] == "0.5K"
    assert table.loc[2, "parents"] == [1]
    assert str(table["created"].dt.tz) == "UTC"


def test_it_knows_what_it_cost_and_that_it_is_whole(past):
    """Costs by provider; every picture hashed and every digest derived again."""
    assert past.history.total_cost()["sandbox"].known > 0
    assert past.history.verify().ok
    assert not past.history.gc(dry_run=True).blobs


@pytest.mark.parametrize(
    ("left", "right"), [("", ""), ("a b", "a  b"), ("日本語の街", "日本の街"), ("keep it", "keep it\nthen snow")]
)
def test_a_word_diff_holds_both_texts(left, right):
    """What is same and gone is the one text, what is same and new the other."""
    changes = word_diff(left, right)
    assert "".join(text for kind, text in changes if kind != "new") == left
    assert "".join(text for kind, text in changes if kind != "gone") == right


def test_a_search_gives_the_best_of_the_newest_first(session, photo):
    """A tag says more than a prompt, and often more than once; `filter` gives the newest first."""
    once, often, tagged, newest = (
        session.edit(words, photo("portrait"), resolution="0.5K", seed=1)
        for words in ("Add a neon sign.", "Neon, neon, neon.", "Add a plain sign.", "Add a very small neon sign there.")
    )
    tagged.annotate(tags="neon")
    found = session.history.search("neon", model=once.model)
    assert [result.id for result in found] == [tagged.id, often.id, once.id, newest.id]
    assert [result.id for result in session.history.filter(words="neon")] == [4, 3, 2, 1]
    assert len(session.history.filter(model="nano-banana-2")) == 4, "by its short name too"
    assert "“neon”" in found._repr_mimebundle_()[0]["text/plain"]
