"""The Studio in a real JupyterLab: from an upload to a copied cell that asks the same, and what is saved of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import httpx
import nbformat
import pytest
from playwright.sync_api import Locator, expect
from support.kernels import notebook_of
from support.lab import SCREENSHOTS, Browser, Lab, LabPage

pytestmark = pytest.mark.browser

LOAD, OPEN, COPIED, COMPARE = range(4)
CELLS = [
    "%load_ext nbbanana\nimport nbbanana as nb\nbench = nb.studio(resolution='0.5K')",
    "bench",
    "",
    "[result.edit.ask for result in (bench.results[0], nb.history[-1])], bench.session.last.origin",
]


@pytest.fixture(scope="module")
def worked(browser: Browser, lab: Lab, photo: Callable[[str], Path]) -> Path:
    """A notebook in which the Studio was used as a reader would, and saved."""
    nbformat.write(notebook_of(CELLS), lab.root / "studio.ipynb")
    with browser.open(lab, "studio.ipynb", height=1400) as page:
        page.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.run(LOAD)
        page.wait(LOAD)
        page.run(OPEN)
        page.wait(OPEN)
        form = page.page.locator(".nbb-studio")
        compose(form, photo("coffee"))
        run_and_cancel(form, page)
        work_with_results(form, page)
        copy_and_run(form, page)
        page.screenshot("lab-studio")
        saved = page.save()
        assert page.errors == []
        assert page.foreign == []
    return saved


def compose(form: Locator, picture: Path) -> None:
    """Upload a picture and write the words."""
    form.locator("input[type=file]").set_input_files(picture)
    expect(form.locator(".st-input img")).to_be_visible()
    form.get_by_label("Prompt").fill("Keep the cup unchanged. Convert the table into a washed linen cloth.")
    expect(form.locator(".st-amount")).to_have_text(re.compile(r"\$0\.07"))


def run_and_cancel(form: Locator, page: LabPage) -> None:
    """Run three times by keyboard; two run, the third waits in the queue and is cancelled there."""
    area = form.get_by_label("Prompt")
    for _ in range(3):
        area.press("Control+Enter")
    third = form.locator(".st-task").nth(2)
    expect(third).to_contain_text("in line")
    expect(third).to_contain_text("nothing is charged")
    third.get_by_role("button", name="Cancel").click()
    expect(form.locator(".st-task[data-phase=cancelled]")).to_contain_text("Cancelled in the queue")
    page.screenshot("lab-studio-waiting")
    expect(form.locator(".st-group")).to_have_count(2, timeout=60_000)
    expect(form.locator(".st-frame img[src]")).to_have_count(2)
    form.get_by_role("button", name="Dismiss").click()
    expect(form.locator(".st-task")).to_have_count(0)


def work_with_results(form: Locator, page: LabPage) -> None:
    """Use a result as an input, vary it, star it; JupyterLab's own keys leave the notebook alone."""
    tile = form.locator(".st-tile").first
    tile.click()
    form.get_by_role("button", name="Use as input").click()
    expect(form.locator(".st-input")).to_have_count(2)
    form.get_by_role("button", name="Undo").first.click()
    expect(form.locator(".st-input")).to_have_count(1)
    form.get_by_role("button", name="Vary").click()
    expect(form.locator(".st-group")).to_have_count(3, timeout=60_000)
    form.locator(".st-tile").first.click()
    for key in ("x", "s", "c"):
        page.page.keyboard.press(key)
    expect(form.locator(".st-tile").first).to_have_attribute("aria-label", re.compile(r"compare A, starred, rejected"))
    page.page.keyboard.press("x")
    expect(form.locator(".st-tile").first).to_have_attribute("aria-label", re.compile(r"compare A, starred$"))
    assert page.page.locator(".jp-Notebook .jp-Cell").count() == len(CELLS), "x cut the cell"


def copy_and_run(form: Locator, page: LabPage) -> None:
    """Copy the newest result's cell, paste it into the notebook, run it, and compare what was asked."""
    form.get_by_role("button", name="Copy cell").first.click()
    expect(form.locator(".st-toast")).to_contain_text("in the clipboard")
    page.cell(COPIED).locator(".cm-content").click()
    page.page.keyboard.press("Control+v")
    page.run(COPIED)
    page.wait(COPIED)
    page.run(COMPARE)
    expect(page.wait(COMPARE)).to_contain_text("replayed")


def test_a_copied_cell_asks_the_same(worked: Path) -> None:
    """The cell that was copied out of the form has the same ask digest as the run in the form."""
    cells = nbformat.read(worked, as_version=4).cells
    assert re.match(r"%%nbedit edit:\d+\.inputs\[0\] ", cells[COPIED].source), cells[COPIED].source
    asks, origin = eval(cells[COMPARE].outputs[0]["data"]["text/plain"])
    assert asks[0] == asks[1]
    assert origin == "replayed"


def test_a_saved_notebook_keeps_a_still(worked: Path, browser: Browser, lab: Lab) -> None:
    """Opened without its kernel, by whoever ran it or by a stranger, the results read and no error stands there."""
    saved = json.loads(worked.read_text())
    [still, live] = saved["cells"][OPEN]["outputs"]
    assert "application/vnd.jupyter.widget-view+json" not in still["data"]
    assert "history[" in "".join(still["data"]["text/plain"])
    assert set(live["data"]) == {"text/plain", "application/vnd.jupyter.widget-view+json"}
    (lab.root / "stranger.ipynb").write_text(json.dumps(saved | {"metadata": saved["metadata"] | {"title": "other"}}))
    end_kernels(lab)
    for notebook in ("studio.ipynb", "stranger.ipynb"):
        page = browser.page()
        page.goto(lab.address(notebook))
        cell = page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{OPEN}"]')
        cell.scroll_into_view_if_needed()
        cell.locator("img").first.wait_for()
        expect(cell.locator(".jp-OutputArea-child").nth(1)).not_to_contain_text("Loading widget")
        expect(cell.get_by_text("Error displaying widget")).not_to_be_visible()
        assert cell.locator(".nbb-studio").count() == 0
        page.screenshot(path=SCREENSHOTS / f"lab-saved-{notebook}.png")
        page.context.close()


def end_kernels(lab: Lab) -> None:
    """Shut every kernel down, so that what is opened next has only what was saved."""
    with httpx.Client(verify=False, params={"token": lab.token}) as client:
        for kernel in client.get(f"{lab.url}api/kernels").json():
            client.delete(f"{lab.url}api/kernels/{kernel['id']}").raise_for_status()
