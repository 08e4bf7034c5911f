"""
Wishes: what a prompt names that the painter can do something about. Any text reads as some wish; none is an error.

The words live in vocabulary.json and grades.json. What a prompt asks to keep is not searched: "Keep the red label.
Make it night." wishes for night, not for red.
"""

from __future__ import annotations

import colorsys
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import islice
from typing import Any, Literal

from nbbanana.sandbox.easel.backdrop import Box
from nbbanana.sandbox.easel.colour import RGB, mix, parse, shade
from nbbanana.sandbox.easel.grades import Grade, table

__all__ = ["Place", "Scope", "Text", "Wish", "read"]

Scope = Literal["whole", "backdrop", "region", "light"]
"""Where a wish lands; `light` touches nothing but the light, where only text is asked for or all is kept."""

MOST_TEXTS = 3
QUOTES = re.compile(
    r"(?<!\w)\"([^\"\n]{1,400})\"(?!\w)|“([^”\n]{1,400})”|„([^“”\n]{1,400})[“”]|«([^»\n]{1,400})»|「([^」\n]{1,400})」"
    r"|『([^』\n]{1,400})』|(?<!\w)'([^'\n]{1,400})'(?!\w)|‘([^’\n]{1,400})’(?!\w)"
)
SLOT = re.compile(r"\ue000(\d+)\ue001")
"""Where a quoted text stood."""
RENAMED = re.compile(r"\ue000\d+\ue001(?=\s*(?:to|with|by|into|→|->|=>|换成|改成|改为|替换为)\s*\ue000)")
"""A quoted text that makes way for the next one."""
FIRST_DENSE = "\u2e80"
"""Words from here on belong to scripts that put no spaces between words."""
EXCHANGED = re.compile(
    r"^(?:replac\w+|swap\w*|chang\w+|convert\w*|turn\w*|transform\w*|将|把|替换)(?P<old>.*?)"
    r"(?:(?<!\w)(?:with|into|to|by|for)(?!\w)|换成|改成|改为|替换为|变成)(?P<new>.*)$",
    re.DOTALL,
)
"""What goes and what comes in "replace the studio with a forest": only what comes is a look."""
SENTENCE = re.compile(r"[.!?;:。！？；：]+|\n\s*\n")
"""Ends a sentence; a single line break does not, prompts are often wrapped."""


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where text stands.

    Args:
        at: its anchor as parts of the frame, across and down.
        anchor: how it is aligned there, as Pillow writes it, such as `mm` for its middle.
        height: of a line, as a part of the frame's mean side.
        width: the greatest, as a part of the frame's width.
    """

    at: tuple[float, float]
    anchor: str
    height: float = 0.055
    width: float = 0.6


@dataclass(frozen=True, slots=True)
class Text:
    """Words to be set, where, and in which colours; None leaves the colour to what lies behind."""

    words: str
    place: Place
    ink: RGB | None = None
    plate: RGB | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """
    What a prompt names.

    Args:
        grades: the looks, the most telling first.
        colours: in their order.
        scope: where the change lands.
        region: the box that is named, where the scope is one.
        removes: something is to go.
        texts: what is to be written.
    """

    grades: tuple[Grade, ...] = ()
    colours: tuple[RGB, ...] = ()
    scope: Scope = "whole"
    region: Box | None = None
    removes: bool = False
    texts: tuple[Text, ...] = ()


@cache
def vocabulary() -> dict[str, Any]:
    """The words of vocabulary.json."""
    text = resources.files(__package__).joinpath("vocabulary.json").read_text(encoding="utf-8")
    words: dict[str, Any] = json.loads(text)
    return words


def _either(words: Iterable[str]) -> str:
    """A pattern for any of the words, longer ones first; scripts without spaces need no word's edge."""
    spelt = sorted(words, key=lambda word: (-len(word), word))
    spaced = "|".join(re.escape(word) for word in spelt if word < FIRST_DENSE)
    dense = "".join(f"|{re.escape(word)}" for word in spelt if word >= FIRST_DENSE)
    return rf"(?:(?<!\w)(?:{spaced})(?!\w){dense})"


@cache
def _finder(name: str) -> re.Pattern[str]:
    """The pattern for one list of the vocabulary."""
    return re.compile(_either(word for word in vocabulary()[name] if word and not word.startswith("$")))


@cache
def _looks() -> re.Pattern[str]:
    """Phrases that name a grade, colours with what modifies them, then single words that name a grade."""
    words = [word for grade in table().values() for word in grade.words]
    phrases = [word for word in words if " " in word or (word >= FIRST_DENSE and len(word) > 1)]
    singles = [word for word in words if word not in phrases]
    modifier, colour = _either(vocabulary()["modifiers"]), _either(vocabulary()["colours"])
    return re.compile(
        rf"(?P<phrase>{_either(phrases)})|(?P<modifiers>(?:{modifier}\s+){{0,4}})(?P<colour>{colour})|(?P<word>{_either(singles)})"
    )


@cache
def _grade_names() -> dict[str, str]:
    return {word: name for name, grade in table().items() for word in grade.words}


def read(prompt: str) -> Wish:
    """
    The wish that a prompt makes.

    >>> wish = read('Keep the red cup. Write "AURA" in the upper-left corner, at night.')
    >>> wish.texts[0].words, wish.texts[0].place.anchor, wish.colours
    ('AURA', 'la', ())
    """
    text, quoted = _unquoted(prompt)
    parts = list(_changes(text))
    plain = [part for part in parts if not SLOT.search(part)]
    grades, colours = _named(plain)
    around, _ = _named(part for part in parts if SLOT.search(part))
    texts = tuple(islice(_texts(parts, quoted), MOST_TEXTS))
    region = next((box for box in map(_region, plain) if box), None)
    backdrop = any(_finder("backdrop").search(part) for part in plain)
    removes = any(_finder("remove").search(part) for part in plain)
    scope = _scope(
        backdrop=backdrop, region=region, whole=bool(plain and not texts) or bool(grades or colours or around)
    )
    named = tuple(grade for name, grade in table().items() if name in {*grades, *around})
    return Wish(named, colours, scope, region if scope == "region" else None, removes, texts)


def _scope(*, backdrop: bool, region: Box | None, whole: bool) -> Scope:
    if backdrop:
        return "backdrop"
    if region:
        return "region"
    return "whole" if whole else "light"


def _unquoted(prompt: str) -> tuple[str, list[str]]:
    """The words in lower case with a slot where each quoted text was, and those texts."""
    quoted: list[str] = []

    def slot(match: re.Match[str]) -> str:
        quoted.append(next(group for group in match.groups() if group is not None))
        return f" \ue000{len(quoted) - 1}\ue001 "

    text = QUOTES.sub(slot, re.sub("[\ue000\ue001]", " ", prompt))
    text = text.replace("’", "'").replace("-", " ").replace("‑", " ").replace("–", " ").lower()
    return re.sub(r"[^\S\n]+", " ", text), quoted


def _changes(text: str) -> Iterator[str]:
    """The parts that ask for a change: sentences, without what they ask to keep and what they deny."""
    denied = re.compile(_either(vocabulary()["denied"]) + r"[^,，]*")
    for sentence in SENTENCE.split(text):
        for part in _wanted(" ".join(sentence.split())):
            rest = denied.sub(" ", part).strip(" ,，")
            if rest:
                yield rest


def _wanted(sentence: str) -> Iterator[str]:
    keep, change, kept = (_either(vocabulary()[name]) for name in ("keep", "change", "kept"))
    start, wanted = 0, True
    for mark in re.finditer(rf"(?P<keep>{keep})|(?P<kept>{kept})|(?P<change>{change})", sentence):
        if mark.lastgroup != "kept" and wanted:
            yield sentence[start : mark.start()]
        start = mark.start() if mark.lastgroup == "change" else mark.end()
        wanted = mark.lastgroup != "keep"
    if wanted:
        yield sentence[start:]


def _named(parts: Iterable[str]) -> tuple[set[str], tuple[RGB, ...]]:
    """The names of the grades, and the colours, that stand in the parts."""
    grades: set[str] = set()
    colours: dict[RGB, None] = {}
    for part in parts:
        exchanged = EXCHANGED.match(part)
        for match in _looks().finditer(exchanged["new"] if exchanged else part):
            if match["colour"]:
                colours[_colour(match)] = None
            else:
                grades.add(_grade_names()[match["phrase"] or match["word"]])
    return grades, tuple(colours)


def _colour(match: re.Match[str]) -> RGB:
    """A colour's name with the words before it: "warm grey", "pale blue"."""
    colour = parse(vocabulary()["colours"][match["colour"]])
    for modifier in re.findall(_either(vocabulary()["modifiers"]), match["modifiers"] or ""):
        change = vocabulary()["modifiers"][modifier]
        colour = shade(colour, change.get("shade", 0.0))
        warmth = change.get("warmth", 0.0)
        colour = mix(colour, (0.93, 0.62, 0.4) if warmth > 0 else (0.36, 0.56, 0.86), 0.34 * abs(warmth))
        hue, light, depth = colorsys.rgb_to_hls(*colour)
        colour = colorsys.hls_to_rgb(hue, light, min(1.0, depth * change.get("saturation", 1.0)))
    return colour


def _region(part: str) -> Box | None:
    match = _finder("regions").search(part)
    if match is None:
        return None
    left, top, right, bottom = vocabulary()["regions"][match[0]]
    return left, top, right, bottom


def _texts(parts: Iterable[str], quoted: list[str]) -> Iterator[Text]:
    for part in parts:
        kept = RENAMED.sub(" ", part)
        for slot in SLOT.finditer(kept):
            words = " ".join(quoted[int(slot[1])].split())
            before = kept[: slot.start()].rstrip()
            if not words or before.endswith(tuple(vocabulary()["not_lettering"])):
                continue
            yield Text(words, _place(kept), *_inks(kept))


def _place(part: str) -> Place:
    """The place that is named; a label that is also "centred" is a label."""
    places = vocabulary()["lettering"]
    match = _finder("lettering").search(part)
    spot = places[match[0] if match else ""]
    size = {name: spot[name] for name in ("height", "width") if name in spot}
    return Place((spot["at"][0], spot["at"][1]), spot["anchor"], **size)


def _inks(part: str) -> tuple[RGB | None, RGB | None]:
    """The colour of the letters, and of the plate beneath where the words are "white on black"."""
    colours = [(match, _colour(match)) for match in _looks().finditer(part) if match["colour"]]
    if not colours:
        return None, None
    first, ink = colours[0]
    if len(colours) > 1 and part[first.end() : colours[1][0].start()].strip() in {"on", "on a", "over", "on an"}:
        return ink, colours[1][1]
    return ink, None
