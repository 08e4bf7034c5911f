"""The history browser: ten thousand edits as tiles, of which no more is sent than is seen."""

from __future__ import annotations

import io
import queue
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from support.axe import violations
from support.form_pages import opened, spills
from support.forms import Wire
from support.histories import fill, painted
from support.lab import Browser as Chromium
from support.stores import asked, generated
from support.tiers import in_every_view
from support.waiting import PATIENCE

import nbbanana as nb
from nbbanana.errors import UsageError
from nbbanana.images.thumbnails import kept_or_made
from nbbanana.request import Origin, origin
from nbbanana.settings import cache_dir
from nbbanana.store import OutputRecord, Store
from nbbanana.widgets.base import join, ui_thread
from nbbanana.widgets.browser import Browser
from nbbanana.widgets.browser_rows import SIDE, Filters, facet_rows, month_rows, step, step_line
from nbbanana.widgets.pictures import Thumbnails, blob_source

MANY = 10_000
PICTURED = 150
"""So many of the newest and of the oldest edits have their pictures in the store."""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store with ten thousand edits; those at both ends have pictures, one from the middle too."""
    ends = [*range(PICTURED), *range(MANY - PICTURED, MANY)]
    return fill(tmp_path_factory.mktemp("filled") / "store", MANY, ends)


@pytest.fixture
def browser_of(filled: Path) -> Iterator[Browser]:
    """A history browser over the ten thousand."""
    with nb.Session(provider="sandbox", store=filled) as session:
        opened_form = session.history.browse()
        yield opened_form
        opened_form.close()


def made(store: Store, number: int) -> None:
    """An edit taken all the way, with a picture of its own."""
    data = painted(number)
    edit = store.begin(asked(f"Make it picture {number}, with snow on the roofs and a light in one window."))
    for state in ("submitting", "queued", "running", "downloading"):
        store.move(edit.id, state, request_id=f"request-{number}" if state == "queued" else None)
    store.move(
        edit.id, "completed", outputs=[OutputRecord(0, store.put(data), "image/png", 96, 72, len(data))], cost=0.07
    )


@pytest.fixture
def few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[nb.Session]:
    """A session over a store with twelve edits that all have pictures; the working directory is its own."""
    monkeypatch.chdir(tmp_path)
    with nb.Session(provider="sandbox", store=tmp_path / "few") as session:
        for number in range(12):
            made(session.store, number)
        for starred in (3, 6):
            session.store.annotate(starred, starred=True)
        session.store.annotate(4, rejected=True)
        yield session


@pytest.mark.nightly
def test_only_what_matches_is_held(filled: Path, browser_of: Browser) -> None:
    """Filters give the numbers of all that matches, the newest first, as the store's own filter does in pages."""
    assert len(browser_of.numbers) == MANY == len(set(browser_of.numbers))
    assert list(browser_of.numbers) == sorted(browser_of.numbers, reverse=True)
    browser_of.show(starred=True, provider="sandbox", order="oldest")
    with Store.open(filled) as store:
        starred = [edit.id for edit in store.filter(starred=True, provider="sandbox", limit=MANY)]
        assert browser_of.numbers == tuple(reversed(starred))
        browser_of.show(words="neon harbour", starred=True)
        assert browser_of.numbers
        assert all("neon" in edit.prompt and edit.starred for edit in store.numbered(browser_of.numbers))


def test_months_say_where_they_begin_and_how_many_edits_they_have() -> None:
    """Whichever way the list is sorted; what is not sorted by time has no months."""
    moments = [datetime(2025, 12, 31, 23, 59), datetime(2026, 1, 1), datetime(2026, 1, 20), datetime(2026, 3, 2)]  # noqa: DTZ001
    times = [moment.timestamp() for moment in moments]
    rising = [("December 2025", 0, 1), ("January 2026", 1, 2), ("March 2026", 3, 1)]
    assert [(row["name"], row["place"], row["many"]) for row in month_rows(times)] == rising
    falling = [("March 2026", 0, 1), ("January 2026", 1, 2), ("December 2025", 3, 1)]
    assert [(row["name"], row["place"], row["many"]) for row in month_rows(times[::-1])] == falling
    assert month_rows([None, None]) == []
    assert month_rows(times[:1])[0]["many"] == 1


def test_a_step_says_what_changed_on_one_line(few: nb.Session) -> None:
    """New and gone words, values that were set, and nothing of a seed that was drawn."""
    before = few.store.begin(asked("Make it a sunny street.", seed=7, seed_given=True))
    after = replace(before, parameters={"prompt": "Make it a rainy street.", "resolution": "2K"}, seed=8)
    assert step_line(*step(before, after)) == "prompt −sunny +rainy, seed 7 → 8, resolution default → 2K"
    drawn = replace(after, seed_given=False)
    assert step_line(*step(before, drawn)) == "prompt −sunny +rainy, resolution default → 2K"
    other = replace(before, parameters={"prompt": "Now a cat on a roof, please."})
    assert step_line(*step(before, other)) == "Now a cat on a roof, please."
    assert step_line(*step(before, before)) == "the same words"


def test_a_choice_stays_in_its_place_when_nothing_is_left_of_it() -> None:
    """Its count is 0 then; a kind with one value is no choice and is not offered."""
    counts = {
        "model": {"a/one": 3, "a/two": 9},
        "provider": {"sandbox": 12},
        "state": {"completed": 12},
        "tag": {"poster": 2},
        "rating": {"starred": 1, "rejected": 2, "kept": 10},
    }
    seen: dict[str, dict[str, None]] = {}
    groups = {group["name"]: group["choices"] for group in facet_rows(counts, Filters(), seen)}
    assert list(groups) == ["rating", "model", "tag"]
    assert [(one["label"], one["many"]) for one in groups["model"]] == [("two", 9), ("one", 3)]
    later = facet_rows({**counts, "model": {"a/one": 3}}, Filters(model="a/one", rejected=False), seen)
    groups = {group["name"]: group["choices"] for group in later}
    assert [(one["label"], one["many"], one["on"]) for one in groups["model"]] == [("two", 0, False), ("one", 3, True)]
    assert groups["model"][1]["then"] == {"model": ""}
    assert [one["on"] for one in groups["rating"]] == [False, True, False]
    assert groups["rating"][2]["then"] == {"rejected": True}


def test_a_small_copy_is_made_once_and_read_from_the_disk_after(few: nb.Session) -> None:
    """It lies under the cache folder, and an original that is gone since does not matter."""
    [edit] = few.store.numbered([1])
    source = blob_source(edit.outputs[0].sha256, few.store, SIDE)
    first = kept_or_made(source.data, source.side)
    [kept] = (cache_dir() / "thumbnails").rglob("*.webp")
    assert kept.read_bytes() == first
    few.store.blob_path(edit.outputs[0].sha256).unlink()
    assert kept_or_made(source.data, source.side) == first


def test_a_copy_that_was_scrolled_by_is_not_made(few: nb.Session) -> None:
    """What went out of view before its turn is left; when it comes back it is made."""
    came: queue.Queue[str] = queue.Queue()
    made = Thumbnails(lambda _, *, key, buffers: came.put(key))
    sources = [blob_source(edit.outputs[0].sha256, few.store, SIDE) for edit in few.store.filter(limit=12)]
    made._in_view = frozenset([sources[0].key])
    made._send(sources[5])
    assert came.empty()
    ui_thread.call(lambda: made.show_only(sources[5:6]))
    assert came.get(timeout=20) == sources[5].key
    assert made.made == 1


def test_a_selection_is_exported_and_read_back(few: nb.Session) -> None:
    """The bundle holds the chosen edits and no other."""
    form = few.history.browse()
    with pytest.raises(UsageError, match="No edit is selected"):
        form.export("nothing.zip")
    form.selection = [3, 7]
    assert [result.id for result in form.selection] == [3, 7]
    written = form.export("chosen.zip")
    prompts = [result.prompt for result in nb.History.open(written)]
    assert prompts == [few.history[3].prompt, few.history[7].prompt]
    with Image.open(form.contact_sheet("sheet.jpg")) as sheet:
        assert sheet.format == "JPEG"
        assert sheet.width > 2 * 96
    with pytest.raises(UsageError, match="is there already"):
        form.contact_sheet("sheet.jpg")
    assert form.contact_sheet("sheet.jpg", overwrite=True).name == "sheet.jpg"


def test_what_is_saved_is_the_newest_edits(few: nb.Session) -> None:
    """Without a kernel the history reads as a table."""
    html, text = few.history.browse().still()
    assert few.history[12].prompt[:40] in text
    assert "<img" in html


# ── in a browser ────────────────────────────────────────────────────────────────────────────────────────────


def pictures(page: Page) -> int:
    """How many tiles show a picture now."""
    return int(page.evaluate("[...document.querySelectorAll('.br-tile img')].filter((one) => one.naturalWidth).length"))


def arrived(page: Page) -> None:
    """Wait until every tile in the page shows its picture."""
    page.wait_for_function(
        "(() => { const tiles = [...document.querySelectorAll('.br-tile')];"
        " return tiles.length && tiles.every((one) => one.querySelector('img')?.naturalWidth) })()"
    )


@pytest.mark.nightly
@pytest.mark.browser
def test_ten_thousand_edits_are_scrolled_and_only_what_is_seen_is_sent(browser: Chromium, browser_of: Browser) -> None:
    """From the newest to the oldest: few tiles exist at a time, and few rows and pictures were ever asked for."""
    with opened(browser, browser_of) as page:
        arrived(page)
        tiles = page.locator(".br-tile")
        in_view = tiles.count()
        assert in_view < 100
        box = page.locator(".br-tiles").bounding_box()
        assert box
        page.mouse.move(box["x"] + 50, box["y"] + 50)
        for _ in range(120):
            page.mouse.wheel(0, 3000)
        page.locator(".br-tiles").focus()
        page.keyboard.press("End")
        expect(page.locator("[aria-posinset='10000']")).to_have_class("br-tile is-current")
        arrived(page)
        assert tiles.count() < 100
        asked = [message for message in page.evaluate("window.sent") if message["kind"] == "rows"]
        rows = sum(message["last"] - message["first"] for message in asked)
        assert browser_of.thumbnails.made <= rows
        assert rows < MANY / 4, "it asked for what went by"
        assert max(message["last"] - message["first"] for message in asked) < 100
        assert len(browser_of.numbers) == MANY


@pytest.mark.nightly
@pytest.mark.browser
def test_no_more_is_sent_than_was_seen(browser: Chromium, browser_of: Browser) -> None:
    """However it is scrolled, every row that was told had a tile, and every picture one of those rows, sent once."""
    with opened(browser, browser_of) as page:
        arrived(page)
        page.evaluate(
            """() => {
              window.tiled = new Set();
              const tiles = () => document.querySelectorAll(".br-tile");
              const note = () => tiles().forEach((one) => window.tiled.add(Number(one.ariaPosInSet) - 1));
              note();
              new MutationObserver(note).observe(document.querySelector(".br-canvas"), { childList: true });
            }"""
        )
        tiles = page.locator(".br-tiles")
        loaded = "[...document.querySelectorAll('.br-tile')].every((one) => one.ariaLabel !== 'not loaded yet')"
        for step in range(12):
            tiles.evaluate("(tiles, top) => { tiles.scrollTop = top }", 520 * step + 60_000 * (step // 6))
            page.wait_for_function(loaded)
        asked = [message for message in page.evaluate("window.sent") if message["kind"] == "rows"]
        told = [message for message in page.evaluate("window.heard") if message["kind"] == "rows"]
        sent = [message["key"] for message in page.evaluate("window.heard") if message["kind"] == "picture"]
        places = {message["first"] + number for message in told for number in range(len(message["rows"]))}
        assert places <= set(page.evaluate("[...window.tiled]")), "rows of no tile were told"
        assert len(told) == len(asked) <= 14, "one question for each rest of the view"
        assert set(sent) <= {row["key"] for message in told for row in message["rows"]}
        assert len(sent) == len(set(sent)), "a picture was sent twice"
        assert sum(len(message["rows"]) for message in told) < MANY / 10


@pytest.mark.browser
def test_tiles_are_walked_chosen_starred_and_rejected_by_keys(browser: Chromium, few: nb.Session) -> None:
    """One stop for Tab; arrows walk, Space chooses, s stars, x rejects, and names say all of it."""
    form = few.history.browse()
    with opened(browser, form) as page:
        arrived(page)
        listbox = page.get_by_role("listbox", name="Edits")
        listbox.focus()
        page.keyboard.press("Home")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        expect(page.locator(".br-detail h3")).to_have_text("nbbanana.history[10]")
        page.keyboard.press("Space")
        expect(page.locator(".br-tile[aria-selected=true]")).to_have_count(1)
        page.keyboard.press("s")
        current = page.locator(".br-tile.is-current")
        expect(current).to_have_attribute("aria-label", _starting("history 10, starred"))
        page.keyboard.press("x")
        expect(current).to_have_attribute("aria-label", _starting("history 10, rejected"))
        assert listbox.get_attribute("aria-activedescendant") == current.get_attribute("id")
        assert (few.store.get(10).starred, few.store.get(10).rejected) == (False, True)
        assert form.chosen == (10,)


def _starting(words: str) -> object:
    return re.compile(f"^{re.escape(words)}")


def choice(page: Page, group: str, label: str) -> Locator:
    """A choice among the filters, by the beginning of its name."""
    return page.get_by_role("group", name=group).get_by_role("button", name=re.compile(f"^{label}"))


@pytest.mark.nightly
@pytest.mark.browser
def test_choices_say_what_they_would_give_and_narrow_what_is_shown(browser: Chromium, few: nb.Session) -> None:
    """Each count is that of the tiles after the click, under what else is chosen; one button takes all back."""
    for number in (1, 2, 3):
        few.store.annotate(number, add_tags=["poster"])
    with opened(browser, few.history.browse()) as page:
        arrived(page)
        expect(page.locator(".br-tile")).to_have_count(12)
        for group, label, many in (("Show", "Hide rejected", 11), ("Show", "Starred", 2), ("Tags", "poster", 1)):
            one = choice(page, group, label)
            expect(one).to_have_text(f"{label}{many}")
            one.press("Enter")
            expect(page.locator(".br-tile")).to_have_count(many)
            expect(one).to_have_attribute("aria-pressed", "true")
            expect(one).to_be_focused()
        expect(choice(page, "Show", "Starred")).to_have_text("Starred1")
        expect(choice(page, "Show", "Only rejected")).to_have_text("Only rejected0")
        expect(page.locator("[aria-live]")).to_have_text("1 edit of 12.")
        choice(page, "Tags", "poster").click()
        expect(page.locator(".br-tile")).to_have_count(2)
        page.get_by_role("button", name="Clear filters").click()
        expect(page.locator(".br-tile")).to_have_count(12)


@pytest.mark.nightly
@pytest.mark.browser
def test_the_edits_of_this_notebook_are_one_choice(browser: Chromium, few: nb.Session) -> None:
    """It is offered, with its count, where the notebook is known; another one that is chosen is named."""
    for number, notebook in enumerate(("here.ipynb", "here.ipynb", "other.ipynb")):
        few.store.begin(asked(f"Make it {number}.", notebook=notebook))
    token = origin.set(Origin("here.ipynb"))
    try:
        form = few.history.browse()
    finally:
        origin.reset(token)
    with opened(browser, form) as page:
        here = choice(page, "Show", "This notebook")
        expect(here).to_have_text("This notebook2")
        here.click()
        expect(page.locator(".br-tile")).to_have_count(2)
        page.get_by_role("button", name="Clear filters").click()
        expect(page.locator(".br-tile")).to_have_count(15)
        form.show(notebook="other.ipynb")
        expect(choice(page, "Show", "Notebook other.ipynb")).to_have_text("Notebook other.ipynb1")
        expect(here).to_have_text("This notebook2")


@pytest.mark.nightly
@pytest.mark.browser
def test_the_detail_goes_when_nothing_is_found(browser: Chromium, few: nb.Session) -> None:
    """It stays, with its tile, while what is looked at is among what is shown."""
    with opened(browser, few.history.browse()) as page:
        arrived(page)
        page.locator("[aria-posinset='7']").click()
        expect(page.locator(".br-detail h3")).to_have_text("nbbanana.history[6]")
        choice(page, "Show", "Starred").click()
        expect(page.locator(".br-tile")).to_have_count(2)
        expect(page.locator(".br-tile.is-current")).to_have_attribute("aria-label", _starting("history 6"))
        expect(page.locator(".br-detail h3")).to_have_text("nbbanana.history[6]")
        page.locator(".br-tiles").press("/")
        page.keyboard.type("nosuchword")
        expect(page.get_by_text("No edit has all of these words: nosuchword")).to_be_visible()
        expect(page.locator(".br-tile")).to_have_count(0)
        expect(page.locator(".br-detail")).to_be_empty()
        page.locator(".br-empty").get_by_role("button", name="Clear filters").click()
        expect(page.locator(".br-tile")).to_have_count(12)


@pytest.mark.nightly
@pytest.mark.browser
def test_tiles_have_three_sizes_that_are_kept_and_edits_five_orders(browser: Chromium, few: nb.Session) -> None:
    """A larger size shows fewer in a row, also in the next browser; the rating sorts starred edits first."""
    across = "new Set([...document.querySelectorAll('.br-tile')].map((one) => one.getBoundingClientRect().x)).size"
    form = few.history.browse()
    with opened(browser, form) as page:
        arrived(page)
        seen = []
        for size in ("Small", "Medium", "Large"):
            page.get_by_role("button", name=f"{size} tiles").click()
            arrived(page)
            seen.append(page.evaluate(across))
        assert seen == sorted(seen, reverse=True)
        assert len(set(seen)) == 3
        page.reload()
        expect(page.get_by_role("button", name="Large tiles")).to_have_attribute("aria-pressed", "true")
        arrived(page)
        assert page.evaluate(across) == seen[-1]
        page.get_by_label("Sort").select_option("Starred first")
        expect(page.locator("[aria-posinset='1']")).to_have_attribute("aria-label", _starting("history 6, starred"))
        expect(page.locator("[aria-posinset='12']")).to_have_attribute("aria-label", _starting("history 4, rejected"))
        page.get_by_label("Sort").select_option("Oldest first")
        expect(page.locator("[aria-posinset='1']")).to_have_attribute("aria-label", _starting("history 1,"))
        assert form.filters.order == "oldest"


@pytest.fixture
def yearly(few: nb.Session) -> nb.Session:
    """The same session after fifty edits without pictures, five in each of ten months before."""
    edits = (
        replace(edit, created_at=edit.created_at - 86_400 * 30.5 * (n // 5)) for n, edit in enumerate(generated(50))
    )
    few.store.take_in(replace(edit, outputs=()) for edit in edits)
    return few


@pytest.mark.nightly
@pytest.mark.browser
def test_a_month_is_a_click_or_two_keys_away(browser: Chromium, yearly: nb.Session) -> None:
    """Its button says how many edits it has; the month that is in view is marked, and is where Tab stops."""
    form = yearly.history.browse()
    told = month_rows(form._times)
    assert len(told) > 9
    assert sum(row["many"] for row in told) == 62
    with opened(browser, form) as page:
        months = page.get_by_role("group", name="Months").get_by_role("button")
        expect(months).to_have_count(len(told))
        expect(months.last).to_have_attribute("aria-label", f"{told[-1]['name']}, {told[-1]['many']} edits")
        expect(months.first).to_have_attribute("aria-current", "true")
        page.get_by_role("button", name="Large tiles").click()
        months.first.focus()
        for key in ("End", "Home", *["ArrowDown"] * 4, "Enter"):
            page.keyboard.press(key)
        expect(page.locator(".br-tile.is-current")).to_have_attribute("aria-posinset", str(told[4]["place"] + 1))
        expect(months.nth(4)).to_have_attribute("aria-current", "true")
        expect(months.first).not_to_have_attribute("aria-current", "true")
        page.get_by_label("Sort").select_option("Highest cost")
        expect(page.get_by_role("group", name="Months")).to_be_hidden()


@pytest.fixture
def family(few: nb.Session) -> nb.Session:
    """The same session after an edit of an edit, and one of that."""
    first = few.edit("Make it a sunny street.", Image.open(io.BytesIO(painted(0))), seed=7, resolution="0.5K")
    second = first[0].edit("Make it a rainy street.", seed=8, resolution="0.5K")
    second[0].edit("Make it a rainy street.", seed=8, resolution="1K")
    return few


@pytest.mark.nightly
@pytest.mark.browser
def test_the_detail_says_time_cost_and_what_each_step_changed(browser: Chromium, family: nb.Session) -> None:
    """A line of the lineage leads to its edit."""
    with opened(browser, family.history.browse()) as page:
        arrived(page)
        page.locator("[aria-posinset='2']").click()
        expect(page.locator(".br-detail h3")).to_have_text("nbbanana.history[14]")
        facts = page.locator(".br-facts")
        expect(facts).to_contain_text("cost$0.0525 in play money")
        expect(facts.get_by_text("time", exact=True)).to_be_visible()
        steps = page.get_by_role("region", name="Lineage").get_by_role("button")
        expect(steps.nth(1)).to_have_attribute("aria-label", "This edit: 14, prompt −sunny +rainy, seed 7 → 8")
        expect(steps.nth(1).locator("ins")).to_have_text("rainy")
        expect(steps.nth(2)).to_have_attribute("aria-label", "Led to: 15, resolution 0.5K → 1K")
        steps.first.click()
        expect(page.locator(".br-detail h3")).to_have_text("nbbanana.history[13]")


@pytest.mark.nightly
@pytest.mark.browser
def test_pictures_are_compared_and_downloaded_from_the_detail(browser: Chromium, family: nb.Session) -> None:
    """With the input, by button and from the viewer; the file is the picture's own."""
    with opened(browser, family.history.browse()) as page:
        arrived(page)
        page.locator("[aria-posinset='2']").click()
        expect(page.locator(".br-detail h3")).to_have_text("nbbanana.history[14]")
        with page.expect_download() as waiting:
            page.locator(".br-detail").get_by_role("button", name="Download").click()
        assert waiting.value.suggested_filename == "edit-14-0.png"
        assert Path(waiting.value.path()).read_bytes() == family.history[14][0].bytes
        expect(page.locator(".br-toast")).to_have_text("Downloaded as edit-14-0.png.")
        page.get_by_role("button", name="Enlarge").click()
        for act in (
            lambda: page.locator(".vw").get_by_role("button", name="Compare").click(),
            lambda: page.locator(".br-detail").get_by_role("button", name="Compare").click(),
        ):
            act()
            asked = "window.sent.filter((one) => one.kind === 'compare').at(-1).pictures"
            assert page.evaluate(asked) == [[14, 0]]
        expect(page.get_by_role("dialog")).not_to_be_visible()


@pytest.mark.nightly
@pytest.mark.browser
def test_edits_made_meanwhile_are_announced_and_shown_on_demand(browser: Chromium, few: nb.Session) -> None:
    """The list does not move under the reader's eyes; a button says how many are new, and brings them."""
    with opened(browser, few.history.browse()) as page:
        arrived(page)
        made(few.store, 12)
        made(few.store, 13)
        page.locator(".br-tiles").press("ArrowRight")
        expect(page.locator(".br-tile")).to_have_count(12)
        page.get_by_role("button", name="Show 2 new edits").click()
        expect(page.locator(".br-tile")).to_have_count(14)
        expect(page.get_by_text("14 edits", exact=True)).to_be_visible()
        expect(page.get_by_role("button", name="new edit")).to_have_count(0)


@pytest.mark.nightly
@pytest.mark.browser
def test_small_copies_that_nobody_sees_are_let_go(browser: Chromium) -> None:
    """The album keeps so many, never drops what is shown, and says what it dropped."""
    module = quote(join("shared/link.js") + "\nexport { album };")
    page = browser.page(width=800)
    found = page.evaluate(
        """async (module) => {
          const { album } = await import(`data:text/javascript,${module}`);
          const dropped = [];
          const one = album(10, () => document.body, (keys) => dropped.push(...keys));
          const bytes = () => new DataView(new ArrayBuffer(8));
          one.add("seen", bytes());
          document.body.append(one.show(document.createElement("img"), "seen"));
          for (let number = 0; number < 12; number += 1) one.add(`copy${number}`, bytes());
          const later = one.show(document.createElement("img"), "copy0");
          const before = later.src;
          one.add("copy0", bytes());
          return { dropped, before, after: later.src, seen: dropped.includes("seen") };
        }""",
        module,
    )
    page.context.close()
    assert found["dropped"][:3] == ["copy0", "copy1", "copy2"]
    assert not found["seen"]
    assert found["before"] == ""
    assert found["after"].startswith("blob:")


def test_a_copy_that_was_let_go_is_sent_again(few: nb.Session) -> None:
    """Once its tile is in view again, and not before."""
    form = few.history.browse()
    wire = Wire(form)
    ui_thread.call(form.handle, "rows", {"first": 0, "last": 3}, [])
    [told] = [message for message, _ in wire.said if message["kind"] == "rows"]
    keys = [row["key"] for row in told["rows"]]

    def sent(times: int) -> int:
        ends = time.monotonic() + PATIENCE
        while True:
            found = sum(message.get("key") == keys[0] for message, _ in wire.said if message["kind"] == "picture")
            if found >= times or time.monotonic() > ends:
                return found
            time.sleep(0.01)

    assert sent(1) == 1
    ui_thread.call(form.handle, "rows", {"first": 0, "last": 3}, [])
    ui_thread.call(form.handle, "dropped", {"keys": keys[:1]}, [])
    assert sent(1) == 1
    ui_thread.call(form.handle, "rows", {"first": 0, "last": 3}, [])
    assert sent(2) == 2
    form.close()


def test_a_browser_in_a_studio_hears_of_what_the_studio_makes(few: nb.Session) -> None:
    """A result of the form around it is announced at once, without anybody touching the list."""
    form = nb.studio(Image.open(io.BytesIO(painted(0))), prompt="Make it snow.", resolution="0.5K", session=few)
    wire = Wire(form)
    ui_thread.call(form.handle, "browse", {}, [])
    ui_thread.call(form.handle, "embedded", {"name": "browser", "content": {"kind": "hello"}}, [])
    form.run().result()
    ends = time.monotonic() + PATIENCE
    while {"kind": "grown", "many": 1} not in [one.get("content") for one, _ in wire.said]:
        assert time.monotonic() < ends, "it never heard of it"
        time.sleep(0.01)
    form.close()


@pytest.mark.nightly
@pytest.mark.browser
def test_a_selection_is_exported_from_the_form(browser: Chromium, few: nb.Session, tmp_path: Path) -> None:
    """Ctrl and a click choose; the files lie in the notebook's folder under free names, and the form says which."""
    (tmp_path / "history.zip").write_text("somebody's own")
    with opened(browser, few.history.browse()) as page:
        arrived(page)
        for place in (0, 3):
            page.locator(".br-tile").nth(place).click(modifiers=["Control"])
        expect(page.get_by_text("2 selected")).to_be_visible()
        page.get_by_role("button", name="Export").click()
        expect(page.get_by_text("Saved as history-2.zip")).to_be_visible()
        page.get_by_role("button", name="Contact sheet").click()
        expect(page.get_by_text("Saved as contact-sheet.jpg")).to_be_visible()
        with page.expect_download() as waiting:
            page.get_by_role("group", name="The selected edits").get_by_role("button", name="Download").click()
        assert waiting.value.suggested_filename == "history.zip"
        waiting.value.save_as(tmp_path / "downloaded.zip")
        assert len(nb.History.open(tmp_path / "downloaded.zip")) == 2
    assert len(nb.History.open(tmp_path / "history-2.zip")) == 2


@pytest.mark.browser
@in_every_view(320, 860, 1280)
def test_everything_is_labelled_and_fits(browser: Chromium, few: nb.Session, theme: str, width: int) -> None:
    """axe-core finds nothing serious or critical, and nothing spills over."""
    with opened(browser, few.history.browse(), theme=theme, width=width) as page:
        arrived(page)
        page.locator(".br-tile").nth(1).click()
        page.locator(".br-tile").nth(2).click(modifiers=["Control"])
        expect(page.locator(".br-detail h3")).to_be_visible()
        expect(page.locator(".br-choice")).to_have_count(3)
        assert violations(page, ".nbb") == []
        assert spills(page) == []
