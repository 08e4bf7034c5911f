"""
Full-text search over prompts, names of input pictures, tags and notes.

What a word is, is decided here, for the index and for queries alike: letters and digits in a row, case and accents
aside; each sign of a script that is written without spaces (Han, Kana, Hangul, Thai and its neighbours) by
itself, and each pictograph. SQLite's FTS5 only sees words with a space between them, so nothing a user types is
ever read as its query syntax, and 霓虹 is found inside a sentence.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nbbanana.store.records import Edit, InputRecord

__all__ = ["index", "newest", "query", "ranked", "reindex_names", "spell"]

NEWEST = 5_000
"""Matches that are ranked; older ones are found by more words."""
MOST_WORDS = 32
"""Words of a query that count."""
LONGEST = 1_000
"""Characters of a query that are read."""

_SIGN = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff"  # Thai, Lao, Burmese, Jamo, Khmer
    "\u2e80-\u2fff\u3005-\u3007\u3021-\u3029\u3031-\u303c\u3040-\u318f\u31a0-\u31bf\u31f0-\u31ff"  # radicals, Kana
    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff"  # Han, Hangul
    "\U0001b000-\U0001b16f\U00020000-\U0003ffff"  # Kana and Han beyond the first plane
    "\u2190-\u2bff\U0001f000-\U0001faff"  # arrows, symbols, pictographs
)
_WORD = re.compile(f"[{_SIGN}]|[^\\W_{_SIGN}]+")
_ACCENT = re.compile("[\u0300-\u036f]")
_WEIGHTS = (1.0, 2.0, 3.0, 3.0)
"""Prompt, names, tags, note: what people add says more than what they asked."""


def spell(text: str) -> str:
    """
    Return the words of a text with one space between them.

    >>> spell("Neon-STREET at Café_3")
    'neon street at cafe 3'
    >>> spell("雨の霓虹street")
    '雨 の 霓 虹 street'
    """
    if not text.isascii():
        # Composed again after the accents are gone, so that Hangul syllables and voiced Kana stay whole.
        text = unicodedata.normalize("NFKC", _ACCENT.sub("", unicodedata.normalize("NFKD", text)))
    return " ".join(_WORD.findall(text.casefold()))


def query(text: str) -> str:
    """
    Return what FTS5 is asked for: every word, side by side what stands side by side, the last word also as a beginning.

    Empty where the text has no word.

    >>> query('rainy "neon-str')
    '"rainy" "neon str"*'
    """
    expression = _expression(_phrases(text))
    return expression + "*" if expression else ""


def index(connection: sqlite3.Connection, edit_id: int, edit: Edit) -> None:
    """Make an edit findable, also by what was said of it since it was."""
    connection.execute(
        "INSERT OR REPLACE INTO words (rowid, prompt, names, tags, note) VALUES (?, ?, ?, ?, ?)",
        (
            edit_id,
            spell(edit.prompt),
            _spell_all(item.name for item in edit.inputs),
            _spell_all(edit.tags),
            spell(edit.note or ""),
        ),
    )


def reindex_names(connection: sqlite3.Connection, edit_id: int, inputs: Sequence[InputRecord]) -> None:
    """Index an edit's inputs again after they changed; most often only their sizes did, which are not searched."""
    connection.execute(
        "UPDATE words SET names = :names WHERE rowid = :id AND names <> :names",
        {"names": _spell_all(item.name for item in inputs), "id": edit_id},
    )


def newest(
    connection: sqlite3.Connection, words: str, where: str = "", values: Mapping[str, Any] | None = None
) -> list[sqlite3.Row]:
    """
    Return id and columns of the newest edits that hold every word of a text, up to `NEWEST`, the newest first.

    Args:
        connection: in a transaction.
        words: what is searched for.
        where: a condition on the rows of `words` that they meet as well; empty for none.
        values: what the condition binds.
    """
    phrases = _phrases(words)
    if not phrases:
        return []
    statement = (
        "SELECT rowid AS id, prompt, names, tags, note FROM words"  # noqa: S608 - the condition is made of constants
        f" WHERE words MATCH :expression{f' AND {where}' if where else ''} ORDER BY rowid DESC LIMIT :newest"
    )
    bound = {**(values or {}), "newest": NEWEST}
    rows = connection.execute(statement, {**bound, "expression": _expression(phrases)}).fetchall()
    if len(rows) < NEWEST and len(phrases[-1].rpartition(" ")[2]) > 1:
        # What begins with the last word is asked for only where the whole word is not common: FTS5 gathers all that
        # begins so before it gives the first.
        rows = connection.execute(statement, {**bound, "expression": query(words)}).fetchall()
    return rows


def ranked(rows: Iterable[sqlite3.Row], words: str) -> list[int]:
    """
    Return the ids of what `newest` found, the best first.

    FTS5's own `bm25` counts every match in the store for each word; as each result holds every word, how rare
    a word is does not tell them apart. So: how often, in how short a text, in which column; then the newest.
    """
    phrases = _phrases(words)
    needles = [f" {phrase} " for phrase in phrases[:-1]] + [f" {phrase}" for phrase in phrases[-1:]]
    return [row[0] for row in sorted(rows, key=lambda row: (-_score(row[1:], needles), -row[0]))]


def _score(columns: Sequence[str], needles: Sequence[str]) -> float:
    score = 0.0
    for weight, column in zip(_WEIGHTS, columns, strict=True):
        if column:
            padded = f" {column} "
            length = 0.5 + len(padded) / 400
            for needle in needles:
                if often := padded.count(needle):
                    score += weight * often / (often + length)
    return score


def _phrases(text: str) -> list[str]:
    spelled = (spell(word) for word in text[:LONGEST].split())
    return [phrase for phrase in spelled if phrase][:MOST_WORDS]


def _expression(phrases: Sequence[str]) -> str:
    return " ".join(f'"{phrase}"' for phrase in phrases)


def _spell_all(texts: Iterable[str]) -> str:
    return " ".join(spell(text) for text in texts)
