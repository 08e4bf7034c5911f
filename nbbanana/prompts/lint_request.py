"""
What the rules look for in the rest of a request: lettering, which of several pictures is meant, and parameters.

The very words of lettering are quoted and their script is named; pictures are told apart by number, order or name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from functools import cache

from nbbanana.models.framing import frame_of, nearest_word
from nbbanana.prompts.reading import MASK, Asked, Found, Span, word_list
from nbbanana.prompts.sentences import names_script, script_of

__all__ = [
    "batch_without_locked_framing",
    "image_number_beyond_count",
    "is_for_each",
    "ratio_crops_input",
    "references_unnumbered",
    "script_unnamed",
    "seed_absent_in_comparison",
    "text_unquoted",
    "too_long",
    "web_search_without_reason",
]

LOOKS = r"(?!['’]?s?\s+(?:fonts?|typeface|colou?rs?|sizes?|styles?|position|alignment|case|spacing|language)\b)"
"""A word on how lettering looks follows: what it turns to is no wording."""

_STOP = (
    r"(?=\s+(?:on|in|at|across|under|above|below|over|onto|inside|along|beneath|beside|near|using|with|while|and|but|"
    r"so|as|instead)\b|\s*[.,;:!?)\n\]]|\s*$)"
)
_SAID = r"(?P<said>[^\s\ue000\"'\[({<.,;:!?][^\ue000\"\[\]({.,;:!?\n]{0,80}?)" + _STOP


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    """Return what finds words that are to appear without a quotation mark before them; each says them in `said`."""
    carrier = "(?:" + "|".join(word_list("lettering", "carriers")) + ")"
    bearer = "(?:" + "|".join(word_list("lettering", "bearers")) + ")"
    named = "(?:" + "|".join(word_list("lettering", "named")) + ")"
    write = "(?:write|print|engrave|inscribe|type|stamp|paint|carve|embroider|etch|spell(?: out)?|letter)"
    change = r"(?:change|replace|update|edit|rewrite|modify|switch|swap|set|rename|correct)\b[^.!?\n]{0,40}?"
    turns_to = r"[^.!?\n]{0,50}?\s(?:to say|to read|to|with|by|into|says?|reads?)\s+"
    says = r"(?:that\s+|which\s+)?(?:should\s+|must\s+|needs?\s+to\s+)?(?:says?|saying|reads?|reading|spells?|spelling)"
    put = r"\b(?:add|put|place|insert|include|display|show|" + write + r")\s+(?:the\s+|an?\s+)?(?:[a-z-]+\s+){0,2}"
    patterns = (
        rf"\b(?:{carrier}|{bearer})\s+{says}\s*:?\s+{_SAID}",
        rf"\b{change}(?:\b{carrier}\b{LOOKS}|{MASK}){turns_to}(?:the\s+(?:words?|text|phrase|name)\s+)?{_SAID}",
        rf"{put}{named}\s*:?\s+{_SAID}",
        rf"\b{write}\s+{_SAID}",
        rf"\b(?:labell?ed|titled|captioned|entitled|named)\s+{_SAID}",
    )
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)


def text_unquoted(asked: Asked) -> Iterator[Found]:
    """Find words that are to appear in the picture and stand without quotation marks."""
    masked = asked.reading.masked
    for number, pattern in enumerate(_patterns()):
        for found in pattern.finditer(masked):
            start, end = found.span("said")
            said = masked[start:end].strip()
            if _is_wording(said, needs_capital=number not in (0, 2)):
                whole = re.match(r"\s*[.,;!?\n]|\s*$", masked[end:])
                quoted = ((start, end, f'"{asked.prompt[start:end]}"'),) if whole or said.isupper() else ()
                yield Found((start, end), changes=quoted)
                return


def _is_wording(said: str, *, needs_capital: bool) -> bool:
    """Return whether words are what is to be written, and not a word on how or where."""
    words = said.split()
    first = words[0].strip("'’").lower()
    is_small = words[0].islower() and first in word_list("closed")
    if is_small or first in word_list("lettering", "not_words") | word_list("colours"):
        return False
    if words[0].islower() and first.endswith(("ing", "ed", "ly")):
        return False
    is_marked = (
        said[0].isupper()
        or said[0].isdecimal()
        or any(word.isupper() and len(word) > 1 for word in words)
        or not said.isascii()
    )
    return is_marked or not needs_capital


_LETTERING = re.compile(
    r"\b(?:text|words?|wording|title|headline|caption|slogan|label|letter(?:s|ing)?|inscription|banner|sign|logo|"
    r"writ|print|engrave|say|says|saying|read|reads|reading|"
    r"phrase|name|font|typograph|calligraph|character)\w*|[文字标標题題语語写寫印刻]|字样|文案|招牌",
    re.IGNORECASE,
)


def script_unnamed(asked: Asked) -> Iterator[Found]:
    """Find lettering in another script than Latin whose script is not named."""
    if not _LETTERING.search(asked.reading.masked):
        return
    own = "Chinese" if asked.reading.language == "Chinese" else None
    for start, end in asked.reading.quotes:
        script = script_of(asked.prompt[start:end])
        is_named = script is not None and names_script(asked.prompt, script)
        if script == "Chinese" and names_script(asked.prompt, "Japanese"):
            is_named = True  # kanji without kana
        if script and script != own and not is_named:
            yield Found((start, end), f"These words are {script}.", changes=((end, end, f" in {script}"),))
            return


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


NOWHERE = (0, 0)
TOLERANCE = 0.03
"""Ratios that differ by less look the same: services round to multiples of 8 or 16 pixels."""


RATIO_FIELDS = ("aspect_ratio", "image_size", "size")


def ratio_crops_input(asked: Asked) -> Iterator[Found]:
    """Find a ratio that is not the ratio of a picture that goes in."""
    name = next((name for name in RATIO_FIELDS if name in asked.parameters), None)
    frame = frame_of(asked.parameters[name]) if name else None
    wanted = float(frame.ratio) if frame and isinstance(frame.ratio, Fraction) else None  # `auto` says no ratio
    sizes = [size for size in (asked.sizes or ())[: None if is_for_each(asked) else 1] if size and all(size)]
    odd = next(
        ((width, height) for width, height in sizes if wanted and abs(width / height / wanted - 1) > TOLERANCE), None
    )
    if name is None or odd is None:
        return
    field = asked.model.named(name) if asked.model else None
    near = nearest_word(field, odd[0] / odd[1]) if field else None
    said = f"{name} is {asked.parameters[name]}, and the picture is {odd[0]}×{odd[1]}."
    if near and near != asked.parameters[name]:
        said = f"{said} The nearest is {near}."
    yield Found(NOWHERE, said, settings={name: "auto"} if field and "auto" in field.enum else {})


def batch_without_locked_framing(asked: Asked) -> Iterator[Found]:
    """Find a series whose ratio or resolution is left open."""
    has_names = {one.name for one in asked.model.fields} if asked.model else {"aspect_ratio", "resolution"}
    wanted = [name for name in ("aspect_ratio", "resolution") if name in has_names]
    open_ones = [name for name in wanted if asked.parameters.get(name) in (None, "auto")]
    is_series = (asked.pictures or 0) > 1 and (asked.is_compared or is_for_each(asked))
    if open_ones and is_series:
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
