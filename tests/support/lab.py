"""
A real JupyterLab in a real browser.

`serve(root)` starts JupyterLab on a free port, or another host of `support.hosts`; `Browser` holds one headless
Chromium; a `LabPage` is one notebook opened in it. JupyterLab restores the tabs of a workspace, so every page gets a
workspace of its own, and it trusts by content, so that two equal files share their trust.
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
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self, TypeVar
from urllib.parse import urlsplit

import psutil
from playwright.sync_api import ConsoleMessage, Locator, Page, Request, expect, sync_playwright

from support import waiting
from support.kernels import environment

Host = TypeVar("Host", bound="Lab")

__all__ = ["Browser", "Lab", "LabPage", "chromium", "serve"]

PATIENCE = 60_000
"""Milliseconds that a page may take to show what is expected of it, on a machine that has much else to do."""
SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
CHROMIUMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM_FLAGS = (
    "--no-sandbox",  # CI is root in a machine of its own
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
)
SERVER_OPTIONS = (
    "--no-browser",
    "--allow-root",
    "--ServerApp.ip=127.0.0.1",
    "--ServerApp.port=0",
    "--ServerApp.port_retries=0",
)
LAB_COMMAND = (
    "jupyterlab",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.news_url=",
    "--LabApp.expose_app_in_browser=True",
)


def chromium() -> str | None:
    """The path of a Chromium that is installed, or None: the one without a window first, which takes less time."""
    return next(filter(None, map(shutil.which, CHROMIUMS)), None)


@dataclass(frozen=True)
class Lab:
    """A JupyterLab that runs: its address, its token and the folder that it shows."""

    url: str
    token: str
    root: Path

    name: ClassVar[str] = "lab"
    takes_cells: ClassVar[bool] = True
    """Whether a cell of `%%nbedit` can be put into its page and run there."""

    @classmethod
    def command(cls, root: Path, token: str) -> list[str]:
        """What starts it, after `python -m`."""
        return [*LAB_COMMAND, *SERVER_OPTIONS, f"--ServerApp.root_dir={root}", f"--IdentityProvider.token={token}"]

    @classmethod
    def prepare(cls, home: Path) -> None:
        """Write the settings that it finds in its home."""
        quiet = (
            home / "jupyter/config/lab/user-settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"
        )
        quiet.parent.mkdir(parents=True)
        quiet.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))

    @property
    def pages(self) -> type[LabPage]:
        """What its pages are."""
        return LabPage

    def address(self, notebook: str) -> str:
        """The page of a notebook, in a workspace that nothing was ever opened in."""
        return f"{self.url}lab/workspaces/{uuid.uuid4().hex}/tree/{notebook}?token={self.token}"

    @contextmanager
    def setting(self, plugin: str, **values: Any) -> Iterator[None]:
        """Meanwhile the pages that are opened have this setting of a plugin, such as `@jupyterlab/…:tracker`."""
        package, _, name = plugin.partition(":")
        folder = self.root.parent / f"{self.root.name}-home/jupyter/config/lab/user-settings" / package
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{name}.jupyterlab-settings"
        file.write_text(json.dumps(values))
        yield
        file.unlink()


@contextmanager
def serve(root: Path, host: type[Host] = Lab, **env: str) -> Iterator[Host]:
    """A host over `root`, isolated in a home beside it; `env` reaches its kernels."""
    home = root.parent / f"{root.name}-home"
    home.mkdir(parents=True)
    host.prepare(home)
    token = secrets.token_hex(16)
    with (home / "host.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *host.command(root, token)],
            env=environment(home, **env),
            cwd=root,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield host(f"http://127.0.0.1:{_port_of(process, home)}/", token, root)
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a server and its kernels at once: what it does to take its leave is not ours, and takes half a minute."""
    for one in [*psutil.Process(process.pid).children(recursive=True), process]:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    process.wait()


def _port_of(process: subprocess.Popen[bytes], home: Path, patience: float = 90.0) -> int:
    """The port that the server that was just started listens on, once it does."""
    deadline = time.monotonic() + patience
    server = psutil.Process(process.pid)
    while time.monotonic() < deadline and process.poll() is None:
        for socket in server.net_connections("tcp4"):
            if socket.status == psutil.CONN_LISTEN:
                return int(socket.laddr.port)
        time.sleep(0.1)
    raise AssertionError(f"The server did not start:\n{(home / 'host.log').read_text()[-3000:]}")


class Browser:
    """One headless Chromium; a context manager."""

    def __init__(self, executable: str) -> None:
        self._executable = executable

    def __enter__(self) -> Self:
        expect.set_options(timeout=PATIENCE)  # of all tests with a browser; Playwright's own is 5 s
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
        opened = lab.pages(page, lab, notebook)
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
    not this machine (the browser finds no other). `noise` is what the host says of itself, with nothing of this package
    in it.
    """

    noise: ClassVar[re.Pattern[str]] = re.compile(r"(?!)")

    page: Page
    lab: Lab
    notebook: str
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def load(self) -> None:
        """Open it, listen to it, and wait until it can be used."""
        self.page.on("pageerror", lambda error: self._hear(str(error)))
        self.page.on("console", self._hear_console)
        self.page.context.on("request", self._see_request)
        self.page.goto(self.lab.address(self.notebook))
        self.ready()

    def ready(self) -> None:
        """Wait until its kernel is idle."""
        self.page.locator(".jp-Notebook .jp-Cell").first.wait_for()
        # The notebook's own indicator says "idle" before there is a kernel, and what is run then is dropped.
        expect(self.page.locator("#jp-main-statusbar")).to_contain_text("(ipykernel) | Idle", timeout=60_000)

    def _hear_console(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self._hear(f"{said.text} {said.location['url']}")

    def _hear(self, words: str) -> None:
        if not self.noise.search(words):
            self.errors.append(words)

    def _see_request(self, request: Request) -> None:
        address = urlsplit(request.url)
        is_elsewhere = address.scheme in {"http", "https"} and address.hostname not in {"127.0.0.1", "localhost"}
        if is_elsewhere and not self.noise.search(request.url):
            self.foreign.append(request.url)

    @property
    def cells(self) -> Locator:
        """All cells."""
        return self.page.locator(".jp-Notebook .jp-Cell")

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

    def run_first(self, many: int) -> None:
        """Run so many cells, one after the other."""
        for number in range(many):
            self.run(number)
            self.wait(number)

    def is_busy(self, number: int) -> bool:
        """Whether the cell is running now."""
        return self.cell(number).locator(".jp-InputArea-prompt").inner_text().strip() == "[*]:"

    def save(self) -> Path:
        """Save the notebook and give its file once its outputs are in it."""
        file = self.lab.root / self.notebook
        before = file.stat().st_mtime_ns
        deadline = time.monotonic() + waiting.PATIENCE
        while file.stat().st_mtime_ns == before:
            assert time.monotonic() < deadline, "JupyterLab did not save"
            self.page.keyboard.press("Control+s")  # again, since it drops the keys while it still saves
            until = time.monotonic() + 5
            while file.stat().st_mtime_ns == before and time.monotonic() < until:
                self.page.wait_for_timeout(50)
        return file

    def darken(self) -> None:
        """Change to JupyterLab's dark theme; it stays for the pages of this server that are opened later."""
        self.page.evaluate("jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
        self.page.locator("body[data-jp-theme-light=false]").wait_for(state="attached")
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")

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
