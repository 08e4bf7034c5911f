"""A grid where styles are taken away, as some readers of notebooks do: its pictures still stand beside each other."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from support.lab import Browser

import nbbanana as nb

pytestmark = pytest.mark.browser


@pytest.mark.nightly
def test_without_css_four_pictures_stand_in_a_row(
    browser: Browser, photo: Callable[[str], Path], tmp_path: Path
) -> None:
    """All of them begin at one height, one right of the other."""
    with nb.Session(provider="sandbox", store=tmp_path / "store") as session:
        result = session.edit("Make it snow.", photo("coffee"), seed=7, n=4, resolution="0.5K")
        html = re.sub(r'\sstyle="[^"]*"', "", result._repr_html_())
    assert "style=" not in html
    page = browser.page(width=1280, height=900)
    page.set_content(html)
    pictures = page.locator("tfoot img")
    boxes = [pictures.nth(number).bounding_box() for number in range(pictures.count())]
    assert len(boxes) == 4
    assert all(boxes)
    assert len({round(box["y"]) for box in boxes}) == 1
    assert all(left["x"] < right["x"] for left, right in pairwise(boxes))
    page.context.close()
