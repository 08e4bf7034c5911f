"""What the rule on contradictions looks for in English: a thing that is to stay and to change at once."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nbbanana.prompts.english import Clause, changes_in, targets
from nbbanana.prompts.lint_types import Asked, Found
from nbbanana.prompts.words import words_of

__all__ = ["keep_and_change", "kept_things"]

_STAYS = re.compile(
    r"^(?:unchanged|the same|same|intact|untouched|as[- ]is|as it is|as they are|exactly|identical|unaltered|in "
    r"place|consistent|completely|entirely|fully|totally)\b|^$"
)
_STRICT = re.compile(
    r"\b(?:unchanged|the same|intact|untouched|as[- ]is|as it is|as they are|identical|unaltered|leave)\b|"
    r"(?:\bnot|n['’]?t|\bnever) (?:be )?(?:chang|alter|modif|touch|edit)\w*"
)
_SAID_OF = re.compile(
    r"(?P<things>(?:[\w’'-]+ ){0,5}?[\w’'-]+) "
    r"(?:(?:must|should|shall|has to|have to|needs to|need to|is to|are to|will) )?"
    r"(?:stays?|remains?|be kept|be left) (?:exactly |completely )?"
    r"(?:unchanged|the same|intact|untouched|as[- ]is|as it is|as they are|identical|unaltered)\b"
)

MILD = frozenset({"make", "adjust", "have", "let", "take", "get", "set", "give"})
"""Verbs whose change may leave the thing what it is."""

LOOKS = frozenset({"blur", "brighten", "darken", "lighten", "soften", "intensify", "smooth", "fill", "cover", "wrap"})
"""Verbs after which a thing does not look as it did."""

_ALL = frozenset(["everything", "all", "rest", "other", "others", "image", "picture", "photo"])
_SEEN = frozenset(["visible", "sharp", "clear"])
_COLOUR_OF = re.compile(
    r"^(?:color|colour|shape|look|appearance|style|design|size|material|texture)s? of (?:the |his |her |its |their )?"
)


def keep_and_change(asked: Asked) -> Iterator[Found]:
    """Find a thing that is to stay and to change at once."""
    kept = {thing: clause for clause in asked.clauses for thing in (*kept_things(clause), *_said_of(asked, clause))}
    for clause in changes_in(asked.clauses) if kept else ():
        for thing in targets(re.sub(r"^(?:only|just) ", "", clause.object)):
            plain = next((form for form in (thing, _of_color(thing), _without_color(thing)) if form in kept), "")
            if plain and _contradicts(asked, kept[plain], clause, thing, plain):
                yield Found(clause.span, f"It keeps the {plain} and changes it (“{_words(asked, kept[plain])}”).")
                return


def _contradicts(asked: Asked, kept: Clause, clause: Clause, thing: str, plain: str) -> bool:
    """Return whether a change of a thing goes against the clause that keeps it."""
    said = asked.reading.lower[slice(*kept.span)]
    is_strict = _STRICT.search(said) is not None
    if plain in _ALL:
        is_whole = plain == thing == clause.object and plain in ("everything", "all")
        return is_whole and clause.group == "change" and is_strict
    if clause.group in ("remove", "replace"):
        return True
    if kept.verb == "not" and not is_strict:  # "do not crop the sky" says nothing of its colour
        return False
    if clause.verb in MILD:
        state = set(thing.removeprefix(plain).split())
        is_other = bool(state & (words_of("colours") | HAIR)) or (is_strict and bool(state - _SEEN))
        return is_other or kept.verb == "not"
    return clause.group == "change" or (is_strict and clause.verb in LOOKS)


def _of_color(thing: str) -> str:
    """Return the thing whose colour or shape is named."""
    return _COLOUR_OF.sub("", thing)


def _without_color(thing: str) -> str:
    """Return the thing of "the wall dark green" and of "her face older"."""
    words = thing.split()
    while len(words) > 1 and words[-1] in words_of("colours") | words_of("things", "states") | HAIR:
        words.pop()
    return " ".join(words)


HAIR = frozenset({"blonde", "blond", "brunette", "ginger"})


def _words(asked: Asked, clause: Clause) -> str:
    return asked.prompt[slice(*clause.span)].strip(" .,;")


def kept_things(clause: Clause) -> tuple[str, ...]:
    """Return what a clause keeps as it is; "keep the background clean" says how it should be, and keeps nothing."""
    if clause.kind != "keep" or not clause.verb:
        return ()
    things = list(targets(clause.object))
    rest = clause.object[clause.object.rfind(things[-1]) + len(things[-1]) :].strip() if things else ""
    if clause.verb == "keep" and not _STAYS.match(rest):
        return ()
    return tuple(things)


def _said_of(asked: Asked, clause: Clause) -> tuple[str, ...]:
    """Return what a clause without an order says to stay as it is: "the sky must stay the same"."""
    if clause.kind != "keep" or clause.verb:
        return ()
    found = _SAID_OF.match(asked.reading.lower, *clause.span)
    return targets(found["things"]) if found else ()
