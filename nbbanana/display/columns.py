"""Rows under column names, as a table: in a notebook, and lined up in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from nbbanana.display.render import render
from nbbanana.text import one_line

__all__ = ["columns_bundle"]


def columns_bundle(head: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, str]:
    """
    Return rows under the names of their columns as a MIME bundle.

    >>> print(columns_bundle(["provider", "key", "a picture"], [["fal", "FAL_KEY", "$0.08"]])["text/plain"])
    provider  key      a picture
    fal       FAL_KEY  $0.08
    """
    cells = [tuple(head), *([one_line(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    plain = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells)
    return {"text/plain": "\n".join(plain), "text/html": render("columns", head=head, rows=cells[1:])}
