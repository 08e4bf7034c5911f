"""The Studio's history strip: what stands in one lane, what is left out, and the lines between."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from support.form_pages import opened
from support.lab import Browser

import nbbanana as nb
from nbbanana.errors import BudgetError

pytestmark = pytest.mark.browser


@pytest.mark.nightly
def test_variations_of_one_edit_lie_in_one_lane_and_refused_requests_nowhere(
    browser: Browser, session: nb.Session, photo: Callable[[str], Path]
) -> None:
    """Four seeds of one request are one line; what the budget refused takes no place; wires lead to each edit."""
    first = session.edit("Make it snow.", photo("coffee"), seed=1, resolution="0.5K")
    first.edit("Make it rain.", seed=1, resolution="0.5K").vary(n=3)
    session.store.set_budget("sandbox", 0.01)
    with suppress(BudgetError):
        session.edit("Make it too dear.", photo("coffee"), seed=9)
    assert session.store.last_id() == 6
    form = nb.studio(photo("coffee"), session=session)
    with opened(browser, form) as page:
        page.locator(".st-node").nth(4).wait_for()
        tops = page.evaluate(
            "[...document.querySelectorAll('.st-node')].map((one) => [Number(one.dataset.id), one.offsetTop])"
        )
        assert sorted(number for number, _ in tops) == [1, 2, 3, 4, 5]
        assert len({top for number, top in tops if number > 1}) == 1, "variations of one edit share a lane"
        wires = page.locator(".st-wires")
        assert wires.locator("path").count() == 5
        box = wires.bounding_box()
        assert box
        assert box["width"] > 200
    form.close()
