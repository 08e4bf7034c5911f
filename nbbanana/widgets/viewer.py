"""One picture seen large: with all its pixels, beside its words, before and after its neighbours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from nbbanana.display import bundle
from nbbanana.display.words import duration, money
from nbbanana.errors import UsageError
from nbbanana.session import Output
from nbbanana.widgets import ui_thread
from nbbanana.widgets.base import Form, Message
from nbbanana.widgets.payloads import TILE_SIDE, Row
from nbbanana.widgets.thumbnails import Source, Thumbnails, blob_source, whole

__all__ = ["Viewer", "answer", "save_free", "view", "view_row"]

SUFFIXES = {"image/jpeg": ".jpg", "image/webp": ".webp"}
WHAT: dict[str, Callable[[Output], bytes]] = {
    "full": lambda output: whole(output.bytes),
    "input": lambda output: whole(output.result.originals[0].source or b""),
}
"""What a front end may ask for: a picture with all its pixels, and the one that it was made from."""


def view_row(output: Output) -> Row:
    """What stands beside a picture that is seen large."""
    edit = output.result.record
    facts = [f"seed {edit.seed}" if edit.seed is not None else "", f"{output.width}×{output.height}", edit.model]
    facts += [duration(edit.duration) if edit.duration is not None else "", money(edit.cost, edit.provider)]
    main, store = next(iter(edit.inputs), None), output.result.library.store
    is_here = main is not None and main.sha256 is not None and store.has_blob(main.sha256)
    return {
        "edit": output.edit_id,
        "index": output.index,
        "name": output.label,
        "file": f"edit-{output.edit_id}-{output.index}{SUFFIXES.get(output.mime, '.png')}",
        "prompt": edit.prompt,
        "facts": [fact for fact in facts if fact],
        "width": output.width,
        "height": output.height,
        "input": main.name if main is not None and is_here else None,
    }


def answer(form: Form, output: Output, message: Message) -> None:
    """
    Do what the viewer in the front end of a form asks about a picture; returns at once.

    Args:
        form: the form whose front end asked.
        output: the picture.
        message: `save`, or `view` with what is wanted: `facts`, `full` or `input`.
    """
    if message["kind"] == "save":
        form.emit("said", text=f"Saved as {save_free(output).name}, in the notebook's folder.", undo=False)
    elif message["what"] == "facts":
        form.emit("facts", **view_row(output))
    else:
        ui_thread.background(_send, form, output, str(message["what"]))


def _send(form: Form, output: Output, what: str) -> None:
    """Read a picture and send it to a front end; called in a background thread."""
    try:
        data = WHAT[what](output)
    except Exception as error:  # noqa: BLE001 - shown in the form, since no caller could
        ui_thread.post(form.show_error, error, "view")
        return
    which = {"edit": output.edit_id, "index": output.index, "what": what}
    ui_thread.post(lambda: form.emit("large", **which, buffers=[data]))


def save_free(output: Output) -> Path:
    """Write a picture into the notebook's folder under a name that is free there."""
    suffix = SUFFIXES.get(output.mime, ".png")
    stem = f"edit-{output.edit_id}-{output.index}"
    names = (Path(f"{stem}{again}{suffix}") for again in ("", *(f"-{number}" for number in range(2, 1000))))
    return output.save(next(name for name in names if not name.exists()))


class Viewer(Form, script="viewer/main.js", styles=("viewer.css",)):
    """
    Pictures seen large, one at a time: `nb.view(result)` opens it.

    >>> import nbbanana as nb
    >>> with nb.Session(provider="sandbox", store=getfixture("tmp_path")) as session:
    ...     shown = nb.view(session.edit("Make it snow.", nb.samples.still_life(), seed=7))
    >>> shown
    <Viewer history[1][0]>
    >>> shown.close()
    """

    title: ClassVar[str] = "Viewer"

    def __init__(self, outputs: Iterable[Output]) -> None:
        super().__init__()
        self.outputs = tuple(outputs)
        self.thumbnails = Thumbnails(self._thumbnail_made)

    def __repr__(self) -> str:
        return f"<Viewer {', '.join(output.label for output in self.outputs)}>"

    def still(self) -> tuple[str, str]:
        """The results that its pictures belong to."""
        results = {output.edit_id: output.result for output in self.outputs}
        found = [bundle(result.view())[0] for result in results.values()]
        return "".join(one["text/html"] for one in found), "\n\n".join(one["text/plain"] for one in found)

    def handle(self, kind: str, message: Message, buffers: Sequence[memoryview]) -> None:
        """Do what the front end asks."""
        if kind == "hello":
            self.thumbnails.forget()
            self.thumbnails.want(map(_source, self.outputs))
            self.emit("pictures", pictures=[view_row(one) | {"key": _source(one).key} for one in self.outputs])
        elif kind in {"view", "save"}:
            answer(self, self._find(message), message)

    def _thumbnail_made(self, key: str, data: bytes) -> None:
        """Called in a background thread."""
        ui_thread.post(lambda: self.emit("picture", key=key, buffers=[data]))

    def _find(self, message: Message) -> Output:
        wanted = (int(message["edit"]), int(message["index"]))
        return next(output for output in self.outputs if (output.edit_id, output.index) == wanted)


def _source(output: Output) -> Source:
    return blob_source(output.sha256, output.result.library.store, TILE_SIDE)


def view(*pictures: Any) -> Viewer:
    """
    See pictures large: whole or with their true pixels, next to their words, and their input while Space is held.

    Args:
        *pictures: outputs, results, or several results, such as `result.vary(…)` gives.

    Raises:
        UsageError: something else, or nothing that has a picture.
    """
    outputs = list(_outputs(pictures))
    if not outputs:
        raise UsageError("There is no picture to view.", "view() shows outputs of edits.", "Try: nb.view(result).")
    return Viewer(outputs)


def _outputs(sources: Iterable[Any]) -> Iterable[Output]:
    for source in sources:
        if isinstance(source, Output):
            yield source
        elif isinstance(source, Sequence) and not isinstance(source, str | bytes):
            yield from _outputs(source)
        else:
            raise UsageError(
                f"view() was given a value of type {type(source).__name__}.",
                "It shows outputs of edits.",
                "Try: nb.view(result), or nb.view(result[0]).",
            )
