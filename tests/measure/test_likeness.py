"""How alike pictures are, so that a paper can say what a seed held."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from support.measuring.edits import jpeg, moved
from support.measuring.photographs import photograph

from nbbanana.errors import UsageError
from nbbanana.measure import likeness


def small(name: str) -> Image.Image:
    """A photograph, small."""
    return photograph(name).resize((192, 160))


@pytest.mark.nightly
def test_a_moved_picture_is_alike_and_another_is_not() -> None:
    """Registered SSIM is that of the same scene, though it moved; of another it is as they lie."""
    pair = moved(photograph("astronaut"), 0.1, shift=(2.5, 1.0))
    found = likeness([pair.before, pair.after, jpeg(pair.before), photograph("coffee").resize((96, 80))])
    matrix = np.asarray(found.ssim)
    assert matrix[0, 1] > 0.95
    assert matrix[0, 2] > 0.9
    assert (matrix[3, :3] < 0.4).all()
    assert found.registered[0][1]
    assert not found.registered[0][3]
    assert found.bits[0][2] <= 3
    assert found.bits[0][3] > 15
    assert found.sentence.startswith("4 pictures: SSIM 0.")
    assert found.sentence.endswith("over 6 pairs.")


def test_the_matrix_is_symmetric_and_the_figure_is_the_mean_of_its_pairs() -> None:
    """With the deviation of the pairs beside it, and the standard error of the mean, by pictures."""
    pictures = [small("coins"), jpeg(small("coins"), 40), jpeg(small("coins"), 15)]
    found = likeness(pictures)
    matrix = np.asarray(found.ssim)
    pairs = matrix[np.triu_indices(3, 1)]
    assert (matrix == matrix.T).all()
    assert (np.diag(matrix) == 1).all()
    assert found.mean == pytest.approx(pairs.mean())
    assert found.deviation == pytest.approx(pairs.std(ddof=1))
    assert found.standard_error == pytest.approx(np.sqrt(2 * np.var(pairs)))


def test_two_equal_pictures_are_alike_wholly() -> None:
    """Also tiny and plain ones, which have no fingerprint."""
    for picture in (small("moon"), Image.new("RGB", (3, 2), "red")):
        found = likeness([picture, picture.copy()])
        assert found.mean == pytest.approx(1)
        assert found.deviation is None
    assert found.bits[0][1] is None


def test_fewer_than_two_cannot_be_compared() -> None:
    """It is said how many there were."""
    with pytest.raises(UsageError, match="1 picture cannot be compared"):
        likeness([small("moon")])
    with pytest.raises(UsageError, match="No pictures cannot be compared"):
        likeness([])
