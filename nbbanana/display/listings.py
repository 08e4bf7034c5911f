"""Text and tables: the history, a dry run, advice on a prompt, rows under column names, a cell to run, a quiet note."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from itertools import groupby
from typing import Any

from nbbanana.display import result_parts, views
from nbbanana.display.drift_views import drift_fact
from nbbanana.display.thumbs import Source, squares
from nbbanana.display.views import DryRun, ResultView
from nbbanana.request import Finding
from nbbanana.store.records import Edit
from nbbanana.text import clip, counted, joined, one_line, plain, render, written

__all__ = [
    "advice_lines",
    "advice_rows",
    "columns_bundle",
    "dry_run_bundle",
    "history_bundle",
    "lint_bundle",
    "note_bundle",
    "proposal_bundle",
]

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
    return {"text/plain": line, "text/html": render(__package__, "note", said=line)}


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
    longest = max((len(row["name"]) for row in shown), default=0)
    name_width = 12 + round(7.5 * longest)  # CSS pixels in 12 px monospace, with what notebooks put around code
    title = f"{_shown(len(edits), total)}{': ' if heading else ''}{one_line(heading)}"
    return {
        "text/plain": "\n".join([title, *_history_lines(days)]),
        "text/html": render(__package__, "history", title=title, days=days, name_width=name_width),
    }


def _shown(count: int, total: int) -> str:
    if not total:
        return "No edits yet"
    return f"{count:,} of {total:,} edits" if count < total else counted(total, "edit")


def _facts(edit: Edit) -> list[str]:
    is_paid = edit.cost is not None or edit.state == "completed"
    facts = (
        f"seed {edit.seed}" if edit.seed is not None else "",
        views.pictures(len(edit.outputs)) if edit.outputs else "",
        one_line(edit.provider) if edit.is_play and not edit.is_local else views.at(edit.provider).strip(),
        views.paid(edit.cost, edit.provider, is_play=edit.is_play) if is_paid else "",
        drift_fact(edit.drifts),
    )
    return [fact for fact in facts if fact]


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
            facts = joined(row["state"], *row["marks"], *row["facts"])
            yield f"  {row['name']:<{width}} {row['hour']}  {clip(row['prompt'], 60)}  ({facts})"
            if row["note"]:
                yield f"  {'':<{width}} {'':<5}  {row['note']}"


COMPOSED = "composed of"
ELSEWHERE = "The same request elsewhere, by what is known here; nobody else was asked:"


def dry_run_bundle(run: DryRun) -> dict[str, str]:
    """Return what would be sent, word for word, and what it would cost; nothing was."""
    body = plain(json.dumps(dict(run.request), indent=2, ensure_ascii=False, default=str))
    facts = [views.pictures(run.expected), one_line(run.model), one_line(run.provider)]
    price, notes = _price(run), [one_line(note) for note in run.notes]
    view = ResultView("", run.inputs, (), run.expected, "", run.model, run.provider, is_play=run.is_play)
    others = [ELSEWHERE, *map(one_line, run.elsewhere)] if run.elsewhere else []
    composed = [(one_line(said), [one_line(line) for line in lines]) for said, lines in run.composed]
    advice = advice_rows(run.advice)
    html = render(
        __package__,
        "dry_run",
        header=result_parts.header(view),
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
    said = views.price_in_words(run.cost, run.cost if run.is_exact else run.most, is_play=run.is_play)
    return f"{said[:1].upper()}{said[1:]}{how}"


MARKS = {"error": "×", "warning": "!", "hint": "·"}


def advice_rows(advice: Sequence[Finding]) -> list[dict[str, str]]:
    """Return advice in words, made safe to show: a mark, how grave, which rule, which words, why, and what to set."""
    return [
        {
            "mark": MARKS[one.severity],
            "severity": one.severity,
            "rule": one.rule,
            "passage": one_line(one.passage, 80),
            "why": one_line(one.why),
            "source": one_line(one.source),
            "settings": ", ".join(f"{name}={written(value)}" for name, value in one.settings.items()),
        }
        for one in advice
    ]


def advice_lines(rows: Sequence[dict[str, str]]) -> list[str]:
    """Return advice as lines of plain text."""
    return [
        " ".join(
            filter(
                None,
                [
                    f"{row['mark']} {row['severity']} {row['rule']}:",
                    f"“{row['passage']}”." if row["passage"] else "",
                    row["why"],
                    f"Set {row['settings']}." if row["settings"] else "",
                ],
            )
        )
        for row in rows
    ]


def lint_bundle(advice: Sequence[Finding], fixed: str = "") -> dict[str, str]:
    """
    Return advice as a list.

    Args:
        advice: the gravest first.
        fixed: the prompt with what can be mended; empty where nothing can.
    """
    rows, title = advice_rows(advice), _title(advice)
    lines = [title, *advice_lines(rows), *(["Mended:", one_line(fixed)] if fixed else [])]
    return {
        "text/plain": "\n".join(lines),
        "text/html": render(__package__, "lint", title=title, advice=rows, fixed=fixed),
    }


def _title(advice: Sequence[Finding]) -> str:
    counts = [(sum(one.severity == kind for one in advice), kind) for kind in MARKS]
    said = [f"{count} {kind}{'' if count == 1 else 's'}" for count, kind in counts if count]
    return ", ".join(said) or "Nothing to advise"


def columns_bundle(head: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, str]:
    """
    Return rows under the names of their columns as a MIME bundle.

    >>> print(columns_bundle(["provider", "key", "a picture"], [["fal", "FAL_KEY", "$0.08"]])["text/plain"])
    provider  key      a picture
    fal       FAL_KEY  $0.08
    """
    cells = [tuple(head), *([one_line(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    plain = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells)
    return {"text/plain": "\n".join(plain), "text/html": render(__package__, "columns", head=head, rows=cells[1:])}


def proposal_bundle(heading: str, texts: Sequence[str], notes: Sequence[str] = ()) -> dict[str, str]:
    """
    Return a proposal as a MIME bundle.

    Args:
        heading: what it is.
        texts: what is proposed, each as it is to be copied.
        notes: sentences about it.
    """
    heading, texts, notes = one_line(heading), [plain(text) for text in texts], [one_line(note) for note in notes]
    html = render(__package__, "proposal", heading=heading, texts=texts, notes=notes)
    return {"text/plain": "\n".join([heading, *texts, *notes]), "text/html": html}
