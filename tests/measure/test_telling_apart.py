"""
The three numbers tell apart what they are for, where naive ones do not.

Pairs are made by known edits of photographs (`support.measuring`); a third of the photographs was held out until the
rule was finished. The quick form takes a few of them; the long form (`-m nightly -s`) takes all and prints the table of
docs/explanation/measuring.md.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from support.measuring.cases import mean_colour, naive, patch_pairs, redrawn, score, text_pairs, tone_pairs
from support.measuring.edits import Pair
from support.measuring.judging import auc, interval, slope
from support.measuring.photographs import HELD_OUT, KNOWN, SETS, photograph
from support.measuring.together import slightly_moved
from support.tiers import scaled

from nbbanana.measure import drift

Numbers = list[dict[str, float]]
NAIVE = ("naive SSIM", "MAE", "pHash")
IS_REDRAWN = 0.3


def photographs(names: Iterable[str], side: int = 768) -> dict:
    """Photographs by name, at most so large."""
    found = {name: photograph(name).copy() for name in names}
    for picture in found.values():
        picture.thumbnail((side, side))
    return found


def judged(pairs: Iterable[tuple[str, Pair, Pair]]) -> tuple[Numbers, Numbers, list[tuple[float, float]], list[float]]:
    """The numbers of pairs without and with an edit; true and found area of it; its mean ΔE00."""
    without, with_, areas, differences = [], [], [], []
    for _, plain, edited in pairs:
        without.append(score(plain).numbers)
        with_.append(score(edited).numbers)
        areas.append((float(edited.redrawn.mean()), with_[-1]["area"]))
        differences.append(mean_colour(plain.after, edited.after, edited.redrawn))
    return without, with_, areas, differences


def row(label: str, number: str, without: Numbers, with_: Numbers) -> float:
    """Print how well a number tells pairs apart, with its interval; return it."""
    area = auc([one[number] for one in with_], [one[number] for one in without])
    low, high = interval(area, len(with_), len(without))
    print(f"{label:22s} {number:10s} AUC {area:.3f} ({low:.3f} to {high:.3f}), {len(with_)} + {len(without)} pairs")
    return area


@pytest.mark.nightly
def test_a_patch_of_three_percent_is_seen_under_jpeg_a_shift_and_another_tone() -> None:
    """The quick form: each patched pair is above each other pair, where naive SSIM is near chance."""
    without, with_ = [], []
    for _, plain, edited in patch_pairs(photographs(KNOWN[::2] + HELD_OUT[:2], 320), 1):
        for numbers, pair in ((without, plain), (with_, edited)):
            numbers.append({"redrawn": redrawn(drift(pair.before, pair.after))[0]} | naive(pair))
    assert row("patch 3 %", "redrawn", without, with_) >= 0.98
    assert row("patch 3 %", "naive SSIM", without, with_) < 0.75
    assert sum(one["redrawn"] > IS_REDRAWN for one in without) == 0


@pytest.mark.nightly
@pytest.mark.timeout(0)
@pytest.mark.parametrize("names", SETS)
@pytest.mark.parametrize(
    ("label", "part", "kind", "times", "least"),
    [
        ("patch 3 %", 0.03, "patch", 0.6, 0.98),
        ("patch 1 %", 0.01, "patch", 0.3, 0.95),
        ("removed 3 %", 0.03, "removed", 0.3, 0.85),
    ],
)
def test_what_was_redrawn_is_told_apart(names, label: str, part: float, kind: str, times: float, least: float) -> None:
    """Under the same JPEG q85, 2 px shift and change of tone; with the calibration of the area."""
    print()
    without, with_, areas, differences = judged(patch_pairs(photographs(names), scaled(times), part, kind))
    found = {number: row(label, number, without, with_) for number in ("redrawn", "area", *NAIVE)}
    true, said = np.array(areas).T
    print(f"area: found / true {slope(true, said)[0]:.2f}, off by {slope(true, said)[1]:.4f} of {true.mean():.4f}")
    flagged = [np.mean([one["redrawn"] > IS_REDRAWN for one in numbers]) for numbers in (with_, without)]
    print(f"said to be redrawn: {flagged[0]:.1%} with, {flagged[1]:.1%} without")
    print(f"median ΔE00 of what was redrawn: {np.median(differences):.1f}")
    assert found["redrawn"] >= least
    assert found["naive SSIM"] < 0.75
    assert flagged[1] <= 0.05


@pytest.mark.nightly
@pytest.mark.timeout(0)
@pytest.mark.parametrize("names", SETS)
def test_other_words_on_a_label_are_told_apart(names) -> None:
    """Against the same words, under JPEG q85 and a change of tone."""
    print()
    without, with_, _, differences = judged(text_pairs(photographs(names), scaled(0.3)))
    found = {number: row("text swap", number, without, with_) for number in ("redrawn", *NAIVE)}
    print(f"median ΔE00 of the label {np.median(differences):.1f}")
    assert found["redrawn"] >= 0.95


@pytest.mark.nightly
@pytest.mark.timeout(0)
@pytest.mark.parametrize("names", SETS)
def test_what_was_recoloured_is_told_apart_and_measured(names) -> None:
    """A change of tone against none, under JPEG q85 and a shift; `redrawn` and `moved` do not answer to it."""
    print()
    without, with_, true = [], [], []
    for _, plain, edited, difference in tone_pairs(photographs(names), scaled(0.4)):
        without.append(score(plain).numbers)
        with_.append(score(edited).numbers)
        true.append(difference)
    found = {
        number: row("change of tone", number, without, with_) for number in ("recoloured", "redrawn", "moved", *NAIVE)
    }
    ratio, off = slope(true, [one["recoloured"] for one in with_])
    print(f"ΔE00: found / true {ratio:.3f}, off by {off:.2f} of {np.mean(true):.2f}")
    assert found["recoloured"] >= 0.97
    assert found["redrawn"] == pytest.approx(0.5, abs=0.15)
    assert ratio == pytest.approx(1, abs=0.05)


@pytest.mark.nightly
def test_a_small_move_is_seen_under_jpeg_another_tone_and_a_patch() -> None:
    """The quick form: each pair that moved is above each that did not, which stay below the floor."""
    without, with_ = [], []
    for _, still, other, _ in slightly_moved(photographs(KNOWN[:2] + HELD_OUT[4:], 320), 3):
        for numbers, pair in ((without, still), (with_, other)):
            corner = drift(pair.before, pair.after).moved.corner
            numbers.append({"moved": corner.value, "is above": corner.is_above} | naive(pair))
    assert row("small move", "moved", without, with_) == 1.0
    assert row("small move", "naive SSIM", without, with_) < 0.9
    assert not any(one["is above"] for one in without)


@pytest.mark.nightly
@pytest.mark.timeout(0)
@pytest.mark.parametrize("names", SETS)
def test_what_moved_is_told_apart_and_measured(names) -> None:
    """By 0.3 to 3 px, 0.2 % or 0.2°, against not at all; both under a change of tone, JPEG and half with a patch."""
    print()
    without, with_, true, said = [], [], [], []
    for _, still, other, far in slightly_moved(photographs(names), scaled(0.6)):
        pair = score(still), score(other)
        without.append(pair[0].numbers)
        with_.append(pair[1].numbers)
        true.append(far)
        said.append([one.drift.moved.corner.is_above for one in pair])
    found = {number: row("small move", number, without, with_) for number in ("moved", "recoloured", "redrawn", *NAIVE)}
    ratio, off = slope(true, [one["moved"] for one in with_])
    print(f"pixels at the corner: found / true {ratio:.3f}, off by {off:.3f} of {np.mean(true):.2f}")
    flagged = np.mean(said, axis=0)
    print(f"said to have moved: {flagged[1]:.1%} that did, {flagged[0]:.1%} that did not")
    assert found["moved"] >= 0.99
    assert found["redrawn"] == pytest.approx(0.5, abs=0.15)
    assert ratio == pytest.approx(1, abs=0.03)
    assert flagged[0] <= 0.05


def test_intervals_are_those_of_the_paper_and_never_vanish() -> None:
    """Perfect telling apart of few pairs says little; of many, more. Half is chance."""
    few, many = interval(1.0, 5, 5), interval(1.0, 100, 100)
    assert few[1] == many[1] == 1.0
    assert few[0] < 0.75
    assert 0.97 < many[0] < 1.0
    low, high = interval(0.5, 40, 40)
    assert low < 0.5 < high
    assert high - low == pytest.approx(0.25, abs=0.03)
    assert auc([1, 2, 3], [0, 1, 2]) == pytest.approx((3 * 3 - 1 - 2 * 0.5) / 9)
