"""The edits that led to an edit by its main picture: what a chain of passes is made of, however it was asked."""

from __future__ import annotations

from nbbanana.session.library import Library
from nbbanana.store.records import Edit

__all__ = ["DEEP", "ancestors"]

DEEP = 4
"""From so many passes on a caption says how many there were: each pass redraws the whole picture."""
DEEPEST = 100
"""So many are followed at most."""


def ancestors(edit: Edit, library: Library) -> list[Edit]:
    """
    Return the edits that led to this one by its main picture, the first one first, without itself.

    Args:
        edit: the last of them.
        library: the records.
    """
    found: list[Edit] = []
    while len(found) < DEEPEST and (before := _before(edit, library)) is not None:
        found.insert(0, before)
        edit = before
    return found


def _before(edit: Edit, library: Library) -> Edit | None:
    """Return the newest edit before this one that made its main picture, if it is one of these records."""
    main = edit.inputs[-1:] if edit.is_local else edit.inputs[:1]  # what was made here began with the edited picture
    kind, _, digest = main[0].identity.partition(":") if main else ("", "", "")
    made = library.store.by_output(digest) if kind == "sha256" else []
    return next((one for one in made if one.id < edit.id), None)
