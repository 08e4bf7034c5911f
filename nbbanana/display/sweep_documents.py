"""
A sweep as a document: sheets of paper with its pictures, and a report.

Sheets have the names of rows and columns, and what all cells share above; one row of pictures is in memory at a time.
A report is one page that reads anywhere: no network, no script, light and dark, on paper too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbbanana.display.paper import GREY, INK, PAPER, Sheet, lettering, write_pages
from nbbanana.display.sweep_grid import GONE, GridCell, GridFacet, SweepView
from nbbanana.display.sweep_images import side_by_side
from nbbanana.display.thumbs import DENSITY, data_uri, encode, load, text_within
from nbbanana.text import counted, one_line, render

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["PAPER", "ReportCell", "ReportGroup", "ReportPicture", "report_html", "write_sweep_sheet"]

LEAST, MOST = 0.3, 2.6
"""Inches that a picture is wide at least and at most."""
TALLEST = 1.3
"""A picture is at most so many times as tall as its column is wide."""
GUTTER = 0.25
"""Inches between two tables that stand side by side."""
MOST_REASONS = 3
EMPTY = "#f1f1f1"
"""The colour of a cell without a picture."""


def write_sweep_sheet(path: Path, view: SweepView, title: str, inches: tuple[float, float]) -> None:
    """
    Write a sweep to be printed: a PDF of as many pages as it takes, or a PNG or JPEG of one page.

    Args:
        path: ends in `.pdf`, `.png` or `.jpg`; it is replaced.
        view: what to draw.
        title: stands on top of each page, beside today's date.
        inches: width and height of the paper.
    """
    write_pages(path, partial(_SweepSheet, view, title, inches))


class _SweepSheet(Sheet):
    """
    The pages of a sweep.

    Args:
        view: what to draw.
        title: stands on top.
        inches: width and height of the paper.
        is_single: whether there is one page: pictures are as small as that needs, within reason.
    """

    qualities = (90, 88)

    def __init__(self, view: SweepView, title: str, inches: tuple[float, float], is_single: bool) -> None:  # noqa: FBT001 (see `write_pages`)
        super().__init__(inches, title, 7.5, is_single=is_single)
        self._view, self._tiny = view, lettering(self.points(6))
        self._gap = self.px(0.05)
        """Between two pictures."""
        self.apart, self._top = 4 * self._gap, self.margin + self.px(0.36)
        self._line, self._tiny_line = round(1.32 * self.points(7.5)), round(1.3 * self.points(6))
        self._legend = list(self._legend_lines())
        self._names = self._width_of_names()
        self._fit(is_single=is_single)

    def _legend_lines(self) -> Iterator[tuple[str, str]]:
        """Give the lines above the first page: what all cells share, each with its colour."""
        view = self._view
        said = [("".join(text for text, _ in view.words), 3, INK)]
        facts = (" · ".join(map(one_line, view.facts)), " ".join(map(one_line, view.lines)))
        said += [(text, 2, GREY) for text in (*facts, *view.reasons[:MOST_REASONS])]
        for text, most, colour in said:
            if text:
                yield from ((line, colour) for line in self.small.wrapped(text, self.room, most))
        if (more := len(view.reasons) - MOST_REASONS) > 0:
            yield f"… and {counted(more, 'more reason')}, in their cells", GREY

    def _width_of_names(self) -> int:
        """Return how wide the names of rows are, in pixels."""
        names = [name for name, _ in self._view.rows] + ([self._view.corner] if self._view.columns else [])
        longest = max((self.small.getlength(one_line(name)) for name in names), default=0)
        return min(self.px(1.5), math.ceil(longest) + self.px(0.1)) if longest else 0

    def _fit(self, *, is_single: bool) -> None:
        """Lay the columns out so that they fit into the page, and for a single page all rows too."""
        self._lay_out(self.px(MOST))
        low, high = self.px(LEAST), self._width
        if not is_single or len(self.pages) == 1:
            return
        while low < high:  # the widest pictures with which one page is enough, else the smallest
            middle = (low + high + 1) // 2
            self._lay_out(middle)
            low, high = (middle, high) if len(self.pages) == 1 else (low, middle - 1)
        self._lay_out(low)

    def _lay_out(self, width: int) -> None:
        """Set the sizes of pictures that are so many pixels wide, or less where their columns do not fit; the pages."""
        view = self._view
        self._width = max(self.px(LEAST), min(width, (self.room - self._names) // view.widest - self._gap))
        self._height = round(self._width / max(view.cell_ratio or 1.0, 1 / TALLEST))
        lines = max((bool(cell.name) * 2 + bool(cell.note) for cell in view.cells), default=0)
        caption = lines * self._tiny_line + (self.px(0.03) if lines else 0)
        self._row = self._height + caption
        heads = max((len(self.small.wrapped(name, self._width, 3)) for name in view.columns), default=0)
        self._head = heads * self._line
        self.pages = list(self._paged())

    def _blocks(self) -> Iterator[GridFacet]:
        """Give each facet, cut where its columns do not stand side by side."""
        most = max(1, (self.room - self._names) // (self._width + self._gap))
        for facet in self._view.facets:
            for at in range(0, facet.widest, most):
                rows = [(name, row[at : at + most]) for name, row in facet.rows]
                yield GridFacet(one_line(facet.title), rows, self._view.columns[at : at + most])

    def _bands(self) -> Iterator[list[GridFacet]]:
        """Give the blocks, side by side where they are narrow: facets are compared across as well as down."""
        blocks = list(self._blocks())
        each = self._offset(blocks)
        alike = len({len(block.rows) for block in blocks}) == 1
        beside = max(1, (self.room + self.px(GUTTER)) // each) if alike else 1
        for at in range(0, len(blocks), beside):
            yield blocks[at : at + beside]

    def _offset(self, blocks: Sequence[GridFacet]) -> int:
        """Return how far from one of these blocks the next one begins."""
        widest = max((block.widest for block in blocks), default=1)
        return self._names + widest * (self._width + self._gap) + self.px(GUTTER)

    def _paged(self) -> Iterator[list[list[GridFacet]]]:
        """Give for each page its bands of blocks, with the rows that it has room for."""
        page: list[list[GridFacet]] = []
        whole = self.bottom - self._top
        left = whole - (len(self._legend) + 1) * self._line
        for band in self._bands():
            head = self._head + (2 * self._line if band[0].title else self._line)
            at, total = 0, len(band[0].rows)
            while at < total:
                count = max(0, (left - head + self._gap) // (self._row + self._gap))
                if not count and not page and left == whole:
                    count = 1  # a row that is taller than a page is cut
                if not count:
                    yield page
                    page, left = [], whole
                    continue
                page.append([replace(one, rows=one.rows[at : at + count]) for one in band])
                left -= head + min(count, total - at) * (self._row + self._gap)
                at += count
        if page:
            yield page

    def left_out(self) -> str:
        """Return how many rows have no room."""
        left = sum(len(block.rows) for page in self.pages[1:] for band in page for block in band)
        return counted(left, "more row") if left else ""

    def fill(self, sheet: Image, draw: Any, number: int) -> None:
        """Draw the blocks of a page; above those of the first one, what all cells share."""
        top = self._top
        if number == 0:
            top = self.small.draw_lines(draw, (self.margin, top), self._legend, self._line) + self._line
        for band in self.pages[number]:
            each = self._offset(band)
            lefts = [self.margin + place * each for place in range(len(band))]
            top = max(
                self._draw_block(sheet, draw, block, (left, top)) for block, left in zip(band, lefts, strict=True)
            )

    def _draw_block(self, sheet: Image, draw: Any, block: GridFacet, at: tuple[int, int]) -> int:
        """Draw rows under their head; `at` is its upper left corner. Returns where they end."""
        start, top = at
        left, step = start + self._names, self._width + self._gap
        if block.title:
            title = text_within(block.title, self.room + self.margin - start, self.small)
            self.small.draw(draw, (start, top), title, INK)
            top += self._line
        if block.columns:
            corner = text_within(one_line(self._view.corner), self._names - self._gap, self.small)
            self.small.draw(draw, (start, top), corner, GREY)
            for column, name in enumerate(block.columns):
                self._draw_name(draw, name, (left + column * step, top), self._width, 3)
        top += self._head + self._line // 2
        side = max(self._width, self._height) / DENSITY
        for name, row in block.rows:
            self._draw_name(draw, name, (start, top), self._names - 2 * self._gap, max(1, self._row // self._line))
            sources = [source for cell in row for source in cell.sources]
            images = iter(load(sources, [(side, side)] * len(sources)))
            for column, cell in enumerate(row):
                own = [next(images) for _ in cell.sources]
                self._draw_cell(sheet, draw, cell, side_by_side(own) if any(own) else None, (left + column * step, top))
            top += self._row + self._gap
        return top + self._line // 2

    def _draw_name(self, draw: Any, text: str, at: tuple[int, int], width: int, most: int) -> None:
        self.small.draw_lines(draw, at, [(line, INK) for line in self.small.wrapped(text, width, most)], self._line)

    def _draw_cell(self, sheet: Image, draw: Any, cell: GridCell, image: Image | None, at: tuple[int, int]) -> None:
        """Draw a picture and its caption, or a grey place with the reason why there is none."""
        from PIL import ImageOps

        left, top = at
        if image is None:
            draw.rectangle((left, top, left + self._width - 1, top + self._height - 1), fill=EMPTY)
            self._draw_reason(draw, cell, at)
        else:
            sheet.paste(ImageOps.contain(image, (self._width, self._height)), at)
        lines = [(line, INK) for line in self._tiny.wrapped(cell.name, self._width, 2)] if cell.name else []
        lines += [(text_within(one_line(cell.note), self._width, self._tiny), GREY)] if cell.note else []
        self._tiny.draw_lines(draw, (left, top + self._height + self.px(0.02)), lines, self._tiny_line)

    def _draw_reason(self, draw: Any, cell: GridCell, at: tuple[int, int]) -> None:
        pad = self.px(0.03)
        width, most = self._width - 2 * pad, max(1, (self._height - 2 * pad) // self._tiny_line)
        said = f"{cell.words or GONE}. {cell.why}" if cell.why else cell.words or GONE
        lines = [(text, GREY if number else INK) for number, text in enumerate(self._tiny.wrapped(said, width, most))]
        self._tiny.draw_lines(draw, (at[0] + pad, at[1] + pad), lines, self._tiny_line)


# ── reports ─────────────────────────────────────────────────────────────────────────────────────────────────────

QUALITY = 72
"""Of the WebP files in a report."""

ReportPicture = tuple[bytes | Path | None, str]
"""A picture of a report: its bytes or its file, None where it is not here; its words for those who cannot see it."""


@dataclass(frozen=True, slots=True)
class ReportCell:
    """
    One request of a report: its pictures, or why there is none, and its record in lines.

    Args:
        title: what sets it apart from the others of its group; empty where it is the only one.
        pictures: what came.
        state: how it stands, where nothing came.
        why: the reason.
        lines: its record.
    """

    title: str
    pictures: Sequence[ReportPicture]
    state: str
    why: str
    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class ReportGroup:
    """
    What was made of one picture.

    Args:
        title: the name of the picture.
        before: the picture; None where there was none.
        facts: what is known of it.
        cells: the requests.
    """

    title: str
    before: ReportPicture | None
    facts: Sequence[str]
    cells: Sequence[ReportCell]


def report_html(
    *,
    title: str,
    made: str,
    words: Sequence[tuple[str, bool]],
    totals: Sequence[tuple[str, str]],
    method: Sequence[str],
    notes: Sequence[str],
    groups: Sequence[ReportGroup],
    side: int,
) -> str:
    """
    Return a report as a page; its pictures are decoded one by one, and small copies of them stand in it.

    Args:
        title: stands above it.
        made: when, and by what it was written.
        words: the prompt in pieces; those that are True stand for what varies.
        totals: names and values.
        method: sentences for a paper.
        notes: sentences, such as what was left out.
        groups: the pictures.
        side: pixels of the longer side of a picture.
    """
    html = render(
        __package__,
        "report",
        title=title,
        made=made,
        words=words,
        totals=totals,
        method=method,
        notes=notes,
        groups=groups,
        side=side,
        shown=partial(_shown, side=side),
    )
    # A browser typesets nothing: what keeps LaTeX away in a notebook would stand in the title of the window.
    return html.replace("<span>$</span>", "$").replace("<span>\\</span>", "\\")


def _shown(pictures: Sequence[ReportPicture], side: int) -> list[dict[str, Any]]:
    """Return pictures for a page, those that can be read: a WebP of at most `side` pixels each, shown at that size."""
    images = load([source for source, _ in pictures], [(side / DENSITY, side / DENSITY)] * len(pictures))
    return [
        {
            "uri": data_uri(encode(image, quality=QUALITY)),
            "alt": alt,
            "width": image.width,
            "height": image.height,
        }
        for (_, alt), image in zip(pictures, images, strict=True)
        if image is not None
    ]
