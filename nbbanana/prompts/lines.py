"""
Lines such as `keep:` and `change:` ⇄ the parts of a prompt; lines without a label beside them.

A line of a part begins with its label, in English or Chinese. Words that look like one and are none are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from nbbanana.errors import PromptError
from nbbanana.prompts.parts import Parts, listed, made_parts, unlisted
from nbbanana.prompts.sentences import QUOTES, in_quotes, language_named, unquoted
from nbbanana.text import clip

__all__ = [
    "LABELS",
    "Labelled",
    "escaped",
    "fields_of",
    "has_parts",
    "label_of",
    "labelled",
    "parts_that_differ",
    "plain_words",
    "read_fields",
    "read_lines",
    "refuse_mistaken",
    "written_lines",
]

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
    beside = has_parts(text)
    for line in text.split("\n"):
        found = _LINE.fullmatch(line)
        if found is None or len(found["colons"]) > 1 or found["value"].startswith("//"):
            continue
        if label := _mistaken(found, beside=beside):
            twice = f"{found['word']}{found['colons'] * 2}{found['value']}"
            raise PromptError(
                f"The line “{clip(line.strip(), 40)}” is no part of the prompt.",
                f"Parts begin with {', '.join(f'{one}:' for one in LABELS)}.",
                f"Did you mean {label}:? To send the line as words, write its colon twice: {clip(twice, 40)}",
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
    if found is None or len(found["colons"]) + more < 1:
        return line
    if not (label_of(found["word"]) or _mistaken(found, beside=beside)):
        return line
    colons = found["colons"]
    return line[: found.start("colons")] + colons[0] * (len(colons) + more) + found["value"]


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


_IN = re.compile(
    r"(?P<place>(?:[^=＝\"“”„«»「」『』]+[=＝])?)\s*(?P<words>[\"“„«「『].+[\"”“»」』])\s*(?:in\s+|\(\s*)"
    r"(?P<language>[^\W\d_]+)[\s).,;。]*",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"(?:image|picture|图)?\s*(?P<number>\d{1,4})\s*[=＝](?P<what>.*)", re.IGNORECASE)


@dataclass(slots=True)
class _Read:
    """What was read so far: the values by label, the paragraphs of lines without one, the label that may go on."""

    values: dict[str, list[str]] = field(default_factory=dict)
    plain: list[list[str]] = field(default_factory=lambda: [[]])
    open: str = ""

    def take(self, line: str) -> None:
        """Take in the next line."""
        found = labelled(line)
        label = label_of(found["word"]) if found else None
        if found and label:
            self.open = label
            self.values.setdefault(self.open, []).append(found["value"].strip())
        elif self.open and line.strip() and line[0] in " \t":
            self.values[self.open][-1] += f" {line.strip()}"
        else:
            self.open = ""
            self.plain += [] if line.strip() else [[]]
            self.plain[-1] += filter(None, [plain_words(line, beside=True).strip()])


def has_parts(text: str) -> bool:
    r"""
    Return whether a text has a line that is a part.

    >>> has_parts("Keep: her face\nMake it night."), has_parts("keep:: this"), has_parts("Keep her face.")
    (True, False, False)
    """
    return any(labelled(line) for line in text.split("\n"))


def read_lines(text: str, fill: Callable[[str], str] | None = None) -> Parts:
    r"""
    Return the parts of a text that has some.

    In `keep`, `only` and `avoid` commas separate. An indented line goes on with the part before it. Lines without a
    label are the change where no line is labelled so, and follow it as they are where one is.

    Args:
        text: the lines.
        fill: what each part is put through; nothing in what it returns is read as a line or a list.

    Raises:
        PromptError: two changes, an empty part, `only` without a change, nothing to change, a line that cannot be read,
            or one whose label is mistaken.

    >>> read_lines('keep: pose, clothing\nchange: Make it night.\ntext: sign = "OPEN"').as_json()
    {'keep': ['pose', 'clothing'], 'change': 'Make it night.', 'text': [['sign', 'OPEN']]}
    """
    refuse_mistaken(text)
    read = _Read()
    for line in text.split("\n"):
        read.take(line)
    changes = read.values.get("change", [])
    if len(changes) > 1:
        raise PromptError(
            "There are two change: lines.",
            "One change a pass: each that is added lets the rest drift further.",
            "Write a line of --- between them, or join them to one.",
        )
    parts = made_parts(
        keep=_items(read, "keep"),
        change=changes[0] if changes else None,
        only=_items(read, "only"),
        avoid=_items(read, "avoid"),
        text=[_lettering(value) for value in read.values.get("text", [])],
        references=[_reference(value) for value in read.values.get("reference", [])],
        more=[" ".join(lines) for lines in read.plain if lines],
    )
    return parts.mapped(fill) if fill else parts


def written_lines(parts: Parts) -> str:
    """
    Return the lines that `read_lines` reads as these parts.

    >>> print(written_lines(made_parts(keep=["pose", "red, white and blue"], change="Make it night.", text="OPEN")))
    keep: pose, red,, white and blue
    change: Make it night.
    text: "OPEN"
    """
    return "\n".join([*_labelled(parts), *(f"\n{escaped(line, beside=True)}" for line in parts.more)])


def parts_that_differ(one: Parts, other: Parts) -> dict[str, tuple[str | None, str | None]]:
    """
    Return the parts that are unlike in two prompts, each as it is written on its line; None where a prompt has none.

    >>> one, other = made_parts(keep="pose", change="Make it night."), made_parts(change="Make it snow.")
    >>> parts_that_differ(one, other)
    {'keep': ('pose', None), 'change': ('Make it night.', 'Make it snow.')}
    """
    first, second = (_by_label(parts) for parts in (one, other))
    said = [{name: " · ".join(values) for name, values in one.items()} for one in (first, second)]
    return {
        name: (said[0].get(name), said[1].get(name)) for name in first | second if first.get(name) != second.get(name)
    }


def fields_of(parts: Parts) -> dict[str, str]:
    r"""
    Return the parts as the fields of a form: by label what stands on its lines, `more` as paragraphs.

    >>> fields_of(made_parts(keep=["pose", "clothing"], change="Make it night.", text={"sign": "OPEN", "cup": "TEA"}))
    {'keep': 'pose, clothing', 'change': 'Make it night.', 'text': 'sign = "OPEN"\ncup = "TEA"'}
    """
    return {label: "\n".join(values) for label, values in _by_label(parts).items()}


def read_fields(fields: Mapping[str, str]) -> Parts | None:
    r"""
    Return the parts of a form's fields; None where none is filled in.

    Raises:
        PromptError: what they say makes no prompt; see `read_lines`.

    >>> read_fields({"keep": "pose", "change": "Make it\nnight.", "only": ""}).change
    'Make it night.'
    """
    given = {label: fields[label] for label in (*LABELS, "more") if fields.get(label, "").strip()}
    if not given:
        return None
    lines = {
        label: [" ".join(text.split())] if label == "change" else text.split("\n") for label, text in given.items()
    }
    more = [escaped(line.strip(), beside=True) for line in lines.pop("more", []) if line.strip()]
    labelled = [f"{label}: {line.strip()}" for label, some in lines.items() for line in some if line.strip()]
    return read_lines("\n".join([*labelled, *(f"\n{line}" for line in more)]))


def _items(read: _Read, label: str) -> list[str]:
    return [item for value in read.values.get(label, []) for item in listed(value) or [""]]


def _lettering(value: str) -> tuple[str, str]:
    """Return where lettering stands and its words: `headline = OPEN`, or the words alone; `in Japanese` may follow."""
    if (said := _IN.fullmatch(value)) and unquoted(said["words"]) and (language := language_named(said["language"])):
        place = said["place"].strip(" =＝")
        return f"{place} ({language})".strip(), _bare(said["words"])
    if any(value.startswith(pair[0]) for pair in QUOTES) or not ("=" in value or "＝" in value):
        return "", _bare(value)
    place, _, words = value.replace("＝", "=", 1).partition("=") if "=" not in value else value.partition("=")
    if not place.strip():
        raise PromptError(
            "A text: line begins with =.", "Before it stands where the words are.", "Write text: headline = OPEN"
        )
    return place.strip(), _bare(words.strip())


def _bare(words: str) -> str:
    bare = unquoted(words.rstrip(" .,;。，；"))
    return words if bare is None else bare


def _reference(value: str) -> tuple[int, str]:
    found = _NUMBERED.fullmatch(value)
    if found is None:
        raise PromptError(
            "A reference: line names no picture.",
            "It has the number of a picture and what is taken from it.",
            "Write reference: 2 = the jacket",
        )
    return int(found["number"]), found["what"].strip()


def _by_label(parts: Parts) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for label, _, value in (line.partition(": ") for line in _labelled(parts)):
        found.setdefault(label, []).append(value)
    return {label: values for label, values in (found | {"more": list(parts.more)}).items() if values}


def _labelled(parts: Parts) -> Iterator[str]:
    said = {"keep": unlisted(parts.keep), "change": parts.change, "only": unlisted(parts.only)}
    said["avoid"] = unlisted(parts.avoid)
    yield from (f"{label}: {words}" for label, words in said.items() if words)
    yield from (f"text: {f'{place} = ' if place else ''}{in_quotes(words)}" for place, words in parts.text)
    yield from (f"reference: {number} = {what}" for number, what in parts.references)
