"""Pictures compared: slider, side by side, flicker and difference, with one view for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations
from typing import TYPE_CHECKING, Any, ClassVar

from nbbanana.display import ComparisonView, comparison_bundle
from nbbanana.errors import NBBananaError
from nbbanana.images import inspect, thumbnail
from nbbanana.text import one_line
from nbbanana.widgets import ui_thread
from nbbanana.widgets.base import Form, Message
from nbbanana.widgets.comparison import Side, data_of, made_from, rows, same, sides_of, words

if TYPE_CHECKING:
    from nbbanana.widgets.payloads import Row

__all__ = ["Compare", "compare"]

VIEW_SIDE = 1600
"""Pixels of the longer side at which a picture travels; it is said where that is less than it has."""
AS_IT_IS = 4_000_000
"""Bytes up to which a file that a browser reads travels as it is, so that what is seen is exact."""
_BROWSER_READS = frozenset({"image/png", "image/jpeg", "image/webp"})


class Compare(Form, script="compare/main.js", styles=("compare.css",)):
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

    def __repr__(self) -> str:
        return one_line(f"<Compare {', '.join(side.picture.label for side in self.sides)}>")

    def still(self) -> tuple[str, str]:
        """The pictures small, after what differs."""
        between = words(*self.sides) if len(self.sides) == 2 else ()
        if any(kind in {"left", "right"} for kind, _ in between):
            between = ()  # the pictures' own captions say them
        pictures = tuple(side.picture for side in self.sides)
        bundle = comparison_bundle(ComparisonView(pictures, between, rows(self.sides), same(self.sides)))
        return bundle["text/html"], bundle["text/plain"]

    def heard(self, kind: str, message: Message, buffers: Sequence[memoryview]) -> None:
        """Tell a front end that is new all there is; a picture with all its pixels only where it asks for it."""
        if kind == "full":
            ui_thread.background(self._send_picture, int(message["side"]), whole)
        elif kind == "hello":
            self._tell_sides()
            for number in range(len(self.sides)):
                ui_thread.background(self._send_picture, number, seen)

    def _tell_sides(self) -> None:
        pairs = {f"{a}-{b}": (self.sides[a], self.sides[b]) for a, b in permutations(range(len(self.sides)), 2)}
        self.tell(
            "sides",
            sides=[_row(side) for side in self.sides],
            rows=[[name, values] for name, values in rows(self.sides)],
            same=same(self.sides),
            words={name: words(*pair) for name, pair in pairs.items()},
            made=[name for name, pair in pairs.items() if made_from(*pair)],
        )

    def _send_picture(self, number: int, made: Callable[[bytes], bytes]) -> None:
        """Send a picture as `seen` or `whole` makes it of its bytes; called in a background thread."""
        try:
            data = made(data_of(self.sides[number]))
        except (NBBananaError, OSError) as error:
            ui_thread.post(self.complain, error, "picture")
            return
        ui_thread.post(lambda: self.tell("picture", number=number, full=made is whole, buffers=[data]))


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


def seen(data: bytes) -> bytes:
    """
    What a browser is sent of a picture: its own bytes where it reads them and they are few, else a smaller copy.

    Raises:
        ImageError: no picture, damaged or too large.
    """
    info = inspect(data)
    is_small = max(info.width, info.height) <= VIEW_SIDE and len(data) <= AS_IT_IS
    if is_small and info.mime in _BROWSER_READS and not info.is_animated:
        return data
    return thumbnail(data, side=VIEW_SIDE, format="WEBP", quality=92)


def _row(side: Side) -> Row:
    picture = side.picture
    width, height = picture.width or 1, picture.height or 1
    return {
        "label": picture.label,
        "caption": picture.caption or picture.label,
        "width": width,
        "height": height,
        "sent": min(1.0, VIEW_SIDE / max(width, height)),
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
