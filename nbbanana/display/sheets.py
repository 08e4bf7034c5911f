"""Contact sheets to print and to send: A4 pages of pictures, each with its number, its seed and its words."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbbanana.display.lettering import Lettering, lettering
from nbbanana.display.thumbs import fitting, load
from nbbanana.text import one_line

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["SheetPicture", "write_sheet"]

INCHES = (8.27, 11.69)
"""A4."""
JPEG_DPI, PDF_DPI = 300, 200
COLUMNS = range(3, 7)
"""A JPEG is one page, with as many columns as its pictures need; of a PDF every page has the fewest."""
LONGEST = 500
"""Letters of a prompt that are looked at: more never fit under a picture."""
INK, GREY = "#111111", "#555555"


@dataclass(frozen=True, slots=True)
class SheetPicture:
    """
    One picture of a sheet.

    Args:
        source: its bytes or its file; None where it cannot be shown.
        ratio: its width to its height.
        name: what it is known by, such as `12[0]`.
        facts: what else is worth a word, such as its seed.
        prompt: its words, which are clipped.
    """

    source: bytes | Path | None
    ratio: float
    name: str
    facts: str = ""
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class _Page:
    """Measures of a page in pixels, from its resolution and its number of columns."""

    dpi: int
    columns: int

    @property
    def size(self) -> tuple[int, int]:
        return round(INCHES[0] * self.dpi), round(INCHES[1] * self.dpi)

    @property
    def margin(self) -> int:
        return round(0.45 * self.dpi)

    @property
    def gap(self) -> int:
        return round(0.14 * self.dpi)

    @property
    def width(self) -> int:
        """Of one picture."""
        return (self.size[0] - 2 * self.margin - (self.columns - 1) * self.gap) // self.columns

    @property
    def top(self) -> int:
        """Where the first row begins, under the title."""
        return self.margin + round(0.42 * self.dpi)

    @property
    def bottom(self) -> int:
        """Where the last row ends, above the foot."""
        return self.size[1] - self.margin - round(0.2 * self.dpi)

    @property
    def letters(self) -> int:
        """Size of the captions: 8 points, less where there are many columns."""
        return round(self.dpi * (8 if self.columns < 5 else 6.5) / 72)

    @property
    def caption(self) -> int:
        """Height of the three lines under a picture."""
        return round(4.4 * self.letters)

    def height(self, row: Sequence[SheetPicture]) -> int:
        """Of the pictures in a row: of the tallest, and no taller than wide."""
        return round(min(self.width, max(self.width / max(one.ratio, 0.1) for one in row)))


def write_sheet(path: Path, pictures: Sequence[SheetPicture], title: str) -> None:
    """
    Write pictures onto A4 pages: a JPEG of one page, or a PDF of as many as it takes.

    One page and one row of pictures are in memory at a time.

    Args:
        path: ends in `.pdf` for a PDF; anything else is a JPEG. It is replaced.
        pictures: in their order. A JPEG has no room for more than about forty and says how many are missing.
        title: stands on top of each page, beside today's date.
    """
    is_pdf = path.suffix.lower() == ".pdf"
    beside = path.with_name(f".{path.name}.part")
    try:
        if is_pdf:
            _write_pdf(beside, pictures, title)
        else:
            page = _page_for(pictures)
            rows, *rest = _paged(pictures, page)
            left = sum(len(row) for more in rest for row in more)
            foot = f"{left} more pictures: a .pdf has room for all of them" if left else ""
            _drawn(page, rows, title, foot).save(beside, "JPEG", quality=88, dpi=(page.dpi, page.dpi))
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _write_pdf(path: Path, pictures: Sequence[SheetPicture], title: str) -> None:
    page = _Page(PDF_DPI, COLUMNS[0])
    pages = list(_paged(pictures, page))
    for number, rows in enumerate(pages, 1):
        foot = f"{number} / {len(pages)}" if len(pages) > 1 else ""
        # Page by page into the file: all of them together would be in memory at once.
        _drawn(page, rows, title, foot).save(path, "PDF", resolution=page.dpi, append=number > 1, quality=85)


def _page_for(pictures: Sequence[SheetPicture]) -> _Page:
    """Return the page with the fewest columns that holds all, or the one that holds most."""
    pages = [_Page(JPEG_DPI, columns) for columns in COLUMNS]
    return next((page for page in pages if len(list(_paged(pictures, page))) == 1), pages[-1])


def _paged(pictures: Sequence[SheetPicture], page: _Page) -> Iterator[list[Sequence[SheetPicture]]]:
    """Yield for each page its rows."""
    rows: list[Sequence[SheetPicture]] = []
    left = page.bottom - page.top
    for row in (pictures[at : at + page.columns] for at in range(0, len(pictures), page.columns)):
        needed = page.height(row) + page.caption
        if rows and needed > left:
            yield rows
            rows, left = [], page.bottom - page.top
        rows.append(row)
        left -= needed + page.gap
    yield rows


def _drawn(page: _Page, rows: Sequence[Sequence[SheetPicture]], title: str, foot: str) -> Image:
    from PIL import Image, ImageDraw

    sheet = Image.new("RGB", page.size, "white")
    draw, edge = ImageDraw.Draw(sheet), page.size[0] - page.margin
    large, small = lettering(round(page.dpi * 13 / 72)), lettering(page.letters)
    day = time.strftime("%d %B %Y").lstrip("0")
    draw.text((edge, page.margin), day, fill=GREY, font=small.font, anchor="ra")
    room = edge - page.margin - small.getlength(day) - page.gap
    large.draw(draw, (page.margin, page.margin), fitting(one_line(title)[:LONGEST], room, large), INK)
    draw.text((edge, page.size[1] - page.margin), foot, fill=GREY, font=small.font, anchor="rb")
    top = page.top
    for row in rows:
        height = page.height(row)
        images = load([one.source for one in row], [(page.width / 2, height / 2)] * len(row))
        for column, (one, image) in enumerate(zip(row, images, strict=True)):
            left = page.margin + column * (page.width + page.gap)
            _draw_picture(sheet, draw, image, (left, top, page.width, height))
            _draw_caption(draw, one, (left, top + height + page.letters // 3), page, small)
        top += height + page.caption + page.gap
    return sheet


def _draw_picture(sheet: Image, draw: Any, image: Image | None, box: tuple[int, int, int, int]) -> None:
    """Draw a picture at the foot of its box, so that its caption is near; a frame where it cannot be shown."""
    from PIL import ImageOps

    left, top, width, height = box
    if image is None:
        draw.rectangle((left, top, left + width - 1, top + height - 1), outline="silver")
        return
    fitted = ImageOps.contain(image, (width, height))
    sheet.paste(fitted, (left, top + height - fitted.height))


def _draw_caption(draw: Any, one: SheetPicture, at: tuple[int, int], page: _Page, letters: Lettering) -> None:
    left, top = at
    line = round(1.3 * page.letters)
    first = " · ".join(filter(None, [one_line(one.name), one_line(one.facts)]))
    letters.draw(draw, (left, top), fitting(first, page.width, letters), INK)
    for number, text in enumerate(letters.wrapped(one_line(one.prompt)[:LONGEST], page.width, 2), 1):
        letters.draw(draw, (left, top + number * line), text, GREY)
