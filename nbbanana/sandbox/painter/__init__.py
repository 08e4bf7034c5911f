"""
The sandbox's painter: a picture for each request, made from the input and the words with Pillow's own operations.

No model has a part in it, and every picture says so by a ribbon and by a mark in its metadata. It shows that words,
input, seed and index arrived: a grade for time of day, weather and style, a soft backdrop behind the middle of the
picture, quoted text in its place. The same inputs, words, seed and index give the same picture in every process.

What is laid over a picture comes after that: lights and weather, masks, and the scene for requests without an input. A
light takes the size to paint at in pixels, a generator and a palette, and returns an RGB picture on black. Everything
soft is painted small and scaled up.
"""

from __future__ import annotations

import colorsys
import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from nbbanana.sandbox.painter.canvas import Size, encode, erased, lettered, opened, size_for, stamped
from nbbanana.sandbox.painter.prompt import BLACK, GREY, RGB, WHITE, Box, Instructions, Look, mixed, read

__all__ = ["flat", "paint"]

SOFT_SIDE = 640
"""The mean side in pixels that lights and backdrops are painted at; they are scaled up."""
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
        picture = _shone(landscape(size, sky, chance.random("scene")), None, chosen, chance)
    picture = _relit(picture, chosen, chance, quiet=wish.scope in {"light", "region"})
    return encode(stamped(lettered(picture, wish.texts)), output_format)


def _chosen(wish: Instructions, chance: Chance) -> tuple[Look, ...]:
    """Return the looks that are named; without any, one in the colour that is named or that the words have."""
    base = wish.colours[0] if wish.colours else shifted((150, 112, 98), chance.hue + 0.12 * chance.place)
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
        mask = box_mask(canvas.size, wish.region, 0.02 if wish.removes else 0.06)
        changed = _graded(canvas, chosen)
        if wish.removes:
            edges = [round(edge * side) for edge, side in zip(wish.region, canvas.size * 2, strict=True)]
            changed = erased(canvas, edges)
        return Image.composite(changed, canvas, mask)
    graded = _graded(canvas, chosen)
    mask = middle_mask(canvas)
    if wish.scope == "backdrop":
        near = Image.blend(canvas, graded, max(look.near for look in chosen))
        graded = Image.composite(near, _behind(graded, chosen, chance), mask)
    return _shone(graded, mask, chosen, chance)


def _graded(canvas: Image.Image, chosen: Sequence[Look]) -> Image.Image:
    """Return the canvas in the tones of the looks."""
    picture = canvas
    for look, strength in zip(chosen, STRENGTHS, strict=False):
        picture = toned(picture, look, strength)
    return picture


def _behind(graded: Image.Image, chosen: Sequence[Look], chance: Chance) -> Image.Image:
    """Return what stands behind: the graded picture blurred, the backdrop's colours over it."""
    small = graded.resize(within(graded.size, SOFT_SIDE), Image.Resampling.BOX)
    behind = small.filter(ImageFilter.GaussianBlur(SOFT_SIDE / 28))
    if look := next((look for look in chosen if look.backdrop), None):
        colours = [shifted(colour, 0.05 * (chance.place - 0.5)) for colour in look.backdrop]
        sheet = gradient(colours, small.size)
        if look.plain:
            sheet = ImageChops.soft_light(sheet, floor().resize(small.size, Image.Resampling.BICUBIC))
        behind = Image.blend(behind, sheet, look.cover)
    return behind.resize(graded.size, Image.Resampling.BICUBIC)


def _shone(picture: Image.Image, mask: Image.Image | None, chosen: Sequence[Look], chance: Chance) -> Image.Image:
    """Return the picture with lights and weather, which are faint before its middle."""
    palette = _palette(chosen, chance)
    layer = Image.new("RGB", within(picture.size, SOFT_SIDE))
    for name in dict.fromkeys(name for look in chosen for name in look.lights):
        layer = ImageChops.screen(layer, LIGHTS[name](layer.size, chance.random(name), palette))
    if mask:
        spared = mask.resize(layer.size).point(lambda value: 255 - 0.7 * value)
        layer = ImageChops.multiply(layer, spared.convert("RGB"))
    return ImageChops.screen(picture, layer.resize(picture.size, Image.Resampling.BICUBIC))


def _palette(chosen: Sequence[Look], chance: Chance) -> list[RGB]:
    """Return the colours of the lights, in another order and slightly other hues for each output."""
    colours = [*next((look.palette for look in chosen if look.palette), DAYLIGHT)]
    start = chance.turn % len(colours)
    turned = (colours[start:] + colours[:start])[: max(2, len(colours) * 2 // 3)]
    return [shifted(colour, 0.06 * (chance.place - 0.5)) for colour in turned]


def _relit(picture: Image.Image, chosen: Sequence[Look], chance: Chance, *, quiet: bool) -> Image.Image:
    """Return the picture with light from one side, by which no two outputs are alike; gentle where all is kept."""
    amount = (0.16 if quiet else 0.26) * (0.6 + chance.mood)
    lit, dim = DAYLIGHT if quiet else _palette(chosen, chance)[:2]
    bright, dark = mixed(GREY, mixed(lit, WHITE, 0.2), amount), mixed(GREY, mixed(dim, BLACK, 0.8), amount)
    light = key_light(chance.place, bright, dark)
    return ImageChops.soft_light(picture, light.resize(picture.size, Image.Resampling.BICUBIC))


# ── layers ──────────────────────────────────────────────────────────────────────────────────────────────


Light = Callable[[Size, Random, Sequence[RGB]], Image.Image]
Disc = tuple[int, float, float]
"""How many discs, their radius as a part of the mean side, and their strength, 0..1."""


def _unit(size: Size) -> float:
    """Return the mean side, of which all measures are parts: a panorama's lights keep their size."""
    return math.sqrt(size[0] * size[1])


def within(size: Size, side: int) -> Size:
    """Return the size scaled down until its mean side is at most `side` pixels."""
    scale = min(1.0, side / _unit(size))
    return max(8, round(size[0] * scale)), max(8, round(size[1] * scale))


def shifted(colour: RGB, turn: float) -> RGB:
    """Return the colour with its hue turned by a part of the whole wheel."""
    hue, light, depth = colorsys.rgb_to_hls(*(value / 255 for value in colour))
    red, green, blue = (round(255 * value) for value in colorsys.hls_to_rgb((hue + turn) % 1.0, light, depth))
    return red, green, blue


def gradient(colours: Sequence[RGB], size: tuple[int, int]) -> Image.Image:
    """Return a picture that goes through three colours from its top to its bottom."""
    top, middle, bottom = colours
    return ImageOps.colorize(Image.linear_gradient("L"), top, bottom, middle).resize(size, Image.Resampling.BICUBIC)


def toned(picture: Image.Image, look: Look, strength: float) -> Image.Image:
    """Return the picture with the look's brightness, contrast, colour and tint, at a strength of 0 to 1."""
    changed = ImageEnhance.Brightness(picture).enhance(look.brightness)
    changed = ImageEnhance.Contrast(changed).enhance(look.contrast)
    changed = ImageEnhance.Color(changed).enhance(look.colour)
    if look.tint:
        dark, light = look.tint
        changed = Image.blend(changed, ImageOps.colorize(changed.convert("L"), dark, light), look.amount)
    return Image.blend(picture, changed, strength)


def _glow(layer: Image.Image, at: tuple[float, float], radius: float, colour: RGB) -> None:
    """Add a soft spot to `layer`; centre and radius are in pixels."""
    side = max(2, round(2 * radius))
    left, top = round(at[0] - side / 2), round(at[1] - side / 2)
    box = (left, top, left + side, top + side)
    fading = Image.radial_gradient("L").point(lambda value: (255 - value) ** 2 / 255).resize((side, side), 2)
    layer.paste(ImageChops.screen(layer.crop(box), ImageOps.colorize(fading, BLACK, colour)), (left, top))


def _discs(size: Size, dice: Random, colours: Sequence[RGB], soft: float, *kinds: Disc) -> Image.Image:
    """Return discs at random places, blurred by a part of their radius."""
    sheets = []
    for number, radius, strength in kinds:
        sheet = Image.new("RGB", size)
        for _ in range(number):
            x, y = dice.random() * size[0], dice.random() * size[1]
            reach = radius * dice.uniform(0.6, 1.4) * _unit(size)
            colour = mixed(BLACK, dice.choice(colours), strength * dice.uniform(0.5, 1.0))
            rim = mixed(colour, WHITE, 0.1)
            ImageDraw.Draw(sheet).ellipse((x - reach, y - reach, x + reach, y + reach), colour, rim)
        sheets.append(sheet.filter(ImageFilter.GaussianBlur(soft * radius * _unit(size))))
    return reduce(ImageChops.screen, sheets)


def _haze(size: Size, dice: Random, palette: Sequence[RGB]) -> Image.Image:
    """Paint a few wide clouds of colour."""
    layer = Image.new("RGB", size)
    for number in range(4):
        at = (dice.uniform(-0.05, 1.05) * size[0], dice.uniform(0.0, 0.75) * size[1])
        colour = mixed(BLACK, palette[number % len(palette)], dice.uniform(0.35, 0.6))
        _glow(layer, at, dice.uniform(0.4, 0.7) * _unit(size), colour)
    return layer


def _bokeh(size: Size, dice: Random, palette: Sequence[RGB]) -> Image.Image:
    """Paint points of light out of focus, the large ones fainter."""
    return _discs(size, dice, palette, 0.08, (36, 0.008, 0.8), (22, 0.018, 0.6), (9, 0.038, 0.4))


def _signs(size: Size, dice: Random, palette: Sequence[RGB]) -> Image.Image:
    """Paint upright lit signs on both sides, and the light they spill."""
    layer = Image.new("RGB", size)
    draw = ImageDraw.Draw(layer)
    for number in range(10):
        x = (dice.uniform(0.0, 0.3) if number % 2 else dice.uniform(0.7, 1.0)) * size[0]
        y, wide = dice.uniform(0.1, 0.55) * size[1], dice.uniform(0.012, 0.034) * _unit(size)
        colour = mixed(BLACK, palette[number % len(palette)], dice.uniform(0.55, 0.95))
        draw.rounded_rectangle((x, y, x + wide, y + dice.uniform(0.08, 0.26) * _unit(size)), wide / 2, colour)
    core = layer.filter(ImageFilter.GaussianBlur(_unit(size) / 110))
    spill = layer.filter(ImageFilter.GaussianBlur(_unit(size) / 22)).point(lambda value: 2.4 * value)
    return ImageChops.screen(core, spill)


def _rain(size: Size, dice: Random, _palette: Sequence[RGB]) -> Image.Image:
    """Paint streaks in three depths that slant the same way."""
    layer = Image.new("L", size)
    draw, slant = ImageDraw.Draw(layer), dice.choice((-1, 1)) * dice.uniform(0.06, 0.2)
    for number, length, strength in ((280, 0.03, 60), (120, 0.065, 95), (22, 0.12, 120)):
        for _ in range(number):
            x, y = dice.uniform(-0.1, 1.1) * size[0], dice.uniform(-0.1, 1.0) * size[1]
            reach = length * _unit(size) * dice.uniform(0.6, 1.4)
            draw.line((x, y, x + slant * reach, y + reach), round(strength * dice.uniform(0.5, 1.0)), 1)
    return ImageOps.colorize(layer.filter(ImageFilter.BoxBlur(0.5)), BLACK, (214, 226, 240))


def _snow(size: Size, dice: Random, _palette: Sequence[RGB]) -> Image.Image:
    """Paint flakes in three depths: many small ones, a few large soft ones close to the eye."""
    return _discs(size, dice, [WHITE], 0.5, (190, 0.0026, 0.8), (70, 0.005, 0.7), (14, 0.017, 0.4))


LIGHTS: Mapping[str, Light] = {light.__name__.strip("_"): light for light in (_haze, _bokeh, _signs, _rain, _snow)}
"""Lights and weather by the names that looks.json calls them."""


def key_light(turn: float, lit: RGB, dim: RGB) -> Image.Image:
    """Return light from one side (0..1 around the picture) as 180×180 pixels for `ImageChops.soft_light`."""
    slope = Image.linear_gradient("L").rotate(360 * turn, Image.Resampling.BILINEAR, fillcolor=128)
    return ImageOps.colorize(slope, dim, lit, GREY).crop((38, 38, 218, 218))


def floor() -> Image.Image:
    """Return a studio's light on its wall and shadow on its floor as 96×96 pixels for `ImageChops.soft_light`."""
    layer = Image.new("RGB", (96, 96), (116, 116, 116))
    draw = ImageDraw.Draw(layer)
    draw.ellipse((4, -10, 92, 66), (176, 176, 176))
    draw.rectangle((0, 78, 96, 96), (134, 134, 134))
    draw.ellipse((16, 84, 80, 97), (44, 44, 44))
    return layer.filter(ImageFilter.GaussianBlur(7))


def box_mask(size: Size, box: Box, softness: float) -> Image.Image:
    """Return a mask, white inside a box, its edges soft (a part of the mean side) except along the frame."""
    mask = Image.new("L", within(size, 128))
    edges = [edge * side for edge, side in zip(box, mask.size * 2, strict=True)]
    ImageDraw.Draw(mask).rectangle(edges, 255)
    # Pillow's blur goes on with the pixels of the edge, so that what reaches the frame stays white there.
    return mask.filter(ImageFilter.GaussianBlur(softness * 128)).resize(size, Image.Resampling.BICUBIC)


def middle_mask(picture: Image.Image) -> Image.Image:
    """Return a mask, white where colours differ from those along the upper edges and, if these are lively, inside."""
    small = picture.resize(within(picture.size, 200), Image.Resampling.BOX).convert("YCbCr")
    width, height = small.size
    wide, upper = max(1, width // 14), round(0.56 * height)
    key = Image.new("L", small.size, 255)
    for box in ((0, 0, width, max(1, height // 14)), (0, 0, wide, upper), (width - wide, 0, width, upper)):
        edge = small.crop(box).resize((4, 4), Image.Resampling.BOX).resize(small.size, Image.Resampling.BILINEAR)
        light, blue, red = ImageChops.difference(small, edge).split()
        colour = ImageChops.lighter(blue, red).point(lambda value: 2.6 * value)
        key = ImageChops.darker(key, ImageChops.lighter(light, colour))
    rest = ImageChops.subtract(key, box_mask(small.size, (0.25, 0.2, 0.75, 1), 0.12))
    lively = min(1.0, rest.reduce(small.size).tobytes()[0] / 16)
    key = key.filter(ImageFilter.GaussianBlur(1 + 4 * lively)).point(lambda value: 5 * (value - 20))
    below = box_mask(small.size, (0, 0.6, 1, 1), 0.06)
    near = ImageChops.lighter(below, box_mask(small.size, (0.12, 0.05, 0.88, 1), 0.05))
    oval = ImageOps.invert(Image.radial_gradient("L")).point(lambda value: 3 * lively * (value - 40))
    middle = Image.new("L", small.size)
    middle.paste(oval.resize((round(0.7 * width), round(1.1 * height))), (round(0.15 * width), 0))
    mask = ImageChops.screen(middle, ImageChops.multiply(key, near)).filter(ImageFilter.GaussianBlur(0.6 + 4 * lively))
    return mask.resize(picture.size, Image.Resampling.BICUBIC)


def landscape(size: Size, sky: Sequence[RGB], dice: Random) -> Image.Image:
    """Return a quiet scene for requests without an input: sky and ranges of hills."""
    width, height = large = within((2 * size[0], 2 * size[1]), 1448)
    picture = gradient(sky, large)
    for depth in (0.0, 0.25, 0.5, 0.75, 1.0):
        base = (0.56 + 0.4 * depth) * height
        noise = Image.frombytes("L", (12, 1), dice.randbytes(12)).resize((200, 1), Image.Resampling.BICUBIC).tobytes()
        hills = [(x / 199 * width, base - level / 3200 * height) for x, level in enumerate(noise)]
        colour = mixed(mixed(sky[2], BLACK, 0.1), mixed(sky[0], BLACK, 0.6), 0.16 + 0.84 * depth)
        ImageDraw.Draw(picture).polygon([(0, height), *hills, (width, height)], colour)
    return picture.resize(size, Image.Resampling.LANCZOS)
