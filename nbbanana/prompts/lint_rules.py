"""
The rules of advice: data from `rules.toml`, a check in code, and the severity that their figures allow.

A rule says what it may be at most. What it is shown as follows from `figures.json`: how often it was right on prompts
that readers labelled without knowing the rules. Under 0.8 precision, under 20 hits, or with a lower bound of the 95 %
interval under 0.6, it is a hint, whatever it says.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from nbbanana.prompts import (
    lint_chinese,
    lint_contradictions,
    lint_english,
    lint_lettering,
    lint_pictures,
    lint_settings,
    lint_wording,
)
from nbbanana.prompts.lint_types import Asked, Check, Found, Severity
from nbbanana.prompts.reading import Language

__all__ = ["Figures", "Rule", "all_rules", "figures", "interval"]

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
    reads: frozenset[Language]
    measured_on: Literal["labels", "construction", "parameters"]
    found: tuple[str, ...]
    clean: tuple[str, ...]
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
        return _checks("Chinese" if language == "Chinese" else "English")[self.id](asked)


_ENGLISH: dict[str, Check] = {
    "missing-preservation": lint_english.missing_preservation,
    "preservation-after-change": lint_english.preservation_after_change,
    "compound": lint_english.compound,
    "passive": lint_wording.passive,
    "question": lint_wording.question,
    "vague-intensifier": lint_wording.vague_intensifier,
    "pronoun-without-target": lint_wording.pronoun_without_target,
    "text-unquoted": lint_lettering.text_unquoted,
    "script-unnamed": lint_lettering.script_unnamed,
    "references-unnumbered": lint_pictures.references_unnumbered,
    "image-number-beyond-count": lint_pictures.image_number_beyond_count,
    "keep-and-change-of-the-same": lint_contradictions.keep_and_change,
    "batch-without-locked-ratio-or-resolution": lint_settings.batch_without_locked_framing,
    "ratio-crops-input": lint_settings.ratio_crops_input,
    "web-search-without-reason": lint_settings.web_search_without_reason,
    "seed-absent-in-comparison": lint_settings.seed_absent_in_comparison,
    "too-long": lint_settings.too_long,
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


def _checks(language: Language) -> dict[str, Check]:
    return _CHINESE if language == "Chinese" else _ENGLISH


@cache
def all_rules() -> tuple[Rule, ...]:
    """Return the rules in the order of their file."""
    return tuple(_rule(name, facts) for name, facts in tomllib.loads(_text("rules.toml")).items())


def _rule(name: str, facts: Mapping[str, Any]) -> Rule:
    return Rule(
        name,
        facts["most"],
        facts["why"],
        facts["source"],
        frozenset(facts["reads"]),
        facts.get("measured_on", "labels"),
        tuple(facts["found"]),
        tuple(facts["clean"]),
        facts.get("fixed", ""),
        {key: facts[key] for key in ("pictures", "size", "parameters") if key in facts},
    )


@cache
def figures() -> dict[str, Figures]:
    """Return the figures of the rules that were measured."""
    return {name: Figures(**facts) for name, facts in json.loads(_text("figures.json")).items()}


def _text(name: str) -> str:
    return (files(__package__) / name).read_text("utf-8")
