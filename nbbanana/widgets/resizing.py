"""What sending does to a picture, found out before it is sent: a large one is scaled down, and that is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nbbanana.errors import NBBananaError
from nbbanana.images import prepare
from nbbanana.images.kinds import MAX_UPLOAD_BYTES
from nbbanana.widgets import desk

if TYPE_CHECKING:
    from nbbanana.images import ImageInput

__all__ = ["Resizing"]


class Resizing:
    """
    Notes about pictures that will be scaled. Called at the desk.

    Args:
        found: called at the desk when there is a note that was not there before.
    """

    def __init__(self, found: Callable[[], None]) -> None:
        self._found: Callable[[], None] | None = found
        self._notes: dict[str, str | None] = {}

    def note(self, image: ImageInput) -> str | None:
        """The sentence about a picture; None while there is none, or none yet."""
        if image.identity not in self._notes and _may_be_large(image):
            self._notes[image.identity] = None
            desk.work(self._prepare, image)
        return self._notes.get(image.identity)

    def close(self) -> None:
        """Tell nothing any more."""
        self._found = None

    def _prepare(self, image: ImageInput) -> None:
        """Beside the desk: the only way to know how large a PNG becomes is to make it."""
        try:
            note = prepare([image])[0].note
        except NBBananaError as error:
            note = f"{error.what} {error.why}"
        if note:
            desk.post(self._arrived, image.identity, note)

    def _arrived(self, identity: str, note: str) -> None:
        self._notes[identity] = note
        if self._found is not None:
            self._found()


def _may_be_large(image: ImageInput) -> bool:
    """Whether its PNG can be over the limit at all: four bytes a pixel at most, or damaged or animated."""
    if image.source is None:
        return False
    return (image.width or 0) * (image.height or 0) * 4 > MAX_UPLOAD_BYTES or image.format in {"GIF", "TIFF", "WEBP"}
