"""Cells of a sweep: what each asks, and how it stands by the records of the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from nbbanana.errors import NBBananaError
from nbbanana.request import SEED_LIMIT, EditRequest, sha256_of
from nbbanana.store.records import Edit, OutputRecord

__all__ = ["Cell", "Standing", "State", "seeded", "standing_of"]

State = Literal["here", "under way", "missing", "refused", "failed", "unknown"]
"""
How a cell stands: its pictures are `here`, a service has it `under way`, it is `missing` and would be sent, it was
`refused` and cost nothing, it `failed`, or it is `unknown` whether it was charged.
"""


@dataclass(frozen=True, slots=True)
class Cell:
    """
    One cell of a sweep.

    Args:
        number: its place in the sweep, from 0.
        at: the name of each axis, and of its value here.
        values: the values themselves, by axis.
        request: what it asks; None where that cannot be asked.
        provider: the service that is asked; None is that of the session.
        sample: of several cells that ask the same, which one it is, from 0.
        error: why it cannot be asked; None where it can.
    """

    number: int
    at: Mapping[str, str]
    values: Mapping[str, Any] = field(repr=False)
    request: EditRequest | None = field(default=None, repr=False)
    provider: str | None = None
    sample: int = 0
    error: NBBananaError | None = None

    @property
    def title(self) -> str:
        """What sets it apart: `seed 3 · resolution 2K`."""
        return " · ".join(f"{axis} {name}" for axis, name in self.at.items())

    @property
    def ask(self) -> tuple[str | None, str | None, int]:
        """What it asks, where: cells of which this is the same are one edit."""
        return self.provider, self.request.ask if self.request else None, self.sample


@dataclass(frozen=True, slots=True)
class Standing:
    """
    How a cell stands.

    Args:
        state: in a word.
        edit: the record that says so; None where there is none.
        error: why it gave no picture, where that is known from this kernel.
    """

    state: State
    edit: Edit | None = None
    error: NBBananaError | None = None

    @property
    def made(self) -> Edit | None:
        """The record of its pictures; None where it has none."""
        return self.edit if self.state == "here" else None

    @property
    def outputs(self) -> tuple[OutputRecord, ...]:
        """Its pictures; none where it is not here."""
        return self.made.outputs if self.made is not None else ()

    @property
    def why(self) -> str:
        """Why it gave no picture, in words; empty where it did or was not asked."""
        if self.error is not None:
            return " ".join(self.error.lines)
        return (self.edit.error or "") if self.edit is not None and self.state not in {"here", "under way"} else ""

    @property
    def is_free(self) -> bool:
        """Whether to ask again what gave no picture costs no more than to ask it once."""
        if self.edit is None:  # it never could be asked
            return False
        return self.state == "refused" or (self.state == "failed" and self.edit.cost == 0)


def seeded(request: EditRequest, sample: int = 0) -> EditRequest:
    """
    Return a request with a seed of its own, if its user gave none and its model takes one.

    The seed follows from the question: a sweep that is stopped, changed and run again has the same seeds where its
    cells ask the same, in any kernel and without a file that remembers them.

    Args:
        request: what is asked.
        sample: of several cells that ask the same, which one it is.

    >>> one = seeded(EditRequest("m", {"prompt": "Make it snow."}))
    >>> one.seed == seeded(EditRequest("m", {"prompt": "Make it snow."})).seed, one.is_seeded
    (True, True)
    """
    if request.seed_field is None or request.is_seeded:
        return request
    seed = int(sha256_of({"ask": request.ask, "sample": sample})[:15], 16) % SEED_LIMIT
    return replace(request, parameters={**request.parameters, request.seed_field: seed})


def standing_of(cell: Cell, edit: Edit | None) -> Standing:
    """Return how a cell stands by the newest record of its ask."""
    if cell.error is not None:
        return Standing("refused", None, cell.error)
    if edit is None or edit.state == "cancelled" or edit.error_kind == "BudgetError":
        return Standing("missing", edit)  # nothing was asked, or it was taken back, or this house refused to pay
    if edit.state == "completed":
        return Standing("here", edit)
    if edit.state == "rejected":
        return Standing("refused", edit)
    if edit.state in {"unknown", "lost"} and edit.cost is None:
        return Standing("unknown", edit)
    return Standing("under way" if not edit.is_terminal else "failed", edit)
