"""
A prompt as advice reads it: its language, what is quoted in it, its sentences, and the clauses of English ones.

A clause keeps, changes, makes or wishes something, and has its place in the prompt. The lists of English words that
this goes by are `english.toml`, read once. At the end stands what a rule is given, `Asked`, and what it gives, `Found`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from nbbanana.models import Model

__all__ = [
    "MASK",
    "Asked",
    "Change",
    "Check",
    "Clause",
    "Found",
    "Kind",
    "Language",
    "Reading",
    "Span",
    "changes_in",
    "clauses_of",
    "entries",
    "is_kept",
    "language_of",
    "makes_new_picture",
    "targets",
    "word_list",
]


@cache
def entries() -> dict[str, dict[str, Any]]:
    """Return the tables of the file: text of words, or patterns."""
    return tomllib.loads((files(__package__) / "english.toml").read_text("utf-8"))


@cache
def word_list(table: str, key: str = "words") -> frozenset[str]:
    """
    Return a list of words.

    >>> "erase" in word_list("change", "remove")
    True
    """
    return frozenset(entries()[table][key].split())


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
        if len(low) == len(self.masked):
            return low
        return "".join(letter if len(letter.lower()) > 1 else letter.lower() for letter in self.masked)

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
        han = sum("\u3400" <= letter <= "\u9fff" for letter in foreign)
        return "Chinese" if han * 10 > len(foreign) * 9 else "other"  # without the kana that Japanese mixes in
    words = [word.lower().replace("’", "'") for word in _WORD.findall(text)]
    english, others = (sum(word in word_list("languages", known) for word in words) for known in ("english", "others"))
    accented = sum(any(ord(letter) > 0x7F and letter != "’" for letter in word) for word in words)
    return "English" if english >= others + accented and (english or not others + accented) else "other"


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


_VERBS: dict[str, tuple[Kind, str]] = {
    **dict.fromkeys(word_list("make"), ("make", "")),
    **dict.fromkeys(word_list("keep"), ("keep", "")),
    **{word: ("change", group) for group in entries()["change"] for word in word_list("change", group)},
}
"""Each verb with what it asks for and the group of its change, in its plain form."""


def _ing(verb: str) -> Iterator[str]:
    yield f"{verb}ing"
    if verb.endswith("e"):
        yield f"{verb[:-1]}ing"
    elif re.search(r"[^aeiou][aeiou][bdgmnprt]$", verb):
        yield f"{verb}{verb[-1]}ing"


_GERUNDS = {form: verb for verb in _VERBS for form in _ing(verb)}
"""Each verb by its form in -ing."""


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
        if word.group() not in word_list("closed", "fillers") or _is_order(word.group(), low, word.end(), end):
            break
        start = word.end()
    return _read_order(word, low, end, is_first=is_first) if word else None


def _spared(low: str, at: int, end: int) -> tuple[Kind, str, str, int] | None:
    """Return the order to keep that "do not change" is; "do not add" keeps nothing."""
    word = WORD.match(low, at, end)
    plain = _GERUNDS.get(word.group(), word.group()) if word else ""
    is_spared = plain in word_list("spare") or _VERBS.get(plain, ("", "add"))[1] not in ("add", "")
    return ("keep", "not", "", word.end()) if word and is_spared else None


def _read_order(word: re.Match[str], low: str, end: int, *, is_first: bool) -> tuple[Kind, str, str, int] | None:
    verb, following = word.group(), _next(low, word.end(), end)
    plain = _GERUNDS.get(verb, verb)
    if verb in ("make", "recreate", "redraw") and following in ("sure", "me", "us", "a", "an"):
        return "make", verb, "", word.end()
    if plain != verb:
        is_meant = _VERBS[plain][0] == "keep" or (is_first and following in word_list("closed", "determiners"))
    else:
        is_meant = _is_order(verb, low, word.end(), end, is_first=is_first)
    if is_meant:
        kind, group = _VERBS[plain]
        return kind, plain, group, word.end()
    is_new = is_first and plain not in _VERBS and verb not in word_list("closed") and following in AFTER_ORDERS
    may_be_verb = len(verb) > 2 and not verb.endswith(("ed", "ly", "ss")) and verb.isalpha()
    return ("change", verb, "change", word.end()) if is_new and may_be_verb else None


AFTER_ORDERS = word_list("closed", "after_orders")
"""What follows an order at the start of a sentence, also one whose verb no list knows."""


def _next(low: str, at: int, end: int) -> str:
    """Return the word that follows, where nothing but a space stands between."""
    found = WORD.match(low, at + 1, end) if low[at : at + 1] == " " else None
    return found.group() if found else ""


def _is_order(verb: str, low: str, at: int, end: int, *, is_first: bool = False) -> bool:
    """Return whether a verb gives an order here: one that may be a noun does before a determiner or a number."""
    following = _next(low, at, end)
    if verb not in _VERBS:
        return False
    if verb not in word_list("change_nouns_too"):
        # In the middle of a sentence an order has an object: "the bottle, label, and light" has none.
        return is_first or (bool(following) and following not in ("of", "is", "are", "should"))
    if following in word_list("closed", "determiners") or following.isdecimal():
        return True
    if verb in ("change", "turn", "switch", "convert") and following in ("to", "into"):
        return is_first
    is_bare = is_first and verb not in word_list("change_nouns_too", "adjectives_too")
    return is_bare and bool(following) and following not in word_list("closed")


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


# ── a request as its advice sees it, and what is found ────────────────────────────────────────────────────────────────

Change = tuple[int, int, str]
"""A passage of the prompt, by first character and the one after the last, and what to write there."""


@dataclass(frozen=True)
class Asked:
    """
    A request as its advice sees it.

    Args:
        prompt: the words.
        sizes: (width, height) of each picture, None for one of unknown size; None where the pictures are not known.
        model: what it goes to, or None.
        parameters: under the names of the model.
        is_compared: whether it is one of several requests that are looked at side by side.
    """

    prompt: str
    sizes: tuple[tuple[int, int] | None, ...] | None = None
    model: Model | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    is_compared: bool = False

    @cached_property
    def reading(self) -> Reading:
        """The prompt, read."""
        return Reading(self.prompt)

    @cached_property
    def clauses(self) -> tuple[Clause, ...]:
        """The clauses of an English prompt; of another none."""
        return clauses_of(self.reading) if self.reading.language == "English" else ()

    @property
    def pictures(self) -> int | None:
        """How many pictures go with it; None where that is not known."""
        return None if self.sizes is None else len(self.sizes)


@dataclass(frozen=True, slots=True)
class Found:
    """
    What the check of a rule found.

    Args:
        span: the passage that it is about; an empty one at 0 where it is about a parameter.
        detail: a sentence on this very case, before the rule's own; empty where there is nothing to add.
        changes: what to write where, to mend it; empty where only the writer can.
        settings: parameters that mend it.
    """

    span: Span
    detail: str = ""
    changes: tuple[Change, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


Check = Callable[[Asked], Iterable[Found]]
