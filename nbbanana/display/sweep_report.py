"""A sweep as one page that reads anywhere: no network, no script, light and dark, on paper too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbbanana.display.render import render
from nbbanana.display.thumbs import DENSITY, data_uri, encode, load

__all__ = ["ReportCell", "ReportGroup", "ReportPicture", "ReportView", "report_html"]

QUALITY = 72


@dataclass(frozen=True, slots=True)
class ReportPicture:
    """
    A picture of a report.

    Args:
        source: its bytes or its file; None where it is not here.
        alt: its words for those who cannot see it.
    """

    source: bytes | Path | None = field(repr=False)
    alt: str


@dataclass(frozen=True, slots=True)
class ReportCell:
    """
    One request of a report: its pictures, or why there is none, and its record in lines.

    Args:
        title: what sets it apart from the others of its group; empty where it is the only one.
        pictures: what came.
        state: how it stands, where nothing came.
        why: the reason.
        lines: its record.
    """

    title: str
    pictures: Sequence[ReportPicture]
    state: str
    why: str
    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class ReportGroup:
    """
    What was made of one picture.

    Args:
        title: the name of the picture.
        before: the picture; None where there was none.
        facts: what is known of it.
        cells: the requests.
    """

    title: str
    before: ReportPicture | None
    facts: Sequence[str]
    cells: Sequence[ReportCell]


@dataclass(frozen=True, slots=True)
class ReportView:
    """
    A report.

    Args:
        title: stands above it.
        made: when, and by what it was written.
        words: the prompt in pieces; those that are True stand for what varies.
        totals: names and values.
        method: sentences for a paper.
        notes: sentences, such as what was left out.
        groups: the pictures.
        side: pixels of the longer side of a picture.
    """

    title: str
    made: str
    words: Sequence[tuple[str, bool]]
    totals: Sequence[tuple[str, str]]
    method: Sequence[str]
    notes: Sequence[str]
    groups: Sequence[ReportGroup]
    side: int


def report_html(view: ReportView) -> str:
    """Return a report as a page; its pictures are decoded a group at a time, and small copies of them stand in it."""
    groups = [
        {
            "title": group.title,
            "before": _picture(group.before, view.side) | {"lines": group.facts} if group.before else None,
            "cells": [_cell(cell, view.side) for cell in group.cells],
        }
        for group in view.groups
    ]
    names = ("title", "made", "words", "totals", "method", "notes", "side")
    html = render("report", report={**{name: getattr(view, name) for name in names}, "groups": groups})
    # A browser typesets nothing: what keeps LaTeX away in a notebook would stand in the title of the window.
    return html.replace("<span>$</span>", "$").replace("<span>\\</span>", "\\")


def _cell(cell: ReportCell, side: int) -> dict[str, Any]:
    shown = [_picture(one, side) for one in cell.pictures]
    return {
        "title": cell.title,
        "pictures": [one for one in shown if one["uri"]],
        "state": cell.state if not cell.pictures else "its file is gone",
        "why": cell.why,
        "lines": cell.lines,
    }


def _picture(picture: ReportPicture, side: int) -> dict[str, Any]:
    """Return a picture for a page: a WebP of at most `side` pixels, shown at that size."""
    [image] = load([picture.source], [(side / DENSITY, side / DENSITY)])
    if image is None:
        return {"uri": "", "alt": picture.alt, "width": side, "height": side}
    return {
        "uri": data_uri(encode(image, quality=QUALITY)),
        "alt": picture.alt,
        "width": image.width,
        "height": image.height,
    }
