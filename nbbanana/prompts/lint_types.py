"""What advice on a prompt consists of: what is looked at, what a rule finds, and how it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from nbbanana.prompts.english import Clause, clauses_of
from nbbanana.prompts.reading import Reading, Span

if TYPE_CHECKING:
    from nbbanana.models import Model

__all__ = ["Asked", "Change", "Check", "Finding", "Found", "Severity"]

Severity = Literal["error", "warning", "hint"]
Change = tuple[int, int, str]
"""A passage of the prompt, by first character and the one after the last, and what to write there."""


@dataclass(frozen=True)
class Asked:
    """
    A request as its advice sees it.

    Args:
        prompt: the words.
        sizes: (width, height) of each picture, None for one of unknown size; None where the pictures are not known.
        model: what it goes to, or None.
        parameters: under the names of the model.
        is_compared: whether it is one of several requests that are looked at side by side.
    """

    prompt: str
    sizes: tuple[tuple[int, int] | None, ...] | None = None
    model: Model | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    is_compared: bool = False

    @cached_property
    def reading(self) -> Reading:
        """The prompt, read."""
        return Reading(self.prompt)

    @cached_property
    def clauses(self) -> tuple[Clause, ...]:
        """The clauses of an English prompt; of another none."""
        return clauses_of(self.reading) if self.reading.language == "English" else ()

    @property
    def pictures(self) -> int | None:
        """How many pictures go with it; None where that is not known."""
        return None if self.sizes is None else len(self.sizes)


@dataclass(frozen=True, slots=True)
class Found:
    """
    What the check of a rule found.

    Args:
        span: the passage that it is about; an empty one at 0 where it is about a parameter.
        detail: a sentence on this very case, before the rule's own; empty where there is nothing to add.
        changes: what to write where, to mend it; empty where only the writer can.
        settings: parameters that mend it.
    """

    span: Span
    detail: str = ""
    changes: tuple[Change, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


Check = Callable[[Asked], Iterable[Found]]


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One piece of advice.

    Args:
        rule: the id of the rule, such as `missing-preservation`.
        severity: `error`: the service will refuse it, or it contradicts itself. `warning`: measured to be right.
            `hint`: advice.
        span: the passage of the prompt, by first character and the one after the last.
        passage: the words there.
        why: what is wrong and what to do, in plain words.
        source: what the rule rests on.
        fix: the whole prompt with this mended; None where only its writer can.
        settings: parameters that mend it.
    """

    rule: str
    severity: Severity
    span: Span
    passage: str
    why: str
    source: str
    fix: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return it as one line."""
        return f"{self.severity} {self.rule}: {self.why}"
