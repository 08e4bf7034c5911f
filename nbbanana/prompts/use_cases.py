"""Prompts to begin with: use cases in parts, and sample prompts. `use_cases.json` says of each where it is from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from nbbanana.errors import UsageError
from nbbanana.models.nearest import did_you_mean
from nbbanana.prompts.parts import Parts, made_parts
from nbbanana.prompts.prompting import Prompt, prompt

__all__ = ["UseCase", "use_case", "use_cases_there"]


@dataclass(frozen=True, slots=True)
class UseCase:
    """
    A prompt to begin with, and the parameters that belong to it.

    Args:
        id: its name.
        title: what people call it.
        why: what it is good for.
        source: the line of the model's own document that it comes from.
        parts: what its prompt is composed of; None where it is a sample prompt, word for word.
        words: the sample prompt; empty where there are parts.
        values: by the name of a placeholder, values for a series.
        parameters: what a call is given with it.

    >>> case = use_case("background-swap")
    >>> print(case.prompts[1])
    Keep the subject identity, pose, and clothing unchanged. Convert the background into a sunlit library.
    """

    id: str
    title: str
    why: str
    source: str
    parts: Parts | None = None
    words: str = ""
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def prompt(self) -> Prompt:
        """The prompt, with a placeholder where the pictures of a series differ."""
        return Prompt(self.words) if self.parts is None else prompt(**self._named())

    @property
    def prompts(self) -> list[Prompt]:
        """The prompts of its series: one for each value, all with the same grammar."""
        if not self.values:
            return [self.prompt]
        [(name, values)] = self.values.items()
        return [self.prompt.fill(**{name: value}) for value in values]

    def _named(self) -> dict[str, Any]:
        return self.parts.as_json() if self.parts else {}


@cache
def use_cases_there() -> tuple[UseCase, ...]:
    """Return all of them, in the order of the document."""
    rows = json.loads((files(__package__) / "use_cases.json").read_text(encoding="utf-8"))
    return tuple(map(_read, rows))


def use_case(name: str) -> UseCase:
    """
    Return the use case of that id.

    Raises:
        UsageError: there is none.
    """
    found = {case.id: case for case in use_cases_there()}
    if name not in found:
        mend = did_you_mean(name, found, "nb.use_cases() lists them.")
        raise UsageError(f"There is no use case {name!r:.40}.", f"There are {', '.join(found)}.", mend)
    return found[name]


def _read(row: dict[str, Any]) -> UseCase:
    parts = made_parts(**row.pop("parts")) if "parts" in row else None
    values = {name: tuple(values) for name, values in row.pop("values", {}).items()}
    parameters = MappingProxyType(row.pop("parameters", {}))
    return UseCase(**row, parts=parts, values=MappingProxyType(values), parameters=parameters)
