"""How prompts are written where a model does not say."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Grammar", "grammar_of"]


@dataclass(frozen=True, slots=True)
class Grammar:
    """The words for a picture by its place, counted from 1, and what is said first."""

    references: str = "image {n}"
    order: str = "keep first"

    def reference(self, number: int) -> str:
        """Return the words for the picture at a place."""
        return self.references.format(n=number, ordinal=number)


def grammar_of(model: object) -> Grammar:
    """Return how the prompts of a model are written."""
    found: Grammar = getattr(model, "grammar", None) or Grammar()
    return found
