"""
What people think of single pictures: stars and rejections.

The store keeps one star and one rejection an edit, for lists and filters, and tags. A mark on one picture of
several is a tag, `starred[1]`; an edit is starred while any of its pictures is, and rejected once all are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from nbbanana.store import Store
    from nbbanana.store.records import Edit

__all__ = ["Mark", "mark", "marked"]

Mark = Literal["starred", "rejected"]

_TAG = re.compile(r"(starred|rejected)\[([0-9]+)\]")


def marked(edit: Edit, what: Mark) -> frozenset[int]:
    """The places, from 0, of the pictures that carry a mark; an edit marked as a whole marks all."""
    found = frozenset(int(tag[2]) for one in edit.tags if (tag := _TAG.fullmatch(one)) and tag[1] == what)
    whole = edit.starred if what == "starred" else edit.rejected
    return found if found or not whole else frozenset(output.index for output in edit.outputs)


def mark(store: Store, edit_id: int, index: int, what: Mark, *, on: bool) -> Edit:
    """
    Mark one picture of an edit, or take its mark back.

    Raises:
        NotInStoreError: no such edit.
    """
    edit = store.get(edit_id)
    before = marked(edit, what)
    after = before | {index} if on else before - {index}
    everyone = {output.index for output in edit.outputs} or {0}
    is_whole = bool(after) if what == "starred" else after >= everyone
    had = {tag for tag in edit.tags if (found := _TAG.fullmatch(tag)) and found[1] == what}
    # Where all carry it the edit's own flag says so, and the tags would only be in the way of a search.
    wanted = set() if after >= everyone else {f"{what}[{number}]" for number in after}
    flags: dict[str, bool] = {what: is_whole}
    return store.annotate(edit_id, add_tags=wanted - had, remove_tags=had - wanted, **flags)  # type: ignore[arg-type]
