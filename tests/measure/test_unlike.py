"""Which pictures of a series are unlike the rest: the odd ones, and seldom one of an ordinary series."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tiers import scaled

from nbbanana.measure import Figure
from nbbanana.measure.figures import unlike

FLOOR = 0.6


def ordinary(chance: random.Random, count: int, middle: float) -> list[float]:
    """Figures of a series in which no picture is odd."""
    return [middle * math.exp(chance.gauss(0, 0.3)) for _ in range(count)]


def found(values: list[float]) -> tuple[int, ...]:
    """The places of those that are unlike the rest."""
    return unlike([Figure(value, FLOOR) for value in values])


@pytest.mark.parametrize("middle", [1.1, 4.0])
@pytest.mark.parametrize("count", [5, 8, 16])
def test_an_ordinary_series_has_seldom_one_and_an_odd_picture_is_found(middle: float, count: int) -> None:
    """One series in seven at most gets a picture pointed out; three times the median and 1 ΔE is mostly found."""
    chance, many = random.Random(count), scaled(400)
    wrongly = sum(bool(found(ordinary(chance, count, middle))) for _ in range(many))
    rightly = 0
    for _ in range(many):
        rest = ordinary(chance, count - 1, middle)
        rightly += count - 1 in found([*rest, 3 * sorted(rest)[len(rest) // 2] + 1])
    assert wrongly / many < 1 / 7
    assert rightly / many > 4 / 5


FIGURES = st.builds(Figure, st.floats(0, 100), st.floats(0, 5))


@given(st.lists(st.none() | FIGURES, max_size=20))
def test_what_is_unlike_the_rest_is_above_them_and_above_noise(figures: list[Figure | None]) -> None:
    """Less than half of a series of at least five, each above all that are not; an order of the series says nothing."""
    odd = unlike(figures)
    known = [figure.value for figure in figures if figure is not None]
    rest = sorted(known)[: len(known) // 2 + 1]
    assert len(odd) < max(1, len(known) / 2)
    assert odd == () or len(known) >= 5
    for place in odd:
        figure = figures[place]
        assert figure is not None
        assert figure.is_above
        assert figure.value > max(rest)
    assert {len(figures) - 1 - place for place in unlike(figures[::-1])} == set(odd)
