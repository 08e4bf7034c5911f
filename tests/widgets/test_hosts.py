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
COPIED, ASKED = 2, 3
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
    cells = [*STUDIO, "", TELL] if host.takes_cells else STUDIO
    with browser.open(host, write(host, "studio", cells), height=1400) as page:
        page.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.run_first(2)
        day = journey.StudioDay(page, box)
        day.compose(photo("coffee"))
        day.run_and_cancel()
        day.work_with_results()
        day.mark_and_compare()
        number, copied = day.copy()
        assert page.errors == []
        assert page.foreign == []
    with Store.open(host.root.parent / "store") as store:
        asked = store.get(number).ask
    print(copied, asked)
