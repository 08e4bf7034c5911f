"""The panels of a Studio: the results, the history strip with one edit in detail, and other forms inside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

from nbbanana.display import bundle
from nbbanana.display.views import money
from nbbanana.session import EditResult, Session
from nbbanana.session.engines import Choice
from nbbanana.store.records import Edit, State
from nbbanana.text import joined, one_line
from nbbanana.widgets.base import Form, Message, Row
from nbbanana.widgets.browser import Browser
from nbbanana.widgets.form_state import Draft, FormState, differences
from nbbanana.widgets.pictures import Slot, Want
from nbbanana.widgets.region import Region
from nbbanana.widgets.rows import (
    draft_of,
    group_row,
    node_row,
    parents_of_primary,
    state_word,
    when,
    words_against,
)

__all__ = ["SHOWN", "EmbeddedForms", "HistoryStrip", "ResultGroups"]

STILLS = 3
STILL_BYTES = 160_000
"""The newest results that are saved with the notebook, and what each may weigh there."""


class ResultGroups:
    """
    Results by edit, the newest first. Called in the UI thread.

    Args:
        session: whose results they are.
        want: sends their thumbnails.
    """

    def __init__(self, session: Session, want: Want) -> None:
        self._session = session
        self._want = want
        self._results: dict[int, tuple[EditResult, bool]] = {}
        """Results by their edit, the newest last, and whether they answer a run."""

    @property
    def newest_first(self) -> list[EditResult]:
        """All results."""
        return [result for result, _ in reversed(self._results.values())]

    def put(self, result: EditResult, *, asked: bool) -> None:
        """Show a result, above all others; `asked` says that it answers a run, and is not just looked at again."""
        self._results.pop(result.id, None)
        self._results[result.id] = result, asked

    def rows(self) -> list[Row]:
        """What the front end draws; marks are read anew, for another kernel may have made some."""
        store = self._session.store
        found = {edit.id: edit for edit in store.numbered(list(self._results))}
        return [
            group_row(
                found.get(result.id, result.record),
                store,
                result.label,
                self._want,
                origin=result.origin if asked else "",
                notes=result.notes,
            )
            for result, asked in reversed(self._results.values())
        ]

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
        want: sends the thumbnails of its edits.
    """

    def __init__(self, session: Session, choice: Callable[[], Choice], want: Want) -> None:
        self._session = session
        self._want = want
        self._choice = choice
        self.words = ""
        self.only_starred = False
        self._edits: list[Edit] = []

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
        return {
            "nodes": [node_row(edit, store, self._want) for edit in self._edits],
            "total": store.count(),
            "spent": money(store.spending(choice.name).total if choice.name else 0.0, is_play=choice.is_play),
            "words": self.words,
            "starred": self.only_starred,
            "older": bool(self._edits) and not self.words and len(self._edits) % PAGE == 0,
        }

    def detail(self, edit_id: int, form: Draft) -> Row:
        """
        One edit: its words against its parent's, and what of it is unlike the form.

        Raises:
            NotInStoreError: no such edit.
        """
        store = self._session.store
        edit = store.get(edit_id)
        draft = draft_of(edit, store, with_pictures=False)
        row = node_row(edit, store, self._want) | {
            "facts": _facts(edit),
            "error": edit.error,
            "region": edit.region.words if edit.region else "",
            "words": [("same", edit.prompt)],
            "parent": None,
            "against_parent": [],
            "against_form": differences(form, draft),
        }
        for parent in store.numbered(parents_of_primary(edit, store)[:1]):
            before = draft_of(parent, store, with_pictures=False)
            row |= {
                "parent": parent.id,
                "words": words_against(parent.prompt, edit.prompt),
                "against_parent": differences(_without_pictures(before), _without_pictures(draft)),
            }
        return row

    def _found(self, before: int | None, limit: int = PAGE) -> list[Edit]:
        store = self._session.store
        starred, words = self.only_starred or None, self.words or None
        return store.filter(words=words, before_id=before, limit=limit, starred=starred, states=SHOWN)


def _without_pictures(draft: Draft) -> Draft:
    return Draft(draft.model, draft.prompt, draft.parameters)


def _facts(edit: Edit) -> str:
    seed = f"seed {edit.seed}" if edit.seed is not None else ""
    frame = [str(value) for name, value in edit.parameters.items() if name in {"aspect_ratio", "resolution"}]
    return joined(seed, *frame, state_word(edit.state), when(edit.created_at))


class EmbeddedForms:
    """
    The forms inside a Studio, one of a kind at a time. Used in the UI thread.

    Args:
        emit: sends a message to the Studio's front end.
    """

    def __init__(self, emit: Callable[..., None]) -> None:
        self._emit = emit
        self._key = ""
        self._open: dict[str, Form] = {}

    def draw_region(self, slot: Slot, form: FormState, drawn: Callable[[Region], object]) -> None:
        """
        Open the region tool on an input picture; `drawn` is called with it after each change.

        Raises:
            ImageError: the picture is a URL, and its pixels are not here.
        """
        tool = Region(slot.image, post=self._line("region"))
        tool.shapes = form.shapes_on(slot.key)
        tool.changed = lambda: drawn(tool)
        self._key = slot.key
        self._show("region", tool)

    def browse(
        self, session: Session, acts: Mapping[str, Callable[[Message], object]], changed: Callable[[], object]
    ) -> None:
        """Open the history browser; `acts` is what can be done with its pictures, `changed` follows a star."""
        browser = Browser(session, post=self._line("browser"), acts=acts)
        browser.changed = changed
        self._show("browser", browser)

    def receive(self, name: str, message: Message, buffers: Sequence[memoryview]) -> None:
        """Hand a message of an embedded front end to its form; one that was closed meanwhile is passed over."""
        if name in self._open:
            self._open[name].receive(message, buffers)

    def refresh_region(self, form: FormState) -> None:
        """The Studio's form has changed: show the region as it is now, or close the tool if its picture is gone."""
        tool = self._open.get("region")
        if not isinstance(tool, Region):
            return
        if all(slot.key != self._key for slot in form.draft.slots):
            self.leave("region")
        else:
            tool.put(form.shapes_on(self._key))

    def notice(self) -> None:
        """Edits were made: an open browser says so."""
        browser = self._open.get("browser")
        if isinstance(browser, Browser):
            browser.notice()

    def leave(self, name: str) -> None:
        """Close one."""
        form = self._open.pop(name, None)
        if form is not None:
            self._emit("left", name=name)
            form.close()

    def close(self) -> None:
        """Close all; must not wait."""
        for form in self._open.values():
            form.close()
        self._open.clear()

    def _show(self, name: str, form: Form) -> None:
        self.leave(name)
        self._open[name] = form
        self._emit("opened", name=name)

    def _line(self, name: str) -> Callable[[dict[str, Any], list[Any]], None]:
        return lambda content, buffers: self._emit("embedded", buffers=buffers, name=name, content=content)
