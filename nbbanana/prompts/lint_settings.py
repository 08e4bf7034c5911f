"""What the rules look for beside the words: ratio, resolution, seed, web search and length."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import log

from nbbanana.prompts.lint_pictures import is_for_each
from nbbanana.prompts.lint_types import Asked, Found

__all__ = [
    "batch_without_locked_framing",
    "ratio_crops_input",
    "seed_absent_in_comparison",
    "too_long",
    "web_search_without_reason",
]

NOWHERE = (0, 0)
TOLERANCE = 0.03
"""Ratios that differ by less look the same: services round to multiples of 8 or 16 pixels."""

_RATIO = re.compile(r"(\d{1,5})\s*[:x×*/]\s*(\d{1,5})")
_PRESET = re.compile(r"(square|portrait|landscape)(?:_(\d+)_(\d+))?")
RATIO_FIELDS = ("aspect_ratio", "image_size", "size")


def _ratio_of(value: object) -> float | None:
    """Return width over height of what a parameter says; None for `auto` and what says no ratio."""
    text = str(value).lower()
    if found := _RATIO.fullmatch(text.strip()):
        width, height = int(found[1]), int(found[2])
        return width / height if width and height else None
    if not (preset := _PRESET.match(text)):
        return None
    if preset[1] == "square":
        return 1.0
    small, large = sorted((int(preset[2]), int(preset[3]))) if preset[2] else (3, 4)
    return small / large if preset[1] == "portrait" else large / small


def ratio_crops_input(asked: Asked) -> Iterator[Found]:
    """Find a ratio that is not the ratio of a picture that goes in."""
    name = next((name for name in RATIO_FIELDS if name in asked.parameters), None)
    wanted = _ratio_of(asked.parameters[name]) if name else None
    sizes = [size for size in (asked.sizes or ())[: None if is_for_each(asked) else 1] if size and all(size)]
    odd = next(
        ((width, height) for width, height in sizes if wanted and abs(width / height / wanted - 1) > TOLERANCE), None
    )
    if name is None or odd is None:
        return
    near = _nearest(asked, name, odd[0] / odd[1])
    said = f"{name} is {asked.parameters[name]}, and the picture is {odd[0]}×{odd[1]}."
    if near and near != asked.parameters[name]:
        said = f"{said} The nearest is {near}."
    yield Found(NOWHERE, said, settings=_auto(asked, name))


def _nearest(asked: Asked, name: str, ratio: float) -> str | None:
    """Return the value of the parameter that is nearest to a ratio; None where the model lists none."""
    found = next((one for one in asked.model.fields if one.name == name), None) if asked.model else None
    known = {str(value): wanted for value in (found.enum if found else ()) if (wanted := _ratio_of(value))}
    return min(known, key=lambda value: abs(log(known[value] / ratio)), default=None)


def _auto(asked: Asked, name: str) -> dict[str, str]:
    """Return the setting by which the picture's own ratio is kept, where the model has one."""
    model = asked.model
    found = next((one for one in model.fields if one.name == name), None) if model else None
    return {name: "auto"} if found and "auto" in found.enum else {}


def batch_without_locked_framing(asked: Asked) -> Iterator[Found]:
    """Find a series whose ratio or resolution is left open."""
    has_names = {one.name for one in asked.model.fields} if asked.model else {"aspect_ratio", "resolution"}
    wanted = [name for name in ("aspect_ratio", "resolution") if name in has_names]
    open_ones = [name for name in wanted if asked.parameters.get(name) in (None, "auto")]
    is_batch = is_for_each(asked) and (asked.pictures is None or asked.pictures > 1)
    if open_ones and ((is_batch and asked.pictures is not None) or (asked.is_compared and (asked.pictures or 0) > 1)):
        yield Found(NOWHERE, f"{' and '.join(open_ones)} {'is' if len(open_ones) == 1 else 'are'} left open.")


_REASON = re.compile(
    r"\b(?:latest|current|currently|today|now|recent|news|weather|real|actual|official|real-world|live|up[- ]to[- "
    r"]date|search|look up|web|online|fact|facts|accurate|true|authentic|"
    r"year|event|price|score|version|released?|trend\w*|famous|landmark|brand)\b|\b(?:19|20)\d\d\b|https?://|最新|"
    r"今天|当前|现在|官方|真实|实时|搜索|联网|查|新闻|天气|(?:19|20)\d\d",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<=[a-z,;] )[A-Z][\w'’-]+")


def web_search_without_reason(asked: Asked) -> Iterator[Found]:
    """Find web search switched on for words that ask for nothing to be looked up."""
    is_on = any("web_search" in name and value is True for name, value in asked.parameters.items())
    is_read = asked.reading.language in ("English", "Chinese")
    if is_on and is_read and not _REASON.search(asked.prompt) and not _NAME.search(asked.prompt):
        name = next(name for name in asked.parameters if "web_search" in name)
        yield Found(NOWHERE, settings={name: False})


def seed_absent_in_comparison(asked: Asked) -> Iterator[Found]:
    """Find several outputs to compare without a seed."""
    model = asked.model
    seed, count = (model.seed_field, model.count_field) if model else ("seed", "number_of_images")
    is_many = count is not None and isinstance(asked.parameters.get(count), int) and asked.parameters[count] > 1
    if seed and asked.parameters.get(seed) is None and (is_many or asked.is_compared):
        yield Found(NOWHERE)


def too_long(asked: Asked) -> Iterator[Found]:
    """Find a prompt that is longer than the model takes."""
    found = asked.model.with_role("prompt") if asked.model else None
    most = found.most if found else None
    if most is not None and len(asked.prompt) > most:
        yield Found((most, len(asked.prompt)), f"It has {len(asked.prompt)} characters, and the model takes {most}.")
