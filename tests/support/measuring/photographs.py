"""Photographs that installed packages ship, in two parts: those that the rule was made with, and those it never saw."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path

import pytest
from PIL import Image

from nbbanana.images.colours import on_white, to_srgb
from support.tiers import sampled

__all__ = ["HELD_OUT", "KNOWN", "SETS", "photograph"]

HELD_OUT = ("brick", "chelsea", "clock_motion", "gravel", "motorcycle_left", "rocket")
"""Drawn by `random.Random(20261130).sample(sorted(all), 6)` before the rule was written."""
KNOWN = (
    "astronaut",
    "camera",
    "cell",
    "coffee",
    "coins",
    "grace_hopper",
    "grass",
    "hubble_deep_field",
    "ihc",
    "moon",
    "page",
    "retina",
)
SETS = sampled([pytest.param(HELD_OUT, id="held out"), pytest.param(KNOWN, id="known")])
_JPEGS = {"hubble_deep_field", "retina", "rocket"}


@cache
def photograph(name: str) -> Image.Image:
    """A photograph as RGB, its longer side at most 768 pixels."""
    package, file = "skimage", f"data/{name}.{'jpg' if name in _JPEGS else 'png'}"
    if name == "grace_hopper":
        package, file = "matplotlib", "mpl-data/sample_data/grace_hopper.jpg"
    with Image.open(Path(str(resources.files(package) / file))) as image:
        picture = on_white(to_srgb(image))  # one has a profile, which an edit of it would have lost
    picture.thumbnail((768, 768), Image.Resampling.LANCZOS)
    return picture
