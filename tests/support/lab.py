"""
A real JupyterLab in a real browser.

`serve(root)` starts JupyterLab on a free port; `Browser` holds one headless Chromium; a `LabPage` is one notebook
opened in it. JupyterLab restores the tabs of a workspace, so every page gets a workspace of its own, and it trusts
by content, so that two equal files share their trust.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, expect, sync_playwright

from support.kernels import environment

__all__ = ["Browser", "Lab", "LabPage", "chromium", "serve"]

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
CHROMIUM_FLAGS = (
    "--no-sandbox",  # CI is root in a machine of its own
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
LAB_OPTIONS = (
    "--no-browser",
    "--allow-root",
    "--ServerApp.ip=127.0.0.1",
    "--ServerApp.port=0",
    "--ServerApp.port_retries=0",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.news_url=",
    "--LabApp.expose_app_in_browser=True",
)


def chromium() -> str | None:
    """The path of a Chromium that is installed, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@dataclass(frozen=True)
class Lab:
    """A JupyterLab that runs: its address, its token and the folder that it shows."""

    url: str
    token: str
    root: Path

    def address(self, notebook: str) -> str:
        """The page of a notebook, in a workspace that nothing was ever opened in."""
        return f"{self.url}lab/workspaces/{uuid.uuid4().hex}/tree/{notebook}?token={self.token}"


@contextmanager
def serve(root: Path, **env: str) -> Iterator[Lab]:
    """JupyterLab over `root`, isolated in a home beside it; `env` reaches its kernels."""
    home = root.parent / f"{root.name}-home"
    home.mkdir(parents=True)
    quiet = home / "jupyter/config/lab/user-settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"
    quiet.parent.mkdir(parents=True)
    quiet.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))
    token = secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyterlab", *LAB_OPTIONS, f"--ServerApp.root_dir={root}"]
    with (home / "lab.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, f"--IdentityProvider.token={token}"],
            env=environment(home, **env),
            cwd=root,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield Lab(_address(process, home), token, root)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _address(process: subprocess.Popen[bytes], home: Path, patience: float = 90.0) -> str:
    """Where the server that was just started listens: it writes that down once it does."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and process.poll() is None:
        for note in (home / "jupyter" / "runtime").glob("jpserver-*.json"):
            text = note.read_text()
            if text.rstrip().endswith("}"):
                return str(json.loads(text)["url"])
        time.sleep(0.1)
    raise AssertionError(f"JupyterLab did not start:\n{(home / 'lab.log').read_text()[-3000:]}")


class Browser:
    """One headless Chromium; a context manager."""

    def __init__(self, executable: str) -> None:
        self._executable = executable

    def __enter__(self) -> Self:
        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(executable_path=self._executable, args=list(CHROMIUM_FLAGS))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._browser.close()
        self._playwright.stop()

    def page(self, *, width: int = 1280, height: int = 1000) -> Page:
        """A blank page in a profile of its own."""
        context = self._browser.new_context(viewport={"width": width, "height": height})
        context.set_default_timeout(60_000)
        return context.new_page()

    @contextmanager
    def open(self, lab: Lab, notebook: str, **options: Any) -> Iterator[LabPage]:
        """A notebook of `lab`, ready to run; options are those of `page`."""
        page = self.page(**options)
        opened = LabPage(page, lab, notebook)
        opened.load()
        try:
            yield opened
        finally:
            page.context.close()


@dataclass
class LabPage:
    """
    A notebook in JupyterLab.

    `errors` are the page's uncaught exceptions and console errors, `foreign` the addresses it asked for that are
    not this machine (they are refused).
    """

    page: Page
    lab: Lab
    notebook: str
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def load(self) -> None:
        """Open it and wait until its kernel is idle."""
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        self.page.context.route(re.compile(r"^https?:"), self._stay_here)
        self.page.goto(self.lab.address(self.notebook))
        self.page.locator(".jp-Notebook .jp-Cell").first.wait_for()
        # The notebook's own indicator says "idle" before there is a kernel, and what is run then is dropped.
        expect(self.page.locator("#jp-main-statusbar")).to_contain_text("(ipykernel) | Idle", timeout=60_000)

    def _stay_here(self, route: Any) -> None:
        if urlsplit(route.request.url).hostname in {"127.0.0.1", "localhost"}:
            route.continue_()
        else:
            self.foreign.append(route.request.url)
            route.abort()

    def cell(self, number: int) -> Locator:
        """The cell, counted from 0, scrolled to."""
        cell = self.page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{number}"]')
        cell.scroll_into_view_if_needed()
        return cell

    def run(self, number: int) -> Locator:
        """Start a cell, as with Ctrl+Enter, and give its output area at once."""
        cell = self.cell(number)
        cell.locator(".jp-InputArea-editor .cm-content").click()
        self.page.keyboard.press("Control+Enter")
        return cell.locator(".jp-Cell-outputArea")

    def wait(self, number: int, *, seconds: float = 60.0) -> Locator:
        """Wait until the cell has run; gives its output area."""
        cell = self.cell(number)
        expect(cell.locator(".jp-InputArea-prompt")).to_have_text(re.compile(r"\[\d+\]"), timeout=seconds * 1000)
        return cell.locator(".jp-Cell-outputArea")

    def is_busy(self, number: int) -> bool:
        """Whether the cell is running now."""
        return self.cell(number).locator(".jp-InputArea-prompt").inner_text().strip() == "[*]:"

    def save(self) -> Path:
        """Save the notebook and give its file once its outputs are in it."""
        file = self.lab.root / self.notebook
        before = file.stat().st_mtime_ns
        self.page.keyboard.press("Control+s")
        deadline = time.monotonic() + 30
        while file.stat().st_mtime_ns == before:
            assert time.monotonic() < deadline, "JupyterLab did not save"
            self.page.wait_for_timeout(50)
        return file

    def darken(self) -> None:
        """Change to JupyterLab's dark theme; it stays for the pages of this server that are opened later."""
        self.page.evaluate("jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
        self.page.locator("body[data-jp-theme-light=false]").wait_for(state="attached")

    def screenshot(self, name: str) -> Path:
        """A picture of the page, kept for people under build/screenshots."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        self.page.screenshot(path=path)
        return path


def missing() -> str | None:
    """Why the browser tests cannot run here, or None; in CI they always must."""
    if chromium() or os.environ.get("CI"):
        return None
    return "no Chromium here: install it (Debian: apt-get install chromium) and run again"
