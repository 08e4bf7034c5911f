"""
What sentences have in every language: an end, a capital letter, quotes around lettering, and the script's name; and the
sentences of a prompt in English, in which words of other languages stand as they are.

Lettering comes out better where its script is said. `scripts.json` holds for each script how Unicode's names of its
letters begin, and the words that name it in prompts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any, TypedDict, cast

from nbbanana.models import Grammar
from nbbanana.text import packaged

__all__ = [
    "QUOTES",
    "Lettering",
    "apart",
    "avoid",
    "change",
    "has_kana",
    "in_language",
    "in_quotes",
    "is_chinese",
    "joined",
    "keep",
    "language_named",
    "letter",
    "lettered",
    "names_script",
    "refer",
    "script_facts",
    "script_of",
    "scripts_in",
    "sentence",
    "unquoted",
    "without_end",
    "without_quotes",
]


Lettering = tuple[str, str | None, str]
"""Where it stands (empty where that is not said), the language that is named for it, and its words."""


class _Facts(TypedDict):
    """How Unicode's names of the letters begin; what names the script: words, signs inside of words, in Chinese."""

    unicode: list[str]
    words: list[str]
    signs: list[str]
    chinese: str


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
    is_known = word.casefold() in _LATIN.split() or any(names_script(word, script) for script in script_facts())
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


def script_facts() -> dict[str, _Facts]:
    """Return what is known of each script by its name."""
    return cast(dict[str, _Facts], packaged(__package__, "scripts.json"))


@cache
def _by_unicode() -> dict[str, str]:
    return {start: name for name, facts in script_facts().items() for start in facts["unicode"]}


@cache
def _names(script: str) -> re.Pattern[str]:
    """Return what finds the name of a script in casefolded words; one that is not listed is its own name."""
    facts = script_facts().get(script, {"unicode": [], "words": [script.casefold()], "signs": [], "chinese": ""})
    whole = [re.escape(word) for word in facts["words"] if not word.endswith("*")]
    stems = [re.escape(word[:-1]) for word in facts["words"] if word.endswith("*")]
    words = f"(?<!{_LETTER})(?:(?:{'|'.join(whole)})(?!{_LETTER})" + (f"|{'|'.join(stems)}" if stems else "") + ")"
    return re.compile("|".join([words, *(re.escape(sign.casefold()) for sign in facts["signs"])]))


QUOTES = ('""', "“”", "„“", "«»", "「」", "『』", "''", "‘’")
"""Pairs of marks that stand around a quotation."""

_ENDS = re.compile(r"[.!?…。！？](?:[\"”’」』»)）]*)$")
_WORD = re.compile(r"[^\W\d_]+")
_HAN = re.compile("[㐀-鿿豈-﫿]")
_KANA = re.compile("[\u3041-\u30ff]")
_STOP = re.compile(r"(?<!\w\.\w)(?<!\betc)[\s.,;:!?…。，、；：．！？]+$|[\s,;:，、；：]+$")
_JOINT = re.compile(r"[。；;]+\s*|(?<=[a-z]{3})(?<!prof)(?<!etc)\.\s+(?=\w)", re.IGNORECASE)


def without_end(text: str, *, is_sentence: bool = False) -> str:
    """
    Return a text without the stop or comma at its end, which another sentence goes on behind.

    Args:
        text: the words; what consists of nothing else is returned as it is, and so is an abbreviation's point.
        is_sentence: whether a full stop stays.

    >>> without_end("her face."), without_end("人物身份。"), without_end("Make it night,", is_sentence=True)
    ('her face', '人物身份', 'Make it night')
    >>> without_end("the flag of the U.S."), without_end("Make it night.", is_sentence=True)
    ('the flag of the U.S.', 'Make it night.')
    """
    found = re.search(r"[\s,;:，、；：]+$", text) if is_sentence else _STOP.search(text)
    return text[: found.start()] or text if found else text


def apart(text: str) -> list[str]:
    """
    Return the items of a text that were written as sentences, without their ends.

    >>> apart("her face. the pose."), apart("人物。背景。"), apart("the hat of Dr. Who.")
    (['her face', 'the pose'], ['人物', '背景'], ['the hat of Dr. Who'])
    """
    return [without_end(item) for item in _JOINT.split(text) if item.strip()] or [text]


def sentence(text: str, end: str = "") -> str:
    """
    Return a text with a capital letter where it begins with a plain word, and with an end.

    Args:
        text: the words.
        end: what it ends in where it has no end; empty goes by its last letter.

    >>> sentence("make it night"), sentence("iPhone in her hand!"), sentence("把背景换成雨夜")
    ('Make it night.', 'iPhone in her hand!', '把背景换成雨夜。')
    """
    first = _WORD.match(text)
    if first and first[0].islower() and first[0].isascii():
        text = text[0].upper() + text[1:]
    if _ENDS.search(text):
        return text
    return text + (end or ("。" if text and (_HAN.match(text[-1]) or _KANA.match(text[-1])) else "."))


def joined(sentences: Sequence[str]) -> str:
    """Return sentences one after the other; Chinese and Japanese ones need no space between them."""
    text = ""
    for one in filter(None, sentences):
        text += ("" if not text or text[-1] in "。！？" else " ") + one
    return text


def in_quotes(words: str, pairs: Sequence[str] = QUOTES) -> str:
    """
    Return words in the first pair of quotes whose marks they do not hold.

    >>> in_quotes("OPEN"), in_quotes('the "A" cup')
    ('"OPEN"', '“the "A" cup”')
    """
    pair = next((pair for pair in pairs if not set(pair) & set(words)), pairs[0])
    return f"{pair[0]}{words}{pair[-1]}"


def unquoted(text: str) -> str | None:
    """
    Return what stands in the quotes that a text consists of, or None where it does not.

    >>> unquoted('"OPEN"'), unquoted('"A" and "B"')
    ('OPEN', None)
    """
    for pair in QUOTES:
        if len(text) > 1 and text[0] == pair[0] and text[-1] == pair[-1] and not set(pair) & set(text[1:-1]):
            return text[1:-1]
    return None


def has_kana(text: str) -> bool:
    """Return whether a text is Japanese by its letters."""
    return _KANA.search(text) is not None


def is_chinese(text: str) -> bool:
    """
    Return whether a text is written in Chinese: at least as many Chinese characters as words of other scripts.

    >>> is_chinese("把背景换成雨夜"), is_chinese("the 龙 logo"), is_chinese("背景を夜にする")
    (True, False, False)
    """
    if "Chinese" not in scripts_in(text):
        return False
    words = [word for word in _WORD.findall(_HAN.sub(" ", text)) if not _HAN.search(word)]
    return len(_HAN.findall(text)) >= len(words)


# ── in English ───────────────────────────────────────────────────────────────────────────────────────────────────────

_FIRST_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_ENGLISH_QUOTES = ('""', "“”", "«»", "「」")


def keep(items: Sequence[str]) -> str:
    """
    Return what stays as it is.

    >>> keep(["subject identity", "pose", "clothing"])
    'Keep the subject identity, pose, and clothing unchanged.'
    """
    sentences = [item for item in items if _begins(item, "keeping")]
    listed = [item for item in items if item not in sentences]
    # Said of the last, it is said of all: the bottle, the label and the lighting exactly as in the input.
    alone = [f"Keep {item}" for item in listed[:-1] if _says_kept(item)]
    listed = [item for item in listed[:-1] if not _says_kept(item)] + listed[-1:]
    end = "" if listed and _says_kept(listed[-1]) else " unchanged"
    first = [f"Keep {_enumerated(_with_articles(listed))}{end}"] if listed else []
    return joined([sentence(one) for one in (*first, *alone, *sentences)])


def change(what: str, only: Sequence[str]) -> str:
    """
    Return the change in one sentence; with a scope it says where alone it is made.

    >>> change("Convert the background into a rainy street", ["background"])
    'Convert only the background into a rainy street.'
    >>> change("make it night", ["background"]), change("a rainy street", ["background"])
    ('Change only the background: make it night.', 'Change only the background to a rainy street.')
    >>> change("the background should be changed to rain", []), change("The shirt should be red", [])
    ('Change the background to rain.', 'Make the shirt red.')
    """
    what = _imperative(what)
    where = _enumerated([_with_article(_as_place(item)) for item in only])
    is_verb, is_goal = _first_word(what) in _english()["verbs"], bool(re.match(r"(?:in)?to\s", what, re.IGNORECASE))
    if is_verb and where:
        return sentence(_in_place(what, only) or f"Change only {where}: {_lowered(what)}")
    if is_goal:
        return sentence(f"Change {f'only {where}' if where else 'the picture'} {what}")
    if _is_noun_phrase(what):
        return sentence(f"Change only {where} to {what}" if where else f"Change the picture: {what}")
    return sentence(f"Change only {where}: {what}" if where else what)


def letter(texts: Sequence[Lettering], only: Sequence[str]) -> str:
    """
    Return what is to be written, where lettering is all that changes.

    >>> letter([("headline", None, "今日のおすすめ"), ("price", None, "¥500")], [])
    'Set the headline to "今日のおすすめ" in Japanese and the price to "¥500".'
    """
    clauses = [_written("set", *texts[0])]
    for before, one in pairwise(texts):
        clauses.append(_written("" if before[0] and one[0] else "set", *one))
    where = _enumerated([_with_article(_as_place(item)) for item in only])
    return sentence(f"Change only {where}: {_enumerated(clauses)}" if where else _enumerated(clauses))


def lettered(texts: Sequence[Lettering]) -> str:
    """
    Return how lettering reads, beside a change.

    >>> lettered([("headline", None, "今日のおすすめ"), ("", None, "OPEN")])
    'The headline reads "今日のおすすめ" in Japanese. The text reads "OPEN".'
    """
    return " ".join(
        sentence(f"{_with_article(where or 'text')} reads {_quoted_with_script(words, language)}")
        for where, language, words in texts
    )


def refer(number: int, what: str, grammar: Grammar) -> str:
    """
    Return what is taken from which picture, in the words that the model has for its pictures.

    >>> refer(2, "jacket", Grammar())
    'Use the jacket from image 2.'
    """
    return sentence(f"Use {_with_article(what)} from {grammar.reference(number)}")


def avoid(items: Sequence[str]) -> str:
    """
    Return what is not to appear.

    >>> avoid(["extra people", "text", "do not crop the picture"])
    'Avoid extra people and text. Do not crop the picture.'
    """
    listed = [item for item in items if not _begins(item, "avoiding")]
    sentences = [sentence(item) for item in items if _begins(item, "avoiding")]
    return " ".join(([sentence(f"Avoid {_enumerated(listed)}")] if listed else []) + sentences)


def _english() -> Any:
    return packaged(__package__, "english_sentences.json")


@cache
def _passive() -> re.Pattern[str]:
    """Return what finds `the background should be changed to rain`."""
    done = "|".join(map(re.escape, _english()["verbs"].values()))
    return re.compile(
        rf"(?P<object>[^.,:;!?]+?)\s+(?:{'|'.join(_english()['modals'])})\s+be\s+(?P<done>{done})\b(?P<rest>.*)",
        re.IGNORECASE | re.DOTALL,
    )


@cache
def _wished() -> re.Pattern[str]:
    """Return what finds `the lake should turn blue` and `the shirt should be red`."""
    return re.compile(
        rf"(?P<object>[^.,:;!?]+?)\s+(?:{'|'.join(_english()['wished'])})\s+(?:be\s+)?(?P<rest>(?!not\b|be\b)\w.*)",
        re.IGNORECASE | re.DOTALL,
    )


def _imperative(what: str) -> str:
    """Return a passive, or what something should do or be, as the instruction that it means; all else as it is."""
    if _first_word(what) in _english()["verbs"]:
        return what
    if found := _passive().fullmatch(what):
        verb = next(verb for verb, done in _english()["verbs"].items() if done == found["done"].casefold())
        return f"{verb.capitalize()} {_lowered(found['object'], also='determiners')}{found['rest']}"
    if found := _wished().fullmatch(what):
        return f"Make {_lowered(found['object'], also='determiners')} {found['rest']}"
    return what


def _in_place(what: str, only: Sequence[str]) -> str | None:
    """Return an instruction that names its one scope behind its verb with `only` there, or None."""
    if len(only) != 1:
        return None
    noun = re.sub(r"^(?:the|a|an)\s+", "", only[0], flags=re.IGNORECASE)
    found = re.match(rf"(\w+)\s+(?!only\b)((?:the\s+)?{re.escape(noun)}(?!\w).*)", what, re.IGNORECASE | re.DOTALL)
    return f"{found[1]} only {found[2]}" if found else None


def _is_noun_phrase(what: str) -> bool:
    """Return whether a text begins as the name of a thing and is no sentence."""
    finite = "|".join([*_english()["finite"], *_english()["modals"]])
    is_sentence = re.search(rf"[.!?:;]\s|(?<!\w)(?:{finite})(?!\w)", what, re.IGNORECASE)
    return _first_word(what) in _english()["determiners"] and is_sentence is None


def _as_place(scope: str) -> str:
    """Return a scope without its own `only`; one such as `above the headline` is an area."""
    scope = re.sub(r"^only\s+|\s+only$", "", scope, flags=re.IGNORECASE) or scope
    words = scope.casefold().split()
    is_relation = (
        words[0] in _english()["places"] and len(words) > 1 and (words[0] not in {"left", "right"} or words[1] == "of")
    )
    return f"the area {scope}" if is_relation else scope


def _with_articles(items: Sequence[str]) -> list[str]:
    """Return the items of a list; one article serves all, unless some have a word of their own in its place."""
    if any(_needs_article(item) for item in items) and all(_needs_article(item) for item in items):
        return [f"the {items[0]}", *items[1:]]
    return [_with_article(item) for item in items]


def _with_article(item: str) -> str:
    return f"the {item}" if _needs_article(item) else item


def _needs_article(item: str) -> bool:
    """Return whether a thing is named by a common noun: no `her face`, no `Anna`, no number, no other script."""
    first = _FIRST_WORD.match(item)
    return first is not None and first[0].isascii() and first[0].islower() and first[0] not in _english()["determiners"]


def _written(verb: str, where: str, language: str | None, words: str) -> str:
    """Return the clause for one piece of lettering, its verb left out where the clause before it has it."""
    if not where:
        return f"write {_quoted_with_script(words, language)}"
    return f"{verb} {_with_article(where)} to {_quoted_with_script(words, language)}".strip()


def _quoted_with_script(words: str, language: str | None) -> str:
    script = language or script_of(words)
    return in_quotes(words, _ENGLISH_QUOTES) + (f" in {script}" if script else "")


def _enumerated(items: Sequence[str]) -> str:
    """Return items as one list; where one has a comma or an `and` of its own, each is set off."""
    if len(items) < 2:
        return "".join(items)
    set_off = len(items) > 2 or any("," in item or " and " in item for item in items)
    return f"{', '.join(items[:-1])}{',' if set_off else ''} and {items[-1]}"


def _first_word(text: str) -> str:
    """Return the first word, casefolded; a `please` before it does not count."""
    found = _FIRST_WORD.match(re.sub(r"^please,?\s+", "", text, flags=re.IGNORECASE))
    return found[0].casefold() if found else ""


def _says_kept(item: str) -> bool:
    return item.casefold().rstrip(".").endswith(tuple(_english()["kept"]))


def _begins(item: str, kind: str) -> bool:
    return re.match(rf"(?:{'|'.join(_english()[kind])})(?!\w)", item, re.IGNORECASE) is not None


def _lowered(text: str, also: str = "verbs") -> str:
    """Return a text with a small first letter, where its first word is a verb or another known word."""
    return text[0].lower() + text[1:] if _first_word(text) in _english()[also] else text
