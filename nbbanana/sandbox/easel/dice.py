"""
Chance that is no chance: every choice the painter makes follows from the pictures, the words, the seed and the index.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from random import Random
from typing import TypeVar

__all__ = ["Dice"]

T = TypeVar("T")

INDEX_STEPS = (0.7548776662466927, 0.5698402909980532)
"""The inverse powers of the plastic number: steps of these keep points apart in a square, however many there are."""
SEED_STEPS = (0.4142135623730951, 0.23606797749978969)
"""The same for seeds that follow one another; √2 and √5, so that no seed falls on another's index."""


class Dice:
    """
    All the randomness of one output.

    Args:
        inputs: the input files' bytes.
        prompt: the words.
        seed: the request's seed, any integer.
        index: which output of the request, from 0.

    >>> Dice([], "a tree", 7, 0).random("light").random() == Dice([], "a tree", 7, 0).random("light").random()
    True
    """

    def __init__(self, inputs: Sequence[bytes], prompt: str, seed: int, index: int) -> None:
        digest = hashlib.sha256()
        for data in inputs:
            digest.update(hashlib.sha256(data).digest())
        words = hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).digest()
        digest.update(words)
        start = digest.digest()
        digest.update(format(seed, "x").encode())
        self._key = digest.digest()
        self.index = index
        self.hue = int.from_bytes(words[:4], "big") / 2**32
        """0..1, the words' own: another seed does not change it."""
        self.place, self.mood = (
            (int.from_bytes(start[4 * axis : 4 * axis + 4], "big") / 2**32 + turns) % 1.0
            for axis, turns in enumerate(_turns(seed, index))
        )
        """Both 0..1, where the light comes from and how bright and warm it is: a point far from its neighbours'."""

    def random(self, purpose: str) -> Random:
        """A generator of its own for each purpose, so that one more choice here changes nothing there."""
        key = hashlib.sha256(self._key + f"{self.index}:{purpose}".encode()).digest()
        return Random(int.from_bytes(key, "big"))  # noqa: S311  pictures, not secrets

    def version(self, versions: Sequence[T]) -> T:
        """One of them; the outputs of one request go through all before one comes again."""
        return versions[(int.from_bytes(self._key[:4], "big") + self.index) % len(versions)]


def _turns(seed: int, index: int) -> list[float]:
    # A float holds the product exactly enough only while the seed is small.
    near = seed % 2**20
    return [near * by_seed + index * by_index for by_seed, by_index in zip(SEED_STEPS, INDEX_STEPS, strict=True)]
