"""The sentences of a prompt in English. Words of other languages stand inside them as they are."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from nbbanana.models import Grammar
from nbbanana.prompts.scripts import in_language, script_of
from nbbanana.prompts.sentences import in_quotes, joined, sentence

__all__ = ["avoid", "change", "keep", "letter", "lettered", "refer"]

_FIRST = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_QUOTES = ('""', "“”", "«»", "「」")


def keep(items: Sequence[str]) -> str:
    """
    Return what stays as it is.

    >>> keep(["subject identity", "pose", "clothing"])
    'Keep the subject identity, pose, and clothing unchanged.'
    """
    sentences = [item for item in items if _begins(item, "keeping")]
    listed = [item for item in items if item not in sentences]
    # Said of the last, it is said of all: the bottle, the label and the lighting exactly as in the input.
    alone = [f"Keep {item}" for item in listed[:-1] if _says_kept(item)]
    listed = [item for item in listed[:-1] if not _says_kept(item)] + listed[-1:]
    end = "" if listed and _says_kept(listed[-1]) else " unchanged"
    first = [f"Keep {_joined(_with_articles(listed))}{end}"] if listed else []
    return joined([sentence(one) for one in (*first, *alone, *sentences)])


def change(what: str, only: Sequence[str]) -> str:
    """
    Return the change in one sentence; with a scope it says where alone it is made.

    >>> change("Convert the background into a rainy street", ["background"])
    'Convert only the background into a rainy street.'
    >>> change("make it night", ["background"]), change("a rainy street", ["background"])
    ('Change only the background: make it night.', 'Change only the background to a rainy street.')
    >>> change("the background should be changed to rain", []), change("The shirt should be red", [])
    ('Change the background to rain.', 'Make the shirt red.')
    """
    what = _imperative(what)
    where = _joined([_with_article(_as_place(item)) for item in only])
    is_verb, is_goal = _first(what) in _words()["verbs"], bool(re.match(r"(?:in)?to\s", what, re.IGNORECASE))
    if is_verb and where:
        return sentence(_in_place(what, only) or f"Change only {where}: {_lowered(what)}")
    if is_goal:
        return sentence(f"Change {f'only {where}' if where else 'the picture'} {what}")
    if _is_noun_phrase(what):
        return sentence(f"Change only {where} to {what}" if where else f"Change the picture: {what}")
    return sentence(f"Change only {where}: {what}" if where else what)


def letter(pairs: Sequence[tuple[str, str]], only: Sequence[str]) -> str:
    """
    Return what is to be written, where lettering is all that changes.

    >>> letter([("headline", "今日のおすすめ"), ("price", "¥500")], [])
    'Set the headline to "今日のおすすめ" in Japanese and the price to "¥500".'
    """
    first, *rest = pairs
    clauses = [_written("set", *first)]
    for before, (place, words) in zip(pairs, rest, strict=False):
        is_listed = in_language(before[0])[0] and in_language(place)[0]
        clauses.append(_written("" if is_listed else "set", place, words))
    where = _joined([_with_article(_as_place(item)) for item in only])
    return sentence(f"Change only {where}: {_joined(clauses)}" if where else _joined(clauses))


def lettered(pairs: Sequence[tuple[str, str]]) -> str:
    """
    Return how lettering reads, beside a change.

    >>> lettered([("headline", "今日のおすすめ"), ("", "OPEN")])
    'The headline reads "今日のおすすめ" in Japanese. The text reads "OPEN".'
    """
    said = ((*in_language(place), words) for place, words in pairs)
    return " ".join(
        sentence(f"{_with_article(where or 'text')} reads {_quoted(words, language)}")
        for where, language, words in said
    )


def refer(number: int, what: str, grammar: Grammar) -> str:
    """
    Return what is taken from which picture, in the words that the model has for its pictures.

    >>> refer(2, "jacket", Grammar())
    'Use the jacket from image 2.'
    """
    return sentence(f"Use {_with_article(what)} from {grammar.reference(number)}")


def avoid(items: Sequence[str]) -> str:
    """
    Return what is not to appear.

    >>> avoid(["extra people", "text", "do not crop the picture"])
    'Avoid extra people and text. Do not crop the picture.'
    """
    listed = [item for item in items if not _begins(item, "avoiding")]
    sentences = [sentence(item) for item in items if _begins(item, "avoiding")]
    return " ".join(([sentence(f"Avoid {_joined(listed)}")] if listed else []) + sentences)


@cache
def _words() -> dict[str, Any]:
    words: dict[str, Any] = json.loads((files(__package__) / "english_sentences.json").read_text(encoding="utf-8"))
    return words


@cache
def _passive() -> re.Pattern[str]:
    """Return what finds `the background should be changed to rain`."""
    done = "|".join(map(re.escape, _words()["verbs"].values()))
    return re.compile(
        rf"(?P<object>[^.,:;!?]+?)\s+(?:{'|'.join(_words()['modals'])})\s+be\s+(?P<done>{done})\b(?P<rest>.*)",
        re.IGNORECASE | re.DOTALL,
    )


@cache
def _wished() -> re.Pattern[str]:
    """Return what finds `the lake should turn blue` and `the shirt should be red`."""
    return re.compile(
        rf"(?P<object>[^.,:;!?]+?)\s+(?:{'|'.join(_words()['wished'])})\s+(?:be\s+)?(?P<rest>(?!not\b|be\b)\w.*)",
        re.IGNORECASE | re.DOTALL,
    )


def _imperative(what: str) -> str:
    """Return a passive, or what something should do or be, as the instruction that it means; all else as it is."""
    if _first(what) in _words()["verbs"]:
        return what
    if found := _passive().fullmatch(what):
        verb = next(verb for verb, done in _words()["verbs"].items() if done == found["done"].casefold())
        return f"{verb.capitalize()} {_lowered(found['object'], also='determiners')}{found['rest']}"
    if found := _wished().fullmatch(what):
        return f"Make {_lowered(found['object'], also='determiners')} {found['rest']}"
    return what


def _in_place(what: str, only: Sequence[str]) -> str | None:
    """Return an instruction that names its one scope behind its verb with `only` there, or None."""
    if len(only) != 1:
        return None
    noun = re.sub(r"^(?:the|a|an)\s+", "", only[0], flags=re.IGNORECASE)
    found = re.match(rf"(\w+)\s+(?!only\b)((?:the\s+)?{re.escape(noun)}(?!\w).*)", what, re.IGNORECASE | re.DOTALL)
    return f"{found[1]} only {found[2]}" if found else None


def _is_noun_phrase(what: str) -> bool:
    """Return whether a text begins as the name of a thing and is no sentence."""
    finite = "|".join([*_words()["finite"], *_words()["modals"]])
    is_sentence = re.search(rf"[.!?:;]\s|(?<!\w)(?:{finite})(?!\w)", what, re.IGNORECASE)
    return _first(what) in _words()["determiners"] and is_sentence is None


def _as_place(scope: str) -> str:
    """Return a scope without its own `only`; one such as `above the headline` is an area."""
    scope = re.sub(r"^only\s+|\s+only$", "", scope, flags=re.IGNORECASE) or scope
    words = scope.casefold().split()
    is_relation = (
        words[0] in _words()["places"] and len(words) > 1 and (words[0] not in {"left", "right"} or words[1] == "of")
    )
    return f"the area {scope}" if is_relation else scope


def _with_articles(items: Sequence[str]) -> list[str]:
    """Return the items of a list; one article serves all, unless some have a word of their own in its place."""
    if any(_needs_article(item) for item in items) and all(_needs_article(item) for item in items):
        return [f"the {items[0]}", *items[1:]]
    return [_with_article(item) for item in items]


def _with_article(item: str) -> str:
    return f"the {item}" if _needs_article(item) else item


def _needs_article(item: str) -> bool:
    """Return whether a thing is named by a common noun: no `her face`, no `Anna`, no number, no other script."""
    first = _FIRST.match(item)
    return first is not None and first[0].isascii() and first[0].islower() and first[0] not in _words()["determiners"]


def _written(verb: str, place: str, words: str) -> str:
    """Return the clause for one piece of lettering, its verb left out where the clause before it has it."""
    where, language = in_language(place)
    if not where:
        return f"write {_quoted(words, language)}"
    return f"{verb} {_with_article(where)} to {_quoted(words, language)}".strip()


def _quoted(words: str, language: str | None) -> str:
    script = language or script_of(words)
    return in_quotes(words, _QUOTES) + (f" in {script}" if script else "")


def _joined(items: Sequence[str]) -> str:
    """Return items as one list; where one has a comma or an `and` of its own, each is set off."""
    if len(items) < 2:
        return "".join(items)
    set_off = len(items) > 2 or any("," in item or " and " in item for item in items)
    return f"{', '.join(items[:-1])}{',' if set_off else ''} and {items[-1]}"


def _first(text: str) -> str:
    """Return the first word, casefolded; a `please` before it does not count."""
    found = _FIRST.match(re.sub(r"^please,?\s+", "", text, flags=re.IGNORECASE))
    return found[0].casefold() if found else ""


def _says_kept(item: str) -> bool:
    return item.casefold().rstrip(".").endswith(tuple(_words()["kept"]))


def _begins(item: str, kind: str) -> bool:
    return re.match(rf"(?:{'|'.join(_words()[kind])})(?!\w)", item, re.IGNORECASE) is not None


def _lowered(text: str, also: str = "verbs") -> str:
    """Return a text with a small first letter, where its first word is a verb or another known word."""
    return text[0].lower() + text[1:] if _first(text) in _words()[also] else text
