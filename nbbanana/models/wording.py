"""How a model's prompts are written: how it is told which picture is meant, what comes first, how long they may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

__all__ = ["Grammar", "Masked", "Order", "References", "Sure", "read_grammar"]

References = Literal["image {n}", "the {ordinal} image"]
Order = Literal["keep first", "scene"]
Masked = Literal["change", "content"]
Sure = Literal["documented", "seen", "assumed"]
"""How sure a fact is: the service's pages say it, its own clients rely on it, or others say so of it or of the same
model at another service."""

_ORDINALS = (
    *("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"),
    *("eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth"),
    *("nineteenth", "twentieth"),
)


@dataclass(frozen=True, slots=True)
class Grammar:
    """
    How the prompts of a model are written. One that says nothing of it has the defaults.

    Args:
        references: how a prompt names a picture by its place, `image 2` or `the second image`.
        order: `keep first` where what stays is said before what changes; `scene` where there is nothing to keep, and
            the prompt describes the picture.
        masked: what a prompt says where a mask goes with it: the `change`, or only the `content` of the white part.
        prompt_limit: characters that a prompt may have; None where no source tells.
    """

    references: References = "image {n}"
    order: Order = "keep first"
    masked: Masked = "change"
    prompt_limit: int | None = None

    def reference(self, number: int) -> str:
        """
        Return the words for the picture at a place, counted from 1.

        >>> Grammar().reference(2), Grammar("the {ordinal} image").reference(2)
        ('image 2', 'the second image')
        """
        return self.references.format(n=number, ordinal=_ordinal(number))


def read_grammar(own: Mapping[str, Any]) -> Grammar:
    """
    Return the grammar that a file states; a word that is none of the vocabulary counts as not stated.

    >>> read_grammar({"references": "the {ordinal} image", "order": "last", "prompt_limit": 900})
    Grammar(references='the {ordinal} image', order='keep first', masked='change', prompt_limit=900)
    """
    limit = own.get("prompt_limit")
    usual = Grammar()
    return Grammar(
        cast("References", _one_of(References, own.get("references"), usual.references)),
        cast("Order", _one_of(Order, own.get("order"), usual.order)),
        cast("Masked", _one_of(Masked, own.get("masked"), usual.masked)),
        limit if isinstance(limit, int) and not isinstance(limit, bool) and limit > 0 else None,
    )


def _one_of(words: Any, stated: object, usual: str) -> str:
    return str(stated) if stated in get_args(words) else usual


def _ordinal(number: int) -> str:
    """
    Return a number as an ordinal, in words as far as twenty.

    >>> _ordinal(1), _ordinal(20), _ordinal(21), _ordinal(112)
    ('first', 'twentieth', '21st', '112th')
    """
    if 1 <= number <= len(_ORDINALS):
        return _ORDINALS[number - 1]
    ending = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
