"""SSIM and ΔE00 are those of the field: scikit-image is the oracle. A change of tone is found among patches."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.color
import skimage.metrics
from hypothesis import given
from hypothesis import strategies as st
from support.measuring.edits import jpeg, retoned
from support.measuring.photographs import photograph

from nbbanana.measure.comparison import redrawn_parts
from nbbanana.measure.pixels import averaged, grey, tiled
from nbbanana.measure.similarity import ssim
from nbbanana.measure.tone import delta_e, fitted_tone, lab

colours = st.tuples(*[st.integers(0, 255)] * 3)


def test_ssim_is_that_of_scikit_image() -> None:
    """Gaussian window, no sample covariance: to five digits, for encoded, toned and unrelated pictures."""
    photo = photograph("coffee")
    for other in (
        jpeg(photo, 40),
        retoned(photo, np.random.default_rng(0)),
        photograph("astronaut").resize(photo.size),
    ):
        one, two = grey(photo), grey(other)
        theirs = skimage.metrics.structural_similarity(
            one, two, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
        )
        assert ssim(one, two) == pytest.approx(theirs, abs=2e-5)


@given(colours, colours)
def test_differences_of_colours_are_those_of_scikit_image(one, other) -> None:
    """L*a*b* and ΔE00 of any two colours."""
    first, second = np.asarray(one, float), np.asarray(other, float)
    mine, theirs = lab(first), skimage.color.rgb2lab(first / 255)
    assert mine == pytest.approx(theirs, abs=0.05)
    expected = skimage.color.deltaE_ciede2000(mine, lab(second))
    assert float(delta_e(mine, lab(second))) == pytest.approx(float(expected), abs=1e-6)


@given(colours, colours)
def test_a_difference_of_colours_is_the_same_both_ways(one, other) -> None:
    """Law: symmetric, and zero for the same colour."""
    first, second = lab(np.asarray(one, float)), lab(np.asarray(other, float))
    assert float(delta_e(first, second)) == pytest.approx(float(delta_e(second, first)), abs=1e-9)
    assert float(delta_e(first, first)) == 0


def test_a_change_of_tone_is_found_though_a_third_of_the_tiles_are_others() -> None:
    """Gamma, contrast and white balance to within a level and a half, in the colours that the picture has."""
    photo = photograph("astronaut")
    toned = retoned(photo, np.random.default_rng(5))
    before, after = (tiled(np.asarray(image, np.float32), 8).reshape(-1, 3) for image in (photo, toned))
    spoilt = after.copy()
    spoilt[::3] = np.random.default_rng(1).uniform(0, 255, spoilt[::3].shape)
    found = fitted_tone(before, spoilt, np.ones(len(before)))(before)
    assert np.abs(found - after).mean() < 1.5


def test_structure_sees_through_tone_and_encoding_but_not_through_a_repainting() -> None:
    """Tiles of the same thing are near 0 whatever the tone; of another near 1."""
    photo = photograph("camera")
    before, noisy = grey(photo), grey(jpeg(photo, 75))
    toned = grey(jpeg(retoned(photo, np.random.default_rng(3))))
    same = redrawn_parts(before, toned, noisy, 8)[0]
    other = redrawn_parts(before, grey(photograph("astronaut").resize(photo.size)), noisy, 8)[0]
    assert np.quantile(same, 0.99) < 0.2
    assert np.median(other) > 0.5


def test_structure_of_the_same_is_exactly_zero() -> None:
    """Law: nothing was redrawn between a picture and itself."""
    plane = grey(photograph("coins"))
    assert redrawn_parts(plane, plane, plane, 8)[0].max() < 1e-5


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 9))
def test_means_of_windows_are_what_they_say(height: int, width: int, radius: int) -> None:
    """Law: against the plain way to calculate them, at edges too."""
    plane = np.random.default_rng(height * 100 + width).uniform(0, 255, (height, width))
    found = averaged(plane, radius)
    row, column = height // 2, 0
    part = plane[max(0, row - radius) : row + radius + 1, : radius + 1]
    assert found[row, column] == pytest.approx(part.mean(), abs=0.05)
    assert found.shape == plane.shape
