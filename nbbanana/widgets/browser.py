"""The history browser: all edits of a store as tiles, of which only those in view are ever sent."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from nbbanana.display.views import file_size
from nbbanana.errors import UsageError
from nbbanana.request import origin
from nbbanana.session import EditResult, Session, current
from nbbanana.session.library import BY_NUMBER, expression
from nbbanana.session.reproduce import as_cell, as_code
from nbbanana.session.result_sets import ResultSet
from nbbanana.store.filters import Facets
from nbbanana.text import counted
from nbbanana.widgets.base import Form, Message, Post, ui_thread
from nbbanana.widgets.browser_rows import SIDE, Filters, Values, detail_row, facet_rows, month_rows, row_of
from nbbanana.widgets.compare import Compare, sides_of
from nbbanana.widgets.pictures import Source, Thumbnails, answer, blob_source, free_path

__all__ = ["Browser", "browse"]

MOST_ROWS = 400
"""A front end that asks for more at once is told so many."""
MOST_BYTES = 200_000_000
"""A selection travels to the web browser up to this size."""


class Browser(Form, title="History", script="browser/main.js", styles=("browser.css", "viewer.css")):
    """
    The history as tiles: `nb.history.browse()` opens it.

    >>> import nbbanana as nb
    >>> with nb.Session(provider="sandbox", store=getfixture("tmp_path")) as session:
    ...     opened = session.history.browse()
    ...     opened.close()
    >>> opened
    <Browser of 0 edits>
    """

    def __init__(
        self,
        session: Session,
        *,
        post: Post | None = None,
        acts: Mapping[str, Callable[[Message], object]] = MappingProxyType({}),
    ) -> None:
        super().__init__(post=post)
        self.session = session
        self.notebook = origin.get().notebook
        """The name of the notebook around it; None where that is not known."""
        self.acts = acts
        """What a Studio around it does with pictures that are found here: `open`, `take`, `compare`."""
        self.changed: Callable[[], object] = lambda: None
        """Called in the UI thread after an edit was starred or rejected."""
        self.filters = Filters()
        self.numbers: tuple[int, ...] = ()
        self._times: tuple[float | None, ...] = ()
        self._seen: Values = {}
        self._counted = self._grown = 0
        self._find_all()
        self.chosen: tuple[int, ...] = ()
        self.thumbnails = Thumbnails(self.emit)
        # Made here, in the thread of the cell; inside a Studio pictures are compared there.
        self.comparison = Compare(()) if post is None else None
        self.watch(session.store)

    def __repr__(self) -> str:
        return f"<Browser of {counted(len(self.numbers), 'edit')}>"

    @property
    def selection(self) -> list[EditResult]:
        """The edits that are chosen, in the order in which they were."""
        return [self.session.history[number] for number in self.chosen]

    @selection.setter
    def selection(self, edits: Iterable[EditResult | int]) -> None:
        numbers = tuple(edit if isinstance(edit, int) else edit.id for edit in edits)
        ui_thread.call(lambda: self._choose(numbers))

    def show(self, **wanted: Any) -> None:
        """
        Show only what matches: `words`, `starred`, `rejected`, `model`, `provider`, `state`, `tag`, `notebook`,
        sorted by `order`.

        Nothing shows all. `rejected=False` leaves out what is rejected. `order` is `newest`, `oldest`, `cost`, `time`
        or `rating`.
        """
        ui_thread.call(lambda: self._look_for(Filters(**wanted)))

    def export(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """
        Write the selection as a bundle, which `nb.History.open` reads; raises as `nb.history.export`.

        Raises:
            UsageError: nothing is chosen, or another file is there.
            BundleError: the file cannot be written.
        """
        self._check_chosen()
        return self.session.history.export(path, self.chosen, overwrite=overwrite)

    def contact_sheet(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """
        Write the pictures of the selection onto one A4 page (`.jpg`) or several (`.pdf`).

        Raises:
            UsageError: nothing is chosen, nothing of it has a picture, another suffix, or a file that is there.
        """
        self._check_chosen()
        sheet: Path = ResultSet(self.selection).contact_sheet(path, overwrite=overwrite)
        return sheet

    # ── in the UI thread ─────────────────────────────────────────────────────────────────────────────────────────

    def still(self) -> tuple[str, str]:
        """The newest edits as a table."""
        bundle = self.session.history.latest()._repr_mimebundle_()[0]
        return bundle["text/html"], bundle["text/plain"]

    def handle(self, kind: str, message: Message, buffers: Sequence[memoryview]) -> None:
        """Do what the front end asks."""
        answer = self.acts.get(kind) or partial(_ANSWERS[kind], self)
        answer(message)
        self.notice()

    def notice(self) -> None:
        """Tell how many edits were made since the list was. Called in the UI thread."""
        grown = self.session.store.count() - self._counted
        if grown != self._grown:
            self._grown = grown
            self.emit("grown", many=grown)

    def _hello(self) -> None:
        self.thumbnails.forget()
        self.emit("acts", acts=[*self.acts, *(["compare"] if self.comparison else [])])
        self._look_for(self.filters)
        self.emit("chosen", numbers=self.chosen)

    def _copy(self, number: int) -> None:
        write = as_code if self.is_python_alone else as_cell
        self.emit("cell", text=write(self.session.store.get(number), self.session.store), edit=number)

    def _find_all(self) -> None:
        """Ask the store for all that matches."""
        store, filters = self.session.store, self.filters
        found = store.matching(words=filters.words.strip() or None, order=filters.order, **filters.wanted)
        self.numbers, self._times = tuple(number for number, _ in found), tuple(time for _, time in found)
        self._counted, self._grown = store.count(), 0

    def _look_for(self, filters: Filters, looked: int = 0) -> None:
        self.filters = filters
        self._find_all()
        place = self.numbers.index(looked) if looked in self.numbers else -1
        self.emit(
            "fits",
            many=len(self.numbers),
            all=self._counted,
            filters=asdict(filters),
            place=place,
            months=month_rows(self._times),
        )
        self._count()

    def _count(self) -> None:
        """Count in a background thread what each further choice would give."""
        filters = self.filters
        words = filters.words.strip() or None
        named = [name for name in (self.notebook, filters.notebook) if name]

        def work() -> None:
            counts = self.session.store.facets(words=words, notebooks=named, **filters.wanted)
            ui_thread.post(self._show_counts, counts, filters)

        self.in_background(work, "facets")

    def _show_counts(self, counts: Facets, filters: Filters) -> None:
        if filters == self.filters:
            self.emit("facets", groups=facet_rows(counts, filters, self._seen, self.notebook))

    def _send_rows(self, first: int, last: int) -> None:
        first = max(0, first)
        numbers = self.numbers[first : min(last, first + MOST_ROWS)]
        edits = self.session.store.numbered(numbers)
        self.emit("rows", first=first, rows=[row_of(edit) for edit in edits])
        self.thumbnails.show_only(self._source(edit.outputs[0].sha256) for edit in edits if edit.outputs)

    def _send_detail(self, number: int) -> None:
        edit = self.session.store.get(number)
        row = detail_row(edit, self.session.store) | {
            "name": expression(self.session.library, number, nearest=BY_NUMBER)
        }
        for shown in (*row["pictures"], *row["line"]):
            if shown["key"]:
                self.thumbnails.want(self._source(shown["key"].partition("@")[0]))
        self.emit("detail", **row)

    def _find(self, number: int) -> None:
        """Go to an edit, where it is among those that are shown; otherwise look at it all the same."""
        if number in self.numbers:
            self.emit("place", place=self.numbers.index(number))
        else:
            self._send_detail(number)

    def _mark(self, flag: str, message: Message) -> None:
        wanted: dict[str, Any] = {flag: bool(message["on"])}
        changed = [self.session.store.annotate(int(number), **wanted) for number in message["numbers"]]
        self.emit("changed", rows=[row_of(edit) for edit in changed])
        self._count()
        self.changed()

    def _choose(self, numbers: tuple[int, ...]) -> None:
        self.chosen = numbers
        self.emit("chosen", numbers=numbers)

    def _check_chosen(self) -> None:
        if not self.chosen:
            raise UsageError(
                "No edit is selected.", "This works on selected edits.", "Select some: Space or Ctrl+click."
            )

    def _write(self, write: Callable[[Path], Path], name: str) -> None:
        """Called in a background thread: a selection may be large."""
        written = write(free_path(name))
        size = file_size(written.stat().st_size)
        ui_thread.post(self.emit, "said", text=f"Saved as {written.name} in the notebook's folder ({size}).")

    def _download(self) -> None:
        """Send the selection as one file to the web browser; called in a background thread."""
        with tempfile.TemporaryDirectory() as folder:
            written = self.export(Path(folder) / "history.zip")
            if written.stat().st_size > MOST_BYTES:
                raise UsageError(
                    f"The selection has {file_size(written.stat().st_size)}.",
                    f"Up to {file_size(MOST_BYTES)} travel to the web browser.",
                    "Select fewer edits, or press Export: it writes into the notebook's folder.",
                )
            data = written.read_bytes()
        ui_thread.post(self.emit, "file", name="history.zip", buffers=[data])

    def _source(self, sha256: str) -> Source:
        return blob_source(sha256, self.session.store, SIDE)

    def _compare(self, message: Message) -> None:
        assert self.comparison is not None, "inside a Studio this is the Studio's"
        pictures = [self.session.history[int(edit)][int(index)] for edit, index in message["pictures"]]
        self.comparison.sides = sides_of(pictures)
        self.emit("compare", model=self.comparison.model_id)

    def _answer(self, message: Message) -> None:
        answer(self, self.session.history[int(message["edit"])], message)

    def on_close(self) -> None:
        """End the comparison with it."""
        if self.comparison is not None:
            self.comparison.close()


def _chosen(form: Browser, message: Message) -> None:
    form.chosen = tuple(int(number) for number in message["numbers"])


# ruff: noqa: SLF001 - what a front end may ask for, beside the class that does it
_ANSWERS: dict[str, Callable[[Browser, Message], object]] = {
    "hello": lambda form, _: form._hello(),
    "rows": lambda form, message: form._send_rows(int(message["first"]), int(message["last"])),
    "want": lambda form, message: form._look_for(Filters(**message["filters"]), int(message.get("looked", 0))),
    "look": lambda form, message: form._send_detail(int(message["edit"])),
    "find": lambda form, message: form._find(int(message["edit"])),
    "choose": _chosen,
    "star": lambda form, message: form._mark("starred", message),
    "reject": lambda form, message: form._mark("rejected", message),
    "copy": lambda form, message: form._copy(int(message["edit"])),
    "dropped": lambda form, message: form.thumbnails.dropped(map(str, message["keys"])),
    "compare": lambda form, message: form._compare(message),
    "view": lambda form, message: form._answer(message),
    "save": lambda form, message: form._answer(message),
    "export": lambda form, _: form.in_background(lambda: form._write(form.export, "history.zip"), "write"),
    "sheet": lambda form, _: form.in_background(lambda: form._write(form.contact_sheet, "contact-sheet.jpg"), "write"),
    "download": lambda form, _: form.in_background(form._download, "write"),
}


def browse(session: Session | None = None) -> Browser:
    """
    Open the history browser.

    Args:
        session: whose history; None is the current one.
    """
    return Browser(session or current())
