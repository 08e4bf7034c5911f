"""What a form says of the pixels of two pictures: sentence, figures and heat map, as the same pair's diff has them."""

from __future__ import annotations

from typing import Any

from nbbanana.display.drift_figures import Value, figure_table
from nbbanana.display.heat import heated, legend
from nbbanana.display.thumbs import data_uri, encode, load
from nbbanana.session.pixel_pairs import PixelPair
from nbbanana.widgets.thumbnail_cache import VIEW_SIDE

__all__ = ["figures_of", "heat_of"]

QUALITY = 80


def figures_of(pair: PixelPair) -> dict[str, Any]:
    """Return the sentence and the figures of a pair as JSON for a front end; measures it, so never in the UI thread."""
    change = pair.change
    if change is None:
        return {"sentence": pair.sentence, "heads": [], "rows": []}
    table = figure_table(change.figures)
    rows = [{"name": row.name, "values": [value and _value(value) for value in row.values]} for row in table.rows]
    return {
        "sentence": pair.sentence,
        "heads": list(table.heads),
        "rows": rows,
        "scale": data_uri(legend(), "image/png"),
    }


def _value(value: Value) -> dict[str, Any]:
    noise = ", ".join(filter(None, (value.floor, value.more)))
    return {"said": value.said, "noise": noise, "is_above": value.is_above}


def heat_of(pair: PixelPair) -> bytes | None:
    """Return the second picture of a pair with its heat map, as a WebP file; None where nothing could be measured."""
    change = pair.change
    if change is None:
        return None
    [after] = load([pair.right.picture.source], [(VIEW_SIDE / 2, VIEW_SIDE / 2)])
    found = heated(after, change)
    return None if found is None else encode(found, quality=QUALITY)
