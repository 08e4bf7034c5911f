"""
Affine maps between two pictures, and what they say of the picture: shift, scale, rotation, stretch, crop.

Places are in pixels from the upper-left *edge*, so that the middle of the first pixel is at 0.5: a picture that is
scaled by two is then mapped by 2·x, without a shift. A map is six numbers (a, b, c, d, e, f): x' = a·x + b·y + c and
y' = d·x + e·y + f, in the order of Pillow's `Transform.AFFINE`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["IDENTITY", "Affine", "Registration", "nominal_scales"]

ROUNDING = 1.0
"""Pixels by which a side may be off for two sizes to have the same shape: services round to whole pixels."""


class Affine(NamedTuple):
    """A map from places in one picture to places in another."""

    a: float
    b: float
    c: float
    d: float
    e: float
    f: float

    def __call__(self, x: float, y: float) -> tuple[float, float]:
        """Return the place that a place is mapped to."""
        return self.a * x + self.b * y + self.c, self.d * x + self.e * y + self.f

    def after(self, first: Affine) -> Affine:
        """
        Return the map that applies `first`, then this.

        >>> Affine(2, 0, 0, 0, 2, 0).after(Affine(1, 0, 3, 0, 1, 0))(1, 1)
        (8, 2)
        """
        return Affine(
            self.a * first.a + self.b * first.d,
            self.a * first.b + self.b * first.e,
            self.a * first.c + self.b * first.f + self.c,
            self.d * first.a + self.e * first.d,
            self.d * first.b + self.e * first.e,
            self.d * first.c + self.e * first.f + self.f,
        )

    @property
    def determinant(self) -> float:
        """By how much it enlarges areas; below zero for a mirror image."""
        return self.a * self.e - self.b * self.d

    @property
    def scales(self) -> tuple[float, float]:
        """Pixels that one to the right becomes, and one downwards, across that."""
        across = math.hypot(self.a, self.d)
        return across, abs(self.determinant) / across

    def inverse(self) -> Affine:
        """Return the map back; ZeroDivisionError where there is none."""
        det = self.determinant
        a, b, d, e = self.e / det, -self.b / det, -self.d / det, self.a / det
        return Affine(a, b, -(a * self.c + b * self.f), d, e, -(d * self.c + e * self.f))

    @staticmethod
    def scaling(across: float, down: float) -> Affine:
        """Return the map that scales from the upper-left edge."""
        return Affine(across, 0.0, 0.0, 0.0, down, 0.0)


IDENTITY = Affine(1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def nominal_scales(before: tuple[int, int], after: tuple[int, int]) -> list[tuple[float, float]]:
    """
    Return the scales that the two sizes alone suggest: pixels of `after` for one of `before`, across and down.

    Equal shapes suggest one: it was resized. Others may have been cut or extended, or stretched.

    >>> nominal_scales((100, 50), (200, 100))
    [(2.0, 2.0)]
    >>> nominal_scales((100, 50), (200, 50))
    [(2.0, 2.0), (1.0, 1.0), (2.0, 1.0)]
    """
    across, down = after[0] / before[0], after[1] / before[1]
    if _same_shape(before, after):
        return [(across, down)]
    found = [(across, across), (down, down), (1.0, 1.0), (across, down)]
    return list(dict.fromkeys(found))


def _same_shape(before: tuple[int, int], after: tuple[int, int]) -> bool:
    scale = math.sqrt(after[0] * after[1] / (before[0] * before[1]))
    return all(abs(after[axis] - scale * before[axis]) <= ROUNDING * max(1.0, scale) for axis in (0, 1))


@dataclass(frozen=True, slots=True)
class Registration:
    """
    Where each place of a picture is in another picture.

    Args:
        matrix: maps a place in the first picture to the same place of the scene in the second, both in pixels.
        before, after: width and height of the two pictures.
        fit: which part of what has texture in both fits once they are registered, 0 to 1.
        confidence: how sure the map is, 0 to 1; below `LEAST_FIT` of `registration` there is none at all.
        uncertainty: pixels of the first picture by which a corner may be off (two standard errors).
    """

    matrix: Affine
    before: tuple[int, int]
    after: tuple[int, int]
    fit: float
    confidence: float
    uncertainty: float

    @property
    def nominal(self) -> Affine:
        """
        Where places would be if the picture had only been resized; the zero that movement is measured from.

        For two sizes of one shape: edge to edge. For others: the uniform scale among those that the sizes suggest that
        is nearest to what was measured, about the middle.
        """
        across, down = min(nominal_scales(self.before, self.after), key=self._unlike)
        middle = [(self.after[axis] - scale * self.before[axis]) / 2 for axis, scale in enumerate((across, down))]
        return Affine(across, 0.0, middle[0], 0.0, down, middle[1])

    def _unlike(self, scales: tuple[float, float]) -> float:
        across, down = self.matrix.scales
        return abs(math.log(across / scales[0])) + abs(math.log(down / scales[1]))

    @property
    def movement(self) -> Affine:
        """Where places are, in pixels of the first picture, against where a resize alone would have put them."""
        return self.nominal.inverse().after(self.matrix)

    @property
    def shift(self) -> tuple[float, float]:
        """By how many pixels of the first picture its middle moved, to the right and down."""
        x, y = self.before[0] / 2, self.before[1] / 2
        to = self.movement(x, y)
        return to[0] - x, to[1] - y

    @property
    def corner(self) -> float:
        """By how many pixels of the first picture the corner that moved most did."""
        width, height = self.before
        corners = [(0.0, 0.0), (width, 0.0), (0.0, height), (width, height)]
        return max(math.dist(corner, self.movement(*corner)) for corner in corners)

    @property
    def scale(self) -> float:
        """By how much the content grew against the frame: 1 where it did not."""
        return math.sqrt(abs(self.movement.determinant))

    @property
    def stretch(self) -> float:
        """How much wider things became than they became tall: 1 where their shape stayed, as in a plain resize."""
        across, down = self.matrix.scales
        nominal = self.nominal
        rounding = nominal.a / nominal.e if _same_shape(self.before, self.after) else 1.0
        return across / down / rounding

    @property
    def rotation(self) -> float:
        """By how many degrees the content turned, clockwise on the screen."""
        return math.degrees(math.atan2(self.movement.d - self.movement.b, self.movement.a + self.movement.e))

    @property
    def lost(self) -> float:
        """Which part of the first picture the second does not show."""
        return 1.0 - _shared(self.matrix, self.before, self.after)

    @property
    def added(self) -> float:
        """Which part of the second picture the first does not show."""
        return 1.0 - _shared(self.matrix.inverse(), self.after, self.before)


def _shared(matrix: Affine, of: tuple[int, int], within: tuple[int, int]) -> float:
    """Return which part of a picture lands within another: the area of its outline, cut at four edges."""
    width, height = of
    outline = [matrix(*corner) for corner in ((0.0, 0.0), (width, 0.0), (width, height), (0.0, height))]
    whole = _area(outline)
    for axis in (0, 1):
        outline = _cut(outline, axis, 0.0, 1.0)
        outline = _cut(outline, axis, float(within[axis]), -1.0)
    return min(1.0, _area(outline) / whole) if whole else 0.0


def _cut(outline: list[tuple[float, float]], axis: int, at: float, side: float) -> list[tuple[float, float]]:
    """Return what of a polygon is on one side of a line (Sutherland and Hodgman, 1974)."""
    kept: list[tuple[float, float]] = []
    for here, there in zip(outline, outline[1:] + outline[:1], strict=True):
        one, other = side * (here[axis] - at), side * (there[axis] - at)
        if one >= 0:
            kept.append(here)
        if (one >= 0) != (other >= 0):
            part = one / (one - other)
            kept.append((here[0] + part * (there[0] - here[0]), here[1] + part * (there[1] - here[1])))
    return kept


def _area(outline: list[tuple[float, float]]) -> float:
    pairs = zip(outline, outline[1:] + outline[:1], strict=True)
    return abs(sum(x * there_y - there_x * y for (x, y), (there_x, there_y) in pairs)) / 2
