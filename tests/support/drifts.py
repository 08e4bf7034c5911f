"""Figures as they stand in records, made by hand: what was measured, without measuring it."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from nbbanana.store import OutputDrift
from support.stores import sha256

__all__ = ["AGAINST", "drifted", "figures", "heat_map", "refused"]

AGAINST = sha256("sent a portrait")


def _figure(value: float | None, floor: float) -> dict[str, float] | None:
    return None if value is None else {"value": value, "floor": floor}


def _part(recoloured: float | None, redrawn: float) -> dict[str, Any]:
    return {
        "area": 0.5,
        "recoloured": _figure(recoloured, 0.6),
        "by_tone": 0.1,
        "redrawn": _figure(redrawn, 0.25),
        "redrawn_area": 0.0,
        "boxes": [[0.0, 0.0, 0.25, 0.5]] if redrawn > 0.25 else [],
    }


def figures(
    moved: float = 0.0, recoloured: float | None = 0.5, redrawn: float = 0.1, *, sentence: str = "It changed."
) -> dict[str, Any]:
    """What `Drift.as_json` gives, with these figures outside of the region."""
    return {
        "confidence": 0.9,
        "moved": {"corner": _figure(moved, 0.1), "shift": [moved, 0.0]}
        | {"scale": 1.0, "stretch": 1.0, "rotation": 0.0, "lost": 0.0, "added": 0.0},
        "outside": _part(recoloured, redrawn),
        "inside": _part(12.0, 0.9),
        "is_region_given": True,
        "region": [[0.5, 0.0, 1.0, 1.0]],
        "tone": [0, 64, 128, 191, 255],
        "compared_at": [640, 480],
        "frame": {
            "matrix": [1.0, 0.0, moved, 0.0, 1.0, 0.0],
            "before": [640, 480],
            "after": [640, 480],
            "reach": [1.0, 0.9375],
        },
        "places": [{"box": [0.0, 0.0, 0.25, 0.25], "redrawn": redrawn, "recoloured": 3.0, "is_inside": False}],
        "sentence": sentence,
    }


def drifted(
    index: int = 0,
    moved: float = 0.0,
    recoloured: float | None = 0.5,
    redrawn: float = 0.1,
    *,
    sentence: str = "It changed.",
) -> OutputDrift:
    """An output that was measured."""
    found = figures(moved, recoloured, redrawn, sentence=sentence)
    return OutputDrift(index, AGAINST, sentence, None, found)


def refused(index: int = 0, reason: str = "unrelated") -> OutputDrift:
    """An output of which nothing could be said."""
    return OutputDrift(index, AGAINST, "The pictures cannot be registered.", reason)


def heat_map(grey: int = 128, width: int = 4, height: int = 3) -> bytes:
    """A heat map of so many tiles, all alike."""
    file = io.BytesIO()
    Image.new("L", (width, height), grey).save(file, "PNG", optimize=True)
    return file.getvalue()
