"""
Which script a text is written in, and whether a prompt names it: lettering comes out better where it is said.

`scripts.json` holds for each script how Unicode's names of its letters begin, and the words that name it in prompts.
"""

from __future__ import annotations

import json
import re
import unicodedata
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import TypedDict

__all__ = ["in_language", "is_han", "language_named", "names_script", "script_of", "scripts_in", "without_quotes"]


class _Facts(TypedDict):
    """How Unicode's names of the letters begin, and what names the script: whole words, and signs inside of words."""

    unicode: list[str]
    words: list[str]
    signs: list[str]


_JOINED = " and "

_LETTER = "[a-z\u00df-\u024f]"
"""A Latin letter: only those make a word longer, for Chinese is written without spaces around a foreign word."""

_QUOTED = re.compile(
    r'"[^"\n]*"|“[^”\n]*”|„[^“”\n]*[“”]|«[^»\n]*»|「[^」\n]*」|『[^』\n]*』|‘[^’\n]*’(?!\w)|(?<!\w)\'[^\'\n]*\'(?!\w)'
)


def script_of(text: str) -> str | None:
    """
    Return the language or the script to name for lettering, or None for Latin letters and none at all.

    Kana makes a text Japanese, its Chinese characters with it; Chinese characters alone count as Chinese. Of several
    scripts all are named, in the order in which they begin.

    >>> script_of("今日のおすすめ"), script_of("今日推荐"), script_of("Café 24 h"), script_of("Привет, 世界")
    ('Japanese', 'Chinese', None, 'Cyrillic and Chinese')
    """
    return _JOINED.join(scripts_in(text)) or None


def scripts_in(text: str) -> tuple[str, ...]:
    """
    Return the scripts of a text but the Latin one, each once, in the order in which they begin.

    >>> scripts_in("Γειά, Москва, 東京タワー")
    ('Greek', 'Cyrillic', 'Japanese')
    """
    letters = [_script(letter) for letter in text]
    found = tuple(dict.fromkeys(filter(None, letters)))
    if "Greek" in found and ("Greek", "Greek") not in pairwise(letters):
        found = tuple(name for name in found if name != "Greek")  # one letter by itself is a sign, as in 10 kΩ
    if "Japanese" not in found:
        return found
    return tuple(dict.fromkeys("Japanese" if name == "Chinese" else name for name in found))


def names_script(prompt: str, script: str) -> bool:
    """
    Return whether a prompt says that lettering is in a script; of several, whether it says all of them.

    What stands in quotes is the lettering itself and names nothing.

    Args:
        prompt: the words, in any language.
        script: what `script_of` returned.

    >>> names_script('The sign reads "今日のおすすめ" in Japanese.', "Japanese")
    True
    >>> names_script('Write "日本語".', "Japanese")
    False
    """
    words = unicodedata.normalize("NFC", without_quotes(prompt)).casefold()
    return all(_names(name).search(words) for name in script.split(_JOINED))


_LATIN = (
    "english german french spanish italian portuguese dutch polish czech turkish vietnamese indonesian swedish danish "
    "norwegian finnish hungarian romanian latin 英文 法文 德文"
)
_NAMED = re.compile(r"(?P<place>.*?)\s*[(（]\s*(?:in\s+)?(?P<language>[^\W\d_]+)\s*[)）]", re.IGNORECASE)


def language_named(word: str) -> str | None:
    """
    Return what a word that names a language or a script is written as, or None where it names none.

    >>> language_named("japanese"), language_named("日文"), language_named("left")
    ('Japanese', '日文', None)
    """
    is_known = word.casefold() in _LATIN.split() or any(names_script(word, script) for script in _facts())
    return f"{word[:1].upper()}{word[1:]}" if is_known and len(word) <= LONGEST_NAME else None


LONGEST_NAME = 20


def in_language(place: str) -> tuple[str, str | None]:
    """
    Return where lettering stands and the language that is named behind it in brackets; None where none is.

    >>> in_language("sign (Japanese)"), in_language("sign (left)"), in_language("(Japanese)")
    (('sign', 'Japanese'), ('sign (left)', None), ('', 'Japanese'))
    """
    found = _NAMED.fullmatch(place)
    language = language_named(found["language"]) if found else None
    return (found["place"], language) if found and language else (place, None)


def is_han(text: str) -> bool:
    """Return whether Chinese characters are all that names a text's script: it may be Japanese too."""
    return script_of(text) == "Chinese"


def without_quotes(prompt: str) -> str:
    """
    Return a prompt with a space in place of each quotation on one line.

    >>> without_quotes('The sign reads "OPEN" at night.')
    'The sign reads   at night.'
    """
    return _QUOTED.sub(" ", prompt)


def _script(letter: str) -> str | None:
    if letter.isascii() or unicodedata.category(letter)[0] not in "LM":
        return None
    words = unicodedata.name(letter, "").removeprefix("HALFWIDTH ").removeprefix("FULLWIDTH ").split()
    return _by_unicode().get(words[0].partition("-")[0]) if words else None


@cache
def _facts() -> dict[str, _Facts]:
    facts: dict[str, _Facts] = json.loads((files(__package__) / "scripts.json").read_text(encoding="utf-8"))
    return facts


@cache
def _by_unicode() -> dict[str, str]:
    return {start: name for name, facts in _facts().items() for start in facts["unicode"]}


@cache
def _names(script: str) -> re.Pattern[str]:
    """Return what finds the name of a script in casefolded words; one that is not listed is its own name."""
    facts = _facts().get(script, {"unicode": [], "words": [script.casefold()], "signs": []})
    whole = [re.escape(word) for word in facts["words"] if not word.endswith("*")]
    stems = [re.escape(word[:-1]) for word in facts["words"] if word.endswith("*")]
    words = f"(?<!{_LETTER})(?:(?:{'|'.join(whole)})(?!{_LETTER})" + (f"|{'|'.join(stems)}" if stems else "") + ")"
    return re.compile("|".join([words, *(re.escape(sign.casefold()) for sign in facts["signs"])]))
