"""The browser harness opens a notebook in JupyterLab, runs cells and reads what they show."""

from __future__ import annotations

import json

import nbformat
import pytest
from support.kernels import notebook_of
from support.lab import Browser, Lab

pytestmark = pytest.mark.browser


def test_a_cell_runs_and_is_saved(browser: Browser, lab: Lab) -> None:
    """A cell is run by keyboard, its output seen, the notebook saved, and nothing foreign asked for."""
    nbformat.write(notebook_of(["from IPython.display import HTML; HTML('<b>six</b>')"]), lab.root / "harness.ipynb")
    with browser.open(lab, "harness.ipynb") as page:
        page.run(0)
        assert page.wait(0).locator("b").inner_text() == "six"
        saved = json.loads(page.save().read_text())
        page.screenshot("harness")
        assert page.errors == []
        assert page.foreign == []
    assert saved["cells"][0]["outputs"][0]["data"]["text/html"] == ["<b>six</b>"]
