"""Candidates of a vote: the outputs of the cells that are here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nbbanana.request import sha256_of
from nbbanana.store.vote_records import VotedOutput
from nbbanana.sweeps.cells import Cell, Standing
from nbbanana.sweeps.plan import Plan

__all__ = ["Candidate", "candidates_of", "digest_of"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """
    An output that can be voted on.

    Args:
        output: the uid of its edit and its index: what a vote names it by.
        cell: the cell that it is of.
        edit_id: the number of its edit in this store.
        sha256: names its file.
        title: what sets it apart.
    """

    output: VotedOutput
    cell: Cell
    edit_id: int
    sha256: str
    title: str


def candidates_of(plan: Plan, standings: Sequence[Standing]) -> tuple[Candidate, ...]:
    """Return all outputs of the cells that are here, each once."""
    found: dict[VotedOutput, Candidate] = {}
    for cell, standing in zip(plan.cells, standings, strict=True):
        edit = standing.made
        if edit is None:
            continue
        for output in edit.outputs:
            number = f" · picture {output.index + 1}" if len(edit.outputs) > 1 else ""
            one = Candidate((edit.uid, output.index), cell, edit.id, output.sha256, f"{cell.title}{number}")
            found.setdefault(one.output, one)
    return tuple(found.values())


def digest_of(plan: Plan) -> str:
    """Return what names a sweep in its votes: the SHA-256 of what its cells ask, in whatever order."""
    return sha256_of(sorted(cell.request.ask for cell in plan.cells if cell.request is not None))
