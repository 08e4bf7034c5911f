"""
Where else forms are opened: Notebook 7, Voilà and marimo, as real servers in front of the same browser.

    with serve(folder, Voila) as host: host.write("bench", cells); browser.open(host, "bench").run_first(2)()
"""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

import nbformat
from playwright.sync_api import Locator

from support.kernels import notebook_of
from support.lab import SERVER_OPTIONS, Lab, LabPage

__all__ = ["HOSTS", "Marimo", "Notebook", "Voila", "write"]


def write(host: Lab, stem: str, cells: Sequence[str]) -> str:
    """Write cells as a notebook of that host; gives its file name."""
    if isinstance(host, Marimo):
        (host.root / f"{stem}.py").write_text(_marimo_of(cells), "utf-8")
        return f"{stem}.py"
    nbformat.write(notebook_of(cells), host.root / f"{stem}.ipynb")
    return f"{stem}.ipynb"


# ── Notebook 7 ──────────────────────────────────────────────────────────────────────────────────────────────


class NotebookPage(LabPage):
    """A notebook in Notebook 7, which is made of JupyterLab's parts."""

    # Notebook 7.6 says this of itself while it starts.
    noise = re.compile(r"Cannot read properties of undefined \(reading 'schema'\)")

    def ready(self) -> None:
        """Wait until its kernel is idle."""
        self.page.locator(".jp-Notebook .jp-Cell").first.wait_for()
        kernel = "jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel"
        self.page.wait_for_function(f"{kernel}?.connectionStatus === 'connected' && {kernel}.status === 'idle'")


@dataclass(frozen=True)
class Notebook(Lab):
    """Notebook 7."""

    name = "notebook"

    @classmethod
    def command(cls, root: Path, token: str) -> list[str]:
        """What starts it, after `python -m`."""
        own = ["notebook", "--JupyterNotebookApp.expose_app_in_browser=True"]
        return [*own, *SERVER_OPTIONS, f"--ServerApp.root_dir={root}", f"--IdentityProvider.token={token}"]

    @property
    def pages(self) -> type[LabPage]:
        """What its pages are."""
        return NotebookPage

    def address(self, notebook: str) -> str:
        """The page of a notebook."""
        return f"{self.url}notebooks/{notebook}?token={self.token}"


# ── Voilà ───────────────────────────────────────────────────────────────────────────────────────────────────


class VoilaPage(LabPage):
    """A notebook in Voilà, which ran it before there was a page."""

    # Its page asks for a font of icons elsewhere, tries whatever extensions of JupyterLab there are, and takes leave of
    # its kernel in a way that its server refuses.
    noise = re.compile(r"fontawesome-free|shared module is not a function|Failed to create module|voila/api/shutdown/")

    def ready(self) -> None:
        """Wait until what was run is shown."""
        self.page.locator(".jp-OutputArea-output:visible").first.wait_for()

    def run_first(self, many: int) -> None:
        """All cells have run."""

    @property
    def cells(self) -> Locator:
        """What is shown of all cells."""
        return self.page.locator(".jp-Cell")

    def cell(self, number: int) -> Locator:
        """What is shown of a cell."""
        return self.cells.nth(number)

    def darken(self) -> None:
        """Open it again in its dark theme."""
        self.page.goto(f"{self.lab.address(self.notebook)}?theme=dark")
        self.ready()


@dataclass(frozen=True)
class Voila(Lab):
    """Voilà by itself."""

    name = "voila"
    takes_cells = False

    @classmethod
    def command(cls, root: Path, token: str) -> list[str]:
        """What starts it, after `python -m`."""
        return ["voila", str(root), "--no-browser", "--port=0", "--Voila.ip=127.0.0.1"]

    @property
    def pages(self) -> type[LabPage]:
        """What its pages are."""
        return VoilaPage

    def address(self, notebook: str) -> str:
        """The page of a notebook."""
        return f"{self.url}voila/render/{notebook}"


# ── marimo ──────────────────────────────────────────────────────────────────────────────────────────────────


class MarimoPage(LabPage):
    """A notebook in marimo's editor, whose outputs lie in shadow trees: locators look into them."""

    def ready(self) -> None:
        """Wait until its cells are there."""
        self.cells.first.wait_for()

    def run_first(self, many: int) -> None:
        """All cells run by themselves."""

    @property
    def cells(self) -> Locator:
        """All cells."""
        return self.page.locator(".marimo-cell")

    def cell(self, number: int) -> Locator:
        """A cell."""
        return self.cells.nth(number)

    def darken(self) -> None:
        """Let the system ask for dark colours."""
        self.page.emulate_media(color_scheme="dark")
        self.page.locator("body.dark").wait_for()


@dataclass(frozen=True)
class Marimo(Lab):
    """marimo's editor; of all notebooks in its folder."""

    name = "marimo"
    takes_cells = False

    @classmethod
    def command(cls, root: Path, token: str) -> list[str]:
        """What starts it, after `python -m`."""
        options = ["--headless", "--no-token", "--skip-update-check", "--host=127.0.0.1", f"--port={_free_port()}"]
        return ["marimo", "edit", str(root), *options]

    @classmethod
    def prepare(cls, home: Path) -> None:
        """Let it run its cells when it opens, as JupyterLab's users do by hand, and follow the system's colours."""
        settings = home / "config" / "marimo" / "marimo.toml"
        settings.parent.mkdir(parents=True)
        settings.write_text('[runtime]\nauto_instantiate = true\n[display]\ntheme = "system"\n')

    @property
    def pages(self) -> type[LabPage]:
        """What its pages are."""
        return MarimoPage

    def address(self, notebook: str) -> str:
        """The page of a notebook."""
        return f"{self.url}?file={self.root / notebook}"


def _marimo_of(cells: Sequence[str]) -> str:
    """A marimo notebook; which cell uses which name marimo finds by itself."""
    written = "".join(f"\n@app.cell\ndef _():\n{indent(cell, '    ')}\n    return\n\n" for cell in cells)
    return f"import marimo\n\napp = marimo.App()\n\n{written}"


def _free_port() -> int:
    """A port that nobody listens on: marimo takes 0 for its own favourite."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


HOSTS: dict[str, type[Lab]] = {"JupyterLab": Lab, "Notebook 7": Notebook, "Voilà": Voila, "marimo": Marimo}
"""All of them by their names."""
