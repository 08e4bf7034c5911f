"""What changed in the pictures of a result, under its grid: as it was recorded. Nothing is measured here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nbbanana.display.drift_figures import FigureTable, Value, figure_table, strength
from nbbanana.display.heat import heated, legend
from nbbanana.display.thumbs import data_uri, fitted
from nbbanana.text import one_line

if TYPE_CHECKING:
    from PIL.Image import Image

    from nbbanana.display.views import Change, Picture, ResultView

    Known = tuple[Picture, Change]

__all__ = ["Changed", "ChangedPicture", "changed_in", "changed_line", "with_heat"]

MOST_HEATED = 4
"""A result of more pictures has a line for each instead of a heat map and figures."""
HEAT_BYTES = 12_000
"""Bytes of base64 that one heat map may weigh."""
WIDTH = 300
"""CSS pixels of the longer side of a heat map, where there is room."""
NEITHER = (KeyError, TypeError, ValueError, ArithmeticError, IndexError)
"""What figures of another person's bundle may lead to, where they are not those of `Drift.as_json`."""


@dataclass(frozen=True, slots=True)
class ChangedPicture:
    """
    What changed in one picture.

    Args:
        label: what one types to get the picture.
        sentence: what changed, or why nothing can be said.
        table: its figures, where it was measured and they are shown.
        uri: the picture with the heat map, empty where that is not shown.
        width: of that, in CSS pixels.
        height: of that.
    """

    label: str
    sentence: str
    table: FigureTable | None = None
    uri: str = ""
    width: int = WIDTH
    height: int = WIDTH

    @property
    def lines(self) -> list[tuple[str, Value]]:
        """Its figures, each under its name."""
        return self.table.by_name if self.table else []

    @property
    def alt(self) -> str:
        """The heat map in words."""
        return f"Where {self.label} changed, the brighter the more. {self.sentence}"


@dataclass(frozen=True, slots=True)
class Changed:
    """
    What changed in the pictures of a result.

    Args:
        summary: all of it in a line.
        pictures: each that something was recorded of; none where nothing could be measured.
        legend: the colours of the heat maps, as an address; empty where there is no heat map.
    """

    summary: str
    pictures: tuple[ChangedPicture, ...] = ()
    legend: str = ""

    @property
    def is_short(self) -> bool:
        """Whether each picture has its figures; of more, each has its sentence alone."""
        return any(picture.table for picture in self.pictures)


def changed_line(view: ResultView) -> str:
    """
    Return what changed in the pictures of a result in a line; empty where nothing was recorded.

    Of several pictures it is said of the one in which most changed that was not to change.
    """
    known = [(picture, picture.change) for picture in view.pictures if picture.change is not None]
    measured = [(picture, change) for picture, change in known if change.figures]
    if not measured:
        return f"Not measured: {one_line(known[0][1].sentence, 200)}" if known else ""
    picture, change = max(measured, key=lambda one: _strength(one[1]))
    return f"Changed{_where(picture, known, measured)}: {one_line(change.sentence, 300)}"


def _where(picture: Picture, known: Sequence[Known], measured: Sequence[Known]) -> str:
    """Return which picture is meant, among those that something was recorded of and those that were measured."""
    if len(known) == 1:
        return ""
    if len(measured) == len(known) and len({change.sentence for _, change in measured}) == 1:
        return " in each"
    return f"{', most' if len(measured) > 1 else ''} in {one_line(picture.label)}"


def _strength(change: Change) -> float:
    try:
        return strength(change.figures)
    except NEITHER:
        return 0.0


def changed_in(view: ResultView) -> Changed | None:
    """Return what changed in the pictures of a result, without heat maps; None where nothing was recorded."""
    line = changed_line(view)
    if not line:
        return None
    if line.startswith("Not measured"):
        return Changed(line)
    is_short = len(view.pictures) <= MOST_HEATED
    return Changed(f"What c{line[1:]}", tuple(_pictures(view.pictures, with_figures=is_short)))


def _pictures(pictures: Sequence[Picture], *, with_figures: bool) -> Iterator[ChangedPicture]:
    for picture in pictures:
        if (change := picture.change) is not None:
            sentence = one_line(change.sentence, 300)
            said = sentence if change.figures else f"Not measured: {sentence}"
            yield ChangedPicture(one_line(picture.label), said, _table(change) if with_figures else None)


def _table(change: Change) -> FigureTable | None:
    if not change.figures:
        return None
    try:
        return figure_table(change.figures)
    except NEITHER:
        return None


def with_heat(changed: Changed, view: ResultView, images: Sequence[Image | None], room: int) -> Changed:
    """
    Return it with a heat map over each picture that has one, as good as fits.

    Args:
        changed: that of `changed_in`.
        view: the result.
        images: its pictures, decoded.
        room: bytes of base64 that they may weigh together.
    """
    known = [(picture.change, image) for picture, image in zip(view.pictures, images, strict=False) if picture.change]
    if not changed.pictures or len(view.pictures) > MOST_HEATED:
        return changed
    shown = [_heated(image, change) for change, image in known]
    count = sum(image is not None for image in shown)
    files = fitted(shown, min(room, HEAT_BYTES * count))
    if not count or files is None:
        return changed
    pictures = tuple(
        picture if image is None or file is None else _with_file(picture, image, file)
        for picture, image, file in zip(changed.pictures, shown, files, strict=True)
    )
    return replace(changed, pictures=pictures, legend=data_uri(legend(), "image/png"))


def _heated(image: Image | None, change: Change) -> Image | None:
    from PIL import ImageOps

    small = image and ImageOps.contain(image, (2 * WIDTH, 2 * WIDTH))
    return heated(small, change)


def _with_file(picture: ChangedPicture, image: Image, file: bytes) -> ChangedPicture:
    scale = WIDTH / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    return replace(picture, uri=data_uri(file), width=width, height=height)
