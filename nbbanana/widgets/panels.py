"""The panels of a Studio: the results as groups of pictures, and the history strip with one edit in detail."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from nbbanana.display import bundle
from nbbanana.display.words import money
from nbbanana.errors import NotInStoreError
from nbbanana.store.records import State
from nbbanana.text import one_line
from nbbanana.widgets.form_state import Draft, differences
from nbbanana.widgets.payloads import (
    Row,
    draft_of,
    group_row,
    node_row,
    node_source,
    output_source,
    parents_of_primary,
    state_word,
    when,
    words_against,
)
from nbbanana.widgets.payloads import input_source as source_of_input

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nbbanana.session import EditResult, Session
    from nbbanana.session.choice import Choice
    from nbbanana.store.records import Edit
    from nbbanana.widgets.thumbnail_cache import Source

__all__ = ["PAGE", "HistoryStrip", "ResultGroups"]

STILLS = 3
STILL_BYTES = 160_000
"""The newest results that are saved with the notebook, and what each may weigh there."""


class ResultGroups:
    """
    Results by edit, the newest first. Called in the UI thread.

    Args:
        session: whose results they are.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._results: dict[int, EditResult] = {}
        self._asked: set[int] = set()

    def __contains__(self, edit_id: int) -> bool:
        return edit_id in self._results

    @property
    def newest_first(self) -> list[EditResult]:
        """All results."""
        return list(reversed(self._results.values()))

    def put(self, result: EditResult, *, asked: bool) -> None:
        """Show a result, above all others; `asked` says that it answers a run, and is not just looked at again."""
        self._results.pop(result.id, None)
        (self._asked.add if asked else self._asked.discard)(result.id)
        self._results[result.id] = result

    def rows(self) -> list[Row]:
        """What the front end draws; marks are read anew, for another kernel may have made some."""
        found = {edit.id: edit for edit in self._session.store.numbered(list(self._results))}
        return [
            group_row(
                found.get(result.id, result.record),
                self._session.store,
                result.label,
                origin=result.origin if result.id in self._asked else "",
                notes=result.notes,
            )
            for result in self.newest_first
        ]

    def sources(self) -> list[Source]:
        """The small copies that `rows` speak of."""
        store = self._session.store
        found = [output_source(output, store) for result in self.newest_first for output in result.record.outputs]
        return [source for source in found if source is not None]

    def still(self, prompt: str) -> tuple[str, str]:
        """The newest results as HTML and as plain text."""
        bundles = [bundle(result.view(), budget=STILL_BYTES)[0] for result in self.newest_first[:STILLS]]
        if not bundles:
            words = f"Studio: {one_line(prompt, 120)}" if prompt.strip() else "Studio: nothing was made here yet."
            return "", words
        return "".join(one["text/html"] for one in bundles), "\n\n".join(one["text/plain"] for one in bundles)


PAGE = 60
"""So many edits at a time."""
SHOWN: tuple[State, ...] = tuple(state for state in get_args(State) if state != "rejected")
"""The states of the edits in the strip: what the service refused made nothing and is in the browser."""


class HistoryStrip:
    """
    The history as the strip shows it. Called in the UI thread.

    Args:
        session: whose store it is.
        choice: gives the service whose costs are summed.
    """

    def __init__(self, session: Session, choice: Callable[[], Choice]) -> None:
        self._session = session
        self._choice = choice
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
        choice = self._choice()
        spent = store.spent(choice.name) if choice.name else 0.0
        return {
            "nodes": [node_row(edit, store) for edit in self._edits],
            "total": store.count(),
            "spent": money(spent, is_play=choice.is_play),
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
        for number in parents_of_primary(edit, self._session.store)[:1]:
            try:
                return self._session.store.get(number)
            except NotInStoreError:
                return None
        return None

    def _found(self, before: int | None, limit: int = PAGE) -> list[Edit]:
        store = self._session.store
        starred, words = self.only_starred or None, self.words or None
        return store.filter(words=words, before_id=before, limit=limit, starred=starred, states=SHOWN)


def _without_pictures(draft: Draft) -> Draft:
    return Draft(draft.model, draft.prompt, draft.parameters)


def _facts(edit: Edit) -> str:
    parts = [f"seed {edit.seed}" if edit.seed is not None else ""]
    parts += [str(value) for name, value in edit.parameters.items() if name in {"aspect_ratio", "resolution"}]
    parts += [state_word(edit.state), when(edit.created_at)]
    return " · ".join(filter(None, parts))
