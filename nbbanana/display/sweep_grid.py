"""A sweep as a table of small pictures: rows and columns have the names of what differs, and nothing else is said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbbanana.display.render import render
from nbbanana.display.thumbs import data_uri, encode, fitted, load
from nbbanana.text import clip, one_line

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["GridCell", "GridFacet", "SweepImages", "SweepView", "sweep_grid_bundle", "sweep_text"]

ROOM = 290_000
"""Bytes of base64 that all pictures of a sweep weigh together at most."""
FULL_WIDTH, LEAST_WIDTH, MOST_WIDTH = 1000, 36, 200
"""CSS pixels of all columns together, and of one picture."""
SEPARATE = 200
"""Up to so many cells each has a picture of its own; of more, the pictures of a row are one."""
STRIP_SIDE = 36
"""CSS pixels of the longer side of a picture in such a row."""
TEXT_ROWS = 40
"""Rows of a grid that a terminal shows."""


@dataclass(frozen=True, slots=True)
class GridCell:
    """
    One cell of the grid.

    Args:
        title: what sets it apart, for those who cannot see it.
        source: the file of its first picture; None where it has none.
        words: what stands in its place: `not sent`, `refused`; empty where there is a picture.
        mark: one sign for a terminal.
    """

    title: str
    source: Path | None
    words: str = ""
    mark: str = "·"


@dataclass(frozen=True, slots=True)
class GridFacet:
    """
    One table of the grid: of a third axis there is one for each value.

    Args:
        title: the value of the third axis; empty where there is none.
        rows: the name of each row, and its cells.
    """

    title: str
    rows: Sequence[tuple[str, Sequence[GridCell]]]


@dataclass(frozen=True, slots=True)
class SweepView:
    """
    A sweep as it is shown.

    Args:
        lines: what it is and how it stands, a sentence each.
        corner: what the rows and the columns are: `prompt ↓  seed →`.
        columns: the name of each column; empty where cells have their own titles below them.
        facets: the tables.
        reasons: why cells have no picture.
    """

    lines: Sequence[str]
    corner: str
    columns: Sequence[str]
    facets: Sequence[GridFacet]
    reasons: Sequence[str] = ()

    @property
    def cells(self) -> Iterator[GridCell]:
        """All cells, row by row."""
        return (cell for facet in self.facets for _, row in facet.rows for cell in row)


@dataclass(slots=True)
class SweepImages:
    """Small copies of the pictures of a sweep, each decoded once: a grid that grows is drawn many times."""

    side: int = 0
    _known: dict[Path, Image | None] = field(default_factory=dict)

    def of(self, cells: Iterable[GridCell], side: int) -> list[Image | None]:
        """Return the pictures of cells, decoded for a box of so many CSS pixels."""
        if side != self.side:
            self.side, self._known = side, {}
        sources = [cell.source for cell in cells]
        new = list(dict.fromkeys(source for source in sources if source is not None and source not in self._known))
        self._known.update(
            zip(new, load(new, [(side / 2 if side <= STRIP_SIDE else side,) * 2] * len(new)), strict=True)
        )
        return [None if source is None else self._known[source] for source in sources]


def sweep_grid_bundle(view: SweepView, images: SweepImages | None = None) -> dict[str, str]:
    """
    Return a sweep for a notebook and for a terminal.

    Args:
        view: what to show.
        images: keeps small copies from one drawing to the next.

    Returns:
        `text/plain` and `text/html`, static, about 300 kB at most whatever it holds.
    """
    kept, cells = images or SweepImages(), list(view.cells)
    width = max(LEAST_WIDTH, min(MOST_WIDTH, FULL_WIDTH // max(1, _columns(view))))
    has_strips = len(cells) > SEPARATE
    pictures = kept.of(cells, STRIP_SIDE if has_strips else width)
    tiles = _strips(view, pictures) if has_strips else _tiles(cells, pictures, width, has_titles=not view.columns)
    rest = iter(tiles)
    facets = [
        (facet.title, [(name, [next(rest)] if has_strips else [next(rest) for _ in row]) for name, row in facet.rows])
        for facet in view.facets
    ]
    values = {"view": view, "facets": facets, "width": width, "has_strips": has_strips}
    return {"text/plain": sweep_text(view), "text/html": render("sweep", **values)}


def sweep_text(view: SweepView) -> str:
    """Return a sweep for a terminal: its sentences, and a sign for each cell."""
    lines = [one_line(line) for line in view.lines]
    rows = [(facet.title, name, row) for facet in view.facets for name, row in facet.rows]
    if view.columns and rows:
        lines.append(clip(f"  {one_line(view.corner)}  {' · '.join(map(one_line, view.columns))}", 160))
    if any(len(row) > 1 for _, _, row in rows) or len(rows) > 1:
        wide = min(32, max(len(one_line(name)) for _, name, _ in rows))
        title = ""
        for facet, name, row in rows[:TEXT_ROWS]:
            if facet != title:
                title = facet
                lines.append(one_line(facet))
            lines.append(f"  {one_line(name)[:wide].ljust(wide)}  {' '.join(cell.mark for cell in row)}".rstrip())
        if len(rows) > TEXT_ROWS:
            lines.append(f"  … and {len(rows) - TEXT_ROWS} more rows")
    return "\n".join([*lines, *map(one_line, view.reasons)])


def _columns(view: SweepView) -> int:
    return max((len(row) for facet in view.facets for _, row in facet.rows), default=1)


def _tiles(
    cells: Sequence[GridCell], images: Sequence[Image | None], width: int, *, has_titles: bool
) -> list[dict[str, Any]]:
    files = fitted(images, ROOM) or [None] * len(images)
    return [
        {
            "uri": data_uri(file) if file else "",
            "alt": _alt(cell),
            "words": cell.words,
            "below": one_line(cell.title) if has_titles else "",
            **_box(image, width),
        }
        for cell, image, file in zip(cells, images, files, strict=True)
    ]


def _strips(view: SweepView, images: Sequence[Image | None]) -> list[dict[str, Any]]:
    """Return for each row one picture that holds all of its pictures, and its words."""
    rest, rows = iter(images), [row for facet in view.facets for _, row in facet.rows]
    strips = [_strip([next(rest) for _ in row]) for row in rows]
    files = fitted(strips, ROOM) or [encode(strip, quality=10, scale=0.5) for strip in strips]
    return [
        {"uri": data_uri(file) if file else "", "alt": _alt_of_row(row), "words": "", "below": "", **_size(strip)}
        for row, strip, file in zip(rows, strips, files, strict=True)
    ]


def _strip(images: Sequence[Image | None]) -> Image:
    from PIL import Image, ImageOps

    strip = Image.new("RGB", (len(images) * STRIP_SIDE, STRIP_SIDE), "#8884")
    for number, image in enumerate(images):
        if image is not None:
            small = ImageOps.contain(image, (STRIP_SIDE - 2, STRIP_SIDE - 2))
            strip.paste(small, (number * STRIP_SIDE + 1, 1))
    return strip


def _size(image: Image) -> dict[str, int]:
    return {"width": image.width, "height": image.height}


def _box(image: Image | None, width: int) -> dict[str, int]:
    """Return the size at which a picture is shown: as wide as its column, and no taller than wide."""
    if image is None:
        return {"width": width, "height": width}
    scale = min(width / image.width, width / image.height)
    return {"width": max(1, round(image.width * scale)), "height": max(1, round(image.height * scale))}


def _alt(cell: GridCell) -> str:
    return one_line(f"{cell.title}{': ' if cell.words else ''}{cell.words}")


def _alt_of_row(row: Sequence[GridCell]) -> str:
    here = sum(cell.source is not None for cell in row)
    return f"{here} of {len(row)} pictures, from {one_line(row[0].title)} to {one_line(row[-1].title)}"
