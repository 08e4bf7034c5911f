"""
The parts of a prompt: what stays, what changes, where, what to avoid, which lettering, what of which picture.

And the prompt that they make: what stays first, then the change in one sentence, lettering in quotes, what to avoid
last.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from numbers import Real
from types import ModuleType
from typing import Any

from nbbanana.errors import PromptError
from nbbanana.models import Grammar
from nbbanana.prompts import chinese_sentences, sentences
from nbbanana.prompts.sentences import (
    apart,
    has_kana,
    in_language,
    is_chinese,
    joined,
    language_named,
    names_script,
    script_of,
    scripts_in,
    sentence,
    without_end,
)
from nbbanana.text import clip

__all__ = ["Parts", "compose", "listed", "made_parts", "parts_of", "unlisted"]

_ITEM = re.compile(r"(?:([,，、])\1|(?<=\d),(?=\d)|[^,，、])+")
_AND = re.compile(r"(?:(?:and|und)\s+)+", re.IGNORECASE)
_MARKS = "\"“”„«»「」'"


@dataclass(frozen=True, slots=True)
class Parts:
    """
    What a prompt is composed of, each text as its author wrote it, on one line.

    Args:
        keep: what stays as it is.
        change: what is to be done.
        only: where alone it is done.
        avoid: what is not to appear.
        text: lettering: where it stands (empty where that is not said; its language behind it in brackets) and its
            words.
        references: what is taken from which picture, the pictures counted from 1.
        more: sentences that follow the change as they are.

    >>> made_parts(keep="pose, clothing", change="Make it night.", text={"sign": "OPEN"}).as_json()
    {'keep': ['pose', 'clothing'], 'change': 'Make it night.', 'text': [['sign', 'OPEN']]}
    """

    keep: tuple[str, ...] = ()
    change: str = ""
    only: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()
    text: tuple[tuple[str, str], ...] = ()
    references: tuple[tuple[int, str], ...] = ()
    more: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return them as JSON values, without those that are empty."""
        values = {name: getattr(self, name) for name in PART_NAMES}
        return {name: _plain(value) for name, value in values.items() if value}

    def mapped(self, change: Callable[[str], str]) -> Parts:
        """
        Return the parts with each of their texts put through a function.

        Raises:
            PromptError: a text is empty then.
        """
        return made_parts(
            keep=[change(item) for item in self.keep],
            change=change(self.change) if self.change else None,
            only=[change(item) for item in self.only],
            avoid=[change(item) for item in self.avoid],
            text=[(change(place), change(words)) for place, words in self.text],
            references=[(number, change(what)) for number, what in self.references],
            more=[change(item) for item in self.more],
        )


PART_NAMES = tuple(field.name for field in fields(Parts))


def made_parts(
    *,
    keep: str | Iterable[str] | None = None,
    change: str | None = None,
    only: str | Iterable[str] | None = None,
    avoid: str | Iterable[str] | None = None,
    text: str | Iterable[str] | Mapping[str, Any] | Iterable[tuple[str, str]] | None = None,
    references: Mapping[int, str] | Iterable[str] | Iterable[tuple[int, str]] | None = None,
    more: str | Iterable[str] | None = None,
) -> Parts:
    """
    Return checked parts; see `Parts`.

    Args:
        keep: a list, or one text in which commas separate; a comma that is meant is written twice.
        only: likewise.
        avoid: likewise.
        change: one instruction. Without it `more` is the change.
        text: the words, several of them, or where they stand and the words; as a pair the words and their language.
        references: what is taken from which picture; a list without numbers begins with the second picture.
        more: sentences.

    Raises:
        PromptError: a part that is empty or no text; `only` without anything to change; nothing to change.
    """
    sentences = tuple(_one("more", item) for item in _several("more", more, split=False))
    parts = Parts(
        keep=_joined_by_and("keep", keep),
        change=" ".join(sentences) if change is None else _one("change", change),
        only=_joined_by_and("only", only),
        avoid=_joined_by_and("avoid", avoid),
        text=tuple(_lettering(*pair) for pair in _letterings(text)),
        references=tuple(_reference(*pair) for pair in _numbered(references)),
        more=() if change is None else sentences,
    )
    if not parts.change and not parts.text:
        raise _nothing_to_change(parts)
    return parts


def parts_of(packed: Any) -> Parts | None:
    """
    Return the parts that `Parts.as_json` wrote; None of None and of what is no such object.

    >>> parts_of({"change": "Make it night.", "text": [["", "OPEN"]]}).text
    (('', 'OPEN'),)
    """
    if not isinstance(packed, Mapping):
        return None
    known = {name: packed[name] for name in PART_NAMES if name in packed}
    try:
        return made_parts(**known)
    except (PromptError, TypeError):
        return None


def listed(text: str) -> list[str]:
    """
    Return the items of a text in which commas separate; a comma written twice is one of the text.

    >>> listed("pose, the red,, white and blue flag")
    ['pose', 'the red, white and blue flag']
    """
    return [re.sub(r"([,，、])\1", r"\1", item[0]).strip() for item in _ITEM.finditer(text) if item[0].strip()]


def unlisted(items: Iterable[str]) -> str:
    """Return the text that `listed` reads as these items."""
    return ", ".join(re.sub(r"([,，、])", r"\1\1", item) for item in items)


def _joined_by_and(name: str, value: str | Iterable[str] | None) -> tuple[str, ...]:
    """Return the items of a list; the `and` before the last of several is the composer's to write."""
    items = [_one(name, item) for item in _several(name, value)]
    rest = [_AND.sub("", item, count=1) if _AND.match(item) else item for item in items[1:]]
    return tuple(item for item in items[:1] + rest if item)


def _several(name: str, value: Any, *, split: bool = True) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, str):
        return (listed(value) if split else [value]) or [""]
    if not isinstance(value, Iterable) or isinstance(value, bytes | Mapping):
        raise _no_text(name, value)
    return list(value)


def _one(name: str, value: Any) -> str:
    """Return a text on one line."""
    if value is True or value is False or not isinstance(value, str | Real):
        raise _no_text(name, value)
    line = " ".join(str(value).split())
    if not line:
        raise PromptError(f"{name}: is empty.", "A part has words.", f"Write them, or leave {name} out.")
    return line


def _letterings(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, str) or value is None:
        return [] if value is None else [("", value)]
    return [("", one) if isinstance(one, str) else one for one in _pairs("text", value)]


def _numbered(value: Any) -> Iterable[tuple[Any, Any]]:
    found = _pairs("reference", [value] if isinstance(value, str) else value)
    return [(number, one) if isinstance(one, str) else one for number, one in enumerate(found, start=2)]


def _pairs(name: str, value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise _no_text(name, value)
    found = list(value.items() if isinstance(value, Mapping) else value)
    for one in found:
        if not isinstance(one, str) and (not isinstance(one, tuple | list) or len(one) != 2):
            raise _no_text(name, one)
    return found


def _lettering(place: Any, words: Any) -> tuple[str, str]:
    where = _one("text", place) if place != "" else ""
    if isinstance(words, tuple | list):
        where, words = f"{where} ({_language(words)})".strip(), words[0]
    if "=" in where or "＝" in where or where[:1] in set(_MARKS):
        raise PromptError(
            f"text: cannot stand at {clip(where, 40)}.",
            "The words for a place have no = in them and begin with no quote.",
            'Say where it is in words, such as text={"headline": "OPEN"}.',
        )
    return where, _one("text", words)


def _language(words: Sequence[Any]) -> str:
    language = language_named(words[1].strip()) if len(words) == 2 and isinstance(words[1], str) else None
    if language is None:
        raise PromptError(
            "text: names no language that is known.",
            "A pair holds the words and the name of their language.",
            'Write text={"sign": ("営業中", "Japanese")}, or name the language in more="…".',
        )
    return language


def _reference(number: Any, what: Any) -> tuple[int, str]:
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise PromptError(
            f"reference: has no picture {number!r:.40}.",
            "Pictures are counted from 1, the main one first.",
            'Write references={2: "the jacket"}, or reference: 2 = the jacket',
        )
    return number, _one("reference", what)


def _no_text(name: str, value: Any) -> PromptError:
    return PromptError(
        f"{name}: has a value of type {type(value).__name__}.",
        "A part of a prompt is text.",
        {
            "text": 'Write text={"headline": "OPEN"}.',
            "reference": 'Write references={2: "the jacket"}.',
        }.get(name, f"Write {name} as text."),
    )


def _nothing_to_change(parts: Parts) -> PromptError:
    if parts.only:
        return PromptError(
            "only: says where, and nothing says what.",
            "It belongs to a change.",
            "Add a line such as change: Make it night.",
        )
    return PromptError(
        "Nothing is to be changed.",
        "There are parts, but neither change: nor text: among them.",
        "Add a line such as change: Make it night.",
    )


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def compose(parts: Parts, grammar: Grammar | None = None) -> str:
    """
    Return the prompt that parts make.

    Each text stands in it as it was written, but for a capital letter, an article, a full stop or a comma at its end,
    and a passive that becomes an instruction. Parts in Chinese make Chinese sentences, all others English ones around
    them.

    Args:
        parts: the parts.
        grammar: how the model's prompts are written; None is the usual way.

    >>> print(compose(made_parts(keep="subject identity, pose", change="a rainy neon street", only="background")))
    Keep the subject identity and pose unchanged. Change only the background to a rainy neon street.
    >>> print(compose(made_parts(keep=["人物身份", "姿势"], change="把背景换成雨夜的霓虹街道")))
    保持人物身份和姿势不变。把背景换成雨夜的霓虹街道。
    """
    grammar = Grammar() if grammar is None else grammar
    parts = _with_languages(_without_ends(parts))
    language = partial(_sentences_for, has_chinese=not has_kana(_own_words(parts)))
    kept = [language(parts.keep).keep(parts.keep)] if parts.keep else []
    referred = [language([what]).refer(number, what, grammar) for number, what in parts.references]
    changed = [*_change(parts, language, grammar), *referred, *map(sentence, parts.more)]
    avoided = [language(parts.avoid).avoid(parts.avoid)] if parts.avoid else []
    # A prompt that describes a whole picture begins with the picture; nothing of it is there to be kept.
    first, second = (changed, kept) if grammar.order == "scene" else (kept, changed)
    return joined([*first, *second, *avoided])


def _without_ends(parts: Parts) -> Parts:
    """Return the parts without the stops that their sentences go on behind; lettering stays as it is."""
    lists = {
        name: tuple(part for item in getattr(parts, name) for part in apart(item)) for name in ("keep", "only", "avoid")
    }
    return replace(
        parts,
        **lists,
        change=without_end(parts.change, is_sentence=True),
        text=tuple((without_end(place), words) for place, words in parts.text),
        references=tuple((number, without_end(what)) for number, what in parts.references),
        more=tuple(without_end(item, is_sentence=True) for item in parts.more),
    )


def _with_languages(parts: Parts) -> Parts:
    """Return the parts with kanji called Japanese where other words of theirs are, or say that it is."""
    own = " ".join([_own_words(parts), *(place for place, _ in parts.text)])
    is_said = names_script(own, "Japanese") and not names_script(own, "Chinese")
    is_japanese = is_said or has_kana(own) or any("Japanese" in scripts_in(words) for _, words in parts.text)
    if not is_japanese:
        return parts
    return replace(parts, text=tuple((_called_japanese(place, words), words) for place, words in parts.text))


def _called_japanese(place: str, words: str) -> str:
    """Return a place with the language of its words, where Chinese characters are all that names it."""
    is_open = script_of(words) == "Chinese" and in_language(place)[1] is None
    return f"{place} (Japanese)".strip() if is_open else place


def _change(parts: Parts, language: Callable[[Iterable[str]], ModuleType], grammar: Grammar) -> list[str]:
    texts = [(*in_language(place), words) for place, words in parts.text]
    if not parts.change:
        own = language([where for where, _, _ in texts if where] or parts.only or parts.keep)
        return [own.letter(texts, parts.only)]
    own = language([parts.change])
    # What describes a picture that is not there yet changes nothing.
    is_scene = grammar.order == "scene" and not parts.only
    return [
        sentence(parts.change) if is_scene else own.change(parts.change, parts.only),
        own.lettered(texts),
    ]


def _own_words(parts: Parts) -> str:
    """Return all texts of the parts but the lettering."""
    places = [in_language(place)[0] for place, _ in parts.text]
    things = [what for _, what in parts.references]
    return " ".join([*parts.keep, parts.change, *parts.only, *parts.avoid, *parts.more, *places, *things])


def _sentences_for(texts: Iterable[str], *, has_chinese: bool) -> ModuleType:
    """Return the sentences for texts; beside Japanese, Chinese characters are Japanese."""
    return chinese_sentences if has_chinese and is_chinese(" ".join(texts)) else sentences
