"""Hostile words in a trusted notebook, in every output and form: nothing runs, now and when it is opened again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Dialog
from support.kernels import notebook_of
from support.lab import Browser, Lab, LabPage
from support.outputs import payloads
from support.tiers import SCALE, sampled

pytestmark = [pytest.mark.browser, pytest.mark.nightly, pytest.mark.timeout(1200)]

NOTEBOOK = "hostile.ipynb"
TESTS = Path(__file__).parents[1]
SURFACES = ("results", "tracebacks", "pages", "lists", "recovered")
MANY = len(sampled(payloads()))
HALVES = ((0, MANY // 2), (MANY // 2, MANY))
FORMS = {
    "studio": "nb.studio(session=hostile.kept)",
    "compare": "nb.compare(*map(named, ('a', 'b')))",
    "region": "nb.region(named('a'))",
    "browser": "hostile.kept.history.browse()",
    "voting": "hostile.sweep.vote()",
}
SETUP = f"""
import os, sys
os.environ["NBBANANA_SCALE"] = "{SCALE}"
sys.path.insert(0, {str(TESTS)!r})
import nbbanana as nb
from pathlib import Path
from support.hostile import Hostile, named
hostile = Hostile(Path("hostile"))
"""
CONTROL = """
from IPython.display import HTML
HTML("<img src=x onerror=\\"__xss('control')\\"><p>shown</p>")
"""
OUTPUT_CELLS = ["hostile.grids()", "hostile.failures()", "hostile.stills()", "hostile.sweeps()"]
OUTPUT_CELLS += [f"hostile.{surface}({first}, {last})" for surface in SURFACES for first, last in HALVES]
FORM_CELLS = [
    cell for name, make in FORMS.items() for cell in (f"{name} = {make}\n{name}", f"hostile.feed_{name}({name})")
]
CONTROL_CELL = 1
CELLS = [SETUP.strip(), CONTROL.strip(), *OUTPUT_CELLS, *FORM_CELLS]

# Chromium lets a page write to the clipboard some seconds after a key only, and a loaded machine needs longer.
NO_CLIPBOARD = "navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed'))"

DANGEROUS = """
root => {
  const found = [];
  for (const one of root.querySelectorAll(".jp-OutputArea-output, .jp-OutputArea-output *")) {
    const names = [...one.attributes].map((a) => a.name);
    if (names.some((name) => name.startsWith("on"))) found.push(one);
    else if (one.matches("script, iframe, object, embed, base, meta, link, form, portal")) found.push(one);
    else if (/^\\s*(java|vb)script:/i.test(one.getAttribute("href") ?? one.getAttribute("src") ?? "")) found.push(one);
    else if (one.matches("mjx-container, .MathJax")) found.push(one);
  }
  return found.map((one) => one.outerHTML.slice(0, 200));
}
"""
"""Elements of outputs that words could only have made: nothing of nbbanana has any."""


@dataclass
class Watch:
    """What a page did that it should not: calls of the canary, dialogs, requests to elsewhere."""

    calls: list[Any] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    @contextmanager
    def opened(self, browser: Browser, lab: Lab) -> Iterator[LabPage]:
        """The notebook, watched from before its first output is there."""
        page = browser.page(height=1400)
        page.context.add_init_script(NO_CLIPBOARD)
        page.context.expose_binding("__xss", lambda _, *said: self.calls.extend(said))
        page.on("dialog", self._dismiss)
        opened = LabPage(page, lab, NOTEBOOK)
        opened.load()
        try:
            yield opened
            assert opened.foreign == []
        finally:
            page.context.close()

    def _dismiss(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()


def look(page: LabPage, number: int) -> None:
    """Scroll to a cell; what stands in it has no element that words made, and no output that was left out."""
    output = page.cell(number).locator(".jp-Cell-outputArea")
    output.locator(".jp-OutputArea-output").first.wait_for(state="attached")
    found = output.evaluate(DANGEROUS)
    assert found == [], CELLS[number]
    assert "jinja2" not in (output.text_content() or ""), f"{CELLS[number]} could not be rendered"


@pytest.fixture(scope="module")
def all_outputs(lab: Lab) -> Iterator[None]:
    """JupyterLab shows all outputs of a cell, not the first fifty."""
    with lab.setting("@jupyterlab/notebook-extension:tracker", maxNumberOutputs=5000):
        yield


@pytest.fixture(scope="module")
def watched(browser: Browser, lab: Lab, all_outputs: None) -> Watch:
    """The notebook run cell by cell in JupyterLab and looked at, then saved."""
    nbformat.write(notebook_of(CELLS), lab.root / NOTEBOOK)
    watch = Watch()
    with watch.opened(browser, lab) as page:
        for number, source in enumerate(CELLS):
            page.run(number)
            page.wait(number, seconds=400)  # hundreds of payloads a cell, on whatever machine
            if source.startswith(tuple(FORMS)):
                page.page.locator(f".nbb-{source.split()[0]}").wait_for()
            elif number > CONTROL_CELL:
                if "feed_studio" in source:
                    page.page.get_by_role("dialog", name="The cell of").get_by_role("button", name="Close").click()
                look(page, number - 1 if "feed" in source else number)
        page.save()
        page.screenshot("lab-hostile")
    return watch


def test_nothing_runs_where_it_is_made(watched: Watch) -> None:
    """Of all payloads in all places, only the control, which is markup on purpose, called the canary."""
    assert watched.calls == ["control"]
    assert watched.dialogs == []


def test_nothing_runs_where_it_is_opened_again(watched: Watch, browser: Browser, lab: Lab) -> None:
    """Saved, trusted and opened again, the outputs are there, and again only the control runs."""
    again = Watch()
    with again.opened(browser, lab) as page:
        for number, source in enumerate(CELLS):
            if "feed" not in source and number > CONTROL_CELL:
                look(page, number)
    assert again.calls == ["control"]
    assert again.dialogs == []
