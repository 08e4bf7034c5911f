"""What the viewer in the front end of any form asks about a picture: what stands beside it, its pixels, its file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from nbbanana.display.heat import heated
from nbbanana.display.thumbs import encode, load
from nbbanana.display.views import Change
from nbbanana.display.words import duration, paid
from nbbanana.session import Output
from nbbanana.session.view_builders import changes_of
from nbbanana.text import one_line
from nbbanana.widgets import ui_thread
from nbbanana.widgets.base import Form, Message
from nbbanana.widgets.payloads import Row
from nbbanana.widgets.thumbnail_cache import VIEW_SIDE, whole

__all__ = ["answer", "file_name", "save_free", "view_row"]

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
        "facts": [[fact, value] for fact, value in _facts(output, change) if value],
        "width": output.width,
        "height": output.height,
        "input": main.name if main is not None and is_here else None,
        "changed": change.sentence if change is not None and change.figures else "",
        "heat": change is not None and change.heat is not None,
    }


def _facts(output: Output, change: Change | None) -> Iterator[tuple[str, str]]:
    """Name and value of what is known about it; what is not known is empty."""
    edit = output.result.record
    yield "seed", "" if edit.seed is None else str(edit.seed)
    yield "size", f"{output.width}×{output.height}"
    yield "model", one_line(edit.model)
    yield "made from", one_line(", ".join(one.name for one in edit.inputs), 120)
    yield "region", one_line(edit.region.words) if edit.region else ""
    yield "changed", one_line(change.sentence, 400) if change is not None and change.figures else ""
    yield "not measured", one_line(change.sentence, 400) if change is not None and not change.figures else ""
    yield "time", "" if edit.duration is None else duration(edit.duration)
    yield "cost", paid(edit.cost, edit.provider, is_play=edit.is_play)


def _change(output: Output) -> Change | None:
    """What was recorded of how it differs from its input."""
    return changes_of(output.result.record, output.result.library).get(output.index)


def _heat(output: Output) -> bytes:
    """The picture with where it changed laid over it, as a WebP file; the picture itself where that cannot be shown."""
    change = _change(output)
    [image] = load([output.path], [(VIEW_SIDE / 2, VIEW_SIDE / 2)])
    found = None if change is None else heated(image, change)
    return whole(output.bytes) if found is None else encode(found, quality=QUALITY)


WHAT: dict[str, Callable[[Output], bytes]] = {
    "full": lambda output: whole(output.bytes),
    "input": lambda output: whole(output.result.originals[0].source or b""),
    "heat": _heat,
    "file": lambda output: output.bytes,
}
"""What a front end may ask for: all pixels, what it was made from, where it changed laid over it, its own file."""


def answer(form: Form, output: Output, message: Message) -> None:
    """
    Do what the viewer in the front end of a form asks about a picture; returns at once.

    Args:
        form: the form whose front end asked.
        output: the picture.
        message: `save`, or `view` with what is wanted: `facts`, `full`, `input`, `heat` or `file`.
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
    which = {"edit": output.edit_id, "index": output.index, "what": what, "name": file_name(output)}
    ui_thread.post(lambda: form.emit("large", **which, buffers=[data]))


def file_name(output: Output, again: str = "") -> str:
    """What a picture's file is called where it is written or downloaded."""
    return f"edit-{output.edit_id}-{output.index}{again}{SUFFIXES.get(output.mime, '.png')}"


def save_free(output: Output) -> Path:
    """Write a picture into the notebook's folder under a name that is free there."""
    names = (Path(file_name(output, again)) for again in ("", *(f"-{number}" for number in range(2, 1000))))
    return output.save(next(name for name in names if not name.exists()))
