"""
Of edits alone and together, each of the three numbers answers to its own cause and to no other.

All eight combinations of a move, a change of tone and a repainted part, under JPEG at quality 85, of every photograph;
the quick form takes three of them. `-m nightly -s` prints the tables of docs/explanation/measuring.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import pytest
from support.measuring.cases import redrawn
from support.measuring.judging import auc, interval, slope
from support.measuring.photographs import SETS, photograph
from support.measuring.together import CAUSES, MOVES, REPAINTINGS, Edit, edits
from support.tiers import scaled

from nbbanana.measure import Drift, drift


class Judged(NamedTuple):
    """An edit, the three numbers as measured, and which of them are above their floors."""

    edit: Edit
    numbers: dict[str, float]
    said: frozenset[str]

    def stated(self, cause: str) -> float:
        """A number where it is above its floor, and nothing where it is not: what a reader is told."""
        return self.numbers[cause] if cause in self.said else 0.0


def judged(names: Iterable[str], times: int, side: int) -> list[Judged]:
    """Edits of photographs, as they are measured without a region."""
    photographs = {name: photograph(name).copy() for name in names}
    for picture in photographs.values():
        picture.thumbnail((side, side))
    return [_judged(edit) for _, edit in edits(photographs, times)]


def _judged(edit: Edit) -> Judged:
    found = drift(edit.pair.before, edit.pair.after)
    above = (found.moved.corner.is_above, found.outside.recoloured.is_above, _is_redrawn(found))
    numbers = {
        "moved": found.moved.corner.value,
        "recoloured": found.outside.recoloured.value,
        "redrawn": redrawn(found)[0],
        "area": redrawn(found)[1],
    }
    return Judged(edit, numbers, frozenset(cause for cause, is_above in zip(CAUSES, above, strict=True) if is_above))


def _is_redrawn(found: Drift) -> bool:
    return any(part.redrawn.is_above for part in (found.outside, found.inside) if part)


@pytest.mark.nightly
def test_each_number_answers_to_its_own_cause_only() -> None:
    """The quick form: what is said of all eight combinations is what was done, and how much."""
    for one in judged(("astronaut", "coffee", "chelsea"), 1, 320):
        assert one.said == one.edit.causes
        assert one.numbers["moved"] == pytest.approx(one.edit.true["moved"], abs=0.1)
        assert one.numbers["recoloured"] == pytest.approx(one.edit.true["recoloured"], abs=0.6)
        assert one.numbers["area"] == pytest.approx(one.edit.true["redrawn"], abs=0.02)


@pytest.mark.nightly
@pytest.mark.timeout(0)
@pytest.mark.parametrize("names", SETS)
def test_edits_alone_and_together_are_told_apart(names) -> None:
    """Of all photographs: what is said of each combination, and how each number answers to each cause."""
    times = scaled(0.8)
    found = judged(names if times > 2 else names[::2], times, 768)  # a short run takes every second photograph
    print()
    for causes in sorted({one.edit.causes for one in found}, key=lambda causes: (len(causes), sorted(causes))):
        of_these = [one for one in found if one.edit.causes == causes]
        print_shares(" + ".join(cause for cause in CAUSES if cause in causes) or "JPEG alone", of_these)
        for cause in CAUSES:
            wrong = sum((cause in one.said) != (cause in causes) for one in of_these)
            assert wrong <= 2 + 0.1 * len(of_these), (causes, cause)  # of a few, two photographs are many
    print_kinds(found)
    for number in CAUSES:
        for cause in CAUSES:
            area, low, high = told_apart(found, cause, lambda one, number=number: one.stated(number))
            raw, _, _ = told_apart(found, cause, lambda one, number=number: one.numbers[number])
            print(f"{number:10s} by whether it was {cause:10s} AUC {area:.3f} ({low:.3f} to {high:.3f}); raw {raw:.3f}")
            few = 1 / len(found)
            assert area > 0.95 - 8 * few if number == cause else area == pytest.approx(0.5, abs=0.06 + 8 * few)
    print_calibration(found)


def told_apart(found: list[Judged], cause: str, number: Callable[[Judged], float]) -> tuple[float, float, float]:
    """
    How well a number tells pairs with a cause from those without: the mean area over the combinations of the others.

    Its interval is that of as many pairs as one combination has.
    """
    areas, counts = [], []
    for others in {one.edit.causes - {cause} for one in found}:
        with_ = [number(one) for one in found if one.edit.causes == others | {cause}]
        without = [number(one) for one in found if one.edit.causes == others]
        areas.append(auc(with_, without))
        counts.append(len(with_))
    return float(np.mean(areas)), *interval(float(np.mean(areas)), min(counts), min(counts))


def print_shares(label: str, found: list[Judged]) -> None:
    """Print of how many pairs each number is above its floor; a short run may have none of a kind."""
    if not found:
        return
    shares = ", ".join(f"{cause} {np.mean([cause in one.said for one in found]):.1%}" for cause in CAUSES)
    print(f"{label:32s} {len(found):4d} pairs said to be: {shares}")


def print_kinds(found: list[Judged]) -> None:
    """Print the same for each kind of an edit alone, and for some kinds together."""
    for at, cause, kinds in ((0, "moved", MOVES), (1, "redrawn", REPAINTINGS)):
        alone = [one for one in found if one.edit.causes == {cause}]
        for kind in kinds:
            print_shares(f"{kind} alone", [one for one in alone if one.edit.kinds[at] == kind])
    together = [one for one in found if len(one.edit.causes) == len(CAUSES)]
    for pair in sorted({one.edit.kinds for one in together}):
        print_shares(" + ".join((*pair, "tone")), [one for one in together if one.edit.kinds == pair])


def print_calibration(found: list[Judged]) -> None:
    """Print found against true numbers, of the pairs with that cause, alone and with others."""
    for cause, number in (("moved", "moved"), ("recoloured", "recoloured"), ("redrawn", "area")):
        for label, those in (
            ("alone", [one for one in found if one.edit.causes == {cause}]),
            ("with both others", [one for one in found if len(one.edit.causes) == 3]),
        ):
            true = [one.edit.true[cause] for one in those]
            ratio, off = slope(true, [one.numbers[number] for one in those])
            print(f"{cause} {label}: found / true {ratio:.3f}, off by {off:.4f} of {np.mean(true):.4f}")
