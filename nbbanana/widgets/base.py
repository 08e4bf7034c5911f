"""
`Form`: what all widgets of this package share; and the thread that forms work in.

A form is shown as two outputs. One is a still: plain HTML that is saved with the notebook and reads anywhere. The
other is the live widget, which hides the still while it is there. A notebook that is opened without a kernel has
only the still: a widget and its fallback in one output would show "Error displaying widget" instead.

Several ES modules are joined as one, since a front end is handed one text and people read small files. The rules are
narrow, so that no bundler is needed and the files also load by themselves in a browser:

- `import { a, b } from "./other.js";` at the beginning of lines, without renaming;
- `export function`, `export const`, `export class`; the entry alone has `export default`.

All modules share one scope once they are joined, so that a name stands for one thing in all of them.
"""

from __future__ import annotations

import json
import re
import threading
import traceback
import uuid
import weakref
from abc import abstractmethod
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar, ParamSpec, TypeVar

import anywidget

from nbbanana.display import note_bundle
from nbbanana.errors import NBBananaError
from nbbanana.session.engines import in_marimo
from nbbanana.store import Store
from nbbanana.text import environment, plain, storable

__all__ = [
    "STATIC",
    "Answers",
    "Form",
    "Message",
    "Post",
    "Row",
    "error_lines",
    "join",
    "new_key",
    "render",
    "style",
    "ui_thread",
]

P = ParamSpec("P")
T = TypeVar("T")

Message = Mapping[str, Any]
"""What the two halves of a form say to each other: `kind` says what it is about, the rest depends on it."""

Answers = Mapping[str, Callable[[Any, Message], object]]
"""By the kind of a message, the method of a form that is called with one."""

Row = dict[str, Any]
"""What is told of one thing, as JSON."""

_HALVES = re.compile("[\ud800-\udfff]")

Post = Callable[[dict[str, Any], list[Any]], None]
"""Takes what a form says, where the form stands inside another: a message and its buffers."""


# ── JavaScript and CSS ──────────────────────────────────────────────────────────────────────────────────────


STATIC = Path(__file__).parent / "static"
"""The folder with the JavaScript and the CSS."""

_IMPORT = re.compile(r'^import\s*\{[^{}]*\}\s*from\s*"(?P<path>\.{1,2}/[^"]+)";[ \t]*\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?function|const|class)", re.MULTILINE)
_LEFT = re.compile(r"^(?:import\b|export (?!default)).*$", re.MULTILINE)


def join(entry: str) -> str:
    """
    The module at `entry` under `static/` with all that it imports, as the text of one module.

    Raises:
        ValueError: an import or export that the rules above do not know.

    >>> "import" in join("studio/main.js").split("export default")[1]
    False
    """
    parts: dict[Path, str] = {}
    _collect((STATIC / entry).resolve(), parts)
    return "\n".join(parts.values())


def style(*names: str) -> str:
    """The shared theme and the named style sheets under `static/`, as one."""
    return "\n".join((STATIC / name).read_text("utf-8") for name in ("theme.css", *names))


def _collect(path: Path, parts: dict[Path, str]) -> None:
    """Put a module behind all that it imports."""
    if path in parts:
        return
    text = path.read_text("utf-8")
    for found in _IMPORT.finditer(text):
        _collect((path.parent / found["path"]).resolve(), parts)
    bare = _EXPORT.sub("", _IMPORT.sub("", text))
    if left := _LEFT.search(bare):
        raise ValueError(f"{path.name}: {left.group()!r} is no import or export that can be joined")
    parts[path] = f"// {path.relative_to(STATIC).as_posix()}\n{bare}"


# ── the thread of the forms ─────────────────────────────────────────────────────────────────────────────────


class UIThread:
    """
    The thread in which forms work: a callback of a form only queues a call here and returns at once.

    One thread for all forms of a process, so that what it touches needs no locks and messages leave in their order:
    calls come from the kernel's thread (what the user did), from the engine's (how a job stands) and from the two that
    make thumbnails. Nothing that waits for the network or decodes a picture may run in this thread itself.
    """

    _NAME = "nbbanana-forms"
    _thread = ThreadPoolExecutor(1, thread_name_prefix=_NAME)
    _helpers = ThreadPoolExecutor(2, thread_name_prefix="nbbanana-pictures")  # so many are read and scaled at once

    def is_ui_thread(self) -> bool:
        """Whether the caller is the UI thread, which must not wait for itself."""
        return threading.current_thread().name.startswith(self._NAME)

    def post(self, function: Callable[P, T], *args: P.args, **options: P.kwargs) -> Future[T]:
        """Queue a call for the UI thread, after all that was queued before; returns at once."""
        return self._thread.submit(function, *args, **options)

    def call(self, function: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        """Call a function in the UI thread and wait for it; what it raises is raised here."""
        if self.is_ui_thread():
            return function(*args, **options)
        return self.post(function, *args, **options).result()

    def background(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Run something slow outside the UI thread, such as decoding a picture; returns at once."""
        return self._helpers.submit(function, *args)


ui_thread = UIThread()


# ── messages and the widget ─────────────────────────────────────────────────────────────────────────────────


NUMBERS = 2048
"""So many messages of each front end are remembered; it says nothing again after so many others."""


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
        self._views: defaultdict[str, deque[int]] = defaultdict(lambda: deque(maxlen=NUMBERS))
        self._guard = threading.Lock()

    def take(self, view: str, number: int) -> bool:
        """Note a message; False where it arrived before."""
        with self._guard:
            is_new = number not in self._views[view]
            if is_new:
                self._views[view].append(number)
            return is_new

    def sort(self, view: str, numbers: Iterable[int]) -> tuple[list[int], list[int]]:
        """Which of these messages arrived, and which did not."""
        with self._guard:
            known = self._views[view]
            arrived = [number for number in numbers if number in known]
            return arrived, [number for number in numbers if number not in known]


class Form(anywidget.AnyWidget):
    """
    A widget of plain ES modules.

    Subclasses say what people call them and which files they have: `class Voting(Form, title="Vote",
    script="voting/main.js", styles=("voting.css",))`; paths are under `static/`, and `theme.css` comes before their own
    styles. They say what `still` shows and which `answers` the front end has.

    Everything that changes goes as messages, not as traits: a message is not kept in the notebook's metadata, its
    buffers travel as they are, and the two halves cannot overwrite each other's half of a value. The front end
    begins with `hello`, also after it was reloaded, and is told everything then.
    """

    title: ClassVar[str]
    """What people call it."""

    answers: ClassVar[Answers] = {}
    """What is done for a message of the front end, by its kind; others are passed over."""

    is_open: bool = False
    """Whether it still has a front end to talk to."""

    def __init_subclass__(
        cls, *, title: str = "", script: str | None = None, styles: Sequence[str] = (), **options: Any
    ) -> None:
        super().__init_subclass__(**options)
        if script is not None:  # traitlets makes subclasses of its own, which have all they need
            cls._esm = join(script)
            cls._css = style(*styles)
            cls.title = title

    def __init__(self, *, post: Post | None = None) -> None:
        self._post = post
        super().__init__()
        self.uid = new_key()
        self.is_open = True
        self.is_python_alone = in_marimo()
        """Whether the notebook around it has no magics, so that what is copied for a cell is Python."""
        self._still: Any = None
        self._acks = Acks()
        # A bound method would keep a form alive as long as its comm, and the comm as long as the form.
        itself = weakref.ref(self)
        self.on_msg(lambda _, content, buffers: _received(itself(), content, buffers))
        self._unwatch: Callable[[], None] = lambda: None

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

    def handle(self, kind: str, message: Message, buffers: Sequence[memoryview]) -> None:
        """Do what the front end asks; called in the UI thread."""
        if kind in self.answers:
            self.answers[kind](self, message)

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
        self.in_background(lambda: ui_thread.post(self.emit, kind, buffers=[make()], **content), about)

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
        return bundle[0] | {"text/plain": f"{self.title}: run this cell to use the form."}, bundle[1]

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
        """Do something, in any thread; whatever breaks on the way is shown in the form, since no caller could."""
        try:
            act()
        except Exception as error:  # noqa: BLE001 - see above
            ui_thread.call(self.show_error, error, about)

    def in_background(self, act: Callable[[], object], about: str) -> None:
        """Do something slow outside the UI thread, as `attempt` does; returns at once."""
        ui_thread.background(self.attempt, act, about)


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


def new_key() -> str:
    """What names a picture or a job of a form in this process."""
    return uuid.uuid4().hex


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
