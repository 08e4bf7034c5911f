"""A diff and a comparison in JupyterLab with a real kernel: the same sentence live, saved, and opened by others."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from PIL import Image
from playwright.sync_api import expect
from support.kept_pictures import png
from support.kernels import notebook_of
from support.lab import Browser, Lab, LabPage
from support.measuring.edits import pair_of
from support.measuring.photographs import photograph

pytestmark = [pytest.mark.browser, pytest.mark.nightly]

SENTENCE = "The upper-right corner redrawn."
EDITS = """for word in ('rainy', 'snowy'):
    nb.edit(f'Make it a {word} street.', 'before.png', seed=7, resolution='0.5K')"""
CELLS = [
    "import nbbanana as nb",
    "nb.diff('before.png', 'after.png')",
    "nb.compare('before.png', 'after.png')",
    EDITS,
    "%load_ext nbbanana\n%nbhistory --diff 1 2",
]
DIFF, COMPARE, LINE = 1, 2, 4
DECODED = "all => all.filter(one => one.naturalWidth > 0 && one.offsetWidth > 0).map(one => one.alt)"


@pytest.fixture(scope="module")
def worked(browser: Browser, lab: Lab) -> Path:
    """The notebook, run and saved."""
    before = pair_of(photograph("astronaut")).before
    after = before.copy()
    size = (round(before.width * 0.28), round(before.height * 0.28))
    after.paste(photograph("coffee").resize(size), (before.width - size[0], 0))
    for name, picture in (("before", before), ("after", after)):
        assert isinstance(picture, Image.Image)
        (lab.root / f"{name}.png").write_bytes(png(picture))
    nbformat.write(notebook_of(CELLS), lab.root / "diff.ipynb")
    with browser.open(lab, "diff.ipynb", width=1440, height=900) as page:
        page.run_first(len(CELLS))
        look_at_the_diff(page)
        use_the_form(page)
        expect(page.cell(LINE)).to_contain_text("rainy snowy")
        page.cell(DIFF).evaluate("one => one.scrollIntoView()")
        page.screenshot("diff")
        saved = page.save()
        assert page.errors == []
        assert page.foreign == []
    return saved


def look_at_the_diff(page: LabPage) -> None:
    """It shows three pictures, the sentence and the figures."""
    output = page.cell(DIFF).locator(".jp-Cell-outputArea")
    expect(output).to_contain_text(SENTENCE)
    alts = output.locator("img").evaluate_all(DECODED)
    assert [alt.partition(" ")[0] for alt in alts] == ["Before:", "After:", "Where", "to"]
    for figure in ("moved", "recoloured", "redrawn"):
        expect(output).to_contain_text(figure)


def use_the_form(page: LabPage) -> None:
    """The kernel measures for it; the heat map is laid over by its key."""
    form = page.cell(COMPARE).locator(".nbb-compare")
    expect(form.locator(".cp-sentence")).to_contain_text(SENTENCE)
    form.locator(".cp-pane").first.press("h")
    expect(form.get_by_role("button", name="Heat map")).to_have_attribute("aria-pressed", "true")
    expect(form.get_by_alt_text("B: where it changed")).to_have_js_property("complete", True)
    page.screenshot("compare-heat")


def test_a_diff_and_a_comparison_say_the_same_in_a_notebook(worked: Path) -> None:
    """What is saved of both has the sentence and the figures, as text and as HTML."""
    cells = nbformat.read(worked, as_version=4).cells
    for number in (DIFF, COMPARE):
        data = cells[number].outputs[0].data
        assert SENTENCE in data["text/plain"]
        assert SENTENCE in data["text/html"]
        assert re.search(r"redrawn +elsewhere: 0\.\d\d", data["text/plain"])
    assert "[-rainy-]{+snowy+}" in cells[LINE].outputs[-1].data["text/plain"]


def test_whoever_opens_the_notebook_without_its_kernel_sees_what_changed(
    worked: Path, browser: Browser, lab: Lab
) -> None:
    """Untrusted, in a page of its own: sentences and pictures are there, none without a text."""
    notebook = nbformat.read(worked, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell("'another file, so that nobody trusts it'"))
    nbformat.write(notebook, lab.root / "diff-untrusted.ipynb")
    with browser.open(lab, "diff-untrusted.ipynb", width=1440, height=900) as page:
        for number in (DIFF, COMPARE):
            output = page.cell(number).locator(".jp-Cell-outputArea")
            expect(output).to_contain_text(SENTENCE)
            alts = output.locator("img").evaluate_all(DECODED)
            assert len(alts) == 4
            assert all(alts)
        page.screenshot("diff-untrusted")
        page.darken()
        page.screenshot("diff-dark")
        assert page.errors == []
