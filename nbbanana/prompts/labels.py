"""What a line of a part begins with: its label, in English or Chinese; and words that look like one and are none."""

from __future__ import annotations

import re
from functools import cache

from nbbanana.errors import PromptError
from nbbanana.text import clip

__all__ = ["LABELS", "Labelled", "escaped", "label_of", "labelled", "plain_words", "refuse_mistaken"]

LABELS = ("keep", "change", "only", "avoid", "text", "reference")
"""What a line begins with that is a part of the prompt, before a colon and in any case."""

_CHINESE = {
    "保持": "keep",
    "保留": "keep",
    "修改": "change",
    "改变": "change",
    "只改": "only",
    "仅改": "only",
    "避免": "avoid",
    "文字": "text",
    "参考": "reference",
}

_MEANT = {
    "keep": "preserve preserved retain maintain unchanged same leave 不变",
    "change": "edit modify replace make do instruction prompt style 改 改为",
    "only": "where scope area region just within 范围",
    "avoid": "negative exclude without no not don't don’t dont never 不要 负面",
    "text": "lettering words caption title headline sign 标题",
    "reference": "ref refs image images picture pictures 图片",
}
_SYNONYMS = {word: label for label, words in _MEANT.items() for word in words.split()}
_FORMS = {"kept": "keep", "keeping": "keep", "changing": "change", "avoiding": "avoid"}
_OTHERS = "deep peep seep weep beep keen kelp next test tent teat oily void avid charge chance"
"""Words of their own that one letter tells from a label."""

_LINE = re.compile(r"(?P<indent>[ \t]*)(?P<word>[^\W\d_]+(?:['’]t)?)(?P<colons>:+|：+)(?P<value>.*)")

Labelled = re.Match[str]


def labelled(line: str) -> Labelled | None:
    """Return a line taken apart where it is a part: `word`, one of `colons`, `value`."""
    found = _LINE.fullmatch(line)
    return found if found and len(found["colons"]) == 1 and label_of(found["word"]) else None


def label_of(word: str) -> str | None:
    """
    Return the label that a word is.

    >>> label_of("Keep"), label_of("保持"), label_of("kept")
    ('keep', 'keep', None)
    """
    plain = word.casefold()
    return plain if plain in LABELS else _CHINESE.get(plain)


def refuse_mistaken(text: str) -> None:
    r"""
    Refuse a line that looks like a part and is none, for it would be sent as words.

    One is a label with a slip of the keys; another, beside lines that are parts, a word that means what a label does.

    Raises:
        PromptError: there is such a line; how to write it as a part, and as words.

    >>> refuse_mistaken("Style: watercolour")
    >>> refuse_mistaken("keep: pose\nnegative: people")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    nbbanana.errors.PromptError: The line “negative: people” is no part of the prompt...
    """
    lines = text.split("\n")
    beside = any(labelled(line) for line in lines)
    for line in lines:
        found = _LINE.fullmatch(line)
        if found is None or len(found["colons"]) > 1 or found["value"].startswith("//"):
            continue
        if label := _mistaken(found, beside=beside):
            raise PromptError(
                f"The line “{clip(line.strip(), 40)}” is no part of the prompt.",
                f"Parts begin with {', '.join(f'{one}:' for one in LABELS)}.",
                f"Did you mean {label}:? To send the line as words, write its colon twice: {_doubled(found)}",
            )


def escaped(text: str, *, beside: bool = False) -> str:
    r"""
    Return the text whose lines are all read as words: one that begins as a part does, or nearly, gets its colon twice.

    Args:
        text: the words.
        beside: whether it stands beside lines that are parts.

    >>> escaped("keep: this word\nkeep:: that\nStyle: oil"), escaped("Style: oil", beside=True)
    ('keep:: this word\nkeep::: that\nStyle: oil', 'Style:: oil')
    """
    return "\n".join(_with_colons(line, 1, beside=beside) for line in text.split("\n"))


def plain_words(text: str, *, beside: bool = False) -> str:
    r"""
    Return the words of lines that are no parts: what `escaped` wrote, as it was.

    >>> plain_words("keep:: this word\nkeep::: that")
    'keep: this word\nkeep:: that'
    """
    return "\n".join(_with_colons(line, -1, beside=beside) for line in text.split("\n"))


def _with_colons(line: str, more: int, *, beside: bool) -> str:
    found = _LINE.fullmatch(line)
    if found is None or len(found["colons"]) + more < 1 or not _is_taken(found, beside=beside):
        return line
    colons = found["colons"]
    return line[: found.start("colons")] + colons[0] * (len(colons) + more) + found["value"]


def _is_taken(found: Labelled, *, beside: bool) -> bool:
    return label_of(found["word"]) is not None or _mistaken(found, beside=beside) is not None


def _mistaken(found: Labelled, *, beside: bool) -> str | None:
    """Return the label that is meant by a word that is none."""
    word = found["word"].casefold()
    is_synonym = beside and not found["indent"] and word in _SYNONYMS
    return _SYNONYMS[word] if is_synonym else _slip(word)


@cache
def _slip(word: str) -> str | None:
    """Return the label that a word is another form of, or from which it differs by one letter or two in turn."""
    if word in _FORMS:
        return _FORMS[word]
    if word in _OTHERS.split() or label_of(word):
        return None
    return next((label for label in LABELS if _is_one_edit(word, label)), None)


def _is_one_edit(one: str, other: str) -> bool:
    while one and other and one[0] == other[0]:
        one, other = one[1:], other[1:]
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    return max(len(one), len(other)) <= 1 or (len(one) == 2 and one == other[::-1])


def _doubled(found: Labelled) -> str:
    return clip(f"{found['word']}{found['colons'] * 2}{found['value']}", 40)
