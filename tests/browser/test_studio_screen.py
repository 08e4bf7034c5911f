"""The Studio in JupyterLab's own windows: what is in sight without scrolling, and the keys that are the host's."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Locator, expect
from support.kernels import notebook_of
from support.lab import Browser, Lab, LabPage

pytestmark = [pytest.mark.browser, pytest.mark.nightly]

CELLS = [
    "import nbbanana as nb",
    "nb.studio('portrait.jpg', prompt='Keep the pose.\\nMake it snow.', resolution='0.5K')",
    "nb.compare('portrait.jpg', 'portrait.jpg')",
]
SEEN = """one => {
  const box = one.getBoundingClientRect();
  const panel = document.querySelector(".jp-WindowedPanel-outer, .jp-Notebook").getBoundingClientRect();
  const seen = Math.min(box.bottom, panel.bottom, innerHeight) - Math.max(box.top, panel.top, 0);
  return [Math.max(0, seen), box.height];
}"""
"""Pixels of an element's height that are in sight, and all of them."""


def write(lab: Lab, name: str, photo: Callable[[str], Path]) -> str:
    """A notebook with two forms, and a picture beside it."""
    (lab.root / "portrait.jpg").write_bytes(photo("portrait").read_bytes())
    nbformat.write(notebook_of(CELLS), lab.root / name)
    return name


def in_sight(part: Locator) -> float:
    """Which part of an element's height is in sight, from 0 to 1."""
    seen, whole = part.evaluate(SEEN)
    return float(seen / whole)


@pytest.fixture(scope="module", params=[1440, 860])
def shown(
    request: pytest.FixtureRequest, browser: Browser, lab: Lab, photo: Callable[[str], Path]
) -> Iterator[LabPage]:
    """A Studio with a result and a second form below it, in a window of 900 pixels."""
    notebook = write(lab, f"screen-{request.param}.ipynb", photo)
    with browser.open(lab, notebook, width=request.param, height=900) as page:
        page.run_first(len(CELLS))
        form = page.cell(1).locator(".nbb-studio")
        form.get_by_label("Prompt").press("Control+Enter")
        form.locator(".st-frame img[src]").first.wait_for()
        yield page


@pytest.fixture
def opened(shown: LabPage) -> Iterator[LabPage]:
    """Its page, scrolled to the top of the form; nothing went wrong in it at the end."""
    shown.cell(1).locator(".nbb-studio").evaluate("one => one.scrollIntoView()")
    yield shown
    assert shown.errors == []
    assert shown.foreign == []


def test_the_whole_way_to_a_result_is_in_one_screen(opened: LabPage) -> None:
    """Pictures, prompt, price and Run are in sight; so is the newest result, the whole of it."""
    form = opened.cell(1).locator(".nbb-studio")
    opened.screenshot(f"one-screen-{opened.page.viewport_size['width']}")
    for part in (".st-inputs", "textarea", ".st-amount", ".nbb-go", ".st-options summary"):
        assert in_sight(form.locator(part).first) == 1, part
    assert in_sight(form.locator(".st-frame").first) == 1
    expect(form.locator(".st-tally")).to_have_text("0.5K, the rest automatic")


@pytest.mark.parametrize("shown", [860], indirect=True)
def test_a_narrow_window_has_the_newest_result_straight_under_run(opened: LabPage) -> None:
    """With JupyterLab's sidebar open, and with it closed: the parameters stand beside or above Run, folded."""
    form = opened.cell(1).locator(".nbb-studio")
    for is_open in (True, False):
        form.evaluate("one => one.scrollIntoView()")
        run, frame = form.locator(".nbb-go").bounding_box(), form.locator(".st-frame").first.bounding_box()
        assert run
        assert frame
        assert 0 < frame["y"] - run["y"] - run["height"] < 120, "the heading of the edit is all that is between"
        assert in_sight(form.locator(".st-options summary")) == 1
        opened.screenshot(f"narrow-{'with' if is_open else 'without'}-sidebar")
        assert in_sight(form.locator(".st-frame").first) == 1
        if is_open:
            narrow = form.evaluate("one => one.clientWidth")
            sidebar = opened.page.locator(".jp-SideBar .lm-TabBar-tab[data-id='filebrowser']").first
            sidebar.click()
            opened.page.wait_for_function(
                "([one, narrow]) => one.clientWidth > narrow", arg=[form.element_handle(), narrow]
            )
    sidebar.click()  # the page is shared


def test_trouble_and_confirmations_are_in_sight(opened: LabPage) -> None:
    """A wrong path is named under the field; what was copied from the far end of the form is said where it is seen."""
    form = opened.cell(1).locator(".nbb-studio")
    field = form.get_by_label(re.compile("Add a picture by its path"))
    field.fill("portrat.jpg")
    field.press("Enter")
    alert = form.get_by_role("alert")
    expect(alert).to_contain_text("portrat.jpg")
    assert in_sight(alert) == 1
    gap = alert.bounding_box()["y"] - field.bounding_box()["y"] - field.bounding_box()["height"]
    assert 0 <= gap < 20, "it stands under the control that caused it"
    form.locator(".st-node").last.scroll_into_view_if_needed()
    form.locator(".st-node").last.click()
    form.locator(".st-detail-box").get_by_role("button", name="Prompt only").click()
    toast = form.locator(".st-toast")
    expect(toast).to_be_visible()
    opened.page.wait_for_timeout(300)
    assert in_sight(toast) == 1


@pytest.mark.parametrize("shown", [860], indirect=True)
def test_the_hosts_own_keys_reach_it(opened: LabPage) -> None:
    """Ctrl+S saves the notebook from the prompt and from a picture; Ctrl+X there cuts no cell."""
    form = opened.cell(1).locator(".nbb-studio")
    many = opened.cells.count()
    for focused in (form.get_by_label("Prompt"), form.locator(".st-tile").first):
        focused.click()
        opened.page.keyboard.press("Control+x")
        time.sleep(1.1)  # what the file's time is told in, on some file systems
        opened.save()
    assert opened.cells.count() == many
