"""`History`: the edits of a store, as a user asks for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from nbbanana.engine.run import Outcome
from nbbanana.errors import NotInStoreError
from nbbanana.session.results import EditResult

if TYPE_CHECKING:
    from nbbanana.session.session import Session
    from nbbanana.store.records import Edit

__all__ = ["History"]

PAGE = 200


class History:
    """
    All edits of a store.

    `history[12]` is the store's stable id 12, `history[-1]` this kernel's last edit; a slice such as `history[3:9]`
    takes ids, the end excluded. Iterating goes from the oldest to the newest.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def __repr__(self) -> str:
        return f"<History of {len(self)} edits>"

    def __len__(self) -> int:
        return self._session.store.count()

    @overload
    def __getitem__(self, key: int) -> EditResult: ...
    @overload
    def __getitem__(self, key: slice) -> list[EditResult]: ...
    def __getitem__(self, key: int | slice) -> EditResult | list[EditResult]:
        if isinstance(key, slice):
            return self._slice(key)
        if key >= 0:
            return self._result(self._session.store.get(key))
        return self._from_the_end(key)

    def __iter__(self) -> Iterator[EditResult]:
        last, store = 0, self._session.store
        while page := store.page_after(last, limit=PAGE):
            for edit in page:
                yield self._result(edit)
            last = page[-1].id

    def search(self, words: str, limit: int = 50) -> list[EditResult]:
        """Edits whose words fit, the best first."""
        return [self._result(edit) for edit in self._session.store.search(words, limit=limit)]

    def latest(self, limit: int = 20) -> list[EditResult]:
        """The newest edits, the newest first."""
        return [self._result(edit) for edit in self._session.store.page(limit=limit)]

    def waiting(self) -> list[EditResult]:
        """Accepted jobs that nobody collected and nobody watches."""
        return [self._result(edit) for edit in self._session.store.unfinished(unclaimed=True) if edit.request_id]

    def resume(self) -> list[EditResult]:
        """Collect what is waiting; nothing is sent a second time."""
        jobs = [self._session.resume(result.edit) for result in self.waiting()]
        return [job.result() for job in jobs]

    def export(self, path: str | Path, edits: Iterable[EditResult | int] | None = None) -> Path:
        """
        Write a bundle: records and pictures in one zip file, without addresses, paths or EXIF data.

        Args:
            path: the file, such as `study.zip`.
            edits: which, in their order; None is what this session used, or everything if it used nothing.

        Raises:
            BundleError: the file cannot be written.
        """
        from nbbanana.store.bundles import write

        if edits is not None:
            ids = [edit if isinstance(edit, int) else edit.id for edit in edits]
        else:
            ids = list(self._session.used) or [result.id for result in self]
        return write(self._session.store, (self._session.store.get(number) for number in ids), path)

    def merge(self, path: str | Path) -> int:
        """
        Take a bundle's edits into this store, doubling nothing; returns how many were added.

        Raises:
            BundleError: a bundle that cannot be read or trusted. The store stays as it was.
        """
        from nbbanana.store.bundles import merge

        return merge(self._session.store, path)

    @classmethod
    def open(cls, path: str | Path) -> History:
        """The history of a bundle or of another store's folder; nothing is asked of any service."""
        from nbbanana.session.session import Session

        return Session(store=path, mode="replay").history

    def _slice(self, key: slice) -> list[EditResult]:
        first, end, step = key.indices(self._session.store.last_id() + 1)
        wanted = range(first, end, step)
        found = {edit.id: edit for edit in self._session.store.between(min(wanted, default=0), max(wanted, default=-1))}
        return [self._result(found[number]) for number in wanted if number in found]

    def _from_the_end(self, key: int) -> EditResult:
        if key == -1 and self._session.last is not None:
            return self._session.last
        edits = self._session.store.page(limit=-key)
        if len(edits) < -key:
            raise NotInStoreError(
                f"There is no history[{key}].", f"The store holds {len(edits)} edits.", "Ask for a smaller number."
            )
        return self._result(edits[-key - 1])

    def _result(self, edit: Edit) -> EditResult:
        return EditResult(self._session, Outcome(edit, "replayed"))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        from nbbanana.session.views import history_view

        return history_view(self.latest(), len(self)), {}
