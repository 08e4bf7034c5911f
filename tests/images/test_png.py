"""What a PNG says behind its pixels or without a profile counts like what it says elsewhere."""

from __future__ import annotations

import io
import struct
from typing import Any

import pytest
from PIL import Image

from nbbanana import images
from nbbanana.images import thumbnail

from .files import chunk, encoded

LINEAR_GREY, SRGB_GREY = 55, 128
"""The same light: 21.6 % of white."""


def with_chunk(data: bytes, added: bytes, *, before: bytes) -> bytes:
    """A PNG with a chunk put in before the first of a kind."""
    at = data.index(before) - 4
    return data[:at] + added + data[at:]


def sent(data: bytes) -> Image.Image:
    """A picture as it is sent."""
    with Image.open(io.BytesIO(images.prepare([images.load(data)])[0].data)) as image:
        image.load()
        return image


def colour(image: Image.Image) -> tuple[int, ...]:
    """The colour of its first pixel."""
    found: Any = image.getpixel((0, 0))
    return tuple(found) if isinstance(found, tuple) else (found,) * 3


def plain(value: int | tuple[int, int, int], mode: str = "RGB") -> bytes:
    """A PNG of one colour."""
    fill: Any = value if mode == "L" or isinstance(value, tuple) else (value,) * 3
    return encoded("PNG", Image.new(mode, (8, 8), fill))


def cicp(primaries: int, transfer: int) -> bytes:
    """A chunk that says what the colours are by code points."""
    return chunk(b"cICP", bytes((primaries, transfer, 0, 1)))


@pytest.mark.parametrize("before", [b"IDAT", b"IEND"])
def test_a_rotation_counts_wherever_it_stands(before: bytes) -> None:
    """EXIF data may stand before the pixels or behind them: what is said of the size is what is sent."""
    exif = Image.Exif()
    exif[0x0112] = 6
    data = with_chunk(encoded("PNG", Image.new("RGB", (8, 4))), chunk(b"eXIf", exif.tobytes()[6:]), before=before)
    found = images.inspect(data)
    assert (found.width, found.height) == (4, 8)
    assert sent(data).size == (4, 8)
    with Image.open(io.BytesIO(thumbnail(data, side=8))) as small:
        assert small.size == (4, 8)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_gamma_is_brought_to_srgb(mode: str) -> None:
    """Linear light is not taken for dark pixels; the usual gamma changes nothing."""
    linear = with_chunk(plain(LINEAR_GREY, mode), chunk(b"gAMA", struct.pack(">I", 100_000)), before=b"IDAT")
    assert colour(sent(linear)) == pytest.approx((SRGB_GREY,) * 3, abs=1)
    usual = with_chunk(plain(LINEAR_GREY, mode), chunk(b"gAMA", struct.pack(">I", 45_455)), before=b"IDAT")
    assert colour(sent(usual)) == (LINEAR_GREY,) * 3


def test_an_image_that_was_opened_by_its_user_is_the_same_as_its_file() -> None:
    """Pillow knows the gamma too."""
    linear = with_chunk(plain(LINEAR_GREY), chunk(b"gAMA", struct.pack(">I", 100_000)), before=b"IDAT")
    with Image.open(io.BytesIO(linear)) as image:
        loaded = images.load(image)
    assert loaded.source is not None
    assert colour(sent(loaded.source)) == pytest.approx((SRGB_GREY,) * 3, abs=1)


@pytest.mark.parametrize(
    ("code", "value", "expected"),
    [
        (cicp(1, 8), (LINEAR_GREY,) * 3, (SRGB_GREY,) * 3),
        (cicp(1, 13), (10, 200, 90), (10, 200, 90)),
        (cicp(12, 13), (255, 255, 255), (255, 255, 255)),
        (cicp(12, 13), (0, 255, 0), (0, 255, 0)),
        (cicp(9, 16), (148, 148, 148), (255, 255, 255)),
        (cicp(9, 18), (191, 191, 191), (255, 255, 255)),
        (cicp(12, 13), (200, 100, 100), (215, 95, 96)),
    ],
)
def test_code_points_are_brought_to_srgb(
    code: bytes, value: tuple[int, int, int], expected: tuple[int, int, int]
) -> None:
    """Linear light, Display P3, and high dynamic range whose reference white is white."""
    assert colour(sent(with_chunk(plain(value), code, before=b"IDAT"))) == pytest.approx(expected, abs=4)


@pytest.mark.parametrize("code", [b"\1", bytes((200, 13, 0, 1)), bytes((1, 99, 0, 1))])
def test_code_points_that_are_not_known_change_nothing(code: bytes) -> None:
    """Nor does a chunk of the wrong length."""
    assert colour(sent(with_chunk(plain(70), chunk(b"cICP", code), before=b"IDAT"))) == (70, 70, 70)
