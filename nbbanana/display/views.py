"""View models, the plain data that the display renders without store, engine or session; and how it is put in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbbanana.regions import Area
from nbbanana.request import Finding
from nbbanana.settings import DEFAULT_PROVIDER, LOCAL_PROVIDER
from nbbanana.text import counted, one_line

__all__ = [
    "Change",
    "ComparisonView",
    "DiffView",
    "DryRun",
    "LineageNode",
    "PairView",
    "Picture",
    "ResultView",
    "Row",
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
]


Row = tuple[str, int]
"""Pictures of a grid that belong together: what sets them apart, such as `seed 3`, and how many they are."""


@dataclass(frozen=True, slots=True)
class Change:
    """
    What was measured between a picture and the one that it was made from.

    Args:
        sentence: what changed, or why nothing can be said.
        figures: those of `nbbanana.measure.Drift.as_json`; none where nothing can be said.
        heat: where it changed, as `nbbanana.measure.Drift.heat_file` writes it.
        area: what was to change, on the picture that it was made from.
    """

    sentence: str
    figures: Mapping[str, Any] = field(default_factory=dict, repr=False)
    heat: bytes | None = field(default=None, repr=False)
    area: Area | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """
    A picture to show.

    Args:
        label: what one types to get it, such as `neon[0]` or `nb.history[12][0]`; for an input, its name.
        source: its bytes, or the file that holds them; None where it cannot be shown (an input that is a URL).
        width, height: of the original, in pixels.
        mime: of the original.
        size: bytes of the original.
        seed: the seed that was sent, where there was one.
        caption: what sets it apart from the pictures beside it, where something does.
        signed: whether the file carries Content Credentials.
        change: what was measured against the picture that it was made from, where that was.
    """

    label: str
    source: bytes | Path | None = field(repr=False)
    width: int | None = None
    height: int | None = None
    mime: str | None = None
    size: int | None = None
    seed: int | None = None
    caption: str = ""
    signed: bool = False
    change: Change | None = None

    @property
    def ratio(self) -> float | None:
        """Width to height; None where they are not known."""
        return self.width / self.height if self.width and self.height else None


@dataclass(frozen=True, slots=True)
class ResultView:
    """
    A result to show, or the place of one that is on its way.

    Args:
        prompt: the words.
        inputs: the input pictures in their order.
        pictures: the outputs; while a job runs, those that are here.
        rows: how the pictures of several edits belong together, in their order; none where they are one edit's.
        expected: how many outputs were asked for.
        label: what one types to get it, such as `neon` or `nb.history[12]`.
        model, provider: who ran it.
        model_name: what one writes for the model, where it is not the provider's default; of several edits each one's
            once, where they have several.
        is_play: whether its money is play money, so that no model made it; said on every line that names the result.
        edit_id: the row in the store.
        seconds: how long it took, where known.
        cost: US dollars, where known; None is unknown, never free.
        origin: where it came from if it was not made just now, such as `from the store: edit 41, made 11 March`.
        parameters: what the user set, the prompt left out.
        defaults: the parameters left to the model, by name, with what the model says it takes.
        notes: sentences the reader should see: an input that was scaled, fewer outputs than asked.
        provenance: what goes into `application/vnd.nbbanana.v1+json`; holds no secret, URL or path.
        stored: what one types to get it by its number, such as `nb.history[12]`.
    """

    prompt: str
    inputs: tuple[Picture, ...]
    pictures: tuple[Picture, ...]
    expected: int
    label: str
    model: str
    provider: str
    edit_id: int | None = None
    seconds: float | None = None
    cost: float | None = None
    origin: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    stored: str = ""
    rows: tuple[Row, ...] = ()
    is_play: bool = False
    model_name: str = ""


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """
    A few pictures beside each other, and what is unlike about how they were made.

    Args:
        pictures: in their order.
        words: where there are two, their prompts as one: pairs of `same`, `gone` or `new` and the text.
        rows: what differs: its name, and a value for each picture.
        same: what does not differ, in words.
        pair: the first two, and what changed between their pixels; None where nothing is said of that.
    """

    pictures: tuple[Picture, ...]
    words: tuple[tuple[str, str], ...] = ()
    rows: tuple[tuple[str, tuple[str, ...]], ...] = ()
    same: tuple[str, ...] = ()
    pair: PairView | None = None


@dataclass(frozen=True, slots=True)
class DryRun:
    """
    What would be sent, and what it would cost.

    Args:
        model, provider: who would run it.
        request: the JSON body, with words such as those of `describe` where the pictures would stand.
        inputs: the input pictures in their order.
        expected: how many outputs it asks for.
        is_play: whether its money is play money.
        cost: US dollars; None is unknown, never free.
        is_exact: whether `cost` is the whole price.
        most: what it costs at most, where `cost` is not exact; None is unknown.
        how: how the price comes about, such as `4 × $0.07`.
        notes: sentences the reader should see: what the service says of the price, an input that would be scaled.
        elsewhere: sentences about the same request at other services.
        composed: of each prompt that is made of parts, its words and the lines of its parts.
        advice: what the lint says of it.
    """

    model: str
    provider: str
    request: Mapping[str, Any]
    inputs: tuple[Picture, ...] = ()
    expected: int = 1
    cost: float | None = None
    is_exact: bool = False
    most: float | None = None
    how: str = ""
    notes: tuple[str, ...] = ()
    is_play: bool = False
    elsewhere: tuple[str, ...] = ()
    composed: tuple[tuple[str, tuple[str, ...]], ...] = ()
    advice: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class PairView:
    """
    Two pictures and what changed between them.

    Args:
        left, right: the pictures.
        sentence: what changed, or why that cannot be said; empty where nothing is said of it.
        change: what was measured, where that could be done.
    """

    left: Picture
    right: Picture
    sentence: str = ""
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class DiffView:
    """
    Two edits, or two pictures, side by side.

    Args:
        left, right: what one types to get each.
        words: the two prompts as one: pairs of `same`, `gone` or `new` and the text.
        parameters: name, left and right value of each that differs; None is not set.
        inputs: pairs of names of the inputs that differ; None where one side has none.
        pairs: the pictures of both in pairs, and what changed between them.
        others: pictures that have none to be compared with.
        note: a sentence about the pictures, such as how to get figures.
    """

    left: str
    right: str
    words: tuple[tuple[str, str], ...]
    parameters: tuple[tuple[str, Any, Any], ...] = ()
    inputs: tuple[tuple[str | None, str | None], ...] = ()
    pairs: tuple[PairView, ...] = ()
    others: tuple[Picture, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class LineageNode:
    """
    An edit among those it came from and those that came of it.

    Args:
        name: what one types to get it, or an input's name.
        said: what changed against the edit above it; the whole prompt at the top.
        edit_id: the row in the store; None for an input picture.
        source: a picture to know it by.
        facts: its seed, a second parent, and the like.
        is_current: whether it is the one that was asked about.
        children: the edits that took one of its outputs.
    """

    name: str
    said: str
    edit_id: int | None = None
    source: bytes | Path | None = field(default=None, repr=False)
    facts: tuple[str, ...] = ()
    is_current: bool = False
    children: tuple[LineageNode, ...] = ()


# ── in words ────────────────────────────────────────────────────────────────────────────────────────────


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
    return counted(count, "picture")


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
    inner = ", ".join(filter(None, [dimensions(picture), file_size(size) if size is not None else ""]))
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
