"""The forms in real JupyterLab, Notebook 7, Voilà and marimo, over a served sandbox: one journey, four hosts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect
from support import journey
from support.histories import fill
from support.hosts import HOSTS, Marimo, write
from support.kernels import run_cells, text_of
from support.lab import Browser, Lab, LabPage, serve

from nbbanana.sandbox import Sandbox
from nbbanana.store import Store

pytestmark = [pytest.mark.browser, pytest.mark.nightly]

STUDIO = ["import nbbanana as nb\nbench = nb.studio(resolution='0.5K')", "bench"]
COPIED = {
    False: r"%%nbedit edit:\d+\.inputs\[0\] ",
    True: r"nb\.edit\(\n    'Keep .*',\n    nb\.history\[\d+\]\.originals\[0\],\n",
}
"""How what is copied begins, in a notebook without magics and in all others."""
TELL = "from nbbanana.session import current\nprint(current().last.record.ask, current().last.origin)"
DARK = "form => getComputedStyle(form).colorScheme"
MANY = 300
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


@pytest.fixture(scope="module", params=list(HOSTS))
def host(
    request: pytest.FixtureRequest, settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lab]:
    """Each host in its turn, over an empty folder and an empty store beside it."""
    root = tmp_path_factory.mktemp("host") / "root"
    root.mkdir()
    with serve(root, HOSTS[request.param], **settings, NBBANANA_STORE=str(root.parent / "store")) as served:
        yield served


@pytest.fixture(scope="module")
def heavy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of 5.2 MB, which is under what the form scales and over what hosts have been known to lose."""
    file = tmp_path_factory.mktemp("heavy") / "noise.png"
    noise = np.random.default_rng(0).integers(0, 255, (1200, 1450, 3), dtype=np.uint8)
    Image.fromarray(noise).save(file)
    assert 5e6 < file.stat().st_size < 6 * 2**20
    return file


def test_from_an_upload_to_a_cell_that_asks_the_same(
    host: Lab, box: Sandbox, browser: Browser, settings: dict[str, str], photo: Callable[[str], Path], heavy: Path
) -> None:
    """Upload, run, cancel, use, vary, enlarge, download, compare, star, copy; what was copied asks the same again."""
    cells = [f"%load_ext nbbanana\n{STUDIO[0]}", STUDIO[1], "", TELL] if host.takes_cells else STUDIO
    with browser.open(host, write(host, "studio", cells), height=1400) as page:
        page.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.run_first(len(STUDIO))
        many = page.cells.count()
        day = journey.StudioDay(page, box)
        day.upload_and_take_back(heavy)
        day.compose(photo("coffee"))
        day.run_and_cancel()
        day.work_with_results()
        name, downloaded = day.look_closely()
        day.mark_and_compare()
        number, copied = day.copy()
        assert page.cells.count() == many, "x cut a cell"
        assert re.match(COPIED[isinstance(host, Marimo)], copied), copied
        told = paste_and_run(page) if host.takes_cells else run_elsewhere(copied, host, settings)
        page.darken()
        page.screenshot(f"{host.name}-studio-dark")
        assert page.errors == []
        assert page.foreign == []
    with Store.open(host.root.parent / "store") as store:
        made = {
            f"edit-{edit.id}-0.png": store.blob_path(edit.outputs[0].sha256)
            for edit in store.filter(limit=9)
            if edit.outputs
        }
        assert downloaded == made[name].read_bytes(), "what was downloaded is the picture's own file"
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


def test_the_other_forms_show_themselves_and_work(
    host: Lab, browser: Browser, photo: Callable[[str], Path], tmp_path: Path
) -> None:
    """In one notebook: a divider is dragged, a box drawn, a history browsed, a picture seen large and downloaded."""
    store = fill(tmp_path / "filled", MANY, [*range(60), *range(MANY - 60, MANY)])
    with Store.open(store) as opened:
        opened.annotate(1, starred=False)
    cells = [
        f"import nbbanana as nb\nsession = nb.Session(provider='sandbox', store={str(store)!r})",
        f"nb.compare({str(photo('coffee'))!r}, {str(photo('chelsea'))!r})",
        f"nb.region({str(photo('portrait'))!r})",
        "session.history.browse()",
        "nb.view(session.history[1])",
    ]
    with browser.open(host, write(host, "forms", cells), height=1400) as page:
        page.run_first(len(cells))
        journey.compare(page.cell(1).locator(".nbb-compare"), page)
        page.screenshot(f"{host.name}-compare")
        journey.draw(page.cell(2).locator(".nbb-region"), page)
        page.screenshot(f"{host.name}-region")
        journey.browse(page.cell(3).locator(".nbb-browser"), page, MANY)
        page.screenshot(f"{host.name}-browser")
        if host.takes_cells:
            page.page.keyboard.press("Escape")
            expect(page.cell(3)).to_be_focused()
        name, downloaded = journey.see_large(page.cell(4).locator(".nbb-viewer"), page)
        page.darken()
        for number, kind in enumerate(("compare", "region", "browser", "viewer"), 1):
            form = page.cell(number).locator(f".nbb-{kind}")
            form.locator("img[src]").first.scroll_into_view_if_needed()
            page.screenshot(f"{host.name}-{kind}-dark")
            assert form.evaluate(DARK) == "dark"
        assert page.errors == []
        assert page.foreign == []
    with Store.open(store) as opened:
        first = opened.get(1)
        assert first.starred
        assert (name, downloaded) == ("edit-1-0.png", opened.blob_path(first.outputs[0].sha256).read_bytes())
