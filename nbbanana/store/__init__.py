"""
The store: every edit as a row, every picture by its content, in one folder that many kernels may share.

    edits.sqlite       the rows
    blobs/ab/abcd…     pictures, named by the SHA-256 of their bytes
    incoming/           files on their way in
    backups/           the rows as they were before the store was brought to a newer version

`Store` is the way in; the records it gives back are plain frozen data. SQLite is loaded with `Store`, not with
this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbbanana.store.records import (
    TERMINAL,
    WHOLE,
    Budget,
    Edit,
    InputRecord,
    Outcome,
    OutputDrift,
    OutputRecord,
    Post,
    Preferred,
    Rating,
    Reservation,
    Spending,
    State,
    Transition,
    Vote,
    VotedOutput,
)

if TYPE_CHECKING:
    from nbbanana.store.store import Leftovers, Store, Verification

__all__ = [
    "TERMINAL",
    "WHOLE",
    "Budget",
    "Edit",
    "InputRecord",
    "Leftovers",
    "Outcome",
    "OutputDrift",
    "OutputRecord",
    "Post",
    "Preferred",
    "Rating",
    "Reservation",
    "Spending",
    "State",
    "Store",
    "Transition",
    "Verification",
    "Vote",
    "VotedOutput",
]


def __getattr__(name: str) -> Any:
    if name not in {"Leftovers", "Store", "Verification"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from nbbanana.store import store

    return getattr(store, name)
