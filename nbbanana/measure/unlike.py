"""Which pictures of a series changed more than the rest. Needs no NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from nbbanana.measure.figures import Figure

__all__ = ["LEAST", "unlike"]

LEAST = 5
"""Figures that a series needs: of fewer it cannot be said which is the odd one."""
SPREADS, TIMES = 5.0, 2.0
"""
How many median absolute deviations and how many medians: ordinary series of 5 to 16 pictures (spread by a third, as
ratios) then get a picture pointed out wrongly in 4 to 12 of 100; with three deviations alone it were 37 to 65.
"""


def unlike(figures: Sequence[Figure | None]) -> tuple[int, ...]:
    """
    Return the places of those that are unlike the rest: more than twice the median, and above it by more than five
    times the median absolute deviation and by more than their own noise floor.

    The median and the deviations from it stay what they are whatever a few of the series do.

    Args:
        figures: of one kind, one a picture; None where there is none.

    >>> unlike([Figure(value, 0.6) for value in (1.1, 0.9, 1.2, 6.1, 1.0, 1.3, 5.2)])
    (3, 6)
    >>> unlike([Figure(9.0, 0.6), Figure(1.0, 0.6)])
    ()
    """
    known = [figure.value for figure in figures if figure is not None]
    if len(known) < LEAST:
        return ()
    middle = median(known)
    spread = median(abs(value - middle) for value in known)
    return tuple(
        place
        for place, figure in enumerate(figures)
        if figure is not None
        and figure.is_above
        and figure.value > TIMES * middle
        and figure.value - middle > max(SPREADS * spread, figure.floor)
    )
