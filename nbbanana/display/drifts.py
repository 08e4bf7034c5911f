"""What changed between two pictures, shown: a sentence, the pictures, where it changed, figures, places close up."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbbanana.display.drift_figures import confidence_in_words, figure_table, place_words
from nbbanana.display.heat import crop_pair, heated, legend
from nbbanana.display.layout import layout
from nbbanana.display.render import render
from nbbanana.display.thumbs import data_uri, fitted, load
from nbbanana.text import one_line, plain

if TYPE_CHECKING:
    from PIL.Image import Image

    from nbbanana.display.views import Change, Picture

__all__ = ["drift_bundle", "sized"]

BUDGET = 60_000
"""Bytes that all of it may weigh."""
WIDTH = 300
"""CSS pixels of one of the three pictures, where there is room."""
CLOSE, CLOSE_SIDE = 640, 80
"""Half the pixels at which pictures are decoded, for places close up; CSS pixels of a side of such a place."""
CLOSE_PART = 8
"""A place close up shows so small a part of the longer side of the picture."""
MOST_PLACES, MOST_INSIDE = 6, 2
"""Places that are shown, and those among them inside of a given region: it was to change."""


def drift_bundle(before: Picture, after: Picture, change: Change, budget: int = BUDGET) -> dict[str, str]:
    """
    Return what changed between two pictures as a MIME bundle.

    Args:
        before: the first picture.
        after: the second.
        change: what was measured between them.
        budget: bytes that it may weigh as JSON.
    """
    places = _places(change.figures)
    facts = _facts(before, after, change)
    table = figure_table(change.figures)
    values = {"change": change, "facts": facts, "table": table, "legend": data_uri(legend(), "image/png")}
    images = load([before.source, after.source], [(CLOSE, CLOSE)] * 2)
    shown = _pictures(images, change)
    close = _close(images, places, change)
    texts = [place_words(place, is_region_given=change.figures["is_region_given"]) for place in places]
    names = [one_line(before.label, 80), one_line(after.label, 80)]
    empty = _html(values, names, shown, close, texts, [None] * (len(shown) + len(close)))
    files = fitted([*shown, *close], budget - len(json.dumps(empty)) - 200 * (len(shown) + len(close)))
    html = _html(values, names, shown, close, texts, files or [None] * (len(shown) + len(close)))
    lines = [change.sentence, f"  {' · '.join(facts)}", *(f"  {line}" for line in table.lines)]
    lines += [f"  {number}. {' · '.join([where, *figures])}" for number, (where, figures) in enumerate(texts, 1)]
    return {"text/plain": "\n".join(map(plain, lines)), "text/html": html}


def _facts(before: Picture, after: Picture, change: Change) -> list[str]:
    """Return what else is said beside the sentence, as phrases."""
    figures = change.figures
    across, down = figures["compared_at"]
    found = [f"{one_line(before.label, 60)} → {one_line(after.label, 60)}"]
    if change.area is not None:
        found.append(f"region: {change.area.words}")
    elif figures["is_region_given"]:
        found.append("region: a mask")
    return [*found, confidence_in_words(figures), f"compared at {across}×{down}"]


def _pictures(images: Sequence[Image | None], change: Change) -> list[Image | None]:
    """Return what is shown large: both pictures, and the second with the heat map."""
    from PIL import ImageOps

    side = 2 * WIDTH
    small = [image and ImageOps.contain(image, (side, 3 * side)) for image in images]
    return [*small, heated(small[1], change)]


def _places(figures: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the places that changed most: of a given region those outside of it first, else by how much."""
    found = list(figures["places"])
    if not figures["is_region_given"]:
        found.sort(key=lambda place: -max(place["redrawn"], place["recoloured"] / 20))
    else:
        outside = [place for place in found if not place["is_inside"]]
        inside = [place for place in found if place["is_inside"]][:MOST_INSIDE]
        found = [*outside[: MOST_PLACES - len(inside)], *inside]
    return found[:MOST_PLACES]


def _close(images: Sequence[Image | None], places: Sequence[Mapping[str, Any]], change: Change) -> list[Image | None]:
    before, after = images
    if before is None or after is None:
        return [None] * len(places)
    frame = change.figures["frame"]
    boxes = [_around(place["box"], frame["before"]) for place in places]
    return [crop_pair(before, after, box, frame, 2 * CLOSE_SIDE) for box in boxes]


def _around(box: Sequence[float], size: Sequence[int]) -> tuple[float, float, float, float]:
    """Return a square around a tile, as parts of the picture and within it."""
    side = max(1.0, min(*size, max(size) / CLOSE_PART))
    parts = side / size[0], side / size[1]
    corner = [
        min(max(0.0, (low + high - part) / 2), 1 - part)
        for low, high, part in zip(box[:2], box[2:], parts, strict=True)
    ]
    return corner[0], corner[1], corner[0] + parts[0], corner[1] + parts[1]


def _html(
    values: Mapping[str, Any],
    names: Sequence[str],
    shown: Sequence[Image | None],
    close: Sequence[Image | None],
    texts: Sequence[tuple[str, list[str]]],
    files: Sequence[bytes | None],
) -> str:
    grid = layout(len(shown))
    tiles = [
        {"role": role, "name": name, "alt": alt, **sized(image, file, WIDTH)}
        for role, name, alt, image, file in zip(
            ("before", "after", "what changed"),
            (*names, ""),
            (
                f"Before: {names[0]}",
                f"After: {names[1]}",
                f"Where it changed, the brighter the more. {one_line(values['change'].sentence, 200)}",
            ),
            shown,
            files,
            strict=False,
        )
        if image is not None or name
    ]
    near = [
        {"number": number, "where": where, "figures": figures, "alt": f"Before and after: {where}"}
        | sized(image, file, 2 * CLOSE_SIDE)
        for number, ((where, figures), image, file) in enumerate(zip(texts, close, files[len(shown) :], strict=True), 1)
    ]
    return render("drift", tiles=tiles, places=near, layout=grid, width=WIDTH, **values)


def sized(image: Image | None, file: bytes | None, width: int) -> dict[str, Any]:
    """Return the address of a file and the size at which it is shown."""
    if image is None or file is None:
        return {"uri": "", "width": width, "height": width}
    return {"uri": data_uri(file), "width": width, "height": max(1, round(width * image.height / image.width))}
