"""Restart and Run All in JupyterLab, whose cells have ids: everything is answered from the store."""

from __future__ import annotations

import re

import nbformat
import pytest
from playwright.sync_api import expect
from support.kernels import notebook_of
from support.lab import Browser, Lab

pytestmark = [pytest.mark.browser, pytest.mark.nightly]

CELLS = [
    (
        "%load_ext nbbanana\n%nbstore again\nimport os\nimport nbbanana as nb\nfrom PIL import Image\n"
        "table = Image.linear_gradient('L').resize((60, 40)).convert('RGB')"
    ),
    "%%nbedit one << table\nMake it rain.",
    "%%nbedit two << table\nMake it rain.",
    "for _ in range(3):\n    %nbedit table -p 'Make it rain.' -q",
    "three = nb.edit('Make it rain.', table)",
    "print(len(nb.history), one.id, two.id, three.id, 'in', os.getpid())",
]


def test_restart_and_run_all_pays_nothing(browser: Browser, lab: Lab) -> None:
    """Two cells of one text, a loop and a call without a seed; a cell that is run once more asks for a new sample."""
    nbformat.write(notebook_of(CELLS), lab.root / "again.ipynb")
    with browser.open(lab, "again.ipynb") as page:
        page.page.evaluate("void jupyterapp.commands.execute('runmenu:run-all')")
        last = page.cell(len(CELLS) - 1).locator(".jp-Cell-outputArea")
        expect(last).to_contain_text(re.compile(r"6 1 2 6 in \d+"), timeout=60_000)
        first_kernel = last.inner_text().split()[-1]
        page.page.evaluate("void jupyterapp.commands.execute('runmenu:restart-and-run-all')")
        page.page.locator(".jp-Dialog").get_by_role("button", name="Confirm Kernel Restart").click()
        expect(last).to_contain_text(re.compile(rf"6 1 2 6 in (?!{first_kernel}\b)\d+"), timeout=60_000)
        page.run(1)
        expect(page.cell(1).locator(".jp-Cell-outputArea")).to_contain_text("history[7]")
        assert page.errors == []
