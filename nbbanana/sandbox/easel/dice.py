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

GOLDEN = 0.6180339887498949
"""Steps of this on a circle lie as far apart as they can, however many there are."""


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
        digest.update(str(seed).encode())
        self._key = digest.digest()
        self.index = index
        self.hue = int.from_bytes(words[:4], "big") / 2**32
        """0..1, the words' own: another seed does not change it."""
        self.place = (int.from_bytes(self._key[:4], "big") / 2**32 + index * GOLDEN) % 1.0
        """0..1, far from the places of the outputs beside it."""

    def random(self, purpose: str) -> Random:
        """A generator of its own for each purpose, so that one more choice here changes nothing there."""
        key = hashlib.sha256(self._key + f"{self.index}:{purpose}".encode()).digest()
        return Random(int.from_bytes(key, "big"))  # noqa: S311  pictures, not secrets

    def version(self, versions: Sequence[T]) -> T:
        """One of them; the outputs of one request go through all before one comes again."""
        return versions[(int.from_bytes(self._key[4:8], "big") + self.index) % len(versions)]
