"""A prompt as advice reads it: its language, what is quoted in it, and its sentences, each with its place."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from nbbanana.prompts.words import words_of

__all__ = ["MASK", "Language", "Reading", "Span", "language_of"]

Span = tuple[int, int]
"""First character and the one after the last, counted in the prompt."""

Language = Literal["English", "Chinese", "other"]

MASK = "\ue000"
"""Stands for each character of a quoted passage: advice on wording does not read what is only to be copied."""

QUOTES = ('""', "“”", "„“", "””", "«»", "»«", "「」", "『』", "《》", "‹›", "〝〟", "＂＂", "``", "‘’", '“"', '"”')
"""Marks that open and close a quotation, in the scripts that people write prompts in."""

_QUOTED = re.compile(
    "|".join(f"{re.escape(pair[0])}[^{re.escape(pair[1])}\n]{{1,400}}{re.escape(pair[1])}" for pair in QUOTES)
    + r"|(?<![\w'])'(?=\S)[^'\n]{1,200}(?:(?<=\w)'(?=\w)[^'\n]{1,200})*'(?!\w)"
)
_END = re.compile(r"(?<=[.!?。！？；;])(?=\s|[^\x00-\x7f])|(?<=[。！？；])|\n+")
_BULLET = re.compile(r"\s*(?:[-*•·–—]+\s+|\(?\d{1,2}[.):]\s+|step \d+\s*[:.]\s*)*", re.IGNORECASE)
_WORD = re.compile(r"[a-zà-öø-ÿß]+(?:['’][a-z]+)?", re.IGNORECASE)


@dataclass(frozen=True)
class Reading:
    """
    A prompt, and what is needed of it more than once.

    Args:
        text: the prompt.

    >>> reading = Reading('Keep the cup. Change the sign to "OPEN. Now".')
    >>> [reading.text[start:end] for start, end in reading.sentences]
    ['Keep the cup.', 'Change the sign to "OPEN. Now".']
    """

    text: str

    @cached_property
    def quotes(self) -> tuple[Span, ...]:
        """The quoted passages, their marks included."""
        return tuple(found.span() for found in _QUOTED.finditer(self.text))

    @cached_property
    def masked(self) -> str:
        """The prompt with `MASK` in place of what is quoted; every character keeps its place."""
        return _QUOTED.sub(lambda found: MASK * len(found.group()), self.text)

    @cached_property
    def lower(self) -> str:
        """The masked prompt in small letters, of the same length."""
        low = self.masked.lower()
        return low if len(low) == len(self.masked) else "".join(_one_lower(letter) for letter in self.masked)

    @cached_property
    def sentences(self) -> tuple[Span, ...]:
        """Its sentences and lines, without bullets and numbers before them."""
        return tuple(self._sentences())

    @cached_property
    def language(self) -> Language:
        """The language of its own words, the quoted ones left out."""
        return language_of(self.masked)

    def _sentences(self) -> Iterator[Span]:
        start = 0
        for end in [*(found.start() for found in _END.finditer(self.masked)), len(self.masked)]:
            bullet = _BULLET.match(self.masked, start, end)
            first = bullet.end() if bullet else start
            last = first + len(self.masked[first:end].rstrip())
            first += len(self.masked[first:last]) - len(self.masked[first:last].lstrip())
            if last > first:
                yield first, last
            start = end


def language_of(text: str) -> Language:
    """
    Return the language of a prompt: English, Chinese, or another that advice on wording does not read.

    >>> [language_of(text) for text in ("Replace the dog", "把背景换成海滩", "Remplace le chien")]
    ['English', 'Chinese', 'other']
    """
    letters = [letter for letter in text if letter.isalpha() and letter != MASK]
    if not letters:
        return "other"
    foreign = [letter for letter in letters if ord(letter) > 0x24F]
    if len(foreign) * 3 > len(letters):
        return "Chinese" if _is_chinese(foreign) else "other"
    words = [word.lower().replace("’", "'") for word in _WORD.findall(text)]
    english, others = (sum(word in words_of("languages", known) for word in words) for known in ("english", "others"))
    accented = sum(any(ord(letter) > 0x7F and letter != "’" for letter in word) for word in words)
    return "English" if english >= others + accented and (english or not others + accented) else "other"


def _is_chinese(letters: list[str]) -> bool:
    """Return whether the letters are Han, without the kana that Japanese mixes in."""
    han = sum("\u3400" <= letter <= "\u9fff" for letter in letters)
    return han * 10 > len(letters) * 9


def _one_lower(letter: str) -> str:
    low = letter.lower()
    return low if len(low) == 1 else unicodedata.normalize("NFC", low)[0]
