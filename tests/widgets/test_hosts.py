"""The forms in real JupyterLab, Notebook 7, Voilà and marimo, over a served sandbox: one journey, four hosts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import journey
from support.hosts import HOSTS, Marimo, write
from support.kernels import run_cells, text_of
from support.lab import Browser, Lab, LabPage, serve

from nbbanana.sandbox import Sandbox
from nbbanana.store import Store

pytestmark = pytest.mark.browser

STUDIO = ["import nbbanana as nb\nbench = nb.studio(resolution='0.5K')", "bench"]
COPIED = {
    False: r"%%nbedit edit:\d+\.inputs\[0\] ",
    True: r"nb\.edit\(\n    'Keep .*',\n    nb\.history\[\d+\]\.originals\[0\],\n",
}
"""How what is copied begins, in a notebook without magics and in all others."""
TELL = "from nbbanana.session import current\nprint(current().last.edit.ask, current().last.origin)"
FORMS = [
    "import nbbanana as nb\npair = nb.history[1]",
    "nb.compare(pair[0], pair[1])",
    "nb.region(pair[0])",
    "nb.history.browse()",
]
MANY = 60
"""Edits in the history that is browsed: more than are in view."""


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    """A served sandbox in which a job runs until the test says that it ends."""
    with Sandbox(duration=3600) as box:
        yield box


@pytest.fixture(scope="module")
def settings(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What every kernel of these tests finds in its environment: the sandbox's addresses and one store a host."""
    return {**box.addresses["environment"], "NBBANANA_PROVIDER": "", "NBBANANA_SANDBOX_SCALE": "0.1"}


@pytest.fixture(scope="module", params=HOSTS.values(), ids=HOSTS)
def host(
    request: pytest.FixtureRequest, settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lab]:
    """Each host in its turn, over an empty folder and an empty store beside it."""
    root = tmp_path_factory.mktemp("host") / "root"
    root.mkdir()
    with serve(root, request.param, **settings, NBBANANA_STORE=str(root.parent / "store")) as served:
        yield served


def test_from_an_upload_to_a_cell_that_asks_the_same(
    host: Lab, box: Sandbox, browser: Browser, settings: dict[str, str], photo: Callable[[str], Path]
) -> None:
    """Upload, compose, run, watch, cancel, use, vary, compare, star, copy; what was copied asks the same again."""
    cells = [f"%load_ext nbbanana\n{STUDIO[0]}", STUDIO[1], "", TELL] if host.takes_cells else STUDIO
    with browser.open(host, write(host, "studio", cells), height=1400) as page:
        page.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.run_first(len(STUDIO))
        day = journey.StudioDay(page, box)
        day.compose(photo("coffee"))
        day.run_and_cancel()
        day.work_with_results()
        day.mark_and_compare()
        number, copied = day.copy()
        assert re.match(COPIED[isinstance(host, Marimo)], copied), copied
        told = paste_and_run(page) if host.takes_cells else run_elsewhere(copied, host, settings)
        page.darken()
        page.screenshot(f"{host.name}-studio-dark")
        assert page.errors == []
        assert page.foreign == []
    with Store.open(host.root.parent / "store") as store:
        assert told.split() == [store.get(number).ask, "replayed"]


def paste_and_run(page: LabPage) -> str:
    """Paste what is in the clipboard into the cell after the Studio, run it, and give what `TELL` says then."""
    page.cell(len(STUDIO)).locator(".cm-content").click()
    page.page.keyboard.press("Control+v")
    for number in (len(STUDIO), len(STUDIO) + 1):
        page.run(number)
        shown = page.wait(number)
    page.screenshot(f"{page.lab.name}-pasted")
    return shown.inner_text()


def run_elsewhere(copied: str, host: Lab, settings: dict[str, str]) -> str:
    """Run what was copied in a kernel over the same store and the same service, and give what `TELL` says then."""
    env = {**settings, "NBBANANA_STORE": str(host.root.parent / "store")}
    cells = ["%load_ext nbbanana\nimport nbbanana as nb", copied, TELL]
    return text_of(run_cells(cells, home=host.root.parent / "kernel", env=env)[2])
