"""What was measured of an edit, for lists and tables: a figure beside its other facts, and its sentences."""

from __future__ import annotations

from collections.abc import Sequence

from nbbanana.store.drift_records import OutputDrift, worst
from nbbanana.text import one_line

__all__ = ["drift_fact", "drift_words"]


def drift_fact(drifts: Sequence[OutputDrift]) -> str:
    """
    Return how much the worst output changed outside of what was to change: `drift 3.1 ΔE`; empty if that is not known.

    One that shows another scene than the input has no figure, and says so.
    """
    if any(drift.reason == "unrelated" for drift in drifts):
        return "drift: another scene"
    value = worst(drifts, "recoloured_outside")
    return "" if value is None else f"drift {value:.1f} ΔE"


def drift_words(drifts: Sequence[OutputDrift]) -> str | None:
    """Return what changed in words, with the number of each output where there are several; None if not measured."""
    if len(drifts) == 1 and drifts[0].index == 0:
        return one_line(drifts[0].sentence)
    return " ".join(f"[{drift.index}] {one_line(drift.sentence)}" for drift in drifts) or None
