"""Pictures beside each other in a saved notebook: what is left of the form that compares them."""

from __future__ import annotations

from collections.abc import Iterator
from string import ascii_uppercase
from typing import TYPE_CHECKING

from nbbanana.display import words
from nbbanana.display.render import render
from nbbanana.display.thumbs import data_uri, fitted, load

if TYPE_CHECKING:
    from nbbanana.display.views import ComparisonView, Picture

__all__ = ["comparison_bundle"]

SIDE = 360
"""CSS pixels of the longer side of a picture."""
ROOM = 200_000
"""Bytes of base64 that all pictures together may weigh."""


def comparison_bundle(view: ComparisonView) -> dict[str, str]:
    """Return two to six pictures with a letter each, after the words and the values that differ."""
    images = load([picture.source for picture in view.pictures], [(SIDE, SIDE)] * len(view.pictures))
    files = fitted(images, ROOM) or [None] * len(images)
    tiles = [
        {"letter": letter, "uri": data_uri(file) if file else "", "picture": picture, **_size(picture)}
        for letter, picture, file in zip(ascii_uppercase, view.pictures, files, strict=False)
    ]
    return {
        "text/plain": "\n".join(_lines(view)),
        "text/html": render("comparison", view=view, tiles=tiles, letters=ascii_uppercase),
    }


def _size(picture: Picture) -> dict[str, int]:
    width, height = picture.width or SIDE, picture.height or SIDE
    scale = min(1.0, SIDE / max(width, height))
    return {"width": max(1, round(width * scale)), "height": max(1, round(height * scale))}


def _lines(view: ComparisonView) -> Iterator[str]:
    for letter, picture in zip(ascii_uppercase, view.pictures, strict=False):
        yield f"{letter}: {words.plain(picture.label)}"
    marks = {"same": "{}", "gone": "[-{}-]", "new": "{{+{}+}}"}
    if view.words:
        yield "".join(marks[kind].format(words.plain(text)) for kind, text in view.words)
    for name, values in view.rows:
        yield f"  {words.plain(name)}: {' | '.join(map(words.one_line, values))}"
    if view.same:
        yield f"The same: {', '.join(map(words.one_line, view.same))}."
