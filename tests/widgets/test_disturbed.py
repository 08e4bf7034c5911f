"""Forms while something stands in their way: lost messages, a locked store, no network. They recover."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from support.form_pages import opened, unfold
from support.lab import Browser

import nbbanana as nb
from nbbanana.sandbox import Fault, Sandbox
from nbbanana.settings import settings
from nbbanana.store import database
from nbbanana.widgets import watchers
from nbbanana.widgets.studio import Studio

pytestmark = pytest.mark.browser

WORDS = "Keep the cup unchanged. Convert the table into a washed linen cloth."
SMALL = {"resolution": "0.5K"}


# ── the way to the kernel ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.nightly
def test_what_is_lost_on_the_way_is_said_again(browser: Browser, form: Studio) -> None:
    """A message that the kernel drops is asked after and comes; nothing that is paid for is done twice."""
    with opened(browser, form) as page:
        expect(page.get_by_label("Prompt")).to_have_value(WORDS)
        page.evaluate("window.lost = ['run', 'new seed']")
        unfold(page)
        page.get_by_role("button", name="Roll a seed").click()
        page.get_by_label("Prompt").press("Control+Enter")
        expect(page.locator(".st-group")).to_have_count(2)
        expect(page.locator(".st-waits")).to_be_hidden()
        assert page.evaluate("window.sent.some((one) => one.kind === 'ping')")
    assert form.session.store.count() == 2


@pytest.mark.nightly
def test_run_before_anything_was_told_does_nothing(browser: Browser, form: Studio) -> None:
    """A form that does not know its words yet neither runs without them nor takes them away."""
    with opened(browser, form) as page:
        page.evaluate("window.lost = ['hello']")
        page.reload()
        page.locator(".nbb-studio").wait_for()
        area = page.get_by_label("Prompt")
        area.press("Control+Enter")
        expect(area).to_have_value(WORDS)
        assert all(one["kind"] != "run" or one["text"] for one in page.evaluate("window.sent"))
    assert form.prompt == WORDS


@pytest.mark.nightly
def test_what_arrives_twice_is_done_once(browser: Browser, form: Studio) -> None:
    """However often a message comes, its number says that it was there."""
    with opened(browser, form) as page:
        expect(page.get_by_label("Prompt")).to_have_value(WORDS)
        page.evaluate("window.isTwice = true")
        page.get_by_label("Prompt").press("Control+Enter")
        expect(page.locator(".st-group")).to_have_count(2)
        page.get_by_role("button", name="Browse all").click()
        tile = page.locator(".br-tile").first
        expect(tile).to_have_attribute("aria-label", re.compile("history 2"))
        tile.click()
        page.get_by_role("button", name="Open in the form").click()
        expect(page.locator(".st-toast")).to_contain_text("Edit 2 is in the form")
    assert form.session.store.count() == 2


@pytest.mark.nightly
def test_a_form_inside_the_form_is_answered_too(browser: Browser, form: Studio) -> None:
    """The region tool and the history browser in the Studio say nothing of a kernel that does not answer."""
    with opened(browser, form) as page:
        page.get_by_role("button", name="Browse all").click()
        expect(page.locator(".br-tile").first).to_have_attribute("aria-label", re.compile("history 1"))
        page.locator(".br-tile").first.click()
        page.wait_for_function("window.heard.some((one) => one.kind === 'embedded' && one.content.kind === 'detail')")
        page.wait_for_timeout(2500)  # longer than the form is patient
        assert not page.get_by_text("has not answered yet").is_visible()
        assert not page.get_by_text("nothing here reaches it").is_visible()


# ── the store ───────────────────────────────────────────────────────────────────────────────────────────────────


REMEMBER = """() => {
  const line = document.querySelector(".st-waits");
  window.waits = [];
  const note = () => line.hidden || window.waits.push(line.textContent);
  new MutationObserver(note).observe(line, { attributes: true, childList: true });
}"""
"""Keeps what the form says of what stands in its way: a busy machine looks too seldom to see all of it."""


@contextmanager
def locked(session: nb.Session) -> Iterator[sqlite3.Connection]:
    """The store as another process keeps it to itself."""
    other = sqlite3.connect(session.folder / "edits.sqlite", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield other
    finally:
        if other.in_transaction:
            other.execute("ROLLBACK")
        other.close()


@pytest.fixture
def form(session: nb.Session, photo: Callable[[str], Path]) -> Iterator[Studio]:
    """A Studio with one result."""
    form = nb.studio(photo("coffee"), prompt=WORDS, **SMALL, session=session)
    form.run().result()
    yield form
    form.close()


def test_a_locked_store_is_named_and_nothing_is_lost(browser: Browser, form: Studio) -> None:
    """A star, a run and words while another process has the store: all are there once it is free."""
    with opened(browser, form) as page:
        with locked(form.session):
            page.locator(".st-tile").first.click()
            page.keyboard.press("s")
            expect(page.locator(".st-waits")).to_contain_text("Another process is writing to the store")
            area = page.get_by_label("Prompt")
            area.fill(f"{WORDS} And snow.")
            area.press("Control+Enter")
            expect(page.locator(".st-waits")).to_contain_text("nothing is lost")
        expect(page.locator(".st-waits")).to_be_hidden()
        expect(page.locator(".st-group")).to_have_count(2)
        expect(area).to_have_value(f"{WORDS} And snow.")
        expect(page.locator(".st-tile[aria-label*=starred]")).to_have_count(1)
    assert [edit.starred for edit in form.session.store.filter()] == [False, True]
    assert form.session.store.get(2).prompt == f"{WORDS} And snow."


@pytest.mark.nightly
def test_a_store_that_stays_locked_is_an_error_that_passes(
    browser: Browser, form: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When patience ends the form says what keeps it; the words are there, and the next run is one."""
    monkeypatch.setattr(database, "PATIENCE", 1.2)
    monkeypatch.setattr(database, "SOON", 0.4)
    with opened(browser, form) as page:
        page.evaluate(REMEMBER)
        with locked(form.session):
            page.get_by_label("Prompt").fill("Make it rain.")
            page.get_by_label("Prompt").press("Control+Enter")
            page.wait_for_function("window.waits.some((words) => words.includes('is writing to the store'))")
            failed = page.locator(".st-task[data-phase=failed]")
            expect(failed).to_contain_text("could not be used")
            expect(failed).to_contain_text("Another process has kept it locked")
        expect(page.locator(".st-waits")).to_be_hidden()
        expect(page.get_by_label("Prompt")).to_have_value("Make it rain.")
        failed.get_by_role("button", name="Run again").click()
        expect(page.locator(".st-group")).to_have_count(2)


@pytest.mark.nightly
def test_the_history_browser_names_a_locked_store(browser: Browser, form: Studio) -> None:
    """A star set there waits, is said to wait, and is set."""
    shown = form.session.history.browse()
    with opened(browser, shown) as page:
        expect(page.locator(".br-tile").first).to_have_attribute("aria-label", re.compile("history 1"))
        with locked(form.session):
            page.locator(".br-tile").first.click()
            page.keyboard.press("s")
            expect(page.get_by_text("Another process is writing to the store")).to_be_visible()
        expect(page.get_by_text("Another process is writing to the store")).to_be_hidden()
        page.wait_for_function("window.heard.some((one) => one.kind === 'changed')")
    shown.close()
    assert form.session.store.get(1).starred


# ── the network ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A service of one's own on a port, for a session in this process."""
    with Sandbox(duration=2.0) as box:
        for name, value in box.addresses["environment"].items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(watchers, "SOON", 0.2)
        yield box


@pytest.fixture
def impatient() -> None:
    """Nobody waits for a job longer than a second."""
    settings().timeout = 1.0


@pytest.fixture
def remote(box: Sandbox, tmp_path: Path, photo: Callable[[str], Path]) -> Iterator[Studio]:
    """A Studio over that service."""
    with nb.Session(provider="runcomfy", store=tmp_path / "store") as session:
        form = nb.studio(photo("coffee"), prompt=WORDS, **SMALL, session=session)
        yield form
        form.close()


@pytest.mark.nightly
def test_without_a_network_there_is_no_price_and_it_comes_back_with_it(
    browser: Browser, box: Sandbox, remote: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form says that there is no price and why, asks again by itself, and then has one."""
    monkeypatch.setattr("nbbanana.engine.prices.LASTS", 0.0)  # no price that was asked before is still known
    with ExitStack() as network:
        network.enter_context(box.refusing())
        with opened(browser, remote) as page:
            expect(page.locator(".st-amount")).to_have_text("No price")
            expect(page.locator(".st-how")).to_contain_text("no answer came")
            network.close()
            expect(page.locator(".st-amount")).to_have_text(re.compile(r"\$0\.0"))


@pytest.mark.nightly
def test_a_run_without_a_network_is_refused_in_words_and_runs_once_there_is_one(
    browser: Browser, box: Sandbox, remote: Studio
) -> None:
    """Nothing was taken and nothing is charged, says the form; the same run goes through when it is asked again."""
    with opened(browser, remote) as page:
        expect(page.locator(".st-amount")).to_have_text(re.compile(r"\$"))
        with box.refusing():
            page.get_by_label("Prompt").press("Control+Enter")
            failed = page.locator(".st-task[data-phase=failed]")
            expect(failed).to_contain_text("The service could not be reached.")
            expect(failed).to_contain_text("Its port is closed")
        assert box.submissions == []
        expect(page.get_by_label("Prompt")).to_have_value(WORDS)
        failed.get_by_role("button", name="Run again").click()
        expect(page.locator(".st-group")).to_have_count(1)
    assert len(box.submissions) == 1


@pytest.mark.nightly
def test_a_job_on_its_way_outlives_the_network(browser: Browser, box: Sandbox, remote: Studio) -> None:
    """The service stops listening under a job: the form says that it asks again, and has the pictures in the end."""
    with opened(browser, remote) as page:
        form = page.locator(".nbb-studio")
        run_and_wait_for_acceptance(page, box)
        with box.refusing():
            expect(form.locator(".st-task")).to_contain_text("Asking again", timeout=30_000)
            box.settle()
        expect(form.locator(".st-group")).to_have_count(1, timeout=60_000)
    assert len(box.submissions) == 1


@pytest.mark.nightly
def test_a_job_that_nobody_waited_for_is_collected_later(
    browser: Browser, box: Sandbox, impatient: None, remote: Studio
) -> None:
    """When patience ends without a network, the form offers to collect the job; nothing is paid twice."""
    with opened(browser, remote) as page:
        run_and_wait_for_acceptance(page, box)
        with box.refusing():
            task = page.locator(".st-task")
            collect = task.get_by_role("button", name="Get the pictures")
            expect(collect).to_be_visible(timeout=30_000)
            box.settle()
        collect.click()
        expect(page.locator(".st-group")).to_have_count(1, timeout=30_000)
    assert len(box.submissions) == 1


def run_and_wait_for_acceptance(page: Page, box: Sandbox) -> Locator:
    """Run, and return once the service has the job."""
    expect(page.get_by_label("Prompt")).to_have_value(WORDS)
    page.get_by_label("Prompt").press("Control+Enter")
    task = page.locator(".st-task")
    expect(task).to_have_attribute("data-phase", re.compile("queued|running"), timeout=30_000)
    assert len(box.submissions) == 1
    return task


# ── a model that is not shipped ─────────────────────────────────────────────────────────────────────────────────

LIVE = "somebody/paints/edit"


@pytest.fixture
def lively(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A service with a model that nbbanana does not ship."""
    properties = {
        "prompt": {"type": "string"},
        "image_urls": {"type": "array", "items": {"type": "string"}, "format": "image_uris", "maxItems": 4},
        "resolution": {"type": "string", "enum": ["0.5K", "1K"]},
        "seed": {"type": "integer"},
    }
    schema = {"type": "object", "properties": properties, "required": ["prompt", "image_urls"]}
    entry = {"input_schema": schema, "base_price_usd": 0.01, "price_unit": "output"}
    with Sandbox(time_scale=0, models={LIVE: entry}) as box:
        for name, value in box.addresses["environment"].items():
            monkeypatch.setenv(name, value)
        yield box


@pytest.fixture
def stranger(lively: Sandbox, tmp_path: Path, photo: Callable[[str], Path]) -> Iterator[Studio]:
    """A Studio of another kernel, over a store with an edit by that model."""
    with nb.Session(provider="runcomfy", store=tmp_path / "store") as session:
        assert session.engine_at().live_model(LIVE).result().id == LIVE
        session.edit(WORDS, photo("coffee"), model=LIVE, seed=7, **SMALL)
    with nb.Session(provider="runcomfy", store=tmp_path / "store") as session:
        form = nb.studio(prompt="Something else.", session=session)
        yield form
        form.close()


@pytest.mark.nightly
def test_a_recall_that_must_ask_the_service_keeps_nobody_waiting(
    browser: Browser, lively: Sandbox, stranger: Studio
) -> None:
    """While the service is slow to describe a model, the form says what it waits for and does everything else."""
    with opened(browser, stranger) as page:
        expect(page.locator(".st-amount")).to_have_text(re.compile(r"\$"))
        page.locator(".st-node").click()
        lively.add_fault(Fault("catalog", delay=3.0))
        page.get_by_role("button", name="Everything", exact=True).click()
        expect(page.locator(".st-toast")).to_contain_text(f"Asking the service about {LIVE}.")
        unfold(page)
        page.get_by_role("button", name="Roll a seed").click()
        expect(page.locator("[data-name=seed] input")).to_have_value(re.compile(r"\d"))
        assert stranger.model != LIVE, "the recall was over before anything else was asked"
        expect(page.get_by_label("Model", exact=True)).to_have_value(LIVE, timeout=20_000)
        expect(page.get_by_label("Prompt")).to_have_value(WORDS)


@pytest.mark.nightly
def test_a_recall_of_a_model_that_was_told_before_needs_no_network(
    browser: Browser, lively: Sandbox, stranger: Studio
) -> None:
    """What the service said of it is kept beside the keys, also for another kernel."""
    with opened(browser, stranger) as page:
        expect(page.locator(".st-amount")).to_have_text(re.compile(r"\$"))
        page.locator(".st-node").click()
        with lively.refusing():
            page.get_by_role("button", name="Everything", exact=True).click()
            expect(page.get_by_label("Prompt")).to_have_value(WORDS)


@pytest.mark.nightly
def test_a_recall_that_cannot_be_told_the_model_says_so(
    browser: Browser, lively: Sandbox, stranger: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a network the form says why, keeps what was written, and the recall works once there is one."""
    monkeypatch.setattr("nbbanana.engine.prices.offer", lambda *_: None)  # nothing was kept of what the service told
    with opened(browser, stranger) as page:
        expect(page.locator(".st-amount")).to_have_text(re.compile(r"\$"))
        page.locator(".st-node").click()
        recall = page.get_by_role("button", name="Everything", exact=True)
        with lively.refusing():
            recall.click()
            expect(page.get_by_role("alert")).to_contain_text(LIVE)
            expect(page.get_by_label("Prompt")).to_have_value("Something else.")
        recall.click()
        expect(page.get_by_label("Prompt")).to_have_value(WORDS)
