"""
What a prompt names that the painter can show: looks, colours, a place, text to be set. Any text is valid.

The words are in words.json and looks.json. What a prompt asks to keep is not searched: "Keep the red label. Make it
night." names night and not red.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any, Literal

from PIL import ImageColor

from nbbanana.text import packaged

__all__ = ["BLACK", "GREY", "RGB", "WHITE", "Box", "Instructions", "Look", "Text", "looks", "mixed", "read"]

RGB = tuple[int, int, int]
BLACK, GREY, WHITE = (0, 0, 0), (128, 128, 128), (255, 255, 255)
Box = tuple[float, float, float, float]
"""Left, top, right and bottom as parts of the frame, 0..1."""

MOST_TEXTS = 3
QUOTES = re.compile(
    r"(?<!\w)\"([^\"\n]{1,400})\"(?!\w)|“([^”\n]{1,400})”|„([^“”\n]{1,400})[“”]|«([^»\n]{1,400})»|「([^」\n]{1,400})」"
    r"|『([^』\n]{1,400})』|(?<!\w)'([^'\n]{1,400})'(?!\w)|‘([^’\n]{1,400})’(?!\w)"
)
SLOT = re.compile(r"\ue000(\d+)\ue001")
"""Where a quoted text stood."""
RENAMED = re.compile(r"\ue000\d+\ue001(?=\s*(?:to|with|by|into|→|->|=>|换成|改成|改为|替换为)\s*\ue000)")
"""A quoted text that the next one replaces."""
EXCHANGED = re.compile(
    r"^(?:replac\w+|swap\w*|chang\w+|convert\w*|turn\w*|transform\w*|将|把|替换).*?"
    r"(?:(?<!\w)(?:with|into|to|by|for)(?!\w)|换成|改成|改为|替换为|变成)(.*)$",
    re.DOTALL,
)
"""What comes in "replace the studio with a forest": what goes is no look."""
SENTENCE = re.compile(r"[.!?;:。！？；：]+|\n\s*\n")
"""Ends a sentence; a single line break does not, prompts are often wrapped."""
FIRST_DENSE = "\u2e80"
"""Words from here on belong to scripts that put no spaces between words."""


def mixed(one: RGB, other: RGB, amount: float) -> RGB:
    """Return a colour between `one` (amount 0) and `other` (1)."""
    red, green, blue = (round(a + (b - a) * amount) for a, b in zip(one, other, strict=True))
    return red, green, blue


@cache
def _data(name: str) -> dict[str, Any]:
    """Return a data file of this package, its colours as RGB and its comment left out."""
    values = packaged(__package__, name)
    return {key: _with_colours(value) for key, value in values.items() if key != "$comment"}


def _with_colours(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_colours(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_with_colours(item) for item in value)
    return ImageColor.getrgb(value) if isinstance(value, str) and value.startswith("#") else value


@dataclass(frozen=True, slots=True)
class Look:
    """
    One look.

    Args:
        words: what names it in a prompt, in lower case.
        brightness, contrast, colour: factors as `ImageEnhance` takes them; 1 changes nothing.
        tint, amount: the colours that black and white of a duotone have, and how much of it, 0..1.
        near: how much of all this the middle takes where only the backdrop is to change, 0..1.
        backdrop, cover: three colours behind, from top to bottom, and how much of the blurred picture they hide, 0..1.
        plain: the backdrop takes the colour that is named with it, and has a light on its wall and a shadow below.
        lights: names of the painter's `LIGHTS`.
        palette: colours of the lights.
    """

    words: Sequence[str] = ()
    brightness: float = 1.0
    contrast: float = 1.0
    colour: float = 1.0
    tint: Sequence[RGB] = ()
    amount: float = 0.0
    near: float = 0.3
    backdrop: Sequence[RGB] = ()
    cover: float = 0.0
    plain: bool = False
    lights: Sequence[str] = ()
    palette: Sequence[RGB] = ()


@cache
def looks() -> dict[str, Look]:
    """Return the looks by name, the most specific first."""
    return {name: Look(**values) for name, values in _data("looks.json").items()}


@dataclass(frozen=True, slots=True)
class Text:
    """
    Words to be set at a point, aligned there as Pillow's `anchor` says. `at`, `height`, `width` are parts of the frame.

    `ink` is None to contrast with what lies behind, `plate` None for none. With `replaces`, what stood there goes.
    """

    words: str
    at: tuple[float, float]
    anchor: str
    height: float
    width: float
    ink: RGB | None = None
    plate: RGB | None = None
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class Instructions:
    """
    What a prompt names: looks (the most specific first), colours in their order, texts, and where the change lands.

    The scope `light` changes only the light: text alone is asked for, or everything is kept. `region` is set where the
    scope is one; `removes` says that something is to go.
    """

    looks: tuple[Look, ...]
    colours: tuple[RGB, ...]
    scope: Literal["whole", "backdrop", "region", "light"]
    region: Box | None
    removes: bool
    texts: tuple[Text, ...]


def _either(words: Iterable[str]) -> str:
    """Return a pattern for any of the words, longer ones first; dense scripts need no edge of a word."""
    spelt = sorted(filter(None, words), key=lambda word: (-len(word), word))
    spaced = "|".join(re.escape(word) for word in spelt if word < FIRST_DENSE)
    dense = "".join(f"|{re.escape(word)}" for word in spelt if word >= FIRST_DENSE)
    return rf"(?:(?<!\w)(?:{spaced})(?!\w){dense})"


@cache
def _finder(name: str) -> re.Pattern[str]:
    """Return the pattern for one list of words.json."""
    return re.compile(_either(_data("words.json")[name]))


@cache
def _names() -> dict[str, str | RGB]:
    """Return for each word a look's name or a colour; CSS colours are softened, at full strength they suit screens."""
    words = _data("words.json")
    css = {name: mixed(ImageColor.getrgb(name)[:3], (136, 132, 128), 0.18) for name in words["colours"]}
    more: dict[str, RGB] = words["more_colours"]
    return css | more | {word: name for name, look in looks().items() for word in look.words}


@cache
def _named() -> re.Pattern[str]:
    """Return the pattern for a word of `_names` with the modifiers before it, such as "dark blue"; phrases first."""
    return re.compile(
        rf"(?P<modifiers>(?:{_either(_data('words.json')['modifiers'])}\s+){{0,4}})(?P<name>{_either(_names())})"
    )


def read(prompt: str) -> Instructions:
    """Return what any text names; private characters in it are ignored."""
    text, quoted = _unquoted(prompt)
    parts = list(_changes(text))
    plain = [part for part in parts if not SLOT.search(part)]
    names, colours = _looks_in(plain)
    around, _ = _looks_in(part for part in parts if SLOT.search(part))
    texts = tuple(islice(_texts(parts, quoted), MOST_TEXTS))
    places = [match[0] for match in map(_finder("regions").search, plain) if match]
    removes = any(_finder("remove").search(part) for part in plain)
    named = tuple(look for name, look in looks().items() if name in names | around)
    if any(_finder("backdrop").search(part) for part in plain):
        return Instructions(named, colours, "backdrop", None, removes, texts)
    if places:
        return Instructions(named, colours, "region", _data("words.json")["regions"][places[0]], removes, texts)
    changes = named or colours or (plain and not texts)
    return Instructions(named, colours, "whole" if changes else "light", None, removes, texts)


def _unquoted(prompt: str) -> tuple[str, list[str]]:
    """Return the words in lower case with a slot where each quoted text was, and those texts."""
    quoted: list[str] = []

    def slot(match: re.Match[str]) -> str:
        quoted.append(next(group for group in match.groups() if group is not None))
        return f" \ue000{len(quoted) - 1}\ue001 "

    text = QUOTES.sub(slot, re.sub("[\ue000\ue001]", " ", prompt)).replace("’", "'")
    return re.sub(r"[^\S\n]+", " ", re.sub("[-‑–]", " ", text).lower()), quoted


def _changes(text: str) -> Iterator[str]:
    """Yield the parts that ask for a change: sentences without what they ask to keep and what they deny."""
    denied = re.compile(_either(_data("words.json")["denied"]) + r"[^,，]*")
    for sentence in SENTENCE.split(text):
        for part in _wanted(" ".join(sentence.split())):
            if rest := denied.sub(" ", part).strip(" ,，"):
                yield rest


def _wanted(sentence: str) -> Iterator[str]:
    """Yield the parts of a sentence outside "keep …" and "… unchanged"."""
    keep, change, kept = (_either(_data("words.json")[name]) for name in ("keep", "change", "kept"))
    start, wanted = 0, True
    for mark in re.finditer(rf"(?P<keep>{keep})|(?P<kept>{kept})|(?P<change>{change})", sentence):
        if mark.lastgroup != "kept" and wanted:
            yield sentence[start : mark.start()]
        start = mark.start() if mark.lastgroup == "change" else mark.end()
        wanted = mark.lastgroup != "keep"
    if wanted:
        yield sentence[start:]


def _looks_in(parts: Iterable[str]) -> tuple[set[str], tuple[RGB, ...]]:
    """Return the names of the looks and the colours in the parts."""
    found = []
    for part in parts:
        exchanged = EXCHANGED.match(part)
        found += [_meaning(match) for match in _named().finditer(exchanged[1] if exchanged else part)]
    colours = dict.fromkeys(each for each in found if not isinstance(each, str))
    return {each for each in found if isinstance(each, str)}, tuple(colours)


def _meaning(match: re.Match[str]) -> str | RGB:
    """Return a look's name, or a colour with the words before it: "warm grey", "pale blue"."""
    meaning = _names()[match["name"]]
    for modifier in _finder("modifiers").findall(match["modifiers"]):
        other, amount = _data("words.json")["modifiers"][modifier]
        meaning = meaning if isinstance(meaning, str) else mixed(meaning, other, amount)
    return meaning


def _texts(parts: Iterable[str], quoted: list[str]) -> Iterator[Text]:
    """Yield the quoted texts that are to be set, each at the place that its part of the prompt names."""
    for part in parts:
        kept = RENAMED.sub(" ", part)
        for slot in SLOT.finditer(kept):
            words = " ".join(quoted[int(slot[1])].split())
            if words and not kept[: slot.start()].rstrip().endswith(_data("words.json")["not_lettering"]):
                found = _finder("lettering").search(kept)
                x, y, anchor, height, width = _data("words.json")["lettering"][found[0] if found else ""]
                yield Text(words, (x, y), anchor, height, width, *_inks(kept), part.startswith("replace"))


def _inks(part: str) -> tuple[RGB | None, RGB | None]:
    """Return the colours of the letters and of the plate beneath, as in "white on black"."""
    found = [(match, _meaning(match)) for match in _named().finditer(part)]
    colours = [(match, meaning) for match, meaning in found if not isinstance(meaning, str)]
    if not colours:
        return None, None
    between = part[colours[0][0].end() : colours[1][0].start()] if len(colours) > 1 else ""
    return colours[0][1], colours[1][1] if between.strip() in {"on", "on a", "over"} else None
