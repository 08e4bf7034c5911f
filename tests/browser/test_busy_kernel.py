"""A form in JupyterLab while a cell runs and after the kernel was restarted: it says so, and recovers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import nbformat
import pytest
from playwright.sync_api import Locator, expect
from support.form_pages import unfold
from support.kernels import notebook_of
from support.lab import Browser, Lab, LabPage

pytestmark = [pytest.mark.browser, pytest.mark.nightly]

WORDS = "Keep the cup unchanged. Convert the table into a washed linen cloth."
OPEN, BUSY, LOOK = range(3)
CELLS = [
    "import nbbanana as nb\nbench = nb.studio(nb.samples.still_life(), resolution='0.5K')\nbench",
    "import time\nfrom pathlib import Path\nwhile not Path('go').exists():\n    time.sleep(0.05)",
    "bench.prompt, sorted(bench.parameters), len(bench.results)",
]


def test_a_form_works_while_a_cell_runs(browser: Browser, lab: Lab) -> None:
    """Where messages of widgets have a thread of their own in the kernel, a cell that runs is in nobody's way."""
    with busied(browser, lab, "works.ipynb") as (page, form):
        form.get_by_label("Prompt").press("Control+Enter")
        expect(form.locator(".st-group")).to_have_count(1, timeout=60_000)
        expect(form.locator(".st-waits")).to_be_hidden()
        assert page.is_busy(BUSY)


def test_a_busy_kernel_is_named_and_catches_up(browser: Browser, lab: Lab) -> None:
    """Where they have not, the form says that a cell keeps the kernel; what was done meanwhile is done after it."""
    with (
        lab.setting("@jupyterlab/apputils-extension:kernels-settings", commsOverSubshells="disabled"),
        busied(browser, lab, "busy.ipynb") as (page, form),
    ):
        form.get_by_label("Prompt").press("Control+Enter")
        expect(form.locator(".st-waits")).to_contain_text("busy with a cell")
        assert page.is_busy(BUSY)
        (lab.root / "busy.ipynb.go").touch()
        page.wait(BUSY)
        page.cell(OPEN)
        expect(form.locator(".st-waits")).to_be_hidden()
        expect(form.locator(".st-group")).to_have_count(1, timeout=60_000)
        expect(form.get_by_label("Prompt")).to_have_value(WORDS)
        page.run(LOOK)
        expect(page.wait(LOOK)).to_contain_text(f"('{WORDS}', ['resolution', 'seed'], 1)")


@contextmanager
def busied(browser: Browser, lab: Lab, notebook: str) -> Iterator[tuple[LabPage, Locator]]:
    """A Studio in a notebook of which another cell runs, until a file is there; words and a seed are on it."""
    cells = [CELLS[OPEN], CELLS[BUSY].replace("'go'", f"'{notebook}.go'"), CELLS[LOOK]]
    nbformat.write(notebook_of(cells), lab.root / notebook)
    with browser.open(lab, notebook, height=1400) as page:
        page.run(OPEN)
        page.wait(OPEN)
        form = page.page.locator(".nbb-studio")
        expect(form.locator(".st-amount")).to_have_text(re.compile(r"\$"))
        page.run(BUSY)
        page.cell(OPEN)
        form.get_by_label("Prompt").fill(WORDS)
        unfold(form)
        form.get_by_role("button", name="Roll a seed").click()
        yield page, form
        (lab.root / f"{notebook}.go").touch()
        assert page.errors == []


def test_a_restarted_kernel_is_named_and_the_words_are_kept(browser: Browser, lab: Lab) -> None:
    """Once the kernel is restarted the form says so; its cell, run again, gives one with the words, and it works."""
    nbformat.write(notebook_of(CELLS), lab.root / "restarted.ipynb")
    with browser.open(lab, "restarted.ipynb", height=1400) as page:
        page.run(OPEN)
        page.wait(OPEN)
        form = page.page.locator(".nbb-studio")
        form.get_by_label("Prompt").fill(WORDS)
        expect(form.locator(".st-amount")).to_have_text(re.compile(r"\$"))
        restart(page)
        waits = form.locator(".st-waits")
        expect(waits).to_contain_text("The kernel restarted")
        unfold(form)
        form.get_by_role("button", name="Roll a seed").click()
        expect(waits).to_contain_text("Run this cell again")
        expect(form.get_by_label("Prompt")).to_have_value(WORDS)
        page.run(OPEN)
        page.wait(OPEN)
        expect(form.locator(".st-toast")).to_contain_text("Your prompt from before the restart is back.")
        expect(form.get_by_label("Prompt")).to_have_value(WORDS)
        expect(waits).to_be_hidden()
        runs_in_the_end(page, form)
        page.run(LOOK)
        expect(page.wait(LOOK)).to_contain_text(WORDS)


def runs_in_the_end(page: LabPage, form: Locator) -> None:
    """
    Run the form; where the kernel drops what it says, its cell once more, as the form advises.

    After a restart JupyterLab may still address a thread of the kernel that was before, and nobody hears that.
    """
    form.get_by_label("Prompt").press("Control+Enter")
    with suppress(AssertionError):
        expect(form.locator(".st-group")).to_have_count(1, timeout=20_000)
        return
    expect(form.locator(".st-waits")).to_contain_text("run this cell again")
    page.run(OPEN)
    page.wait(OPEN)
    form.get_by_label("Prompt").fill(WORDS)
    form.get_by_label("Prompt").press("Control+Enter")
    expect(form.locator(".st-group")).to_have_count(1, timeout=60_000)


def restart(page: LabPage) -> None:
    """Restart the kernel of a notebook by JupyterLab's menu."""
    page.page.evaluate("void jupyterapp.commands.execute('kernelmenu:restart')")
    page.page.locator(".jp-Dialog").get_by_role("button", name="Confirm Kernel Restart").click()
