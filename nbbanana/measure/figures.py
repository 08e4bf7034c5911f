"""What was measured: figures with their noise floors, a sentence, and which stand out. NumPy only for the heat map."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Any

from nbbanana.measure.geometry import Registration
from nbbanana.regions import Box, words_for

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["LEAST", "Drift", "Figure", "Likeness", "Moved", "Part", "Protected", "Tile", "unlike"]

SEEN_EDGE = 0.02
"""Part of a picture that was cut off or added from which on the sentence says so."""
ONE_PLACE = 1 / 8
"""Part of a picture in which two places are one."""
MOST_BOXES = 12
"""Boxes of a kind that a record keeps, the largest."""
LEAST = 5
"""Figures that a series needs: of fewer it cannot be said which is the odd one."""
SPREADS, TIMES = 5.0, 2.0
"""
How many median absolute deviations and how many medians: ordinary series of 5 to 16 pictures (spread by a third, as
ratios) then get a picture pointed out wrongly in 4 to 12 of 100; with three deviations alone it were 37 to 65.
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """
    A number beside its noise floor.

    Args:
        value: what was measured.
        floor: what encoding and resampling of the same picture give; what is not above it says nothing.

    >>> Figure(2.5, 0.5).is_above, f"{Figure(2.5, 0.5):.1f}"
    (True, '2.5')
    """

    value: float
    floor: float

    @property
    def is_above(self) -> bool:
        """Whether there is more than noise."""
        return self.value > self.floor

    def __float__(self) -> float:
        return self.value

    def __format__(self, spec: str) -> str:
        return format(self.value, spec)


@dataclass(frozen=True, slots=True)
class Moved:
    """
    How the scene moved in the frame, in pixels of the first picture; a resize alone moves nothing.

    A frame that was cut, extended or stretched moves nothing either: `lost`, `added` and `stretch` say so.

    Args:
        corner: pixels by which the corner that moved most did; its floor is how well that is known.
        shift: pixels by which the middle moved, to the right and down.
        scale: by how much the content grew: 1 where it did not.
        stretch: how much wider things became than they became tall, also where the frame was stretched with them.
        rotation: degrees clockwise.
        lost: which part of the first picture the second does not show.
        added: which part of the second picture the first does not show.
    """

    corner: Figure
    shift: tuple[float, float]
    scale: float
    stretch: float
    rotation: float
    lost: float
    added: float


@dataclass(frozen=True, slots=True)
class Part:
    """
    What happened to a part of a picture.

    Args:
        area: which part of the picture it is, 0 to 1.
        recoloured: mean ΔE00 of its tiles, of those that were not redrawn; None where all were.
        by_tone: how much of it one change of tone of the whole picture explains, as a mean ΔE00.
        redrawn: how far its most changed place was redrawn, 0 (the same) to 1 (another picture).
        redrawn_area: which part of it was redrawn, 0 to 1.
        boxes: where, the largest first.
    """

    area: float
    recoloured: Figure | None
    by_tone: float
    redrawn: Figure
    redrawn_area: float
    boxes: tuple[Box, ...] = ()

    @property
    def words(self) -> str:
        """What happened to it, in words: `recoloured 3.1 ΔE, the upper-left quarter redrawn`; empty if nothing."""
        found = [f"recoloured {self.recoloured:.1f} ΔE"] if self.is_recoloured else []
        if self.is_redrawn:
            found.append("wholly redrawn" if self.redrawn_area > 0.9 else f"{self.place} redrawn")
        return ", ".join(found)

    @property
    def is_recoloured(self) -> bool:
        """Whether it was recoloured by more than noise."""
        return self.recoloured is not None and self.recoloured.is_above

    @property
    def is_redrawn(self) -> bool:
        """Whether a place of it was redrawn by more than noise."""
        return self.redrawn.is_above and bool(self.boxes)

    @property
    def place(self) -> str:
        """Words for where it was redrawn; how much of it, where that is all over the picture."""
        return _place(self.boxes, self.redrawn_area * self.area)


def _place(boxes: Sequence[Box], share: float) -> str:
    """Return words for the largest boxes, up to two; the share of the picture where they are nearly all there is."""
    large = [box for box in boxes if box.area > 0.3 * boxes[0].area][:2]
    if any(box.area > 0.6 for box in large):
        return f"{share:.0%} of the picture"
    together = large[0].around(large[-1])
    return words_for([together] if together.area <= ONE_PLACE else large)


@dataclass(frozen=True, slots=True)
class Tile:
    """
    A small part of a picture, and what happened to it.

    Args:
        box: left, top, right and bottom, as parts of the first picture.
        redrawn: 0 (the same) to 1 (another picture).
        recoloured: ΔE00 beyond what the change of tone of the whole picture explains.
        is_inside: whether it belongs to the region that was to change.
    """

    box: Box
    redrawn: float
    recoloured: float
    is_inside: bool


@dataclass(frozen=True, slots=True)
class Drift:
    """
    What changed between two pictures; `drift` makes it, and `documentation` says what the numbers mean.

    Args:
        registration: where each place of the first picture is in the second.
        moved: how the scene moved in the frame.
        outside: what happened outside of the region that was to change; None where that is everything.
        inside: what happened inside of it; None where there is none.
        is_region_given: whether the region was given; otherwise it is what was found to be redrawn.
        region: the boxes of the region.
        tone: what greys of 0, 64, 128, 191 and 255 became by the change of tone of the whole picture.
        compared_at: width and height at which they were compared: finer detail was not looked at.
        tiles: those that changed most, the most first.
        grid: for each tile of the first picture how much it changed, 0 to 1, as an array.
        reach: how far the tiles reach over the picture, across and down: 1, or a little less.
        places: tiles like `tiles`, but none near another, so that each is another place: a few outside of the region,
            then a few inside.
    """

    registration: Registration
    moved: Moved
    outside: Part | None
    inside: Part | None
    is_region_given: bool
    region: tuple[Box, ...]
    tone: tuple[int, ...]
    compared_at: tuple[int, int]
    tiles: tuple[Tile, ...] = field(repr=False)
    grid: NDArray[np.floating[Any]] = field(repr=False, compare=False)
    reach: tuple[float, float] = field(default=(1.0, 1.0), repr=False)
    places: tuple[Tile, ...] = field(default=(), repr=False)

    @property
    def confidence(self) -> float:
        """How sure the registration is, 0 to 1, and with it all the rest."""
        return self.registration.confidence

    @property
    def sentence(self) -> str:
        """
        What changed, as one sentence: `Moved 2.0 px; outside the region: recoloured 3.1 ΔE, the left edge redrawn.`
        """
        text = "; ".join(self._said())
        return f"{text[0].upper()}{text[1:]}."

    def _said(self) -> Iterator[str]:
        moved = ", ".join(_movement(self.moved))
        if moved:
            yield moved
        if not self.is_region_given:
            changes = ", ".join(self._changes())
            yield changes or ("otherwise the same" if moved else "nothing changed that can be seen")
            return
        outside = self.outside.words if self.outside else ""
        inside = self.inside.words if self.inside else ""
        yield f"outside the region: {outside or 'nothing changed that can be seen'}"
        if inside:
            yield f"inside: {inside}"

    def _changes(self) -> Iterator[str]:
        """Yield in words what changed where no region was given: each kind once, that of an estimated region too."""
        is_all_recoloured = self.outside is not None and self.outside.is_recoloured
        if self.outside is not None and is_all_recoloured:
            yield f"recoloured {self.outside.recoloured:.1f} ΔE"
        redrawn = [part for part in (self.outside, self.inside) if part is not None and part.is_redrawn]
        if redrawn:
            boxes = sorted((box for part in redrawn for box in part.boxes), key=lambda box: -box.area)
            share = sum(part.redrawn_area * part.area for part in redrawn)
            yield f"{'wholly' if share > 0.9 else _place(boxes, share)} redrawn"
        elif self.inside is not None and self.inside.is_recoloured:
            place = _place(self.region, self.inside.area)
            value = f"{self.inside.recoloured:.1f} ΔE"
            yield f"{place} in another way ({value})" if is_all_recoloured else f"{place} recoloured {value}"

    def heat_map(self, size: tuple[int, int] | None = None) -> NDArray[np.float32]:
        """
        Return how much each place of the first picture changed, 0 to 1, as H×W of float32.

        Args:
            size: width and height; those of the first picture unless given.
        """
        import numpy as np
        from PIL import Image

        # The last tiles are continued over what is left of the picture.
        plane = Image.fromarray(np.pad(np.asarray(self.grid, np.float32), (0, 1), "edge"))
        box = (0.0, 0.0, self.grid.shape[1] / self.reach[0], self.grid.shape[0] / self.reach[1])
        return np.asarray(plane.resize(size or self.registration.before, Image.Resampling.BILINEAR, box), np.float32)

    def heat_file(self) -> bytes:
        """Return the grid as a grey PNG of one pixel a tile, white where most changed: what a record keeps of it."""
        import numpy as np
        from PIL import Image

        from nbbanana.images import file_of

        levels = np.rint(np.clip(np.asarray(self.grid, np.float32), 0, 1) * 255).astype(np.uint8)
        return file_of(Image.fromarray(levels), "PNG", optimize=True)

    def as_json(self) -> dict[str, Any]:
        """
        Return the figures as JSON for a record: numbers rounded to four places, without the grid.

        `frame` says where the pictures and `heat_file` lie upon each other: `matrix`, six numbers of an affine map from
        pixels of the first to those of the second; `before` and `after`, their sizes; `reach` of the tiles.
        """
        registration = self.registration
        return {
            "confidence": round(self.confidence, 3),
            "moved": _json(self.moved, 6) | {"corner": _json(self.moved.corner), "shift": _json(self.moved.shift)},
            "outside": _part_json(self.outside),
            "inside": _part_json(self.inside),
            "is_region_given": self.is_region_given,
            "region": _json(self.region[:MOST_BOXES]),
            "tone": list(self.tone),
            "compared_at": list(self.compared_at),
            "frame": {
                "matrix": _json(registration.matrix, 6),
                "before": list(registration.before),
                "after": list(registration.after),
                "reach": _json(self.reach, 6),
            },
            "places": _json(self.places),
            "sentence": self.sentence,
        }


def _movement(moved: Moved) -> list[str]:
    """Return in words how the scene moved in the frame, and what became of the frame, whether or not it did."""
    did_move = moved.corner.is_above
    grown, more = moved.scale - 1, max(moved.stretch, 1 / moved.stretch) - 1
    said = [
        (did_move, f"moved {moved.corner:.{1 if moved.corner.value < 100 else 0}f} px"),
        (did_move and abs(grown) >= 0.002, f"{'enlarged' if grown > 0 else 'reduced'} {abs(grown):.1%}"),
        (
            more >= (0.003 if did_move else 0.01),
            f"stretched {more:.{1 if more < 0.1 else 0}%} {'across' if moved.stretch > 1 else 'upright'}",
        ),
        (did_move and abs(moved.rotation) >= 0.1, f"turned {abs(moved.rotation):.1f}°"),
        (moved.lost >= SEEN_EDGE, f"{moved.lost:.0%} cut off"),
        (moved.added >= SEEN_EDGE, f"{moved.added:.0%} added at the edges"),
    ]
    return [words for holds, words in said if holds]


def _json(value: Any, places: int = 4) -> Any:
    """Return figures as JSON, numbers rounded."""
    if isinstance(value, float):
        return round(value, places)
    if isinstance(value, tuple):
        return [_json(one, places) for one in value]
    if is_dataclass(value):
        return {one.name: _json(getattr(value, one.name), places) for one in fields(value)}
    return value


def _part_json(part: Part | None) -> Any:
    return None if part is None else _json(replace(part, boxes=part.boxes[:MOST_BOXES]))


@dataclass(frozen=True, slots=True)
class Likeness:
    """
    How alike some pictures are.

    Args:
        ssim: n×n, structural similarity once registered: 1 the same, near 0 unrelated.
        bits: n×n, how many of 64 bits of their fingerprints differ; None beside a picture that is too plain for one.
        registered: n×n, whether the pair could be registered; if not, `ssim` is of the pictures as they lie.
        mean: the mean of `ssim` over the pairs.
        deviation: the standard deviation of `ssim` over the pairs; None with one pair.
        standard_error: of the mean, by leaving out one picture after the other, since pairs that share a picture are
            not independent; None below three pictures.
    """

    ssim: tuple[tuple[float, ...], ...]
    bits: tuple[tuple[int | None, ...], ...]
    registered: tuple[tuple[bool, ...], ...]
    mean: float
    deviation: float | None
    standard_error: float | None

    @property
    def sentence(self) -> str:
        """Return it in words: `4 pictures: SSIM 0.57 ± 0.08 over 6 pairs.`"""
        count = len(self.ssim)
        pairs = count * (count - 1) // 2
        spread = "" if self.deviation is None else f" ± {self.deviation:.2f}"
        return f"{count} pictures: SSIM {self.mean:.2f}{spread} over {pairs} pair{'s' * (pairs > 1)}."


@dataclass(frozen=True, slots=True)
class Protected:
    """
    A picture with the original's pixels where nothing should have changed.

    Args:
        image: of the original's size, as a Pillow image in mode RGB; RGBA where the original is transparent in places.
        seam: mean ΔE00 along the seam between the original and the edited picture, registered and tone-matched; its
            floor is what encoding alone gives.
        kept: which part of the picture is the original's, exactly.
        uncovered: which part of the rest the edited picture does not show, so that the original is there too.
        registration: where each place of the original is in the edited picture.
    """

    image: Any = field(repr=False, compare=False)
    seam: Figure
    kept: float
    uncovered: float
    registration: Registration

    @property
    def sentence(self) -> str:
        """Return it in words."""
        seam = "which nobody sees" if self.seam.value < 2.0 else "which may show"
        return (
            f"{self.kept:.0%} of the picture is the original's again; the seam differs by {self.seam:.1f} ΔE, {seam}."
        )


def unlike(figures: Sequence[Figure | None]) -> tuple[int, ...]:
    """
    Return the places of those that are unlike the rest: more than twice the median, and above it by more than five
    times the median absolute deviation and by more than their own noise floor.

    The median and the deviations from it stay what they are whatever a few of the series do.

    Args:
        figures: of one kind, one a picture; None where there is none.

    >>> unlike([Figure(value, 0.6) for value in (1.1, 0.9, 1.2, 6.1, 1.0, 1.3, 5.2)])
    (3, 6)
    >>> unlike([Figure(9.0, 0.6), Figure(1.0, 0.6)])
    ()
    """
    known = [figure.value for figure in figures if figure is not None]
    if len(known) < LEAST:
        return ()
    middle = median(known)
    spread = median(abs(value - middle) for value in known)
    return tuple(
        place
        for place, figure in enumerate(figures)
        if figure is not None
        and figure.is_above
        and figure.value > TIMES * middle
        and figure.value - middle > max(SPREADS * spread, figure.floor)
    )
