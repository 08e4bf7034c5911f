"""A finished result as a MIME bundle: the grid, the contact sheet, the plain words and the provenance."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbbanana.display import parts, words
from nbbanana.display.changed import changed_in, changed_line, with_heat
from nbbanana.display.layout import MOST, Layout, layout_of, lines_of
from nbbanana.display.render import render
from nbbanana.display.thumbs import contact_sheet, data_uri, fitted, load
from nbbanana.text import one_line

if TYPE_CHECKING:
    from nbbanana.display.changed import Changed
    from nbbanana.display.parts import Header
    from nbbanana.display.views import Picture, ResultView

__all__ = ["PROVENANCE", "bundle", "result_html", "text"]

PROVENANCE = "application/vnd.nbbanana.v1+json"

Data = dict[str, Any]


def bundle(view: ResultView, *, budget: int | None = None) -> tuple[Data, Data]:
    """
    Return a finished result for a notebook.

    Args:
        view: what to show; up to 80 of its pictures are.
        budget: bytes that the data may weigh as JSON; None is 250 kB for four pictures and 500 kB for eighty.

    Returns:
        The data by MIME type (`text/plain`, `text/html`, `image/jpeg` as base64, the provenance), and its metadata.
        Equal views give equal bundles. Originals are read, each once, and never changed.
    """
    shown = view.pictures[:MOST]
    grid, room = layout_of(view), budget or _automatic(len(shown))
    images = load([picture.source for picture in shown], [_box(picture, grid) for picture in shown])
    top, changed = parts.header(view), changed_in(view)
    frames = ["" if image is None else data_uri(b"") for image in images]
    left = room - _weight(_data(view, top, frames, grid, changed))
    if changed is not None:
        changed = with_heat(changed, view, images, left // 5)
        left = room - _weight(_data(view, top, frames, grid, changed))
    lines = [line for _, lines in lines_of(replace(view, expected=len(shown))) for line in lines]
    sheet = contact_sheet(images, _names(shown), lines, grid.width, left // (3 if len(shown) == 1 else 4))
    jpeg = {"image/jpeg": b64encode(sheet).decode("ascii")} if sheet else {}
    files = fitted(images, left - _weight(jpeg))
    if files is None:
        data = _data(_without_pictures(view, room), top, [""] * len(shown), grid, changed_in(view))
    else:
        data = _data(view, top, [data_uri(file) if file else "" for file in files], grid, changed) | jpeg
    return data, _metadata(view, data)


def result_html(template: str, view: ResultView, top: Header, tiles: Sequence[parts.Tile], **more: Any) -> str:
    """Return a result, or the place of one, by one of the templates that share its parts."""
    return render(template, header=top, rows=parts.rows(view, tiles), layout=layout_of(view), **more)


def text(view: ResultView) -> str:
    """
    Return a result for a terminal: what it is, its words, and a line for each of up to twelve pictures or rows.

    Whatever control or bidi characters the words and names hold are made visible.
    """
    came = words.origin(view)
    facts = ([" ".join(came)] if came else []) + words.facts(view)
    lines = [f"{one_line(view.label)}: {' · '.join(facts)}", one_line(view.prompt, 100)]
    of_each = _row_lines(view) if view.rows else _picture_lines(view)
    shown = of_each if len(of_each) <= 12 else of_each[:8]
    lines += ["  " + line for line in shown]
    if len(shown) < len(of_each):
        last = one_line(view.pictures[-1].label)
        lines.append(f"  … and {len(of_each) - len(shown)} more, the last is {last}")
    return "\n".join([*filter(None, [*lines, changed_line(view)]), *(one_line(note) for note in view.notes)])


def _picture_lines(view: ResultView) -> list[str]:
    return [
        "  ".join(filter(None, [one_line(picture.label), one_line(picture.caption), " · ".join([*details, file])]))
        for picture, details, file in zip(
            view.pictures, parts.details(view), map(parts.file_facts, view.pictures), strict=True
        )
    ]


def _row_lines(view: ResultView) -> list[str]:
    """Return a line for each row: its title, and the names of its pictures."""
    lines, start = [], 0
    for row in view.rows:
        names = [one_line(picture.label) for picture in view.pictures[start : start + row.count]]
        named = ", ".join(names) if len(names) <= 2 else f"{names[0]} … {names[-1]}"
        lines.append("  ".join(filter(None, [one_line(row.title, 80), named])))
        start += row.count
    return lines


def _automatic(count: int) -> int:
    """Return the default budget in bytes for `count` pictures: less for one than for four."""
    if count <= 4:
        return 150_000 + max(0, count - 1) * 33_000
    return 250_000 + (count - 4) * 250_000 // (MOST - 4)


def _box(picture: Picture, grid: Layout) -> tuple[float, float]:
    return grid.width, grid.width / (picture.ratio or 1.0)


def _names(pictures: Sequence[Picture]) -> list[str]:
    # The font that Pillow brings has no letters beyond Latin; the index alone says which picture it is.
    names = [one_line(picture.label) for picture in pictures]
    return [name if name.isascii() else f"[{number}]" for number, name in enumerate(names)]


def _data(view: ResultView, top: Header, uris: Sequence[str], grid: Layout, changed: Changed | None) -> Data:
    shown, count = view.pictures[:MOST], len(view.pictures)
    beyond = [f"The first {MOST} of {count} pictures are shown."] if count > MOST else []
    tiles = [
        parts.tile(picture, uri, grid, alt=parts.alt(view, number, count), details=details)
        for number, (picture, uri, details) in enumerate(zip(shown, uris, parts.details(view), strict=False), 1)
    ]
    notes = [one_line(note) for note in (*view.notes, *beyond)]
    html = result_html(
        "result",
        view,
        top,
        tiles,
        facts=words.facts(view),
        origin=words.origin(view),
        notes=notes,
        made=parts.made(view),
        changed=changed,
    )
    data: Data = {"text/plain": text(view), "text/html": html}
    if view.provenance:
        data[PROVENANCE] = dict(view.provenance)
    return data


def _weight(data: Data) -> int:
    return len(json.dumps(data))


def _without_pictures(view: ResultView, room: int) -> ResultView:
    sentence = f"The pictures are left out here, to stay within {words.file_size(room)}; the store has them."
    return replace(view, notes=(*view.notes, sentence))


def _metadata(view: ResultView, data: Data) -> Data:
    """Return a short form of the provenance for tools, and alternative text for those that learn to read it."""
    short = {"edit": view.edit_id, "model": view.model, "provider": view.provider, "pictures": len(view.pictures)}
    metadata: Data = {"nbbanana": short}
    if "image/jpeg" in data:
        said = one_line(view.prompt, 160)
        metadata["image/jpeg"] = {"alt": f"{words.pictures(len(view.pictures)).capitalize()}: {said}"}
    return metadata
