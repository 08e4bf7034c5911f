"""An IPython shell in this process whose cells raise, with the extension loaded, and what it showed."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
from PIL import Image
from traitlets import List
from traitlets.config import Config


class Recorder(DisplayPublisher):
    """A publisher that keeps what is shown: displays by their order, an update in the place of what it replaces."""

    displays = List()

    def publish(self, data: Any, metadata: Any = None, source: Any = None, **more: Any) -> None:
        """Keep it."""
        display_id = (more.get("transient") or {}).get("display_id", object())
        if more.get("update"):
            place = next(n for n, (known, _) in enumerate(self.displays) if known == display_id)
            self.displays[place] = (display_id, data)
        else:
            self.displays.append((display_id, data))


class StrictShell(InteractiveShell):
    """A shell whose `run_cell` raises what the cell raised."""

    def run_cell(self, *args: Any, **kwargs: Any) -> ExecutionResult:
        """Run, and raise."""
        result = super().run_cell(*args, **kwargs)
        result.raise_error()
        return result

    @property
    def shown(self) -> list[dict[str, Any]]:
        """What cells displayed, as MIME bundles; the values that the display hook showed are not among them."""
        return [data for _, data in self.display_pub.displays]

    def text_shown(self) -> str:
        """The texts of what cells displayed."""
        return "\n".join(data["text/plain"] for data in self.shown)


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paint: str) -> Iterator[StrictShell]:
    """A shell without the extension, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NBBANANA_PROVIDER", "sandbox")
    # Doctests leave Python's own `_` behind, and IPython does not set its own where there is one.
    monkeypatch.delattr(builtins, "_", raising=False)
    config = Config()
    config.HistoryManager.enabled = False
    config.StrictShell.colors = "nocolor"
    shell = StrictShell.instance(config=config)
    shell.display_pub = Recorder(shell=shell)
    yield shell
    shell.restore_sys_module_state()
    StrictShell.clear_instance()


@pytest.fixture
def shell(bare: StrictShell) -> Iterator[StrictShell]:
    """A shell with the extension and a small picture in `table`."""
    bare.run_cell("%load_ext nbbanana")
    bare.user_ns["table"] = Image.linear_gradient("L").resize((60, 40)).convert("RGB")
    yield bare
    bare.run_cell("%unload_ext nbbanana")


@pytest.fixture
def notebook(shell: StrictShell) -> StrictShell:
    """The same shell, taken for a notebook's: it has a kernel, and displays can be replaced."""
    shell.kernel = object()
    return shell
