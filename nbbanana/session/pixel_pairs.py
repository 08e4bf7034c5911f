"""Two pictures beside each other and what changed between their pixels, measured when it is first asked for."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from nbbanana import images
from nbbanana.display.views import Change, Picture
from nbbanana.engine.output_drift import can_measure
from nbbanana.errors import ImageError, ImageNotFoundError, MeasureError, NBBananaError
from nbbanana.regions import Area
from nbbanana.session.drift_reports import DriftReport, measured
from nbbanana.session.results import EditResult, Output
from nbbanana.text import one_line

__all__ = ["NO_FIGURES", "PixelPair", "Side", "data_of", "paired", "side_of"]

NO_FIGURES = 'Figures of what changed need NumPy: pip install "nbbanana[measure]".'
SHAPE = 0.02
"""How far the shape of a picture may be off that of the one on which a region was drawn, as a part."""


@dataclass(frozen=True, slots=True)
class Side:
    """
    One picture of a comparison.

    Args:
        picture: its name, bytes or file, and size.
        output: what it is of an edit, where it is an output.
        identity: what its content is known by; empty where that is not known.
    """

    picture: Picture
    output: Output | None = None
    identity: str = ""

    @property
    def label(self) -> str:
        """What it is called."""
        return self.picture.label

    @property
    def result(self) -> EditResult | None:
        """The edit that it came from, where it came from one."""
        return None if self.output is None else self.output.result


def side_of(source: Any, call: str) -> Side:
    """
    Return an output, or whatever else is a picture, as a side.

    Args:
        source: an output, or what `nb.edit` takes but a URL.
        call: what the user called, such as `compare()`, for messages.

    Raises:
        ImageError: no picture, damaged, too large, or a URL.
    """
    if isinstance(source, Output):
        file = source.result.library.blob(source.sha256)  # None where it is lost; the rest can be compared all the same
        picture = Picture(source.label, file, source.width, source.height, caption=source.result.prompt)
        return Side(picture, source, f"sha256:{source.sha256}")
    image = images.load(source)
    if image.content is None:
        raise ImageError(
            f"{image.name} is a URL, and its picture is not here.",
            f"{call} does not download.",
            "Download it and give the file.",
        )
    return Side(Picture(image.name, image.content, image.width, image.height), identity=image.identity)


def data_of(side: Side) -> bytes:
    """
    Return the bytes of a picture as they are; its file is read now.

    Raises:
        ImageNotFoundError: the file is not there any more.
    """
    source = side.picture.source
    if isinstance(source, bytes):
        return source
    lost = ImageNotFoundError(
        f"{side.label} cannot be read.", "Its file is not there any more.", "nb.history.verify() says what is missing."
    )
    if source is None:
        raise lost
    try:
        return source.read_bytes()
    except OSError as error:
        # The file's name is its place on this machine, and this is shown in notebooks.
        raise lost from OSError(error.errno, error.strerror)


class PixelPair:
    """
    Two pictures and what changed between them. Nothing is measured before it is asked for, and then once.

    `sentence` says it in words, whatever came of it: what changed, that both are the same file, or why nothing can be
    said. `drift` holds the figures.

    Args:
        left: the picture before.
        right: the picture after.
    """

    def __init__(self, left: Side, right: Side) -> None:
        self.left = left
        self.right = right
        self._guard = threading.Lock()

    def __repr__(self) -> str:
        return one_line(f"<PixelPair {self.left.label} → {self.right.label}>")

    @property
    def is_same_file(self) -> bool:
        """Whether both are the same bytes, or pictures in memory with the same pixels; needs no measuring."""
        return bool(self.left.identity) and self.left.identity == self.right.identity

    @property
    def region(self) -> Area | None:
        """
        The part that was meant to change, where both agree on it; else it is estimated.

        It is that of both edits where they have the same one, or that of one edit where the other picture is the one
        on which it was drawn.
        """
        left, right = self.left.result, self.right.result
        own = (left.region if left else None, right.region if right else None)
        if left and right and own[0] and own[1]:
            is_same = own[0].shapes == own[1].shapes and own[0].input == own[1].input == 0
            return own[0] if is_same and _has_shape_of(self.left.picture, own[0]) else None
        for edit, area, other in ((right, own[1], self.left), (left, own[0], self.right)):
            if edit and area and edit.inputs[area.input].identity == other.identity:
                return area if _has_shape_of(self.left.picture, area) else None
        return None

    @property
    def drift(self) -> DriftReport | None:
        """The figures, as `nb.drift` gives them; None for the same file, and where they could not be measured."""
        return None if isinstance(self._measured, NBBananaError) else self._measured

    @property
    def change(self) -> Change | None:
        """What is shown of it; None for the same file, and where it could not be measured."""
        return self.drift.change if self.drift else None

    @property
    def refusal(self) -> NBBananaError | None:
        """Why there are no figures; None where there are, and for the same file."""
        return self._measured if isinstance(self._measured, NBBananaError) else None

    @property
    def sentence(self) -> str:
        """What changed, or why that cannot be said."""
        if self.is_same_file:
            return "The same file." if self.left.identity.startswith("sha256:") else "The same pixels."
        if self.drift is not None:
            return self.drift.sentence
        if not can_measure():
            return NO_FIGURES
        refusal = self.refusal
        return "" if refusal is None else " ".join(filter(None, (refusal.what, refusal.why)))

    def as_json(self) -> dict[str, Any]:
        """Return names, sentence and figures as JSON."""
        refusal = self.refusal
        return {
            "left": self.left.label,
            "right": self.right.label,
            "same_file": self.is_same_file,
            "sentence": self.sentence,
            "reason": refusal.reason if isinstance(refusal, MeasureError) else None,
            "drift": self.drift.as_json() if self.drift else None,
        }

    @property
    def is_measured(self) -> bool:
        """Whether what is asked for is there without measuring."""
        return "_found" in self.__dict__ or self.is_same_file

    @property
    def _measured(self) -> DriftReport | NBBananaError | None:
        with self._guard:  # a form measures in the background, and its still may be asked for meanwhile
            return self._found

    @cached_property
    def _found(self) -> DriftReport | NBBananaError | None:
        if self.is_same_file:
            return None
        try:
            before, after = (images.load(data_of(side), name=side.label) for side in (self.left, self.right))
            return measured(before, after, self.region)
        except NBBananaError as error:
            return error


def _has_shape_of(picture: Picture, area: Area) -> bool:
    """Return whether places of a region are the same places of a picture: both have the same width by height."""
    ratio = picture.ratio
    drawn = area.size[0] / area.size[1]
    # An area that was given in parts alone was drawn on no picture: it says so with a size of one pixel.
    return area.size == (1, 1) or (ratio is not None and abs(ratio / drawn - 1) <= SHAPE)


def paired(left: Sequence[Side], right: Sequence[Side]) -> tuple[PixelPair, ...]:
    """
    Return the pairs of two lists of pictures: the first with the first, and so on.

    One picture alone against several is paired with the one of its own index, where there is one, else with the first.
    """
    if len(left) == 1 < len(right):
        right = [right[_index(left[0], right)]]
    elif len(right) == 1 < len(left):
        left = [left[_index(right[0], left)]]
    return tuple(map(PixelPair, left, right))


def _index(one: Side, several: Sequence[Side]) -> int:
    wanted = 0 if one.output is None else one.output.index
    return next((at for at, side in enumerate(several) if side.output and side.output.index == wanted), 0)
