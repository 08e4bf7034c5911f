"""
How often the rules of the lint are right: counted on what readers labelled, and on faults made by construction.

`dev_labels.jsonl` holds the labels of two readers who did not know the rules, by SHA-256 of the prompt; the prompts are
other people's and are not here. `dev_hits.jsonl` holds what the rules found in the same prompts. Where the prompts are
at hand, `NBBANANA_PROMPTS` names their file and `python tests/prompts/measure.py` writes hits, figures and the table of
the documentation anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from nbbanana.prompts.lint import Asked, Figures, Rule, all_rules, findings, interval
from support.prompt_faults import cases

ROOT = Path(__file__).parents[2]
LABELS, HITS = ROOT / "tests" / "prompts" / "dev_labels.jsonl", ROOT / "tests" / "prompts" / "dev_hits.jsonl"
FIGURES = ROOT / "nbbanana" / "prompts" / "figures.json"
PAGE = ROOT / "docs" / "explanation" / "advice-on-prompts.md"
START, END = "<!-- figures -->", "<!-- end of figures -->"

QUESTIONS = {
    "missing-preservation": "keep_missing",
    "preservation-after-change": "keep_late",
    "compound": "compound",
    "passive": "passive",
    "question": "question",
    "vague-intensifier": "vague",
    "pronoun-without-target": "pronoun",
    "text-unquoted": "text_unquoted",
    "script-unnamed": "script_unnamed",
    "references-unnumbered": "refs_unnumbered",
    "keep-and-change-of-the-same": "contradiction",
}
"""The question that the readers were asked, by the rule that answers it."""


class Labelled(NamedTuple):
    """A prompt by its SHA-256, and the labels that each of two readers gave it."""

    sha256: str
    first: frozenset[str]
    second: frozenset[str]


def sha256_of(prompt: str) -> str:
    """SHA-256 of a prompt."""
    return hashlib.sha256(prompt.encode()).hexdigest()


def read_prompts(path: Path) -> list[str]:
    """The prompts of a file of JSON lines."""
    return [json.loads(line)["prompt"] for line in path.read_text("utf-8").splitlines()]


@cache
def labels() -> tuple[Labelled, ...]:
    """What the readers said."""
    rows = map(json.loads, LABELS.read_text("utf-8").splitlines())
    return tuple(Labelled(row["sha256"], frozenset(row["first"]), frozenset(row["second"])) for row in rows)


@cache
def hits() -> dict[str, frozenset[str]]:
    """What the rules found, by the SHA-256 of the prompt."""
    rows = map(json.loads, HITS.read_text("utf-8").splitlines())
    return {row["sha256"]: frozenset(row["rules"]) for row in rows}


def found_in(prompts: Iterable[str]) -> Iterator[dict[str, object]]:
    """What the rules find in prompts, as `dev_hits.jsonl` has it."""
    for prompt in prompts:
        yield {"sha256": sha256_of(prompt), "rules": sorted({one.rule for one in findings(Asked(prompt))})}


def agreed(rule: str) -> Figures:
    """The figures of a rule on the prompts of which both readers say the same."""
    question = QUESTIONS[rule]
    pairs = [(rule in hits()[one.sha256], question in one.first, question in one.second) for one in labels()]
    return _counted([(hit, first) for hit, first, second in pairs if first == second])


def against(rule: str, *, second: bool) -> Figures:
    """The figures of a rule against one reader."""
    question = QUESTIONS[rule]
    return _counted(
        [(rule in hits()[one.sha256], question in (one.second if second else one.first)) for one in labels()]
    )


def made(rule: str) -> Figures:
    """The figures of a rule on faults made by construction."""
    return _counted([(_is_found(case), case.is_faulty) for case in cases() if case.rule == rule])


def _is_found(case) -> bool:
    sizes = None if case.pictures is None else (None,) * case.pictures
    return case.rule in {one.rule for one in findings(Asked(case.prompt, sizes))}


def _counted(pairs: list[tuple[bool, bool]]) -> Figures:
    hit, right = sum(hit for hit, _ in pairs), sum(hit and meant for hit, meant in pairs)
    return Figures(hit, right, sum(meant and not hit for hit, meant in pairs), len(pairs))


def kappa(question: str) -> float | None:
    """Cohen's kappa of the two readers; None where neither gave the label."""
    pairs = [(question in one.first, question in one.second) for one in labels()]
    first, second = (sum(pair[index] for pair in pairs) / len(pairs) for index in (0, 1))
    same, chance = sum(a == b for a, b in pairs) / len(pairs), first * second + (1 - first) * (1 - second)
    return None if chance == 1 else (same - chance) / (1 - chance)


def figures_of(rule: Rule) -> Figures | None:
    """What a rule's severity rests on: labels, or construction and no false alarm among the prompts of others."""
    if rule.measured_on == "parameters":
        return None
    if rule.measured_on == "labels":
        return agreed(rule.id) if rule.id in QUESTIONS else None
    by_construction = made(rule.id)
    if rule.id not in QUESTIONS:
        return by_construction
    pairs = zip(by_construction_of(by_construction), by_construction_of(agreed(rule.id)), strict=True)
    return Figures(*map(sum, pairs))


def by_construction_of(one: Figures) -> tuple[int, int, int, int]:
    """The four counts."""
    return one.hits, one.right, one.missed, one.prompts


def all_figures() -> dict[str, dict[str, int]]:
    """What `figures.json` holds."""
    found = {rule.id: figures_of(rule) for rule in all_rules()}
    return {
        name: {"hits": one.hits, "right": one.right, "missed": one.missed, "prompts": one.prompts}
        for name, one in found.items()
        if one
    }


def table() -> str:
    """The table of the documentation, in Markdown."""
    head = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|"
    return "\n".join([head, *(_row(rule) for rule in all_rules())])


COLUMNS = (
    "rule",
    "shown as",
    "hits in 100",
    "precision",
    "recall",
    "each reader (precision, recall)",
    "readers agree (kappa)",
    "by construction: precision; recall",
)


def _row(rule: Rule) -> str:
    cells = [f"`{rule.id}`", rule.severity]
    if rule.id in QUESTIONS:
        one, agreement = agreed(rule.id), kappa(QUESTIONS[rule.id])
        readers = (against(rule.id, second=second) for second in (False, True))
        cells += [
            f"{100 * one.hits / one.prompts:.1f}",
            _share(one.right, one.hits),
            _share(one.right, one.right + one.missed),
        ]
        cells += ["; ".join(f"{_plain(each.precision)}, {_plain(each.recall)}" for each in readers), _plain(agreement)]
    else:
        cells += ["–"] * 5
    built = made(rule.id)
    cells.append(
        f"{_share(built.right, built.hits)}; {_share(built.right, built.right + built.missed)}"
        if built.prompts
        else "–"
    )
    return f"| {' | '.join(cells)} |"


def _share(right: int, of: int) -> str:
    if not of:
        return "–"
    low, high = interval(right, of)
    return f"{right / of:.2f} [{low:.2f}, {high:.2f}] of {of}"


def _plain(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
