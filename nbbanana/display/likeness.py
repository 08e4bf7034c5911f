"""How alike some pictures are: a matrix with the pictures as its headers, or a list of those that stand out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from nbbanana.display.render import render
from nbbanana.display.thumbs import squares
from nbbanana.text import one_line

__all__ = ["LikenessView", "likeness_bundle"]

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
    facts = list(_facts(view, is_matrix=is_matrix))
    return {
        "text/plain": "\n".join(_lines(view, shown, rows, facts, is_matrix=is_matrix)),
        "text/html": render(
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
    return sorted(places, key=lambda place: (_mean(view, place), place))[:LISTED]


def _mean(view: LikenessView, place: int) -> float:
    return fmean(value for other, value in enumerate(view.ssim[place]) if other != place)


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
    others = [value for other, value in enumerate(view.ssim[place]) if other != place]
    digits = _digits(min(others))
    return [_cell(f"{fmean(others):.{digits}f}"), _cell(f"{min(others):.{digits}f}")]


def _digits(least: float) -> int:
    """Return how many decimal places tell values apart that all are near 1."""
    return 3 if 0.95 < least < 1 else 2


def _cell(text: str, *, is_least: bool = False, is_faint: bool = False) -> dict[str, Any]:
    return {"text": text, "is_least": is_least, "is_faint": is_faint}


def _facts(view: LikenessView, *, is_matrix: bool) -> Iterator[str]:
    if is_matrix:
        yield "Right of the diagonal: SSIM once laid on each other, 1 is the same"
        yield "left of it: bits of 64 in which the fingerprints differ"
    else:
        yield f"The {LISTED} of {len(view.labels)} that are least like the others: mean SSIM with these, and the least"
    yield "± is the standard deviation over pairs"
    if view.error is not None:
        yield f"standard error of the mean {view.error:.3f}"
    if not all(all(row) for row in view.registered) and is_matrix:
        yield "* could not be laid on each other"


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
