"""Measuring edits that were made without it: what changed in their pictures goes into their records."""

from __future__ import annotations

from dataclasses import dataclass

from nbbanana.engine.output_drift import Measure, can_measure, keep, measure_output
from nbbanana.errors import UsageError
from nbbanana.settings import settings
from nbbanana.store import Store
from nbbanana.store.records import Edit

__all__ = ["Measured", "measure_missing", "with_figures"]

PAGE = 50


@dataclass(frozen=True, slots=True)
class Measured:
    """
    What measuring edits came to.

    Args:
        edits: of how many edits something was measured now.
        pictures: how many pictures have figures now.
        refused: of how many pictures it cannot be said what changed; their records say why.
        left: how many edits could not be measured: a picture of theirs is missing or damaged.

    >>> print(Measured(2, 5, 1, 0))
    2 edits were measured: 5 pictures have figures, of 1 nothing can be said.
    """

    edits: int
    pictures: int
    refused: int
    left: int

    def __str__(self) -> str:
        if not self.edits and not self.left:
            return "Nothing was left to measure."
        facts = [f"{self.pictures} picture{' has' if self.pictures == 1 else 's have'} figures"]
        facts += [f"of {self.refused} nothing can be said"] if self.refused else []
        facts += [f"{self.left} edit{'' if self.left == 1 else 's'} could not be measured"] if self.left else []
        return f"{self.edits} edit{' was' if self.edits == 1 else 's were'} measured: {', '.join(facts)}."

    __repr__ = __str__


def with_figures(store: Store, edit: Edit) -> Edit:
    """Measure an edit that was made here, unless the settings say not to, and return it with its figures."""
    measures = _measures(store, edit) if settings().measure and can_measure() else []
    return keep(store, edit, measures) if measures else edit


def _measures(store: Store, edit: Edit) -> list[Measure]:
    return [found for output in edit.outputs if (found := measure_output(store, edit, output)) is not None]


def measure_missing(store: Store, limit: int) -> Measured:
    """
    Measure the newest completed edits that have no figures; what was measured stays, whenever it is interrupted.

    Args:
        store: where they are.
        limit: at most so many edits.

    Raises:
        UsageError: NumPy is not installed, or the store was opened to be read.
        StoreError: the store cannot be written.
    """
    from nbbanana.measure import check_installed

    check_installed()
    if store.read_only:
        raise UsageError(
            "This history was opened to be read.", "What is measured is written down.", "Measure in the store itself."
        )
    edits = pictures = refused = left = 0
    before_id: int | None = None
    while edits < limit and (numbers := store.unmeasured(before_id, min(PAGE, limit - edits))):
        for edit in store.numbered(numbers):
            measures = _measures(store, edit)
            if measures:
                keep(store, edit, measures)
            edits, left = edits + bool(measures), left + (not measures)
            pictures += sum(drift.is_measured for drift, _ in measures)
            refused += sum(not drift.is_measured for drift, _ in measures)
        before_id = numbers[-1]
    return Measured(edits, pictures, refused, left)
