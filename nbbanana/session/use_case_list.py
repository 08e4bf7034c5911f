"""`nb.use_cases()`: prompts to begin with, as a table where it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import Any, overload

from nbbanana.display.columns import columns_bundle
from nbbanana.prompts.use_cases import UseCase, use_case, use_cases_there
from nbbanana.text import one_line

__all__ = ["UseCases", "use_cases"]

COLUMNS = ("use case", "what it is good for", "its prompt", "with")


class UseCases(Sequence[UseCase]):
    """The use cases, by place or by name; as a table where it is shown."""

    def __init__(self, cases: Sequence[UseCase]) -> None:
        self._cases = tuple(cases)

    @overload
    def __getitem__(self, index: int | str) -> UseCase: ...
    @overload
    def __getitem__(self, index: slice) -> UseCases: ...
    def __getitem__(self, index: int | str | slice) -> UseCase | UseCases:
        if isinstance(index, str):
            return use_case(index)
        return UseCases(self._cases[index]) if isinstance(index, slice) else self._cases[index]

    def __len__(self) -> int:
        return len(self._cases)

    def __repr__(self) -> str:
        return f"<UseCases {', '.join(case.id for case in self._cases)}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        rows = [(case.id, f"{case.why} ({case.source})", str(case.prompt), _with(case)) for case in self._cases]
        return columns_bundle(COLUMNS, rows) | {"text/plain": "\n\n".join(map(_as_text, self._cases))}


def use_cases() -> UseCases:
    """
    Return prompts to begin with: use cases of the document on the model, and its sample prompts.

    >>> import nbbanana as nb
    >>> case = nb.use_cases()["ab-variants"]
    >>> print(case.prompts[0])
    Keep the product and composition unchanged. Change the background to deep teal. Avoid added text.
    >>> print(case.prompts[1])
    Keep the product and composition unchanged. Change the background to warm sand. Avoid added text.

    Send the series with `[nb.edit(words, "photo.jpg", **case.parameters) for words in case.prompts]`.
    """
    return UseCases(use_cases_there())


WIDTH = 88
"""How wide a line is in a terminal."""


def _as_text(case: UseCase) -> str:
    """Return a use case as lines that a terminal is wide enough for."""
    told = (f"{case.why} ({case.source})", str(case.prompt), _with(case))
    lines = (fill(one_line(line), WIDTH, initial_indent="  ", subsequent_indent="  ") for line in told if line)
    return "\n".join([case.id, *lines])


def _with(case: UseCase) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in case.parameters.items())
