"""One prompt into passes, a change each, and passes back into one prompt. Nothing is made up: only moved and cut."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nbbanana.prompts.reading import Clause, Reading, clauses_of, makes_new_picture, targets
from nbbanana.prompts.sentences import sentence

__all__ = ["Folded", "folded", "in_passes"]

_JOINING = re.compile(r"(?:[\s,;:—–-]|\b(?:and|then|but|while|also|plus|by))+$", re.IGNORECASE)
_POINTS_BACK = re.compile(r"(?:it|its|them|they|their|this|that|these|those|both|one)\b")


def in_passes(prompt: str) -> tuple[str, ...]:
    """
    Return the passes that a prompt can be split into: in each what stays, then one change; itself where it has one.

    An order that points back ("paint it red") stays with the one before it. Only English prompts are split, and none
    that describes a new picture.

    >>> in_passes("Keep the table. Remove the cup and turn the wall blue.")
    ('Keep the table. Remove the cup.', 'Keep the table. Turn the wall blue.')
    >>> in_passes("Replace the car with a bike and paint it red.")
    ('Replace the car with a bike and paint it red.',)
    """
    reading = Reading(prompt)
    if makes_new_picture(clauses_of(reading)):
        return (prompt,)
    parts = list(_parts(reading))
    changes = [part for part in parts if part.is_change]
    if len(changes) < 2:
        return (prompt,)
    shared = [part.text for part in parts if not part.is_change]
    return tuple(" ".join([*shared, change.text]) for change in changes)


@dataclass(frozen=True, slots=True)
class Folded:
    """
    Passes as one prompt.

    Args:
        prompt: what stays, then every change in its order.
        left_out: sentences that keep what an earlier pass made, which is not in the original.
    """

    prompt: str
    left_out: tuple[str, ...] = ()


def folded(prompts: Sequence[str]) -> Folded:
    """
    Return one prompt that asks for what several passes asked one after the other.

    Of what a later pass keeps, only what the first one keeps too stands in the original, and stays.

    >>> folded(["Keep the cup. Make it night.", "Keep the cup. Keep the lamp. Remove the chair."])
    Folded(prompt='Keep the cup. Make it night. Remove the chair.', left_out=('Keep the lamp.',))
    """
    if len(prompts) == 1:
        return Folded(prompts[0])
    readings = [Reading(prompt) for prompt in prompts]
    if any(reading.language != "English" for reading in readings):
        return Folded("\n".join(prompt.strip() for prompt in prompts))
    kept: dict[str, str] = {}
    left_out: dict[str, None] = {}
    changes: list[str] = []
    things: set[str] = set()
    for number, reading in enumerate(readings):
        for part in _parts(reading):
            if part.is_change:
                changes.append(part.text)
            elif number == 0 or things & set(part.things) or not part.things:
                things |= set(part.things) if number == 0 else set()
                kept.setdefault(part.text.casefold(), part.text)
            else:
                left_out[part.text] = None
    return Folded(" ".join([*kept.values(), *changes]), tuple(left_out))


@dataclass(frozen=True, slots=True)
class _Part:
    """A sentence of a prompt: a change with what belongs to it, or what holds for all changes."""

    text: str
    is_change: bool
    things: tuple[str, ...] = ()


def _parts(reading: Reading) -> Iterator[_Part]:
    """Return the changes of a prompt, each with what follows and belongs to it, and between them what is to stay."""
    waiting: list[Clause] = []
    opening: list[Clause] = []
    if reading.language != "English":
        return
    for clause in clauses_of(reading):
        begins = clause.kind == "change" and not (waiting and _POINTS_BACK.match(clause.object))
        if clause.kind == "keep" or begins:
            yield from _change(reading, waiting)
            waiting = []
        if clause.kind == "keep":
            yield _Part(_text(reading, [*opening, clause]), is_change=False, things=targets(clause.object))
            opening = []
        elif waiting or begins:
            waiting += [*opening, clause]
            opening = []
        else:  # words before any order belong to the next one
            opening.append(clause)
    yield from _change(reading, waiting or opening)


def _change(reading: Reading, clauses: Sequence[Clause]) -> Iterator[_Part]:
    if clauses:
        yield _Part(_text(reading, clauses), is_change=True)


def _text(reading: Reading, clauses: Sequence[Clause]) -> str:
    """Return the words of clauses that follow each other as a sentence."""
    words = reading.text[clauses[0].span[0] : clauses[-1].span[1]].strip(" ,;")
    cut = _JOINING.search(words)
    return sentence(words[: cut.start()] if cut else words)
