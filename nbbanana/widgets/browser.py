"""The history browser: all edits of a store as tiles, of which only those in view are ever sent."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, cast

from nbbanana import models
from nbbanana.display.tables import STATES
from nbbanana.display.words import duration, money
from nbbanana.errors import UsageError
from nbbanana.session import Session, current
from nbbanana.session.reproduce import as_cell, as_code
from nbbanana.text import one_line
from nbbanana.widgets import ui_thread
from nbbanana.widgets.base import Form, Message, Post
from nbbanana.widgets.compare import Compare
from nbbanana.widgets.comparison import sides_of
from nbbanana.widgets.payloads import Row, state_word
from nbbanana.widgets.thumbnails import Source, Thumbnails, blob_source
from nbbanana.widgets.viewer import answer

if TYPE_CHECKING:
    from nbbanana.session import EditResult, Output
    from nbbanana.store import Store
    from nbbanana.store.records import Edit, State

__all__ = ["Browser", "browse"]

MOST_ROWS = 400
"""A front end that asks for more at once is told so many."""


SIDE = 320
"""Pixels of the longer side of a thumbnail: twice the largest tile."""
MOST_BEFORE, MOST_AFTER = 8, 12
"""So many steps of an edit's descent are shown, and so many edits that were made of it."""


@dataclass(frozen=True, slots=True)
class Filters:
    """
    Which edits are shown; what is empty or False asks for nothing.

    Args:
        words: all of them are in the prompt, tags, note or names of inputs.
        starred: only what is starred.
        kept: not what is rejected.
        model: the endpoint.
        provider: who ran it.
        state: `completed`, `failed`, ….
    """

    words: str = ""
    starred: bool = False
    kept: bool = False
    model: str = ""
    provider: str = ""
    state: str = ""


def matching_ids(store: Store, filters: Filters) -> tuple[int, ...]:
    """The numbers of the edits that match, the newest first."""
    found = store.ids(
        words=filters.words.strip() or None,
        model=filters.model or None,
        provider=filters.provider or None,
        starred=filters.starred or None,
        rejected=False if filters.kept else None,
        states=cast("State | None", filters.state or None),
    )
    return tuple(found)


def row_of(edit: Edit) -> Row:
    """What a tile shows of an edit."""
    when = datetime.fromtimestamp(edit.created_at).astimezone()
    return {
        "id": edit.id,
        "prompt": one_line(edit.prompt, 160),
        "day": f"{when.day} {when:%B %Y}",
        "month": f"{when:%B %Y}",
        "starred": edit.starred,
        "rejected": edit.rejected,
        "word": state_word(edit.state),
        "provider": edit.provider,
        "many": len(edit.outputs),
        "key": _key(edit),
    }


def lineage_rows(edit: Edit, store: Store) -> list[Row]:
    """What an edit was made from, the oldest first, its references, and what was made of it; a few of each."""
    before: list[Edit] = []
    one = edit
    while len(before) < MOST_BEFORE and (found := store.numbered(one.parents[:1])):
        one = found[0]
        before.insert(0, one)
    others = store.numbered(edit.parents[1:])
    after = store.numbered(store.children(edit.id)[:MOST_AFTER])
    near = {"before": before, "also": others, "after": after}
    return [_near(one, where) for where, edits in near.items() for one in edits]


def _key(edit: Edit) -> str | None:
    """What the front end calls the thumbnail of an edit's first picture."""
    return f"{edit.outputs[0].sha256}@{SIDE}" if edit.outputs else None


def _near(edit: Edit, where: str) -> Row:
    return {"id": edit.id, "where": where, "key": _key(edit), "prompt": one_line(edit.prompt, 160)}


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
        self.acts = acts
        """What a Studio around it does with pictures that are found here: `open`, `take`, `compare`."""
        self.changed: Callable[[], object] = lambda: None
        """Called in the UI thread after somebody starred or rejected."""
        self.filters = Filters()
        self.numbers = matching_ids(session.store, self.filters)
        self._counted, self._grown = session.store.count(), 0
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
        """Show only what fits: `words`, `starred`, `kept`, `model`, `provider`, `state`; nothing shows all."""
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
        Write the first pictures of the selection on one JPEG.

        Raises:
            UsageError: nothing is chosen, or nothing of it has a picture.
        """
        self._check_chosen()
        data = sheet(self.session.store, self.session.store.numbered(self.chosen))
        if not data:
            raise UsageError("None of the selected edits has a picture.", "A contact sheet shows pictures.")
        target = Path(path).expanduser()
        target.write_bytes(data)
        return target

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

    def _look_for(self, filters: Filters) -> None:
        store = self.session.store
        self.filters = replace(filters, words=filters.words.strip())
        self.numbers = matching_ids(store, self.filters)
        self._counted, self._grown = store.count(), 0
        self.emit(
            "fits",
            many=len(self.numbers),
            all=self._counted,
            models=list(filter(None, dict.fromkeys([*models.ids(), filters.model]))),
            states=[("completed", "with pictures"), *((state, state_word(state)) for state in STATES)],
            **{name: getattr(self.filters, name) for name in Filters.__slots__},
        )

    def _tell_rows(self, first: int, last: int) -> None:
        first = max(0, first)
        numbers = self.numbers[first : min(last, first + MOST_ROWS)]
        edits = self.session.store.numbered(numbers)
        self.emit("rows", first=first, rows=[row_of(edit) for edit in edits])
        self.thumbnails.show_only(self._source(edit.outputs[0].sha256) for edit in edits if edit.outputs)

    def _tell_detail(self, number: int) -> None:
        edit = self.session.store.get(number)
        facts = [f"seed {edit.seed}" if edit.seed is not None else "", edit.model]
        facts += [f"{one.width}×{one.height}" for one in edit.outputs[:1]]
        facts += [duration(edit.duration) if edit.duration is not None else "", money(edit.cost, edit.provider)]
        facts += [f"region: {edit.region.words}"] if edit.region else []
        line = lineage_rows(edit, self.session.store)
        pictures = [{"index": one.index, "key": f"{one.sha256}@{SIDE}"} for one in edit.outputs]
        near = [one["key"].partition("@")[0] for one in line if one["key"]]
        self.thumbnails.want(map(self._source, [*(one.sha256 for one in edit.outputs), *near]))
        more = {"prompt": edit.prompt, "facts": " · ".join(filter(None, facts)), "line": line, "pictures": pictures}
        self.emit("detail", **row_of(edit) | more)

    def _find(self, number: int) -> None:
        """Go to an edit, where it is among those that are shown; otherwise look at it all the same."""
        place = bisect_left(self.numbers, -number, key=lambda shown: -shown)
        if place < len(self.numbers) and self.numbers[place] == number:
            self.emit("place", place=place)
        else:
            self._tell_detail(number)

    def _annotate(self, kind: str, numbers: Sequence[int], *, on: bool) -> None:
        flag = {"star": "starred", "reject": "rejected"}[kind]
        changed = [self.session.store.annotate(number, **{flag: on}) for number in numbers]  # type: ignore[arg-type]
        self.emit("changed", rows=[row_of(edit) for edit in changed])
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
        try:
            written = write(next(name for name in names if not name.exists()))
        except Exception as error:  # noqa: BLE001 - nobody above could show it
            ui_thread.post(self.show_error, error, kind)
            return
        size = written.stat().st_size / 1e6
        ui_thread.post(lambda: self.emit("said", text=f"Saved as {written.name} in this folder, {size:.1f} MB."))

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
    "rows": lambda form, message: form._tell_rows(int(message["first"]), int(message["last"])),
    "want": lambda form, message: form._look_for(Filters(**{name: message[name] for name in Filters.__slots__})),
    "look": lambda form, message: form._tell_detail(int(message["edit"])),
    "find": lambda form, message: form._find(int(message["edit"])),
    "choose": _chosen,
    "star": lambda form, message: _mark(form, "star", message),
    "reject": lambda form, message: _mark(form, "reject", message),
    "copy": lambda form, message: form._copy(int(message["edit"])),
    "dropped": lambda form, message: form.thumbnails.dropped(map(str, message["keys"])),
    "compare": lambda form, message: form._compare(message),
    "view": lambda form, message: answer(form, form._output(message), message),
    "save": lambda form, message: answer(form, form._output(message), message),
    "export": lambda form, _: ui_thread.background(form._write, "export"),
    "sheet": lambda form, _: ui_thread.background(form._write, "sheet"),
}


def sheet(store: Store, edits: Sequence[Edit]) -> bytes:
    """A contact sheet of the first pictures of edits as a JPEG, each with its number under it; b"" without any."""
    from nbbanana.display.thumbs import contact_sheet, load

    shown = [edit for edit in edits if edit.outputs and store.has_blob(edit.outputs[0].sha256)]
    pictures = load([store.blob_path(edit.outputs[0].sha256) for edit in shown], [(160, 160)] * len(shown))
    names = [f"history[{edit.id}]" for edit in shown]
    return contact_sheet(pictures, names, min(6, max(1, len(shown))), 160, 8_000_000) or b""


def browse(session: Session | None = None) -> Browser:
    """
    Open the history browser.

    Args:
        session: whose history; None is the current one.
    """
    return Browser(session or current())
