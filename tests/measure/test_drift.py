"""Drift says what moved, what was recoloured and what was redrawn, apart, and where."""

from __future__ import annotations

import importlib
import io
import json
import sys
from itertools import combinations, pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageDraw, ImageFilter
from scipy.ndimage import find_objects, label
from support.measuring.cases import mean_colour
from support.measuring.edits import jpeg, moved, patched, reread, retoned, shown_at
from support.measuring.photographs import photograph
from support.tiers import scaled

import nbbanana.measure
from nbbanana.errors import UsageError
from nbbanana.measure import drift
from nbbanana.measure.pixels import components
from nbbanana.regions import Area, box_shape


def patch(pair, box):
    """A patch of another photograph at a box in parts of the picture."""
    width, height = pair.after.size
    place = [round(side * (width, height)[at % 2]) for at, side in enumerate(box)]
    after = pair.after.copy()
    after.paste(photograph("coffee").resize((place[2] - place[0], place[3] - place[1])), place[:2])
    return after


@pytest.mark.parametrize("name", ["astronaut", "gravel"])
def test_a_shift_by_two_pixels_is_moved_and_nothing_else(name: str) -> None:
    """image-tools.md, finding 4: naive SSIM says 0.7 to this; here only `moved` is above its floor."""
    pair = moved(photograph(name), 0.1, shift=(2.0, 0.0))
    found = drift(pair.before, pair.after)
    assert found.sentence == "Moved 2.0 px; otherwise the same."
    assert found.moved.corner.value == pytest.approx(2.0, abs=0.1)
    assert not found.outside.recoloured.is_above
    assert not found.outside.redrawn.is_above
    assert found.tiles == ()


def test_jpeg_at_another_size_is_nothing() -> None:
    """Encoding and resampling of the same picture stay below the floors."""
    pair = shown_at(moved(photograph("coffee"), 0.1), (700, 467))
    found = drift(pair.before, jpeg(pair.after, 85))
    assert found.sentence == "Nothing changed that can be seen."


def test_another_tone_is_recoloured_by_as_much_as_it_is_and_nothing_else() -> None:
    """The stated ΔE00 is the true one within a tenth; nearly all of it is explained by one change of tone."""
    pair = moved(photograph("chelsea"), 0.1)
    toned = retoned(pair.after, np.random.default_rng(2))
    true = mean_colour(pair.after, toned)
    found = drift(pair.before, jpeg(toned))
    assert found.outside.recoloured.value == pytest.approx(true, rel=0.1)
    assert found.outside.by_tone == pytest.approx(true, rel=0.15)
    assert not found.moved.corner.is_above
    assert not found.outside.redrawn.is_above
    assert found.tone != (0, 64, 128, 191, 255)


def test_a_patch_is_redrawn_where_it_is() -> None:
    """Under JPEG, a shift and another tone together, the three are told apart."""
    pair = moved(photograph("astronaut"), 0.08, shift=(2.0, 1.0))
    after = jpeg(retoned(patch(pair, (0.7, 0.0, 1.0, 0.25)), np.random.default_rng(4)))
    found = drift(pair.before, after)
    assert found.sentence.startswith("Moved 2.")
    assert found.sentence.endswith("the upper-right corner redrawn.")
    assert found.inside.redrawn_area * found.inside.area == pytest.approx(0.3 * 0.25, abs=0.02)
    first = found.tiles[0].box
    assert first.left > 0.68
    assert first.bottom < 0.27


def test_with_a_region_inside_and_outside_are_told_apart() -> None:
    """What was asked for is inside; what happened beside it is what the sentence begins with."""
    pair = moved(photograph("astronaut"), 0.08)
    asked = patch(pair, (0.0, 0.0, 0.4, 0.4))
    found = drift(pair.before, jpeg(asked), region=(0, 0, 0.4, 0.4))
    assert found.sentence.startswith("Outside the region: nothing changed that can be seen; inside: ")
    assert found.inside.redrawn.is_above
    more = Image.composite(patch(pair, (0.6, 0.6, 1.0, 1.0)), asked, box_mask(asked, (0.6, 0.6, 1.0, 1.0)))
    found = drift(pair.before, jpeg(more), region=(0, 0, 0.4, 0.4))
    assert found.sentence.startswith("Outside the region: the lower-right")
    assert found.outside.redrawn_area == pytest.approx(0.16 / 0.84, abs=0.04)


def box_mask(image: Image.Image, box) -> Image.Image:
    """A mask that is white in a box in parts of the picture."""
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).rectangle([round(side * image.size[at % 2]) for at, side in enumerate(box)], fill=255)
    return mask


def test_a_sky_that_was_recoloured_alone_is_local() -> None:
    """image-tools.md, 3d: no change of tone of the whole picture explains it, and it is said where it was."""
    pair = moved(photograph("astronaut"), 0.06)
    pixels = np.asarray(pair.after).astype(int)
    pixels[: pixels.shape[0] // 3] += [40, 0, -30]
    found = drift(pair.before, Image.fromarray(pixels.clip(0, 255).astype(np.uint8)))
    assert not found.outside.redrawn.is_above
    assert found.inside.recoloured.value > 5
    assert found.region[0].bottom < 0.5
    assert found.sentence.startswith("The upper third recoloured")


def test_a_region_is_a_box_boxes_an_area_or_a_mask() -> None:
    """All say the same of the same half."""
    pair = moved(photograph("coins"), 0.06)
    after = jpeg(patch(pair, (0.5, 0, 1, 1)))
    mask = np.zeros((pair.before.height, pair.before.width), bool)
    mask[:, pair.before.width // 2 :] = True
    area = Area((box_shape((0.5, 0, 1, 1)),), pair.before.size)
    for region in ((0.5, 0, 1, 1), [(0.5, 0, 1, 0.5), (0.5, 0.5, 1, 1)], area, mask, Image.fromarray(mask)):
        found = drift(pair.before, after, region)
        assert found.is_region_given
        assert found.inside.area == pytest.approx(0.5, abs=0.05)
        assert not found.outside.redrawn.is_above
    with pytest.raises(UsageError, match="is not a region"):
        drift(pair.before, after, "the sky")


@pytest.mark.parametrize(
    "region",
    [
        (0.5, 0.5, 0.5, 0.5),
        (0.5, 0.5, 0.2, 0.2),
        [(0.2, 0.2, 0.4, 0.4), (0.6, 0.9, 0.7, 0.8)],
        (1.0, 0.0, 1.05, 1.0),
        np.zeros((4, 9), bool),
        Image.new("L", (9, 9)),
        Area((box_shape((0.5, 0.5, 0.5, 0.5)),), (64, 48)),
    ],
    ids=["no size", "swapped corners", "one of two", "beside the picture", "mask", "picture", "area"],
)
def test_a_region_of_nothing_is_refused(region: object) -> None:
    """Nothing could be said of what is inside of it."""
    with pytest.raises(UsageError, match="covers nothing of the picture"):
        drift(photograph("coins"), photograph("coins"), region)


def test_a_box_may_be_an_array_and_a_place_is_a_number() -> None:
    """Four numbers are a box, not a mask; of what is no number it is said how to give it."""
    photo = photograph("coins")
    box = (0.0, 0.0, 0.5, 0.5)
    assert drift(photo, photo, np.asarray(box)).region == drift(photo, photo, box).region == (box,)
    with pytest.raises(UsageError, match=r"Give four such numbers, for example \(0.7"):
        drift(photo, photo, (float("nan"), 0, 1, 1))


@pytest.mark.parametrize("gamma", [0.5, 0.7, 1.5])
def test_a_gamma_of_the_whole_picture_is_one_change(gamma: float) -> None:
    """It is said once: what it does to the dark is no recolouring of its own."""
    photo = photograph("coffee")
    pixels = 255 * (np.asarray(photo) / 255) ** gamma
    found = drift(photo, Image.fromarray(pixels.round().astype(np.uint8)))
    assert found.inside is None
    assert found.sentence == f"Recoloured {found.outside.recoloured:.1f} ΔE."
    assert found.tone[2] == pytest.approx(255 * (127.5 / 255) ** gamma, abs=2)


def test_a_part_that_took_another_colour_than_the_whole_is_said_to_have() -> None:
    """Two changes of colour are told apart in words, not by two like numbers."""
    pixels = np.asarray(photograph("chelsea")).astype(int) + 14
    pixels[:100, :150] += [60, 0, -60]
    found = drift(photograph("chelsea"), Image.fromarray(pixels.clip(0, 255).astype(np.uint8)))
    assert found.sentence.startswith("Recoloured ")
    assert found.sentence.count("ecoloured") == 1
    assert found.sentence.endswith(f" in another way ({found.inside.recoloured:.1f} ΔE).")


@pytest.mark.parametrize("name", ["coffee", "astronaut", "chelsea"])
def test_what_was_redrawn_here_and_there_is_said_once(name: str) -> None:
    """Strong sharpening redraws specks all over: one list of places, none twice."""
    photo = photograph(name)
    sentence = drift(photo, photo.filter(ImageFilter.UnsharpMask(3, 300, 0))).sentence
    assert sentence.count("redrawn") <= 1
    assert sentence.count("upper left") + sentence.count("upper-left") <= 1


def test_the_heat_map_is_of_the_first_picture_s_size() -> None:
    """H×W of float32 from 0 to 1, hot where it was redrawn."""
    pair = moved(photograph("astronaut"), 0.08)
    found = drift(pair.before, patch(pair, (0.0, 0.5, 0.5, 1.0)))
    heat = found.heat_map()
    assert heat.shape == (pair.before.height, pair.before.width)
    assert heat.dtype == np.float32
    half = heat.shape[0] // 2, heat.shape[1] // 2
    assert heat[half[0] + 16 :, : half[1] - 16].mean() > 10 * heat[: half[0] - 16, half[1] + 16 :].mean()
    assert found.heat_map((64, 32)).shape == (32, 64)
    assert 0 <= heat.min() <= heat.max() <= 1


def test_the_figures_are_json_for_a_record() -> None:
    """They hold no picture, and say where one picture lies on the other."""
    pair = moved(photograph("coins"), 0.06, shift=(2, 0))
    found = drift(pair.before, pair.after)
    text = json.dumps(found.as_json())
    assert json.loads(text)["moved"]["corner"]["value"] == pytest.approx(2, abs=0.1)
    assert json.loads(text)["frame"]["matrix"] == pytest.approx(found.registration.matrix, abs=1e-6)
    assert json.loads(text)["frame"]["before"] == list(pair.before.size)
    assert len(text) < 2000


def test_figures_of_much_that_changed_stay_small() -> None:
    """Of speckles all over the picture the record keeps the largest."""
    pair = moved(photograph("coins"), 0.06)
    after = pair.after.copy()
    for place in product(range(20, after.width - 30, 70), range(20, after.height - 30, 70)):
        after.paste(photograph("coffee").resize((24, 24)), place)
    found = drift(pair.before, after)
    assert len(found.inside.boxes) > 12
    assert len(json.dumps(found.as_json())) < 4000


def test_the_heat_map_of_a_record_is_a_small_file_of_the_same_grid() -> None:
    """One grey pixel a tile, as near as 256 levels are."""
    pair = moved(photograph("astronaut"), 0.08)
    found = drift(pair.before, patch(pair, (0.0, 0.5, 0.5, 1.0)))
    file = found.heat_file()
    assert len(file) < 5000
    with Image.open(io.BytesIO(file)) as kept:
        assert kept.mode == "L"
        assert np.asarray(kept) / 255 == pytest.approx(found.grid, abs=0.002)


def test_places_are_apart_and_ranked_outside_first() -> None:
    """Two patches beside the region are two places, not forty tiles of the larger."""
    pair = moved(photograph("astronaut"), 0.08)
    mask = ImageChops.lighter(box_mask(pair.after, (0.0, 0.0, 0.28, 0.28)), box_mask(pair.after, (0.8, 0.8, 0.9, 0.9)))
    mask = ImageChops.lighter(mask, box_mask(pair.after, (0.1, 0.7, 0.2, 0.8)))
    after = Image.composite(patch(pair, (0, 0, 1, 1)), pair.after, mask)
    found = drift(pair.before, after, region=(0, 0, 0.3, 0.3))
    outside = [tile for tile in found.places if not tile.is_inside]
    assert found.places[: len(outside)] == tuple(outside)
    corners = {(round(tile.box.left), round(tile.box.top)) for tile in outside}
    assert corners == {(1, 1), (0, 1)}
    assert all(tile.redrawn >= other.redrawn - 0.3 for tile, other in pairwise(outside))
    middles = [(tile.box.left, tile.box.top) for tile in found.places]
    assert all(max(abs(x - u), abs(y - v)) > 5 / 64 for (x, y), (u, v) in combinations(middles, 2))


@settings(max_examples=scaled(6))
@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 2**32 - 1), st.booleans())
def test_a_picture_does_not_differ_from_itself(width: int, height: int, seed: int, plain: bool) -> None:
    """Law: zero in all three, whatever the picture: of one pixel, of one colour, of noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    picture = Image.fromarray(pixels[:1, :1].repeat(height, 0).repeat(width, 1) if plain else pixels)
    found = drift(picture, picture.copy())
    assert found.moved.corner.value == 0
    assert found.outside.recoloured.value == 0
    assert found.outside.redrawn.value < 1e-4
    assert found.inside is None
    assert found.sentence == "Nothing changed that can be seen."


@settings(max_examples=scaled(3))
@given(st.integers(0, 2**32 - 1))
def test_it_is_about_as_far_there_as_back(seed: int) -> None:
    """Law: how far two pictures are apart does not depend on which comes first."""
    rng = np.random.default_rng(seed)
    pair = moved(photograph("coins"), 0.1, shift=rng.uniform(-5, 5, 2))
    pair = reread(patched(pair, photograph("moon"), rng, 0.05), lambda image: retoned(image, rng))
    there, back = drift(pair.before, pair.after), drift(pair.after, pair.before)
    assert there.moved.corner.value == pytest.approx(back.moved.corner.value, abs=0.15)
    one, other = (found.outside.recoloured.value for found in (there, back))
    assert one == pytest.approx(other, rel=0.15, abs=0.3)


@pytest.mark.parametrize(
    "measure",
    [
        lambda: nbbanana.measure.drift("a.png", "b.png"),
        lambda: nbbanana.measure.register("a.png", "b.png"),
        lambda: nbbanana.measure.likeness(["a.png", "b.png"]),
        lambda: nbbanana.measure.composite("a.png", "b.png", (0, 0, 0.5, 1)),
    ],
    ids=["drift", "register", "likeness", "composite"],
)
def test_without_numpy_it_is_said_what_to_install(measure, monkeypatch: pytest.MonkeyPatch) -> None:
    """A UsageError with the extra's name, not an ImportError, before a file is read."""
    monkeypatch.setitem(sys.modules, "numpy", None)  # how Python marks what cannot be imported
    with pytest.raises(ImportError):
        importlib.import_module("numpy")
    with pytest.raises(UsageError, match=r'pip install "nbbanana\[measure\]"'):
        measure()


@given(st.integers(1, 24), st.integers(1, 24), st.integers(0, 2**32 - 1), st.floats(0, 0.8))
def test_boxes_are_those_of_what_is_connected(high: int, wide: int, seed: int, part: float) -> None:
    """Law: for any tiles, one box around each group of tiles that touch, also at a corner; as SciPy finds them."""
    tiles = np.random.default_rng(seed).random((high, wide)) < part
    labels, _ = label(tiles, np.ones((3, 3)))
    boxes = [(across.start, down.start, across.stop, down.stop) for down, across in find_objects(labels)]
    sides = (wide, high, wide, high)
    found = [tuple(round(part * side) for part, side in zip(box, sides, strict=True)) for box in components(tiles)]
    assert sorted(found) == sorted(boxes)
