"""Advice on a prompt: what the rules find in it, and the prompt with what can safely be mended."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from nbbanana.prompts.lint_rules import Rule, all_rules
from nbbanana.prompts.lint_types import Asked, Change, Finding, Found

__all__ = ["Asked", "Finding", "findings", "fixed"]

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
    fix = with_changes(asked.prompt, found.changes) if found.changes else None
    return Finding(
        rule.id, rule.severity, found.span, asked.prompt[start:end], why, rule.source, fix, dict(found.settings)
    )


def with_changes(prompt: str, changes: Sequence[Change]) -> str:
    """
    Return the prompt with passages written anew.

    >>> with_changes("A red cat.", [(2, 5, "blue"), (0, 0, "Now: ")])
    'Now: A blue cat.'
    """
    for start, end, text in sorted(changes, reverse=True):
        prompt = prompt[:start] + text + prompt[end:]
    return prompt.strip()


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
