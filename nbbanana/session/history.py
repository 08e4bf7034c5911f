"""`History`: the edits of a store, as a user asks for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from nbbanana import doors
from nbbanana.engine.run import Outcome
from nbbanana.errors import NBBananaError, NotInStoreError, UsageError
from nbbanana.session.changes import Diff, Lineage
from nbbanana.session.results import EditResult, Results

if TYPE_CHECKING:
    from pandas import DataFrame

    from nbbanana.session.jobs import Job
    from nbbanana.session.session import Session
    from nbbanana.store import Leftovers, Verification
    from nbbanana.store.records import Edit, Spending
    from nbbanana.widgets.browser import Browser

__all__ = ["History", "Page"]

PAGE = 200
SHOWN = 50
"""Edits that a table shows; a longer page is for going on with."""


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
    def __getitem__(self, key: slice) -> Page: ...
    def __getitem__(self, key: int | slice) -> EditResult | Page:
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

    def search(self, words: str, limit: int = 50) -> Page:
        """
        Edits whose prompt, tags, note or input names have all these words, the best of the newest first.

        The last word may be the beginning of one. Nothing in `words` is a command.
        """
        return self._page(self._session.store.search(words, limit=limit), f"edits with “{words}”")

    def filter(
        self,
        *,
        since: datetime | str | float | None = None,
        until: datetime | str | float | None = None,
        limit: int = 50,
        **wanted: Any,
    ) -> Page:
        """
        The newest edits that have all that is asked.

        Args:
            since: asked then or later: a `datetime`, an ISO 8601 string, or seconds since the epoch.
            until: asked then or earlier.
            limit: at most so many.
            wanted: `words` (as `search` takes them), `model`, `provider`, `states`, `seed`, `starred`, `rejected`,
                `tag`, `input` (a file's name), `notebook`, as `Store.filter` takes them.

        Raises:
            UsageError: something that cannot be asked for.
        """
        try:
            edits = self._session.store.filter(since=_moment(since), until=_moment(until), limit=limit, **wanted)
        except TypeError:
            raise UsageError(
                f"filter() does not know all of {', '.join(wanted)}.",
                "It takes words, model, provider, states, seed, starred, rejected, tag, input, notebook, since, until.",
                "Check the spelling.",
            ) from None
        return self._page(edits, _said({**wanted, "since": since, "until": until}))

    def latest(self, limit: int = 20) -> Page:
        """The newest edits, the newest first."""
        return self._page(self._session.store.page(limit=limit))

    def diff(self, left: int, right: int) -> Diff:
        """What is unlike between two edits: words, parameters, inputs; shows their outputs side by side."""
        return Diff(self[left], self[right])

    def lineage(self, edit_id: int) -> Lineage:
        """What an edit came from and what came of it, as a tree."""
        return Lineage(self._session, self[edit_id].record)

    def to_frame(self) -> DataFrame:
        """
        All edits as a pandas table, a row an edit, indexed by id; times are UTC, money is US dollars.

        Raises:
            UsageError: pandas is not installed.
        """
        from nbbanana.session.frames import frame

        return frame(self)

    def total_cost(self) -> Mapping[str, Spending]:
        """What everything in the store cost, by provider; the sandbox's is play money."""
        return self._session.store.total_cost()

    def verify(self) -> Verification:
        """Hash every picture and derive every digest again; says what changed or is missing."""
        return self._session.store.verify()

    def gc(self, *, dry_run: bool = True) -> Leftovers:
        """Find files that no edit refers to; remove them if `dry_run` is False."""
        return self._session.store.gc(dry_run=dry_run)

    def waiting(self) -> Page:
        """Accepted jobs that nobody collected and nobody watches."""
        found = self._session.store.unfinished(unclaimed=True)
        return self._page([edit for edit in found if edit.request_id], "jobs that wait to be collected")

    def collect(self) -> list[Job]:
        """
        Take up every accepted job that nobody watches; nothing is sent a second time.

        A row whose kernel ended while its request was on its way is marked `unknown`: nobody can tell from here
        whether the service took it.
        """
        store = self._session.store
        for edit in store.unfinished(unclaimed=True):
            if edit.state == "submitting":
                store.move(edit.id, "unknown", note="its kernel ended while it was on its way")
        provider = self._session.provider_name
        return [self._session.resume(result.record) for result in self.waiting() if result.provider == provider]

    def resume(self) -> list[EditResult]:
        """
        Collect every accepted job that nobody watches, and wait for them.

        Raises:
            NBBananaError: one of them ended without a picture; all others are in the store by then.
        """
        results, errors = [], []
        for job in self.collect():
            try:
                results.append(job.result())
            except NBBananaError as error:
                errors.append(error)
        if errors:
            raise errors[0]
        return results

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

    def browse(self) -> Browser:
        """Open the history browser: all edits as tiles, to search, star, choose and export."""
        opened: Browser = doors.through("browse")(self._session)
        return opened

    def _slice(self, key: slice) -> Page:
        first, end, step = key.indices(self._session.store.last_id() + 1)
        wanted = range(first, end, step)
        found = {edit.id: edit for edit in self._session.store.between(min(wanted, default=0), max(wanted, default=-1))}
        return self._page([found[number] for number in wanted if number in found])

    def _from_the_end(self, key: int) -> EditResult:
        if key == -1 and self._session.last is not None:
            return self._session.last
        edits = self._session.store.page(limit=-key)
        if len(edits) < -key:
            raise NotInStoreError(
                f"There is no history[{key}].", f"The store holds {len(edits)} edits.", "Ask for a smaller number."
            )
        return self._result(edits[-key - 1])

    def _page(self, edits: Iterable[Edit], heading: str = "") -> Page:
        return Page([self._result(edit) for edit in edits], len(self), heading)

    def _result(self, edit: Edit) -> EditResult:
        return EditResult(self._session, Outcome(edit, "replayed"))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return self.latest()._repr_mimebundle_(include, exclude)


class Page(Results):
    """Some edits of a history, which show themselves as a table instead of flooding the notebook."""

    def __init__(self, results: Sequence[EditResult], total: int, heading: str = "") -> None:
        super().__init__(results)
        self._total = total
        self._heading = heading

    def __repr__(self) -> str:
        return f"<{len(self)} of {self._total} edits: {[result.id for result in self[:20]]}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        from nbbanana.session.views import history_view

        return history_view(self._results[:SHOWN], self._total, self._heading), {}


def _said(wanted: Mapping[str, Any]) -> str:
    """What was asked for, as a heading: `starred, seed 7, with “snow”`."""
    asked = {name: value for name, value in wanted.items() if value is not None}
    said = [name if value else f"not {name}" for name, value in asked.items() if isinstance(value, bool)]
    for name, value in asked.items():
        if name == "words":
            said.append(f"with “{value}”")
        elif name == "states":
            said.append(" or ".join(value))
        elif not isinstance(value, bool):
            said.append(f"{name} {value}")
    return ", ".join(said)


def _moment(when: datetime | str | float | None) -> float | None:
    if isinstance(when, str):
        try:
            when = datetime.fromisoformat(when)
        except ValueError:
            raise UsageError(
                f"{when!r} is no date.", "It takes ISO 8601, such as 2026-03-11 or 2026-03-11T14:02."
            ) from None
    return when.timestamp() if isinstance(when, datetime) else when
