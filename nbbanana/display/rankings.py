"""A ranking as a table: place, picture, title, strength with its interval, and the votes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbbanana.display.render import render
from nbbanana.display.thumbs import squares
from nbbanana.text import one_line

__all__ = ["RankedRow", "RankedValue", "RankingView", "ranking_bundle", "strength_words"]

SHOWN = 40
"""Rows of the table."""
SIDE, QUALITY = 64, 66
"""CSS pixels of a picture's longer side, and its WebP quality: 40 of them weigh about 150 kB."""
LEGEND = (
    "Strength 0 is the mean of these pictures; what has 1 more is preferred in"
    f" {100 / (1 + math.exp(-1)):.0f} of 100 votes. ± is the 95 % interval. A tie is half a win."
)


@dataclass(frozen=True, slots=True)
class RankedRow:
    """
    A picture in its place.

    Args:
        place: from 1.
        places: the first and the last place that it may have.
        title: what sets it apart.
        source: its file; None where it is gone.
        strength: in units of log odds.
        margin: half of its 95 % interval.
        tally: votes won, lost and tied.
    """

    place: int
    places: tuple[int, int]
    title: str
    source: Path | None
    strength: float
    margin: float
    tally: tuple[int, int, int]

    @property
    def place_words(self) -> str:
        """Its place, and which it may have besides: `2 (1 to 4)`."""
        first, last = self.places
        return str(self.place) if first == last else f"{self.place} ({first} to {last})"

    @property
    def strength_words(self) -> str:
        """Its strength and margin: `+0.8 ± 0.5`."""
        return strength_words(self.strength, self.margin)


@dataclass(frozen=True, slots=True)
class RankedValue:
    """A value of an axis, with the mean strength of its pictures and half of the 95 % interval of that."""

    name: str
    strength: float
    margin: float

    @property
    def words(self) -> str:
        """Its strength and margin."""
        return strength_words(self.strength, self.margin)


@dataclass(frozen=True, slots=True)
class RankingView:
    """
    A ranking as it is shown.

    Args:
        sentence: how many votes, and what is clear.
        rows: the pictures, the strongest first.
        axes: the name of each axis, and its values, the strongest first.
    """

    sentence: str
    rows: Sequence[RankedRow]
    axes: Sequence[tuple[str, Sequence[RankedValue]]] = ()


def strength_words(strength: float, margin: float) -> str:
    """
    Return a strength and its margin with one decimal.

    >>> strength_words(0.83, 0.5), strength_words(-0.01, 0.5)
    ('+0.8 ± 0.5', '0.0 ± 0.5')
    """
    value = round(strength, 1) or 0.0
    return f"{f'{value:+.1f}'.replace('-', '−') if value else '0.0'} ± {margin:.1f}"


def ranking_bundle(view: RankingView) -> dict[str, str]:
    """Return a ranking for a notebook and for a terminal: `text/plain` and static `text/html`."""
    rows = view.rows[:SHOWN]
    pictures = squares([row.source for row in rows], SIDE, QUALITY)
    more = len(view.rows) - len(rows)
    values: dict[str, Any] = {
        "view": view,
        "rows": list(zip(rows, pictures, strict=True)),
        "legend": LEGEND,
        "more": f"{more} more follow." if more else "",
    }
    return {"text/plain": _text(view, more), "text/html": render("ranking", **values)}


def _text(view: RankingView, more: int) -> str:
    rows = view.rows[:SHOWN]
    wide = min(48, max((len(one_line(row.title)) for row in rows), default=0))
    lines = [one_line(view.sentence)]
    for row in rows:
        won, lost, tied = row.tally
        title = one_line(row.title)[:wide].ljust(wide)
        lines.append(f"{row.place_words:>12}  {title}  {row.strength_words:>11}  {won} won, {lost} lost, {tied} tied")
    lines += [f"{'':12}  {more} more follow."] if more else []
    for name, values in view.axes:
        lines.append(f"{one_line(name)}: {', '.join(f'{one_line(one.name)} ({one.words})' for one in values)}")
    return "\n".join([*lines, LEGEND])
