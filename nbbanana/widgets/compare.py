"""Pictures compared: slider, side by side, flicker and difference, with one view for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations
from typing import TYPE_CHECKING, Any, ClassVar

from nbbanana.display import ComparisonView, comparison_bundle
from nbbanana.session.changes import pair_view
from nbbanana.session.pixel_pairs import PixelPair, Side, data_of
from nbbanana.text import one_line
from nbbanana.widgets import ui_thread
from nbbanana.widgets.base import Form, Message, error_lines
from nbbanana.widgets.comparison import made_from, rows, same, sides_of, words
from nbbanana.widgets.pixel_figures import figures_of, heat_of
from nbbanana.widgets.thumbnail_cache import VIEW_SIDE, seen, whole
from nbbanana.widgets.viewing import answer

if TYPE_CHECKING:
    from nbbanana.widgets.payloads import Row

__all__ = ["Compare", "compare"]


class Compare(Form, script="compare/main.js", styles=("compare.css", "viewer.css")):
    """
    Two to six pictures compared: `nb.compare(a, b)` opens it.

    >>> import nbbanana as nb
    >>> shown = nb.compare(nb.samples.still_life((64, 48)), nb.samples.still_life((96, 72)))
    >>> shown
    <Compare image 64×48 RGB, image 96×72 RGB>
    >>> shown.close()
    """

    title: ClassVar[str] = "Compare"

    def __init__(self, sides: Sequence[Side]) -> None:
        super().__init__()
        self.sides = tuple(sides)
        self._pairs: dict[tuple[int, int], PixelPair] = {}

    def __repr__(self) -> str:
        return one_line(f"<Compare {', '.join(side.picture.label for side in self.sides)}>")

    def still(self) -> tuple[str, str]:
        """The pictures small, after what differs; the pixels of the first two are measured unless this may not wait."""
        between = words(*self.sides) if len(self.sides) == 2 else ()
        if any(kind in {"left", "right"} for kind, _ in between):
            between = ()  # the pictures' own captions say them
        pictures = tuple(side.picture for side in self.sides)
        first = self._pair(0, 1)
        pair = None if ui_thread.is_ui_thread() and not first.is_measured else pair_view(first)
        bundle = comparison_bundle(ComparisonView(pictures, between, rows(self.sides), same(self.sides), pair))
        return bundle["text/html"], bundle["text/plain"]

    def handle(self, kind: str, message: Message, buffers: Sequence[memoryview]) -> None:
        """Tell a front end that is new all there is; a picture with all its pixels only where it asks for it."""
        if kind in {"view", "save"}:
            wanted = (int(message["edit"]), int(message["index"]))
            outputs = [side.output for side in self.sides if side.output]
            answer(self, next(one for one in outputs if (one.edit_id, one.index) == wanted), message)
        elif kind == "measure":
            self._measure(int(message["left"]), int(message["right"]))
        elif kind == "full":
            self._send_picture(int(message["side"]), whole)
        elif kind == "hello":
            self._tell_sides()
            for number in range(len(self.sides)):
                self._send_picture(number, seen)

    def _pair(self, left: int, right: int) -> PixelPair:
        """Return two of the pictures, whose pixels are measured once however often they are asked for."""
        found = self._pairs.get((left, right))
        if found is None or (found.left, found.right) != (self.sides[left], self.sides[right]):
            found = self._pairs[left, right] = PixelPair(self.sides[left], self.sides[right])
        return found

    def _measure(self, left: int, right: int) -> None:
        """Send what changed between the pixels of two pictures; measured in a background thread, returns at once."""
        pair = self._pair(left, right)

        def work() -> None:
            """Measure, and leave what came of it for the UI thread."""
            try:
                said, heat = figures_of(pair), heat_of(pair)
            except Exception as error:  # noqa: BLE001 - shown in the form, since no caller could
                said, heat = {"sentence": " ".join(error_lines(error)), "heads": [], "rows": []}, None
            buffers = [] if heat is None else [heat]
            ui_thread.post(
                lambda: self.emit("measured", left=left, right=right, is_hot=bool(buffers), **said, buffers=buffers)
            )

        ui_thread.background(work)

    def _tell_sides(self) -> None:
        pairs = {f"{a}-{b}": (self.sides[a], self.sides[b]) for a, b in permutations(range(len(self.sides)), 2)}
        self.emit(
            "sides",
            sides=[_row(side) for side in self.sides],
            rows=[[name, values] for name, values in rows(self.sides)],
            same=same(self.sides),
            words={name: words(*pair) for name, pair in pairs.items()},
            made=[name for name, pair in pairs.items() if made_from(*pair)],
        )

    def _send_picture(self, number: int, made: Callable[[bytes], bytes]) -> None:
        """Send a picture as `seen` or `whole` makes it of its bytes; returns at once."""
        side = self.sides[number]
        self.emit_made("picture", lambda: made(data_of(side)), number=number, full=made is whole)


def _row(side: Side) -> Row:
    picture = side.picture
    width, height = picture.width or 1, picture.height or 1
    return {
        "label": picture.label,
        "caption": picture.caption or picture.label,
        "width": width,
        "height": height,
        "sent": min(1.0, VIEW_SIDE / max(width, height)),
        "output": None if side.output is None else {"edit": side.output.edit_id, "index": side.output.index},
    }


def compare(*pictures: Any) -> Compare:
    """
    Compare pictures: slider, side by side, flicker and difference, zoomed and moved together.

    Args:
        *pictures: two to six: outputs, results with one output, or whatever `nb.edit` takes but URLs. One output
            alone is compared with its input, a result alone shows its outputs. What differs stands below them.

    Raises:
        UsageError: fewer than two or more than six, or a result of several outputs.
        ImageError: not a picture, damaged, too large, or a URL.
    """
    return Compare(sides_of(pictures))
