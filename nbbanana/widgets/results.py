"""The results that a form shows: groups of pictures, the newest first, and what is left of them in a saved notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbbanana.display import bundle, one_line
from nbbanana.widgets.telling import Row, group_row, output_source

if TYPE_CHECKING:
    from nbbanana.session import EditResult, Session
    from nbbanana.widgets.pictures import Source

__all__ = ["Groups"]

STILLS = 3
STILL_BYTES = 160_000
"""The newest results that are saved with the notebook, and what each may weigh there."""


class Groups:
    """
    Results by edit, the newest first. Called at the desk.

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
                replayed=result.id in self._asked and result.origin == "replayed",
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
