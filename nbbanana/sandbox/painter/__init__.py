"""
The sandbox's painter: a picture for each request, made from the input and the words with Pillow's own operations.

No model has a part in it, and every picture says so by a ribbon and by a mark in its metadata. It shows that words,
input, seed and index arrived: a grade for time of day, weather and style, a soft backdrop behind the middle of the
picture, quoted text in its place. The same inputs, words, seed and index give the same picture in every process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from PIL import Image, ImageChops, ImageFilter, ImageOps

from nbbanana.sandbox.painter import layers
from nbbanana.sandbox.painter.canvas import encode, erased, lettered, opened, size_for, stamped
from nbbanana.sandbox.painter.prompt import BLACK, GREY, RGB, WHITE, Instructions, Look, mixed, read

__all__ = ["flat", "paint"]

SOFT_SIDE, DRAWN_SIDE = 560, 960
"""The mean side in pixels that lights and backdrops are painted at, and styles and weather; both are scaled up."""
STRENGTHS = (1.0, 0.6, 0.4)
"""How much each further look counts: three at full strength would leave little of the picture."""
DAYLIGHT = ((255, 219, 168), (168, 199, 255))
STEPS = ((0.4142135623730951, 0.7548776662466927), (0.23606797749978969, 0.5698402909980532))
"""For `place` and `mood`, what a step of the seed and of the index adds: steps that keep neighbours far apart."""


class Chance:
    """
    Every choice of one output, as it follows from the inputs, the words, the seed and the index.

    `hue` follows from the words alone; `place` is where the light comes from and `mood` how bright it is, all 0..1.
    """

    def __init__(self, inputs: Sequence[bytes], prompt: str, seed: int, index: int) -> None:
        words = hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).digest()
        key = hashlib.sha256(b"".join(hashlib.sha256(data).digest() for data in inputs) + words).digest()
        near = seed % 2**20  # a float holds the product exactly enough only while the seed is small
        self.hue = words[0] / 255
        self.place, self.mood = (
            (start / 255 + near * by_seed + index * by_index) % 1.0
            for start, (by_seed, by_index) in zip(key, STEPS, strict=False)
        )
        self.turn = key[2] + seed + index
        self._key = f"{key.hex()}:{seed}:{index}"

    def random(self, purpose: str) -> Random:
        """Return a generator of its own for each purpose, so that one more choice here changes nothing there."""
        return Random(f"{self._key}:{purpose}")  # noqa: S311  pictures, not secrets


def flat(prompt: str, seed: int, index: int, output_format: str = "png") -> bytes:
    """Return 64×64 pixels of a colour that follows from words, seed and index, for tests that look at no pictures."""
    red, green, blue = hashlib.sha256(f"{prompt}\0{seed}\0{index}".encode("utf-8", "surrogatepass")).digest()[:3]
    return encode(Image.new("RGB", (64, 64), (red, green, blue)), output_format)


def paint(
    inputs: Sequence[bytes],
    *,
    prompt: str,
    seed: int,
    index: int,
    aspect_ratio: str = "auto",
    resolution: str = "1K",
    output_format: str = "png",
) -> bytes:
    """
    Paint one output of a request.

    Args:
        inputs: image files; output i is made from input i modulo their number. None for a picture from words alone.
        prompt: any text; what is found in it is in words.json and looks.json.
        seed: any integer.
        index: which output of the request, from 0.
        aspect_ratio: `auto` follows the input within 1:8 to 8:1 (a square without one), or such as `16:9`.
        resolution: `0.5K`, `1K`, `2K` or `4K`, the side of a square of the same area; sides are multiples of 8.
        output_format: `png`, `jpeg` or `webp`.

    Returns:
        An RGB image file with `nbbanana.images.PLAY_MARK` in it: under `Software` in a PNG's text, or EXIF's.

    Raises:
        ImageError: an input that is not a picture, or too large a one.
        ParameterError: a ratio, resolution or format that does not exist.
    """
    chance = Chance(inputs, prompt, seed, index)
    wish = read(prompt)
    chosen = _chosen(wish, chance)
    if inputs:
        source = opened(inputs[index % len(inputs)])
        size = size_for(aspect_ratio, resolution, source.size)
        picture = _changed(ImageOps.fit(source, size, Image.Resampling.BICUBIC), wish, chosen, chance)
    else:
        size = size_for(aspect_ratio, resolution, None)
        sky = next((look.backdrop for look in chosen if look.backdrop), (BLACK, GREY, WHITE))
        picture = _shone(layers.landscape(size, sky, chance.random("scene")), None, chosen, chance)
    picture = _relit(picture, chosen, chance, quiet=wish.scope in {"light", "region"})
    return encode(stamped(lettered(picture, wish.texts)), output_format)


def _chosen(wish: Instructions, chance: Chance) -> tuple[Look, ...]:
    """Return the looks that are named; without any, one in the colour that is named or that the words have."""
    base = wish.colours[0] if wish.colours else layers.shifted((150, 112, 98), chance.hue + 0.12 * chance.place)
    own = Look(
        tint=(mixed(base, BLACK, 0.75), mixed(base, WHITE, 0.6)),
        amount=0.6 if wish.colours else 0.22,
        backdrop=(mixed(base, BLACK, 0.3), mixed(base, WHITE, 0.2), mixed(base, WHITE, 0.08)),
        cover=0.8 if wish.colours else 0.3,
    )
    if not wish.colours:
        return wish.looks or (own,)
    return tuple(replace(look, backdrop=own.backdrop) if look.plain else look for look in wish.looks) or (own,)


def _changed(canvas: Image.Image, wish: Instructions, chosen: Sequence[Look], chance: Chance) -> Image.Image:
    """Return the canvas changed where the instructions say."""
    if wish.scope == "light":
        return canvas
    if wish.scope == "region" and wish.region:
        mask = layers.box_mask(canvas.size, wish.region, 0.02 if wish.removes else 0.06)
        changed = _graded(canvas, chosen)
        if wish.removes:
            edges = [round(edge * side) for edge, side in zip(wish.region, canvas.size * 2, strict=True)]
            changed = erased(canvas, edges)
        return Image.composite(changed, canvas, mask)
    graded = _graded(canvas, chosen)
    mask = layers.middle_mask(canvas)
    if wish.scope == "backdrop":
        near = Image.blend(canvas, graded, max(look.near for look in chosen))
        graded = Image.composite(near, _behind(graded, chosen, chance), mask)
    return _shone(graded, mask, chosen, chance)


def _graded(canvas: Image.Image, chosen: Sequence[Look]) -> Image.Image:
    """Return the canvas in the style and the tones of the looks."""
    picture = canvas
    if style := next((look.style for look in chosen if look.style), ""):
        drawn = canvas.resize(layers.within(canvas.size, DRAWN_SIDE), Image.Resampling.BICUBIC)
        picture = layers.STYLES[style](drawn).resize(canvas.size, Image.Resampling.BICUBIC)
    for look, strength in zip(chosen, STRENGTHS, strict=False):
        picture = layers.toned(picture, look, strength)
    return picture


def _behind(graded: Image.Image, chosen: Sequence[Look], chance: Chance) -> Image.Image:
    """Return what stands behind: the graded picture blurred, the backdrop's colours over it."""
    small = graded.resize(layers.within(graded.size, SOFT_SIDE), Image.Resampling.BOX)
    behind = small.filter(ImageFilter.GaussianBlur(SOFT_SIDE / 28))
    if look := next((look for look in chosen if look.backdrop), None):
        colours = [layers.shifted(colour, 0.05 * (chance.place - 0.5)) for colour in look.backdrop]
        sheet = layers.gradient(colours, small.size)
        if look.plain:
            sheet = ImageChops.soft_light(sheet, layers.floor().resize(small.size, Image.Resampling.BICUBIC))
        behind = Image.blend(behind, sheet, look.cover)
    return behind.resize(graded.size, Image.Resampling.BICUBIC)


def _shone(picture: Image.Image, mask: Image.Image | None, chosen: Sequence[Look], chance: Chance) -> Image.Image:
    """Return the picture with lights behind its middle and weather before everything."""
    lights = dict.fromkeys(name for look in chosen for name in look.lights)
    weather = dict.fromkeys(name for look in chosen for name in look.weather)
    if not lights and not weather:
        return picture
    palette = _palette(chosen, chance)
    layer = Image.new("RGB", layers.within(picture.size, SOFT_SIDE))
    for name in lights:
        layer = ImageChops.screen(layer, layers.LIGHTS[name](layer.size, chance.random(name), palette))
    if mask and lights:
        spared = mask.resize(layer.size).point(lambda value: 255 - 0.92 * value)
        layer = ImageChops.multiply(layer, spared.convert("RGB"))
    if weather:
        layer = layer.resize(layers.within(picture.size, DRAWN_SIDE), Image.Resampling.BICUBIC)
    for name in weather:
        layer = ImageChops.screen(layer, layers.LIGHTS[name](layer.size, chance.random(name), palette))
    return ImageChops.screen(picture, layer.resize(picture.size, Image.Resampling.BICUBIC))


def _palette(chosen: Sequence[Look], chance: Chance) -> list[RGB]:
    """Return the colours of the lights, in another order and slightly other hues for each output."""
    colours = [*next((look.palette for look in chosen if look.palette), DAYLIGHT)]
    start = chance.turn % len(colours)
    turned = (colours[start:] + colours[:start])[: max(2, len(colours) * 2 // 3)]
    return [layers.shifted(colour, 0.06 * (chance.place - 0.5)) for colour in turned]


def _relit(picture: Image.Image, chosen: Sequence[Look], chance: Chance, *, quiet: bool) -> Image.Image:
    """Return the picture with light from one side, by which no two outputs are alike; gentle where all is kept."""
    amount = (0.16 if quiet else 0.26) * (0.6 + chance.mood)
    lit, dim = DAYLIGHT if quiet else _palette(chosen, chance)[:2]
    bright, dark = mixed(GREY, mixed(lit, WHITE, 0.2), amount), mixed(GREY, mixed(dim, BLACK, 0.8), amount)
    light = layers.key_light(chance.place, bright, dark)
    return ImageChops.soft_light(picture, light.resize(picture.size, Image.Resampling.BICUBIC))
