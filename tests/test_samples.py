"""The sample picture is a picture to be proud of, and always the same."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nbbanana import samples
from nbbanana.errors import UsageError
from nbbanana.samples import still_life


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    return still_life()


def part(picture: Image.Image, left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """A part of the picture, its bounds as parts of the frame, as floats."""
    width, height = picture.size
    box = (round(left * width), round(top * height), round(right * width), round(bottom * height))
    return np.asarray(picture.crop(box), float)


def test_it_is_a_picture_of_the_size_that_was_asked_for(picture: Image.Image) -> None:
    """4:3 by default, any other shape on demand."""
    assert (picture.mode, picture.size) == ("RGB", (1024, 768))
    for size in ((64, 48), (300, 300), (200, 400), (700, 200), (16, 16)):
        assert still_life(size).size == size


def test_it_is_the_same_in_every_process(picture: Image.Image) -> None:
    """No chance has a part in it."""
    script = (
        "import hashlib; from nbbanana.samples import still_life;"
        "print(hashlib.sha256(still_life().tobytes()).hexdigest())"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, env={"PYTHONHASHSEED": "9"})
    assert run.stdout.decode().strip() == hashlib.sha256(picture.tobytes()).hexdigest()


def test_a_caller_may_draw_on_it() -> None:
    """Each call gives a picture of its own."""
    one = still_life((64, 48))
    one.paste("red", (0, 0, 64, 48))
    assert np.asarray(still_life((64, 48)), float)[:, :, 0].mean() < 200


def test_three_things_stand_apart(picture: Image.Image) -> None:
    """Red on the left, blue in the middle, yellow on the right, and nothing between them but wall and table."""
    apple = part(picture, 0.16, 0.68, 0.3, 0.8).mean((0, 1))
    bottle = part(picture, 0.47, 0.45, 0.53, 0.55).mean((0, 1))
    pear = part(picture, 0.7, 0.68, 0.83, 0.8).mean((0, 1))
    assert apple[0] > 2.5 * max(apple[1], apple[2])
    assert bottle[2] > 1.5 * max(bottle[0], bottle[1])
    assert min(pear[0], pear[1]) > 1.8 * pear[2]
    for left, right in ((0.36, 0.4), (0.6, 0.645)):
        gap = part(picture, left, 0.2, right, 0.6)
        assert np.abs(gap - gap.mean((0, 1))).max() < 25


def test_the_label_has_white_letters_on_black(picture: Image.Image) -> None:
    """The word that an example replaces can be read: five letters, each a run of light columns."""
    label = part(picture, 0.43, 0.64, 0.57, 0.7).mean(2)
    lit = (label > 150).any(0)
    letters = int((np.diff(lit.astype(int)) == 1).sum())
    assert np.median(label) < 80
    assert 4 <= letters <= 6


def test_things_throw_their_shadow_to_the_right(picture: Image.Image) -> None:
    """The light comes from the upper left."""
    shaded = part(picture, 0.345, 0.8, 0.37, 0.82).mean()
    bright = part(picture, 0.09, 0.8, 0.115, 0.82).mean()
    assert bright > shaded + 12


@pytest.mark.parametrize("size", [(600, 400), (500, 500), (2048, 1536)])
def test_every_shape_from_square_to_wide_shows_all_three_things(size: tuple[int, int]) -> None:
    """A frame of another shape sees more of the room and cuts nothing off: the edges are wall above and wood below."""
    picture = still_life(size)
    for box in ((0, 0, 1, 0.03), (0, 0, 0.03, 0.5), (0.97, 0, 1, 0.5)):
        wall = part(picture, *box)
        assert np.abs(wall - wall.mean((0, 1))).max() < 30
    wood = part(picture, 0, 0.96, 1, 1).mean((0, 1))
    assert wood[0] > wood[1] > wood[2]


def test_the_file_stays_small() -> None:
    """A wheel is downloaded by everyone, the sample with it."""
    assert Path(samples.__file__).with_name("still_life.webp").stat().st_size <= 90_000


@pytest.mark.parametrize("size", [(0, 10), (15, 100), (100, 5000)])
def test_a_size_out_of_bounds_is_refused(size: tuple[int, int]) -> None:
    """The error says what is allowed."""
    with pytest.raises(UsageError) as caught:
        still_life(size)
    assert str(size[0]) in caught.value.what
    assert "2048" in caught.value.why
