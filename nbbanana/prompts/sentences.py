"""What sentences have in every language: an end, a capital letter, and quotes around lettering."""

from __future__ import annotations

import re
from collections.abc import Sequence

from nbbanana.prompts.scripts import scripts_in

__all__ = ["QUOTES", "apart", "has_kana", "in_quotes", "is_chinese", "joined", "sentence", "unquoted", "without_end"]

QUOTES = ('""', "“”", "„“", "«»", "「」", "『』", "''", "‘’")
"""Pairs of marks that stand around a quotation."""

_ENDS = re.compile(r"[.!?…。！？](?:[\"”’」』»)）]*)$")
_WORD = re.compile(r"[^\W\d_]+")
_HAN = re.compile("[㐀-鿿豈-﫿]")
_KANA = re.compile("[\u3041-\u30ff]")
_STOP = re.compile(r"(?<!\w\.\w)(?<!\betc)[\s.,;:!?…。，、；：．！？]+$|[\s,;:，、；：]+$")
_JOINT = re.compile(r"[。；;]+\s*|(?<=[a-z]{3})(?<!prof)(?<!etc)\.\s+(?=\w)", re.IGNORECASE)


def without_end(text: str, *, is_sentence: bool = False) -> str:
    """
    Return a text without the stop or comma at its end, which another sentence goes on behind.

    Args:
        text: the words; what consists of nothing else is returned as it is, and so is an abbreviation's point.
        is_sentence: whether a full stop stays.

    >>> without_end("her face."), without_end("人物身份。"), without_end("Make it night,", is_sentence=True)
    ('her face', '人物身份', 'Make it night')
    >>> without_end("the flag of the U.S."), without_end("Make it night.", is_sentence=True)
    ('the flag of the U.S.', 'Make it night.')
    """
    found = re.search(r"[\s,;:，、；：]+$", text) if is_sentence else _STOP.search(text)
    return text[: found.start()] or text if found else text


def apart(text: str) -> list[str]:
    """
    Return the items of a text that were written as sentences, without their ends.

    >>> apart("her face. the pose."), apart("人物。背景。"), apart("the hat of Dr. Who.")
    (['her face', 'the pose'], ['人物', '背景'], ['the hat of Dr. Who'])
    """
    return [without_end(item) for item in _JOINT.split(text) if item.strip()] or [text]


def sentence(text: str, end: str = "") -> str:
    """
    Return a text with a capital letter where it begins with a plain word, and with an end.

    Args:
        text: the words.
        end: what it ends in where it has no end; empty goes by its last letter.

    >>> sentence("make it night"), sentence("iPhone in her hand!"), sentence("把背景换成雨夜")
    ('Make it night.', 'iPhone in her hand!', '把背景换成雨夜。')
    """
    first = _WORD.match(text)
    if first and first[0].islower() and first[0].isascii():
        text = text[0].upper() + text[1:]
    if _ENDS.search(text):
        return text
    return text + (end or ("。" if text and (_HAN.match(text[-1]) or _KANA.match(text[-1])) else "."))


def joined(sentences: Sequence[str]) -> str:
    """Return sentences one after the other; Chinese and Japanese ones need no space between them."""
    text = ""
    for one in filter(None, sentences):
        text += ("" if not text or text[-1] in "。！？" else " ") + one
    return text


def in_quotes(words: str, pairs: Sequence[str] = QUOTES) -> str:
    """
    Return words in the first pair of quotes whose marks they do not hold.

    >>> in_quotes("OPEN"), in_quotes('the "A" cup')
    ('"OPEN"', '“the "A" cup”')
    """
    pair = next((pair for pair in pairs if not set(pair) & set(words)), pairs[0])
    return f"{pair[0]}{words}{pair[-1]}"


def unquoted(text: str) -> str | None:
    """
    Return what stands in the quotes that a text consists of, or None where it does not.

    >>> unquoted('"OPEN"'), unquoted('"A" and "B"')
    ('OPEN', None)
    """
    for pair in QUOTES:
        if len(text) > 1 and text[0] == pair[0] and text[-1] == pair[-1] and not set(pair) & set(text[1:-1]):
            return text[1:-1]
    return None


def has_kana(text: str) -> bool:
    """Return whether a text is Japanese by its letters."""
    return _KANA.search(text) is not None


def is_chinese(text: str) -> bool:
    """
    Return whether a text is written in Chinese: at least as many Chinese characters as words of other scripts.

    >>> is_chinese("把背景换成雨夜"), is_chinese("the 龙 logo"), is_chinese("背景を夜にする")
    (True, False, False)
    """
    if "Chinese" not in scripts_in(text):
        return False
    words = [word for word in _WORD.findall(_HAN.sub(" ", text)) if not _HAN.search(word)]
    return len(_HAN.findall(text)) >= len(words)
