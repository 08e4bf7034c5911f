"""Pictures stand in rows that fit a cell, as large as it allows, without stragglers where that can be helped."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nbbanana.display.layout import layout

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
    least = max(grid.least, width * grid.share / 100)
    assert (width + grid.gap) // (least + grid.gap) <= grid.columns


@given(COUNTS)
def test_a_wide_cell_holds_the_columns_that_were_meant(count: int) -> None:
    """At its full width the row is not broken early."""
    grid = layout(count)
    least = max(grid.least, grid.full_width * grid.share / 100)
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
