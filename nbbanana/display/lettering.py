"""
Text in pictures: each letter in the first font of this system that has it.

Pillow finds fonts by their file names in the folders where a system keeps them. The first font of `FONTS` that is there
writes all that it can; for other letters those of `MORE` are tried, and a letter that none has is drawn as a dot.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from typing import Any

from nbbanana.display.thumbs import fitting
from nbbanana.text import is_unseen

__all__ = ["Lettering", "lettering"]

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
    Letters of one size.

    Args:
        size: in pixels.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._fonts = [_first(size)]
        self._names = list(MORE)
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

    def runs(self, text: str) -> Iterator[tuple[Any, str]]:
        """Yield the parts of a text, each with its font; what no font has is a dot there."""
        letters = [(self._font_of(letter), letter) for letter in text if not is_unseen(letter)]
        shown = [(font or self.font, letter if font else DOT) for font, letter in letters]
        for _, run in groupby(shown, key=lambda one: id(one[0])):
            parts = list(run)
            yield parts[0][0], "".join(letter for _, letter in parts)

    def wrapped(self, text: str, width: float, most: int) -> list[str]:
        """Return a text as lines of at most `width` pixels, broken at spaces where there are some; the last is cut."""
        lines: list[str] = []
        while len(lines) < most - 1 and self.getlength(text) > width:
            end = max(1, self._fits(text, width))
            space = text.rfind(" ", 0, end + 1)
            end = space if space > 0 else end
            lines.append(text[:end].rstrip())
            text = text[end:].lstrip()
        return [*lines, fitting(text, width, self)]

    def _fits(self, text: str, width: float) -> int:
        """Return how many of its letters are at most `width` pixels long."""
        return bisect_right(range(1, len(text) + 1), width, key=lambda end: self.getlength(text[:end]))

    def _font_of(self, letter: str) -> Any:
        """Return the first font that has a letter, or None; fonts are looked for until one has it."""
        if letter.isascii():
            return self.font
        if letter not in self._known:
            found = next((font for font in self._fonts if _has(font, letter)), None)
            self._known[letter] = found or self._looked_for(letter)
        return self._known[letter]

    def _looked_for(self, letter: str) -> Any:
        from PIL import ImageFont

        while self._names:
            try:
                font = ImageFont.truetype(self._names.pop(0), self._size)
            except OSError:
                continue  # this system has it not, or in bitmaps of another size
            self._fonts.append(font)
            if _has(font, letter):
                return font
        return None


@lru_cache(maxsize=8)
def lettering(size: int) -> Lettering:
    """Return the letters of a size."""
    return Lettering(size)


def _first(size: int) -> Any:
    from PIL import ImageFont

    for name in FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue  # this system has it not
    return ImageFont.load_default(size)


def _has(font: Any, letter: str) -> bool:
    return bytes(font.getmask(letter)) != bytes(font.getmask(NOBODY_HAS))
