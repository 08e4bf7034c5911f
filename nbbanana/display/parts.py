"""Template data: the header, the tiles and the rows of "How it was made", as plain dictionaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nbbanana.display import words
from nbbanana.display.layout import lines_of
from nbbanana.display.thumbs import load, small_uri
from nbbanana.settings import LOCAL_PROVIDER
from nbbanana.text import clip, one_line

if TYPE_CHECKING:
    from PIL.Image import Image

    from nbbanana.display.layout import Layout
    from nbbanana.display.views import Picture, ResultView

__all__ = ["Header", "Tile", "about", "alt", "details", "file_facts", "folded", "header", "made", "rows", "tile"]

FOLD_CHARACTERS, FOLD_LINES = 700, 10
"""A longer prompt is folded: what is beyond opens with a click."""

MOST_INPUTS = 8
"""Input pictures in the header; "How it was made" names all of them."""

CHOSEN = frozenset({"keep", "outside"})
"""What was chosen of a picture that was made here; its other parameters were measured."""

Tile = dict[str, Any]
Row = tuple[str, list[list[tuple[str, str]]]]
"""A name, and for each line beside it pairs of what can be typed and what is said of it."""


@dataclass(frozen=True, slots=True)
class Header:
    """
    The top of a result: its input pictures and its words.

    Args:
        inputs: what the template shows of them.
        more: how many inputs are not shown.
        prompt: the words, as `head` and what is folded away.
        primary: the first input, to make placeholders from.
    """

    inputs: Sequence[Mapping[str, Any]]
    more: int
    prompt: Mapping[str, str]
    primary: Image | None


def header(view: ResultView) -> Header:
    """Return the top of a result, its input pictures decoded and made small."""
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
            "title": " · ".join(filter(None, [one_line(picture.label, 80), words.dimensions(picture)])),
        }
        for number, (picture, (width, height), image) in enumerate(zip(shown, boxes, images, strict=True), 1)
    ]  # fmt: skip
    return Header(inputs, len(view.inputs) - len(shown), folded(view.prompt), images[0] if images else None)


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
        "title": _join(one_line(picture.label), about(picture)),
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
    shared = set(words.shared(view))
    titles = [row.title for row in view.rows for _ in range(row.count)]
    said = [*titles, *[""] * (len(view.pictures) - len(titles))]
    return [
        [
            fact
            for fact in (words.seed_of(picture), words.dimensions(picture))
            if fact and fact not in shared and fact not in f"{title} · {picture.caption}".split(" · ")
        ]
        for picture, title in zip(view.pictures, said, strict=False)
    ]


def about(picture: Picture) -> str:
    """Return what is known of an output: its seed, size in pixels, type and size in bytes."""
    return _join(words.seed_of(picture), _file(picture), _weight([picture]))


def file_facts(picture: Picture) -> str:
    """Return the type of an output's file and its size in bytes."""
    return _join(one_line((picture.mime or "").removeprefix("image/").upper()), _weight([picture]))


def made(view: ResultView) -> list[Row]:
    """Return the rows of "How it was made": parameters, defaults, inputs, and how to get it again."""
    first = words.records(view)[0]
    rows: list[Row] = [("model", [[("", one_line(view.model))]])]
    is_local = view.provider == LOCAL_PROVIDER
    rows += _row("made" if is_local else "asked", [[("", _asked(view, first.get("created")))]])
    chosen = {name: value for name, value in view.parameters.items() if name in CHOSEN or not is_local}
    rows.append(("set here", [_values(chosen) or [("", "nothing but the words")]]))
    rows += _row("measured", [_values({k: v for k, v in view.parameters.items() if k not in chosen})])
    rows += _row("automatic", [_values(view.defaults)])
    if view.pictures and view.pictures[0].seed is not None and first.get("seed_given") is False:
        rows.append(("seed", [[("", f"{view.pictures[0].seed}, drawn at random and sent")]]))
    rows += _row("input" if len(view.inputs) == 1 else "inputs", _inputs(view, first.get("inputs", ())))
    rows += _row("pictures", [[("", _shared(view.pictures))]])
    if any(picture.signed for picture in view.pictures):
        rows.append(("signed", [[("", "carries Content Credentials, kept as they came and not checked here")]]))
    rows += _row("request", [[("", f"sha256 {str(first.get('digest', ''))[:8]}…" if first.get("digest") else "")]])
    return rows + _row("again", _again(view))


def _row(name: str, lines: list[list[tuple[str, str]]]) -> list[Row]:
    lines = [line for line in lines if any(code or text for code, text in line)]
    return [(name, lines)] if lines else []


def _asked(view: ResultView, created: object) -> str:
    when = f"{_at(created)} UTC" if isinstance(created, str) else ""
    took = f"took {words.duration(view.seconds)}" if view.seconds is not None else ""
    return _join(when, took, words.paid(view.cost, view.provider, is_play=view.is_play))


def _at(stamp: str) -> str:
    moment = datetime.fromisoformat(stamp)
    return f"{moment.day} {moment:%B %Y, %H:%M}"


def _values(parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(one_line(name), words.written(value, 200)) for name, value in parameters.items()]


def _inputs(view: ResultView, recorded: Sequence[Mapping[str, Any]]) -> list[list[tuple[str, str]]]:
    identities = [str(record.get("identity") or "") for record in recorded]
    identities += [""] * (len(view.inputs) - len(identities))
    return [
        [("", _join(one_line(picture.label, 80), words.dimensions(picture), _short(identity)))]
        for picture, identity in zip(view.inputs, identities, strict=False)
    ]


def _short(identity: str) -> str:
    kind, _, digest = identity.partition(":")
    return f"{kind} {digest[:8]}…" if kind in {"sha256", "pixels"} else ""


def _shared(pictures: Sequence[Picture]) -> str:
    files = {_file(picture) for picture in pictures}
    total = _weight(pictures)
    together = f"{total} together" if total and len(pictures) > 1 else total
    return _join(files.pop() if len(files) == 1 else "", together)


def _file(picture: Picture) -> str:
    kind = (picture.mime or "").removeprefix("image/").upper()
    return " ".join(filter(None, [words.dimensions(picture), one_line(kind)]))


def _weight(pictures: Sequence[Picture]) -> str:
    sizes = [picture.size for picture in pictures if picture.size is not None]
    return words.file_size(sum(sizes)) if sizes and len(sizes) == len(pictures) else ""


def _again(view: ResultView) -> list[list[tuple[str, str]]]:
    if view.edit_id is None:
        return []
    one = one_line(view.stored) or f"nb.history[{view.edit_id}]"
    if len(words.records(view)) > 1:
        return [[(one, "is the first of these results in any notebook on this store")]]
    asks = "makes it again, for nothing" if view.provider == LOCAL_PROVIDER else "asks again, for a new sample"
    return [
        [(one, "is this result, in any notebook on this store")],
        [(f'{one}.save("out")', "writes its files into a folder"), (f"{one}[0].view()", "shows one large")],
        [(f"{one}.cell()", "gives its cell back"), (f"{one}.rerun()", asks)],
    ]


def _join(*phrases: str) -> str:
    return " · ".join(filter(None, phrases))
