"""The history browser: all edits of a store as tiles, of which only those in view are ever sent."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from nbbanana.display.words import file_size
from nbbanana.errors import NBBananaError, UsageError
from nbbanana.request import origin
from nbbanana.session import Session, current
from nbbanana.session.names import BY_NUMBER, expression
from nbbanana.session.reproduce import as_cell, as_code
from nbbanana.session.result_sets import ResultSet
from nbbanana.widgets import ui_thread
from nbbanana.widgets.base import Form, Message, Post
from nbbanana.widgets.browser_rows import SIDE, Filters, Values, detail_row, facet_rows, month_rows, row_of
from nbbanana.widgets.compare import Compare
from nbbanana.widgets.comparison import sides_of
from nbbanana.widgets.thumbnail_cache import Source, Thumbnails, blob_source
from nbbanana.widgets.viewing import answer

if TYPE_CHECKING:
    from nbbanana.session import EditResult, Output
    from nbbanana.store.browsing import Facets

__all__ = ["Browser", "browse"]

MOST_ROWS = 400
"""A front end that asks for more at once is told so many."""
MOST_BYTES = 200_000_000
"""A selection travels to the web browser up to this size."""
CHOICES = tuple(Filters.__slots__)


class Browser(Form, script="browser/main.js", styles=("browser.css", "viewer.css")):
    """
    The history as tiles: `nb.history.browse()` opens it.

    >>> import nbbanana as nb
    >>> with nb.Session(provider="sandbox", store=getfixture("tmp_path")) as session:
    ...     opened = session.history.browse()
    ...     opened.close()
    >>> opened
    <Browser of 0 edits>
    """

    title: ClassVar[str] = "History"

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
        self.thumbnails = Thumbnails(self._thumbnail_made)
        # Made here, in the thread of the cell; inside a Studio pictures are compared there.
        self.comparison = Compare(()) if post is None else None
        self.watch(session.store)

    def __repr__(self) -> str:
        return f"<Browser of {len(self.numbers)} edits>"

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

    def export(self, path: str | Path) -> Path:
        """
        Write the selection as a bundle, which `nb.History.open` reads.

        Raises:
            UsageError: nothing is chosen.
            BundleError: the file cannot be written.
        """
        self._check_chosen()
        return self.session.history.export(path, self.chosen)

    def contact_sheet(self, path: str | Path) -> Path:
        """
        Write the pictures of the selection onto one A4 page (`.jpg`) or several (`.pdf`), replacing the file.

        Raises:
            UsageError: nothing is chosen, nothing of it has a picture, or another suffix.
        """
        self._check_chosen()
        sheet: Path = ResultSet(self.selection).contact_sheet(path, overwrite=True)
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
        found = store.matching(words=filters.text, order=filters.order, **filters.wanted)
        self.numbers, self._times = tuple(number for number, _ in found), tuple(time for _, time in found)
        self._counted, self._grown = store.count(), 0

    def _look_for(self, filters: Filters, looked: int = 0) -> None:
        self.filters = filters
        self._find_all()
        place = self.numbers.index(looked) if looked in self.numbers else -1
        months = month_rows(self._times)
        self.emit(
            "fits", many=len(self.numbers), all=self._counted, filters=asdict(filters), place=place, months=months
        )
        ui_thread.background(self._count, filters)

    def _count(self, filters: Filters) -> None:
        """Count what each further choice would give; called in a background thread."""
        try:
            named = [name for name in (self.notebook, filters.notebook) if name]
            counts = self.session.store.facets(words=filters.text, notebooks=named, **filters.wanted)
        except NBBananaError as error:
            ui_thread.post(self.show_error, error, "facets")
            return
        ui_thread.post(self._show_counts, counts, filters)

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
        near = [one["key"].partition("@")[0] for one in row["line"] if one["key"]]
        self.thumbnails.want(map(self._source, [*(one.sha256 for one in edit.outputs), *near]))
        self.emit("detail", **row)

    def _find(self, number: int) -> None:
        """Go to an edit, where it is among those that are shown; otherwise look at it all the same."""
        if number in self.numbers:
            self.emit("place", place=self.numbers.index(number))
        else:
            self._send_detail(number)

    def _annotate(self, kind: str, numbers: Sequence[int], *, on: bool) -> None:
        flag = {"star": "starred", "reject": "rejected"}[kind]
        changed = [self.session.store.annotate(number, **{flag: on}) for number in numbers]  # type: ignore[arg-type]
        self.emit("changed", rows=[row_of(edit) for edit in changed])
        ui_thread.background(self._count, self.filters)
        self.changed()

    def _choose(self, numbers: tuple[int, ...]) -> None:
        self.chosen = numbers
        self.emit("chosen", numbers=numbers)

    def _check_chosen(self) -> None:
        if not self.chosen:
            raise UsageError(
                "No edit is selected.", "This works on selected edits.", "Select some: Space or Ctrl+click."
            )

    def _write(self, kind: str) -> None:
        """Called in a background thread: a selection may be large."""
        write = self.export if kind == "export" else self.contact_sheet
        stem, suffix = ("history", ".zip") if kind == "export" else ("contact-sheet", ".jpg")
        names = (Path(f"{stem}{again}{suffix}") for again in ("", *(f"-{n}" for n in range(2, 1000))))
        written = write(next(name for name in names if not name.exists()))
        size = file_size(written.stat().st_size)
        ui_thread.post(lambda: self.emit("said", text=f"Saved as {written.name} in the notebook's folder ({size})."))

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
        ui_thread.post(lambda: self.emit("file", name="history.zip", buffers=[data]))

    def _in_background(self, act: Callable[..., object], *args: Any) -> None:
        """Run something slow; what breaks on the way is shown in the form."""

        def run() -> None:
            """Run it in the background thread."""
            try:
                act(*args)
            except Exception as error:  # noqa: BLE001 - no caller could show it
                ui_thread.post(self.show_error, error, "write")

        ui_thread.background(run)

    def _source(self, sha256: str) -> Source:
        return blob_source(sha256, self.session.store, SIDE)

    def _compare(self, message: Message) -> None:
        assert self.comparison is not None, "inside a Studio this is the Studio's"
        pictures = [self.session.history[int(edit)][int(index)] for edit, index in message["pictures"]]
        self.comparison.sides = sides_of(pictures)
        self.emit("compare", model=self.comparison.model_id)

    def _output(self, message: Message) -> Output:
        return self.session.history[int(message["edit"])][int(message["index"])]

    def on_close(self) -> None:
        """End the comparison with it."""
        if self.comparison is not None:
            self.comparison.close()

    def _thumbnail_made(self, key: str, data: bytes) -> None:
        """Called in a background thread."""
        ui_thread.post(lambda: self.emit("picture", key=key, buffers=[data]))


def _mark(form: Browser, kind: str, message: Message) -> None:
    form._annotate(kind, [int(number) for number in message["numbers"]], on=bool(message["on"]))


def _chosen(form: Browser, message: Message) -> None:
    form.chosen = tuple(int(number) for number in message["numbers"])


# ruff: noqa: SLF001 - what a front end may ask for, beside the class that does it
_ANSWERS: dict[str, Callable[[Browser, Message], object]] = {
    "hello": lambda form, _: form._hello(),
    "rows": lambda form, message: form._send_rows(int(message["first"]), int(message["last"])),
    "want": lambda form, message: form._look_for(
        Filters(**{name: message["filters"][name] for name in CHOICES}), int(message.get("looked", 0))
    ),
    "look": lambda form, message: form._send_detail(int(message["edit"])),
    "find": lambda form, message: form._find(int(message["edit"])),
    "choose": _chosen,
    "star": lambda form, message: _mark(form, "star", message),
    "reject": lambda form, message: _mark(form, "reject", message),
    "copy": lambda form, message: form._copy(int(message["edit"])),
    "dropped": lambda form, message: form.thumbnails.dropped(map(str, message["keys"])),
    "compare": lambda form, message: form._compare(message),
    "view": lambda form, message: answer(form, form._output(message), message),
    "save": lambda form, message: answer(form, form._output(message), message),
    "export": lambda form, _: form._in_background(form._write, "export"),
    "sheet": lambda form, _: form._in_background(form._write, "sheet"),
    "download": lambda form, _: form._in_background(form._download),
}


def browse(session: Session | None = None) -> Browser:
    """
    Open the history browser.

    Args:
        session: whose history; None is the current one.
    """
    return Browser(session or current())
