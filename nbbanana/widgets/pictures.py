"""Pictures in forms: thumbnails, larger copies, what a viewer asks; the inputs of a form and what a cell calls them."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nbbanana.display.thumbs import encode, heated, load
from nbbanana.display.views import Change, duration, paid
from nbbanana.errors import NBBananaError, UsageError
from nbbanana.grammar import EditOperand, FileOperand, LastOperand, NameOperand, Operand, Scope, split
from nbbanana.grammar.line import read
from nbbanana.images import ImageInput, inspect, load_all, thumbnail
from nbbanana.images.reading import expand, is_glob
from nbbanana.images.thumbnails import kept_or_made
from nbbanana.prompts.prompting import fill
from nbbanana.session import EditResult, Output, Session
from nbbanana.session.view_builders import changes_of
from nbbanana.store import Store
from nbbanana.text import one_line
from nbbanana.widgets.base import Form, Message, Row, new_key, ui_thread

__all__ = [
    "VIEW_SIDE",
    "Slot",
    "Source",
    "Thumbnails",
    "Want",
    "answer",
    "asked_for",
    "blob_source",
    "expression_of",
    "file_name",
    "free_path",
    "heat_over",
    "namespace",
    "operand_of",
    "seen",
    "slots_of",
    "typed",
    "view_row",
    "whole",
]

VIEW_SIDE = 1600
"""Pixels of the longer side at which a picture travels; it is said where that is less than it has."""
AS_IT_IS = 4_000_000
"""Bytes up to which a file that a browser reads travels as it is, so that what is seen is exact."""
_BROWSER_READS = frozenset({"image/png", "image/jpeg", "image/webp"})


@dataclass(frozen=True, slots=True)
class Source:
    """
    A picture to make a thumbnail of.

    Args:
        key: what the front end calls the thumbnail; equal keys mean equal pictures of equal size.
        data: the file, or its bytes; of a file of a store, which has its hash as its name, the thumbnail is kept.
        side: the longer side of the thumbnail in pixels.
    """

    key: str
    data: Path | bytes
    side: int


Want = Callable[[Source | None], str | None]
"""Sends a thumbnail, and returns what the front end calls it: `Thumbnails.want`."""


def blob_source(sha256: str, store: Store, side: int) -> Source:
    """A picture of a store, whether or not its file is still there."""
    return Source(f"{sha256}@{side}", store.blob_path(sha256), side)


class Thumbnails:
    """
    Thumbnails for one front end.

    Args:
        emit: sends a message to it; called in the UI thread with the key and the WebP bytes of each picture that can
            be read. The place of another stays empty.
    """

    def __init__(self, emit: Callable[..., None]) -> None:
        self._emit = emit
        self._asked: set[str] = set()
        self._in_view: frozenset[str] | None = None
        self.made = 0
        """So many were read or made so far."""

    def want(self, source: Source | None) -> str | None:
        """Send it unless it was sent, and return its key; None where there is none. Called in the UI thread."""
        if source is None:
            return None
        if self._in_view is not None:
            self._in_view |= {source.key}
        if source.key not in self._asked:
            self._asked.add(source.key)
            ui_thread.background(self._send, source)
        return source.key

    def show_only(self, sources: Iterable[Source]) -> None:
        """As `want`, and make none any more that was wanted before and is out of view. Called in the UI thread."""
        self._in_view = frozenset()
        for source in sources:
            self.want(source)

    def dropped(self, keys: Iterable[str]) -> None:
        """The front end has given these up; it is sent them again once they are wanted. Called in the UI thread."""
        self._asked.difference_update(keys)

    def forget(self) -> None:
        """The front end is new and has none of them. Called in the UI thread."""
        self._asked.clear()

    def _send(self, source: Source) -> None:
        if self._in_view is not None and source.key not in self._in_view:
            ui_thread.post(self._asked.discard, source.key)  # scrolled by; wanted again once it comes back
            return
        self.made += 1
        with suppress(NBBananaError):  # a picture that is to be sent is complained about when it is sent
            ui_thread.post(self._emit, "picture", key=source.key, buffers=[kept_or_made(source.data, source.side)])


# ── larger copies ───────────────────────────────────────────────────────────────────────────────────────────


def whole(data: bytes) -> bytes:
    """
    A picture with all its pixels as a browser reads it: its own bytes where it does, else a PNG.

    Raises:
        ImageError: no picture, damaged or too large.
    """
    info = inspect(data)
    if info.mime in _BROWSER_READS and not info.is_animated:
        return data
    return thumbnail(data, side=max(info.width, info.height), format="PNG")


def seen(data: bytes, side: int = VIEW_SIDE) -> bytes:
    """
    What a browser is sent of a picture: its own bytes where it reads them and they are few, else a smaller copy.

    Args:
        data: the file.
        side: pixels of the longer side, at most.

    Raises:
        ImageError: no picture, damaged or too large.
    """
    info = inspect(data)
    is_small = max(info.width, info.height) <= side and len(data) <= AS_IT_IS
    if is_small and info.mime in _BROWSER_READS and not info.is_animated:
        return data
    return thumbnail(data, side=side, format="WEBP", quality=92)


# ── what the viewer asks ────────────────────────────────────────────────────────────────────────────────────


QUALITY = 80
SUFFIXES = {"image/jpeg": ".jpg", "image/webp": ".webp"}


def view_row(output: Output) -> Row:
    """What stands beside a picture that is seen large."""
    edit = output.result.record
    main, store = next(iter(edit.inputs), None), output.result.library.store
    is_here = main is not None and main.sha256 is not None and store.has_blob(main.sha256)
    change = _change(output)
    return {
        "edit": output.edit_id,
        "index": output.index,
        "name": output.label,
        "prompt": edit.prompt,
        "facts": [[fact, value] for fact, value in _facts(output, change).items() if value],
        "width": output.width,
        "height": output.height,
        "input": main.name if main is not None and is_here else None,
        "changed": change.sentence if change is not None and change.figures else "",
        "heat": change is not None and change.heat is not None,
    }


def _facts(output: Output, change: Change | None) -> dict[str, str]:
    """What is known about it, by name; what is not known is empty."""
    edit = output.result.record
    said = "" if change is None else one_line(change.sentence, 400)
    is_measured = change is not None and bool(change.figures)
    return {
        "seed": "" if edit.seed is None else str(edit.seed),
        "size": f"{output.width}×{output.height}",
        "model": one_line(edit.model),
        "made from": one_line(", ".join(one.name for one in edit.inputs), 120),
        "region": one_line(edit.region.words) if edit.region else "",
        "changed": said if is_measured else "",
        "not measured": "" if is_measured else said,
        "time": "" if edit.duration is None else duration(edit.duration),
        "cost": paid(edit.cost, edit.provider, is_play=edit.is_play),
    }


def _change(output: Output) -> Change | None:
    """What was recorded of how it differs from its input."""
    return changes_of(output.result.record, output.result.library).get(output.index)


def _heat(output: Output) -> bytes:
    """The picture with where it changed laid over it; the picture itself where that cannot be shown."""
    change = _change(output)
    shown = None if change is None else heat_over(output.path, change)
    return whole(output.bytes) if shown is None else shown


def heat_over(source: Path | bytes | None, change: Change) -> bytes | None:
    """Return a picture with its heat map laid over it, as a WebP file; None where it cannot be shown."""
    [image] = load([source], [(VIEW_SIDE / 2, VIEW_SIDE / 2)])
    found = heated(image, change)
    return None if found is None else encode(found, quality=QUALITY)


WHAT: dict[str, Callable[[Output], bytes]] = {
    "full": lambda output: whole(output.bytes),
    "input": lambda output: whole(output.result.originals[0].source or b""),
    "heat": _heat,
    "file": lambda output: output.bytes,
}
"""What a front end may ask for: all pixels, what it was made from, where it changed laid over it, its own file."""


def answer(form: Form, outputs: Iterable[Output], message: Message) -> None:
    """
    Do what the viewer in the front end of a form asks about a picture; returns at once.

    Args:
        form: the form whose front end asked.
        outputs: the pictures that it may ask about, such as those of a result.
        message: `save`, or `view` with what is wanted: `facts`, `full`, `input`, `heat` or `file`.
    """
    output = asked_for(outputs, message)
    what = str(message.get("what"))
    if message["kind"] == "save":
        written = output.save(free_path(file_name(output)))
        form.emit("said", text=f"Saved as {written.name}, in the notebook's folder.", undo=False)
    elif what == "facts":
        form.emit("facts", **view_row(output))
    else:
        which = {"edit": output.edit_id, "index": output.index, "what": what, "name": file_name(output)}
        form.emit_made("large", lambda: WHAT[what](output), "view", **which)


def asked_for(outputs: Iterable[Output], message: Message) -> Output:
    """Return the picture that a message is about."""
    wanted = (int(message["edit"]), int(message["index"]))
    return next(one for one in outputs if (one.edit_id, one.index) == wanted)


def file_name(output: Output) -> str:
    """What a picture's file is called where it is written or downloaded."""
    return f"edit-{output.edit_id}-{output.index}{SUFFIXES.get(output.mime, '.png')}"


def free_path(name: str) -> Path:
    """Return a path in the notebook's folder where no file is: of this name, with a number where it must be."""
    wanted = Path(name)
    paths = (wanted.with_stem(f"{wanted.stem}{again}") for again in ("", *(f"-{number}" for number in range(2, 1000))))
    return next(path for path in paths if not path.exists())


# ── the inputs of a form ──────────────────────────────────────────────────────────────────────────────────


_BARE_HISTORY = re.compile(r"(?<![.\w])history\[([0-9]+)\]")
"""An edit without the module's name before it; the line of a cell says `edit:12`."""


@dataclass(frozen=True, slots=True)
class Slot:
    """
    One input picture.

    Args:
        image: the picture.
        operand: the word that stands for it on the line of a cell; None for an upload or a value without a name,
            which only gets one from an edit that was asked with it.
        note: a sentence about it, such as that it was scaled in the browser.
        key: names it in this process; equal pictures in two slots have two keys.
    """

    image: ImageInput
    operand: str | None = None
    note: str | None = None
    key: str = field(default_factory=new_key)


def namespace() -> Mapping[str, Any]:
    """The notebook's variables: kernels and marimo run cells in the module `__main__`."""
    return vars(sys.modules["__main__"])


def typed(text: str, session: Session, variables: Mapping[str, Any]) -> list[Slot]:
    """
    The pictures that the user named: paths, globs, URLs, variables, `edit:12[0]`, `nb.history[12][0]`, `_`.

    Raises:
        UsageError, VariableError, ImageError: one that cannot be read, found or used.
    """
    text = _BARE_HISTORY.sub(r"edit:\1", text.strip())
    if not text:
        raise UsageError("No picture was named.", "The field is empty.", "Type a path, a URL, a variable or an edit.")
    if _is_file(text):
        return _loaded(FileOperand(text), [text])
    words, _ = split(text)
    around = session.scope(variables)
    return [slot for word in words for operand in _single(read(word)) for slot in _looked_up(operand, around)]


def slots_of(sources: Iterable[Any], session: Session, variables: Mapping[str, Any]) -> list[Slot]:
    """Pictures as calls take them; texts may be anything that can be typed."""
    found: list[Slot] = []
    for source in sources:
        if isinstance(source, str):
            found += typed(source, session, variables)
        elif isinstance(source, EditResult | list | tuple):
            found += slots_of(source, session, variables)
        else:
            found += [Slot(image, _name_of(source)) for image in load_all([source])]
    return found


def operand_of(slot: Slot, store: Store) -> str:
    """
    The word for a picture on the line of a cell; an upload is named by an edit that was asked with it.

    Raises:
        UsageError: no edit was asked with it yet, so that it has no name.
    """
    if slot.operand is not None:
        return slot.operand
    for edit in store.filter(input=slot.image.identity, limit=20):
        asked = [record.identity for record in edit.inputs]
        if slot.image.identity in asked:  # it may also have been a mask
            return f"edit:{edit.id}.inputs[{asked.index(slot.image.identity)}]"
    raise UsageError(
        f"{slot.image.name} has no name that a cell could call it by.",
        "It was uploaded, and an upload is named by the edit that was asked with it.",
        "Run it once, then copy the cell; or give the picture as a path or a variable.",
    )


def expression_of(slot: Slot, store: Store) -> str:
    """
    The Python for a picture as an argument of `nb.edit`: what `operand_of` names, and raises what it does.

    >>> from nbbanana.images import ImageInput
    >>> asked = ImageInput("cup.png", "sha256:00")
    >>> [expression_of(Slot(asked, word), None) for word in ("edit:12[0]", "edit:12.inputs[1]", '"my cup.png"')]
    ['nb.history[12][0]', 'nb.history[12].originals[1]', "'my cup.png'"]
    """
    word = split(operand_of(slot, store))[0][0]
    operand = read(word)
    if isinstance(operand, EditOperand):
        place = "" if operand.index is None else f"[{operand.index}]"
        return f"nb.history[{operand.id}]{'.originals' if operand.inputs else ''}{place}"
    if isinstance(operand, NameOperand) and operand.name in namespace():
        return str(operand)
    return repr(fill(word.text, {}))


def _is_file(text: str) -> bool:
    try:
        return Path(text).expanduser().is_file()
    except (OSError, ValueError):
        return False


def _single(operand: Operand) -> Iterable[Operand]:
    """A glob as the files that it matches, so that each can be moved and named by itself."""
    if isinstance(operand, FileOperand) and is_glob(operand.text):
        return [FileOperand(path) for path in expand(operand.text)]
    return [operand]


def _looked_up(operand: Operand, around: Scope) -> list[Slot]:
    things = around.find(operand)
    if isinstance(operand, NameOperand | EditOperand) and operand.index == "*":
        numbered = enumerate(things)
        return [slot for number, thing in numbered for slot in _loaded(replace(operand, index=number), [thing])]
    return _loaded(operand, things)


def _loaded(operand: Operand, things: Sequence[Any]) -> list[Slot]:
    images = load_all(list(things))
    name = str(operand)
    if isinstance(operand, LastOperand):  # `_` is another edit tomorrow
        return [Slot(image, _name_of(thing)) for image, thing in zip(images, things, strict=True)]
    return [Slot(image, name if len(images) == 1 else None) for image in images]


def _name_of(source: Any) -> str | None:
    """What a cell calls a value, where it has a name of its own: an output by its edit, a path by itself."""
    if isinstance(source, Output):
        return f"edit:{source.edit_id}[{source.index}]"
    return str(FileOperand(str(source))) if isinstance(source, Path) else None
