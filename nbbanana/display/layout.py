"""How large pictures are shown: how many stand in a row, how wide, and the ratio of one that is not here yet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nbbanana.display.views import Row

if TYPE_CHECKING:
    from nbbanana.display.views import ResultView

__all__ = ["MOST", "Layout", "count_of", "expected_ratio", "layout", "layout_of", "lines_of"]

MOST = 80
"""The most pictures in one grid; a sentence counts the rest."""

FULL_WIDTH = 1116
"""CSS pixels of a full row of four or more: as wide as a cell is on most screens."""

WIDEST = {1: 480, 2: 380, 3: 312}
"""How wide one of a few may be in CSS pixels; of more, as wide as the full row lets it be."""

FITTING = ((4, ()), (12, (4, 3)), (20, (6, 5, 4)), (42, (7, 6, 5)), (MOST, (8, 7, 6)))
"""For up to so many pictures, the numbers of columns to try; the one with the fewest empty places is taken."""

LEAST = ((4, 128, 12), (6, 88, 12), (FITTING[-1][1][0], 72, 8))
"""For up to so many columns, the least width of one and the gap."""

LEAST_IN_ROWS = 150
"""CSS pixels that pictures in rows are wide at least, however many rows there are."""

TALLEST = 1.5
"""A picture is shown at most so many times as tall as its row lets it be wide: a 1:4 strip takes no whole screen."""
EXTREME = 10.0
"""A place is kept for ratios up to 10:1 and 1:10; models go to 8:1."""


@dataclass(frozen=True, slots=True)
class Layout:
    """
    A grid of pictures.

    Args:
        columns: the most in a row.
        width: of one picture, in CSS pixels, where there is room.
        least: the width below which a row takes fewer.
        gap: between two in a row.
    """

    columns: int
    width: int
    least: int
    gap: int

    @property
    def full_width(self) -> int:
        """Of a full row, in CSS pixels."""
        return self.columns * self.width + (self.columns - 1) * self.gap

    @property
    def share(self) -> float:
        """The least width as a percentage of the row, which keeps wide cells from squeezing in another column."""
        return _share(self.columns)

    @property
    def least_width(self) -> str:
        """
        The least width of a picture in CSS.

        Where a line of four or more does not fit, it becomes two of half as many, never one with a straggler: the
        difference to the width at which it fits, many times over, is either below nothing or above all.
        """
        if self.columns < 4:
            return f"max({self.least}px,{self.share}%)"
        fits = self.columns * self.least + (self.columns - 1) * self.gap
        return f"max({self.share}%,min({_share(-(-self.columns // 2))}%,({fits}px - 100%)*999))"


def _share(columns: int) -> float:
    return round(100 / (columns + 1) + 0.01, 2)


def layout(count: int, ratio: float = 1.0) -> Layout:
    """
    Return the grid for `count` pictures of width to height `ratio`.

    >>> layout(4), layout(4).full_width
    (Layout(columns=4, width=270, least=128, gap=12), 1116)
    """
    choice = next((columns for most, columns in FITTING if count <= most), FITTING[-1][1])
    columns = min(choice, key=lambda columns: -count % columns) if choice else max(1, count)
    least, gap = next((least, gap) for most, least, gap in LEAST if columns <= most)
    widest = WIDEST.get(columns, (FULL_WIDTH - (columns - 1) * gap) // columns)
    return Layout(columns, max(least, min(widest, round(TALLEST * widest * ratio))), least, gap)


def count_of(view: ResultView) -> int:
    """Count the pictures of a result that are shown, with those that are on their way or never came."""
    return min(MOST, max(view.expected, len(view.pictures)))


def layout_of(view: ResultView) -> Layout:
    """Return the grid of a result; the same while its pictures are on their way and when some never came."""
    grid = layout(count_of(view), expected_ratio(view))
    longest = max((row.count for row in view.rows), default=0)
    if not view.rows or longest > FITTING[-1][1][0]:
        return grid
    # As many columns as the longest row has pictures, which are no larger than they would be without rows.
    of_row = layout(longest, expected_ratio(view))
    width = min(of_row.width, max(grid.width, LEAST_IN_ROWS))
    return replace(of_row, columns=longest, width=width, least=min(of_row.least, width))


def lines_of(view: ResultView) -> list[tuple[str, list[range]]]:
    """
    Return how the pictures of a result stand: for each of its rows a title and the lines of at most so many columns.

    A result without rows is one of them without a title. Only pictures that are shown are counted.
    """
    columns, most = layout_of(view).columns, count_of(view)
    rows = view.rows or (Row("", most),)
    found, start = [], 0
    for row in rows:
        end = min(start + row.count, most)
        if start < end:
            lines = [range(first, min(first + columns, end)) for first in range(start, end, columns)]
            found.append((row.title, lines))
        start = end
    return found


def expected_ratio(view: ResultView) -> float:
    """
    Return width to height of the pictures of a result, also before they are here.

    That is what the first picture has; else what `aspect_ratio` asks for; else what the primary input has, which
    models follow where nothing is asked.
    """
    asked = str(view.parameters.get("aspect_ratio", ""))
    of_inputs = [picture.ratio for picture in view.inputs[:1]]
    candidates = [*(picture.ratio for picture in view.pictures[:1]), _written(asked), *of_inputs]
    ratio = next((ratio for ratio in candidates if ratio), 1.0)
    return min(max(ratio, 1 / EXTREME), EXTREME)


def _written(text: str) -> float | None:
    wide, _, tall = text.partition(":")
    return int(wide) / int(tall) if wide.isdecimal() and tall.isdecimal() and int(tall) and int(wide) else None
