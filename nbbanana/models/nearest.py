"""Names and values that are most like one that does not exist: what was probably meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from itertools import takewhile

__all__ = ["did_you_mean", "nearest", "nearest_name"]

LEAST_LIKENESS = 0.6
"""Below it, two texts have nothing to do with each other (0 to 1, as difflib measures)."""

_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", re.ASCII)


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """
    Return the choice that a word was probably meant to be, or None where none is like it.

    Quantities of one unit are compared by size, everything else by letters; a common beginning counts more, since
    people mistype the end.

    >>> nearest("16:10", ["auto", "1:1", "16:9"]), nearest("8k", ["1K", "2K", "4K"]), nearest("sed", ["seed", "prompt"])
    ('16:9', '4K', 'seed')
    """
    known = list(choices)
    by_size = _nearest_quantity(word, known)
    if by_size is not None:
        return by_size
    best = max(known, key=lambda choice: _likeness(word, choice), default=None)
    return best if best is not None and _letters_alike(word, best) >= LEAST_LIKENESS else None


def nearest_name(word: str, names: Iterable[str]) -> str | None:
    """
    Return the name that a word was probably meant to be: one that it begins, else one that has a part of this name,
    else the most like it. Dashes and underscores are the same.

    >>> nearest_name("num", ["seed", "number_of_images"]), nearest_name("--ratio", ["--region", "--aspect-ratio"])
    ('number_of_images', '--aspect-ratio')
    """
    known = list(names)
    bare = {name: name.lstrip("-").replace("_", "-") for name in known}
    wanted = word.strip("-_").replace("_", "-").casefold()
    if not wanted:
        return None
    begun = (name for name in known if bare[name].startswith(wanted))
    parts = (name for name in known if len(wanted) > 1 and wanted in bare[name].split("-"))
    return next(begun, None) or next(parts, None) or nearest(word, known)


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """
    Return a question that names the nearest of the known words, or `otherwise` where none is like it.

    >>> did_you_mean("portriat", ["portrait", "result"], "Define it."), did_you_mean("zzz", ["portrait"], "Define it.")
    ('Did you mean portrait?', 'Define it.')
    """
    near = nearest(word, known)
    return f"Did you mean {near}?" if near else otherwise


def _nearest_quantity(word: str, known: list[str]) -> str | None:
    meant = _QUANTITY.fullmatch(word)
    if meant is None:
        return None
    sizes = {}
    for choice in known:
        other = _QUANTITY.fullmatch(choice)
        if other is not None and other[2].casefold() == meant[2].casefold():
            sizes[choice] = abs(float(other[1]) - float(meant[1]))
    return min(sizes, key=lambda choice: sizes[choice], default=None)


def _likeness(word: str, choice: str) -> float:
    pairs = zip(word.casefold()[:4], choice.casefold()[:4], strict=False)
    beginning = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return _letters_alike(word, choice) + 0.1 * beginning


def _letters_alike(word: str, choice: str) -> float:
    return difflib.SequenceMatcher(a=word.casefold(), b=choice.casefold()).ratio()
