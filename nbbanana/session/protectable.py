"""`protect`, as outputs and results have it: the original's pixels back where nothing should have changed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, NamedTuple, TypeVar, cast

from nbbanana.session.result_sets import Asker
from nbbanana.store import Store
from nbbanana.store.records import Edit

__all__ = ["Edited", "Protectable"]

Made = TypeVar("Made")


class Edited(NamedTuple):
    """An output with what is needed to put pixels back into it: who writes it down, its edit, its index, its name."""

    asker: Asker
    edit: Edit
    output: int
    label: str
    store: Store


class Protectable(ABC, Generic[Made]):
    """A picture into which the original's pixels can be put back: a base of `Output` and `EditResult`."""

    @abstractmethod
    def edited_picture(self) -> Edited:
        """Return the output that it is."""

    def protect(self, region: Any = None, *, outside: Any = None, original: Any = None) -> Made:
        """
        Put the original's pixels back where nothing should have changed. It is made here: no service is asked.

        The edited picture is laid on the original (shift, scale, a small turn), its tone matched to what is kept, and
        blended beside the seam, in what is not kept: every pixel that is kept is the original's, exactly. The new
        picture is an edit of its own in the history, with provider `local`; its caption says how well the seam fits.

        Args:
            region: what is kept of the original: a box (left, top, right and bottom as parts of it), boxes, words for
                a place such as "the upper half", `nb.region(…)`, or a mask (a picture in mode L or 1, or an array
                H×W), whose white is kept.
            outside: in place of `region`: all but this part is kept. Without either, it is the region of the edit.
            original: the picture whose pixels are kept, in place of the one that was asked with: in a chain of passes
                the very first, or the file where the service was given an address.

        Returns:
            A result of one PNG, of the original's size, 8 bits a channel, sRGB; transparent where it is kept and
            the original is. What was protected before stays so.

        Raises:
            MeasureError: the two cannot be laid on each other well enough, or a seam would show; its `reason` says
                which. Nothing is written then.
            NotInStoreError: one of the pictures is not in the store; in replay, this one was not made before.
            UsageError: it is not clear what is kept, the original is not here, or NumPy is not installed.
        """
        from nbbanana.session.protecting import protect

        return cast("Made", protect(*self.edited_picture(), region=region, outside=outside, original=original))
