"""
`Form`: what all widgets of this package share.

A form is shown as two outputs. One is a still: plain HTML that is saved with the notebook and reads anywhere. The
other is the live widget, which hides the still while it is there. A notebook that is opened without a kernel has
only the still: a widget and its fallback in one output would show "Error displaying widget" instead.
"""

from __future__ import annotations

import json
import re
import threading
import traceback
import uuid
import weakref
from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget

from nbbanana.display import note_bundle
from nbbanana.errors import NBBananaError
from nbbanana.session.choice import in_marimo
from nbbanana.templates import environment
from nbbanana.text import plain, storable
from nbbanana.widgets import ui_thread
from nbbanana.widgets.assets import join, style

if TYPE_CHECKING:
    from nbbanana.store import Store

__all__ = ["Form", "Message", "Post", "error_lines", "render"]

Message = Mapping[str, Any]
"""What the two halves of a form say to each other: `kind` says what it is about, the rest depends on it."""

_HALVES = re.compile("[\ud800-\udfff]")

Post = Callable[[dict[str, Any], list[Any]], None]
"""Takes what a form says, where the form stands inside another: a message and its buffers."""


VIEWS = 64
"""So many front ends of a form are remembered, the newest."""
NUMBERS = 2048
"""So many messages of each; a front end says nothing again after so many others."""


class Acks:
    """
    Which messages of each front end of a form arrived, so that none is lost and none is done twice; thread-safe.

    A comm promises neither. A kernel may drop a message for a thread of its own that has ended, or leave one lying
    until the next one wakes it (ipykernel 7, issues 1557 and 1554). So a front end asks after what was not
    acknowledged, and sends again what did not arrive.

    >>> acks = Acks()
    >>> acks.take("a", 1), acks.take("a", 2), acks.take("a", 2), acks.take("b", 2)
    (True, True, False, True)
    >>> acks.sort("a", [2, 3])
    ([2], [3])
    """

    def __init__(self) -> None:
        self._views: OrderedDict[str, OrderedDict[int, None]] = OrderedDict()
        self._guard = threading.Lock()

    def take(self, view: str, number: int) -> bool:
        """Note a message; False where it arrived before."""
        with self._guard:
            numbers = self._of(view)
            if number in numbers:
                return False
            numbers[number] = None
            if len(numbers) > NUMBERS:
                numbers.popitem(last=False)
            return True

    def sort(self, view: str, numbers: Iterable[int]) -> tuple[list[int], list[int]]:
        """Which of these messages arrived, and which did not."""
        with self._guard:
            known = self._of(view)
            arrived = [number for number in numbers if number in known]
            return arrived, [number for number in numbers if number not in known]

    def _of(self, view: str) -> OrderedDict[int, None]:
        numbers = self._views.setdefault(view, OrderedDict())
        self._views.move_to_end(view)
        if len(self._views) > VIEWS:
            self._views.popitem(last=False)
        return numbers


class Form(anywidget.AnyWidget):
    """
    A widget of plain ES modules.

    Subclasses name their files: `class Studio(Form, script="studio/main.js", styles=("studio.css",))`; paths are
    under `static/`, and `theme.css` comes before their own styles. They say what `still` shows and what `handle` does.

    Everything that changes goes as messages, not as traits: a message is not kept in the notebook's metadata, its
    buffers travel as they are, and the two halves cannot overwrite each other's half of a value. The front end
    begins with `hello`, also after it was reloaded, and is told everything then.
    """

    title: ClassVar[str] = "Form"
    """What people call it."""

    is_open: bool = False
    """Whether it still has a front end to talk to."""

    def __init_subclass__(cls, *, script: str | None = None, styles: Sequence[str] = (), **options: Any) -> None:
        super().__init_subclass__(**options)
        if script is not None:  # traitlets makes subclasses of its own, which have all they need
            cls._esm = join(script)
            cls._css = style(*styles)

    def __init__(self, *, post: Post | None = None) -> None:
        self._post = post
        super().__init__()
        self.uid = uuid.uuid4().hex
        self.is_open = True
        self.is_python_alone = in_marimo()
        """Whether the notebook around it has no magics, so that what is copied for a cell is Python."""
        self._still: Any = None
        self._acks = Acks()
        # A bound method would keep a form alive as long as its comm, and the comm as long as the form.
        itself = weakref.ref(self)
        self.on_msg(lambda _, content, buffers: _received(itself(), content, buffers))
        self._unwatch: Callable[[], None] = lambda: None

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def open(self) -> None:
        """Open the comm; a form inside another has none, and says what it has to say through `post`."""
        if self._post is None:
            super().open()

    def send(self, content: Any, buffers: Any = None) -> None:
        """Send a message to the front end, over the comm or through the form that this one is in."""
        if self._post is None:
            super().send(content, buffers=buffers)
        else:
            self._post(content, list(buffers or ()))

    # ── what subclasses say ─────────────────────────────────────────────────────────────────────────────────

    @abstractmethod
    def still(self) -> tuple[str, str]:
        """What is left of it in a saved notebook: HTML that a sanitizer keeps, and plain text."""

    @abstractmethod
    def handle(self, kind: str, message: Message, buffers: Sequence[memoryview]) -> None:
        """Do what the front end asks; called in the UI thread."""

    # ── saying something to the front end ───────────────────────────────────────────────────────────────────

    def emit(self, kind: str, *, buffers: Sequence[bytes | memoryview] = (), **content: Any) -> None:
        """Send a message; called in the UI thread, so that messages arrive in their order."""
        if self.is_open:
            self.send(_sendable({"kind": kind, **content}), buffers=list(buffers) or None)

    def watch(self, store: Store) -> None:
        """Say in the form when something waits for another process to unlock the store, from whatever thread waits."""
        itself = weakref.ref(self)
        self._unwatch = store.on_wait(lambda on: _emit_locked(itself(), on=on))

    def receive(self, message: Message, buffers: Sequence[memoryview]) -> None:
        """
        Queue a message of the front end for the UI thread, once; called in the kernel's thread, never waits.

        What the front end has no answer to it asks after with a `ping`, and says again what did not arrive.
        """
        view, number = str(message.get("view", "")), message.get("number")
        if message.get("kind") == "ping":
            arrived, missed = self._acks.sort(view, message["numbers"])
            self.emit("ack", view=view, numbers=arrived, missed=missed)
            return
        is_new = not isinstance(number, int) or self._acks.take(view, number)
        # Said here, not in the UI thread: what waits there, such as for a store that is locked, is no busy kernel.
        self.emit("ack", view=view, numbers=[number], missed=[])
        if is_new:
            ui_thread.post(self._receive, message, buffers)

    def emit_made(self, kind: str, make: Callable[[], bytes], about: str = "picture", **content: Any) -> None:
        """Send a message with a picture that is read or made first, in a background thread; returns at once."""

        def work() -> None:
            """Make the picture, and leave the message or the error for the UI thread."""
            try:
                data = make()
            except Exception as error:  # noqa: BLE001 - shown in the form, since no caller could
                ui_thread.post(self.show_error, error, about)
                return
            ui_thread.post(lambda: self.emit(kind, **content, buffers=[data]))

        ui_thread.background(work)

    def show_error(self, error: BaseException, about: str = "") -> None:
        """Show an error in the form, in its three lines; `about` names what it belongs to."""
        what, why, mend = error_lines(error)
        self.emit("error", about=about, what=what, why=why, mend=mend)

    # ── being shown ─────────────────────────────────────────────────────────────────────────────────────────

    def close(self) -> None:
        """
        End it: the front end lets go of it, and nothing listens any more.

        It is also what collects the garbage that calls it, in whatever thread that is, so that it never waits.
        """
        if self.is_open:
            self.is_open = False
            self._unwatch()
            self.on_close()
            self.layout.close()  # ipywidgets makes one for every widget, with a comm of its own
        super().close()

    def on_close(self) -> None:
        """End whatever else the form keeps going; must not wait."""

    def refresh_still(self) -> None:
        """Bring what is saved in the notebook up to date; called in the UI thread."""
        if self._still is not None and self.is_open:
            self._still.update(self._still_bundle(), raw=True)

    def _ipython_display_(self) -> None:
        from IPython.display import display

        show: Callable[..., Any] = display  # IPython does not say what it takes
        self._still = show(self._still_bundle(), raw=True, display_id=True)
        data, metadata = self._repr_mimebundle_()
        show(data, metadata=metadata, raw=True)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live widget; the metadata tells Colab where widgets' front ends come from, and is empty elsewhere."""
        bundle = super()._repr_mimebundle_()
        assert bundle is not None, "every form has a view"
        words = f"{self.title}: run this cell to use the form."
        return bundle[0] | {"text/plain": words}, bundle[1]

    def _still_bundle(self) -> dict[str, str]:
        html, text = self.still()
        body = html or note_bundle(text)["text/html"]
        return {"text/plain": plain(text), "text/html": render("still.html", uid=self.uid, body=body)}

    def _receive(self, message: Message, buffers: Sequence[memoryview]) -> None:
        """Answer a message of the front end; whatever breaks on the way is shown in the form."""
        if message.get("kind") == "hello":
            self.emit("uid", uid=self.uid)
        kind = str(message.get("kind"))
        self.attempt(lambda: self.handle(kind, message, buffers), kind)

    def attempt(self, act: Callable[[], object], about: str) -> None:
        """Do something; whatever breaks on the way is shown in the form, since no caller could."""
        try:
            act()
        except Exception as error:  # noqa: BLE001 - see above
            self.show_error(error, about)


def render(template: str, **context: Any) -> str:
    """A template of this room; every value is escaped."""
    return storable(environment("nbbanana.widgets").get_template(template).render(context)).strip()


def _emit_locked(form: Form | None, *, on: bool) -> None:
    if form is not None:
        form.emit("locked", on=on)


def _sendable(content: dict[str, Any]) -> dict[str, Any]:
    """The message; halves of characters, which a file's name may have and JSON cannot, as signs that say so."""
    text = json.dumps(content, ensure_ascii=False)
    if text.isascii() or not _HALVES.search(text):
        return content
    return dict(json.loads(_HALVES.sub("\N{REPLACEMENT CHARACTER}", text)))


def _received(form: Form | None, message: Any, buffers: Any) -> None:
    """Called in the kernel's thread; leaves a note and returns at once."""
    if form is not None and isinstance(message, Mapping):
        form.receive(message, list(buffers or ()))


def error_lines(error: BaseException) -> tuple[str, str, str]:
    """Return an error in three lines: what, why, what to do."""
    if isinstance(error, NBBananaError):
        return error.what, error.why, error.how
    last = traceback.extract_tb(error.__traceback__)[-1:]
    where = f"{last[0].name}, line {last[0].lineno}" if last else "an unknown place"
    return (
        f"The form broke: {type(error).__name__}: {error}"[:300],
        f"It happened in {where}; this is a fault of nbbanana, not of yours.",
        "What was sent is in %nbhistory. Run the cell again for a new form.",
    )
