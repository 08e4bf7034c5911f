"""What the rules look for in lettering: that the very words are quoted, and their script is named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from nbbanana.prompts.lint_types import Asked, Found
from nbbanana.prompts.reading import MASK
from nbbanana.prompts.scripts import names_script, script_of
from nbbanana.prompts.words import words_of

__all__ = ["script_unnamed", "text_unquoted"]

LOOKS = r"(?!['’]?s?\s+(?:fonts?|typeface|colou?rs?|sizes?|styles?|position|alignment|case|spacing|language)\b)"
"""A word on how lettering looks follows: what it turns to is no wording."""

MOST_WORDS = 8
"""Longer passages are descriptions and not the words of a sign."""

_STOP = (
    r"(?=\s+(?:on|in|at|across|under|above|below|over|onto|inside|along|beneath|beside|near|using|with|while|and|but|"
    r"so|as|instead)\b|\s*[.,;:!?)\n\]]|\s*$)"
)
_SAID = r"(?P<said>[^\s\ue000\"'\[({<.,;:!?][^\ue000\"\[\]({.,;:!?\n]{0,80}?)" + _STOP


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    """Return what finds words that are to appear without a quotation mark before them; each says them in `said`."""
    carrier = "(?:" + "|".join(words_of("lettering", "carriers")) + ")"
    bearer = "(?:" + "|".join(words_of("lettering", "bearers")) + ")"
    named = "(?:" + "|".join(words_of("lettering", "named")) + ")"
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
    if not words or len(words) > MOST_WORDS:
        return False
    first = words[0].strip("'’").lower()
    is_small = words[0].islower() and first in words_of("closed")
    if is_small or first in words_of("lettering", "not_words") | words_of("colours"):
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
