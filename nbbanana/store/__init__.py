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
    Rating,
    Reservation,
    Spending,
    State,
    Transition,
)
from nbbanana.store.vote_records import Preferred, Vote, VotedOutput

if TYPE_CHECKING:
    from nbbanana.store.leases import new_owner
    from nbbanana.store.maintenance import Leftovers, Verification
    from nbbanana.store.store import Store

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
    "new_owner",
]

_HOMES = {"Store": "store", "Verification": "maintenance", "Leftovers": "maintenance", "new_owner": "leases"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
