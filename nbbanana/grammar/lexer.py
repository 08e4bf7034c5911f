"""
A line as words: what the shell's grammar would be if a backslash were a backslash.

Words are separated by blanks. A quote groups words only where a word, or an option's value, begins, so that an
apostrophe inside a word is text. Inside a group its quote is written twice; nothing else is special.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from nbbanana.errors import UsageError
from nbbanana.text import clip

__all__ = ["Word", "quote", "split"]

BLANKS = " \t\r\n\f\v"
"""What separates words. Other Unicode spaces do not: macOS writes one into the names of its screenshots."""

SILENCER = ";"

_OPENING = re.compile(r"(?P<prefix>--[\w-]+=|-[A-Za-z])?(?P<quote>[\"'])")
_BARE = re.compile(f"[^{BLANKS}]+")


@dataclass(frozen=True, slots=True)
class Word:
    """
    A word of a line, its quotes taken off.

    Args:
        text: the word.
        quoted: whether it began with a quote, so that it is no option and no name.
    """

    text: str
    quoted: bool = False


def split(line: str) -> tuple[list[Word], bool]:
    r"""
    Return the words of a line, and whether a `;` at its end silences it.

    Raises:
        UsageError: a quote that is never closed, or that could close a group or be text.

    >>> words, silent = split("C:\\pics\\cat's.jpg -p 'The cat's eyes, green';")
    >>> [word.text for word in words], silent
    (["C:\\pics\\cat's.jpg", '-p', "The cat's eyes, green"], True)
    """
    words: list[Word] = []
    groups: set[str] = set()
    at = _skip(line, 0)
    while at < len(line):
        opening = _OPENING.match(line, at)
        if opening is None:
            bare = _BARE.match(line, at)
            assert bare is not None
            word, at = Word(bare.group()), bare.end()
            if word.text[-1] in groups:
                raise _ambiguous(word.text)
        else:
            text, at = _group(line, opening.end(), opening["quote"])
            word = Word((opening["prefix"] or "") + text, quoted=not opening["prefix"])
            groups.add(opening["quote"])
        words.append(word)
        at = _skip(line, at)
    return _unsilenced(words)


def quote(text: str, *, always: bool = False) -> str:
    """
    Return a text as one word of a line, in quotes only where it needs them, or always.

    >>> quote("portrait.jpg"), quote("my portrait.jpg"), quote('the "A" cup')
    ('portrait.jpg', '"my portrait.jpg"', '"the ""A"" cup"')
    """
    if not always and text and text[0] != "-" and not re.search(r"[\s\"';]|<<", text):
        return text
    return '"' + text.replace('"', '""') + '"'


def _skip(line: str, at: int) -> int:
    while at < len(line) and line[at] in BLANKS:
        at += 1
    return at


def _group(line: str, start: int, mark: str) -> tuple[str, int]:
    """Return the text of a quoted group and where it ends."""
    text, at = "", start
    while (found := line.find(mark, at)) >= 0:
        after = line[found + 1 : found + 2]
        if after == mark:
            text, at = text + line[at : found + 1], found + 2
        elif not after or after in BLANKS or line[found + 1 :].strip(BLANKS) == SILENCER:
            return text + line[at:found], found + 1
        elif mark == "'" and line[found - 1].isalnum() and after.isalnum():
            text, at = text + line[at : found + 1], found + 1
        else:
            raise _ambiguous(line[start - 1 : found + 2])
    raise UsageError(
        f"The quote before {_shown(line[start:])} is never closed.",
        "A quote at the beginning of a word groups words up to the next such quote.",
        "Close it, or put a name that begins with a quote into quotes of the other kind.",
    )


def _unsilenced(words: list[Word]) -> tuple[list[Word], bool]:
    """Take the `;` off; a `;` inside quotes belongs to the text."""
    if not words or words[-1].quoted or not words[-1].text.endswith(SILENCER):
        return words, False
    kept = words[-1].text[: -len(SILENCER)]
    return [*words[:-1], *([Word(kept)] if kept else [])], True


def _ambiguous(text: str) -> UsageError:
    return UsageError(
        f"A quote in {_shown(text)} could end a group or be text.",
        "A group ends at a quote that a blank or the end of the line follows.",
        "Write a quote inside its own kind of quotes twice, or use the other kind.",
    )


def _shown(text: str) -> str:
    return clip(text, 40)
