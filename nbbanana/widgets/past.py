"""The history strip of a form: pages of edits, what was searched for, and one edit looked at closely."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbbanana.display.words import money
from nbbanana.errors import NotInStoreError
from nbbanana.widgets.bench import Draft, differences
from nbbanana.widgets.telling import Row, descent, draft_of, node_row, node_source, when, words_against
from nbbanana.widgets.telling import input_source as source_of_input

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbbanana.session import Session
    from nbbanana.store.records import Edit
    from nbbanana.widgets.pictures import Source

__all__ = ["PAGE", "Past"]

PAGE = 60
"""So many edits at a time."""


class Past:
    """
    The history as the strip shows it. Called at the desk.

    Args:
        session: whose store it is.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.words = ""
        self.only_starred = False
        self._edits: list[Edit] = []

    @property
    def edits(self) -> Sequence[Edit]:
        """The edits that are shown, the newest first."""
        return self._edits

    def search(self, words: str, *, only_starred: bool) -> None:
        """Show what fits these words, or all; newest first."""
        self.words, self.only_starred = words.strip(), only_starred
        self._edits = self._found(None)

    def refresh(self) -> None:
        """Look at the store again, as far back as was looked at."""
        self._edits = self._found(None, max(PAGE, len(self._edits)))

    def older(self) -> None:
        """Show the page before."""
        if self._edits and not self.words:
            self._edits += self._found(self._edits[-1].id)

    def row(self) -> Row:
        """What the front end draws."""
        store = self._session.store
        provider = self._session.provider_name
        spent = store.spent(provider) if provider else 0.0
        return {
            "nodes": [node_row(edit, store) for edit in self._edits],
            "total": store.count(),
            "spent": money(spent, provider),
            "words": self.words,
            "starred": self.only_starred,
            "older": bool(self._edits) and not self.words and len(self._edits) % PAGE == 0,
        }

    def sources(self) -> list[Source]:
        """The small copies that `row` speaks of."""
        store = self._session.store
        found = [node_source(edit, store) for edit in self._edits]
        found += [source_of_input(edit.inputs[0], store) for edit in self._edits if edit.inputs]
        return [source for source in found if source is not None]

    def detail(self, edit_id: int, form: Draft) -> Row:
        """
        One edit: its words against its parent's, and what of it is unlike the form.

        Raises:
            NotInStoreError: no such edit.
        """
        store = self._session.store
        edit = store.get(edit_id)
        draft = draft_of(edit, store, with_pictures=False)
        parent = self._parent(edit)
        row = node_row(edit, store) | {
            "facts": _facts(edit),
            "error": edit.error,
            "region": edit.region.words if edit.region else "",
            "words": [("same", edit.prompt)],
            "parent": None,
            "against_parent": [],
            "against_form": differences(form, draft),
        }
        if parent is not None:
            before = draft_of(parent, store, with_pictures=False)
            row["parent"] = parent.id
            row["words"] = words_against(parent.prompt, edit.prompt)
            row["against_parent"] = differences(_without_pictures(before), _without_pictures(draft))
        return row

    def _parent(self, edit: Edit) -> Edit | None:
        for number in descent(edit, self._session.store)[:1]:
            try:
                return self._session.store.get(number)
            except NotInStoreError:
                return None
        return None

    def _found(self, before: int | None, limit: int = PAGE) -> list[Edit]:
        store = self._session.store
        if self.words:
            found = store.search(self.words, limit=PAGE)
            # The best first is for lists; in a strip the newest comes last, whatever was searched for.
            return sorted((one for one in found if one.starred or not self.only_starred), key=lambda one: -one.id)
        return store.filter(before_id=before, limit=limit, starred=True if self.only_starred else None)


def _without_pictures(draft: Draft) -> Draft:
    return Draft(draft.model, draft.prompt, draft.parameters)


def _facts(edit: Edit) -> str:
    parts = [f"seed {edit.seed}" if edit.seed is not None else ""]
    parts += [str(value) for name, value in edit.parameters.items() if name in {"aspect_ratio", "resolution"}]
    parts += ["" if edit.state == "completed" else edit.state, when(edit.created_at)]
    return " · ".join(filter(None, parts))
