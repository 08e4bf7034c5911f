"""What was kept in files beside the store, because the store could not take it at once, or must not yet."""

from __future__ import annotations

from nbbanana.engine import accepted, answer_files
from nbbanana.store import Store

__all__ = ["recover"]


def recover(store: Store) -> None:
    """Move request ids and answers that were kept in files into the rows of their edits; they can be collected then."""
    if not store.read_only:
        accepted.recover(store)
        answer_files.recover(store)
