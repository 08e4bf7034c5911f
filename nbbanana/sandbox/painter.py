"""
The sandbox's painter: a picture for every request, made by hand-written rules from the input and the words.

No model has a part in it, and every picture says so: by a ribbon at its bottom left and by a mark in its metadata. It
follows what the words name as far as a painter can that cannot see: light, weather, colour, the manner of painting,
quoted text, something soft and new behind the middle of the picture. It knows no things and cuts none out: a region
that is named is treated softly as a whole, and what is to be removed melts into the colours along the region's edge.

The same inputs, words, seed and index give the same picture: no clock, no process, no hash seed has a part in it. With
the same Pillow the files are equal to the byte. Another seed or index gives one that can be told apart at a glance.

Measured on one core of a 2.5 GHz server, from a photograph to PNG: 0.1 s (0.5K), 0.1 to 0.35 s (1K; 0.1 for light and
lettering, 0.35 for neon in the rain), 0.5 to 0.9 s (2K), 1.7 to 2.8 s (4K). A process that paints one 4K picture peaks
at 450 MB.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import replace

from PIL import Image, ImageChops, ImageStat

from nbbanana.sandbox.easel import frame, weather
from nbbanana.sandbox.easel.backdrop import dissolved, middle_mask, region_mask, surroundings
from nbbanana.sandbox.easel.colour import RGB, mix
from nbbanana.sandbox.easel.dice import Dice
from nbbanana.sandbox.easel.grades import DAYLIGHT, Look, look_of
from nbbanana.sandbox.easel.lettering import lettered
from nbbanana.sandbox.easel.light import LIGHTS, Size, key_light, painted
from nbbanana.sandbox.easel.ribbon import stamped
from nbbanana.sandbox.easel.scene import scene
from nbbanana.sandbox.easel.texture import TEXTURES
from nbbanana.sandbox.easel.tone import cube
from nbbanana.sandbox.easel.wish import Wish, read

__all__ = ["flat", "paint"]

SOFT_SIDE = 560
"""The mean side in pixels that lights and backdrops are painted at: all of it is soft, and scaled up."""
DRAWN_SIDE = 960
"""The mean side that textures and weather are painted at."""
MOST_CUES = 3
"""Reference images whose colour shows in the lights."""


def paint(
    inputs: list[bytes],
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
        inputs: image files, the first is painted over, the colours of the next ones show in the lights; none for a
            picture from words alone.
        prompt: any text; what the painter knows of it is in `easel/vocabulary.json` and `easel/grades.json`.
        seed: any integer.
        index: which output of the request, from 0.
        aspect_ratio: `auto` follows the first input within 1:8 to 8:1 (a square without one), or such as `16:9`.
        resolution: `0.5K`, `1K`, `2K` or `4K`, the side of a square of the same area; sides are multiples of 8.
        output_format: `png`, `jpeg` or `webp`.

    Returns:
        An RGB image file with `nbbanana.images.SANDBOX_MARK` in it: under `Software` in a PNG's text, or EXIF's.

    Raises:
        ImageError: an input that is not a picture, or too large a one.
        ParameterError: a ratio, resolution or format that does not exist.
    """
    dice = Dice(inputs, prompt, seed, index)
    wish = read(prompt)
    look = look_of(wish.grades, wish.colours, _cues(inputs[1 : 1 + MOST_CUES]), dice)
    if inputs:
        source = frame.opened(inputs[0])
        canvas = frame.fit(source, frame.size_for(aspect_ratio, resolution, source.size))
        graded = _graded(canvas, wish, look, dice)
    else:
        canvas = scene(frame.size_for(aspect_ratio, resolution, None), wish, dice)
        # A scene has the look's colours and a light in its sky from the start, and no middle to spare.
        graded = (_redrawn(canvas, look, dice) or canvas).filter(cube(look.near)), None
        look = replace(look, lights=tuple(name for name in look.lights if name not in {"sun", "moon"}))
    picture = _relit(*graded, wish, look, dice)
    return frame.encode(stamped(lettered(picture, wish.texts)), output_format)


def flat(prompt: str, seed: int, index: int, output_format: str = "png") -> bytes:
    """
    Return 64×64 pixels of a colour that follows from the words, the seed and the index, marked as the sandbox's.

    It costs less than a millisecond: for tests in which pictures only have to be there and to differ.

    Raises:
        ParameterError: a format that does not exist.
    """
    red, green, blue = hashlib.sha256(f"{prompt}\0{seed}\0{index}".encode("utf-8", "surrogatepass")).digest()[:3]
    return frame.encode(Image.new("RGB", (64, 64), (red, green, blue)), output_format)


def _cues(references: Sequence[bytes]) -> tuple[RGB, ...]:
    """The mean colour of each reference image, its saturation kept from greying out."""
    return tuple(_mean(frame.opened(data)) for data in references)


def _mean(picture: Image.Image) -> RGB:
    lively = picture.resize((8, 8), Image.Resampling.BOX).convert("HSV")
    hue, saturation, value = ImageStat.Stat(lively).median
    one = Image.new("HSV", (1, 1), (round(hue), round(max(saturation, 90)), round(max(value, 190))))
    red, green, blue = one.convert("RGB").tobytes()
    return red / 255, green / 255, blue / 255


def _at(size: Size, side: int) -> Size:
    """The size scaled down until its mean side is at most `side`."""
    scale = min(1.0, side / math.sqrt(size[0] * size[1]))
    return max(8, round(size[0] * scale)), max(8, round(size[1] * scale))


def _graded(canvas: Image.Image, wish: Wish, look: Look, dice: Dice) -> tuple[Image.Image, Image.Image | None]:
    """The canvas under its grade, and the mask (white: original) of what the lights leave alone."""
    if wish.scope == "light":
        return canvas, None
    if wish.scope == "region" and wish.region:
        return _touched(canvas, wish, look, dice), None
    if wish.scope == "backdrop":
        return _set_off(canvas, look, dice)
    mask = middle_mask(canvas) if look.lights else None
    return (_redrawn(canvas, look, dice) or canvas).filter(cube(look.far)), mask


def _redrawn(canvas: Image.Image, look: Look, dice: Dice) -> Image.Image | None:
    """The canvas in the look's texture, None if it has none."""
    if look.texture is None:
        return None
    drawn = canvas.resize(_at(canvas.size, DRAWN_SIDE), Image.Resampling.BICUBIC)
    return TEXTURES[look.texture](drawn, look.palette, dice.random("texture")).resize(
        canvas.size, Image.Resampling.BICUBIC
    )


def _touched(canvas: Image.Image, wish: Wish, look: Look, dice: Dice) -> Image.Image:
    """The region alone changed: melted away, or graded."""
    assert wish.region is not None
    mask = region_mask(canvas.size, wish.region, 0.018 if wish.removes else 0.09)
    if wish.removes:
        changed = dissolved(canvas, mask).resize(canvas.size, Image.Resampling.BICUBIC)
    else:
        changed = (_redrawn(canvas, look, dice) or canvas).filter(cube(look.far))
    return Image.composite(changed, canvas, mask.resize(canvas.size, Image.Resampling.BICUBIC))


def _set_off(canvas: Image.Image, look: Look, dice: Dice) -> tuple[Image.Image, Image.Image]:
    """The middle near to the original, something new around it."""
    small = canvas.resize(_at(canvas.size, SOFT_SIDE), Image.Resampling.BICUBIC)
    mask = middle_mask(small)
    behind = surroundings(small, look, _redrawn(small, look, dice), dice)
    near = canvas.filter(cube(look.near))
    whole = behind.resize(canvas.size, Image.Resampling.BICUBIC)
    return Image.composite(near, whole, mask.resize(canvas.size, Image.Resampling.BICUBIC)), mask


def _relit(picture: Image.Image, mask: Image.Image | None, wish: Wish, look: Look, dice: Dice) -> Image.Image:
    """Lights behind the middle, weather before everything, light from one side, grain."""
    size = picture.size
    quiet = wish.scope in {"light", "region"}
    if not quiet and (look.lights or look.weather):
        picture = ImageChops.screen(picture, _shine(size, mask, look, dice))
    side = _side(look, dice, quiet=quiet)
    picture = ImageChops.soft_light(picture, side.resize(size, Image.Resampling.BICUBIC))
    if look.grain and not quiet:
        layer = weather.grain(_at(size, DRAWN_SIDE), dice.random("grain"), look.grain)
        picture = ImageChops.soft_light(picture, layer.resize(size, Image.Resampling.BICUBIC))
    return picture


def _side(look: Look, dice: Dice, *, quiet: bool) -> Image.Image:
    """Light from one side: of the look's colours, or nearly white where the picture is to stay as it is."""
    if not quiet:
        return key_light((64, 64), dice.place, look.palette, 0.42, look.vignette)
    warm, cool = DAYLIGHT[0]
    return key_light((64, 64), dice.place, (mix(warm, cool, dice.mood), warm), 0.16 + 0.14 * dice.mood, 0.0)


def _shine(size: Size, mask: Image.Image | None, look: Look, dice: Dice) -> Image.Image:
    """Everything that is added, as one layer to screen."""
    soft = _at(size, SOFT_SIDE)
    layer = painted(look.lights, LIGHTS, soft, look.palette, dice.random("lights"))
    if mask is not None:
        spared = mask.resize(soft, Image.Resampling.BICUBIC).point([255 - round(0.85 * value) for value in range(256)])
        layer = ImageChops.multiply(layer, Image.merge("RGB", (spared, spared, spared)))
    if look.weather:
        fine = _at(size, DRAWN_SIDE)
        falling = painted(look.weather, weather.WEATHER, fine, look.palette, dice.random("weather"))
        layer = ImageChops.screen(layer.resize(fine, Image.Resampling.BICUBIC), falling)
    return layer.resize(size, Image.Resampling.BICUBIC)
