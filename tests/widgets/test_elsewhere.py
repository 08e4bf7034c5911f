"""What hosts need that no browser of these tests opens, and what marimo's threads need: each by itself."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from anywidget import _util as anywidget_util

import nbbanana as nb
from nbbanana.session import engines
from nbbanana.widgets.base import style

VIEW = "application/vnd.jupyter.widget-view+json"
COLOURS = ("page", "plane", "field", "ink", "rule", "edge", "go", "go-over", "on-go", "mark", "focus", "warn", "bad")


@pytest.fixture
def colab(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A stand-in for the module that Colab's kernels have; gives what was asked of it."""
    asked: list[str] = []
    module = SimpleNamespace(
        enable_custom_widget_manager=lambda: asked.append("widgets of others"),
        _widgets=SimpleNamespace(_installed_url="https://widgets.invalid/manager.js"),
    )
    monkeypatch.setitem(sys.modules, "google.colab.output", module)
    anywidget_util.enable_custom_widget_manager_once.cache_clear()
    yield asked
    anywidget_util.enable_custom_widget_manager_once.cache_clear()


def test_colab_is_told_once_to_load_widgets_of_others(session: nb.Session, colab: list[str]) -> None:
    """Nobody has to call `enable_custom_widget_manager`, and every shown form says where the manager is."""
    forms = [nb.studio(session=session), session.history.browse()]
    assert colab == ["widgets of others"]
    for form in forms:
        data, metadata = form._repr_mimebundle_()
        assert data[VIEW]["model_id"] == form.model_id
        assert metadata == {VIEW: {"colab": {"custom_widget_manager": {"url": "https://widgets.invalid/manager.js"}}}}
        form.close()


def test_elsewhere_a_form_is_shown_without_metadata(session: nb.Session) -> None:
    """What Colab needs is in no other notebook."""
    form = nb.studio(session=session)
    assert form._repr_mimebundle_()[1] == {}
    form.close()


@pytest.mark.parametrize("name", COLOURS)
def test_vs_code_is_asked_for_each_colour_first(name: str) -> None:
    """Its widget host defines light colours of JupyterLab in dark themes, too: those may only be second."""
    [value] = re.findall(rf"--nbb-{name}: (.*);", style())
    assert value.startswith("var(--vscode-")


@pytest.fixture
def marimo(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for marimo, which says yes only in the thread that runs its cells, as the real one does."""
    cells = threading.current_thread()
    stand_in = SimpleNamespace(running_in_notebook=lambda: threading.current_thread() is cells)
    monkeypatch.setitem(sys.modules, "marimo", stand_in)
    monkeypatch.setattr(engines, "_is_marimo", False)


@pytest.mark.usefixtures("marimo")
def test_marimo_is_known_in_every_thread_once_a_form_was_opened(session: nb.Session) -> None:
    """The desk and the engine ask too, and without marimo's yes they would not fall back to the sandbox."""
    form = nb.studio(session=session)
    told: list[bool] = []
    asking = threading.Thread(target=lambda: told.append(engines.in_kernel()))
    asking.start()
    asking.join()
    assert told == [True]
    assert form.is_python_alone
    form.close()


def test_the_python_of_a_form_asks_what_the_form_asks(session: nb.Session, photo: Callable[[str], Path]) -> None:
    """Files, outputs and uploads are named so that the code has the same ask digest as the form's own request."""
    upload = photo("coffee").read_bytes()
    first = session.edit("Make it dusk.", upload, resolution="0.5K", seed=1)
    pictures = [first[0], photo("chelsea"), upload]
    form = nb.studio(pictures, prompt="Make it snow.", resolution="0.5K", seed=7, session=session)
    with session:
        again = eval(form.code(), {"nb": nb})
    assert again.record.ask == form.state.form.request(session).ask
    form.close()
