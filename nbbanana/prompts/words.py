"""The lists of English words that advice on prompts goes by: `english.toml`, read once."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["entries", "words_of"]


@cache
def entries() -> dict[str, dict[str, Any]]:
    """Return the tables of the file: text of words, or patterns."""
    return tomllib.loads((files(__package__) / "english.toml").read_text("utf-8"))


@cache
def words_of(table: str, key: str = "words") -> frozenset[str]:
    """
    Return a list of words.

    >>> "erase" in words_of("change", "remove")
    True
    """
    return frozenset(entries()[table][key].split())
