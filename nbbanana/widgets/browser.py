"""The history browser: all edits of a store as tiles, of which only those in view are ever sent."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from nbbanana import models
from nbbanana.errors import UsageError
from nbbanana.session import Session, current
from nbbanana.session.again import as_cell, as_code
from nbbanana.widgets import desk
from nbbanana.widgets.base import Form, Message, Post
from nbbanana.widgets.shelf import Copies, Wanted, descent_of, fitting, row_of, sheet

if TYPE_CHECKING:
    from nbbanana.session import EditResult

__all__ = ["Browser", "browse"]

MOST_ROWS = 400
"""A front end that asks for more at once is told so many."""


class Browser(Form, script="browser/main.js", styles=("browser.css",)):
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
        """Called at the desk after somebody starred or rejected."""
        self.wanted = Wanted()
        self.numbers = fitting(session.store, self.wanted)
        self._counted, self._grown = session.store.count(), 0
        self.chosen: tuple[int, ...] = ()
        self.copies: Copies = Copies(session.store, self._copy_made)
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
        desk.at_desk(lambda: self._choose(numbers))

    def show(self, **wanted: Any) -> None:
        """Show only what fits: `words`, `starred`, `kept`, `model`, `provider`, `state`; nothing shows all."""
        desk.at_desk(lambda: self._look_for(Wanted(**wanted)))

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
            raise UsageError("None of the chosen edits has a picture.", "A contact sheet shows pictures.")
        target = Path(path).expanduser()
        target.write_bytes(data)
        return target

    # ── at the desk ─────────────────────────────────────────────────────────────────────────────────────────

    def still(self) -> tuple[str, str]:
        """The newest edits as a table."""
        bundle = self.session.history.latest()._repr_mimebundle_()[0]
        return bundle["text/html"], bundle["text/plain"]

    def heard(self, kind: str, message: Message, buffers: Sequence[memoryview]) -> None:
        """Do what the front end asks."""
        answer = self.acts.get(kind) or partial(_ANSWERS[kind], self)
        answer(message)
        self.notice()

    def notice(self) -> None:
        """Tell how many edits were made since the list was. Called at the desk."""
        grown = self.session.store.count() - self._counted
        if grown != self._grown:
            self._grown = grown
            self.tell("grown", many=grown)

    def _hello(self) -> None:
        self.copies.forget()
        self.tell("acts", acts=list(self.acts))
        self._look_for(self.wanted)
        self.tell("chosen", numbers=self.chosen)

    def _copy(self, number: int) -> None:
        write = as_code if self.is_python_alone else as_cell
        self.tell("cell", text=write(self.session.store.get(number), self.session.store), edit=number)

    def _look_for(self, wanted: Wanted) -> None:
        store = self.session.store
        self.wanted = replace(wanted, words=wanted.words.strip())
        self.numbers = fitting(store, self.wanted)
        self._counted, self._grown = store.count(), 0
        self.tell(
            "fits",
            many=len(self.numbers),
            all=self._counted,
            models=list(filter(None, dict.fromkeys([*models.ids(), wanted.model]))),
            **{name: getattr(self.wanted, name) for name in Wanted.__slots__},
        )

    def _tell_rows(self, first: int, last: int) -> None:
        first = max(0, first)
        numbers = self.numbers[first : min(last, first + MOST_ROWS)]
        edits = self.session.store.numbered(numbers)
        self.tell("rows", first=first, rows=[row_of(edit) for edit in edits])
        self.copies.want(edit.outputs[0].sha256 for edit in edits if edit.outputs)

    def _tell_detail(self, number: int) -> None:
        edit = self.session.store.get(number)
        facts = [f"seed {edit.seed}" if edit.seed is not None else "", edit.model]
        facts += [f"{one.width}×{one.height}" for one in edit.outputs[:1]]
        facts += [f"region: {edit.region.words}"] if edit.region else []
        line = descent_of(edit, self.session.store)
        pictures = [{"index": one.index, "key": one.sha256} for one in edit.outputs]
        self.copies.also([one.sha256 for one in edit.outputs] + [near["key"] for near in line if near["key"]])
        more = {"prompt": edit.prompt, "facts": " · ".join(filter(None, facts)), "line": line, "pictures": pictures}
        self.tell("detail", **row_of(edit) | more)

    def _find(self, number: int) -> None:
        """Go to an edit, where it is among those that are shown; otherwise look at it all the same."""
        place = bisect_left(self.numbers, -number, key=lambda shown: -shown)
        if place < len(self.numbers) and self.numbers[place] == number:
            self.tell("place", place=place)
        else:
            self._tell_detail(number)

    def _annotate(self, kind: str, numbers: Sequence[int], *, on: bool) -> None:
        flag = {"star": "starred", "reject": "rejected"}[kind]
        changed = [self.session.store.annotate(number, **{flag: on}) for number in numbers]  # type: ignore[arg-type]
        self.tell("changed", rows=[row_of(edit) for edit in changed])
        self.changed()

    def _choose(self, numbers: tuple[int, ...]) -> None:
        self.chosen = numbers
        self.tell("chosen", numbers=numbers)

    def _check_chosen(self) -> None:
        if not self.chosen:
            raise UsageError("Nothing is chosen.", "An export is of chosen edits.", "Choose some with the space bar.")

    def _write(self, kind: str) -> None:
        """Called beside the desk: a selection may be large."""
        write = self.export if kind == "export" else self.contact_sheet
        stem, suffix = ("history", ".zip") if kind == "export" else ("contact-sheet", ".jpg")
        names = (Path(f"{stem}{again}{suffix}") for again in ("", *(f"-{n}" for n in range(2, 1000))))
        try:
            written = write(next(name for name in names if not name.exists()))
        except Exception as error:  # noqa: BLE001 - nobody above could show it
            desk.post(self.complain, error, kind)
            return
        desk.post(lambda: self.tell("said", text=f"Written: {written.name}, {written.stat().st_size / 1e6:.1f} MB."))

    def _copy_made(self, key: str, data: bytes) -> None:
        """Called beside the desk."""
        desk.post(lambda: self.tell("picture", key=key, buffers=[data]))


def _mark(form: Browser, kind: str, message: Message) -> None:
    form._annotate(kind, [int(number) for number in message["numbers"]], on=bool(message["on"]))


def _chosen(form: Browser, message: Message) -> None:
    form.chosen = tuple(int(number) for number in message["numbers"])


# ruff: noqa: SLF001 - what a front end may ask for, beside the class that does it
_ANSWERS: dict[str, Callable[[Browser, Message], object]] = {
    "hello": lambda form, _: form._hello(),
    "rows": lambda form, message: form._tell_rows(int(message["first"]), int(message["last"])),
    "want": lambda form, message: form._look_for(Wanted(**{name: message[name] for name in Wanted.__slots__})),
    "look": lambda form, message: form._tell_detail(int(message["edit"])),
    "find": lambda form, message: form._find(int(message["edit"])),
    "choose": _chosen,
    "star": lambda form, message: _mark(form, "star", message),
    "reject": lambda form, message: _mark(form, "reject", message),
    "copy": lambda form, message: form._copy(int(message["edit"])),
    "dropped": lambda form, message: form.copies.dropped(map(str, message["keys"])),
    "export": lambda form, _: desk.work(form._write, "export"),
    "sheet": lambda form, _: desk.work(form._write, "sheet"),
}


def browse(session: Session | None = None) -> Browser:
    """
    Open the history browser.

    Args:
        session: whose history; None is the current one.
    """
    return Browser(session or current())
