"""Boxes as users write them: parts of a picture, and every other unit named."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbbanana.errors import UsageError
from nbbanana.regions import box_shape, read


@pytest.mark.parametrize(
    ("box", "unit"),
    [
        ((64, 48, 320, 240), "pixels or thousandths"),
        ((100, 200, 900, 1000), "pixels or thousandths"),
        ((25, 25, 75, 75), "percent or pixels"),
        ((0, 0, 3840, 2160), "pixels"),
        ((0.1, 0.1, 1.5, 0.9), "outside of the picture"),
        ((-0.5, 0, 0.5, 1), "outside of the picture"),
        ((-64, 0, 320, 240), "outside of the picture"),
    ],
)
def test_a_box_in_another_unit_is_refused_with_the_unit(box: tuple[float, ...], unit: str) -> None:
    """By a call, from an array and on a line; it would be cut off to a corner of the picture."""
    for ask in (
        lambda: box_shape(box),
        lambda: box_shape(np.array(box)),
        lambda: read(",".join(map(str, box))),
        lambda: read(f"0,0,1,1+{','.join(map(str, box))}"),
    ):
        with pytest.raises(UsageError, match=unit) as caught:
            ask()
        assert "from 0 to 1" in caught.value.why
        assert len(caught.value.lines) == 3


@given(st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_parts_of_a_picture_are_taken(box: list[float]) -> None:
    """All places in it, and a little beyond its edges, which rounding gives."""
    assert box_shape(box).points == ((box[0], box[1]), (box[2], box[3]))
    assert box_shape((-0.01, 0, 1.01, 1)).points == ((0, 0), (1, 1))


@pytest.mark.parametrize("box", [(0, 0, math.nan, 1), (0, 0, math.inf, 1), (0, 0, 1), "abcd", (None,) * 4, ("a",) * 4])
def test_what_is_no_box_is_refused(box: tuple[float, ...]) -> None:
    """Too few numbers, or none."""
    with pytest.raises(UsageError):
        box_shape(box)
