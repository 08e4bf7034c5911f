"""`OutputDrift`: what changed from the first input of an edit to one of its outputs, as it stands in a record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["FIGURES", "DriftFigure", "OutputDrift", "worst"]

DriftFigure = Literal["moved", "recoloured_outside", "redrawn_outside", "recoloured_inside", "redrawn_inside"]
FIGURES: dict[DriftFigure, tuple[str, str]] = {
    "moved": ("moved", "corner"),
    "recoloured_outside": ("outside", "recoloured"),
    "redrawn_outside": ("outside", "redrawn"),
    "recoloured_inside": ("inside", "recoloured"),
    "redrawn_inside": ("inside", "redrawn"),
}
"""The figures that have a column of their own, and where they stand in the JSON of `Drift.as_json`."""


@dataclass(frozen=True, slots=True)
class OutputDrift:
    """
    What was measured of one output of an edit; see docs/explanation/measuring.md for what the figures mean.

    Args:
        index: the output.
        against: SHA-256 of the picture that it was measured against.
        sentence: what changed, or why that cannot be said.
        reason: why it was refused, as the `reason` of a MeasureError; None where it was measured.
        figures: what `Drift.as_json` gave; None where it was refused.

    >>> figures = {"moved": {"corner": {"value": 2.0, "floor": 0.1}}, "outside": None, "inside": None}
    >>> one = OutputDrift(0, "ab" * 32, "Moved 2.0 px.", figures=figures)
    >>> one.moved, one.recoloured_outside, one.floor("moved"), one.is_above("moved")
    (2.0, None, 0.1, True)
    """

    index: int
    against: str
    sentence: str
    reason: str | None = None
    figures: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def is_measured(self) -> bool:
        """Whether there are figures."""
        return self.figures is not None

    @property
    def reach(self) -> tuple[float, float]:
        """How far the tiles of the heat map reach over the first picture, across and down: 1, or a little less."""
        found = _at(self.figures, "frame", "reach")
        across, down = found if isinstance(found, list | tuple) and len(found) == 2 else (1.0, 1.0)
        return float(across), float(down)

    @property
    def moved(self) -> float | None:
        """Pixels of the first picture by which the corner moved that moved most."""
        return self.value("moved")

    @property
    def recoloured_outside(self) -> float | None:
        """Mean ΔE00 outside of what was to change; None where that was measured nowhere."""
        return self.value("recoloured_outside")

    @property
    def redrawn_outside(self) -> float | None:
        """How far the most changed place outside was redrawn, 0 to 1."""
        return self.value("redrawn_outside")

    @property
    def recoloured_inside(self) -> float | None:
        """Mean ΔE00 inside of what was to change."""
        return self.value("recoloured_inside")

    @property
    def redrawn_inside(self) -> float | None:
        """How far the most changed place inside was redrawn, 0 to 1."""
        return self.value("redrawn_inside")

    def value(self, name: DriftFigure) -> float | None:
        """Return a figure by its name; None where it was not measured."""
        return self._number(name, "value")

    def floor(self, name: DriftFigure) -> float | None:
        """Return what noise alone gives for a figure; None where it was not measured."""
        return self._number(name, "floor")

    def is_above(self, name: DriftFigure) -> bool:
        """Return whether a figure is more than noise."""
        value, floor = self.value(name), self.floor(name)
        return value is not None and floor is not None and value > floor

    def _number(self, name: DriftFigure, which: str) -> float | None:
        found = _at(self.figures, *FIGURES[name], which)
        return float(found) if isinstance(found, int | float) else None


def _at(value: Any, *names: str) -> Any:
    """Return what stands at a place of a JSON value; None where nothing does: the file of a store may be another's."""
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def worst(drifts: Iterable[OutputDrift], name: DriftFigure) -> float | None:
    """Return the largest value of a figure among the outputs of an edit; None where it was measured for none."""
    return max((value for drift in drifts if (value := drift.value(name)) is not None), default=None)
