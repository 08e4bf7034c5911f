"""The painter keeps its promises about size, format, sameness and difference, whatever it is given."""

from __future__ import annotations

import hashlib
import io
import itertools
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from support.tiers import scaled

from nbbanana.errors import ImageError, ParameterError
from nbbanana.images import PLAY_MARK, load
from nbbanana.samples import still_life
from nbbanana.sandbox.painter import paint
from nbbanana.sandbox.painter.canvas import legible, opened, ribbon_box, size_for
from nbbanana.sandbox.painter.prompt import looks, read

PHOTOS = ("portrait", "coffee")
RATIOS = ("auto", "21:9", "16:9", "3:2", "4:3", "5:4", "1:1", "4:5", "3:4", "2:3", "9:16", "4:1", "1:4", "8:1", "1:8")
FORMATS = ("png", "jpeg", "webp")
NEON = (
    "Keep the subject identity, pose, and clothing unchanged.\n"
    "Convert the background into a rainy neon cyberpunk street."
)
AURA = (
    'Replace the watermark in the bottom-right with the text "AURA" in clean white sans-serif. '
    "Keep everything else exactly as in the input."
)
LABEL = (
    "Keep the bottle, label, and lighting exactly as in the input.\n"
    'Replace only the brand text on the label from "ALPHA" to "AURA",\n'
    "same font weight, centered, white on black."
)
LEFTMOST = "Remove the leftmost object only. Keep the right two objects, the table, and the lighting unchanged."
SWEEP = (
    "For each input image: keep the subject's pose and identity unchanged.\n"
    "Convert the background to a soft warm-grey studio sweep with subtle\n"
    "floor shadow. Center the subject at the same fraction of frame as the\n"
    "input."
)
VISIBLE = 1.2
"""Mean difference of the channels, 0..255, above which two pictures side by side are seen to differ."""


def file(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def draw(inputs: list[bytes], prompt: str, seed: int = 7, index: int = 0, **options: Any) -> Image.Image:
    """A painted picture, small unless a test says otherwise."""
    data = paint(inputs, prompt=prompt, seed=seed, index=index, **({"resolution": "0.5K"} | options))
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def apart(one: Image.Image, other: Image.Image) -> float:
    """The mean difference of two pictures' channels, 0..255."""
    assert one.size == other.size
    return float(np.abs(np.asarray(one.convert("RGB"), float) - np.asarray(other.convert("RGB"), float)).mean())


@pytest.fixture(scope="module")
def still() -> bytes:
    return file(still_life())


# ── sameness ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.nightly
@pytest.mark.parametrize("output_format", ["png", "webp"])
def test_the_same_request_gives_the_same_bytes_in_another_process(still: bytes, output_format: str) -> None:
    """Neither the process nor its hash seed has a part in a picture."""
    words = "Turn it into a snowy night in film noir, with fog and neon."
    here = paint([still], prompt=words, seed=3, index=1, resolution="0.5K", output_format=output_format)
    script = (
        "import hashlib, sys; from nbbanana.sandbox.painter import paint;"
        f"data = paint([sys.stdin.buffer.read()], prompt={words!r}, seed=3, index=1, resolution='0.5K',"
        f" output_format={output_format!r}); print(hashlib.sha256(data).hexdigest())"
    )
    there = subprocess.run(
        [sys.executable, "-c", script], input=still, capture_output=True, check=True, env={"PYTHONHASHSEED": "5"}
    )
    assert there.stdout.decode().strip() == hashlib.sha256(here).hexdigest()


def test_size_and_format_do_not_change_what_is_painted(still: bytes) -> None:
    """A resolution is a size, not another picture."""
    small = draw([still], NEON).convert("RGB")
    large = draw([still], NEON, resolution="1K", output_format="webp")
    assert apart(small, large.resize(small.size, Image.Resampling.BOX)) < 6


# ── difference ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.nightly
@pytest.mark.parametrize("prompt", [NEON, AURA, LEFTMOST, "Give him a hat."])
def test_every_output_and_every_seed_can_be_told_apart(photo: Callable[[str], Path], prompt: str) -> None:
    """Four outputs of a request and four seeds: no two alike."""
    source = [photo("portrait").read_bytes()]
    outputs = [draw(source, prompt, seed=7, index=index) for index in range(4)]
    seeds = [outputs[0], *(draw(source, prompt, seed=seed) for seed in (8, 9, 10))]
    for group in (outputs, seeds):
        assert min(apart(one, other) for one, other in itertools.combinations(group, 2)) > VISIBLE


@pytest.mark.nightly
def test_prompts_can_be_told_apart(still: bytes) -> None:
    """Also those that name nothing the painter knows."""
    prompts = (
        "Add a hat.",
        "Give it a tail.",
        "More of everything",
        "Make it red.",
        "Make it teal.",
        "At night.",
        NEON,
    )
    pictures = [draw([still], prompt) for prompt in prompts]
    assert min(apart(one, other) for one, other in itertools.combinations(pictures, 2)) > VISIBLE


def test_the_picture_is_made_from_the_input(photo: Callable[[str], Path]) -> None:
    """Its middle stays near to the original where only the backdrop is to change."""
    source = photo("portrait").read_bytes()
    output = draw([source], "Convert the background to a plain green studio sweep.")
    original = Image.open(io.BytesIO(source)).convert("RGB").resize(output.size)
    width, height = output.size
    face = (round(width * 0.36), round(height * 0.28), round(width * 0.64), round(height * 0.5))
    corner = (round(width * 0.8), 0, width, round(height * 0.3))
    assert apart(output.crop(face), original.crop(face)) < 30
    assert apart(output.crop(corner), original.crop(corner)) > 35


def test_output_i_is_made_from_input_i_modulo_their_number() -> None:
    """A series of inputs comes back as a series."""
    series = [file(Image.new("RGB", (40, 40), colour)) for colour in ("#d01010", "#10d010", "#1020d0")]
    for index in range(5):
        red, green, blue = np.asarray(draw(series, "Keep it.", index=index), float).mean((0, 1))
        assert max(red, green, blue) == (red, green, blue)[index % 3]


# ── what words do ───────────────────────────────────────────────────────────────────────────────────────────────


def channels(picture: Image.Image) -> Any:
    return np.asarray(picture.convert("RGB"), float).mean((0, 1))


def test_colours_and_times_of_day_are_seen(still: bytes) -> None:
    """Red is redder, teal is not, night is darker, black and white has no colour."""
    red, teal, night, plain = (
        channels(draw([still], words)) for words in ("Make it red.", "Make it teal.", "Make it night.", "Keep all.")
    )
    assert red[0] - red[1] > 30
    assert teal[2] > teal[0]
    assert night.mean() < plain.mean() - 30
    grey = np.asarray(draw([still], "Turn it into black and white."), float)
    assert (grey.max(2) - grey.min(2)).mean() < 25


def test_what_is_to_be_kept_does_not_count(still: bytes) -> None:
    """Words that name what stays change nothing."""
    kept = draw([still], "Keep the red apple, the night and the snow unchanged.")
    original = Image.open(io.BytesIO(still)).resize(kept.size)
    assert apart(kept, original) < 12


def test_text_stands_where_the_words_say(still: bytes) -> None:
    """With and without the text, two pictures differ in that corner and hardly elsewhere."""
    without = draw([still], "Keep it.", seed=1)
    for where, box in (("bottom-right", (0.6, 0.8, 1, 1)), ("upper-left corner", (0, 0, 0.4, 0.25))):
        with_text = draw([still], f'Write "AURA" in the {where}, in white.', seed=1)
        lines = [np.asarray(picture.convert("L"), float) for picture in (with_text, without)]
        brighter = np.argwhere(lines[0] - lines[1] > 70) / lines[0].shape
        assert len(brighter) > 60
        inside = [box[0] <= x <= box[2] and box[1] <= y <= box[3] for y, x in brighter]
        assert sum(inside) / len(inside) > 0.95


def test_only_the_new_text_is_set_where_one_replaces_another() -> None:
    """`from "ALPHA" to "AURA"` writes AURA, white on a black plate."""
    [text] = read(LABEL).texts
    assert (text.words, text.anchor) == ("AURA", "mm")
    assert text.ink is not None
    assert text.plate is not None
    assert (min(text.ink) > 230, max(text.plate) < 25) == (True, True)


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("Write “AURA” on it", ["AURA"]),
        ("Schreibe „Größe“ darauf", ["Größe"]),
        ("Écris «Ça va» dessus", ["Ça va"]),
        ("写上「你好」", ["你好"]),
        ("Add 'OPEN' and keep the dog's tail", ["OPEN"]),
        ('Keep the text "ALPHA" unchanged.', []),
        ('in the style of "Blade Runner"', []),
        ("it's the dog's, isn't it", []),
        ('a 5" by 7" print', []),
        ('Set "A", "B", "C" and "D"', ["A", "B", "C"]),
    ],
)
def test_quoted_text_is_found_in_any_quotes(prompt: str, words: list[str]) -> None:
    """Typographic quotes count, apostrophes and inches do not, nor what is to be kept."""
    assert [text.words for text in read(prompt).texts] == words


@pytest.mark.parametrize(
    ("prompt", "scope"),
    [
        (NEON, "backdrop"),
        (SWEEP, "backdrop"),
        (AURA, "light"),
        (LABEL, "light"),
        (LEFTMOST, "region"),
        ("Keep everything.", "light"),
        ("Turn it into a watercolour.", "whole"),
        ("保持人物不变,把背景换成霓虹雨夜的街道。", "backdrop"),
        ("", "light"),
    ],
)
def test_a_change_lands_where_the_words_say(prompt: str, scope: str) -> None:
    """Behind the middle, in a region, on the whole, or nowhere but in the light."""
    assert read(prompt).scope == scope


def test_what_is_replaced_is_no_look() -> None:
    """A forest that goes does not make it green."""
    assert read("Replace the forest behind her with a beach.").looks == (looks()["sea"],)


def test_a_region_is_changed_and_the_rest_is_not(still: bytes) -> None:
    """The leftmost third melts; the bottle and the pear stay."""
    output = draw([still], LEFTMOST)
    original = Image.open(io.BytesIO(still)).resize(output.size)
    width, height = output.size
    apple = (round(width * 0.16), round(height * 0.62), round(width * 0.3), round(height * 0.82))
    pear = (round(width * 0.68), round(height * 0.5), round(width * 0.85), round(height * 0.85))
    assert apart(output.crop(apple), original.crop(apple)) > 50
    assert apart(output.crop(pear), original.crop(pear)) < 15


@pytest.mark.nightly
def test_every_look_can_be_painted(still: bytes) -> None:
    """Every look changes the picture, and every function that the table names exists."""
    plain = draw([still], "Add a hat.")
    for look in looks().values():
        where = "the background into " if look.backdrop else ""
        assert apart(draw([still], f"Turn {where}{look.words[0]}."), plain) > VISIBLE, look.words


def test_every_word_of_the_tables_is_found() -> None:
    """A word that is written in another form than it is looked for would never be found."""
    for look in looks().values():
        for word in look.words:
            assert look in read(f"A picture of {word}").looks, word


# ── text to image ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.nightly
@pytest.mark.parametrize("prompt", ["A calm lake at dawn", "A neon city", "", "雪"])
def test_words_alone_give_a_scene(prompt: str) -> None:
    """Without an input a scene is painted, a square one unless a ratio is asked for, and no two are alike."""
    one, other = draw([], prompt), draw([], prompt, index=1)
    assert one.size == (512, 512)
    assert np.asarray(one, float).std() > 12
    assert apart(one, other) > VISIBLE
    assert draw([], prompt, aspect_ratio="16:9").size == size_for("16:9", "0.5K", None)


# ── size, format, mark, ribbon ──────────────────────────────────────────────────────────────────────────────────


@given(
    ratio=st.sampled_from(RATIOS),
    resolution=st.sampled_from(("0.5K", "1K", "2K", "4K", "1k")),
    source=st.tuples(st.integers(1, 9000), st.integers(1, 9000)),
)
def test_sizes_keep_the_ratio_and_the_area(ratio: str, resolution: str, source: tuple[int, int]) -> None:
    """Sides are multiples of 8, the shape is within 2 % of what is asked for, the area within 5 %."""
    width, height = size_for(ratio, resolution, source)
    across, down = source if ratio == "auto" else map(int, ratio.split(":"))
    asked = min(8.0, max(1 / 8, across / down))
    area = (1024 * float(resolution[:-1])) ** 2
    assert width % 8 == height % 8 == 0
    assert abs(math.log(width / height / asked)) < 0.02
    assert abs(math.log(width * height / area)) < 0.05


@pytest.mark.parametrize("name", PHOTOS)
def test_auto_follows_a_photograph(photo: Callable[[str], Path], name: str) -> None:
    """The output has the input's shape, and about a megapixel."""
    source = photo(name).read_bytes()
    output, original = draw([source], NEON, resolution="1K"), Image.open(io.BytesIO(source))
    assert output.width / output.height == pytest.approx(original.width / original.height, rel=0.015)
    assert output.width * output.height == pytest.approx(2**20, rel=0.05)


def test_squares_are_as_large_as_their_name() -> None:
    """1K is 1024 × 1024, and so on."""
    sides = {name: size_for("1:1", name, None) for name in ("0.5K", "1K", "2K", "4K")}
    assert sides == {"0.5K": (512, 512), "1K": (1024, 1024), "2K": (2048, 2048), "4K": (4096, 4096)}


@pytest.mark.nightly
def test_four_k_is_painted(still: bytes) -> None:
    """The largest size, in the quickest format."""
    assert draw([still], NEON, aspect_ratio="1:1", resolution="4K", output_format="jpeg").size == (4096, 4096)


@pytest.mark.parametrize("output_format", FORMATS)
@pytest.mark.parametrize("inputs", [0, 1])
def test_every_output_is_marked(still: bytes, output_format: str, inputs: int) -> None:
    """The file says that no model made it, in a way that `images.load` understands."""
    data = paint([still][:inputs], prompt="x", seed=1, index=0, resolution="0.5K", output_format=output_format)
    picture = Image.open(io.BytesIO(data))
    assert picture.format == output_format.upper()
    assert picture.mode == "RGB"
    note = picture.info["Software"] if output_format == "png" else picture.getexif()[0x0131]
    assert note == PLAY_MARK
    assert load(data).is_play


@pytest.mark.parametrize("ratio", ["1:1", "16:9", "9:16", "1:8", "8:1"])
@pytest.mark.parametrize("colour", ["white", "black"])
def test_every_output_carries_the_ribbon(ratio: str, colour: str) -> None:
    """At the bottom left, dark with light letters on any ground, and inside the frame."""
    output = draw([file(Image.new("RGB", (300, 200), colour))], "Add a hat.", aspect_ratio=ratio)
    left, top, right, bottom = box = ribbon_box(output.size)
    assert (left, bottom) == (0, output.height)
    assert right <= 0.51 * output.width
    assert 0.01 * output.height < bottom - top < 0.16 * output.height
    ribbon = np.asarray(output.crop(box).convert("L"), float)
    assert np.median(ribbon) < 90
    # A narrow frame leaves a ribbon of a few rows, whose letters cannot be wholly white.
    assert ribbon.max() > (200 if bottom - top >= 12 else 120)


@pytest.mark.parametrize(
    "words", ["Make it night.", "Turn it into a pencil sketch.", 'Write "X" at the bottom left.', NEON]
)
def test_nothing_is_painted_over_the_ribbon(still: bytes, words: str) -> None:
    """Whatever the look, the ribbon comes last and looks the same."""
    box = ribbon_box(size_for("4:3", "0.5K", None))
    plain, other = (draw([still], prompt, aspect_ratio="4:3").crop(box) for prompt in ("Add a hat.", words))
    assert apart(plain, other) < 40


# ── odd inputs ──────────────────────────────────────────────────────────────────────────────────────────────────


def odd_inputs() -> dict[str, bytes]:
    """One picture, grey on the left and light on the right, in many modes and forms."""
    base = Image.linear_gradient("L").rotate(90).resize((96, 64))
    rgb = base.convert("RGB")
    turned = Image.Exif()
    turned[0x0112] = 6
    deep = Image.fromarray((np.asarray(base).astype(np.uint32) * 257).astype(np.uint16))
    clear = rgb.convert("RGBA")
    clear.putalpha(base)
    return {
        "L": file(base),
        "1": file(base.convert("1")),
        "P": file(rgb.quantize(128)),
        "LA": file(clear.convert("LA")),
        "RGBA": file(clear),
        "RGBA WebP": file(clear, "WEBP", lossless=True),
        "CMYK": file(rgb.convert("CMYK"), "JPEG"),
        "16 bits": file(deep),
        "16 bits TIFF": file(deep, "TIFF"),
        "rotated": file(rgb.rotate(90, expand=True), "JPEG", exif=turned),
        "one pixel": file(Image.new("RGB", (1, 1), "teal")),
        "a hair": file(Image.new("RGB", (3000, 2), "teal")),
        "a pillar": file(Image.new("RGB", (2, 3000), "teal")),
    }


@pytest.mark.nightly
@pytest.mark.parametrize("name", odd_inputs())
def test_pictures_of_any_mode_are_painted(name: str) -> None:
    """Grey, palette, transparent, CMYK, deep, rotated and tiny ones."""
    output = draw([odd_inputs()[name]], NEON)
    draw([odd_inputs()[name]], LEFTMOST)
    ratio = {"one pixel": 1.0, "a hair": 8.0, "a pillar": 1 / 8}.get(name, 1.5)
    assert output.width / output.height == pytest.approx(ratio, rel=0.02)


@pytest.mark.parametrize("name", ["L", "P", "CMYK", "16 bits", "16 bits TIFF", "rotated"])
def test_modes_look_alike(name: str) -> None:
    """The same picture in another mode is the same picture, upright and not clipped."""
    pictures = odd_inputs()
    assert apart(opened(pictures[name]), opened(pictures["L"])) < 6


def test_what_is_no_picture_is_refused() -> None:
    """As the images room says it."""
    with pytest.raises(ImageError):
        paint([b"not a picture"], prompt="x", seed=1, index=0)


@pytest.mark.parametrize(
    "options",
    [
        {"resolution": "3K"},
        {"aspect_ratio": "0:1"},
        {"aspect_ratio": "9:1"},
        {"aspect_ratio": "wide"},
        {"output_format": "gif"},
    ],
)
def test_values_that_do_not_exist_are_refused(options: dict[str, str]) -> None:
    """The error names the field, the value and what is allowed."""
    [(field, value)] = options.items()
    with pytest.raises(ParameterError) as caught:
        draw([], "x", **options)
    assert field in caught.value.what
    assert value in caught.value.what
    assert "allowed" in caught.value.why or "between" in caught.value.why


# ── any text ────────────────────────────────────────────────────────────────────────────────────────────────────

SOME = (
    "", " ", "\0", "\ud800", "\u202eRTL \u2067x\u2069", "👩‍🚀🏳️‍🌈", '"', '""', "“", "'" * 99, '"\0\0"', '"\u202e\u200f"',
    'write "مرحبا שלום 你好 👋"', "\ue0000\ue001", 'x "\ue0007\ue001" to "y"', "a" * 10_000, '"' + "w" * 390 + '"',
    '"' + "many words " * 30 + '" at the label', "“" * 10_000, '"a" ' * 2_500, "keep change " * 800, "no, " * 2_500,
    "replace " + "with " * 2_000, "left right top bottom " * 400, "dark " * 2_000 + "red",
    "\n" * 10_000, "霓虹" * 5_000,
)  # fmt: skip
WORDS = st.sampled_from(
    ["keep", "change", "the background", "into", "red", "dark blue", "night", '"AURA"', "“x y”", "left",
     "remove", "sketch", "at the bottom-right", "\n", ". ", "no", "neon", "pop art", "snow", "label",
     "white on black", "霓虹", "😀"]
)  # fmt: skip


@pytest.mark.nightly
@pytest.mark.parametrize("prompt", SOME, ids=range(len(SOME)))
def test_no_text_makes_it_stumble(prompt: str) -> None:
    """Bidi, emoji, NUL, lone surrogates, private characters and 10,000 letters give a picture."""
    source = file(Image.linear_gradient("L").convert("RGB"))
    assert draw([source], prompt, aspect_ratio="1:1").size == (512, 512)


@settings(max_examples=scaled(15), suppress_health_check=[HealthCheck.too_slow], print_blob=True)
@given(
    prompt=st.text(max_size=300) | st.lists(WORDS, max_size=14).map(" ".join),
    seed=st.integers(),
    index=st.integers(0, 3),
    ratio=st.sampled_from(RATIOS),
    output_format=st.sampled_from(FORMATS),
    given_one=st.booleans(),
)
def test_any_request_gives_a_picture_of_the_promised_size_and_format(
    prompt: str, seed: int, index: int, ratio: str, output_format: str, given_one: bool
) -> None:
    """Whatever the words and the seed."""
    inputs = [file(Image.radial_gradient("L").convert("RGB").resize((90, 60)))] if given_one else []
    options = {"resolution": "0.5K", "aspect_ratio": ratio, "output_format": output_format}
    data = paint(inputs, prompt=prompt, seed=seed, index=index, **options)
    picture = Image.open(io.BytesIO(data))
    picture.load()
    assert picture.format == output_format.upper()
    assert picture.size == size_for(ratio, "0.5K", (90, 60) if given_one else None)


@given(prompt=st.text(max_size=2000) | st.lists(WORDS, max_size=60).map(" ".join))
def test_any_text_reads_as_a_wish(prompt: str) -> None:
    """Reading never fails, and gives at most three texts."""
    wish = read(prompt)
    assert len(wish.texts) <= 3
    assert all(len(legible(text.words)) <= 240 for text in wish.texts)
    assert (wish.region is not None) == (wish.scope == "region")
