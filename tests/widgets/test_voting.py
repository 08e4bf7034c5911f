"""Two pictures, and which is better: by keys alone, blind, in the order that tells most, and safe whatever they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from support.axe import violations
from support.form_pages import opened, spills
from support.lab import Browser
from support.outputs import payloads
from support.tiers import in_every_view
from support.waiting import until

import nbbanana as nb
from nbbanana.errors import StoreError
from nbbanana.sweeps import Sweep
from nbbanana.widgets.base import ui_thread
from nbbanana.widgets.voting import Voting

COLOURS = ["red", "blue", "green"]
SEEN = "[...document.querySelectorAll('.vt-picture')].every(one => one.naturalWidth > 0)"
TAGS = "[...new Set([...document.querySelectorAll('.nbb *')].map((one) => one.tagName))].sort()"
ACTS = """[...document.querySelectorAll('.nbb *')]
  .flatMap((one) => one.getAttributeNames())
  .filter((one) => one.startsWith("on"))"""
SHOWN = "() => [...document.querySelectorAll('.vt-picture')].map(one => one.dataset.key)"


@pytest.fixture
def sweep(session: nb.Session, photo: Callable[[str], Path]) -> Sweep:
    """Six pictures of three colours and two seeds."""
    same: dict[str, Any] = {"seed": range(2), "resolution": "0.5K", "session": session}
    return nb.sweep("Paint the wall {{colour}}.", photo("coffee"), colour=COLOURS, **same).run()


@pytest.fixture
def form(sweep: Sweep) -> Iterator[Voting]:
    """A vote on them."""
    form = sweep.vote("Ada")
    yield form
    form.close()


@pytest.fixture
def page(browser: Browser, form: Voting) -> Iterator[Page]:
    """The form in a page, with both of its pictures."""
    with opened(browser, form) as page:
        page.wait_for_function(SEEN)
        yield page


def press(page: Page, key: str, votes: int) -> None:
    """Press a key that leads to so many votes, and wait for the next two pictures."""
    page.keyboard.press(key)
    words = f"{votes} vote{'' if votes == 1 else 's'}."
    expect(page.locator(".vt-progress")).to_contain_text(words)
    page.wait_for_function(SEEN)


def names(form: Voting) -> list[str]:
    """What the two pictures are called in the form."""
    return [form._names[one.output] for one in form.pair]


@pytest.mark.browser
def test_a_vote_is_one_key_and_the_keyboard_alone_is_enough(page: Page, form: Voting, sweep: Sweep) -> None:
    """Left, right, no difference by two keys, undo; the record has who, which and when."""
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator(".vt-pair")).to_be_focused()
    pairs = []
    for votes, (key, preferred) in enumerate(
        [("ArrowLeft", "first"), ("ArrowRight", "second"), ("ArrowUp", "tie"), (" ", "tie")], start=1
    ):
        pairs.append([one.output for one in form.pair])
        press(page, key, votes)
        vote = sweep.ranking.votes[-1]
        assert ([vote.first, vote.second], vote.preferred, vote.rater) == (pairs[-1], preferred, "Ada")
    press(page, "u", 3)
    press(page, "u", 2)
    assert [one.output for one in form.pair] == pairs[2]
    assert page.evaluate(SHOWN) == names(form)
    assert [vote.preferred for vote in sweep.ranking.votes] == ["first", "second"]
    press(page, "ArrowLeft", 3)
    assert sweep.ranking.votes[-1].first == pairs[2][0]


@pytest.mark.nightly
@pytest.mark.browser
def test_a_click_on_a_picture_or_a_button_votes_too(page: Page, sweep: Sweep) -> None:
    """The picture that is better, or the button under it."""
    page.locator(".vt-right").click()
    expect(page.locator(".vt-progress")).to_contain_text("1 vote.")
    page.wait_for_function(SEEN)
    page.get_by_role("button", name="No difference").click()
    expect(page.locator(".vt-progress")).to_contain_text("2 votes.")
    assert [vote.preferred for vote in sweep.ranking.votes] == ["second", "tie"]
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".vt-progress")).to_contain_text("1 vote.")


@pytest.mark.nightly
@pytest.mark.browser
def test_nothing_in_the_page_says_what_the_pictures_are(page: Page, form: Voting, sweep: Sweep) -> None:
    """No title, no seed, no number, no file's name, until the ranking is asked for; it comes and goes by a key."""
    page.locator(".vt-pair").focus()
    press(page, "ArrowLeft", 1)
    shown = page.locator(".nbb-voting").evaluate("one => one.outerHTML")
    heard = json.dumps(page.evaluate("window.heard"))
    for cell in sweep:
        record = cell.result.record
        for never in ("colour", *COLOURS, "seed", "Paint", "coffee", record.uid, record.outputs[0].sha256):
            assert never not in shown
            assert never not in heard
    page.keyboard.press("r")
    expect(page.locator(".vt-ranking tbody tr")).to_have_count(6)
    expect(page.locator(".vt-ranking")).to_contain_text("colour red · seed 0")
    page.wait_for_function("[...document.querySelectorAll('.vt-small')].every(one => one.naturalWidth > 0)")
    expect(page.locator(".vt-pair")).not_to_be_visible()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("r")
    expect(page.locator(".vt-pair")).to_be_focused()
    assert len(sweep.ranking.votes) == 1


@pytest.mark.nightly
@pytest.mark.browser
def test_the_next_two_pictures_are_here_before_the_vote(page: Page, form: Voting) -> None:
    """They are sent while the first two are looked at, each once, whatever is voted."""
    page.locator(".vt-pair").focus()
    sent: list[str] = []
    for votes in range(1, 5):
        page.wait_for_function("window.heard.filter((one) => one.kind === 'pair').at(-1).next.length === 2")
        following = page.evaluate("window.heard.filter((one) => one.kind === 'pair').at(-1).next")
        page.wait_for_function(
            "keys => keys.every((key) => window.heard.some((one) => one.kind === 'picture' && one.key === key))",
            arg=following,
        )
        press(page, "ArrowLeft", votes)
        assert page.evaluate(SHOWN) == following
    sent = page.evaluate("window.heard.filter((one) => one.kind === 'picture').map((one) => one.key)")
    assert len(sent) == len(set(sent)) <= 6


@pytest.mark.nightly
@pytest.mark.browser
def test_a_key_that_is_held_votes_once(page: Page, sweep: Sweep) -> None:
    """A vote is meant: what a key repeats is not."""
    page.locator(".vt-pair").focus()
    page.keyboard.down("ArrowLeft")
    page.keyboard.down("ArrowLeft")
    page.keyboard.down("ArrowLeft")
    expect(page.locator(".vt-progress")).to_contain_text("1 vote.")
    page.keyboard.up("ArrowLeft")
    assert len(sweep.ranking.votes) == 1


@pytest.mark.nightly
@pytest.mark.browser
def test_a_vote_that_the_store_cannot_take_is_said_and_may_be_cast_again(
    page: Page, form: Voting, sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same two pictures stay, and the next press is taken."""

    def full(*_: Any) -> None:
        """A disk without room."""
        raise StoreError("The vote was not written.", "The disk is full.", "Make room, and vote again.")

    shown = page.evaluate(SHOWN)
    page.locator(".vt-pair").focus()
    with monkeypatch.context() as patch:
        patch.setattr(form.ballot, "cast", full)
        page.keyboard.press("ArrowLeft")
        expect(page.get_by_role("alert")).to_contain_text("The disk is full.")
    assert page.evaluate(SHOWN) == shown
    press(page, "ArrowLeft", 1)
    expect(page.locator(".vt-trouble").first).not_to_be_visible()
    assert [form._names[sweep.ranking.votes[0].first], form._names[sweep.ranking.votes[0].second]] == shown


@pytest.mark.nightly
@pytest.mark.browser
@in_every_view(320, 860, 1440)
def test_the_form_stands_in_nobody_s_way(browser: Browser, form: Voting, theme: str, width: int) -> None:
    """axe finds nothing serious, with the pictures and with the ranking; nothing spills over."""
    with opened(browser, form, theme=theme, width=width) as page:
        page.wait_for_function(SEEN)
        assert violations(page, ".nbb-voting") == []
        assert spills(page) == []
        page.locator(".vt-pair").focus()
        page.keyboard.press("r")
        page.locator(".vt-ranking tbody tr").first.wait_for()
        assert violations(page, ".nbb-voting") == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def tell(form: Voting, kind: str, **message: Any) -> None:
    """Say something to a form as its front end does, and wait until the next two pictures are chosen."""
    ui_thread.call(form.handle, kind, message, [])
    until(lambda: form._next is not None)


def test_a_vote_of_a_pair_that_is_gone_is_passed_over(form: Voting, sweep: Sweep) -> None:
    """As where two keys were pressed before the next pair came."""
    for _ in range(3):
        tell(form, "vote", round=0, side="left")
    assert len(sweep.ranking.votes) == 1


def test_a_callback_returns_at_once_and_the_next_vote_needs_no_wait(form: Voting, sweep: Sweep) -> None:
    """Votes that come before a next pair was chosen are on two pictures all the same, not on the same two again."""

    def quick() -> list[set[str]]:
        """Ten votes in one turn of the UI thread, in which no background work can answer."""
        seen = []
        for number in range(10):
            seen.append(set(names(form)))
            form.handle("vote", {"round": number, "side": "left"}, [])
        return seen

    seen = ui_thread.call(quick)
    tell(form, "hello")
    assert len(sweep.ranking.votes) == 10
    assert all(before != after for before, after in pairwise(seen))


def test_the_still_is_the_ranking_as_it_stands(form: Voting, sweep: Sweep) -> None:
    """What a saved notebook shows without a kernel, in static HTML and in text, also after a vote."""
    assert form.still()[1].startswith("0 votes.")
    tell(form, "vote", round=0, side="left")
    until(lambda: form.still()[1].startswith("1 vote."))
    html = form._still_bundle()["text/html"]
    assert html.count("<img") == 6
    assert "colour blue · seed 0" in html
    assert repr(form) == "<Voting on 6 pictures: 1 vote. The first place is not clear yet.>"


def test_an_undo_takes_back_what_was_voted_here_and_nothing_else(form: Voting, sweep: Sweep) -> None:
    """Votes of others and of before stay."""
    sweep.prefer(0, 1)
    tell(form, "undo")
    assert len(sweep.ranking.votes) == 1
    tell(form, "vote", round=0, side="right")
    tell(form, "undo")
    assert len(sweep.ranking.votes) == 1


def test_some_of_the_cells_are_voted_on_alone(sweep: Sweep) -> None:
    """As cells or as numbers; what lost its file cannot be seen and is left out."""
    form = sweep.vote(among=[sweep[0], 3, 5])
    assert sorted(one.cell.number for one in form.ballot.candidates) == [0, 3, 5]
    form.close()
    sweep[3].result[0].path.unlink()
    form = sweep.vote(among=[0, 3, 5])
    assert sorted(one.cell.number for one in form.ballot.candidates) == [0, 5]
    form.close()


@pytest.mark.nightly
def test_sides_are_drawn_so_that_neither_is_the_better_one_by_habit(sweep: Sweep) -> None:
    """Of forms that are opened anew, each picture stands at both sides."""
    lefts = set()
    for _ in range(40):
        form = sweep.vote(among=[0, 1])
        lefts.add(form.pair[0].cell.number)
        form.close()
    assert lefts == {0, 1}


@pytest.mark.nightly
@pytest.mark.browser
def test_hostile_words_in_a_ranking_are_text(browser: Browser, form: Voting) -> None:
    """Titles, values of axes and errors may be anything: none of it becomes an element."""
    words = payloads()
    with opened(browser, form) as page:
        page.wait_for_function(SEEN)
        page.locator(".vt-pair").focus()
        page.keyboard.press("r")
        page.locator(".vt-ranking tbody tr").first.wait_for()
        before = page.evaluate(TAGS)
        row = {"name": form._names[form.pair[0].output], "place": "1", "strength": "0", "tally": "0"}
        rows = [{**row, "title": one} for one in words]
        axes = [[one, [[one, "0"]]] for one in words]
        ui_thread.call(lambda: form.emit("ranking", sentence="", rows=rows, axes=axes, more=1))
        expect(page.locator(".vt-ranking tbody tr")).to_have_count(len(words))
        after = page.evaluate(TAGS)
        assert set(after) <= {*before, "P", "STRONG"}
        assert page.evaluate(ACTS) == []
