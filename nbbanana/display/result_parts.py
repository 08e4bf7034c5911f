"""How large pictures are shown, and template data of a result: the header, the tiles, the rows of "How it was made"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from typing import Any

from nbbanana.display import views
from nbbanana.display.thumbs import load, small_uri
from nbbanana.display.views import Picture, ResultView
from nbbanana.models.framing import ratio_of
from nbbanana.settings import LOCAL_PROVIDER
from nbbanana.text import clip, joined, one_line, written

__all__ = [
    "MOST",
    "Layout",
    "Tile",
    "about",
    "alt",
    "count_of",
    "details",
    "expected_ratio",
    "file_facts",
    "folded",
    "header",
    "layout",
    "layout_of",
    "lines_of",
    "made",
    "rows",
    "tile",
]

MOST = 80
"""The most pictures in one grid; a sentence counts the rest."""

FULL_WIDTH = 1116
"""CSS pixels of a full row of four or more: as wide as a cell is on most screens."""

WIDEST = {1: 480, 2: 380, 3: 312}
"""How wide one of a few may be in CSS pixels; of more, as wide as the full row lets it be."""

FITTING = ((4, ()), (12, (4, 3)), (20, (6, 5, 4)), (42, (7, 6, 5)), (MOST, (8, 7, 6)))
"""For up to so many pictures, the numbers of columns to try; the one with the fewest empty places is taken."""

LEAST = ((4, 128, 12), (6, 88, 12), (FITTING[-1][1][0], 72, 8))
"""For up to so many columns, the least width of one and the gap."""

LEAST_IN_ROWS = 150
"""CSS pixels that pictures in rows are wide at least, however many rows there are."""

TALLEST = 1.5
"""A picture is shown at most so many times as tall as its row lets it be wide: a 1:4 strip takes no whole screen."""
EXTREME = 10.0
"""A place is kept for ratios up to 10:1 and 1:10; models go to 8:1."""


@dataclass(frozen=True, slots=True)
class Layout:
    """
    A grid of pictures.

    Args:
        columns: the most in a row.
        width: of one picture, in CSS pixels, where there is room.
        least: the width below which a row takes fewer.
        gap: between two in a row.
    """

    columns: int
    width: int
    least: int
    gap: int

    @property
    def full_width(self) -> int:
        """Of a full row, in CSS pixels."""
        return self.columns * self.width + (self.columns - 1) * self.gap

    @property
    def least_width(self) -> str:
        """
        The least width of a picture in CSS.

        Where a line of four or more does not fit, it becomes two of half as many, never one with a straggler: the
        difference to the width at which it fits, many times over, is either below nothing or above all.
        """
        if self.columns < 4:
            return f"max({self.least}px,{_share(self.columns)}%)"
        fits = self.columns * self.least + (self.columns - 1) * self.gap
        return f"max({_share(self.columns)}%,min({_share(-(-self.columns // 2))}%,({fits}px - 100%)*999))"


def _share(columns: int) -> float:
    """Return the least width as a percentage of the row, which keeps wide cells from squeezing in another column."""
    return round(100 / (columns + 1) + 0.01, 2)


def layout(count: int, ratio: float = 1.0) -> Layout:
    """
    Return the grid for `count` pictures of width to height `ratio`.

    >>> layout(4), layout(4).full_width
    (Layout(columns=4, width=270, least=128, gap=12), 1116)
    """
    choice = next((columns for most, columns in FITTING if count <= most), FITTING[-1][1])
    columns = min(choice, key=lambda columns: -count % columns) if choice else max(1, count)
    least, gap = next((least, gap) for most, least, gap in LEAST if columns <= most)
    widest = WIDEST.get(columns, (FULL_WIDTH - (columns - 1) * gap) // columns)
    return Layout(columns, max(least, min(widest, round(TALLEST * widest * ratio))), least, gap)


def count_of(view: ResultView) -> int:
    """Count the pictures of a result that are shown, with those that are on their way or never came."""
    return min(MOST, max(view.expected, len(view.pictures)))


def layout_of(view: ResultView) -> Layout:
    """Return the grid of a result; the same while its pictures are on their way and when some never came."""
    grid = layout(count_of(view), expected_ratio(view))
    longest = max((count for _, count in view.rows), default=0)
    if not view.rows or longest > FITTING[-1][1][0]:
        return grid
    # As many columns as the longest row has pictures, which are no larger than they would be without rows.
    of_row = layout(longest, expected_ratio(view))
    width = min(of_row.width, max(grid.width, LEAST_IN_ROWS))
    return replace(of_row, columns=longest, width=width, least=min(of_row.least, width))


def lines_of(view: ResultView) -> list[tuple[str, list[range]]]:
    """
    Return how the pictures of a result stand: for each of its rows a title and the lines of at most so many columns.

    A result without rows is one of them without a title. Only pictures that are shown are counted.
    """
    columns, most = layout_of(view).columns, count_of(view)
    rows = view.rows or (("", most),)
    found, start = [], 0
    for title, count in rows:
        end = min(start + count, most)
        if start < end:
            lines = [range(first, min(first + columns, end)) for first in range(start, end, columns)]
            found.append((title, lines))
        start = end
    return found


def expected_ratio(view: ResultView) -> float:
    """
    Return width to height of the pictures of a result, also before they are here.

    That is what the first picture has; else what `aspect_ratio` asks for; else what the primary input has, which
    models follow where nothing is asked.
    """
    asked = ratio_of(view.parameters.get("aspect_ratio"))
    of_output, of_input = ([picture.ratio for picture in some[:1]] for some in (view.pictures, view.inputs))
    candidates = [*of_output, float(asked) if isinstance(asked, Fraction) else None, *of_input]
    ratio = next((ratio for ratio in candidates if ratio), 1.0)
    return min(max(ratio, 1 / EXTREME), EXTREME)


FOLD_CHARACTERS, FOLD_LINES = 700, 10
"""A longer prompt is folded: what is beyond opens with a click."""

MOST_INPUTS = 8
"""Input pictures in the header; "How it was made" names all of them."""

CHOSEN = frozenset({"keep", "outside"})
"""What was chosen of a picture that was made here; its other parameters were measured."""

Tile = dict[str, Any]
Made = tuple[str, list[list[tuple[str, str]]]]
"""A name, and for each line beside it pairs of what can be typed and what is said of it."""


def header(view: ResultView) -> dict[str, Any]:
    """
    Return the top of a result: small copies of its `inputs`, how many `more` there are, its `prompt` as what stands
    there and what is folded away, and its `primary` input, decoded.
    """
    shown = view.inputs[:MOST_INPUTS]
    boxes = [_box(picture, 64 if len(shown) <= 3 else 44) for picture in shown]
    images = load([picture.source for picture in shown], boxes)
    inputs = [
        {
            "uri": small_uri(image, 65),
            "width": width,
            "height": height,
            "alt": f"Input: {one_line(picture.label, 80)}" if number == 1 else
                   f"Reference image {number}: {one_line(picture.label, 80)}",
            "title": joined(one_line(picture.label, 80), views.dimensions(picture)),
        }
        for number, (picture, (width, height), image) in enumerate(zip(shown, boxes, images, strict=True), 1)
    ]  # fmt: skip
    return {
        "inputs": inputs,
        "more": len(view.inputs) - len(shown),
        "prompt": folded(view.prompt),
        "primary": images[0] if images else None,
    }


def _box(picture: Picture, height: int) -> tuple[int, int]:
    """Return width and height of an input in the header, in CSS pixels: one height, unless it is a panorama."""
    ratio, widest = picture.ratio or 1.5, height * 2
    return (max(1, round(height * ratio)), height) if ratio <= 2 else (widest, max(1, round(widest / ratio)))


def folded(prompt: str) -> dict[str, str]:
    """Return the words as `head` and `rest`; together they hold every line and every word."""
    prompt = "\n".join(prompt.strip().splitlines())
    lines = prompt.split("\n")
    if len(prompt) <= FOLD_CHARACTERS and len(lines) <= FOLD_LINES:
        return {"head": prompt, "rest": ""}
    head = clip("\n".join(lines[:FOLD_LINES]), FOLD_CHARACTERS).removesuffix("…")
    return {"head": f"{head} …", "rest": prompt[len(head) :].strip()}


def alt(view: ResultView, number: int, count: int) -> str:
    """Return the `alt` text of an output: the prompt, which of how many, the seed."""
    said = one_line(view.prompt, 160)
    seed = view.pictures[number - 1].seed if number <= len(view.pictures) else None
    place = f"Picture {number} of {count}" + (f", seed {seed}." if seed is not None else ".")
    return f"{said}{'' if not said or said[-1] in '.!?…' else '.'} {place}".strip()


def tile(picture: Picture, uri: str, layout: Layout, *, alt: str, details: Sequence[str] = ()) -> Tile:
    """Return a picture with its caption and what it has for itself; without `uri` a frame that keeps its place."""
    ratio = picture.ratio or 1.0
    return {
        "uri": uri,
        "width": layout.width,
        "height": max(1, round(layout.width / ratio)),
        "tall": f"{100 / ratio:.2f}",
        "alt": alt,
        "title": joined(one_line(picture.label), about(picture)),
        "caption": one_line(picture.caption, 120),
        "label": one_line(picture.label),
        "details": list(details),
        "is_here": True,
    }


def rows(view: ResultView, tiles: Sequence[Tile]) -> list[tuple[str, list[list[Tile]]]]:
    """Return the tiles in their rows: a title, and the lines of each."""
    return [
        (one_line(title, 200), [[tiles[place] for place in line if place < len(tiles)] for line in lines])
        for title, lines in lines_of(view)
    ]


def details(view: ResultView) -> list[list[str]]:
    """Return for each picture its seed and size, where not all have the same and no title says it."""
    shared = set(views.shared(view))
    titles = [title for title, count in view.rows for _ in range(count)]
    said = [*titles, *[""] * (len(view.pictures) - len(titles))]
    return [
        [
            fact
            for fact in (views.seed_of(picture), views.dimensions(picture))
            if fact and fact not in shared and fact not in f"{title} · {picture.caption}".split(" · ")
        ]
        for picture, title in zip(view.pictures, said, strict=False)
    ]


def about(picture: Picture) -> str:
    """Return what is known of an output: its seed, size in pixels, type and size in bytes."""
    return joined(views.seed_of(picture), _file(picture), _weight([picture]))


def file_facts(picture: Picture) -> str:
    """Return the type of an output's file and its size in bytes."""
    return joined(one_line((picture.mime or "").removeprefix("image/").upper()), _weight([picture]))


def made(view: ResultView) -> list[Made]:
    """Return the rows of "How it was made": parameters, defaults, inputs, and how to get it again."""
    first, is_local = views.records(view)[0], view.provider == LOCAL_PROVIDER
    chosen = {name: value for name, value in view.parameters.items() if name in CHOSEN or not is_local}
    measured = {name: value for name, value in view.parameters.items() if name not in chosen}
    is_drawn = view.pictures and view.pictures[0].seed is not None and first.get("seed_given") is False
    drawn = f"{view.pictures[0].seed}, drawn at random and sent" if is_drawn else ""
    is_signed = any(picture.signed for picture in view.pictures)
    signed = "carries Content Credentials, kept as they came and not checked here" if is_signed else ""
    digest = f"sha256 {str(first.get('digest', ''))[:8]}…" if first.get("digest") else ""
    rows: list[Made] = [
        ("model", [[("", one_line(view.model))]]),
        ("made" if is_local else "asked", [[("", _asked(view, first.get("created")))]]),
        ("set here", [_values(chosen) or [("", "nothing but the words")]]),
        ("measured", [_values(measured)]),
        ("automatic", [_values(view.defaults)]),
        ("seed", [[("", drawn)]]),
        ("input" if len(view.inputs) == 1 else "inputs", _inputs(view, first.get("inputs", ()))),
        ("pictures", [[("", _shared(view.pictures))]]),
        ("signed", [[("", signed)]]),
        ("request", [[("", digest)]]),
        ("again", _again(view)),
    ]
    said = [(name, [line for line in lines if any(code or text for code, text in line)]) for name, lines in rows]
    return [(name, lines) for name, lines in said if lines]


def _asked(view: ResultView, created: object) -> str:
    when = f"{_at(created)} UTC" if isinstance(created, str) else ""
    took = f"took {views.duration(view.seconds)}" if view.seconds is not None else ""
    return joined(when, took, views.paid(view.cost, view.provider, is_play=view.is_play))


def _at(stamp: str) -> str:
    moment = datetime.fromisoformat(stamp)
    return f"{moment.day} {moment:%B %Y, %H:%M}"


def _values(parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(one_line(name), written(value, 200)) for name, value in parameters.items()]


def _inputs(view: ResultView, recorded: Sequence[Mapping[str, Any]]) -> list[list[tuple[str, str]]]:
    identities = [str(record.get("identity") or "") for record in recorded]
    identities += [""] * (len(view.inputs) - len(identities))
    return [
        [("", joined(one_line(picture.label, 80), views.dimensions(picture), _short(identity)))]
        for picture, identity in zip(view.inputs, identities, strict=False)
    ]


def _short(identity: str) -> str:
    kind, _, digest = identity.partition(":")
    return f"{kind} {digest[:8]}…" if kind in {"sha256", "pixels"} else ""


def _shared(pictures: Sequence[Picture]) -> str:
    files = {_file(picture) for picture in pictures}
    total = _weight(pictures)
    together = f"{total} together" if total and len(pictures) > 1 else total
    return joined(files.pop() if len(files) == 1 else "", together)


def _file(picture: Picture) -> str:
    kind = (picture.mime or "").removeprefix("image/").upper()
    return " ".join(filter(None, [views.dimensions(picture), one_line(kind)]))


def _weight(pictures: Sequence[Picture]) -> str:
    sizes = [picture.size for picture in pictures if picture.size is not None]
    return views.file_size(sum(sizes)) if sizes and len(sizes) == len(pictures) else ""


def _again(view: ResultView) -> list[list[tuple[str, str]]]:
    if view.edit_id is None:
        return []
    one = one_line(view.stored) or f"nb.history[{view.edit_id}]"
    if len(views.records(view)) > 1:
        return [[(one, "is the first of these results in any notebook on this store")]]
    asks = "makes it again, for nothing" if view.provider == LOCAL_PROVIDER else "asks again, for a new sample"
    return [
        [(one, "is this result, in any notebook on this store")],
        [(f'{one}.save("out")', "writes its files into a folder"), (f"{one}[0].view()", "shows one large")],
        [(f"{one}.cell()", "gives its cell back"), (f"{one}.rerun()", asks)],
    ]
