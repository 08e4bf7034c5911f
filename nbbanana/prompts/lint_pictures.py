"""What the rules look for around several pictures: which is meant, by number, order or name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nbbanana.prompts.lint_types import Asked, Found
from nbbanana.prompts.reading import Span

__all__ = ["image_number_beyond_count", "is_for_each", "references_unnumbered"]

PICTURE = r"(?:images?|pictures?|photos?|photographs?|figures?|figs?\.?|references?|refs?\.?|inputs?|img|pics?)"
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
HAN = "一二三四五六七八九十"

_NUMBERED = re.compile(
    rf"(?<!\ba )(?<!\ban )\b(?:{PICTURE}\s+)?{PICTURE}\s*(?:#|no\.?\s*|"
    rf"number\s+)?(?P<number>\d{{1,2}})(?![\d:/×x%.]*\d|\s*[:/×x]\s*\d|\s*(?:px|k\b|d\b|mm|cm|%|st\b|nd\b|rd\b|"
    rf"th\b))"
    rf"|\b(?P<nth>\d{{1,2}})(?:st|nd|rd|th)\s+(?:\w+\s+)?{PICTURE}\b|"
    rf"\b(?P<ordinal>{'|'.join(ORDINALS)})\s+(?:(?:input|reference|uploaded|attached|given)\s+)?{PICTURE}\b"
    rf"|(?:图片?|圖片?|图像|照片|参考图)\s*(?P<han>\d{{1,2}}|[{HAN}](?![张幅个种]))|第\s*(?P<nth_han>\d{{1,2}}|"
    rf"[{HAN}])\s*[张張幅个]?(?:图|圖|照|参考|參考|輸|输)",
    re.IGNORECASE,
)
_MADE = re.compile(r"\s*[:：]|\s*[-–—]\s")
"""What follows a number that heads a part of a list: pictures that are to be made, not those that are given."""


def _numbers(text: str) -> Iterator[tuple[int, Span]]:
    """Give the numbers of pictures that a text names, with their places."""
    for found in _NUMBERED.finditer(text):
        heads_line = not text[: found.start()].rpartition("\n")[2].strip(" -*•#([") and _MADE.match(text, found.end())
        if not heads_line:
            said = next(filter(None, found.groups())).lower()
            yield _value(said), found.span()


def _value(said: str) -> int:
    if said in ORDINALS:
        return ORDINALS.index(said) + 1
    return HAN.index(said) + 1 if said in HAN else int(said)


def image_number_beyond_count(asked: Asked) -> Iterator[Found]:
    """Find a picture named by a number that none of the pictures has."""
    count = asked.pictures
    if not count or _is_list_of_made(asked):
        return
    for number, span in _numbers(asked.reading.masked):
        if number > count:
            there = "one picture goes" if count == 1 else f"{count} pictures go"
            yield Found(span, f"It names picture {number}, and {there} with it.")


_MAKES_MANY = re.compile(
    r"\b(?:create|generate|make|draw|produce|give me|design)\b[^.!?\n]{0,40}?\b(?:[2-9]|\d\d|two|three|four|five|"
    r"six|eight|nine|ten|multiple|several|a (?:set|series|sequence) of)\b[^.!?\n]{0,40}?"
    r"\b(?:images|pictures|photos|panels|figures|frames|versions|variations|illustrations)\b",
    re.IGNORECASE,
)


def _is_list_of_made(asked: Asked) -> bool:
    return _MAKES_MANY.search(asked.reading.masked) is not None


_SEVERAL = re.compile(
    r"\b(?:both|two|three|four|five|all|these|those|multiple|several|the|my|uploaded|attached|provided|given|"
    r"reference|input)\s+(?:of\s+)?(?:(?:the|these|my|uploaded|attached|provided|given|reference|input|"
    r"different)\s+){0,4}"
    r"(?:images|pictures|photos|photographs|references|pics)\b|\b(?:the|an)?other (?:image|picture|photo|photograph)\b"
    r"|(?:两|兩|三|四|几|幾|多|这些|那些|所有)[张張幅]?(?:图|圖|照片)|另一?[张張幅](?:图|圖|照片)|其他(?:图|圖|照片)",
    re.IGNORECASE,
)
_EACH = re.compile(
    r"\b(?:each|every|all)\b(?: \w+){0,3} (?:images?|pictures?|photos?|inputs?|ones?)\b|\bin a batch\b|"
    r"每一?[张張幅]|所有(?:图|圖|照片)|各[张張]",
    re.IGNORECASE,
)
_TOLD_APART = re.compile(
    rf"\b(?:first|second|third|last|left|right|primary|main|original|former|latter|base|source|target|style|"
    rf"content|top|bottom|middle)(?:most)?\s+(?:\w+\s+)?{PICTURE}\b|{PICTURE}\s*[A-D]\b|\breference (?:image|"
    rf"picture|photo)\b"
    r"|\b(?:image|picture|photo|photograph) (?:of|with|showing|that shows|containing) (?:the|a|an|my|his|her)\b|"
    r"第[一二三四五六七八九十\d]|原图|主图|参考图|左图|右图",
    re.IGNORECASE,
)


def references_unnumbered(asked: Asked) -> Iterator[Found]:
    """Find several pictures that are spoken of without saying which is which."""
    masked = asked.reading.masked
    found = _SEVERAL.search(masked)
    if found is None or asked.pictures == 1:
        return
    is_apart = _TOLD_APART.search(masked) or next(_numbers(masked), None) is not None
    if not (is_apart or is_for_each(asked) or _is_list_of_made(asked)):
        yield Found(found.span())


def is_for_each(asked: Asked) -> bool:
    """Return whether the same is asked of each picture."""
    return _EACH.search(asked.reading.masked) is not None
