"""`nb.diff`: what is unlike between two edits or two pictures."""

from __future__ import annotations

import operator
from typing import Any

from nbbanana.session.changes import Compared, Diff, recorded
from nbbanana.session.jobs import Job
from nbbanana.session.pixel_pairs import side_of
from nbbanana.session.results import EditResult, Output
from nbbanana.session.session import current

__all__ = ["diff"]


def diff(left: Any, right: Any) -> Diff:
    """
    Return what is unlike between two edits, or two pictures: words, parameters, inputs and pixels, in one view.

    Args:
        left: the one before: a result, an output, the number of an edit in the history, a job that is over, or any
            other picture that `nb.edit` takes but a URL. Of a picture that is no edit's, only pixels are compared.
        right: the one after, likewise.

    Raises:
        NotInStoreError: no such edit.
        VariableError: a job that is under way.
        ImageError: no picture, damaged, too large, or a URL.

    >>> import nbbanana as nb
    >>> before = nb.samples.still_life((320, 240))
    >>> after = before.copy()
    >>> after.paste("crimson", (200, 20, 290, 90))
    >>> found = nb.diff(before, after)
    >>> found.pixels[0].sentence
    'The upper right redrawn.'
    """
    return Diff(_compared(left), _compared(right))


def _compared(value: Any) -> Compared:
    if isinstance(value, EditResult | Output | Job) or _is_number(value):
        return recorded(value, lambda number: current().history[number])
    return side_of(value, "nb.diff()")


def _is_number(value: Any) -> bool:
    """Return whether it is a whole number, whatever library made it; a picture is none."""
    try:
        operator.index(value)
    except TypeError:
        return False
    return not isinstance(value, bool)
