"""What the history browser shows of edits: tiles, months, one edit closely, its relatives, and choices with counts."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from nbbanana.display.drift_views import drift_words
from nbbanana.display.views import duration, paid
from nbbanana.providers.registry import title_of
from nbbanana.session.changes import changed_parameters
from nbbanana.store import Store
from nbbanana.store.filters import Facets, Order, Wanted
from nbbanana.store.records import Edit, State
from nbbanana.text import one_line, written
from nbbanana.widgets.base import Row
from nbbanana.widgets.rows import gist, state_word, words_against

__all__ = [
    "SIDE",
    "Filters",
    "Values",
    "detail_row",
    "facet_rows",
    "key_of",
    "month_rows",
    "row_of",
    "step",
    "step_line",
]

SIDE = 320
"""Pixels of the longer side of a thumbnail: twice a tile of the middle size."""
MOST_BEFORE, MOST_AFTER = 8, 12
"""So many steps of an edit's descent are shown, and so many edits that were made of it."""
MOST_TAGS = 12
"""So many tags are offered, those of most edits."""

Values = dict[str, dict[str, None]]
"""The values of each kind that were seen so far, so that one stays in its place when nothing is left of it."""


@dataclass(frozen=True, slots=True)
class Filters:
    """
    Which edits are shown, and in which order; what is empty, False or None asks for nothing.

    Args:
        words: all of them are in the prompt, tags, note or names of inputs.
        starred: only what is starred.
        rejected: only what is rejected, or with False what is not.
        model: the endpoint.
        provider: who ran it.
        state: `completed`, `failed`, ….
        tag: one of its tags.
        notebook: the name of the notebook that asked.
        order: `newest`, `oldest`, `cost`, `time` or `rating`.
    """

    words: str = ""
    starred: bool = False
    rejected: bool | None = None
    model: str = ""
    provider: str = ""
    state: str = ""
    tag: str = ""
    notebook: str = ""
    order: Order = "newest"

    @property
    def wanted(self) -> Wanted:
        """What is asked but the words, as the store takes it."""
        return Wanted(
            model=self.model or None,
            provider=self.provider or None,
            starred=self.starred or None,
            rejected=self.rejected,
            states=cast("State | None", self.state or None),
            tag=self.tag or None,
            notebook=self.notebook or None,
        )


def key_of(edit: Edit) -> str | None:
    """What the front end calls the thumbnail of an edit's first picture."""
    return f"{edit.outputs[0].sha256}@{SIDE}" if edit.outputs else None


def row_of(edit: Edit) -> Row:
    """What a tile shows of an edit."""
    return {
        "id": edit.id,
        "prompt": one_line(edit.prompt, 160),
        "day": _day(edit.created_at),
        "starred": edit.starred,
        "rejected": edit.rejected,
        "word": state_word(edit.state),
        "provider": edit.provider,
        "many": len(edit.outputs),
        "key": key_of(edit),
    }


def _local(moment: float) -> datetime:
    """A moment by this machine's clock; without an offset, since that may change within a month."""
    return datetime.fromtimestamp(moment)  # noqa: DTZ006


def _day(moment: float) -> str:
    when = _local(moment)
    return f"{when.day} {when:%B %Y}"


# ── months ──────────────────────────────────────────────────────────────────────────────────────────────────


def month_rows(times: Sequence[float | None]) -> list[Row]:
    """
    Each month with its first place among edits sorted by time, and how many edits it has.

    >>> april, may = (datetime(2026, month, 9).timestamp() for month in (4, 5))
    >>> [(row["name"], row["place"], row["many"]) for row in month_rows([may, april, april])]
    [('May 2026', 0, 1), ('April 2026', 1, 2)]
    """
    known = [time for time in times if time is not None]
    is_falling = bool(known) and known[0] > known[-1]
    rising = known[::-1] if is_falling else known
    rows: list[Row] = []
    begun = 0
    while begun < len(rising):
        when = _local(rising[begun])
        over = bisect_left(rising, _next_month(when), lo=begun)
        name = {"name": f"{when:%B %Y}", "month": f"{when:%b}", "year": str(when.year)}
        rows.append(name | {"place": len(rising) - over if is_falling else begun, "many": over - begun})
        begun = over
    return rows[::-1] if is_falling else rows


def _next_month(moment: datetime) -> float:
    """The first moment of the month after this one."""
    first = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1).timestamp()


# ── one edit closely ────────────────────────────────────────────────────────────────────────────────────────


def detail_row(edit: Edit, store: Store) -> Row:
    """What stands beside the edit that is looked at."""
    return row_of(edit) | {
        "prompt": edit.prompt,
        "facts": [[name, value] for name, value in _facts(edit).items() if value],
        "line": _relatives(edit, store),
        "pictures": [{"index": one.index, "key": f"{one.sha256}@{SIDE}"} for one in edit.outputs],
        "hasInput": bool(edit.inputs),
    }


def _facts(edit: Edit) -> dict[str, str]:
    """What is known about it, by name; what is not known is empty."""
    return {
        "seed": "" if edit.seed is None else str(edit.seed),
        "size": f"{edit.outputs[0].width}×{edit.outputs[0].height}" if edit.outputs else "",
        "time": "" if edit.duration is None else duration(edit.duration),
        "cost": paid(edit.cost, edit.provider, is_play=edit.is_play),
        "drift": drift_words(edit.drifts) or "",
        "made": f"{_day(edit.created_at)}, {_local(edit.created_at):%H:%M}",
        "model": one_line(edit.model),
        "region": one_line(edit.region.words) if edit.region else "",
        "tags": one_line(", ".join(edit.tags)),
        "note": one_line(edit.note or "", 300),
    }


def _relatives(edit: Edit, store: Store) -> list[Row]:
    """
    What an edit was made from, the oldest first, its references, itself, and what was made of it; a few of each.

    Each says what changed from the one that it was made from.
    """
    before: list[Edit] = []
    one = edit
    while len(before) < MOST_BEFORE and (found := store.numbered(one.parents[:1])):
        one = found[0]
        before.insert(0, one)
    others = store.numbered(edit.parents[1:])
    after = store.numbered(store.children(edit.id)[:MOST_AFTER])
    if not (before or others or after):
        return []
    line = [*before, edit]
    rows = [
        _near(one, None if place == 0 else line[place - 1], "before" if one is not edit else "here", place)
        for place, one in enumerate(line)
    ]
    rows[-1:-1] = [_near(one, None, "also", len(before)) for one in others]
    return rows + [_near(one, edit, "after", len(line)) for one in after]


def _near(edit: Edit, parent: Edit | None, where: str, depth: int) -> Row:
    words, values = ((("same", gist(edit.prompt)),), "") if parent is None else step(parent, edit)
    near = {"id": edit.id, "where": where, "key": key_of(edit), "prompt": one_line(edit.prompt, 160)}
    return near | {"depth": depth, "words": words, "values": values, "said": step_line(words, values)}


def step(parent: Edit, child: Edit) -> tuple[tuple[tuple[str, str], ...], str]:
    """
    What changed from an edit to one that was made from it: words that are `new` or `gone`, and values.

    A prompt that has little in common with the one before is one piece, `same`: it is a step of its own.
    """
    if parent.prompt == child.prompt:
        words: tuple[tuple[str, str], ...] = ()
    else:
        changes = words_against(parent.prompt, child.prompt)
        unlike = tuple((kind, one_line(text, 120)) for kind, text in changes if kind != "same" and text.strip())
        words = unlike or (("same", gist(child.prompt)),)
    return words, ", ".join(_values(parent, child))


def _values(parent: Edit, child: Edit) -> Iterator[str]:
    for name, (old, new) in changed_parameters(parent, child).items():
        if name == "seed" and not child.seed_given:
            continue  # drawn, so that it says nothing
        yield f"{name.replace('_', ' ')} {written(old, 40) or 'default'} → {written(new, 40) or 'default'}"


def step_line(words: Sequence[tuple[str, str]], values: str) -> str:
    """
    What changed, on one line of text.

    >>> step_line([("gone", "sunny"), ("new", "rainy")], "seed 7 → 8")
    'prompt −sunny +rainy, seed 7 → 8'
    >>> step_line([("same", "Make it night.")], ""), step_line([], "")
    ('Make it night.', 'the same words')
    """
    signs = {"new": "+", "gone": "−", "same": ""}
    said = " ".join(signs[kind] + text for kind, text in words)
    if any(kind != "same" for kind, _ in words):
        said = f"prompt {said}"
    return ", ".join(filter(None, [said, values])) or "the same words"


# ── what can be chosen ──────────────────────────────────────────────────────────────────────────────────────


def facet_rows(counts: Facets, filters: Filters, seen: Values, here: str | None = None) -> list[Row]:
    """
    The choices in their groups, each with the edits that it would give and the filters that it sets.

    Args:
        counts: of `Store.facets` under these filters.
        filters: what is shown now.
        seen: the values that were offered before; those of `counts` are added.
        here: the name of the notebook that the browser is in, where it has one.
    """
    shown = [*_rating_rows(counts, filters), *_notebook_rows(counts, filters, here)]
    groups = [{"name": "rating", "title": "Show", "choices": shown}]
    for kind, title in (("model", "Model"), ("provider", "Service"), ("state", "Result"), ("tag", "Tags")):
        chosen = getattr(filters, kind)
        by_count = sorted(counts[kind], key=lambda value, kind=kind: (-counts[kind][value], value))  # type: ignore[misc]
        known = seen.setdefault(kind, {})
        known |= dict.fromkeys(by_count)
        offered = list(known)
        if kind == "tag":
            offered = offered[:MOST_TAGS]
        if chosen and chosen not in offered:
            offered.append(chosen)
        if chosen or kind == "tag" or len(offered) > 1:  # one value alone is no choice
            choices = [_choice(kind, value, counts[kind].get(value, 0), is_on=value == chosen) for value in offered]
            groups.append({"name": kind, "title": title, "choices": choices})
    return groups


def _rating_rows(counts: Facets, filters: Filters) -> Iterator[Row]:
    many = counts["rating"]
    yield _toggle("Starred", many["starred"], {"starred": True}, {"starred": False}, is_on=filters.starred)
    off = {"rejected": None}
    yield _toggle("Hide rejected", many["kept"], {"rejected": False}, off, is_on=filters.rejected is False)
    yield _toggle("Only rejected", many["rejected"], {"rejected": True}, off, is_on=filters.rejected is True)


def _notebook_rows(counts: Facets, filters: Filters, here: str | None) -> Iterator[Row]:
    """The choice of the notebook around the browser, and of another one that is chosen."""
    for name in dict.fromkeys(filter(None, (here, filters.notebook))):
        label = "This notebook" if name == here else f"Notebook {one_line(name, 40)}"
        many = counts["notebook"].get(name, 0)
        is_on = filters.notebook == name
        yield _toggle(label, many, {"notebook": name}, {"notebook": ""}, is_on=is_on) | {"title": one_line(name)}


def _toggle(label: str, many: int, on: Mapping[str, Any], off: Mapping[str, Any], *, is_on: bool) -> Row:
    return {"label": label, "title": "", "many": many, "on": is_on, "then": off if is_on else on}


def _choice(kind: str, value: str, many: int, *, is_on: bool) -> Row:
    label = {
        "model": value.partition("/")[2] or value,
        "provider": title_of(value) if kind == "provider" else "",
        "state": state_word(value) or "with pictures",
        "tag": value,
    }[kind]
    title = one_line(value) if kind == "model" else ""
    return _toggle(one_line(label, 60), many, {kind: value}, {kind: ""}, is_on=is_on) | {"title": title}
