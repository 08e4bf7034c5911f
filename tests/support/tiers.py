"""
Which tests run when, and how large they are.

`make test` runs what is quick, with one case of what has many; `make nightly` runs the tests marked `nightly` and the
laws of hypothesis with more examples; `make soak` runs what is endless. `NBBANANA_SCALE` says how large the second is:
1 is the size of the first.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

__all__ = ["SCALE", "in_every_view", "in_turn", "nightly_but", "scaled"]

SCALE = float(os.environ.get("NBBANANA_SCALE") or 1)
THEMES = ("light", "dark")


def scaled(count: int) -> int:
    """A number of examples, of kills or of processes at the scale that was asked for; at least one."""
    return max(1, round(count * SCALE))


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
