"""The services as a table: whose key is here, what a picture costs, what each can do."""

from __future__ import annotations

from collections.abc import Sequence

from nbbanana.display.render import render
from nbbanana.text import one_line

__all__ = ["COLUMNS", "providers_bundle"]

COLUMNS = ("provider", "key", "a picture", "models", "carries", "can")


def providers_bundle(rows: Sequence[Sequence[str]]) -> dict[str, str]:
    """
    Return rows of provider, key, price, models, what is carried and abilities as a MIME bundle.

    >>> for line in providers_bundle([("fal", "FAL_KEY", "$0.08", "a/b", "all", "resume")])["text/plain"].splitlines():
    ...     print(line)
    provider  key      a picture  models  carries  can
    fal       FAL_KEY  $0.08      a/b     all      resume
    """
    cells = [COLUMNS, *([one_line(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    plain = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells)
    return {"text/plain": "\n".join(plain), "text/html": render("providers", head=COLUMNS, rows=cells[1:])}
