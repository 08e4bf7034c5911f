"""A form's page in Chromium, watched: what it logs, and whether it spills over its width."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Locator, Page

from nbbanana.widgets.base import Form
from support.forms import serve
from support.lab import Browser

__all__ = ["opened", "spills", "unfold"]

TOLD = """() => {
  const at = window.heard.findIndex((one) => one.kind === "uid");
  return at >= 0 && window.heard[at + 1] !== undefined;
}"""
"""The form's answer to the first word of its front end is here; what it said before is older than the page."""


@contextmanager
def opened(
    browser: Browser, form: Form, *, theme: str = "light", width: int = 1280, is_still: bool = False
) -> Iterator[Page]:
    """The form in a page; whatever the page logs or throws fails the test at its end."""
    said: list[str] = []
    with serve(form) as url:
        page = browser.page(width=width)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.emulate_media(reduced_motion="reduce" if is_still else "no-preference")
        page.goto(f"{url}?theme={theme}")
        page.locator(".nbb").wait_for()
        page.wait_for_function(TOLD)
        try:
            yield page
        finally:
            page.context.close()
    assert said == []


def spills(page: Page) -> list[str]:
    """The visible elements that reach over the right edge of the form, and are not scrolled or cut on purpose."""
    found: list[str] = page.evaluate(
        """() => {
          const form = document.querySelector(".nbb").getBoundingClientRect();
          const isCut = (element) => {
            for (let one = element.parentElement; one && !one.matches(".nbb"); one = one.parentElement)
              if (getComputedStyle(one).overflowX !== "visible") return true;
            return false;
          };
          return [...document.querySelectorAll(".nbb *")]
            .filter((one) => one.checkVisibility() && !one.matches(".nbb-unseen"))
            .filter((one) => one.getBoundingClientRect().right > form.right + 0.5 && !isCut(one))
            .map((one) => one.outerHTML.slice(0, 100));
        }"""
    )
    return found


def unfold(form: Page | Locator) -> None:
    """Open the parameters of a Studio, where they are folded."""
    form.locator(".st-options").evaluate("one => (one.open = true)")
