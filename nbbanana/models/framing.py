"""
One pair for the shape and the size of the outputs, `aspect_ratio` and `resolution`, in each model's own words.

Models say it in four ways: a ratio and a tier (`16:9`, `2K`, `2k`), a preset (`landscape_16_9`), a size (`1536x1024`),
or a width and a height. What is asked in the pair is said in the model's way where that has a true counterpart: the
same ratio exactly, and the same tier where one is asked for. Otherwise it is an error that names what there is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from nbbanana.errors import ParameterError
from nbbanana.models.model import Model
from nbbanana.models.schemas import Field

__all__ = [
    "AUTO",
    "PAIR",
    "Frame",
    "frame_of",
    "framed",
    "in_words",
    "is_frame",
    "nearest_word",
    "pair_fields",
    "ratio_of",
    "said_together",
    "says_shape",
    "sides",
    "tier_of",
]

PAIR = ("aspect_ratio", "resolution")
AUTO = frozenset({"auto", "adaptive", "match_input_image", "match_input", "input", "original", "source"})
"""How models say that an output has the shape of the input."""

TIERS: Mapping[str, int] = {"0.5K": 512, "1K": 1024, "2K": 2048, "4K": 4096}
"""The side of a square of each tier, in pixels."""
RATIO_NAMES = frozenset({"aspect_ratio", "ratio", "image_ratio", "aspect"})
SIZE_NAMES = frozenset({"size", "image_size", "resolution", "dimensions", "output_size"})
STEP = 8
"""Pixels that a width or a height is a multiple of, where the schema does not say."""

_RATIO = re.compile(r"(\d{1,4})\s*[:/]\s*(\d{1,4})|(\d{1,2})[x×](\d{1,2})", re.ASCII)
_SIZE = re.compile(r"(\d{3,5})\s*[x×*_]\s*(\d{3,5})", re.ASCII | re.IGNORECASE)
_TIER = re.compile(r"(\d{1,2}(?:\.\d{1,2})?)\s*k", re.ASCII | re.IGNORECASE)
_PRESET = re.compile(r"(square|portrait|landscape)(?:_(\d{1,2})_(\d{1,2}))?(_hd)?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Frame:
    """
    The shape and the size that a model's word stands for.

    Args:
        ratio: width to height; None where the word does not say, `"auto"` where it is that of the input.
        tier: such as `2K`; None where the word does not say.
    """

    ratio: Fraction | str | None = None
    tier: str | None = None

    def __str__(self) -> str:
        ratio = f"{self.ratio.numerator}:{self.ratio.denominator}" if isinstance(self.ratio, Fraction) else self.ratio
        return " at ".join(filter(None, (ratio, self.tier)))


def ratio_of(value: object) -> Fraction | str | None:
    """
    Return the ratio that a word of the pair stands for, `"auto"`, or None where it is none.

    >>> ratio_of("16:9"), ratio_of("32/18"), ratio_of("auto"), ratio_of("wide")
    (Fraction(16, 9), Fraction(16, 9), 'auto', None)
    """
    text = str(value).strip().lower()
    if text in AUTO:
        return "auto"
    found = _RATIO.fullmatch(text)
    return _fraction(found[1] or found[3], found[2] or found[4]) if found else None


def tier_of(value: object) -> str | None:
    """
    Return the tier that a word stands for, in this package's spelling, or None where it is none.

    >>> tier_of("2k"), tier_of("0.5K"), tier_of("huge")
    ('2K', '0.5K', None)
    """
    found = _TIER.fullmatch(str(value).strip())
    return f"{float(found[1]):g}K" if found else None


def frame_of(word: object) -> Frame | None:
    """
    Return what a model's word for a shape or a size stands for; None where it is none that is known.

    >>> str(frame_of("portrait_16_9")), str(frame_of("square")), str(frame_of("1536x1024")), str(frame_of("2k"))
    ('9:16 at 1K', '1:1 at 0.5K', '3:2 at 1K', '2K')
    """
    return _frame(str(word).strip().lower())


@lru_cache(maxsize=256)
def _frame(text: str) -> Frame | None:
    if (ratio := ratio_of(text)) is not None:
        return Frame(ratio)
    if (tier := tier_of(text)) is not None:
        return Frame(tier=tier)
    if size := _SIZE.fullmatch(text):
        ratio = _fraction(size[1], size[2])
        return Frame(ratio, _tier_of_size(int(size[1]), int(size[2]))) if ratio else None
    return _of_preset(text)


def says_shape(field: Field) -> bool:
    """Return whether a field says what shape the outputs have: most of its words are ratios, presets or sizes."""
    if field.role or field.kind != "string":
        return False
    if field.enum:
        frames = [frame_of(one) for one in field.enum]
        return sum(frame is not None and frame.ratio is not None for frame in frames) * 2 > len(frames)
    return field.name in RATIO_NAMES or (field.name in SIZE_NAMES and _is_size(field.default))


def is_frame(field: Field) -> bool:
    """Return whether a field's words are ratios, tiers, presets or sizes."""
    return says_shape(field) or (bool(field.enum) and all(tier_of(one) for one in field.enum))


def nearest_word(field: Field, ratio: float) -> str | None:
    """Return the word of a field whose ratio is nearest to a width over a height; None where none says a ratio."""
    ratios = {str(word): frame.ratio for word in field.enum if (frame := frame_of(word))}
    known = {word: float(found) for word, found in ratios.items() if isinstance(found, Fraction)}
    return min(known, key=lambda word: abs(math.log(known[word] / ratio)), default=None)


def framed(model: Model, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return parameters with the pair in the model's own words; what a model takes as it is stays as it is.

    Args:
        model: whose words they are.
        parameters: by name; `aspect_ratio` and `resolution` need not be parameters of the model.

    Raises:
        ParameterError: the model has no word for what is asked, or it is asked twice; what it has is named.

    >>> from nbbanana.models import from_schema
    >>> sizes = {"type": "string", "enum": ["square_hd", "landscape_16_9", "portrait_16_9"]}
    >>> flux = from_schema("a/flux", {"properties": {"prompt": {"type": "string"}, "image_size": sizes}})
    >>> framed(flux, {"aspect_ratio": "9:16", "seed": 7})
    {'seed': 7, 'image_size': 'portrait_16_9'}
    """
    asked = {name: parameters[name] for name in PAIR if parameters.get(name) is not None}
    foreign = {name: value for name, value in asked.items() if not _takes(model, name, value)}
    if not foreign:
        return dict(parameters)
    fields = [one for one in model.options if (one.name not in asked or one.name in foreign) and is_frame(one)]
    if not (fields or all(sides(model))):
        return dict(parameters)  # what is no parameter of the model is an error of its own
    own = _own_words(model, fields, foreign)
    if own is None:
        if {one.name for one in model.fields} >= {*foreign}:
            return dict(parameters)  # its check says what the field takes
        raise _nothing(model, foreign)
    for name, value in own.items():
        if name not in foreign and parameters.get(name, value) != value:
            raise ParameterError(
                f"{name} is {parameters[name]!s:.40}, and {said_together(foreign)} is {name} {value} here.",
                "They are the same thing.",
                "Give one of them.",
            )
    return {**{name: value for name, value in parameters.items() if name not in foreign}, **own}


def in_words(model: Model, parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """
    Return a sentence for each of a model's own words for a shape or a size that is set: what it is in the pair.

    >>> from nbbanana.models import get
    >>> in_words(get("nano-banana-2"), {"aspect_ratio": "16:9"})
    ()
    """
    found = []
    for field in model.options:
        frame = frame_of(parameters[field.name]) if parameters.get(field.name) is not None else None
        is_other = frame is not None and str(frame).lower() != str(parameters[field.name]).lower()
        if is_other and is_frame(field):
            found.append(f"{field.name} {parameters[field.name]} is {frame}.")
    width, height = sides(model)
    if width and height and {width.name, height.name} <= {*parameters}:
        size = f"{parameters[width.name]}x{parameters[height.name]}"
        found.append(f"{width.name} and {height.name} are {frame_of(size) or size}.")
    return tuple(found)


def pair_fields(model: Model) -> tuple[Field, ...]:
    """
    Return the fields of the pair that a model does not have and has words for: what a line may say all the same.

    >>> from nbbanana.models import from_schema
    >>> sizes = {"type": "string", "enum": ["1024x1024", "1536x1024"]}
    >>> model = from_schema("a/b", {"properties": {"prompt": {"type": "string"}, "size": sizes}})
    >>> [field.option for field in pair_fields(model)], pair_fields(model)[0].enum
    (['--aspect-ratio', '--resolution'], ('1:1', '3:2'))
    """
    known = {one.name for one in model.fields}
    missing = [name for name in PAIR if name not in known]
    if not missing:
        return ()
    frames = [frame for one in model.options if is_frame(one) for word in one.enum if (frame := frame_of(word))]
    is_free = all(sides(model)) or any(
        says_shape(one) and not one.enum and _is_size(one.default) for one in model.options
    )
    values = {
        "aspect_ratio": [str(Frame(frame.ratio)) for frame in frames if frame.ratio is not None],
        "resolution": [frame.tier for frame in frames if frame.tier],
    }
    return tuple(
        Field(
            name,
            "string",
            "--" + name.replace("_", "-"),
            enum=() if is_free else tuple(dict.fromkeys(values[name])),
            description=f"The {'shape' if name == PAIR[0] else 'size'} of the outputs, put into the model's own words.",
        )
        for name in missing
        if values[name] or is_free
    )


# ── how a model says it ─────────────────────────────────────────────────────────────────────────────────────────


def _takes(model: Model, name: str, value: Any) -> bool:
    """Return whether a model takes a parameter of the pair as it is."""
    try:
        model.parse_option(name, value) if isinstance(value, str) else model.field(name)
    except ParameterError:
        return False
    return True


def _own_words(model: Model, fields: Sequence[Field], foreign: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the model's words for what is asked in the pair and is no parameter of it; None where it has none."""
    wanted = Frame(ratio_of(foreign.get(PAIR[0])), tier_of(foreign.get(PAIR[1])))
    if (wanted.ratio is None and PAIR[0] in foreign) or (wanted.tier is None and PAIR[1] in foreign):
        return None
    if words := _words(fields, wanted):
        return words
    width, height = sides(model)
    if width and height:
        size = _pixels(wanted, width, height)
        return {width.name: size[0], height.name: size[1]} if size else None
    sized = next((one for one in fields if not one.enum and _is_size(one.default)), None)
    size = _pixels(wanted, sized, sized) if sized else None
    return {sized.name: _like(str(sized.default), size)} if sized and size else None


def _words(fields: Sequence[Field], wanted: Frame) -> dict[str, Any] | None:
    """Return one word that says all of it, else a word for each half; None where there is none."""
    choices = [(one, word, frame) for one in fields for word in _words_of(one, wanted) if (frame := frame_of(word))]
    same = [found for found in choices if wanted.ratio is not None and found[2].ratio == wanted.ratio]
    if whole := [found for found in same if wanted.tier in {None, found[2].tier}]:
        # Of several sizes of one ratio the one at 1K, which is what models make where nothing is said.
        field, word, _ = min(whole, key=lambda found: abs(math.log2(TIERS.get(found[2].tier or "1K", 1024)) - 10))
        return {field.name: word}
    own: dict[str, Any] = {}
    for half in filter(str, (Frame(ratio=wanted.ratio), Frame(tier=wanted.tier))):
        exact = next(((field, word) for field, word, frame in choices if frame == half), None)
        if exact is None:
            return None
        own[exact[0].name] = exact[1]
    return own


def _words_of(field: Field, wanted: Frame) -> tuple[Any, ...]:
    """Return the words of a field; of one that takes any ratio, the one that is wanted."""
    if field.enum or _is_size(field.default):
        return field.enum
    return (str(Frame(wanted.ratio)),) if isinstance(wanted.ratio, Fraction) else ()


def _pixels(wanted: Frame, width: Field, height: Field) -> tuple[int, int] | None:
    """Return the width and the height that have the ratio exactly and are nearest to the size; None where none fit."""
    side = TIERS.get(wanted.tier or "1K")
    if not isinstance(wanted.ratio, Fraction) or side is None:
        return None
    step = math.lcm(int(width.step or STEP), int(height.step or STEP))
    unit = wanted.ratio.numerator * step, wanted.ratio.denominator * step
    middle = side / math.sqrt(unit[0] * unit[1])
    times = range(max(1, int(middle / 1.5)), int(middle * 1.5) + 2)
    sizes = [(unit[0] * k, unit[1] * k) for k in times]
    right = [
        size
        for size in sizes
        if _within(width, size[0]) and _within(height, size[1]) and wanted.tier in {None, _tier_of_size(*size)}
    ]
    return min(right, key=lambda size: abs(math.log(size[0] * size[1] / side**2)), default=None)


def _like(sample: str, size: tuple[int, int]) -> str:
    """
    Return a size as a sample is spelled.

    >>> _like("1024*1024", (1280, 720))
    '1280*720'
    """
    return f"{size[0]}{re.sub('[0-9 ]', '', sample)}{size[1]}"


def sides(model: Model) -> tuple[Field | None, Field | None]:
    """Return the fields for the width and the height of the outputs in pixels; None for one that a model has not."""
    numbers = {one.name: one for one in model.options if one.kind == "integer"}
    return numbers.get("width"), numbers.get("height")


def _nothing(model: Model, foreign: Mapping[str, Any]) -> ParameterError:
    """Return the error for what a model has no word for; it names what it has."""
    has = [f"{one.name}: {', '.join(map(str, one.enum)) or 'a ratio'}" for one in model.options if is_frame(one)]
    has += [" and ".join(one.name for one in sides(model) if one) + ", in pixels"] if all(sides(model)) else []
    return ParameterError(
        f"{model.id} has no word for {said_together(foreign)}.",
        f"It has {'; '.join(has)}.",
        f"Choose one of them, or leave {' and '.join(foreign)} out.",
    )


# ── words, ratios and sizes ─────────────────────────────────────────────────────────────────────────────────────


def said_together(pair: Mapping[str, Any]) -> str:
    """Return values by name as one says them."""
    return " and ".join(f"{name} {value!s:.40}" for name, value in pair.items())


def _fraction(width: str, height: str) -> Fraction | None:
    return Fraction(int(width), int(height)) if int(width) and int(height) else None


def _of_preset(text: str) -> Frame | None:
    """
    Return what a preset stands for.

    >>> str(_of_preset("landscape_4_3")), str(_of_preset("square_hd")), _of_preset("landscape")
    ('4:3 at 1K', '1:1 at 1K', None)
    """
    found = _PRESET.fullmatch(text)
    if found is None or (found[1] == "square") != (found[2] is None) or "0" in {found[2], found[3]}:
        return None
    if found[1] == "square":
        return Frame(Fraction(1), "1K" if found[4] else "0.5K")
    high, low = sorted((int(found[2]), int(found[3])), reverse=True)
    return Frame(Fraction(high, low) if found[1] == "landscape" else Fraction(low, high), "1K")


def _tier_of_size(width: int, height: int) -> str:
    """Return the tier whose square has most nearly as many pixels."""
    side = math.sqrt(width * height)
    return min(TIERS, key=lambda tier: abs(math.log(side / TIERS[tier])))


def _is_size(value: object) -> bool:
    return _SIZE.fullmatch(str(value)) is not None


def _within(field: Field, value: int) -> bool:
    return (field.minimum or 1) <= value <= (math.inf if field.maximum is None else field.maximum)
