"""`%%nbedit` in a real JupyterLab: progress, the grid, other widgets while it waits, and the notebook opened again."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect
from support.kernels import notebook_of
from support.lab import Browser, Lab, LabPage

pytestmark = pytest.mark.browser

LOAD, BUTTON, EDIT, AFTER = range(4)
BUTTON_CELL = """
import ipywidgets
button = ipywidgets.Button(description="Press me")
button.on_click(lambda pressed: setattr(pressed, "description", "Was pressed"))
button
"""
EDIT_CELL = """
%%nbedit night << table -n 4 --seed 7
Keep the three objects and the table unchanged. Convert the background into a rainy neon street.
"""
CELLS = [
    "%load_ext nbbanana\nimport nbbanana as nb\ntable = nb.samples.still_life()",
    BUTTON_CELL.strip(),
    EDIT_CELL.strip(),
    "len(night), night.provider",
]
SHOWN = "all => all.filter(one => one.naturalWidth > 0 && one.offsetWidth > 0).map(one => one.alt)"
BUSY = re.compile(r"Queued|Running")


@pytest.fixture(scope="module")
def worked(browser: Browser, lab: Lab) -> Path:
    """A notebook whose cells were run one after the other in JupyterLab, looked at on the way, and saved."""
    nbformat.write(notebook_of(CELLS), lab.root / "worked.ipynb")
    with browser.open(lab, "worked.ipynb") as page:
        page.run(LOAD)
        page.wait(LOAD)
        page.run(BUTTON)
        page.wait(BUTTON)
        watch_an_edit(page)
        page.run(AFTER)
        expect(page.wait(AFTER)).to_contain_text("(4, 'sandbox')")
        saved = page.save()
        assert page.errors == []
        assert page.foreign == []
    return saved


def watch_an_edit(page: LabPage) -> None:
    """Run the edit; while it waits, see how it stands and press a button; then see the grid."""
    output = page.run(EDIT)
    expect(output).to_contain_text(BUSY)
    page.screenshot("lab-progress")
    page.page.get_by_role("button", name="Press me").click()
    expect(page.page.get_by_role("button", name="Was pressed")).to_be_visible()
    assert page.is_busy(EDIT), "the click was handled, but only after the cell had ended"
    page.wait(EDIT)
    assert len(seen_pictures(page)) >= 4
    page.screenshot("lab-grid")


def seen_pictures(page: LabPage) -> list[str]:
    """The alternative texts of the pictures of the edit that are decoded and shown."""
    return page.cell(EDIT).locator(".jp-Cell-outputArea img").evaluate_all(SHOWN)


def test_progress_the_grid_and_a_click_while_the_cell_waits(worked: Path) -> None:
    """The cell shows how it stands, lets another widget's click through, ends in a grid, and is saved with it."""
    cell = nbformat.read(worked, as_version=4).cells[EDIT]
    [output] = cell.outputs
    assert output.output_type == "display_data"
    assert {"text/plain", "text/html"} <= set(output.data)
    assert "night[3]" in output.data["text/html"]
    assert not BUSY.search(output.data["text/plain"])


@pytest.mark.nightly
def test_the_grid_is_there_in_an_untrusted_notebook(worked: Path, browser: Browser, lab: Lab) -> None:
    """Opened by somebody who did not run it, scripts stay silent; the pictures show, each with its text."""
    notebook = nbformat.read(worked, as_version=4)
    probe = nbformat.v4.new_output("display_data", {"text/html": "<script>document.title = 'ran'</script><b>probe</b>"})
    notebook.cells.append(nbformat.v4.new_code_cell("'a probe: does a script run here?'", outputs=[probe]))
    nbformat.write(notebook, lab.root / "untrusted.ipynb")
    with browser.open(lab, "untrusted.ipynb") as page:
        expect(page.cell(len(CELLS)).locator("b")).to_have_text("probe")
        assert page.page.title() != "ran"
        alternatives = seen_pictures(page)
        page.screenshot("lab-untrusted")
        page.darken()
        page.screenshot("lab-dark")
        assert page.errors == []
    assert len(alternatives) >= 4
    assert all(alternatives)


@pytest.mark.nightly
def test_the_executed_page_reads_in_a_browser(browser: Browser, worked: Path, tmp_path: Path) -> None:
    """nbconvert's HTML page of the notebook shows the pictures too, without asking another machine for them."""
    from nbconvert import HTMLExporter

    body, _ = HTMLExporter().from_filename(str(worked))
    (tmp_path / "page.html").write_text(body, "utf-8")
    page = browser.page()
    page.context.set_offline(True)
    page.goto((tmp_path / "page.html").as_uri(), wait_until="domcontentloaded")
    shown = page.locator("img").evaluate_all("all => all.filter(one => one.naturalWidth > 0).length")
    page.context.close()
    assert shown >= 4
