"""A sweep on paper: names of rows and columns, what all cells share above, one row of pictures in memory at a time."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbbanana.display.lettering import Lettering, lettering
from nbbanana.display.sweep_grid import GONE, GridCell, SweepView
from nbbanana.display.sweep_images import side_by_side
from nbbanana.display.thumbs import DENSITY, fitting, load
from nbbanana.text import one_line

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["PAPER", "Paper", "write_sweep_sheet"]

PAPER = {
    "A4": (11.69, 8.27),
    "A3": (16.54, 11.69),
    "letter": (11.0, 8.5),
    "A4 portrait": (8.27, 11.69),
    "A3 portrait": (11.69, 16.54),
}
"""Width and height in inches."""
PICTURE_DPI, PDF_DPI = 300, 200
LEAST, MOST = 0.3, 2.6
"""Inches that a picture is wide at least and at most."""
TALLEST = 1.3
"""A picture is at most so many times as tall as its column is wide."""
GUTTER = 0.25
"""Inches between two tables that stand side by side."""
MOST_REASONS = 3
LONGEST = 900
"""Letters of a text that are looked at."""
INK, GREY, EMPTY = "#111111", "#555555", "#f1f1f1"


@dataclass(frozen=True, slots=True)
class Paper:
    """
    Measures of a page in pixels.

    Args:
        inches: width and height.
        dpi: pixels an inch.
    """

    inches: tuple[float, float]
    dpi: int

    def px(self, inches: float) -> int:
        """Return so many inches in pixels."""
        return round(inches * self.dpi)

    def points(self, points: float) -> int:
        """Return a size of letters in pixels."""
        return max(6, round(points * self.dpi / 72))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.px(self.inches[0]), self.px(self.inches[1])

    @property
    def margin(self) -> int:
        """Around what is drawn."""
        return self.px(0.45)

    @property
    def gap(self) -> int:
        """Between two pictures."""
        return self.px(0.05)

    @property
    def room(self) -> int:
        """Pixels from margin to margin, across."""
        return self.size[0] - 2 * self.margin

    @property
    def bottom(self) -> int:
        """Where the last row ends, above the foot."""
        return self.size[1] - self.margin - self.px(0.2)


@dataclass(frozen=True, slots=True)
class _Block:
    """Rows under one head: of a facet, and of as many of its columns as stand side by side."""

    title: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[GridCell]]]


@dataclass(frozen=True, slots=True)
class _Measures:
    """How large a picture and the names beside it are, in pixels."""

    names: int
    width: int
    height: int
    caption: int
    head: int

    @property
    def row(self) -> int:
        return self.height + self.caption


def write_sweep_sheet(path: Path, view: SweepView, title: str, inches: tuple[float, float]) -> None:
    """
    Write a sweep to be printed: a PDF of as many pages as it takes, or a PNG or JPEG of one page.

    Args:
        path: ends in `.pdf`, `.png` or `.jpg`; it is replaced.
        view: what to draw.
        title: stands on top of each page, beside today's date.
        inches: width and height of the paper.
    """
    is_pdf = path.suffix.lower() == ".pdf"
    beside = path.with_name(f".{path.name}.part")
    try:
        if is_pdf:
            _write_pdf(beside, view, title, Paper(inches, PDF_DPI))
        else:
            kind, more = ("PNG", {}) if path.suffix.lower() == ".png" else ("JPEG", {"quality": 90})
            paper = Paper(inches, PICTURE_DPI)
            sheet = _Sheet(view, title, paper, is_single=True)
            first, *rest = sheet.pages
            left = sum(len(block.rows) for page in rest for band in page for block in band)
            foot = f"{left} more rows: a .pdf has room for all of them" if left else ""
            sheet.drawn(first, 0, foot).save(beside, kind, dpi=(paper.dpi, paper.dpi), **more)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _write_pdf(path: Path, view: SweepView, title: str, paper: Paper) -> None:
    sheet = _Sheet(view, title, paper, is_single=False)
    for number, page in enumerate(sheet.pages):
        foot = f"{number + 1} / {len(sheet.pages)}" if len(sheet.pages) > 1 else ""
        # Page by page into the file: all of them together would be in memory at once.
        sheet.drawn(page, number, foot).save(path, "PDF", resolution=paper.dpi, append=number > 0, quality=88)


class _Sheet:
    """
    The pages of a sweep.

    Args:
        view: what to draw.
        title: stands on top.
        paper: the page.
        is_single: whether there is one page: pictures are as small as that needs, within reason.
    """

    def __init__(self, view: SweepView, title: str, paper: Paper, *, is_single: bool) -> None:
        self._view, self._title, self._paper = view, one_line(title)[:LONGEST], paper
        self._large, self._small = lettering(paper.points(13)), lettering(paper.points(7.5))
        self._tiny = lettering(paper.points(6))
        self._line = round(1.32 * paper.points(7.5))
        self._legend = list(self._legend_lines())
        self._measures = self._fitting(is_single=is_single)
        self.pages = list(self._paged())

    @property
    def _top(self) -> int:
        return self._paper.margin + self._paper.px(0.36)

    def _legend_lines(self) -> Iterator[tuple[str, str]]:
        """Give the lines above the first page: what all cells share, each with its colour."""
        room = self._paper.room
        words = one_line("".join(text for text, _ in self._view.header.words))[:LONGEST]
        if words:
            yield from ((line, INK) for line in self._small.wrapped(words, room, 3))
        for text in (" · ".join(map(one_line, self._view.header.facts)), " ".join(map(one_line, self._view.lines))):
            if text:
                yield from ((line, GREY) for line in self._small.wrapped(text[:LONGEST], room, 2))
        for reason in self._view.reasons[:MOST_REASONS]:
            yield from ((line, GREY) for line in self._small.wrapped(one_line(reason)[:LONGEST], room, 2))
        if (more := len(self._view.reasons) - MOST_REASONS) > 0:
            yield f"… and {more} more reasons, in their cells", GREY

    def _fitting(self, *, is_single: bool) -> _Measures:
        """Return the measures at which the columns fit into the page, and for a single page all rows too."""
        most = self._measured(self._paper.px(MOST))
        if not is_single or len(list(self._paged_with(most))) == 1:
            return most
        low, high = self._paper.px(LEAST), most.width
        while low < high:  # the widest pictures with which one page is enough, else the smallest
            middle = (low + high + 1) // 2
            fits = len(list(self._paged_with(self._measured(middle)))) == 1
            low, high = (middle, high) if fits else (low, middle - 1)
        return self._measured(low)

    def _measured(self, width: int) -> _Measures:
        paper, view = self._paper, self._view
        longest = max(
            (self._small.getlength(one_line(name)) for facet in view.facets for name, _ in facet.rows), default=0
        )
        if view.columns:
            longest = max(longest, self._small.getlength(one_line(view.corner)))
        names = min(paper.px(1.5), math.ceil(longest) + paper.px(0.1)) if longest else 0
        columns = max((len(row) for facet in view.facets for _, row in facet.rows), default=1)
        across = (paper.room - names) // columns - paper.gap
        width = max(paper.px(LEAST), min(width, across))
        ratio = view.cell_ratio or 1.0
        lines = max((bool(cell.name) * 2 + bool(cell.note) for cell in view.cells), default=0)
        caption = lines * round(1.3 * paper.points(6)) + (paper.px(0.03) if lines else 0)
        heads = max((len(self._small.wrapped(one_line(name), width, 3)) for name in view.columns), default=0)
        return _Measures(names, width, round(width / max(ratio, 1 / TALLEST)), caption, heads * self._line)

    def _blocks(self, measures: _Measures) -> Iterator[_Block]:
        """Give each facet, cut where its columns do not stand side by side."""
        most = max(1, (self._paper.room - measures.names) // (measures.width + self._paper.gap))
        for facet in self._view.facets:
            columns = max((len(row) for _, row in facet.rows), default=0)
            for at in range(0, columns, most):
                rows = [(name, row[at : at + most]) for name, row in facet.rows]
                yield _Block(one_line(facet.title), self._view.columns[at : at + most], rows)

    def _bands(self, measures: _Measures) -> Iterator[list[_Block]]:
        """Give the blocks, side by side where they are narrow: facets are compared across as well as down."""
        blocks = list(self._blocks(measures))
        widest = max((len(row) for block in blocks for _, row in block.rows), default=1)
        each = self._offset(widest, measures)
        beside = max(1, (self._paper.room + self._paper.px(GUTTER)) // each)
        alike = len({len(block.rows) for block in blocks}) == 1
        beside = beside if alike else 1
        for at in range(0, len(blocks), beside):
            yield blocks[at : at + beside]

    def _offset(self, columns: int, measures: _Measures) -> int:
        """Return how far from a block with so many columns the next one begins."""
        return measures.names + columns * (measures.width + self._paper.gap) + self._paper.px(GUTTER)

    def _paged(self) -> Iterator[list[list[_Block]]]:
        return self._paged_with(self._measures)

    def _paged_with(self, measures: _Measures) -> Iterator[list[list[_Block]]]:
        """Give for each page its bands of blocks, with the rows that it has room for."""
        page: list[list[_Block]] = []
        left = self._paper.bottom - self._top - (len(self._legend) + 1) * self._line
        whole = self._paper.bottom - self._top
        for band in self._bands(measures):
            head = measures.head + (2 * self._line if band[0].title else self._line)
            at, total = 0, len(band[0].rows)
            while at < total:
                count = max(0, (left - head + self._paper.gap) // (measures.row + self._paper.gap))
                if not count and not page and left == whole:
                    count = 1  # a row that is taller than a page is cut
                if not count:
                    yield page
                    page, left = [], whole
                    continue
                page.append([_Block(one.title, one.columns, one.rows[at : at + count]) for one in band])
                left -= head + min(count, total - at) * (measures.row + self._paper.gap)
                at += count
        if page:
            yield page

    def drawn(self, page: Sequence[Sequence[_Block]], number: int, foot: str) -> Image:
        """Draw a page."""
        from PIL import Image, ImageDraw

        paper = self._paper
        sheet = Image.new("RGB", paper.size, "white")
        draw, edge = ImageDraw.Draw(sheet), paper.size[0] - paper.margin
        day = time.strftime("%d %B %Y").lstrip("0")
        draw.text((edge, paper.margin), day, fill=GREY, font=self._small.font, anchor="ra")
        room = edge - paper.margin - self._small.getlength(day) - 4 * paper.gap
        self._large.draw(draw, (paper.margin, paper.margin), fitting(self._title, room, self._large), INK)
        draw.text((edge, paper.size[1] - paper.margin), foot, fill=GREY, font=self._small.font, anchor="rb")
        top = self._top
        if number == 0:
            for line, colour in self._legend:
                self._small.draw(draw, (paper.margin, top), line, colour)
                top += self._line
            top += self._line
        for band in page:
            each = self._offset(max(len(row) for block in band for _, row in block.rows), self._measures)
            top = max(
                self._draw_block(sheet, draw, block, (paper.margin + number * each, top))
                for number, block in enumerate(band)
            )
        return sheet

    def _draw_block(self, sheet: Image, draw: Any, block: _Block, at: tuple[int, int]) -> int:
        """Draw rows under their head; `at` is its upper left corner. Returns where they end."""
        paper, measures, (start, top) = self._paper, self._measures, at
        left = start + measures.names
        if block.title:
            self._small.draw(
                draw, (start, top), fitting(block.title, paper.room + paper.margin - start, self._small), INK
            )
            top += self._line
        if block.columns:
            corner = fitting(one_line(self._view.corner), measures.names - paper.gap, self._small)
            self._small.draw(draw, (start, top), corner, GREY)
            for column, name in enumerate(block.columns):
                self._draw_lines(draw, name, (left + column * (measures.width + paper.gap), top), measures.width, 3)
        top += max(measures.head, 0) + self._line // 2
        for name, row in block.rows:
            most = max(1, measures.row // self._line)
            self._draw_lines(draw, name, (start, top), measures.names - 2 * paper.gap, most)
            side = max(measures.width, measures.height) / DENSITY
            images = (
                [_loaded(cell, side) for cell in row]
                if any(cell.more for cell in row)
                else load([cell.source for cell in row], [(side, side)] * len(row))
            )
            for column, (cell, image) in enumerate(zip(row, images, strict=True)):
                self._draw_cell(sheet, draw, cell, image, (left + column * (measures.width + paper.gap), top))
            top += measures.row + paper.gap
        return top + self._line // 2

    def _draw_lines(self, draw: Any, text: str, at: tuple[int, int], width: int, most: int) -> None:
        if not text or width <= 0:
            return
        for number, line in enumerate(self._small.wrapped(one_line(text)[:LONGEST], width, most)):
            self._small.draw(draw, (at[0], at[1] + number * self._line), line, INK)

    def _draw_cell(self, sheet: Image, draw: Any, cell: GridCell, image: Image | None, at: tuple[int, int]) -> None:
        """Draw a picture and its caption, or a grey place with the reason why there is none."""
        from PIL import ImageOps

        measures, line = self._measures, round(1.3 * self._paper.points(6))
        if image is None:
            draw.rectangle((*at, at[0] + measures.width - 1, at[1] + measures.height - 1), fill=EMPTY)
            self._draw_reason(draw, cell, at, line)
        else:
            fitted = ImageOps.contain(image, (measures.width, measures.height))
            sheet.paste(fitted, at)
        top = at[1] + measures.height + self._paper.px(0.02)
        named = self._tiny.wrapped(one_line(cell.name)[:LONGEST], measures.width, 2) if cell.name else []
        for text, colour in [*((text, INK) for text in named), *([(cell.note, GREY)] if cell.note else [])]:
            self._tiny.draw(draw, (at[0], top), fitting(one_line(text), measures.width, self._tiny), colour)
            top += line

    def _draw_reason(self, draw: Any, cell: GridCell, at: tuple[int, int], line: int) -> None:
        pad = self._paper.px(0.03)
        width, most = self._measures.width - 2 * pad, max(1, (self._measures.height - 2 * pad) // line)
        said = f"{cell.words or GONE}. {cell.why}" if cell.why else cell.words or GONE
        for number, text in enumerate(_lines(self._tiny, one_line(said)[:LONGEST], width, most)):
            self._tiny.draw(draw, (at[0] + pad, at[1] + pad + number * line), text, INK if number == 0 else GREY)


def _loaded(cell: GridCell, side: float) -> Image | None:
    """Return the pictures of a cell beside each other; None where it has none to see."""
    images = load(cell.sources, [(side, side)] * len(cell.sources))
    return side_by_side(images) if any(images) else None


def _lines(letters: Lettering, text: str, width: int, most: int) -> list[str]:
    return letters.wrapped(text, width, most) if width > 0 else []
