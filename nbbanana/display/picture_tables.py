"""Several pictures in a table: how alike they are, and how they rank."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from nbbanana.display.thumbs import squares
from nbbanana.text import one_line, render

__all__ = [
    "LikenessView",
    "RankedRow",
    "RankingView",
    "likeness_bundle",
    "ranking_bundle",
    "strength_words",
]

MOST_IN_MATRIX = 12
"""Pictures that a matrix shows; of more the least alike are listed."""
LISTED = 12
SIDE, QUALITY = 56, 60
"""CSS pixels of a thumbnail's side, and its quality as JPEG."""


@dataclass(frozen=True, slots=True)
class LikenessView:
    """
    Some pictures and how alike they are.

    Args:
        labels: what one types to get each.
        seeds: the seed of each; None where there is none.
        sources: the bytes of each, or the file that holds them.
        ssim: n×n, 1 the same.
        bits: n×n, bits of 64 that differ; None where that cannot be told.
        registered: n×n, whether the pair could be laid on each other.
        sentence: all of it in words.
        error: the standard error of the mean; None where it cannot be told.
        notes: sentences about it.
    """

    labels: tuple[str, ...]
    seeds: tuple[int | None, ...]
    sources: tuple[bytes | Path, ...] = field(repr=False)
    ssim: tuple[tuple[float, ...], ...]
    bits: tuple[tuple[int | None, ...], ...]
    registered: tuple[tuple[bool, ...], ...]
    sentence: str
    error: float | None = None
    notes: tuple[str, ...] = ()


def likeness_bundle(view: LikenessView) -> dict[str, str]:
    """Return it as `text/plain` and `text/html`: static, with the pictures as headers."""
    shown = _shown(view)
    thumbs = squares([view.sources[place] for place in shown], SIDE, QUALITY)
    heads = [
        {
            "label": one_line(view.labels[place], 60),
            "seed": "" if view.seeds[place] is None else f"seed {view.seeds[place]}",
            "alt": f"{one_line(view.labels[place], 60)}{_seed_words(view.seeds[place])}",
            **thumb,
        }
        for place, thumb in zip(shown, thumbs, strict=True)
    ]
    is_matrix = len(view.labels) <= MOST_IN_MATRIX
    rows = [_cells(view, place) for place in shown] if is_matrix else [_row(view, place) for place in shown]
    facts = _facts(view, is_matrix=is_matrix)
    return {
        "text/plain": "\n".join(_lines(view, shown, rows, facts, is_matrix=is_matrix)),
        "text/html": render(
            __package__,
            "likeness",
            sentence=one_line(view.sentence),
            heads=heads,
            rows=rows,
            facts=facts,
            is_matrix=is_matrix,
            notes=[one_line(note) for note in view.notes],
        ),
    }


def _seed_words(seed: int | None) -> str:
    return "" if seed is None else f", seed {seed}"


def _shown(view: LikenessView) -> list[int]:
    """Return the places of the pictures that are shown: all, or those that are least like the others."""
    places = list(range(len(view.labels)))
    if len(places) <= MOST_IN_MATRIX:
        return places
    return sorted(places, key=lambda place: (fmean(_others(view, place)), place))[:LISTED]


def _others(view: LikenessView, place: int) -> list[float]:
    return [value for other, value in enumerate(view.ssim[place]) if other != place]


def _cells(view: LikenessView, row: int) -> list[dict[str, Any]]:
    """Return a line of the matrix: SSIM right of the diagonal, bits left of it."""
    least = min(view.ssim[one][other] for one in range(len(view.ssim)) for other in range(one))
    digits = _digits(least)
    found = []
    for column, value in enumerate(view.ssim[row]):
        if column == row:
            found.append(_cell("·", is_faint=True))
        elif column > row:
            mark = "" if view.registered[row][column] else "*"
            found.append(_cell(f"{value:.{digits}f}{mark}", is_least=value == least and len(view.ssim) > 2))
        else:
            bits = view.bits[row][column]
            found.append(_cell("–" if bits is None else str(bits), is_faint=True))
    return found


def _row(view: LikenessView, place: int) -> list[dict[str, Any]]:
    """Return a line of the list: the mean SSIM with all others, and the least."""
    others = _others(view, place)
    digits = _digits(min(others))
    return [_cell(f"{fmean(others):.{digits}f}"), _cell(f"{min(others):.{digits}f}")]


def _digits(least: float) -> int:
    """Return how many decimal places tell values apart that all are near 1."""
    return 3 if 0.95 < least < 1 else 2


def _cell(text: str, *, is_least: bool = False, is_faint: bool = False) -> dict[str, Any]:
    return {"text": text, "is_least": is_least, "is_faint": is_faint}


def _facts(view: LikenessView, *, is_matrix: bool) -> list[str]:
    right = "Right of the diagonal: SSIM once laid on each other, 1 is the same"
    left = "left of it: bits of 64 in which the fingerprints differ"
    least = f"The {LISTED} of {len(view.labels)} that are least like the others: mean SSIM with these, and the least"
    is_marked = is_matrix and not all(all(row) for row in view.registered)
    facts = [
        *([right, left] if is_matrix else [least]),
        "± is the standard deviation over pairs",
        f"standard error of the mean {view.error:.3f}" if view.error is not None else "",
        "* could not be laid on each other" if is_marked else "",
    ]
    return [fact for fact in facts if fact]


def _lines(
    view: LikenessView,
    shown: Sequence[int],
    rows: Sequence[list[dict[str, Any]]],
    facts: Sequence[str],
    *,
    is_matrix: bool,
) -> Iterator[str]:
    yield one_line(view.sentence)
    names = [f"{one_line(view.labels[place], 40)}{_seed_words(view.seeds[place])}" for place in shown]
    width = max(map(len, names))
    heads = [f"[{number}]" for number in range(len(shown))] if is_matrix else ["mean", "least"]
    lead = [f"[{number}] " for number in range(len(shown))] if is_matrix else [""] * len(shown)
    yield f"{'':{width + len(lead[0])}}{''.join(f'{head:>7}' for head in heads)}"
    for mark, name, row in zip(lead, names, rows, strict=True):
        values = "".join(f"{cell['text']:>7}" for cell in row)
        yield f"{mark}{name:<{width}}{values}"
    yield "; ".join(facts) + "."
    yield from map(one_line, view.notes)


SHOWN = 40
"""Rows of the table."""
RANKED_SIDE, RANKED_QUALITY = 64, 66
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
        place: from 1, and which it may have besides: `2 (1 to 4)`.
        title: what sets it apart.
        source: its file; None where it is gone.
        strength: in units of log odds and half of its 95 % interval, as `strength_words` gives them.
        tally: votes won, lost and tied.
    """

    place: str
    title: str
    source: Path | None
    strength: str
    tally: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class RankingView:
    """
    A ranking as it is shown.

    Args:
        sentence: how many votes, and what is clear.
        rows: the pictures, the strongest first.
        axes: the name of each axis, and its values, the strongest first, with the mean strength of their pictures as
            `strength_words` gives it.
    """

    sentence: str
    rows: Sequence[RankedRow]
    axes: Sequence[tuple[str, Sequence[tuple[str, str]]]] = ()


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
    pictures = squares([row.source for row in rows], RANKED_SIDE, RANKED_QUALITY)
    more = len(view.rows) - len(rows)
    html = render(
        __package__,
        "ranking",
        view=view,
        rows=list(zip(rows, pictures, strict=True)),
        legend=LEGEND,
        more=f"{more} more follow." if more else "",
    )
    return {"text/plain": _text(view, more), "text/html": html}


def _text(view: RankingView, more: int) -> str:
    rows = view.rows[:SHOWN]
    wide = min(48, max((len(one_line(row.title)) for row in rows), default=0))
    lines = [one_line(view.sentence)]
    for row in rows:
        won, lost, tied = row.tally
        title = one_line(row.title)[:wide].ljust(wide)
        lines.append(f"{row.place:>12}  {title}  {row.strength:>11}  {won} won, {lost} lost, {tied} tied")
    lines += [f"{'':12}  {more} more follow."] if more else []
    for name, values in view.axes:
        lines.append(f"{one_line(name)}: {', '.join(f'{one_line(value)} ({strength})' for value, strength in values)}")
    return "\n".join([*lines, LEGEND])
