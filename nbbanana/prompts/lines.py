"""Lines such as `keep:` and `change:` ⇄ the parts of a prompt; lines without a label beside them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from nbbanana.errors import PromptError
from nbbanana.prompts.labels import LABELS, escaped, label_of, labelled, plain_words, refuse_mistaken
from nbbanana.prompts.parts import Parts, listed, made_parts, unlisted
from nbbanana.prompts.scripts import language_named
from nbbanana.prompts.sentences import QUOTES, in_quotes, unquoted

__all__ = [
    "fields_of",
    "has_parts",
    "parts_that_differ",
    "read_fields",
    "read_lines",
    "written_lines",
]

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
    lists = {name: getattr(parts, name) for name in ("keep", "only", "avoid")}
    changes = [parts.change] if parts.change else []
    yield from (f"keep: {unlisted(items)}" for items in [lists["keep"]] if items)
    yield from (f"change: {change}" for change in changes)
    yield from (f"{name}: {unlisted(lists[name])}" for name in ("only", "avoid") if lists[name])
    yield from (f"text: {f'{place} = ' if place else ''}{in_quotes(words)}" for place, words in parts.text)
    yield from (f"reference: {number} = {what}" for number, what in parts.references)
