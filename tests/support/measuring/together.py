"""
Edits alone and together: of each photograph all eight combinations of a move, a change of tone and a repainted part.

Each has several kinds, which take turns. A repainted part is painted into the scene, which then moves, as when a
service renders everything anew. All second pictures are JPEG at quality 85.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import NamedTuple

import numpy as np
from PIL import Image

from support.measuring.cases import SEED, mean_colour, toned
from support.measuring.edits import Pair, jpeg, moved, pair_of, patched, removed, retyped

__all__ = ["CAUSES", "MOVES", "REPAINTINGS", "Edit", "edits", "slightly_moved"]

CAUSES = ("moved", "recoloured", "redrawn")
MOVES = ("shift", "scale", "turn", "shift, scale and turn")
REPAINTINGS = ("patch", "other words", "removed", "patch and other words")
MARGIN = 0.08
"""Part of the scene on each side that the first picture does not show."""


class Edit(NamedTuple):
    """A pair, what was done to it, and how much: pixels at the corner, ΔE00 of the tone, part that was repainted."""

    pair: Pair
    causes: frozenset[str]
    kinds: tuple[str, str]
    true: dict[str, float]


def edits(photographs: dict[str, Image.Image], times: int) -> Iterator[tuple[str, Edit]]:
    """For each photograph, so many times all eight combinations of the same move, tone and repainted part."""
    names = sorted(photographs)
    for name in names:
        rng = np.random.default_rng([SEED, *name.encode(), 11])
        for turn in range(times):
            other = photographs[str(rng.choice([one for one in names if one != name]))]
            kinds = MOVES[turn % len(MOVES)], REPAINTINGS[(turn + turn // len(MOVES)) % len(REPAINTINGS)]
            move, seed = _move(kinds[0], rng), int(rng.integers(1 << 30))
            scene = _scene(photographs[name], other, kinds[1], rng)
            for chosen in product((False, True), repeat=len(CAUSES)):
                causes = frozenset(cause for cause, is_there in zip(CAUSES, chosen, strict=True) if is_there)
                yield name, _edit(scene, move, seed, causes, kinds)


def slightly_moved(photographs: dict[str, Image.Image], times: int) -> Iterator[tuple[str, Pair, Pair, float]]:
    """
    For each photograph, pairs of which the second lies as the first and pairs of which it moved a little, and how far.

    By 0.3 to 3 px in any direction, 0.2 % of scale, or 0.2°, in turn. Both have the same change of tone and JPEG q85,
    and every second time a patch of another photograph on 3 % of it.
    """
    names = sorted(photographs)
    for name in names:
        rng = np.random.default_rng([SEED, *name.encode(), 13])
        for turn in range(times):
            way, side, tone = rng.uniform(0, 2 * math.pi), float(rng.choice([-1, 1])), int(rng.integers(1 << 30))
            far = rng.uniform(0.3, 3)
            other = photographs[str(rng.choice([one for one in names if one != name]))]
            photo = photographs[name]
            scene = _scene(photo, other, "patch", rng) if turn % 2 else Pair(photo, photo)
            move = (
                {"shift": (far * math.cos(way), far * math.sin(way))},
                {"scale": (1 + side * 0.002,) * 2},
                {"degrees": side * 0.2},
            )[turn % 3]
            still, other = _shown(scene, {}), _shown(scene, move)
            change = toned(tone, 1.0)
            pairs = [replace(pair, after=jpeg(change(pair.after))) for pair in (still, other)]
            yield name, *pairs, still.corner(other.matrix)


def _move(kind: str, rng: np.random.Generator) -> dict:
    """A shift of 1 to 4 px, a scale of 0.3 to 1 %, a turn of 0.3° to 1°, or all of them."""
    way, far = rng.uniform(0, 2 * math.pi), rng.uniform(1, 4)
    sides = rng.choice([-1, 1], 2)
    move = {
        "shift": (far * math.cos(way), far * math.sin(way)),
        "scale": (float(np.exp(sides[0] * rng.uniform(0.003, 0.01))),) * 2,
        "degrees": float(sides[1] * rng.uniform(0.3, 1)),
    }
    wanted = {"shift": ["shift"], "scale": ["scale"], "turn": ["degrees"]}.get(kind, list(move))
    return {name: move[name] for name in wanted}


def _scene(photo: Image.Image, other: Image.Image, kind: str, rng: np.random.Generator) -> Pair:
    """A photograph, and the same with 3 % of it repainted, where the middle that is shown has nearly all of that."""
    while True:
        scene = Pair(photo, photo)
        if "words" in kind:
            scene = retyped(scene, "OPEN DAILY", "SOLD AGAIN", rng)
        if "patch" in kind:
            words = scene.redrawn
            scene = patched(scene, other, rng)
            scene = scene if words is None else replace(scene, redrawn=scene.redrawn | words)
        if kind == "removed":
            scene = removed(scene, rng)
        if _middle(scene.redrawn).sum() > 0.9 * scene.redrawn.sum():
            return scene


def _middle(mask: np.ndarray) -> np.ndarray:
    """What the first picture shows of a mask of the scene."""
    return np.asarray(pair_of(Image.fromarray(mask), MARGIN).before)


def _shown(scene: Pair, move: dict) -> Pair:
    """The middle of a scene, and that of the repainted scene, moved."""
    pair = moved(scene.after, MARGIN, **move)
    mask = None if scene.redrawn is None else _middle(scene.redrawn)
    return replace(pair, before=pair_of(scene.before, MARGIN).before, redrawn=mask)


def _edit(scene: Pair, move: dict, seed: int, causes: frozenset[str], kinds: tuple[str, str]) -> Edit:
    base = scene if "redrawn" in causes else replace(scene, after=scene.before, redrawn=np.zeros_like(scene.redrawn))
    pair = _shown(base, move if "moved" in causes else {})
    tone = toned(seed, 1.0) if "recoloured" in causes else None
    after = tone(pair.after) if tone else pair.after
    true = {
        "moved": pair.corner((1, 0, 0, 0, 1, 0)),
        "recoloured": mean_colour(pair.after, after),
        "redrawn": float(pair.redrawn.mean()),
    }
    return Edit(replace(pair, after=jpeg(after)), causes, kinds, true)
