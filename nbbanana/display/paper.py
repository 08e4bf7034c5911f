"""Pages of paper: letters in the fonts that are here, pages of a JPEG, PNG or PDF, and contact sheets of pictures."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from nbbanana.display.thumbs import letters_within, load, text_within
from nbbanana.settings import beside
from nbbanana.text import counted, is_unseen, joined, one_line

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["GREY", "INK", "PAPER", "Lettering", "Sheet", "SheetPicture", "write_pages", "write_sheet"]

PAPER = {
    "A4": (11.69, 8.27),
    "A3": (16.54, 11.69),
    "letter": (11.0, 8.5),
    "A4 portrait": (8.27, 11.69),
    "A3 portrait": (11.69, 16.54),
}
"""Width and height in inches."""
PICTURE_DPI, PDF_DPI = 300, 200
COLUMNS = range(3, 7)
"""A contact sheet that is a JPEG has as many columns as its pictures need; of a PDF every page has the fewest."""
LONGEST = 900
"""Letters of a text that are looked at."""
INK, GREY = "#111111", "#555555"

FONTS = ("NotoSans-Regular.ttf", "DejaVuSans.ttf", "Arial.ttf", "Helvetica.ttc", "segoeui.ttf")
"""Fonts that write Latin, Greek and Cyrillic, and more; where none is there, the one that Pillow brings."""
MORE = (
    *("NotoSansCJK-Regular.ttc", "NotoSansCJKsc-Regular.otf", "NotoSansSC-Regular.otf", "SourceHanSansSC-Regular.otf"),
    *("wqy-zenhei.ttc", "wqy-microhei.ttc", "DroidSansFallbackFull.ttf"),  # Linux
    *("Arial Unicode.ttf", "PingFang.ttc", "Hiragino Sans GB.ttc", "AppleSDGothicNeo.ttc"),  # macOS
    *("msyh.ttc", "YuGothM.ttc", "malgun.ttf", "seguisym.ttf", "seguiemj.ttf"),  # Windows
    *("NotoEmoji-Regular.ttf", "Symbola_hint.ttf", "Symbola.ttf"),
    *("NotoSansArabic-Regular.ttf", "NotoSansDevanagari-Regular.ttf", "NotoSansThai-Regular.ttf"),
    *("DejaVuSans.ttf", "unifont.otf", "unifont.ttf"),
)
"""Fonts for Chinese, Japanese, Korean, other scripts, emoji and symbols."""
NOBODY_HAS = "\U0010fffd"
"""A letter of no font: what a font draws for it, it draws for all that it has not."""
DOT = "·"


class Lettering:
    """
    Letters of one size, each in the first font of this system that has it.

    Pillow finds fonts by their file names in the folders where a system keeps them. The first font of `FONTS` that is
    there writes all that it can; for other letters those of `MORE` are tried, and one that none has is drawn as a dot.

    Args:
        size: in pixels.
    """

    def __init__(self, size: int) -> None:
        from PIL import ImageFont

        self._fonts = [next(_opened(FONTS, size), None) or ImageFont.load_default(size)]
        self._more = _opened(MORE, size)
        self._known: dict[str, Any] = {}

    @property
    def font(self) -> Any:
        """The font of plain text."""
        return self._fonts[0]

    def getlength(self, text: str) -> float:
        """Return how many pixels a text is long, as fonts of Pillow do."""
        return float(sum(font.getlength(part) for font, part in self.runs(text)))

    def draw(self, draw: Any, at: tuple[int, int], text: str, fill: str) -> None:
        """Draw a text on one line; `at` is its upper left corner."""
        left, line = float(at[0]), at[1] + self.font.getmetrics()[0]
        for font, part in self.runs(text):
            draw.text((left, line), part, fill=fill, font=font, anchor="ls")
            left += font.getlength(part)

    def draw_lines(self, draw: Any, at: tuple[int, int], lines: Iterable[tuple[str, str]], step: int) -> int:
        """Draw texts, each with its colour, below each other in steps of so many pixels; return where they end."""
        left, top = at
        for text, fill in lines:
            self.draw(draw, (left, top), text, fill)
            top += step
        return top

    def runs(self, text: str) -> Iterator[tuple[Any, str]]:
        """Yield the parts of a text, each with its font; what no font has is a dot there."""
        letters = [(self._font_of(letter), letter) for letter in text if not is_unseen(letter)]
        shown = [(font or self.font, letter if font else DOT) for font, letter in letters]
        for _, run in groupby(shown, key=lambda one: id(one[0])):
            parts = list(run)
            yield parts[0][0], "".join(letter for _, letter in parts)

    def wrapped(self, text: str, width: float, most: int) -> list[str]:
        """
        Return a text as lines of at most `width` pixels, broken at spaces where there are some; the last is cut.

        It is put on one line first, and what is beyond its first 900 letters is left out: more never fit on a sheet.
        """
        text, lines = one_line(text)[:LONGEST], list[str]()
        if width <= 0:
            return lines
        while len(lines) < most - 1 and self.getlength(text) > width:
            end = max(1, letters_within(text, width, self))
            space = text.rfind(" ", 0, end + 1)
            end = space if space > 0 else end
            lines.append(text[:end].rstrip())
            text = text[end:].lstrip()
        return [*lines, text_within(text, width, self)]

    def _font_of(self, letter: str) -> Any:
        """Return the first font that has a letter, or None; fonts are looked for until one has it."""
        if letter.isascii():
            return self.font
        if letter not in self._known:
            self._known[letter] = next(
                (one for one in self._all_fonts() if bytes(one.getmask(letter)) != bytes(one.getmask(NOBODY_HAS))), None
            )
        return self._known[letter]

    def _all_fonts(self) -> Iterator[Any]:
        yield from self._fonts
        for font in self._more:
            self._fonts.append(font)
            yield font


@lru_cache(maxsize=8)
def lettering(size: int) -> Lettering:
    """Return the letters of a size."""
    return Lettering(size)


def _opened(names: Sequence[str], size: int) -> Iterator[Any]:
    """Yield those of the fonts that this system has, and not in bitmaps of another size, each opened when it comes."""
    from PIL import ImageFont

    for name in names:
        try:
            font = ImageFont.truetype(name, size)
        except OSError:
            continue
        yield font


# ── pages ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Sheet:
    """
    Pages of one kind, each with a title, today's date and a foot; subclasses lay them out into `pages`.

    Args:
        inches: width and height of the paper.
        title: stands on top.
        points: the size of small letters.
        is_single: whether there is one page: a picture, with more pixels an inch than a PDF.
    """

    qualities: ClassVar[tuple[int, int]]
    """Of JPEG: of a picture, and in a PDF."""
    apart: int
    """Pixels between the title and the date, at least."""
    pages: Sequence[Sequence[Any]]

    def __init__(self, inches: tuple[float, float], title: str, points: float, *, is_single: bool) -> None:
        self.dpi = PICTURE_DPI if is_single else PDF_DPI
        self.title = one_line(title)[:LONGEST]
        self.large, self.small = lettering(self.points(13)), lettering(self.points(points))
        self.size, self.margin = (self.px(inches[0]), self.px(inches[1])), self.px(0.45)
        self.room = self.size[0] - 2 * self.margin
        """Pixels from margin to margin, across."""
        self.bottom = self.size[1] - self.margin - self.px(0.2)
        """Where the last row ends, above the foot."""

    def px(self, inches: float) -> int:
        """Return so many inches in pixels."""
        return round(inches * self.dpi)

    def points(self, points: float) -> int:
        """Return a size of letters in pixels."""
        return max(6, round(points * self.dpi / 72))

    def left_out(self) -> str:
        """Return what is not on the first page, as a number of things; empty where that is nothing."""
        raise NotImplementedError

    def fill(self, sheet: Image, draw: Any, number: int) -> None:
        """Draw what stands on one of the pages, below its title."""
        raise NotImplementedError

    def drawn(self, number: int, foot: str) -> Image:
        """Draw a page."""
        from PIL import Image, ImageDraw

        sheet = Image.new("RGB", self.size, "white")
        draw, edge = ImageDraw.Draw(sheet), self.size[0] - self.margin
        day = time.strftime("%d %B %Y").lstrip("0")
        draw.text((edge, self.margin), day, fill=GREY, font=self.small.font, anchor="ra")
        room = self.room - self.small.getlength(day) - self.apart
        self.large.draw(draw, (self.margin, self.margin), text_within(self.title, room, self.large), INK)
        draw.text((edge, self.size[1] - self.margin), foot, fill=GREY, font=self.small.font, anchor="rb")
        self.fill(sheet, draw, number)
        return sheet


def write_pages(path: Path, make: Callable[[bool], Sheet]) -> None:
    """
    Write a PDF of as many pages as it takes, or a PNG or JPEG of one page.

    Args:
        path: ends in `.pdf`, `.png` or anything else for a JPEG; it is replaced.
        make: lays out the pages; it is told whether there is only one.
    """
    kind = {".pdf": "PDF", ".png": "PNG"}.get(path.suffix.lower(), "JPEG")
    with beside(path) as part:
        sheet = make(kind != "PDF")
        if kind == "PDF":
            for number in range(len(sheet.pages)):
                foot = f"{number + 1} / {len(sheet.pages)}" if len(sheet.pages) > 1 else ""
                # Page by page into the file: all of them together would be in memory at once.
                page = sheet.drawn(number, foot)
                page.save(part, kind, resolution=sheet.dpi, append=number > 0, quality=sheet.qualities[1])
        else:
            left = sheet.left_out()
            page = sheet.drawn(0, f"{left}: a .pdf has room for all of them" if left else "")
            page.save(part, kind, dpi=(sheet.dpi, sheet.dpi), quality=sheet.qualities[0])


# ── contact sheets ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class SheetPicture:
    """
    One picture of a contact sheet.

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


Row = Sequence[SheetPicture]


def write_sheet(path: Path, pictures: Row, title: str) -> None:
    """
    Write pictures onto A4 pages: a JPEG of one page, or a PDF of as many as it takes.

    One page and one row of pictures are in memory at a time.

    Args:
        path: ends in `.pdf` for a PDF; anything else is a JPEG. It is replaced.
        pictures: in their order. A JPEG has no room for more than about forty and says how many are missing.
        title: stands on top of each page, beside today's date.
    """

    def made(is_single: bool) -> Sheet:  # noqa: FBT001 (see `write_pages`)
        """Lay out the pages; a single one with the fewest columns that hold all, or hold most."""
        columns = COLUMNS if is_single else COLUMNS[:1]
        sheets = [_ContactSheet(pictures, title, count, is_single=is_single) for count in columns]
        return next((sheet for sheet in sheets if len(sheet.pages) == 1), sheets[-1])

    write_pages(path, made)


class _ContactSheet(Sheet):
    """
    Pictures in rows, each with three lines below it.

    Args:
        pictures: all of them.
        title: stands on top.
        columns: pictures of a row.
        is_single: whether there is one page.
    """

    qualities = (88, 85)

    def __init__(self, pictures: Row, title: str, columns: int, *, is_single: bool) -> None:
        points = 8 if columns < 5 else 6.5
        super().__init__(PAPER["A4 portrait"], title, points, is_single=is_single)
        self._letters, self.apart = self.points(points), self.px(0.14)
        self._top, self._caption = self.margin + self.px(0.42), round(4.4 * self._letters)
        self._width = (self.room - (columns - 1) * self.apart) // columns
        self.pages = list(self._paged([pictures[at : at + columns] for at in range(0, len(pictures), columns)]))

    def _height(self, row: Row) -> int:
        """Return the height of the pictures in a row: of the tallest, and no taller than wide."""
        return round(min(self._width, max(self._width / max(one.ratio, 0.1) for one in row)))

    def _paged(self, rows: Sequence[Row]) -> Iterator[list[Row]]:
        """Give for each page its rows."""
        page: list[Row] = []
        left = self.bottom - self._top
        for row in rows:
            needed = self._height(row) + self._caption
            if page and needed > left:
                yield page
                page, left = [], self.bottom - self._top
            page.append(row)
            left -= needed + self.apart
        yield page

    def left_out(self) -> str:
        """Return how many pictures have no room."""
        left = sum(len(row) for page in self.pages[1:] for row in page)
        return counted(left, "more picture") if left else ""

    def fill(self, sheet: Image, draw: Any, number: int) -> None:
        """Draw the rows of a page."""
        top, width = self._top, self._width
        for row in self.pages[number]:
            height = self._height(row)
            images = load([one.source for one in row], [(width / 2, height / 2)] * len(row))
            for column, (one, image) in enumerate(zip(row, images, strict=True)):
                left = self.margin + column * (width + self.apart)
                _draw_picture(sheet, draw, image, (left, top, width, height))
                self._draw_caption(draw, one, (left, top + height + self._letters // 3))
            top += height + self._caption + self.apart

    def _draw_caption(self, draw: Any, one: SheetPicture, at: tuple[int, int]) -> None:
        first = joined(one_line(one.name), one_line(one.facts))
        prompt = [(line, GREY) for line in self.small.wrapped(one.prompt, self._width, 2)]
        lines = [(text_within(first, self._width, self.small), INK), *prompt]
        self.small.draw_lines(draw, at, lines, round(1.3 * self._letters))


def _draw_picture(sheet: Image, draw: Any, image: Image | None, box: tuple[int, int, int, int]) -> None:
    """Draw a picture at the foot of its box, so that its caption is near; a frame where it cannot be shown."""
    from PIL import ImageOps

    left, top, width, height = box
    if image is None:
        draw.rectangle((left, top, left + width - 1, top + height - 1), outline="silver")
        return
    fitted = ImageOps.contain(image, (width, height))
    sheet.paste(fitted, (left, top + height - fitted.height))
