"""What people think of single pictures, as the forms show and change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbbanana.store.records import WHOLE, Rating

if TYPE_CHECKING:
    from nbbanana.store import Store
    from nbbanana.store.records import Edit

__all__ = ["Rating", "mark", "marked"]


def marked(edit: Edit, what: Rating) -> frozenset[int]:
    """The indices of the outputs that have a rating; the rating of a whole edit holds for outputs without their own."""
    whole = edit.ratings.get(WHOLE)
    return frozenset(output.index for output in edit.outputs if edit.ratings.get(output.index, whole) == what)


def mark(store: Store, edit_id: int, index: int, what: Rating, *, on: bool) -> Edit:
    """
    Rate one output of an edit, or take that rating back.

    Raises:
        NotInStoreError: no such edit.
    """
    if not on and index not in marked(store.get(edit_id), what):
        return store.get(edit_id)
    return store.rate(edit_id, index, what if on else None)
