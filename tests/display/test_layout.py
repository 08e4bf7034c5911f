"""Pictures stand in rows that fit a cell, as large as it allows, without stragglers where that can be helped."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from nbbanana.display.result_parts import Layout, layout


def width_in_css(grid: Layout, width: int) -> float:
    """The least width of a picture in a cell of so many pixels, as a browser works it out."""
    css = grid.least_width.replace("100%", str(width)).replace("px", "")
    return float(eval(re.sub(r"([\d.]+)%", lambda share: f"({share[1]}*{width}/100)", css)))


COUNTS = st.integers(0, 500)
RATIOS = st.floats(0.1, 10)


@given(COUNTS, RATIOS)
def test_a_row_fits_into_a_cell(count: int, ratio: float) -> None:
    """However many there are, a full row is at most 1116 pixels wide and no picture is too small for its caption."""
    grid = layout(count, ratio)
    assert grid.full_width <= 1116
    assert grid.least <= grid.width


@given(COUNTS, st.integers(200, 4000))
def test_no_more_columns_than_meant(count: int, width: int) -> None:
    """The least width, a share of the row, leaves no room for one column more, at any width of the cell."""
    grid = layout(count)
    least = width_in_css(grid, width)
    assert (width + grid.gap) // (least + grid.gap) <= grid.columns


@given(st.integers(4, 500), st.integers(200, 2000))
def test_a_line_that_does_not_fit_is_broken_in_half(count: int, width: int) -> None:
    """Four are four or two and two, never three and one."""
    grid = layout(count)
    least = width_in_css(grid, width)
    columns = (width + grid.gap) // (least + grid.gap)
    assert grid.columns < 4 or columns in {grid.columns, -(-grid.columns // 2)}


@given(COUNTS)
def test_a_wide_cell_holds_the_columns_that_were_meant(count: int) -> None:
    """At its full width the row is not broken early."""
    grid = layout(count)
    least = width_in_css(grid, grid.full_width)
    assert (grid.full_width + grid.gap) // (least + grid.gap) == grid.columns


def test_rows_are_full_where_they_can_be() -> None:
    """Six are two rows of three, sixteen four of four, eighty ten of eight."""
    assert [layout(count).columns for count in (1, 2, 3, 4, 6, 8, 9, 16, 18, 25, 80)] == [
        1,
        2,
        3,
        4,
        3,
        4,
        3,
        4,
        6,
        5,
        8,
    ]


def test_a_narrow_strip_takes_no_whole_screen() -> None:
    """A picture of 1:4 is shown at most twice as tall as a row of squares."""
    strip, square = layout(4, 0.25), layout(4)
    assert strip.width / 0.25 <= 2 * square.width
