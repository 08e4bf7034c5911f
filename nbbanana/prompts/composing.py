"""Parts → a prompt: what stays first, then the change in one sentence, lettering in quotes, what to avoid last."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from types import ModuleType

from nbbanana.models import Grammar
from nbbanana.prompts import chinese_sentences, english_sentences
from nbbanana.prompts.parts import Parts
from nbbanana.prompts.scripts import in_language, is_han, names_script, scripts_in
from nbbanana.prompts.sentences import apart, has_kana, is_chinese, joined, sentence, without_end

__all__ = ["compose"]


def compose(parts: Parts, grammar: Grammar | None = None) -> str:
    """
    Return the prompt that parts make.

    Each text stands in it as it was written, but for a capital letter, an article, a full stop or a comma at its end,
    and a passive that becomes an instruction. Parts in Chinese make Chinese sentences, all others English ones around
    them.

    Args:
        parts: the parts.
        grammar: how the model's prompts are written; None is the usual way.

    >>> from nbbanana.prompts.parts import made_parts
    >>> print(compose(made_parts(keep="subject identity, pose", change="a rainy neon street", only="background")))
    Keep the subject identity and pose unchanged. Change only the background to a rainy neon street.
    >>> print(compose(made_parts(keep=["人物身份", "姿势"], change="把背景换成雨夜的霓虹街道")))
    保持人物身份和姿势不变。把背景换成雨夜的霓虹街道。
    """
    grammar = Grammar() if grammar is None else grammar
    parts = _with_languages(_without_ends(parts))
    language = partial(_language, has_chinese=not has_kana(_own_words(parts)))
    kept = [language(parts.keep).keep(parts.keep)] if parts.keep else []
    referred = [language([what]).refer(number, what, grammar) for number, what in parts.references]
    changed = [*_change(parts, language, grammar), *referred, *map(sentence, parts.more)]
    avoided = [language(parts.avoid).avoid(parts.avoid)] if parts.avoid else []
    # A prompt that describes a whole picture begins with the picture; nothing of it is there to be kept.
    first, second = (changed, kept) if grammar.order == "scene" else (kept, changed)
    return joined([*first, *second, *avoided])


def _without_ends(parts: Parts) -> Parts:
    """Return the parts without the stops that their sentences go on behind; lettering stays as it is."""
    lists = {name: _items(getattr(parts, name)) for name in ("keep", "only", "avoid")}
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
    return f"{place} (Japanese)".strip() if is_han(words) and in_language(place)[1] is None else place


def _items(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(part for item in items for part in apart(item))


def _change(parts: Parts, language: Callable[[Iterable[str]], ModuleType], grammar: Grammar) -> list[str]:
    if not parts.change:
        places = [in_language(place)[0] for place, _ in parts.text]
        own = language([place for place in places if place] or parts.only or parts.keep)
        return [own.letter(parts.text, parts.only)]
    own = language([parts.change])
    # What describes a picture that is not there yet changes nothing.
    is_scene = grammar.order == "scene" and not parts.only
    return [
        sentence(parts.change) if is_scene else own.change(parts.change, parts.only),
        own.lettered(parts.text),
    ]


def _own_words(parts: Parts) -> str:
    """Return all texts of the parts but the lettering."""
    places = [in_language(place)[0] for place, _ in parts.text]
    things = [what for _, what in parts.references]
    return " ".join([*parts.keep, parts.change, *parts.only, *parts.avoid, *parts.more, *places, *things])


def _language(texts: Iterable[str], *, has_chinese: bool) -> ModuleType:
    """Return the sentences for texts; beside Japanese, Chinese characters are Japanese."""
    return chinese_sentences if has_chinese and is_chinese(" ".join(texts)) else english_sentences
