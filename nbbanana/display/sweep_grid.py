"""A sweep as a table of small pictures: rows and columns have the names of what differs, and nothing else is said."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache, partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from nbbanana.display.sweep_images import INPUT_SIDE, STRIP_SIDE, SweepImages, shape_of, strip_tile
from nbbanana.display.thumbs import data_uri
from nbbanana.images import file_of
from nbbanana.text import counted, joined, one_line, render

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["GridCell", "GridFacet", "SweepImages", "SweepView", "sweep_grid_bundle", "sweep_text"]

MOST, ROOM = 390_000, 290_000
"""Bytes that an output weighs at most, and the base64 of all its pictures."""
MOST_ROWS = 400
FULL_WIDTH, MOST_WIDTH = 1000, 200
"""CSS pixels of all columns together, and of one picture, at most."""
LEAST_WIDTH, LEAST_STRIP = 40, 14
"""CSS pixels down to which a picture shrinks with its page, alone and in a row that is one picture."""
TALLEST = 1.2
"""A picture is at most so many times as tall as its column is wide."""
NAMES = (24, 150, 220)
"""CSS pixels of the names of rows: at least, at most beside many columns, at most beside few."""
MANY = 6
"""More columns are many."""
SEPARATE = 200
"""Up to so many cells each has a picture of its own; of more, the pictures of a row are one."""
SHORT = 3
"""Names of columns of at most so many letters stand above pictures in rows that are one picture."""
MOST_NAMES = 60
"""So many names of columns are said below such rows."""
MOST_REASONS = 12
FIRSTS = "Of the pictures of a cell the first is shown: sweep[0].result shows all, sweep.save('out/') writes them."
GONE = "its file is gone"
TEXT_ROWS, TEXT_WIDTH = 40, 110
"""Rows and columns of a grid that a terminal shows."""


@dataclass(frozen=True, slots=True)
class GridCell:
    """
    One cell of the grid.

    Args:
        title: what sets it apart, for those who cannot see it.
        source: the file of its first picture; None where it has none.
        words: what stands in its place: `not sent`, `refused`; empty where there is a picture.
        mark: one sign for a terminal.
        name: its name, where it stands below the picture.
        why: why it has no picture, for a sheet that is printed.
        note: what else is said of it there, such as its seed.
        more: the files of its other pictures.
    """

    title: str
    source: Path | None
    words: str = ""
    mark: str = "·"
    name: str = ""
    why: str = ""
    note: str = ""
    more: tuple[Path, ...] = ()

    @property
    def sources(self) -> tuple[Path, ...]:
        """The files of all its pictures."""
        return self.more if self.source is None else (self.source, *self.more)


@dataclass(frozen=True, slots=True)
class GridFacet:
    """
    One table of the grid: of a third axis there is one for each value.

    Args:
        title: the value of the third axis; empty where there is none.
        rows: the name of each row, and its cells.
        columns: the names of its columns, where they are not all of those of the sweep.
    """

    title: str
    rows: Sequence[tuple[str, Sequence[GridCell]]]
    columns: Sequence[str] = ()

    @property
    def widest(self) -> int:
        """Cells of the longest row."""
        return max((len(row) for _, row in self.rows), default=0)


@dataclass(frozen=True, slots=True)
class SweepView:
    """
    A sweep as it is shown.

    Args:
        lines: what it is and how it stands, a sentence each.
        corner: what the rows and the columns are: `prompt ↓  seed →`.
        columns: the name of each column; empty where cells have their own titles below them.
        facets: the tables.
        reasons: why cells have no picture.
        words: the prompt that all cells share, in pieces; those that are True are the places of what varies.
        facts: what else all cells share, in phrases: how many, from which picture, by which model, what they cost.
        inputs: the pictures that all cells have, with their names.
        ratio: width to height of the pictures to come; None where it is not known.
        each: how many pictures a cell has, or will have.
    """

    lines: Sequence[str]
    corner: str
    columns: Sequence[str]
    facets: Sequence[GridFacet]
    reasons: Sequence[str] = ()
    words: Sequence[tuple[str, bool]] = ()
    facts: Sequence[str] = ()
    inputs: Sequence[tuple[bytes | Path, str]] = ()
    ratio: float | None = None
    each: int = 1

    @property
    def cell_ratio(self) -> float | None:
        """Width to height of the pictures of a cell beside each other; None where it is not known."""
        columns, rows = shape_of(self.each)
        return None if self.ratio is None else self.ratio * columns / rows

    @property
    def rows(self) -> list[tuple[str, Sequence[GridCell]]]:
        """The rows of all tables, with their names."""
        return [row for facet in self.facets for row in facet.rows]

    @property
    def cells(self) -> list[GridCell]:
        """All cells, row by row."""
        return [cell for _, row in self.rows for cell in row]

    @property
    def widest(self) -> int:
        """Cells of the longest row, at least 1."""
        return max((facet.widest for facet in self.facets), default=0) or 1


def sweep_grid_bundle(view: SweepView, images: SweepImages | None = None) -> dict[str, str]:
    """
    Return a sweep for a notebook and for a terminal.

    Args:
        view: what to show.
        images: keeps small copies from one drawing to the next.

    Returns:
        `text/plain` and `text/html`, static, less than 400 kB together whatever it holds.
    """
    kept = images or SweepImages()
    view, left_out = _clipped(view)
    cells, columns = view.cells, view.widest
    width, has_strips = max(LEAST_WIDTH, min(MOST_WIDTH, FULL_WIDTH // columns)), len(cells) > SEPARATE
    each = max((len(cell.sources) for cell in cells), default=1)
    if has_firsts := each > 1 and (has_strips or width // shape_of(each)[0] < LEAST_WIDTH):
        view = replace(view, each=1)
    sources = [cell.sources[: 1 if has_firsts else None] for cell in cells]
    pictures = kept.together(sources, STRIP_SIDE / 2 if has_strips else width)
    ratio = _ratio(view, pictures)
    draw = partial(
        render,
        __package__,
        "sweep",
        view=view,
        has_strips=has_strips,
        has_heads=bool(view.columns) and (not has_strips or max(map(len, view.columns)) <= SHORT),
        inputs=_inputs(view, kept),
        reasons=[*([FIRSTS] if has_firsts else []), *left_out, *_reasons(view)],
        most_names=MOST_NAMES,
        **_sizes(view, columns, strip_tile(ratio)[0] if has_strips else width, has_strips=has_strips),
    )
    if not cells:
        return {"text/plain": sweep_text(view), "text/html": draw(facets=())}
    shown = _strips(view, pictures, ratio, kept) if has_strips else _tiles(cells, sources, pictures, width, ratio)
    # What the words take is known only once they are written: a thousand rows have a thousand names.
    words = len(
        json.dumps([draw(facets=_facets(view, [{**tile, "uri": ""} for _, _, tile in shown])), sweep_text(view)])
    )
    uris = kept.uris([(key, image) for key, image, _ in shown], min(ROOM, max(1, MOST - words)))
    tiles = [
        {**tile, "uri": uri or ("" if has_strips else placeholder(ratio))}
        for uri, (_, _, tile) in zip(uris, shown, strict=True)
    ]
    return {"text/plain": sweep_text(view), "text/html": draw(facets=_facets(view, tiles))}


def _clipped(view: SweepView) -> tuple[SweepView, list[str]]:
    """Return a sweep with as many rows as a page has room for, and a sentence that counts the others."""
    left, facets, total = MOST_ROWS, [], len(view.rows)
    for facet in view.facets:
        facets += [GridFacet(facet.title, facet.rows[:left])] if left else []
        left -= min(left, len(facet.rows))
    if total <= MOST_ROWS:
        return view, []
    more = counted(total - MOST_ROWS, "more row")
    return replace(view, facets=facets), [f"… and {more}: sweep.save('grid.pdf') has them."]


def _facets(view: SweepView, tiles: Sequence[dict[str, Any]]) -> list[tuple[str, list[tuple[str, list[Any]]]]]:
    """Return the tables with what is drawn of each cell, or of each row where there are as many."""
    rest, has_strips = iter(tiles), len(view.cells) > SEPARATE
    return [
        (facet.title, [(name, [next(rest)] if has_strips else [next(rest) for _ in row]) for name, row in facet.rows])
        for facet in view.facets
    ]


def sweep_text(view: SweepView) -> str:
    """Return a sweep for a terminal: its sentences, and a sign for each cell under the names of the columns."""
    said = "".join(text for text, _ in view.words)
    lines = [*map(one_line, view.lines[:1]), one_line(said, TEXT_WIDTH), one_line(" · ".join(view.facts))]
    lines += map(one_line, view.lines[1:])
    rows = [(facet.title, name, row) for facet in view.facets for name, row in facet.rows]
    if any(len(row) > 1 for _, _, row in rows) or len(rows) > 1:
        lines += _text_grid(view, rows)
    return "\n".join([*filter(None, lines), *_reasons(view)])


def _text_grid(view: SweepView, rows: Sequence[tuple[str, str, Sequence[GridCell]]]) -> Iterator[str]:
    wide = min(32, max(_cells_wide(one_line(name)) for name in [view.corner, *(name for _, name, _ in rows)]))
    names = [one_line(name) for name in view.columns]
    each = max(map(_cells_wide, names), default=1)
    has_names = bool(names) and wide + (each + 1) * len(names) <= TEXT_WIDTH
    if names:
        own = " ".join(_padded(name, each) for name in names) if has_names else one_line(", ".join(names), TEXT_WIDTH)
        yield f"  {_padded(one_line(view.corner, wide), wide)}  {own}".rstrip()
    title = ""
    for facet, name, row in rows[:TEXT_ROWS]:
        if facet != title:
            title = facet
            yield one_line(facet)
        marks = " ".join(cell.mark.ljust(each) if has_names else cell.mark for cell in row)
        yield f"  {_padded(one_line(name, wide), wide)}  {marks}".rstrip()
    if len(rows) > TEXT_ROWS:
        yield f"  … and {counted(len(rows) - TEXT_ROWS, 'more row')}"


def _padded(text: str, width: int) -> str:
    """Return a text as wide as so many cells of a terminal: cut, or filled with spaces."""
    while _cells_wide(text) > width:
        text = text[:-2].rstrip() + "…"
    return text + " " * (width - _cells_wide(text))


def _cells_wide(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _reasons(view: SweepView) -> list[str]:
    found = [one_line(reason) for reason in view.reasons]
    more = len(found) - MOST_REASONS
    others = f"… and {counted(more, 'more reason')}: sweep.to_frame() has all."
    return found if more <= 0 else [*found[:MOST_REASONS], others]


def _sizes(view: SweepView, columns: int, width: int, *, has_strips: bool) -> dict[str, int]:
    """Return the widths in CSS pixels of a column, of the names of rows, and of the table at least and at most."""
    longest = max((len(one_line(name)) for name, _ in view.rows), default=0)
    if view.columns and not has_strips:
        longest = max(longest, len(view.corner))
    least, *most = NAMES
    names = max(least, min(7 * longest + 16, most[0] if columns > MANY else most[1])) if longest else 0
    least_of_one = LEAST_STRIP if has_strips else min(width, LEAST_WIDTH)
    return {
        "width": width,
        "columns": columns,
        "names": names,
        "least": names + columns * least_of_one,
        "most": names + columns * (width + (0 if has_strips else 4)),
    }


def _inputs(view: SweepView, images: SweepImages) -> list[dict[str, Any]]:
    uris = images.inputs([source for source, _ in view.inputs])
    return [
        {"uri": uri, "alt": one_line(name), "height": INPUT_SIDE}
        for uri, (_, name) in zip(uris, view.inputs, strict=True)
        if uri
    ]


def _ratio(view: SweepView, images: Sequence[Image | None]) -> float:
    """Return width to height of most pictures: the places of those to come are as large."""
    here = [image.width / image.height for image in images if image is not None]
    return median(here) if here else view.cell_ratio or 1.0


def _tiles(
    cells: Sequence[GridCell],
    sources: Sequence[tuple[Path, ...]],
    images: Sequence[Image | None],
    width: int,
    ratio: float,
) -> list[tuple[Hashable, Image | None, dict[str, Any]]]:
    """Return for each cell what tells its picture from others, its picture, and its words."""
    return [
        (
            shown,
            image,
            {
                "alt": _alt(cell, len(shown), is_here=image is not None),
                "words": "" if image else f"{cell.mark} {cell.words or GONE}",
                "below": one_line(joined(cell.name, _of_how_many(cell, len(shown)))),
                **_box(image.width / image.height if image else ratio, width),
            },
        )
        for cell, shown, image in zip(cells, sources, images, strict=True)
    ]


def _box(ratio: float, width: int) -> dict[str, int]:
    """Return the size at which a picture is shown, and how much of its column's width that is, in percent."""
    percent = min(100, round(100 * TALLEST * ratio))
    wide = max(1, width * percent // 100)
    return {"width": wide, "height": max(1, round(wide / ratio)), "percent": percent}


def _strips(
    view: SweepView, images: Sequence[Image | None], ratio: float, kept: SweepImages
) -> list[tuple[Hashable, Image | None, dict[str, Any]]]:
    """Return the same for each row: one picture that holds all of its pictures."""
    rest, (wide, high), most = iter(images), strip_tile(ratio), view.widest
    found: list[tuple[Hashable, Image | None, dict[str, Any]]] = []
    for _, row in view.rows:
        sources = [cell.source for cell in row]
        made = kept.strip(list(zip(sources, [next(rest) for _ in row], strict=True)), ratio, len(images))
        size = {"width": wide * len(row), "height": high, "percent": max(1, 100 * len(row) // most)}
        found.append((tuple(sources), made, {"alt": _alt_of_row(row), "words": "", "below": "", **size}))
    return found


@lru_cache(maxsize=64)
def placeholder(ratio: float) -> str:
    """Return a picture of nothing with that ratio, so that a table has its height before its pictures come."""
    from PIL import Image

    shape = Fraction(min(max(ratio, 0.1), 10)).limit_denominator(40)
    empty = Image.new("LA", (shape.numerator, shape.denominator), (128, 40))
    return data_uri(file_of(empty, "PNG", optimize=True), "image/png")


def _alt(cell: GridCell, shown: int, *, is_here: bool) -> str:
    if not is_here:
        return one_line(f"{cell.title}: {cell.words or GONE}")
    count = _of_how_many(cell, shown) or (f"{shown} pictures" if shown > 1 else "")
    return one_line(f"{cell.title} ({count})" if count else cell.title)


def _of_how_many(cell: GridCell, shown: int) -> str:
    """Return how many of its pictures are shown; empty where that is all of them."""
    return f"{shown} of {len(cell.sources)}" if 0 < shown < len(cell.sources) else ""


def _alt_of_row(row: Sequence[GridCell]) -> str:
    here = sum(cell.source is not None for cell in row)
    return f"{here} of {len(row)} pictures, from {one_line(row[0].title)} to {one_line(row[-1].title)}"
