"""English sentences as advice reads them: clauses that keep, change, make or wish, each with what it is about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from nbbanana.prompts.reading import MASK, Reading, Span
from nbbanana.prompts.words import entries, words_of

__all__ = ["Clause", "as_sentence", "changes_in", "clauses_of", "is_kept", "makes_new_picture", "targets"]

Kind = Literal["keep", "change", "make", "other"]

WORD = re.compile(r"[a-z0-9À-ɏ]+(?:['’-][a-z0-9À-ɏ]+)*" + f"|{MASK}+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Clause:
    """
    One order, or what stands between two.

    Args:
        kind: what it asks for; `other` where it gives no order.
        span: its place in the prompt.
        verb: in its plain form, such as `change`; empty in `other`.
        group: the kind of change: add, remove, replace, change or tune; empty elsewhere.
        object: the words after the verb, in small letters.
        object_at: where they begin in the prompt.
    """

    kind: Kind
    span: Span
    verb: str = ""
    group: str = ""
    object: str = ""
    object_at: int = 0


@cache
def _kept(*, faint: bool) -> re.Pattern[str]:
    marks = [*entries()["keep"]["marks"], *(entries()["keep"]["faint"] if faint else ())]
    return re.compile(r"\b(?:" + "|".join(marks) + r")\b")


def is_kept(text: str, *, faint: bool = True) -> bool:
    """
    Return whether words in small letters say that something stays as it is.

    Args:
        text: a prompt or a part of one.
        faint: whether words count too that may mean something else, such as "only".

    >>> is_kept("paint the wall without changing the floor"), is_kept("paint the wall")
    (True, False)
    """
    return _kept(faint=faint).search(text) is not None


@cache
def _verbs() -> dict[str, tuple[Kind, str]]:
    """Return each verb with what it asks for and the group of its change, in its plain form."""
    found: dict[str, tuple[Kind, str]] = dict.fromkeys(words_of("make"), ("make", ""))
    found |= dict.fromkeys(words_of("keep"), ("keep", ""))
    return found | {word: ("change", group) for group in entries()["change"] for word in words_of("change", group)}


@cache
def _gerunds() -> dict[str, str]:
    """Return each verb by its form in -ing."""
    return {form: verb for verb in _verbs() for form in _ing(verb)}


def _ing(verb: str) -> Iterator[str]:
    yield f"{verb}ing"
    if verb.endswith("e"):
        yield f"{verb[:-1]}ing"
    elif re.search(r"[^aeiou][aeiou][bdgmnprt]$", verb):
        yield f"{verb}{verb[-1]}ing"


def clauses_of(reading: Reading) -> tuple[Clause, ...]:
    """
    Return the clauses of an English prompt, in their order.

    >>> [(one.kind, one.verb, one.object) for one in clauses_of(Reading("Keep her face. Then paint the wall red."))]
    [('keep', 'keep', 'her face'), ('change', 'paint', 'the wall red')]
    """
    return tuple(clause for sentence in reading.sentences for clause in _clauses(reading.lower, sentence))


_BREAK = re.compile(r"[,;:—–(]|\s-\s|\b(?:and|then|but|while|also|plus|by)\b")
_NOT = re.compile(r"(?:do not|don['’]?t|never|no need to|please do not|avoid|without)\s+(?:be\s+)?")


MOST_FILLERS, LONGEST_WORD = 8, 200
"""So many words may stand before an order, as in "and then please just add"; and so long one word may be."""


def _clauses(low: str, sentence: Span) -> Iterator[Clause]:
    start, end = sentence
    breaks = (found.end() for found in _BREAK.finditer(low, start, end) if found.start() > start)
    starts = [start, *(at for at in breaks if _order_at(low, at, end, is_first=False) is not None)]
    for first, last in zip(starts, [*starts[1:], end], strict=True):
        yield _clause(low, first, last, is_first=first == start)


_LOOSE_END = re.compile(r"[\s.,;:!?]*(?:\b(?:and|then|but|while|also|plus|by)\b)?[\s.,;:!?]*$")
"""What joins a clause to the next one."""


def _clause(low: str, start: int, end: int, *, is_first: bool) -> Clause:
    order = _order_at(low, start, end, is_first=is_first)
    start += len(low[start:end]) - len(low[start:end].lstrip(" ,"))
    if order is None:
        return Clause("keep" if is_kept(low[start:end], faint=False) else "other", (start, end))
    kind, verb, group, at = order
    rest = low[at:end]
    at += len(rest) - len(rest.lstrip())
    return Clause(kind, (start, end), verb, group, _LOOSE_END.sub("", low[at:end]), at)


def _order_at(low: str, start: int, end: int, *, is_first: bool) -> tuple[Kind, str, str, int] | None:
    """Return what is ordered from here on: its kind, verb and group, and where the words after the verb begin."""
    word = None
    for _ in range(MOST_FILLERS):
        word = WORD.search(low, start, min(end, start + LONGEST_WORD))
        if word is None or low[start : word.start()].strip(" ,:*_#>\"'(["):
            return None
        if negated := _NOT.match(low, word.start(), end):
            return _spared(low, negated.end(), end)
        if word.group() not in words_of("closed", "fillers") or _is_order(word.group(), low, word.end(), end):
            break
        start = word.end()
    return _read_order(word, low, end, is_first=is_first) if word else None


def _spared(low: str, at: int, end: int) -> tuple[Kind, str, str, int] | None:
    """Return the order to keep that "do not change" is; "do not add" keeps nothing."""
    word = WORD.match(low, at, end)
    plain = _gerunds().get(word.group(), word.group()) if word else ""
    is_spared = plain in words_of("spare") or _verbs().get(plain, ("", "add"))[1] not in ("add", "")
    return ("keep", "not", "", word.end()) if word and is_spared else None


def _read_order(word: re.Match[str], low: str, end: int, *, is_first: bool) -> tuple[Kind, str, str, int] | None:
    verb, following = word.group(), _next(low, word.end(), end)
    plain = _gerunds().get(verb, verb)
    if verb in ("make", "recreate", "redraw") and following in ("sure", "me", "us", "a", "an"):
        return "make", verb, "", word.end()
    if plain != verb:
        is_meant = _verbs()[plain][0] == "keep" or (is_first and following in words_of("closed", "determiners"))
    else:
        is_meant = _is_order(verb, low, word.end(), end, is_first=is_first)
    if is_meant:
        kind, group = _verbs()[plain]
        return kind, plain, group, word.end()
    is_new = is_first and plain not in _verbs() and verb not in words_of("closed") and following in AFTER_ORDERS
    return ("change", verb, "change", word.end()) if is_new and _may_be_verb(verb) else None


AFTER_ORDERS = words_of("closed", "after_orders")
"""What follows an order at the start of a sentence, also one whose verb no list knows."""


def _next(low: str, at: int, end: int) -> str:
    """Return the word that follows, where nothing but a space stands between."""
    found = WORD.match(low, at + 1, end) if low[at : at + 1] == " " else None
    return found.group() if found else ""


def _is_order(verb: str, low: str, at: int, end: int, *, is_first: bool = False) -> bool:
    """Return whether a verb gives an order here: one that may be a noun does before a determiner or a number."""
    following = _next(low, at, end)
    if verb not in _verbs():
        return False
    if verb not in words_of("change_nouns_too"):
        # In the middle of a sentence an order has an object: "the bottle, label, and light" has none.
        return is_first or (bool(following) and following not in ("of", "is", "are", "should"))
    if following in words_of("closed", "determiners") or following.isdecimal():
        return True
    if verb in ("change", "turn", "switch", "convert") and following in ("to", "into"):
        return is_first
    is_bare = is_first and verb not in words_of("change_nouns_too", "adjectives_too")
    return is_bare and bool(following) and following not in words_of("closed")


def _may_be_verb(word: str) -> bool:
    return len(word) > 2 and not word.endswith(("ed", "ly", "ss")) and word.isalpha()


_TAIL = re.compile(
    r"\s*(?:[.!?;:(]|,?\s*\b(?:to|into|with|from|in|within|on|at|by|as|for|so|that|which|who|using|onto|inside|"
    r"behind|under|"
    r"through|over|above|below|near|beside|between|around|across|along|so|such|but|while|without|look|looks|appear|"
    r"until|if|when|where|because|only|exactly|unchanged|intact|untouched|the same|completely|entirely|and then)\b)"
)
_JOINT = re.compile(r"\s*,\s*(?:and|or|&)\s+|\s*,\s*|\s+(?:and|or|&)\s+")
_LEADING = re.compile(
    r"^(?:(?:the|a|an|all|both|any|each|every|his|her|its|their|my|your|this|that|these|those|some)\s+)+(?:of\s+)?"
)


def targets(text: str) -> tuple[str, ...]:
    """
    Return the things that an order is about: what stands before the first preposition, taken apart at commas and "and".

    >>> targets("the dog, the old car and both trees from the street"), targets("the color of the car to red")
    (('dog', 'old car', 'trees'), ('color of the car',))
    """
    cut = _TAIL.search(text)
    head = text[: cut.start()] if cut else text
    found = (_LEADING.sub("", part.strip()) for part in _JOINT.split(head))
    return tuple(part for part in found if part)


def changes_in(clauses: Sequence[Clause]) -> list[Clause]:
    """Return the clauses that change something."""
    return [clause for clause in clauses if clause.kind == "change"]


def makes_new_picture(clauses: Sequence[Clause]) -> bool:
    """Return whether the first order is to make a new picture: what follows it describes that one."""
    orders = [clause for clause in clauses if clause.kind in ("change", "make")]
    return bool(orders) and orders[0].kind == "make" and orders[0].verb not in ("ensure", "use", "make")


def as_sentence(text: str) -> str:
    """Return words with a capital and a full stop."""
    begun = text[:1].upper() + text[1:]
    return begun if begun[-1:] in ".!。！" else f"{begun}."
