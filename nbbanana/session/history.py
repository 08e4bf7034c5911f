"""`History`: the edits of a store, as a user asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex, cast, overload

from nbbanana.engine.kept import recover
from nbbanana.engine.run import Outcome
from nbbanana.errors import NotInStoreError, UsageError
from nbbanana.session import call_args as values
from nbbanana.session import view_builders
from nbbanana.session.changes import Diff, Lineage, recorded
from nbbanana.session.drift_reports import Measured, measure_missing
from nbbanana.session.exporting import Ledger, check_free, history_frame
from nbbanana.session.jobs import Job, ended
from nbbanana.session.library import BY_NUMBER, Asker, Expression, Library, open_store
from nbbanana.session.result_sets import Results
from nbbanana.session.results import EditResult, Output
from nbbanana.store import Leftovers, Verification
from nbbanana.store.bundles import is_kept, merge, write
from nbbanana.store.records import Edit, Spending
from nbbanana.text import counted

if TYPE_CHECKING:
    from pandas import DataFrame

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

    Args:
        library: the store and the models of its records.
        asker: the session that asks further; None where it was opened to be read.
    """

    def __init__(self, library: Library, asker: Asker | None = None) -> None:
        self._library = library
        self._asker = asker

    def __repr__(self) -> str:
        return f"<History of {counted(len(self), 'edit')}>"

    def __len__(self) -> int:
        return self._library.store.count()

    def __nbbanana_expression__(self, library: object, edit_id: int) -> Expression | None:
        return Expression(BY_NUMBER, f"[{edit_id}]") if library is self._library else None

    @overload
    def __getitem__(self, key: SupportsIndex) -> EditResult: ...
    @overload
    def __getitem__(self, key: slice) -> Page: ...
    def __getitem__(self, key: SupportsIndex | slice) -> EditResult | Page:
        if isinstance(key, slice):
            return self._slice(key)
        number = values.whole(key)
        return self._result(self._library.store.get(number)) if number >= 0 else self._from_the_end(number)

    def __iter__(self) -> Iterator[EditResult]:
        last, store = 0, self._library.store
        while page := store.page_after(last, limit=PAGE):
            for edit in page:
                yield self._result(edit)
            last = page[-1].id

    def search(self, words: str, limit: int = 50, **facts: Any) -> Page:
        """
        Return edits whose prompt, tags, note or input names have all these words, the best of the newest first.

        Args:
            words: what to look for; the last word may be the beginning of one. Nothing in it is a command.
            limit: at most so many.
            facts: what else they must have, as `filter` takes it: `starred=True`, `since="2026-11-01"`.
        """
        return self._found(self._library.store.search, words=words or "", limit=limit, **facts)

    def filter(
        self,
        *,
        since: Any = None,
        until: Any = None,
        limit: int = 50,
        **wanted: Any,
    ) -> Page:
        """
        Return the newest edits that have all that is asked.

        Args:
            since: asked then or later: a `datetime`, an ISO 8601 string, a NumPy or pandas time, or seconds since the
                epoch.
            until: asked then or earlier.
            limit: at most so many.
            wanted: `words` (as `search` takes them), `model`, `provider`, `state` (one or several), `seed`,
                `starred`, `rejected`, `tag`, `input` (a file's name), `notebook`; and what was measured of its worst
                output: `drift_outside` (mean ΔE00 outside of the region), `redrawn_outside` (0 to 1) and `moved`
                (pixels), each with `__lt`, `__le`, `__gt` or `__ge`, as in `drift_outside__lt=2`.

        Raises:
            UsageError: something that cannot be asked for.
        """
        return self._found(self._library.store.filter, since=since, until=until, limit=limit, **wanted)

    def latest(self, limit: int = 20) -> Page:
        """Return the newest edits, the newest first."""
        return self._page(self._library.store.filter(limit=values.count(limit)))

    def diff(self, left: Any, right: Any) -> Diff:
        """
        Return what is unlike between two edits: words, parameters, inputs and pixels, in one view.

        Args:
            left: the one before: its number, a result, an output, or a job that is over. `nb.diff` takes pictures too.
            right: the one after, likewise.

        Raises:
            NotInStoreError: no such edit.
            UsageError: no number of an edit.
            VariableError: a job that is under way.
        """
        return Diff(recorded(left, self.__getitem__), recorded(right, self.__getitem__))

    def lineage(self, edit_id: int) -> Lineage:
        """Return what an edit came from and what came of it, as a tree."""
        return Lineage(self._library, self[edit_id].record)

    def to_frame(self) -> DataFrame:
        """
        Return all edits as a pandas table, a row an edit, indexed by id; times are UTC, money is US dollars.

        Raises:
            UsageError: pandas is not installed.
        """
        return history_frame(result.record for result in self)

    def total_cost(self) -> Mapping[str, Spending]:
        """Return what everything in the store cost, by provider; the sandbox's is play money."""
        return self._library.store.total_cost()

    def verify(self) -> Verification:
        """Hash every picture and derive every digest again; says what changed or is missing."""
        return self._library.store.verify()

    def measure(self, limit: int = 1000) -> Measured:
        """
        Measure what changed in the pictures of the newest edits that have no figures yet; local, and free.

        It is done by itself for each new edit (`%config NBBanana.measure`); this is for those that were made before,
        elsewhere or without NumPy.

        Args:
            limit: at most so many edits.

        Raises:
            UsageError: NumPy is not installed, or the history was opened to be read.
        """
        return measure_missing(self._library.store, values.count(limit))

    def gc(self, *, dry_run: bool = True) -> Leftovers:
        """Find files that no edit refers to; remove them if `dry_run` is False."""
        return self._library.store.gc(dry_run=dry_run)

    def waiting(self) -> Page:
        """Return accepted jobs that were not collected and that no kernel watches."""
        recover(self._library.store)
        found = self._library.store.unfinished(unclaimed=True)
        return self._page([edit for edit in found if edit.request_id], "jobs that wait to be collected")

    def watched(self) -> int:
        """Count the accepted jobs that go on in this kernel or another, which collects each as it is done."""
        store = self._library.store
        unclaimed = {edit.id for edit in store.unfinished(unclaimed=True)}
        return sum(edit.request_id is not None and edit.id not in unclaimed for edit in store.unfinished())

    def collect(self) -> list[Job]:
        """
        Take up every accepted job that no kernel watches; nothing is sent a second time.

        A row whose kernel ended while its request was being sent is marked `unknown`: it is not known here whether the
        service took it.

        Raises:
            UsageError: the history was opened to be read.
        """
        self._library.store.settle_abandoned(grace=0.0)
        return self._needs_asker().collect([result.record for result in self.waiting()])

    def settle(self, edit_id: int, *, cost: float | None = None, request_id: str | None = None) -> EditResult:
        """
        Say what became of an edit whose end is not known: `unknown` or `lost`.

        Args:
            edit_id: the edit.
            cost: what it cost in US dollars, by the service's own list; 0 where it was never charged.
            request_id: the service's id of it: it can be collected from then on, with `resume`.

        Raises:
            NotInStoreError: no such edit.
            UsageError: neither or both are given.
        """
        if (cost is None) == (request_id is None):
            raise UsageError(
                "settle() takes a cost or a request id.", "One of them says what became of it.", "settle(9, cost=0)"
            )
        return self._result(self._library.store.settle(values.whole(edit_id), cost=cost, request_id=request_id))

    def ledger(self, limit: int = 1000) -> Ledger:
        """Return every POST, the newest first: when, where, its id, how it ended, its quote and its cost."""
        return Ledger(self._library.store.posts(limit=values.count(limit)))

    def resume(self) -> list[EditResult]:
        """
        Collect every accepted job that no kernel watches, and wait for them.

        Raises:
            NBBananaError: one of them ended without a picture; all others are in the store by then.
        """
        jobs = self.collect()
        made = ended(jobs, [f"edit {job.edit_id}" for job in jobs])
        if made.missing:
            raise made.missing[0].error
        return list(made)

    def export(
        self,
        path: str | Path,
        edits: EditResult | Output | int | Iterable[EditResult | Output | int] | None = None,
        *,
        overwrite: bool = False,
    ) -> Path:
        """
        Write a bundle: records and pictures in one zip file, without addresses, paths or EXIF data.

        A bundle that is there is replaced where this store has all of its edits, so that a notebook can end with this
        and run again; nothing else is, unasked.

        Args:
            path: the file, such as `study.zip`.
            edits: which: results, outputs or numbers; None is what this session used, or everything if it used
                nothing.
            overwrite: replace whatever file is there.

        Raises:
            UsageError: something that names no edit, or another file that is there.
            BundleError: the file cannot be written.
        """
        target, store = values.file(path), self._library.store
        check_free([target], overwrite=overwrite or is_kept(store, target))
        if edits is not None:
            ids = _ids(edits)
        else:
            ids = list(self._asker.used if self._asker else ()) or [result.id for result in self]
        return write(store, (store.get(number) for number in ids), target)

    def merge(self, path: str | Path) -> int:
        """
        Take a bundle's edits into this store, doubling nothing; returns how many were added.

        Raises:
            BundleError: a bundle that cannot be read or trusted. The store stays as it was.
        """
        return merge(self._library.store, values.file(path))

    @classmethod
    def open(cls, path: str | Path) -> History:
        """Return the history of a bundle or of another store's folder, to be read; no service is asked."""
        return cls(Library(lambda: open_store(values.file(path), read_only=True)))

    def browse(self) -> Browser:
        """Open the history browser: all edits as tiles, to search, star, choose and export."""
        from nbbanana.widgets.browser import Browser

        return Browser(cast("Any", self._needs_asker()))

    def _needs_asker(self) -> Asker:
        if self._asker is None:
            raise UsageError(
                "This history was opened to be read.", "It belongs to no session.", "nb.Session(store=…).history can."
            )
        return self._asker

    def _slice(self, key: slice) -> Page:
        first, end, step = values.bounds(key).indices(self._library.store.last_id() + 1)
        wanted = range(first, end, step)
        found = {edit.id: edit for edit in self._library.store.between(min(wanted, default=0), max(wanted, default=-1))}
        return self._page([found[number] for number in wanted if number in found])

    def _from_the_end(self, key: int) -> EditResult:
        if key == -1 and self._asker is not None and self._asker.last is not None:
            return cast("EditResult", self._asker.last)
        edits = self._library.store.filter(limit=-key)
        if len(edits) < -key:
            why = f"The store holds {counted(len(edits), 'edit')}."
            raise NotInStoreError(f"There is no history[{key}].", why, "Ask for a smaller number.")
        return self._result(edits[-key - 1])

    def _found(
        self, ask: Callable[..., list[Edit]], *, limit: int, since: Any = None, until: Any = None, **wanted: Any
    ) -> Page:
        """Return the edits that a question to the store is answered with."""
        facts = values.facts(wanted)
        edits = ask(since=values.moment(since), until=values.moment(until), limit=values.count(limit), **facts)
        return self._page(edits, values.said({**facts, "since": since, "until": until}))

    def _page(self, edits: Iterable[Edit], heading: str = "") -> Page:
        return Page([self._result(edit) for edit in edits], len(self), heading, self._library)

    def _result(self, edit: Edit) -> EditResult:
        return EditResult(self._library, self._asker, Outcome(edit, "replayed"))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return self.latest()._repr_mimebundle_(include, exclude)


class Page(Results[EditResult]):
    """Some edits of a history, which show themselves as a table instead of flooding the notebook."""

    def __init__(self, results: Sequence[EditResult], total: int, heading: str, library: Library) -> None:
        super().__init__(results)
        self._total = total
        self._heading = heading
        self._library = library

    def __repr__(self) -> str:
        return f"<{len(self)} of {counted(self._total, 'edit')}: {[result.id for result in self._items[:20]]}>"

    def _part(self, results: Sequence[EditResult]) -> Page:
        return Page(results, self._total, self._heading, self._library)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        records = [result.record for result in self._items[:SHOWN]]
        return view_builders.history_view(records, self._library, self._total, self._heading), {}


def _ids(edits: EditResult | Output | int | Iterable[EditResult | Output | int]) -> list[int]:
    """
    Return the numbers of edits, each once, in their order.

    Raises:
        UsageError: something that names no edit.
    """
    edits = values.scalar(edits)
    several = isinstance(edits, Iterable) and not isinstance(edits, EditResult | str | bytes)
    return list(dict.fromkeys(_id_of(edit) for edit in (edits if several else [edits])))  # type: ignore[union-attr]


def _id_of(edit: Any) -> int:
    if isinstance(edit, EditResult):
        return edit.id
    return edit.edit_id if isinstance(edit, Output) else values.whole(edit, "an edit")
