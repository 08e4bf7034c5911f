"""axe-core, the accessibility checker: fetched once by npm into `build/`, run in a page."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Page

__all__ = ["violations"]

PACKAGE = "axe-core@4"
BUILD = Path(__file__).parents[2] / "build" / "npm"


def violations(page: Page, selector: str) -> list[str]:
    """The serious and critical violations inside `selector`, each in a line."""
    page.evaluate(source())
    found = page.evaluate("selector => axe.run(selector, { resultTypes: ['violations'] })", selector)
    return [
        f"{rule['id']}: {rule['help']}: {'; '.join(node['html'][:120] for node in rule['nodes'][:3])}"
        for rule in found["violations"]
        if rule["impact"] in {"serious", "critical"}
    ]


@cache
def source() -> str:
    """The script; without npm the test is skipped, in CI it fails."""
    script = BUILD / "node_modules" / "axe-core" / "axe.min.js"
    if not script.is_file():
        npm = shutil.which("npm")
        if npm is None and not os.environ.get("CI"):
            pytest.skip("no npm here: install Node and run again")
        assert npm, "CI must install Node before the tests"
        BUILD.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [npm, "install", "--prefix", BUILD, "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", PACKAGE],
            check=True,
            capture_output=True,
        )
    return script.read_text("utf-8")
