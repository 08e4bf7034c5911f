"""What the rules look for in English: what is kept, what is changed, and in which order."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nbbanana.prompts.english import WORD, Clause, as_sentence, changes_in, is_kept, makes_new_picture, targets
from nbbanana.prompts.lint_contradictions import kept_things
from nbbanana.prompts.lint_types import Asked, Found
from nbbanana.prompts.lint_wording import passive
from nbbanana.prompts.words import words_of

__all__ = ["compound", "missing_preservation", "preservation_after_change"]

KEEP_THE_REST = "Keep everything else unchanged. "
MANY_CHANGES = 3
"""So many separate changes at once are a compound instruction."""


def missing_preservation(asked: Asked) -> Iterator[Found]:
    """Find a change to something that stands in the picture, without a word on what stays."""
    low = asked.reading.lower
    if is_kept(low) or makes_new_picture(asked.clauses):
        return
    changed = changes_in(asked.clauses)
    spans = [clause.span for clause in changed if _changes_a_thing(clause) and not _is_of_added(clause, changed[0])]
    if not changed:
        said = (found for pattern in (_ENSURED, _CHOSEN) if (found := pattern.search(low)))
        spans = [found.span for found in passive(asked) if not _SEEN.search(low)] or [found.span() for found in said]
    if spans:
        yield Found(spans[0], changes=((0, 0, KEEP_THE_REST),))


_ENSURED = re.compile(
    r"\b(?:ensure|make sure|see to it)\b(?: that)?(?: there(?:['’]s| is| are| remains?| remain)\b| (?:the|all|"
    r"every|each|his|her|no)\b)"
    r"[^.!?\n]{0,40}?\b(?:is|are|has|have|no|not|without|excludes?|lacks?|appears?|looks?)\b[^.!?\n]*"
)
_CHOSEN = re.compile(
    rf"\b(?:choose|use|select|pick)\s+(?:an?\s+)?(?:{'|'.join(sorted(words_of('colours')))})\b"
    r"[^.!?\n]*?\b(?:for|on) the\b[^.!?\n]*"
)
_SEEN = re.compile(r"\bto (?:see|know|understand)\b")
_BY_ADDING = re.compile(
    r"\b(?:by|with) (?:add|incorporat|introduc|insert|includ|plac|putt)\w+|"
    rf"\b(?:{'|'.join(sorted(words_of('picture')))}) with (?:an?|one|two|three|four|five|some|several|more)\b"
)


def _changes_a_thing(clause: Clause) -> bool:
    """Return whether a clause changes what stands there: it does not only add, nor sharpen or brighten all of it."""
    if clause.group == "add" or _BY_ADDING.search(clause.object):
        return False
    if " with the " in clause.object or (" with " in clause.object and clause.group == "tune"):
        return True
    head = {word.removesuffix("'s") for thing in targets(clause.object) for word in WORD.findall(thing)} - SMALL
    return not head or not head <= words_of("quality") | (words_of("picture") if _tunes(clause) else frozenset())


def _is_of_added(clause: Clause, first: Clause) -> bool:
    """Return whether a clause goes on about a thing that was just added: "add a hat and make it red"."""
    return first.group == "add" and clause.object.split()[:1] in (["it"], ["them"], ["its"], ["their"])


SMALL = frozenset({"of", "the", "this", "from", "any"})


def _tunes(clause: Clause) -> bool:
    """Return whether a clause makes the picture better or clearer, and no other one of it."""
    return clause.group in ("tune", "remove") or (clause.verb in ("make", "have") and "more" in clause.object.split())


def preservation_after_change(asked: Asked) -> Iterator[Found]:
    """Find what is to stay behind what is to change."""
    kept = [clause for clause in asked.clauses if clause.kind == "keep" and (not clause.verb or kept_things(clause))]
    orders = [clause for clause in asked.clauses if clause.kind in ("change", "make") and clause.verb not in WAYS]
    if not orders:
        return
    if not kept:
        if found := _LATE.search(asked.reading.lower, orders[0].object_at):
            yield Found(found.span())
    elif orders[0].span < kept[0].span:
        yield Found(kept[0].span, changes=_moved_to_front(asked, kept))


WAYS = frozenset({"use", "ensure", "choose", "select", "analyze", "analyse", "act", "follow", "consider", "see"})
"""Orders on how to work, which come before or after what is kept as they please."""

_LATE = re.compile(
    r"\b(?:without (?:chang|alter|modif|touch|affect|mov|edit|disturb)\w+|(?:while|and|but) (?:keep|preserv|retain|"
    r"maintain|"
    r"leav)\w+|(?:everything|all|anything)\b[^.!?\n]{0,30}\b(?:except|apart from|other than|but)|"
    r"(?:retains?|preserves?|keeps?|maintains?) (?:the|its|his|her|their)\b)[^.!?\n]*"
)


_REFERS = re.compile(r"\b(?:it|them|they|its|this|that|these|those|him|he|she|else|rest|other|others|same)\b")
_REST = re.compile(r"\b(?:everything|all|anything) else\b|\bthe rest\b")


def _moved_to_front(asked: Asked, kept: list[Clause]) -> tuple[tuple[int, int, str], ...]:
    """Return the changes that put whole sentences on what stays first; none where they lean on what stood before."""
    whole = [one for one in asked.reading.sentences if any(one[0] == clause.span[0] for clause in kept)]
    low, text = asked.reading.lower, asked.prompt
    alone = [one for one in whole if sum(one[0] <= clause.span[0] < one[1] for clause in asked.clauses) == 1]
    leaning = any(_REFERS.search(_REST.sub("", low[start:end])) for start, end in whole)
    if not whole or alone != whole or leaning or len(whole) != len(kept):
        return ()
    moved = " ".join(as_sentence(text[start:end]) for start, end in whole)
    return (0, 0, f"{moved} "), *((start, _after_space(text, end), "") for start, end in whole)


def _after_space(text: str, at: int) -> int:
    return at + 1 if text[at : at + 1] == " " else at


def compound(asked: Asked) -> Iterator[Found]:
    """Find many separate changes in one instruction."""
    changed = changes_in(asked.clauses)
    if not changed or makes_new_picture(asked.clauses) or _is_description(asked):
        return
    things = {(thing, clause.group == "remove") for clause in changed for thing in _things(clause)}
    if len(things) >= MANY_CHANGES:
        yield Found((changed[0].span[0], changed[-1].span[1]), f"It asks for {len(things)} changes at once.")


def _things(clause: Clause) -> list[str]:
    """
    Return what a clause changes, apart.

    A pronoun is about what was changed before; "add depth and warm, soft light" is one thing, said at length.
    """
    said = _AGAIN.split(clause.object) if clause.group in ("change", "replace") else [clause.object]
    things = [thing for part in said for thing in targets(part) if thing.split()[0] not in words_of("pronouns")]
    is_list = clause.group in ("remove", "replace", "change") and not _is_whole(clause)
    is_apart = len(_OWN.findall(clause.object)) == len(things) - 1 or (len(things) > 2 and _LAST.search(clause.object))
    return things if is_list or is_apart else things[:1]


_AGAIN = re.compile(
    r"(?:,\s*and|,|\band)\s+(?=(?:the|his|her|its|their|my|a|an)\b[^,.]{1,40}?\s(?:to|into|with|for)\b)"
)
"""Where a list goes on without its verb: "change the sky to red and the grass to snow"."""
_LAST = re.compile(r",[^,]+(?:,\s*)?\band\b")
_OWN = re.compile(r"(?:,|\band\b)\s*(?:and\s+)?(?:the|a|an|some|two|three|his|her|its|their)\b")


def _is_whole(clause: Clause) -> bool:
    """Return whether a clause makes another picture of the whole one."""
    found = WORD.findall(clause.object)
    return bool(found) and (found[0] in words_of("pronouns") or bool(words_of("picture") & set(found[:6])))


def _is_description(asked: Asked) -> bool:
    """Return whether a prompt begins by describing a picture: orders further on are about that one."""
    start, end = asked.reading.sentences[0]
    begun = [clause for clause in asked.clauses if clause.span[0] < end]
    words = asked.reading.lower[start:end].split()
    return all(clause.kind == "other" for clause in begun) and (words[0] in ("a", "an") or len(words) > LONG_SENTENCE)


LONG_SENTENCE = 12
"""So many words without an order describe something."""
