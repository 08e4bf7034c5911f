"""What the line magics show: the history as a table, a dry run, a quiet note."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from itertools import groupby
from typing import TYPE_CHECKING, Any

from nbbanana.display import parts, words
from nbbanana.display.advice import advice_lines, advice_rows
from nbbanana.display.drift_facts import drift_fact
from nbbanana.display.render import render
from nbbanana.display.thumbs import squares
from nbbanana.display.views import ResultView
from nbbanana.text import clip, one_line, plain

if TYPE_CHECKING:
    from nbbanana.display.thumbs import Source
    from nbbanana.display.views import DryRun
    from nbbanana.store.records import Edit

__all__ = ["dry_run_bundle", "history_bundle", "note_bundle"]

SIDE = 44
"""CSS pixels of a picture in the history."""

STATES = {
    "prepared": "○ not sent",
    "submitting": "○ sending",
    "queued": "○ queued",
    "running": "◐ running",
    "downloading": "◕ made, not all here",
    "failed": "× failed",
    "rejected": "× refused, nothing charged",
    "cancelled": "■ cancelled",
    "unknown": "? unknown, may be charged",
    "lost": "? lost, may be charged",
    "gone": "× no longer at the service",
}
"""Labels of edits that are not completed."""


def note_bundle(said: str) -> dict[str, str]:
    """Return a note as one unobtrusive line."""
    line = one_line(said)
    return {"text/plain": line, "text/html": render("note", said=line)}


def history_bundle(
    edits: Sequence[Edit],
    sources: Sequence[Source],
    total: int,
    *,
    names: Sequence[str] = (),
    heading: str = "",
    zone: tzinfo | None = None,
) -> dict[str, str]:
    """
    Return a list of edits, grouped by day.

    Args:
        edits: in the order to show them, newest first as a rule.
        sources: a picture to know each by, its first output as a rule: bytes or the file that holds them.
        total: how many there are in all.
        names: what one types to get each; none is `nb.history[12]`.
        heading: what was asked for, such as `edits with “neon street”`; else how many are shown.
        zone: whose days and hours; None is this machine's.
    """
    shown = [
        {
            **square,
            "name": one_line(name) or f"nb.history[{edit.id}]",
            "alt": f"First picture of edit {edit.id}: {one_line(edit.prompt, 100)}",
            "prompt": one_line(edit.prompt, 180),
            "state": STATES.get(edit.state, "" if edit.state == "completed" else one_line(edit.state)),
            "marks": _marks(edit),
            "note": one_line(edit.note or "", 160),
            "facts": _facts(edit),
            **dict(zip(("day", "hour"), _day_and_hour(edit.created_at, zone), strict=True)),
        }
        for edit, square, name in zip(edits, squares(sources, SIDE, 55), names or [""] * len(edits), strict=True)
    ]
    days = [(day, list(group)) for day, group in groupby(shown, lambda row: row["day"])]
    title = f"{_shown(len(edits), total)}{': ' if heading else ''}{one_line(heading)}"
    return {
        "text/plain": "\n".join([title, *_history_lines(days)]),
        "text/html": render("history", title=title, days=days, name_width=_name_width(shown)),
    }


def _name_width(rows: Sequence[dict[str, Any]]) -> int:
    """Return CSS pixels for the longest name in 12 px monospace, with what notebooks put around code."""
    return 12 + round(7.5 * max((len(row["name"]) for row in rows), default=0))


def _shown(count: int, total: int) -> str:
    if not total:
        return "No edits yet"
    return f"{count:,} of {total:,} edits" if count < total else f"{total:,} edit{'' if total == 1 else 's'}"


def _facts(edit: Edit) -> list[str]:
    found = [f"seed {edit.seed}"] if edit.seed is not None else []
    found += [words.pictures(len(edit.outputs))] if edit.outputs else []
    found += [one_line(edit.provider)] if edit.is_play and not edit.is_local else [words.at(edit.provider).strip()]
    if edit.cost is not None or edit.state == "completed":
        found.append(words.paid(edit.cost, edit.provider, is_play=edit.is_play))
    found.append(drift_fact(edit.drifts))
    return [fact for fact in found if fact]


def _marks(edit: Edit) -> list[str]:
    """Return its ratings, tags and note as text: never a symbol without its word."""
    said = [mark for mark, is_set in (("★ starred", edit.starred), ("✕ rejected", edit.rejected)) if is_set]
    return said + [one_line(tag, 40) for tag in edit.tags]


def _day_and_hour(when: float, zone: tzinfo | None) -> tuple[str, str]:
    moment = datetime.fromtimestamp(when, zone).astimezone(zone)
    return f"{moment:%A}, {moment.day} {moment:%B %Y}", f"{moment:%H:%M}"


def _history_lines(days: Sequence[tuple[str, list[dict[str, Any]]]]) -> Iterator[str]:
    width = max((len(row["name"]) for _, rows in days for row in rows), default=0)
    for day, rows in days:
        yield day
        for row in rows:
            facts = " · ".join(filter(None, [row["state"], *row["marks"], *row["facts"]]))
            yield f"  {row['name']:<{width}} {row['hour']}  {clip(row['prompt'], 60)}  ({facts})"
            if row["note"]:
                yield f"  {'':<{width}} {'':<5}  {row['note']}"


COMPOSED = "composed of"
ELSEWHERE = "The same request elsewhere, by what is known here; nobody else was asked:"


def dry_run_bundle(run: DryRun) -> dict[str, str]:
    """Return what would be sent, word for word, and what it would cost; nothing was."""
    body = plain(json.dumps(dict(run.request), indent=2, ensure_ascii=False, default=str))
    facts = [words.pictures(run.expected), one_line(run.model), one_line(run.provider)]
    price, notes = _price(run), [one_line(note) for note in run.notes]
    view = ResultView("", run.inputs, (), run.expected, "", run.model, run.provider, is_play=run.is_play)
    others = [ELSEWHERE, *map(one_line, run.elsewhere)] if run.elsewhere else []
    composed = [(one_line(said), [one_line(line) for line in lines]) for said, lines in run.composed]
    advice = advice_rows(run.advice)
    html = render(
        "dry_run",
        header=parts.header(view),
        facts=facts,
        price=price,
        composed=composed,
        composed_of=COMPOSED,
        body=body,
        notes=notes,
        advice=advice,
        elsewhere=others,
    )
    prompts = [line for said, lines in composed for line in (said, f"{COMPOSED}:", *(f"    {line}" for line in lines))]
    said = [*notes, *advice_lines(advice), *others]
    lines = [f"Not sent: {' · '.join(facts)}", price, *prompts, body, *said, "Nothing was sent."]
    return {"text/plain": "\n".join(lines), "text/html": html}


def _price(run: DryRun) -> str:
    how = f" ({one_line(run.how)})" if run.how else ""
    if run.cost is None:
        return f"Price not known{how}"
    said = words.price_in_words(run.cost, run.cost if run.is_exact else run.most, is_play=run.is_play)
    return f"{said[:1].upper()}{said[1:]}{how}"
