"""The ribbon that every picture of the sandbox carries: who made it, at the bottom left, legible in a thumbnail."""

from __future__ import annotations

import math

from PIL import Image, ImageChops, ImageDraw

from nbbanana.sandbox.easel.lettering import font

__all__ = ["RIBBON", "ribbon_box", "stamped"]

RIBBON = "sandbox"
HEIGHT = 0.04
"""Of the ribbon, as a part of the picture's mean side."""
WIDEST = 0.5
"""Of the ribbon, as a part of the picture's width: a narrow picture has a smaller one."""
PROPORTION = 3.35
"""Its width over its height."""
SUPERSAMPLING = 4
GROUND = (20, 20, 22)
COVER = 188
"""How much of the ground covers, 0..255: white on it stays above 4.5:1 even over white."""


def ribbon_box(size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the ribbon in pixels on a picture of `size`; it touches both edges."""
    tall = max(12.0, HEIGHT * math.sqrt(size[0] * size[1]))
    tall = max(6.0, min(tall, WIDEST * size[0] / PROPORTION))
    return 0, size[1] - round(tall), round(PROPORTION * tall), size[1]


def stamped(picture: Image.Image) -> Image.Image:
    """The picture with the ribbon; drawn larger and scaled down, so that its corner and letters are smooth."""
    box = ribbon_box(picture.size)
    size = (box[2] - box[0], box[3] - box[1])
    large = (size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING)
    plate = Image.new("L", large)
    radius = large[1] // 5
    # Only the inner corner is free; the others lie outside the picture.
    ImageDraw.Draw(plate).rounded_rectangle((-radius, 0, large[0] - 1, large[1] + radius), radius, COVER)
    letters = Image.new("L", large)
    face = font(round(large[1] * 0.62))
    ImageDraw.Draw(letters).text(
        (large[0] / 2, large[1] * 0.49), RIBBON, 255, face, anchor="mm", stroke_width=max(1, round(face.size / 36))
    )
    plate, letters = (layer.resize(size, Image.Resampling.BOX) for layer in (plate, letters))
    picture.paste(GROUND, box, ImageChops.lighter(plate, letters))
    picture.paste((255, 255, 255), box, letters)
    return picture
