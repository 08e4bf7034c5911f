"""
Parts of a picture: shapes that were drawn, the words that a model understands for them, and a mask.

All places are parts of the width and the height, from 0 at the left and the top to 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from nbbanana.errors import UsageError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "Area",
    "Box",
    "Shape",
    "area_of",
    "box_shape",
    "boxes_of",
    "mask_of",
    "read",
    "shape_of",
    "words_for",
    "written",
]

MOST_POINTS = 20_000
"""A shape of more is no stroke of a hand."""
OUTSIDE = 0.05
"""How far a box may reach beyond the picture: it is cut off there; what is farther is in another unit."""
ALIKE = 0.5
"""Intersection over union from which on a box is called by the name of a place."""
NEAR, SMALL = 0.08, 0.02
"""What counts as in the middle, as a part of a side; and what is called small, as a part of the picture."""


class Box(NamedTuple):
    """A rectangle: left, top, right and bottom as parts of the picture."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def area(self) -> float:
        """Its part of the picture."""
        return max(0.0, self.right - self.left) * max(0.0, self.bottom - self.top)

    def overlap(self, other: Box) -> float:
        """Return the area that both cover."""
        left, top = max(self.left, other.left), max(self.top, other.top)
        return Box(left, top, min(self.right, other.right), min(self.bottom, other.bottom)).area

    def around(self, other: Box) -> Box:
        """Return the smallest box that holds both."""
        left, top = min(self.left, other.left), min(self.top, other.top)
        return Box(left, top, max(self.right, other.right), max(self.bottom, other.bottom))


@dataclass(frozen=True, slots=True)
class Shape:
    """
    What was drawn at once.

    Args:
        kind: a `box` by two corners, a `lasso` by its outline, a `brush` by the line that it followed.
        points: places, from left and from top.
        radius: of the brush, as a part of the picture's longer side.
    """

    kind: Literal["box", "lasso", "brush"]
    points: tuple[tuple[float, float], ...]
    radius: float = 0.0

    def box(self, ratio: float = 1.0) -> Box:
        """
        Return the smallest box around it, within the picture.

        Args:
            ratio: the picture's width by its height; a brush is round in pixels, not in parts.
        """
        across, down = (self.radius, self.radius * ratio) if ratio >= 1 else (self.radius / ratio, self.radius)
        xs, ys = zip(*self.points, strict=True)
        return Box(
            max(0.0, min(xs) - across), max(0.0, min(ys) - down), min(1.0, max(xs) + across), min(1.0, max(ys) + down)
        )


def shape_of(row: Mapping[str, Any]) -> Shape:
    """
    Read a shape of the front end's JSON.

    Raises:
        UsageError: no shape, or places that are no numbers.

    >>> shape_of({"kind": "box", "points": [[0, 0], [2, 0.5]]}).points
    ((0.0, 0.0), (1.0, 0.5))
    """
    points = tuple((_part(x), _part(y)) for x, y in row["points"])
    least = {"box": 2, "lasso": 3, "brush": 1}.get(row["kind"])
    if least is None or not least <= len(points) <= MOST_POINTS:
        raise UsageError(
            f"A {row['kind']!s:.20} of {len(points)} points is not a region.",
            "A box has two corners, a lasso at least three points, a brush at least one.",
            "Draw it again.",
        )
    return Shape(row["kind"], points, _part(row.get("radius", 0.0)))


def _row_of(shape: Shape) -> dict[str, Any]:
    row: dict[str, Any] = {"kind": shape.kind, "points": [list(point) for point in shape.points]}
    return row | {"radius": shape.radius} if shape.radius else row


def _part(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise UsageError(
            f"{value!r} is not a place in a picture.",
            "Places are numbers from 0 to 1.",
            "Give four such numbers, for example (0.7, 0, 1, 0.3), or draw it again.",
        )
    return min(1.0, max(0.0, number))


def boxes_of(shapes: Iterable[Shape], ratio: float = 1.0) -> tuple[Box, ...]:
    """
    Return the boxes around shapes, in the order in which they were drawn; those that overlap become one.

    >>> boxes_of([Shape("box", ((0, 0), (0.5, 0.5))), Shape("box", ((0.4, 0.4), (0.6, 0.6)))])
    (Box(left=0.0, top=0.0, right=0.6, bottom=0.6),)
    """
    found: list[Box] = []
    for shape in shapes:
        box = shape.box(ratio)
        while meeting := [one for one in found if one.overlap(box) > 0]:
            for one in meeting:
                found.remove(one)
                box = one.around(box)
        found.append(box)
    return tuple(found)


def mask_of(shapes: Iterable[Shape], size: tuple[int, int]) -> Image:
    """
    Return a mask: white is to be repainted, black stays.

    Args:
        shapes: what is white.
        size: width and height in pixels.

    Returns:
        A picture in mode `L`.
    """
    from PIL import Image, ImageDraw

    mask = Image.new("L", size)
    draw = ImageDraw.Draw(mask)
    for shape in shapes:
        points = [(x * size[0], y * size[1]) for x, y in shape.points]
        if shape.kind == "box":
            (left, right), (top, bottom) = (sorted(round(one[axis]) for one in points[:2]) for axis in (0, 1))
            draw.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), fill=255)
        elif shape.kind == "lasso":
            draw.polygon(points, fill=255)
        else:
            radius = max(0.5, shape.radius * max(size))
            draw.line(points, fill=255, width=max(1, round(2 * radius)), joint="curve")
            for x, y in points:
                draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return mask


@dataclass(frozen=True, slots=True)
class Area:
    """
    A part of one of the pictures that a request is asked with: what an edit was meant to change.

    Args:
        shapes: what was drawn.
        size: width and height in pixels of the picture that it was drawn on.
        input: which of the request's pictures that is, from 0.
        identity: the picture's identity, where it is known: a request finds its picture by it.

    >>> area = Area((box_shape((0.7, 0, 1, 0.3)),), (640, 480))
    >>> area.words, area.mask().getbbox()
    ('the upper-right corner', (448, 0, 640, 144))
    """

    shapes: tuple[Shape, ...]
    size: tuple[int, int]
    input: int = 0
    identity: str = field(default="", compare=False, repr=False)

    @property
    def words(self) -> str:
        """Words for it, to put into a prompt."""
        return words_for(self.boxes)

    @property
    def boxes(self) -> tuple[Box, ...]:
        """The boxes around what was drawn, as parts of the picture: left, top, right, bottom."""
        return boxes_of(self.shapes, self.size[0] / self.size[1])

    def mask(self, size: tuple[int, int] | None = None) -> Image:
        """Return it as a mask in mode `L`, of the picture's size unless another is given; white is repainted."""
        return mask_of(self.shapes, size or self.size)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON for a record; `area_of` reads it back."""
        return {"input": self.input, "size": list(self.size), "shapes": [_row_of(shape) for shape in self.shapes]}

    def __nbbanana_region__(self) -> Area:
        return self


def area_of(row: Mapping[str, Any]) -> Area:
    """
    Read an area from the JSON of a record.

    Raises:
        UsageError: a shape that is none.

    >>> area = Area((box_shape((0, 0, 0.5, 1)),), (64, 48), input=1)
    >>> area_of(area.as_json()) == area
    True
    """
    width, height = row["size"]
    return Area(tuple(shape_of(one) for one in row["shapes"]), (int(width), int(height)), int(row["input"]))


def written(area: Area) -> str:
    """
    Write an area for the line of a cell: the boxes around what was drawn, and `@2` where it is of the second picture.

    >>> written(Area((box_shape((0.7, 0, 1, 0.3)), box_shape((0, 0.5, 0.25, 1))), (64, 48), input=1))
    '0.7,0,1,0.3+0,0.5,0.25,1@2'
    """
    text = "+".join(",".join(f"{round(part, 4):g}" for part in box) for box in area.boxes)
    return f"{text}@{area.input + 1}" if area.input else text


def read(text: str) -> Area:
    """
    Read an area that `written` wrote, or the name of a place that `words_for` uses; it has no picture size.

    Raises:
        UsageError: it cannot be read.

    >>> read("0.7,0,1,0.3@2").boxes, read("0.7,0,1,0.3@2").input
    ((Box(left=0.7, top=0.0, right=1.0, bottom=0.3),), 1)
    >>> read("upper half").boxes
    (Box(left=0.0, top=0.0, right=1.0, bottom=0.5),)
    """
    if (place := _PLACES.get(f"the {' '.join(text.lower().split()).removeprefix('the ')}")) is not None:
        return Area((Shape("box", (place[:2], place[2:])),), (1, 1))
    if text[:1].isalpha():
        raise UsageError(
            f"{_shown(text)} is not a place in a picture.",
            "A place has a name such as 'the upper half', 'the left third' or 'the centre'.",
            "Or give a box: left, top, right and bottom, such as (0.7, 0, 1, 0.3).",
        )
    boxes, _, number = text.partition("@")
    number = number or "1"
    if not number.isdecimal() or int(number) < 1:
        raise UsageError(f"@{number:.20} names no picture.", "The first picture is @1.", "Write @2 for the second.")
    return Area(tuple(box_shape(box.split(",")) for box in boxes.split("+")), (1, 1), int(number) - 1)


def box_shape(box: Sequence[float | str]) -> Shape:
    """
    Return a box as a shape.

    Args:
        box: left, top, right and bottom, as parts of the picture.

    Raises:
        UsageError: not four numbers, or numbers of another unit: pixels, percent or thousandths.
    """
    try:
        left, top, right, bottom = (float(part) for part in box)
        _check_unit((left, top, right, bottom))
        return shape_of({"kind": "box", "points": [(left, top), (right, bottom)]})
    except (TypeError, ValueError):
        raise UsageError(
            f"{_shown(box)} is not a box.",
            "A box is left, top, right and bottom, as parts of the picture from 0 to 1.",
            "For example: (0.7, 0, 1, 0.3).",
        ) from None


def _shown(value: object) -> str:
    """Return a value in a message: as it is written, or its type where that is long or says nothing."""
    text = repr(value)
    return f"A value of type {type(value).__name__}" if len(text) > 60 or " at 0x" in text else text


def _check_unit(box: Sequence[float]) -> None:
    """Raise a UsageError for places that are far outside of a picture, as they are in other units."""
    low, high = min(box), max(box)
    if not (math.isfinite(low) and math.isfinite(high)) or (low >= -OUTSIDE and high <= 1.0 + OUTSIDE):
        return
    where = next(place for most, place in _UNITS if high <= most) if low >= 0.0 else "outside of the picture"
    raise UsageError(
        f"The box {', '.join(f'{part:g}' for part in box)} is {where}.",
        "A box is left, top, right and bottom, as parts of the picture from 0 to 1.",
        "Divide left and right by the width, top and bottom by the height: (64 / 640, 48 / 480, …).",
    )


_UNITS = (
    (2.0, "outside of the picture"),
    (100.0, "in percent or pixels"),
    (1000.0, "in pixels or thousandths"),
    (math.inf, "in pixels"),
)
"""What numbers up to these probably are."""


# ── words ───────────────────────────────────────────────────────────────────────────────────────────────────

_THIRD, _REST, _EDGE = 1 / 3, 2 / 3, 0.15

_PLACES: dict[str, Box] = {
    "the whole picture": Box(0, 0, 1, 1),
    "the left half": Box(0, 0, 0.5, 1),
    "the right half": Box(0.5, 0, 1, 1),
    "the upper half": Box(0, 0, 1, 0.5),
    "the lower half": Box(0, 0.5, 1, 1),
    "the left third": Box(0, 0, _THIRD, 1),
    "the right third": Box(_REST, 0, 1, 1),
    "the upper third": Box(0, 0, 1, _THIRD),
    "the lower third": Box(0, _REST, 1, 1),
    "the left two thirds": Box(0, 0, _REST, 1),
    "the right two thirds": Box(_THIRD, 0, 1, 1),
    "the upper two thirds": Box(0, 0, 1, _REST),
    "the lower two thirds": Box(0, _THIRD, 1, 1),
    "the strip from top to bottom through the middle": Box(_THIRD, 0, _REST, 1),
    "the band from side to side across the middle": Box(0, _THIRD, 1, _REST),
    "the upper-left quarter": Box(0, 0, 0.5, 0.5),
    "the upper-right quarter": Box(0.5, 0, 1, 0.5),
    "the lower-left quarter": Box(0, 0.5, 0.5, 1),
    "the lower-right quarter": Box(0.5, 0.5, 1, 1),
    "the upper-left corner": Box(0, 0, _THIRD, _THIRD),
    "the upper-right corner": Box(_REST, 0, 1, _THIRD),
    "the lower-left corner": Box(0, _REST, _THIRD, 1),
    "the lower-right corner": Box(_REST, _REST, 1, 1),
    "the middle of the left side": Box(0, _THIRD, _THIRD, _REST),
    "the middle of the right side": Box(_REST, _THIRD, 1, _REST),
    "the middle of the upper side": Box(_THIRD, 0, _REST, _THIRD),
    "the middle of the lower side": Box(_THIRD, _REST, _REST, 1),
    "the centre": Box(_THIRD, _THIRD, _REST, _REST),
    "everything but the edges": Box(0.1, 0.1, 0.9, 0.9),
    "the left edge": Box(0, 0, _EDGE, 1),
    "the right edge": Box(1 - _EDGE, 0, 1, 1),
    "the upper edge": Box(0, 0, 1, _EDGE),
    "the lower edge": Box(0, 1 - _EDGE, 1, 1),
}


def words_for(boxes: Iterable[Sequence[float]]) -> str:
    """
    Return words for parts of a picture, as a prompt can use them.

    Args:
        boxes: left, top, right and bottom of each, as parts of the picture.

    Returns:
        A phrase to put into a prompt; empty where there is not a box.

    >>> words_for([(0.7, 0.0, 1.0, 0.3)])
    'the upper-right corner'
    >>> words_for([(0, 0.65, 1, 1), (0.2, 0.35, 0.45, 0.65)])
    'the lower third and the area left of the centre'
    """
    phrases = list(dict.fromkeys(_phrase(Box(*box)) for box in boxes))
    if len(phrases) < 2:
        return "".join(phrases)
    return f"{', '.join(phrases[:-1])} and {phrases[-1]}"


def _phrase(box: Box) -> str:
    name = max(_PLACES, key=lambda place: _likeness(box, _PLACES[place]))
    return name if _likeness(box, _PLACES[name]) >= ALIKE else _beside_the_centre(box)


def _likeness(box: Box, place: Box) -> float:
    """Return intersection over union; rounded, so that a picture and its mirror image are judged alike."""
    shared = box.overlap(place)
    return round(shared / (box.area + place.area - shared), 6)  # no place is empty


def _beside_the_centre(box: Box) -> str:
    across, down = (box.left + box.right) / 2 - 0.5, (box.top + box.bottom) / 2 - 0.5
    area = "the small area" if box.area < SMALL else "the area"
    sideways = "" if abs(across) < NEAR else "left" if across < 0 else "right"
    upright = "" if abs(down) < NEAR else "above" if down < 0 else "below"
    if min(abs(across), abs(down)) > 0.5 - _THIRD and area == "the small area":
        return f"{area} in the {'upper' if down < 0 else 'lower'}-{sideways} corner"
    if sideways and upright:
        corner = f"the {'upper' if down < 0 else 'lower'} {sideways}"
        return f"{area} at {corner}" if box.area < SMALL else corner
    if sideways:
        return f"{area} {sideways} of the centre"
    return f"{area} {upright} the centre" if upright else f"{area} around the centre"
