"""Advice on a prompt, as a list: how grave, which words, why, and how it reads mended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict

from nbbanana.display.render import render
from nbbanana.display.words import written
from nbbanana.text import one_line

if TYPE_CHECKING:
    from nbbanana.request import Advice

__all__ = ["advice_lines", "advice_rows", "lint_bundle"]

MARKS = {"error": "×", "warning": "!", "hint": "·"}


class AdviceRow(TypedDict):
    """A piece of advice in words."""

    mark: str
    severity: str
    rule: str
    passage: str
    why: str
    source: str
    settings: str


def advice_rows(advice: Sequence[Advice]) -> list[AdviceRow]:
    """Return advice in words, made safe to show."""
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


def advice_lines(rows: Sequence[AdviceRow]) -> list[str]:
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


def lint_bundle(advice: Sequence[Advice], fixed: str = "") -> dict[str, str]:
    """
    Return advice as a list.

    Args:
        advice: the gravest first.
        fixed: the prompt with what can be mended; empty where nothing can.
    """
    rows, title = advice_rows(advice), _title(advice)
    lines = [title, *advice_lines(rows), *(["Mended:", one_line(fixed)] if fixed else [])]
    return {"text/plain": "\n".join(lines), "text/html": render("lint", title=title, advice=rows, fixed=fixed)}


def _title(advice: Sequence[Advice]) -> str:
    counts = [(sum(one.severity == kind for one in advice), kind) for kind in MARKS]
    said = [f"{count} {kind}{'' if count == 1 else 's'}" for count, kind in counts if count]
    return ", ".join(said) or "Nothing to advise"
