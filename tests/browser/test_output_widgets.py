"""An edit inside an ipywidgets `Output` in a real JupyterLab: progress, then the grid, which its updates never were."""

from __future__ import annotations

import re

import nbformat
import pytest
from playwright.sync_api import expect
from support.kernels import notebook_of
from support.lab import Browser, Lab

pytestmark = [pytest.mark.browser, pytest.mark.nightly]

CELLS = [
    "%load_ext nbbanana\nimport ipywidgets\nimport nbbanana as nb\ntable = nb.samples.still_life()",
    "out = ipywidgets.Output()\nout",
    "with out:\n    print('printed before')\n    %nbedit night << table -n 2 --seed 7 -p 'Make it night.'\n",
    (
        "button = ipywidgets.Button(description='Go')\nbox = ipywidgets.Output()\ndef go(_):\n    with box:\n"
        "        get_ipython().run_line_magic('nbedit', 'rain << table -p rain')\n"
        "button.on_click(go)\nipywidgets.VBox([button, box])"
    ),
]
BUSY, DONE = re.compile("Queued|Running"), re.compile("in play money")


def test_the_grid_arrives_in_an_output_of_a_cell_and_of_a_button(browser: Browser, lab: Lab) -> None:
    """What was printed before stays; the progress is gone when the grid is there; nothing is shown beside it."""
    nbformat.write(notebook_of(CELLS), lab.root / "outputs.ipynb")
    with browser.open(lab, "outputs.ipynb") as page:
        page.run_first(2)
        page.run(2)
        out, box = page.cell(1), page.cell(3)
        expect(out).to_contain_text(BUSY, timeout=30_000)
        page.wait(2)
        expect(out).to_contain_text(DONE, timeout=30_000)
        expect(out).to_contain_text("printed before")
        expect(out).not_to_contain_text(BUSY)
        assert page.cell(2).locator("img").count() == 0
        page.run(3)
        page.wait(3)
        box.get_by_role("button", name="Go").click()
        expect(box).to_contain_text(DONE, timeout=60_000)
        expect(box).not_to_contain_text(BUSY)
        assert page.errors == []
