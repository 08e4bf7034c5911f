"""Pairs of which nothing can be said are refused with the reason; odd ones are answered. Never a wrong one."""

from __future__ import annotations

import io
import pickle

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageDraw
from support.measuring.edits import jpeg
from support.measuring.photographs import photograph
from support.tiers import in_turn, scaled

from nbbanana.errors import ImageError, MeasureError, UsageError
from nbbanana.measure import drift

NOTHING = "Nothing changed that can be seen."


def plain(size: tuple[int, int], grey: int) -> Image.Image:
    """A picture of one grey."""
    return Image.new("RGB", size, (grey, grey, grey))


def checkers(size: int, side: int) -> Image.Image:
    """A chessboard of fields of that side."""
    board = np.add.reduce(np.indices((size, size)) // side) % 2 * 200 + 20
    return Image.fromarray(board.astype(np.uint8)).convert("RGB")


def lines(values: np.ndarray) -> Image.Image:
    """A picture of which all rows are the same."""
    return Image.fromarray(values.clip(0, 255).astype(np.uint8)[None].repeat(300, 0)).convert("RGB")


def tiles() -> Image.Image:
    """A photograph 16 times."""
    photo = photograph("astronaut").resize((96, 96))
    whole = Image.new("RGB", (384, 384))
    for at in range(16):
        whole.paste(photo, (at % 4 * 96, at // 4 * 96))
    return whole


def noise(seed: int) -> Image.Image:
    """A picture of noise."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (200, 200, 3), np.uint8))


WAVES = lines(np.sin(np.arange(300) / 5) * 100 + 120)
BARS = lines(np.cumsum(np.random.default_rng(3).normal(0, 9, 300)) + 128)
PHOTO = photograph("astronaut").resize((256, 256))
REFUSED = {
    "other constants": (plain((90, 80), 90), plain((90, 80), 180), "plain"),
    "a constant and a photograph": (plain((90, 80), 90), PHOTO, "plain"),
    "a photograph and a constant": (PHOTO, plain((256, 256), 0), "plain"),
    "one pixel each": (plain((1, 1), 0), plain((1, 1), 255), "small"),
    "one pixel and a photograph": (plain((1, 1), 0), PHOTO, "small"),
    "a row and a column": (plain((1, 400), 0), plain((400, 1), 0), "small"),
    "unrelated": (PHOTO, photograph("coffee"), "unrelated"),
    "noise": (noise(0), noise(1), "unrelated"),
    "a mirror image": (PHOTO, PHOTO.transpose(Image.Transpose.FLIP_LEFT_RIGHT), "unrelated"),
    "a mirror image, of which a part fits when it is turned": (
        photograph("coffee"),
        jpeg(photograph("coffee").transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
        "unrelated",
    ),
    "a mirror image of what is blurred": (
        photograph("clock_motion"),
        photograph("clock_motion").transpose(Image.Transpose.FLIP_TOP_BOTTOM),
        "unrelated",
    ),
    "a negative": (PHOTO, ImageChops.invert(PHOTO), "unrelated"),
    "a strip of it": (photograph("astronaut"), photograph("astronaut").crop((0, 200, 512, 240)), "unrelated"),
    "upside down": (PHOTO, PHOTO.rotate(180), "unrelated"),
    "a chessboard, moved": (checkers(300, 16), ImageChops.offset(checkers(300, 16), 5, 3), "repeated"),
    "waves, moved": (WAVES, ImageChops.offset(WAVES, 7, 0), "repeated"),
    "bars, moved": (BARS, jpeg(ImageChops.offset(BARS, 4, 0)), "repeated"),
    "a tiled photograph, moved": (tiles(), jpeg(ImageChops.offset(tiles(), 5, 0)), "repeated"),
}


@pytest.mark.parametrize("name", in_turn(REFUSED, 3))
def test_what_cannot_be_told_is_refused_with_the_reason(name: str) -> None:
    """One line what, one why, one what to do; and the reason in one word, which survives pickling."""
    before, after, reason = REFUSED[name]
    with pytest.raises(MeasureError) as refused:
        drift(before, after)
    assert refused.value.reason == reason
    assert len(refused.value.lines) == 3
    assert pickle.loads(pickle.dumps(refused.value)).reason == reason


def file(image: Image.Image, kind: str, **options) -> bytes:
    """A picture as a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def with_alpha() -> Image.Image:
    """A photograph that fades away."""
    faded = PHOTO.convert("RGBA")
    faded.putalpha(Image.linear_gradient("L"))
    return faded


SAME = {
    "of one pixel": (plain((1, 1), 7), plain((1, 1), 7)),
    "of one colour": (plain((90, 80), 90), plain((90, 80), 90)),
    "a chessboard": (checkers(300, 16), checkers(300, 16)),
    "of 16 bits": (PHOTO.convert("L"), Image.fromarray(np.asarray(PHOTO.convert("L")).astype(np.uint16) * 257)),
    "for print": (PHOTO, PHOTO.convert("CMYK")),
    "for print, as JPEG": (PHOTO, file(PHOTO.convert("CMYK"), "JPEG", quality=95)),
    "with alpha": (with_alpha(), file(with_alpha(), "PNG")),
    "animated": (PHOTO, file(PHOTO, "PNG", save_all=True, append_images=[photograph("moon").resize((256, 256))])),
    "as an array": (PHOTO, np.asarray(PHOTO)),
    "as floats": (PHOTO, np.asarray(PHOTO) / 255),
    "as WebP": (PHOTO, file(PHOTO, "WEBP", quality=90)),
    "on its side by EXIF": (
        PHOTO,
        file(
            PHOTO.rotate(90),
            "JPEG",
            quality=95,
            exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0",
        ),
    ),
    "eight times as large": (PHOTO.resize((48, 48)), PHOTO.resize((384, 384))),
    "sixty times as large": (PHOTO.resize((48, 48)), PHOTO.resize((3000, 3000))),
    "an icon": (PHOTO, PHOTO.resize((40, 40))),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_picture_in_another_form_is_the_same(name: str) -> None:
    """Whatever the mode, the depth, the file or the size."""
    found = drift(*SAME[name])
    assert found.sentence == NOTHING
    assert found.outside.redrawn.value < 0.2


def test_what_is_transparent_is_laid_on_white() -> None:
    """A picture that was made transparent was recoloured."""
    found = drift(PHOTO, with_alpha())
    assert found.outside.recoloured.value > 5


def test_a_background_that_was_replaced_is_not_taken_for_another_scene() -> None:
    """The subject is a third of the picture: it is registered by that, and the rest is redrawn."""
    photo, other = photograph("astronaut"), photograph("coffee").resize((512, 512))
    mask = Image.new("L", photo.size)
    ImageDraw.Draw(mask).ellipse((120, 40, 330, 480), fill=255)
    after = jpeg(Image.composite(photo, other, mask))
    found = drift(photo, after, region=np.asarray(mask) < 128)
    assert found.moved.corner.value < 0.3
    assert found.sentence.startswith("Outside the region: nothing changed that can be seen; inside:")
    assert found.inside.redrawn_area > 0.7


def test_no_pictures_are_no_pictures() -> None:
    """An address is not fetched; what cannot be read is said."""
    with pytest.raises(UsageError, match="address"):
        drift("https://pictures.example/a.png", PHOTO)
    with pytest.raises(ImageError):
        drift(b"no picture", PHOTO)
    with pytest.raises(ImageError):
        drift(PHOTO, np.zeros((3, 4, 5, 6)))


def test_an_animation_in_few_colours_is_compared_by_its_first_picture() -> None:
    """A GIF has 256 colours: those may differ, but nothing moved, and the second picture plays no part."""
    moving = file(PHOTO, "GIF", save_all=True, append_images=[photograph("moon").resize((256, 256))])
    found = drift(PHOTO, moving)
    assert not found.moved.corner.is_above
    assert found.sentence == drift(PHOTO, PHOTO.quantize(256)).sentence


@pytest.mark.parametrize("form", ["of 16 bits", "for print", "with alpha"])
def test_what_moved_is_found_in_another_form_too(form: str) -> None:
    """By three pixels, whatever the mode and the depth of the second picture."""
    scene = photograph("coffee")
    before, after = scene.crop((20, 20, 320, 320)), scene.crop((17, 20, 317, 320))
    grey = np.asarray(after.convert("L")).astype(np.uint16) * 257
    faint = Image.merge("RGBA", (*after.split(), Image.new("L", after.size, 200)))
    other = {"of 16 bits": Image.fromarray(grey), "for print": after.convert("CMYK"), "with alpha": faint}[form]
    assert drift(before, other).moved.shift == pytest.approx((3, 0), abs=0.1)


@pytest.mark.parametrize(
    ("size", "sentence"),
    [
        ((456, 256), "Stretched 78% across; otherwise the same."),
        ((256, 512), "Stretched 100% upright; otherwise the same."),
        ((1024, 256), "Stretched 300% across; otherwise the same."),
        ((333, 333), NOTHING),
    ],
)
def test_another_shape_is_said_and_a_resize_in_proportion_is_nothing(size: tuple[int, int], sentence: str) -> None:
    """It did not move in its frame, and the record has the same figure."""
    found = drift(PHOTO, PHOTO.resize(size))
    assert found.sentence == found.as_json()["sentence"] == sentence
    assert found.as_json()["moved"]["stretch"] == pytest.approx(size[0] / size[1], rel=0.01)
    assert not found.moved.corner.is_above


def test_what_was_cut_off_or_added_is_said_though_nothing_moved() -> None:
    """In the middle, where the frame alone changes; with a region too."""
    photo = photograph("astronaut")
    part, canvas = photo.crop((0, 112, 512, 400)), Image.new("RGB", (912, 512))
    canvas.paste(photo, (200, 0))
    assert drift(photo, part).sentence == "44% cut off; otherwise the same."
    assert drift(photo, canvas).sentence == "44% added at the edges; otherwise the same."
    assert drift(canvas, photo).sentence == "44% cut off; otherwise the same."
    asked = drift(photo, part, region=(0, 0.4, 0.5, 0.6))
    assert asked.sentence == "44% cut off; outside the region: nothing changed that can be seen."
    assert asked.as_json()["moved"]["lost"] == pytest.approx(1 - 288 / 512, abs=0.001)


@settings(max_examples=scaled(4))
@given(st.integers(40, 900), st.integers(40, 900))
def test_another_size_of_any_shape_is_no_movement(width: int, height: int) -> None:
    """Law: a picture that was only resized, however wildly, did not move, and is not said to have."""
    found = drift(PHOTO, PHOTO.resize((width, height)))
    assert not found.moved.corner.is_above
    assert found.moved.corner.value < 1.0


@pytest.mark.nightly
@settings(max_examples=scaled(4))
@example("astronaut", 2857, 1024)
@example("coffee", 3360, 1024)
@given(st.sampled_from(["astronaut", "coffee", "brick"]), st.integers(520, 3000), st.integers(200, 1100))
def test_a_resize_in_proportion_moves_less_than_its_floor(name: str, wide: int, narrow: int) -> None:
    """Law: from any size to any other, also where no whole number of pixels becomes one."""
    photo = photograph(name)
    large = resampled(photo, wide)
    found = drift(large, resampled(large, narrow))
    assert not found.moved.corner.is_above
    assert found.moved.corner.value < 0.25 * max(1, wide / narrow)


def resampled(picture: Image.Image, width: int) -> Image.Image:
    """A picture at another width, in proportion."""
    return picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)


@settings(max_examples=scaled(4))
@given(st.sampled_from(["astronaut", "brick", "grass", "page", "retina"]), st.integers(0, 2**32 - 1))
def test_a_pattern_that_repeats_itself_is_never_laid_down_at_a_wrong_place(name: str, seed: int) -> None:
    """Law: a piece of a photograph tiled at any period and moved by less than that is refused, with JPEG or without."""
    rng = np.random.default_rng(seed)
    (width, height), side = rng.integers(8, 100, 2), int(rng.integers(210, 420))
    photo = photograph(name)
    left, top = int(rng.integers(0, photo.width - width)), int(rng.integers(0, photo.height - height))
    piece = np.asarray(photo.crop((left, top, left + int(width), top + int(height))))
    wall = np.tile(piece, (520 // height + 1, 520 // width + 1, 1))
    across, down = int(rng.integers(1, width)), int(rng.integers(0, height))
    before, after = wall[:side, :side], wall[down : down + side, across : across + side]
    with pytest.raises(MeasureError) as refused:
        drift(Image.fromarray(before), jpeg(Image.fromarray(after)))
    assert refused.value.reason in {"repeated", "plain"}
