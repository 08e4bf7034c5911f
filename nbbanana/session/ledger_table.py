"""The ledger: every POST that was sent to a service, as a table and as CSV for a service's support."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, overload

from nbbanana.display.columns import columns_bundle
from nbbanana.display.words import money
from nbbanana.store.records import Post
from nbbanana.text import clip, one_line

__all__ = ["COLUMNS", "Ledger"]

COLUMNS = ("time", "edit", "post", "provider", "id", "outcome", "quote", "cost", "difference", "seed")
LONGEST_ID = 16
"""Characters of an id that are shown."""
ACTIVE = ("=", "+", "-", "@", "\t", "\r")
"""What a text begins with that spreadsheets take for a formula."""


class Ledger(Sequence[Post]):
    """
    POSTs, the newest first: when each was sent, where, its id there, how it ended, its quote and its cost.

    >>> ledger = Ledger([Post(7, 0, 0.0, "fal", "accepted", "r-1", quote=0.08, cost=0.1, seed=3)])
    >>> print(ledger.csv(), end="")
    time,edit,post,provider,id,outcome,quote,cost,difference,seed
    1970-01-01T00:00:00Z,7,0,fal,r-1,accepted,0.08,0.1,0.02,3
    """

    def __init__(self, posts: Sequence[Post]) -> None:
        self._posts = tuple(posts)

    def __len__(self) -> int:
        return len(self._posts)

    @overload
    def __getitem__(self, index: int) -> Post: ...
    @overload
    def __getitem__(self, index: slice) -> Ledger: ...
    def __getitem__(self, index: int | slice) -> Post | Ledger:
        return Ledger(self._posts[index]) if isinstance(index, slice) else self._posts[index]

    def __repr__(self) -> str:
        return f"<Ledger {len(self)} POSTs>"

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A dictionary a POST; times are UTC, money is US dollars, what is not known is None."""
        return [dict(zip(COLUMNS, _values(post), strict=True)) for post in self]

    def csv(self) -> str:
        """Return CSV with a line a POST; a text that a spreadsheet would take for a formula gets an apostrophe."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([_harmless(value) for value in _values(post)] for post in self)
        return text.getvalue()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return columns_bundle(COLUMNS, [_shown(post) for post in self])


def _values(post: Post) -> list[Any]:
    known = post.quote is not None and post.cost is not None
    difference = round(post.cost - post.quote, 9) if known else None  # type: ignore[operator]
    sent = datetime.fromtimestamp(post.sent_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    outcome = post.outcome or "under way"
    return [
        sent, post.edit_id, post.ordinal, post.provider, post.handle, outcome, post.quote, post.cost, difference,
        post.seed,
    ]  # fmt: skip


def _shown(post: Post) -> list[str]:
    """Return the cells of a row: whole ids and seconds of UTC are in `rows` and in the CSV."""
    amounts = {"quote", "cost", "difference"}
    row = dict(zip(COLUMNS, _values(post), strict=True))
    row["time"] = datetime.fromtimestamp(post.sent_at).astimezone().strftime("%d %b %H:%M")
    row["id"] = clip(post.handle, LONGEST_ID) if post.handle else None
    return [_amount(value) if name in amounts else "" if value is None else str(value) for name, value in row.items()]


def _amount(value: float | None) -> str:
    if value is None:
        return ""
    return f"-{money(-value)}" if value < 0 else money(value)


def _harmless(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = one_line(value, 300)
    return f"'{text}" if text.startswith(ACTIVE) else text
