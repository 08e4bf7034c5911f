"""
Which tests run when, and how large they are.

`make test` runs what is quick, with one case of what has many; `make nightly` runs the tests marked `nightly` and the
laws of hypothesis with more examples; `make soak` runs what is endless. `NBBANANA_SCALE` says how large the second is:
1 is the size of the first, and one in ten of what is `sampled`; at 10 that is whole.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import pytest

__all__ = ["SCALE", "in_every_view", "in_turn", "nightly_but", "sampled", "scaled"]

SCALE = float(os.environ.get("NBBANANA_SCALE") or 1)
Case = TypeVar("Case")
THEMES = ("light", "dark")


def scaled(count: int) -> int:
    """A number of examples, of kills or of processes at the scale that was asked for; at least one."""
    return max(1, round(count * SCALE))


def sampled(cases: Sequence[Case]) -> list[Case]:
    """So many of the cases, evenly spread, as the scale is in ten; one of them at least."""
    many = min(len(cases), math.ceil(len(cases) * SCALE / 10))
    return [cases[number * len(cases) // many] for number in range(many)]


def nightly_but(cases: Sequence[Any], quick: Any) -> list[Any]:
    """The cases as parameters of which all but `quick` are nightly."""
    assert quick in cases
    values = {case: case if isinstance(case, tuple) else (case,) for case in cases}
    return [pytest.param(*values[case], marks=[] if case == quick else pytest.mark.nightly) for case in cases]


def in_turn(cases: Iterable[Any], every: int) -> list[Any]:
    """The cases as parameters, of which one in so many is quick; the others are nightly."""
    return [pytest.param(one, marks=pytest.mark.nightly if number % every else ()) for number, one in enumerate(cases)]


def in_every_view(*widths: int) -> pytest.MarkDecorator:
    """Parametrize `width`, in pixels, and `theme`: the narrowest in the dark is quick, the others are nightly."""
    views = [(width, theme) for width in widths for theme in THEMES]
    return pytest.mark.parametrize(("width", "theme"), nightly_but(views, (min(widths), "dark")))
