"""What is left of a Studio in a notebook that was saved in JupyterLab."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import nbformat
import pytest
from playwright.sync_api import expect
from support.kernels import notebook_of
from support.lab import SCREENSHOTS, Browser, Lab

pytestmark = [pytest.mark.browser, pytest.mark.nightly]

OPEN = 2
CELLS = [
    "import nbbanana as nb",
    "bench = nb.studio(nb.samples.still_life(), prompt='Make it snow.', resolution='0.5K')",
    "bench",
    "bench.run().result();",
]


@pytest.fixture(scope="module")
def worked(browser: Browser, lab: Lab) -> Path:
    """A notebook in which the Studio made a picture, and saved."""
    nbformat.write(notebook_of(CELLS), lab.root / "studio.ipynb")
    with browser.open(lab, "studio.ipynb", height=1400) as page:
        page.run_first(len(CELLS))
        page.page.locator(".nbb-studio .st-frame img[src]").wait_for()
        saved = page.save()
        assert page.errors == []
        assert page.foreign == []
    return saved


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
