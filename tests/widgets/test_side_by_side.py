"""All forms in one page, in both orders, and two of each kind: each looks as it does alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.forms import serve
from support.lab import Browser

import nbbanana as nb
from nbbanana.widgets.base import Form

pytestmark = pytest.mark.browser

SMALL: dict[str, Any] = {"resolution": "0.5K", "seed": 7}
READY = {
    "studio": ".st-detail-box h3",
    "compare": ".cp-figures th",
    "region": ".rg-list li",
    "browser": ".br-lineage img[src]",
    "viewer": ".vw-facts dd",
    "voting": ".vt-picture[src]",
}
"""What is there once a form of a kind has all that it shows."""
LOOK = """root => JSON.stringify([root, ...root.querySelectorAll("*")].filter(one => one.checkVisibility()).map(one => {
  const look = getComputedStyle(one);
  const name = `${one.tagName.toLowerCase()}.${one.getAttribute("class")}`;
  return [name, Object.fromEntries([...look].map((property) => [property, look.getPropertyValue(property)]))];
}))"""
"""Every property of every visible element of a form, as the browser computes it; as JSON, which is read at once."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, photo: Callable[[str], Path]) -> Iterator[nb.Session]:
    """A store with two edits, one made of the other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBBANANA_SANDBOX_SCALE", "0")
        patch.setattr("nbbanana.widgets.panels.when", lambda _: "just now")  # another minute has another width
        with nb.Session(provider="sandbox", store=tmp_path_factory.mktemp("pairs")) as session:
            first = session.edit("Make it snow.", photo("coffee"), number_of_images=2, **SMALL)
            first[1].edit("Make it rain.", **SMALL)
            yield session


def forms(kind: str, session: nb.Session, picture: Path) -> Form:
    """A form of a kind, with something in it."""
    if kind == "studio":
        form = nb.studio(picture, prompt="Make it dawn.", **SMALL, session=session)
        form.region = (0.7, 0.0, 1.0, 0.3)
        form.show_edit(1)
        return form
    if kind == "compare":
        return nb.compare(session.history[1][0], session.history[1][1])
    if kind == "region":
        return nb.region(picture, boxes=[(0.1, 0.1, 0.4, 0.4)])
    if kind == "viewer":
        return nb.view(session.history[1])
    if kind == "voting":
        return nb.sweep("Make it snow.", picture, number_of_images=2, **SMALL, session=session).vote()
    return session.history.browse()


def looks(browser: Browser, kinds: tuple[str, ...], session: nb.Session, picture: Path) -> list[list[Any]]:
    """The look of each form of a page that shows forms of these kinds."""
    shown = [forms(kind, session, picture) for kind in kinds]
    with serve(*shown) as url:
        page = browser.page(width=1280)
        page.emulate_media(reduced_motion="reduce")
        page.goto(url)
        page.add_style_tag(content="html { overflow-y: scroll }")
        for place, kind in enumerate(kinds):
            form = page.locator("#host > div").nth(place).locator(".nbb").first
            if kind == "studio":
                form.locator(".st-node").first.click()
            if kind == "browser":
                form.locator(".br-tile").first.click()
            form.locator(READY[kind]).first.wait_for()
        page.mouse.move(0, 0)
        page.wait_for_function(
            "![...document.querySelectorAll('.nbb img')].some((one) => one.checkVisibility() && !one.naturalWidth)"
        )
        page.evaluate("document.activeElement.blur()")
        page.wait_for_timeout(300)
        roots = [page.locator("#host > div").nth(place).locator(".nbb").first for place in range(len(kinds))]
        found = [json.loads(root.evaluate(LOOK)) for root in roots]
        page.context.close()
    for form in shown:
        form.close()
    return found


def unlike(alone: list[Any], beside: list[Any]) -> list[str]:
    """What looks otherwise than alone."""
    assert [name for name, _ in alone] == [name for name, _ in beside]
    return [
        f"{name} {key}: {before[key]} became {after[key]}"
        for (name, before), (_, after) in zip(alone, beside, strict=True)
        for key in before
        if before[key] != after[key]
    ]


@pytest.fixture(scope="module")
def alone(browser: Browser, made: nb.Session, photo: Callable[[str], Path]) -> dict[str, list[Any]]:
    """The look of a form of each kind in a page of its own."""
    found = {kind: looks(browser, (kind,), made, photo("coffee"))[0] for kind in READY}
    assert all(len(look) > 20 for look in found.values())
    return found


@pytest.mark.nightly
@pytest.mark.parametrize("kinds", [tuple(READY) * 2, tuple(READY)[::-1]], ids=["two of each", "the other way round"])
def test_every_form_looks_beside_any_other_as_it_does_alone(
    browser: Browser,
    made: nb.Session,
    photo: Callable[[str], Path],
    alone: dict[str, list[Any]],
    kinds: tuple[str, ...],
) -> None:
    """After its own kind, before and after every other: no property of any element is another than in its own page."""
    for kind, found in zip(kinds, looks(browser, kinds, made, photo("coffee")), strict=True):
        assert unlike(alone[kind], found)[:20] == [], f"{kind} in a page of {' and '.join(kinds)}"
