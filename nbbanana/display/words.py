"""Formatting for people: text that is safe in a terminal, money, times, sizes, and the facts of a result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbbanana.settings import DEFAULT_PROVIDER, LOCAL_PROVIDER
from nbbanana.text import one_line, written

if TYPE_CHECKING:
    from nbbanana.display.views import Picture, ResultView

__all__ = [
    "describe",
    "dimensions",
    "duration",
    "facts",
    "file_size",
    "money",
    "origin",
    "paid",
    "pictures",
    "place_in_line",
    "price_in_words",
    "records",
    "seed_of",
    "shared",
    "who",
    "written",
]


def money(amount: float | None, *, is_play: bool = False) -> str:
    """
    Format an amount in US dollars: unknown where it is None, and said to be play money where it is.

    >>> money(0.28), money(0.035), money(0.28, is_play=True), money(None)
    ('$0.28', '$0.035', '$0.28 in play money', 'cost not known')
    """
    if amount is None:
        return "cost not known"
    whole, _, cents = f"{amount:,.4f}".partition(".")
    return f"${whole}.{cents.rstrip('0').ljust(2, '0')}" + (" in play money" if is_play else "")


def paid(amount: float | None, provider: str, *, is_play: bool = False) -> str:
    """
    Format what a picture cost at a provider; what was made here is free.

    >>> paid(0.28, "elsewhere"), paid(0.0, "elsewhere"), paid(0.0, LOCAL_PROVIDER)
    ('$0.28', '$0.00', 'free')
    """
    return "free" if provider == LOCAL_PROVIDER else money(amount, is_play=is_play)


def price_in_words(low: float | None, high: float | None, *, is_play: bool = False) -> str:
    """
    Format a price before it is paid: exact, between two ends, or about so much where only its base is known.

    >>> price_in_words(0.28, 0.28), price_in_words(0.21, 0.28), price_in_words(0.14, None), price_in_words(None, None)
    ('$0.28', '$0.21 to $0.28', 'about $0.14', 'cost not known')
    """
    if high is None or low is None or low == high:
        return f"{'about ' if low is not None and high is None else ''}{money(low, is_play=is_play)}"
    return f"{money(low)} to {money(high, is_play=is_play)}"


def duration(seconds: float, places: int = 1) -> str:
    """
    Return a time as people say it, with so many decimal places where it is below a minute.

    >>> duration(11.84), duration(11.84, 0), duration(125), duration(7300)
    ('11.8 s', '12 s', '2 min 5 s', '2 h 1 min')
    """
    if round(seconds, places) < 60:
        return f"{seconds:.{places}f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def file_size(size: int) -> str:
    """
    Format a number of bytes in decimal units.

    >>> file_size(812), file_size(48_200), file_size(1_149_000)
    ('812 bytes', '48 kB', '1.1 MB')
    """
    if size < 1000:
        return f"{size} bytes"
    return f"{size / 1000:.0f} kB" if size < 999_500 else f"{size / 1_000_000:.1f} MB"


def place_in_line(ahead: int) -> str:
    """
    Return the place in a queue with `ahead` jobs before it, in words.

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
    """Format a number of pictures."""
    return f"{count:,} picture{'' if count == 1 else 's'}"


def dimensions(picture: Picture) -> str:
    """Return width and height of the original, or nothing where they are not known."""
    return f"{picture.width}×{picture.height}" if picture.width and picture.height else ""


def seed_of(picture: Picture) -> str:
    """Return the seed of a picture as it is said, or nothing where it has none."""
    return f"seed {picture.seed}" if picture.seed is not None else ""


def shared(view: ResultView) -> list[str]:
    """Return the seed and the size that all pictures of a result have, as phrases."""
    found = []
    for say in (seed_of, dimensions):
        said = {say(picture) for picture in view.pictures}
        found += [phrase for phrase in said if phrase and len(said) == 1]
    return found


def describe(picture: Picture) -> str:
    """Return a picture in words, such as `portrait.jpg (512×600, 48 kB)`: its name, and its size where known."""
    size = picture.size
    if size is None and isinstance(picture.source, bytes):
        size = len(picture.source)
    details = [dimensions(picture), file_size(size) if size is not None else ""]
    inner = ", ".join(filter(None, details))
    return one_line(picture.label) + (f" ({inner})" if inner else "")


def who(view: ResultView, count: int) -> str:
    """Return a phrase that says which model made `count` pictures, or that none did."""
    if view.provider == LOCAL_PROVIDER:
        return "made here from test pictures" if view.is_play else "made here"
    name = one_line(view.model_name)
    if view.is_play:
        said = f"{name} at {one_line(view.provider)}" if name else one_line(view.provider)
        return f"{said}, no model made {'it' if count == 1 else 'them'}"
    return (name or one_line(view.model)) + at(view.provider)


def at(provider: str) -> str:
    """
    Return where a request ran, to be put behind its model; nothing for the default service, which goes without saying.

    >>> at("elsewhere"), at(DEFAULT_PROVIDER), at(LOCAL_PROVIDER)
    (' at elsewhere', '', ' made here')
    """
    if provider == LOCAL_PROVIDER:
        return " made here"
    return f" at {one_line(provider)}" if provider and provider != DEFAULT_PROVIDER else ""


def origin(view: ResultView) -> tuple[str, str] | None:
    """
    Return where a result came from, if it was not made just now: the leading words and the rest.

    A result from the store costs nothing now, and says so.
    """
    if not view.origin:
        return None
    head, _, rest = one_line(view.origin).partition(": ")
    words = f"{head[:1].upper()}{head[1:]}:"
    return (f"↺ {words}", f"{rest} · $0.00 now") if _is_replayed(view) else (words, rest)


def _is_replayed(view: ResultView) -> bool:
    return (view.origin or "").lower().startswith("from the store")


def facts(view: ResultView) -> list[str]:
    """Return the facts of a result as phrases: number and inputs, model, duration, cost, number of the edit."""
    count = len(view.pictures)
    made = pictures(count) if count >= view.expected else f"{count} of {pictures(view.expected)}"
    found = [made + _from(view.inputs), who(view, count)]
    if not _is_replayed(view):
        found += [duration(view.seconds)] if view.seconds is not None else []
        found.append(paid(view.cost, view.provider, is_play=view.is_play))
    if not view.origin and view.edit_id is not None:
        found.append(edits([record["edit"] for record in records(view) if "edit" in record] or [view.edit_id]))
    return found + shared(view)


def records(view: ResultView) -> Sequence[Mapping[str, Any]]:
    """Return the provenance of each edit that is shown: one, or those of a set."""
    return view.provenance.get("edits") or [view.provenance]


def edits(numbers: Iterable[int]) -> str:
    """
    Format the numbers of edits.

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
