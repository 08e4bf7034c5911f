"""One picture seen large: with all its pixels, beside its words, before and after its neighbours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from nbbanana.display import bundle, note_bundle
from nbbanana.errors import UsageError
from nbbanana.session import Output
from nbbanana.widgets import ui_thread
from nbbanana.widgets.base import Form, Message
from nbbanana.widgets.compare import Compare
from nbbanana.widgets.comparison import sides_of
from nbbanana.widgets.payloads import TILE_SIDE
from nbbanana.widgets.thumbnail_cache import Source, Thumbnails, blob_source
from nbbanana.widgets.viewing import answer, view_row

__all__ = ["Viewer", "view"]

MOST_SAVED = 6
"""So many results are saved with the notebook."""


class Viewer(Form, script="viewer/main.js", styles=("viewer.css",)):
    """
    Pictures seen large, one at a time: `nb.view(result)` opens it.

    >>> import nbbanana as nb
    >>> with nb.Session(provider="sandbox", store=getfixture("tmp_path")) as session:
    ...     shown = nb.view(session.edit("Make it snow.", nb.samples.still_life(), seed=7))
    >>> shown
    <Viewer nbbanana.history[1][0]>
    >>> shown.close()
    """

    title: ClassVar[str] = "Viewer"

    def __init__(self, outputs: Iterable[Output]) -> None:
        super().__init__()
        self.outputs = tuple(outputs)
        self.thumbnails = Thumbnails(self._thumbnail_made)
        self.comparison = Compare(())  # made here, in the thread of the cell

    def __repr__(self) -> str:
        return f"<Viewer {', '.join(output.label for output in self.outputs)}>"

    def still(self) -> tuple[str, str]:
        """The results that its pictures belong to; of many the first few, for each of their pictures is decoded."""
        results = list({output.edit_id: output.result for output in self.outputs}.values())
        found = [bundle(result.view())[0] for result in results[:MOST_SAVED]]
        if len(results) > MOST_SAVED:
            found.append(note_bundle(f"{len(results) - MOST_SAVED} more results are not shown here."))
        return "".join(one["text/html"] for one in found), "\n\n".join(one["text/plain"] for one in found)

    def handle(self, kind: str, message: Message, buffers: Sequence[memoryview]) -> None:
        """Do what the front end asks."""
        if kind == "hello":
            self.thumbnails.forget()
            self.thumbnails.want(map(_source, self.outputs))
            self.emit("pictures", pictures=[view_row(one) | {"key": _source(one).key} for one in self.outputs])
        elif kind in {"view", "save"}:
            answer(self, self._find(message), message)
        elif kind == "compare":
            self.comparison.sides = sides_of([self._find(message)])
            self.emit("compare", model=self.comparison.model_id)

    def on_close(self) -> None:
        """End the comparison with it."""
        self.comparison.close()

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
