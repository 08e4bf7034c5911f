"""Small versions of pictures."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from support.tiers import scaled

from nbbanana.errors import ImageNotFoundError
from nbbanana.images import thumbnail

from .files import encoded, texture

Photo = Callable[[str], Path]


def opened(data: bytes) -> Image.Image:
    """A thumbnail as Pillow reads it."""
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("format_", ["JPEG", "WEBP", "PNG"])
def test_a_thumbnail_looks_like_its_photograph(photo: Photo, format_: str) -> None:
    """The longer side is what was asked for, the picture is the same to the eye."""
    for name in ("portrait", "coffee", "chelsea"):
        small = opened(thumbnail(photo(name), side=128, format=format_, quality=85))
        assert small.format == format_
        assert max(small.size) == 128
        expected = Image.open(photo(name)).convert("RGB").resize(small.size, Image.Resampling.LANCZOS)
        difference = np.asarray(small.convert("RGB")).astype(int) - np.asarray(expected)
        assert np.sqrt((difference**2).mean()) < 10


def test_a_small_picture_keeps_its_size() -> None:
    """Nothing is blown up."""
    assert opened(thumbnail(encoded("PNG"), side=512)).size == (96, 96)


def test_a_turned_photograph_is_upright() -> None:
    """The rotation of EXIF is applied."""
    exif = Image.Exif()
    exif[0x0112] = 6
    for format_ in ("JPEG", "PNG", "WEBP", "TIFF"):
        data = encoded(format_, texture(size=(400, 200)), exif=exif)
        assert opened(thumbnail(data, side=100)).size == (50, 100)


def test_what_is_clear_is_white_in_a_jpeg_and_clear_elsewhere() -> None:
    """A JPEG has no transparency; the others do."""
    clear = encoded("PNG", Image.new("RGBA", (64, 64), (200, 0, 0, 0)))
    assert opened(thumbnail(clear, side=32, format="JPEG")).getpixel((5, 5)) == (255, 255, 255)
    for format_ in ("WEBP", "PNG"):
        assert opened(thumbnail(clear, side=32, format=format_)).getchannel("A").getextrema() == (0, 0)


def test_nothing_but_pixels_is_in_it() -> None:
    """No EXIF, no profile, no comment."""
    exif = Image.Exif()
    exif[0x010E] = "SECRET"
    data = encoded("JPEG", texture(size=(300, 300)), exif=exif, comment=b"SECRET")
    for format_ in ("JPEG", "WEBP", "PNG"):
        assert b"SECRET" not in thumbnail(data, side=100, format=format_)


def test_a_lower_quality_is_smaller(photo: Photo) -> None:
    """So that a grid can follow its budget."""
    for format_ in ("JPEG", "WEBP"):
        sizes = [len(thumbnail(photo("coffee"), side=256, format=format_, quality=q)) for q in (90, 60, 30)]
        assert sizes == sorted(sizes, reverse=True)


def test_a_jpeg_is_not_decoded_at_full_size(photo: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    """The decoder gives a fraction, which is most of the speed."""
    from nbbanana.images import thumbnails as room

    sizes = []
    real = room.decode
    monkeypatch.setattr(room, "decode", lambda file, shown: sizes.append(file.size) or real(file, shown))
    large = Image.open(photo("coffee")).resize((2400, 1600))
    thumbnail(encoded("JPEG", large), side=256)
    assert sizes == [(600, 400)]


def test_no_such_file_is_said(tmp_path: Path) -> None:
    """The folders of an absolute path stay out of the message."""
    with pytest.raises(ImageNotFoundError) as caught:
        thumbnail(tmp_path / "gone.png", side=9)
    assert str(tmp_path) not in str(caught.value)
    assert caught.value.lines[0] == "'gone.png' is not there."


def test_a_side_of_nothing_is_a_mistake() -> None:
    """At least one pixel."""
    with pytest.raises(ValueError, match="at least 1"):
        thumbnail(encoded("PNG"), side=0)


@settings(max_examples=scaled(80))
@given(
    mode=st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"]),
    size=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    side=st.integers(1, 200),
    format_=st.sampled_from(["JPEG", "WEBP", "PNG"]),
)
def test_any_picture_has_a_thumbnail(mode: str, size: tuple[int, int], side: int, format_: str) -> None:
    """Of any mode, any size, to any side: inside the square, the shape kept to the pixel, twice the same."""
    picture = texture("L", size=size).convert("I").convert("I;16") if mode == "I;16" else texture(mode, size=size)
    data = encoded("TIFF" if mode == "CMYK" else "PNG", picture)
    small = thumbnail(data, side=side, format=format_)
    assert small == thumbnail(data, side=side, format=format_)
    width, height = opened(small).size
    scale = min(1, side / max(size))
    assert abs(width - size[0] * scale) <= 1
    assert abs(height - size[1] * scale) <= 1
    assert max(width, height) <= max(side, 1)
