"""axe-core, the accessibility checker, as the package `axe-playwright-python` carries it, run in a page."""

from __future__ import annotations

from functools import cache
from importlib import resources

from playwright.sync_api import Page

__all__ = ["violations"]


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
    """The script of axe-core."""
    return (resources.files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
