"""Arrays that are pictures, and what to write where they are not."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from nbbanana.errors import ImageError
from nbbanana.images import load


def shown(array: object) -> np.ndarray:
    """The pixels that an array becomes."""
    source = load(array).source
    assert source is not None
    return np.asarray(Image.open(io.BytesIO(source)))


def test_types_mean_the_same_brightness() -> None:
    """Black and white are black and white in every type that is taken."""
    ends = np.array([[0, 1]])
    for array in (
        (ends * 255).astype(np.uint8),
        (ends * 65535).astype(np.uint16),
        ends.astype(bool),
        ends.astype(np.float16),
        ends.astype(np.float32),
        ends.astype(np.float64),
    ):
        assert shown(array)[0].tolist() == [[0, 0, 0], [255, 255, 255]]


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 3), (5, 7, 4)])
def test_shapes_of_pictures(shape: tuple[int, ...]) -> None:
    """Height comes before width."""
    found = load(np.zeros(shape, np.uint8))
    assert (found.width, found.height) == (7, 5)


def test_arrays_that_do_not_lie_in_a_row_are_read_right() -> None:
    """Slices, turned arrays, other byte orders and read-only ones."""
    array = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
    for view in (array[::-1], array[:, ::2], np.asfortranarray(array), array.transpose(1, 0, 2)):
        view.flags.writeable = False
        assert np.array_equal(shown(view), view)
    wide = np.array([[0, 65535]], dtype=">u2")
    assert shown(wide)[0, :, 0].tolist() == [0, 255]


def test_what_converts_to_an_array_is_one() -> None:
    """Tensors of other libraries say `__array__`."""

    class Tensor:
        def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
            return np.ones((2, 3), np.float32)

    assert shown(Tensor()).shape == (2, 3, 3)


@pytest.mark.parametrize(
    ("array", "mend"),
    [
        (np.zeros(9, np.uint8), "height × width"),
        (np.uint8(3), "height × width"),
        (np.zeros((2, 4, 4, 3), np.uint8), r"list\(array\)"),
        (np.zeros((3, 40, 40), np.uint8), r"transpose\(1, 2, 0\)"),
        (np.zeros((40, 40, 2), np.uint8), "height × width"),
        (np.zeros((0, 4), np.uint8), "cut out"),
        (np.full((4, 4), 128, np.int64), r'astype\("uint8"\)'),
        (np.full((4, 4), 1j), "astype"),
        (np.full((4, 4), "a"), "astype"),
        (np.full((4, 4), 200.0), "255"),
        (np.full((4, 4), -0.5), "clip"),
        (np.full((4, 4), np.nan), "NaN"),
        (np.array([[0.5, np.nan], [0.5, 0.5]]), "NaN"),
        (np.full((4, 4), np.inf), "NaN"),
    ],
)
def test_other_arrays_are_refused_with_what_to_write(array: object, mend: str) -> None:
    """The shape, type or range is named, and a remedy."""
    with pytest.raises(ImageError, match=mend) as caught:
        load(array)
    assert len(caught.value.lines) == 3


def test_a_pil_image_of_floats_follows_the_same_rule() -> None:
    """Mode F is a picture from 0 to 1; mode I is one of 8 or of 16 bits."""
    assert shown(Image.new("F", (2, 2), 1.0))[0, 0, 0] == 255
    assert shown(Image.new("I", (2, 2), 255))[0, 0, 0] == 255
    assert shown(Image.new("I", (2, 2), 65535))[0, 0, 0] == 255
    assert shown(Image.new("I;16B", (2, 2), 65535))[0, 0, 0] == 255
    for mode, value in (("F", 3.0), ("I", -1), ("I", 70_000)):
        with pytest.raises(ImageError, match="Scale them"):
            load(Image.new(mode, (2, 2), value))


@given(st.lists(st.lists(st.integers(0, 255), min_size=3, max_size=3), min_size=1, max_size=9))
def test_floats_and_bytes_of_the_same_picture_are_the_same(rows: list[list[int]]) -> None:
    """Dividing by 255 changes the type, not the picture."""
    array = np.array(rows, np.uint8)
    assert load(array / 255).identity == load(array).identity
    assert load((array / np.float32(255)).astype(np.float32)).identity == load(array).identity
    assert load(array.astype(np.uint16) * 257).identity == load(array).identity


PICTURES = st.tuples(st.integers(1, 4), st.integers(1, 4)).flatmap(
    lambda size: st.binary(min_size=3 * size[0] * size[1], max_size=3 * size[0] * size[1]).map(
        lambda data: np.frombuffer(data, np.uint8).reshape(*size, 3)
    )
)


@pytest.mark.nightly
@given(one=PICTURES, other=PICTURES, names=st.lists(st.text(max_size=5), min_size=2, max_size=2))
def test_pictures_are_the_same_when_their_pixels_are(one: np.ndarray, other: np.ndarray, names: list[str]) -> None:
    """Whatever they are called, and whether they come as an array or as a PIL image; their shape counts too."""
    same = one.shape == other.shape and np.array_equal(one, other)
    assert (load(one, name=names[0]).identity == load(other, name=names[1]).identity) is same
    assert load(Image.fromarray(one), name=names[1]).identity == load(one).identity


@given(amount=st.integers(0, 3), names=st.lists(st.text(max_size=5), min_size=2, max_size=2))
def test_files_are_the_same_when_their_bytes_are(amount: int, names: list[str]) -> None:
    """A byte more is another file, another name is not."""
    file = io.BytesIO()
    Image.new("RGB", (3, 2), "red").save(file, "PNG")
    data = file.getvalue()
    assert load(data, name=names[0]).identity == load(data, name=names[1]).identity
    assert (load(data + bytes(amount)).identity == load(data).identity) is (amount == 0)
