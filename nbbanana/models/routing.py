"""
What a prompt asks for, in the rows of the table of which model to pick: `needs_of`.

The table is data, `routes.json`: for each need the signs of it in a text, and the models in their order. A text is read
in clauses; what a clause keeps as it is ("Keep the Japanese sign unchanged.") asks for nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from nbbanana.text import packaged

__all__ = ["Need", "Sign", "default_model", "document", "named_in", "needs", "needs_of", "spoken_text"]

MOST = 6000
"""So many characters of a prompt are read for signs."""

LONGEST = 300
"""So many characters of a clause are looked at together: signs stand close, and patterns take time by the square."""

FOREIGN, QUOTED = "⟦foreign⟧", "⟦quoted⟧"
"""What stands for lettering in a script other than Latin, and for other quoted text, where signs are looked for."""

_QUOTES = re.compile(
    r"[\"“”„«»「『《]([^\"“”„«»「」『』《》\n]{1,200})[\"“”«»」』》]|(?<![\w])['‘]([^'’\n]{1,80})['’](?![\w])"
)
_BREAKS = r"[.!?](?=\s|$)|[;:,\n。！？；，：、]|\bbut\b|\bwhile\b|\bthen\b|\band (?=(?:%s)\b)|但|并(?!排)|然后"
_WIDE = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_OTHER = (
    r"\u0370-\u03ff\u0400-\u052f\u0530-\u058f\u0590-\u05ff\u0600-\u06ff\u0750-\u077f\u0900-\u0dff\u0e00-\u0eff"
    r"\u0f00-\u0fff\u1000-\u109f\u10a0-\u10ff\u1200-\u137f\u1780-\u17ff\u1800-\u18af"
)
_RUNS = re.compile(rf"[{_WIDE}][{_WIDE}ー・\s]*|[{_OTHER}][{_OTHER}\u200c\u200d]+(?:\s+[{_OTHER}]+)*")
"""Words in other scripts; one Greek or Cyrillic letter alone is a symbol."""


@dataclass(frozen=True, slots=True)
class Sign:
    """
    A sign of a need in one clause.

    Args:
        found: patterns that must all be found.
        barred: patterns of which none may be found.
        in_latin: whether it counts only in a prompt that is mostly in Latin script.
    """

    found: tuple[re.Pattern[str], ...]
    barred: tuple[re.Pattern[str], ...] = ()
    in_latin: bool = False

    def match(self, clause: str, *, is_latin: bool) -> re.Match[str] | None:
        """Return where a clause has it, or None."""
        if (self.in_latin and not is_latin) or any(one.search(clause) for one in self.barred):
            return None
        matches = [one.search(clause) for one in self.found]
        return matches[0] if all(matches) else None


@dataclass(frozen=True, slots=True)
class Need:
    """
    A row of the table.

    Args:
        name: what it is called, such as `lettering`.
        says: what it is, as a part of a sentence.
        facts: which facts of a request make it so, whatever the words: `mask`, `no picture`, `several`; `single` holds
            it to requests of at most one picture.
        signs: its signs in a text.
        models: the models for it in their order, each with the model in whose guidance the row stands (empty: its
            own) and the sentence there. `default` is the default one.
        most_clauses: how many clauses a text may ask with at most, where the row is about one change; None is any.
        most_images: how many pictures a request may have at most for it to be met; None is as each model takes.
    """

    name: str
    says: str
    facts: tuple[str, ...]
    signs: tuple[Sign, ...]
    models: Mapping[str, tuple[str, str]]
    most_clauses: int | None = None
    most_images: int | None = None


def needs_of(prompt: str) -> dict[str, str]:
    """
    Return the needs that a text has signs of, in the order of the table, each with the words that are the sign.

    >>> needs_of("Rewrite the headline in Japanese.")
    {'lettering': 'in Japanese'}
    >>> needs_of("Keep the Japanese sign as it is.")
    {}
    """
    is_latin = _is_latin(prompt)
    clauses = list(_asking(_marked(prompt[:MOST], is_latin=is_latin)))
    found: dict[str, str] = {}
    for need in needs():
        if need.most_clauses is not None and len(clauses) > need.most_clauses:
            continue
        matches = (sign.match(clause, is_latin=is_latin) for clause in clauses for sign in need.signs)
        if match := next(filter(None, matches), None):
            found[need.name] = match.group().strip(" ,.;:")
    return found


def named_in(prompt: str) -> str | None:
    """
    Return the model that a text says to use, such as in "nano banana edit: …"; None where it names none.

    >>> named_in("Edit with nano banana: she should hold a cup."), named_in("Put a banana beside the nano tank.")
    ('google/nano-banana-2/edit', None)
    """
    words = _QUOTES.sub(QUOTED, prompt[:MOST])
    return next((model for pattern, model in _names() if pattern.search(words)), None)


def spoken_text(prompt: str) -> str:
    """
    Return the first lettering in a script other than Latin that a text holds; empty where there is none.

    >>> spoken_text("Make the sign say 営業中.")
    '営業中'
    """
    text = prompt[:MOST]
    quoted = (found[1] or found[2] or "" for found in _QUOTES.finditer(text))
    runs = _RUNS.findall(text) if _is_latin(prompt) else []
    return next(iter([*filter(_has_foreign, quoted), *runs]), "")


@lru_cache(maxsize=1)
def needs() -> tuple[Need, ...]:
    """Return the rows of the table in their order."""
    table = _table()
    return tuple(
        Need(
            row["need"],
            row["says"],
            tuple(row.get("facts", ())),
            tuple(_sign(sign, table["words"]) for sign in row["signs"]),
            {model: (source, sentence) for model, (source, sentence) in row["models"].items()},
            row.get("most_clauses"),
            row.get("most_images"),
        )
        for row in table["needs"]
    )


def default_model() -> str:
    """Return the model that the table is about: nothing speaks for another."""
    return str(_table()["default"])


def document() -> str:
    """Return what the table stands in, in words."""
    return str(_table()["document"])


def _table() -> Any:
    return packaged(__package__, "routes.json")


@lru_cache(maxsize=1)
def _names() -> tuple[tuple[re.Pattern[str], str], ...]:
    table = _table()
    return tuple(
        (re.compile("|".join(way.replace("{NAME}", f"(?:{name})") for way in table["named"]), re.IGNORECASE), model)
        for name, model in table["names"]
    )


def _sign(parts: Sequence[str], words: Mapping[str, str]) -> Sign:
    found = [part for part in parts if part[0] not in "!="]
    barred = [part[1:] for part in parts if part[0] == "!"]
    compiled = [tuple(_pattern(part, words) for part in several) for several in (found, barred)]
    return Sign(compiled[0], compiled[1], in_latin="=latin" in parts)


def _pattern(text: str, words: Mapping[str, str]) -> re.Pattern[str]:
    """Compile a sign, each `{name}` in it replaced by the words of that name."""
    for name, known in words.items():
        text = text.replace(f"{{{name}}}", f"(?:{known})")
    return re.compile(text, re.IGNORECASE)


# ── reading a text ──────────────────────────────────────────────────────────────────────────────────────────────


def _asking(text: str) -> Iterator[str]:
    """Give the clauses of a text that ask for a change; those that keep something are left out."""
    keep = _keep()
    is_kept = False
    for clause, ends_sentence in _clauses(text):
        if keep["begins"].match(clause) or keep["within"].search(clause):
            is_kept = True
        elif keep["changes"].match(clause):
            is_kept = False
        if not is_kept and not keep["refuses"].search(clause):
            yield from (clause[begin : begin + LONGEST] for begin in range(0, len(clause), LONGEST))
        is_kept = is_kept and not ends_sentence


def _clauses(text: str) -> Iterator[tuple[str, bool]]:
    """Give each clause, and whether a sentence ends behind it."""
    begin = 0
    for found in [*_keep()["breaks"].finditer(text), None]:
        clause = text[begin : found.start() if found else None].strip()
        if clause:
            yield clause, found is None or found.group().lower() in {".", "!", "?", ";", "\n", "。", "！", "？", "；"}
        begin = found.end() if found else begin


@lru_cache(maxsize=1)
def _keep() -> dict[str, re.Pattern[str]]:
    """Return where clauses end, and what says that one keeps or changes something."""
    said = _table()["keep"]
    begins = rf"\W*(?:(?:please|and|also|now|you must)\W+)*(?:(?:{said['begins']})\b|{said['begins_zh']})"
    return {
        "breaks": re.compile(_BREAKS.replace("%s", said["changes"]), re.IGNORECASE),
        "begins": re.compile(begins, re.IGNORECASE),
        "within": re.compile(rf"\b(?:{said['within']})|不变|不动", re.IGNORECASE),
        "refuses": re.compile(rf"\b(?:{said['refuses']})", re.IGNORECASE),
        "changes": re.compile(rf"\W*(?:(?:please|and|also|then|but)\W+)*(?:{said['changes']})", re.IGNORECASE),
    }


def _marked(text: str, *, is_latin: bool) -> str:
    """Return a text with marks in the place of its lettering, so that quoted words are no signs."""

    def mark(found: re.Match[str]) -> str:
        inner = found[1] or found[2] or ""
        return f" {FOREIGN} " if _has_foreign(inner) else f" {QUOTED} "

    marked = _QUOTES.sub(mark, text)
    return _RUNS.sub(f" {FOREIGN} ", marked) if is_latin else marked


def _has_foreign(text: str) -> bool:
    return any(character.isalpha() and not _is_latin_letter(character) for character in text)


def _is_latin(text: str) -> bool:
    """Return whether a text is mostly in Latin script; quoted words do not count, and a wide letter counts as two."""
    letters = [one for one in _QUOTES.sub("", text[:MOST]) if one.isalpha()]
    latin = sum(map(_is_latin_letter, letters))
    return latin >= 2 * (len(letters) - latin)


def _is_latin_letter(character: str) -> bool:
    return character.isascii() or unicodedata.name(character, "").startswith(("LATIN", "FULLWIDTH LATIN", "MODIFIER"))
