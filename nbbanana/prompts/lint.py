"""
Advice on a prompt: the rules, what they find in it, and the prompt with what can safely be mended.

A rule is data from `rules.toml` and a check in code. It says what severity it may have at most. What it is shown as
follows from `figures.json`: how often it was right on prompts that readers labelled without knowing the rules. Under
0.8 precision, under 20 hits, or with a lower bound of the 95 % interval under 0.6, it is a hint, whatever it says.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from nbbanana.prompts import lint_chinese, lint_english, lint_request
from nbbanana.prompts.reading import Asked, Check, Found, Language
from nbbanana.request import Finding, Severity
from nbbanana.text import packaged

__all__ = ["Asked", "Figures", "Rule", "all_rules", "figures", "findings", "fixed", "interval"]

LEAST_PRECISION, LEAST_HITS, LEAST_BOUND = 0.8, 20, 0.6


@dataclass(frozen=True, slots=True)
class Figures:
    """
    How often a rule was right.

    Args:
        hits: prompts in which it found something.
        right: those of them in which it should have.
        missed: prompts in which it should have and did not.
        prompts: how many there were.
    """

    hits: int
    right: int
    missed: int
    prompts: int

    @property
    def precision(self) -> float | None:
        """The part of its hits that were right; None without a hit."""
        return self.right / self.hits if self.hits else None

    @property
    def recall(self) -> float | None:
        """The part of what it should have found that it found; None where there was nothing to find."""
        meant = self.right + self.missed
        return self.right / meant if meant else None

    @property
    def allow_more_than_a_hint(self) -> bool:
        """Whether it may speak before a request is sent."""
        low, _ = interval(self.right, self.hits)
        return self.hits >= LEAST_HITS and self.right >= LEAST_PRECISION * self.hits and low >= LEAST_BOUND


def interval(right: int, of: int, z: float = 1.959964) -> tuple[float, float]:
    """
    Return Wilson's interval (95 %) of a proportion; all of 0 to 1 where nothing was counted.

    >>> [round(end, 3) for end in interval(18, 20)]
    [0.699, 0.972]
    """
    if not of:
        return 0.0, 1.0
    share, square = right / of, z * z / of
    middle = (share + square / 2) / (1 + square)
    half = z * ((share * (1 - share) + square / 4) / of) ** 0.5 / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True)
class Rule:
    """
    One piece of advice that can be given.

    Args:
        id: such as `missing-preservation`.
        most: the severity that it may have at most.
        why: what is wrong and what to do.
        source: what it rests on.
        reads: the languages whose prompts it is for.
        measured_on: what its figures are from: `labels` of readers; faults by `construction`; or nothing but the
            `parameters`, which are right or wrong without reading.
        found, clean: examples of what it finds and of what it leaves alone.
        fixed: what the first of `found` reads like once it is mended; empty where only its writer can.
        given: what goes with the examples: `pictures`, `size`, `parameters`.
    """

    id: str
    most: Severity
    why: str
    source: str
    reads: Sequence[Language]
    found: Sequence[str]
    clean: Sequence[str]
    measured_on: Literal["labels", "construction", "parameters"] = "labels"
    fixed: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)

    @property
    def severity(self) -> Severity:
        """What it is shown as."""
        if self.most == "hint" or self.measured_on == "parameters":
            return self.most
        measured = figures().get(self.id)
        return self.most if measured and measured.allow_more_than_a_hint else "hint"

    def check(self, asked: Asked) -> Iterable[Found]:
        """Return what it finds in a request; nothing where it does not read the language."""
        language = asked.reading.language
        if language not in self.reads:
            return ()
        return (_CHINESE if language == "Chinese" else _ENGLISH)[self.id](asked)


_ENGLISH: dict[str, Check] = {
    "missing-preservation": lint_english.missing_preservation,
    "preservation-after-change": lint_english.preservation_after_change,
    "compound": lint_english.compound,
    "passive": lint_english.passive,
    "question": lint_english.question,
    "vague-intensifier": lint_english.vague_intensifier,
    "pronoun-without-target": lint_english.pronoun_without_target,
    "text-unquoted": lint_request.text_unquoted,
    "script-unnamed": lint_request.script_unnamed,
    "references-unnumbered": lint_request.references_unnumbered,
    "image-number-beyond-count": lint_request.image_number_beyond_count,
    "keep-and-change-of-the-same": lint_english.keep_and_change,
    "batch-without-locked-ratio-or-resolution": lint_request.batch_without_locked_framing,
    "ratio-crops-input": lint_request.ratio_crops_input,
    "web-search-without-reason": lint_request.web_search_without_reason,
    "seed-absent-in-comparison": lint_request.seed_absent_in_comparison,
    "too-long": lint_request.too_long,
}
_CHINESE: dict[str, Check] = {
    **_ENGLISH,
    "missing-preservation": lint_chinese.missing_preservation,
    "preservation-after-change": lint_chinese.preservation_after_change,
    "compound": lint_chinese.compound,
    "passive": lint_chinese.passive,
    "question": lint_chinese.question,
    "vague-intensifier": lint_chinese.vague_intensifier,
    "pronoun-without-target": lint_chinese.pronoun_without_target,
    "text-unquoted": lint_chinese.text_unquoted,
    "keep-and-change-of-the-same": lint_chinese.keep_and_change,
}


@cache
def all_rules() -> tuple[Rule, ...]:
    """Return the rules in the order of their file."""
    return tuple(
        Rule(name, **facts)
        for name, facts in tomllib.loads((files(__package__) / "rules.toml").read_text("utf-8")).items()
    )


@cache
def figures() -> dict[str, Figures]:
    """Return the figures of the rules that were measured."""
    return {name: Figures(**facts) for name, facts in packaged(__package__, "figures.json").items()}


MOST_READ = 20_000
"""Longer prompts are not read word by word: advice never makes anyone wait."""

ORDER = {"error": 0, "warning": 1, "hint": 2}


def findings(asked: Asked, *, off: Collection[str] = ()) -> tuple[Finding, ...]:
    """
    Return what the rules find, the gravest first; it reads no file but its own and asks nobody.

    Args:
        asked: the prompt, and what is known of its pictures, model and parameters.
        off: ids of rules to leave out.

    >>> [str(one.rule) for one in findings(Asked("The background should be changed."))]
    ['missing-preservation', 'passive']
    """
    if not asked.prompt.strip():
        return ()
    is_read = len(asked.prompt) <= MOST_READ
    rules = [rule for rule in all_rules() if rule.id not in off and (is_read or rule.measured_on == "parameters")]
    found = [_finding(asked, rule, one) for rule in rules for one in rule.check(asked)]
    return tuple(sorted(found, key=lambda one: ORDER[one.severity]))


def _finding(asked: Asked, rule: Rule, found: Found) -> Finding:
    start, end = found.span
    why = f"{found.detail} {rule.why}" if found.detail else rule.why
    mended = asked.prompt
    for first, last, text in sorted(found.changes, reverse=True):  # from behind, so that places hold
        mended = mended[:first] + text + mended[last:]
    fix = mended.strip() if found.changes else None
    return Finding(
        rule.id, rule.severity, found.span, asked.prompt[start:end], why, rule.source, fix, dict(found.settings)
    )


def fixed(asked: Asked, *, off: Collection[str] = ()) -> str:
    """
    Return the prompt with all mended that can be: fixing it again changes nothing.

    A fix counts where what is left weighs less than before; so this ends, and at a prompt that it leaves alone.

    >>> fixed(Asked("Can you replace the sky with a sunset? Keep the house unchanged."))
    'Keep the house unchanged. Replace the sky with a sunset.'
    """
    left = _mendable(asked, off)
    while better := _lighter(asked, left, off):
        asked, left = better
    return asked.prompt


WEIGHTS = {"question": 1000, "passive": 100, "text-unquoted": 10, "script-unnamed": 5}
"""An order can be read, so mending a question may show what else there is to mend: that weighs less."""


def _weight(found: Sequence[Finding]) -> int:
    return sum(WEIGHTS.get(one.rule, 1) for one in found)


def _lighter(asked: Asked, found: Sequence[Finding], off: Collection[str]) -> tuple[Asked, list[Finding]] | None:
    """Return the prompt with one more thing mended, and what is left; None where no fix leaves less."""
    for one in found:
        then = replace(asked, prompt=one.fix or "")
        left = _mendable(then, off)
        if _weight(left) < _weight(found):
            return then, left
    return None


def _mendable(asked: Asked, off: Collection[str]) -> list[Finding]:
    return [one for one in findings(asked, off=off) if one.fix is not None]
