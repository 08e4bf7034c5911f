"""
Edits of photographs of which everything is known: how far they moved, what was recoloured, what was redrawn.

Both pictures of a pair are cut from a larger photograph, so that a moved one shows more of the scene and no border.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from scipy.ndimage import affine_transform

__all__ = ["Pair", "jpeg", "moved", "pair_of", "patched", "removed", "reread", "retoned", "retyped", "shown_at"]


@dataclass(frozen=True)
class Pair:
    """Two pictures, and how the second was made of the first: a map of places, and what was redrawn."""

    before: Image.Image
    after: Image.Image
    matrix: tuple[float, float, float, float, float, float] = (1, 0, 0, 0, 1, 0)
    redrawn: np.ndarray | None = None

    def corner(self, matrix) -> float:
        """By how many pixels of the first picture a found map is off at the corner where it is off most."""
        inverse = np.linalg.inv(np.array([*self.matrix, 0, 0, 1], float).reshape(3, 3))
        width, height = self.before.size
        corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]], float).T
        found = inverse @ np.array([*matrix, 0, 0, 1], float).reshape(3, 3) @ corners
        return float(np.hypot(*(found - corners)[:2]).max())


def pair_of(photo: Image.Image, margin: float = 0.1) -> Pair:
    """The middle of a photograph, twice."""
    across, down = round(photo.width * margin), round(photo.height * margin)
    middle = photo.crop((across, down, photo.width - across, photo.height - down))
    return Pair(middle, middle)


def moved(photo: Image.Image, margin: float = 0.1, *, shift=(0.0, 0.0), scale=(1.0, 1.0), degrees=0.0) -> Pair:
    """The middle of a photograph, and the same moved about its middle by pixels, factors and degrees clockwise."""
    before = pair_of(photo, margin).before
    across, down = round(photo.width * margin), round(photo.height * margin)
    x, y = before.width / 2, before.height / 2
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    linear = np.array([[cos, -sin], [sin, cos]]) @ np.diag(scale)
    offset = np.array([x, y]) - linear @ [x, y] + np.asarray(shift)
    back = np.linalg.inv(linear)
    start = -back @ offset + [across, down]
    data = (back[0, 0], back[0, 1], start[0], back[1, 0], back[1, 1], start[1])
    after = _resampled(photo, before.size, data)
    matrix = (linear[0, 0], linear[0, 1], offset[0], linear[1, 0], linear[1, 1], offset[1])
    return Pair(before, after, tuple(map(float, matrix)))


def _resampled(photo: Image.Image, size: tuple[int, int], data: tuple[float, ...]) -> Image.Image:
    """
    What a photograph shows at the places that a map leads to; exact for whole pixels, by cubic splines elsewhere.

    Splines (of SciPy) keep the phase of fine detail, which the cubic kernel that the measuring itself uses does not.
    """
    a, b, c, d, e, f = data
    if (a, b, d, e) == (1, 0, 0, 1) and c == round(c) and f == round(f):
        return photo.crop((round(c), round(f), round(c) + size[0], round(f) + size[1]))
    offset = [d / 2 + e / 2 + f - 0.5, a / 2 + b / 2 + c - 0.5]
    pixels = np.asarray(photo, np.float32)
    planes = [
        affine_transform(pixels[..., at], [[e, d], [b, a]], offset, (size[1], size[0]), order=3, mode="mirror")
        for at in range(3)
    ]
    return Image.fromarray(np.stack(planes, axis=-1).round().clip(0, 255).astype(np.uint8))


def shown_at(pair: Pair, size: tuple[int, int]) -> Pair:
    """The second picture resized."""
    across, down = size[0] / pair.after.width, size[1] / pair.after.height
    a, b, c, d, e, f = pair.matrix
    matrix = (a * across, b * across, c * across, d * down, e * down, f * down)
    return replace(pair, after=pair.after.resize(size, Image.Resampling.LANCZOS), matrix=matrix)


def jpeg(image: Image.Image, quality: int = 85) -> Image.Image:
    """A picture that went through JPEG."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def reread(pair: Pair, change: Callable[[Image.Image], Image.Image]) -> Pair:
    """The second picture changed by a function."""
    return replace(pair, after=change(pair.after))


def retoned(image: Image.Image, rng: np.random.Generator, strength: float = 1.0) -> Image.Image:
    """A picture with another gamma, contrast, brightness and white balance, each drawn at random."""
    gamma = math.exp(strength * rng.uniform(-0.25, 0.25))
    gain = np.exp(strength * rng.uniform(-0.08, 0.08, 3))
    lift = strength * rng.uniform(-10, 10)
    levels = np.clip(255 * (np.arange(256) / 255) ** gamma * gain[:, None] + lift, 0, 255)
    return image.point([round(float(level)) for channel in levels for level in channel])


def _place(size: tuple[int, int], part: float, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """A box at random of that part of a picture."""
    ratio = math.exp(rng.uniform(-0.4, 0.4))
    width = min(size[0] - 2, max(4, round(math.sqrt(part * size[0] * size[1] * ratio))))
    height = min(size[1] - 2, max(4, round(part * size[0] * size[1] / width)))
    left, top = int(rng.integers(0, size[0] - width)), int(rng.integers(0, size[1] - height))
    return left, top, left + width, top + height


def _with_mask(pair: Pair, box: tuple[int, int, int, int], after: Image.Image) -> Pair:
    mask = np.zeros((pair.before.height, pair.before.width), bool)
    inverse = np.linalg.inv(np.array([*pair.matrix, 0, 0, 1], float).reshape(3, 3))
    corners = inverse @ np.array([[box[0], box[2]], [box[1], box[3]], [1, 1]], float)
    (left, right), (top, bottom) = (np.round(line).astype(int) for line in corners[:2])
    mask[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = True
    return replace(pair, after=after, redrawn=mask)


def patched(pair: Pair, other: Image.Image, rng: np.random.Generator, part: float = 0.03) -> Pair:
    """A patch of another photograph pasted at a random place."""
    box = _place(pair.after.size, part, rng)
    width, height = box[2] - box[0], box[3] - box[1]
    if other.width <= width or other.height <= height:
        other = other.resize((max(other.width, width + 8), max(other.height, height + 8)))
    left, top = int(rng.integers(0, other.width - width)), int(rng.integers(0, other.height - height))
    after = pair.after.copy()
    after.paste(other.crop((left, top, left + width, top + height)), box[:2])
    return _with_mask(pair, box, after)


def removed(pair: Pair, rng: np.random.Generator, part: float = 0.03) -> Pair:
    """What is in a random box painted over with its surroundings, as where an object is removed."""
    box = _place(pair.after.size, part, rng)
    after = pair.after.copy()
    pixels = np.asarray(after).astype(float)
    left, top, right, bottom = box
    x, y = np.linspace(0, 1, right - left)[None, :, None], np.linspace(0, 1, bottom - top)[:, None, None]
    one, two = pixels[top:bottom, [max(0, left - 1)]], pixels[top:bottom, [min(after.width - 1, right)]]
    three, four = pixels[[max(0, top - 1)], left:right], pixels[[min(after.height - 1, bottom)], left:right]
    filling = ((1 - x) * one + x * two + (1 - y) * three + y * four) / 2
    fill = Image.fromarray(filling.clip(0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(2))
    after.paste(fill, box[:2])
    return _with_mask(pair, box, after)


def retyped(pair: Pair, one: str, other: str, rng: np.random.Generator) -> Pair:
    """A label in both pictures, with other words in the second; needs pictures that did not move."""
    box = _place(pair.after.size, 0.03, rng)
    font = ImageFont.load_default(max(9, (box[3] - box[1]) // 3))
    pictures = []
    for image, words in ((pair.before, one), (pair.after, other)):
        labelled = image.copy()
        draw = ImageDraw.Draw(labelled)
        draw.rectangle(box, fill=(240, 235, 220))
        draw.text((box[0] + 3, box[1] + 3), words, fill=(40, 30, 30), font=font)
        pictures.append(labelled)
    found = _with_mask(pair, box, pictures[1])
    return replace(found, before=pictures[0])
