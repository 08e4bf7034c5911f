"""Words for people: text that is safe in a terminal, money, times, sizes, and the facts of a result."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbbanana.display.views import Picture, ResultView

__all__ = [
    "clip",
    "describe",
    "dimensions",
    "duration",
    "facts",
    "file_size",
    "money",
    "one_line",
    "origin",
    "pictures",
    "place_in_line",
    "plain",
    "records",
    "storable",
    "who",
]

SANDBOX = "sandbox"
"""The provider that no model stands behind; said wherever one of its results is named."""

JOINERS = "\u200c\u200d"
"""Zero-width joiners: Persian, Indic scripts and family emoji are spelled with them, so between letters they stay."""

UNSTORABLE = frozenset({"Cc", "Cs"})
"""Unicode categories that a notebook file or an HTML page cannot hold: control characters, lone surrogates."""

_UNSTORABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")

MISLEADING = UNSTORABLE | {"Cf", "Zl", "Zp"}
"""Those, and what moves or hides other text: bidi controls, zero-width and tag characters, line separators."""


def plain(text: object) -> str:
    r"""
    Text that does nothing to a terminal but stand there: control, bidi and zero-width characters become visible.

    Line feeds and tabs stay. Control characters become their pictures, everything else its code point.

    >>> plain("\x1b[31mred\x07"), plain("photo\u202egpj.exe")
    ('␛[31mred␇', 'photo⟨U+202E⟩gpj.exe')
    """
    return _neutral(str(text), MISLEADING)


def storable(text: object) -> str:
    """Text that HTML and JSON files can hold; scripts that need bidi and joining marks keep them."""
    given = str(text)
    # A page with pictures in it is long: it is not read letter by letter unless there is something to find.
    return _neutral(given, UNSTORABLE) if _UNSTORABLE.search(given) else given


def _neutral(text: str, categories: frozenset[str]) -> str:
    if text.isprintable() and not any(joiner in text for joiner in JOINERS):
        return text
    return "".join(
        _visible(character) if _is_out_of_place(text, place, categories) else character
        for place, character in enumerate(text)
    )


def _is_out_of_place(text: str, place: int, categories: frozenset[str]) -> bool:
    character = text[place]
    if character in "\n\t" or unicodedata.category(character) not in categories:
        return False
    if character in JOINERS and 0 < place < len(text) - 1:
        return text[place - 1].isascii() or text[place + 1].isascii()
    return True


def _visible(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"⟨U+{code:04X}⟩"


def one_line(text: object, width: int | None = None) -> str:
    r"""
    The same on one line, shortened to `width` characters where one is given.

    >>> one_line("Keep the pose.\n  Make it snow.", 20)
    'Keep the pose. Make…'
    """
    line = " ".join(plain(text).split())
    return line if width is None else clip(line, width)


def clip(text: str, width: int) -> str:
    """At most `width` characters, cut between words where there is one not too far back, with an ellipsis."""
    if len(text) <= width:
        return text
    head = text[: width - 1]
    space = head.rfind(" ")
    if space > width // 2 and not text[width - 1].isspace():
        head = head[:space]
    return head.rstrip(" ,;:") + "…"


def money(amount: float | None, provider: str = "") -> str:
    """
    An amount in US dollars; what is not known is said to be unknown, and the sandbox's money is play money.

    >>> money(0.28), money(0.035), money(0.28, "sandbox"), money(None)
    ('$0.28', '$0.035', '$0.28 in play money', 'cost not known')
    """
    if amount is None:
        return "cost not known"
    whole, _, cents = f"{amount:,.4f}".partition(".")
    return f"${whole}.{cents.rstrip('0').ljust(2, '0')}" + (" in play money" if provider == SANDBOX else "")


def duration(seconds: float) -> str:
    """
    A time as people say it.

    >>> duration(11.84), duration(125), duration(7300)
    ('11.8 s', '2 min 5 s', '2 h 1 min')
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def file_size(size: int) -> str:
    """
    Bytes in decimal units.

    >>> file_size(812), file_size(48_200), file_size(1_149_000)
    ('812 bytes', '48 kB', '1.1 MB')
    """
    if size < 1000:
        return f"{size} bytes"
    return f"{size / 1000:.0f} kB" if size < 999_500 else f"{size / 1_000_000:.1f} MB"


def place_in_line(ahead: int) -> str:
    """
    Where one stands with so many ahead.

    >>> [place_in_line(n) for n in (0, 1, 2, 3, 20, 111)]
    ['next in line', 'second in line', 'third in line', '4th in line', '21st in line', '112th in line']
    """
    names = {0: "next", 1: "second", 2: "third"}
    if ahead in names:
        return f"{names[ahead]} in line"
    place = ahead + 1
    ending = "th" if place % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place}{ending} in line"


def pictures(count: int) -> str:
    """A number of pictures."""
    return f"{count:,} picture{'' if count == 1 else 's'}"


def dimensions(picture: Picture) -> str:
    """Width and height of the original, or nothing where they are not known."""
    return f"{picture.width}×{picture.height}" if picture.width and picture.height else ""


def describe(picture: Picture) -> str:
    """A picture in words, such as `portrait.jpg (512×600, 48 kB)`: its name, and its size where known."""
    size = picture.size
    if size is None and isinstance(picture.source, bytes):
        size = len(picture.source)
    details = [dimensions(picture), file_size(size) if size is not None else ""]
    inner = ", ".join(filter(None, details))
    return one_line(picture.label) + (f" ({inner})" if inner else "")


def who(model: str, provider: str, count: int) -> str:
    """Who made so many pictures."""
    if provider == SANDBOX:
        return f"sandbox, no model made {'it' if count == 1 else 'them'}"
    return one_line(model)


def origin(view: ResultView) -> tuple[str, str] | None:
    """
    Where a result came from, if it was not made just now: the leading word and the rest.

    A replayed result costs nothing now, and says so.
    """
    if not view.origin:
        return None
    head, _, rest = one_line(view.origin).partition(" ")
    word = head.rstrip(",").capitalize()
    if _is_replayed(view):
        return f"↺ {word}", f"{rest} · $0.00 now"
    return word, rest


def _is_replayed(view: ResultView) -> bool:
    return (view.origin or "").lower().startswith("replayed")


def facts(view: ResultView) -> list[str]:
    """The facts of a result, each a phrase: how many from what, who made them, how long, what for, which edit."""
    count = len(view.pictures)
    made = pictures(count) if count >= view.expected else f"{count} of {pictures(view.expected)}"
    found = [made + _from(view.inputs), who(view.model, view.provider, count)]
    if not _is_replayed(view):
        found += [duration(view.seconds)] if view.seconds is not None else []
        found.append(money(view.cost, view.provider))
    if not view.origin and view.edit_id is not None:
        found.append(edits([record["edit"] for record in records(view) if "edit" in record] or [view.edit_id]))
    return found


def records(view: ResultView) -> Sequence[Mapping[str, Any]]:
    """The provenance of each edit that is shown: one, or those of a set."""
    return view.provenance.get("edits") or [view.provenance]


def edits(numbers: Iterable[int]) -> str:
    """
    Edits by their numbers.

    >>> edits([12]), edits([4, 2, 3]), edits([2, 7])
    ('edit 12', 'edits 2 to 4', 'edits 2, 7')
    """
    ids = sorted(set(numbers))
    if len(ids) == 1:
        return f"edit {ids[0]}"
    if ids == list(range(ids[0], ids[-1] + 1)):
        return f"edits {ids[0]} to {ids[-1]}"
    return "edits " + ", ".join(str(number) for number in ids)


def _from(inputs: tuple[Picture, ...]) -> str:
    if not inputs:
        return ""
    more = f" and {len(inputs) - 1} more" if len(inputs) > 1 else ""
    return f" from {one_line(inputs[0].label, 40)}{more}"
