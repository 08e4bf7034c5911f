"""How a user names pictures of a sweep: by a cell, its number, an output or a result."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import index
from typing import Any

from nbbanana.errors import UsageError
from nbbanana.session import EditResult, Output
from nbbanana.store.vote_records import VotedOutput
from nbbanana.sweeps.candidates import Candidate
from nbbanana.sweeps.plan import Plan
from nbbanana.sweeps.sweep_cells import SweepCell

__all__ = ["among_those", "the_one"]


def the_one(candidates: Sequence[Candidate], plan: Plan, given: Any) -> Candidate:
    """
    Return the candidate that a cell, its number, an output or a result is.

    Raises:
        UsageError: it is none, or one of several pictures of a cell.
    """
    found = _named(candidates, plan, given)
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(
            f"{found[0].cell.title} has {len(found)} pictures.",
            "A vote is about one of each cell.",
            "Name an output: sweep[3].result[0].",
        )
    raise UsageError(
        f"{given!r:.80} is no picture of this sweep.",
        "A vote is about cells that are here.",
        "Name a cell, its number or an output: sweep.prefer(sweep[0], sweep[1]).",
    )


def among_those(candidates: Sequence[Candidate], plan: Plan, among: Any) -> tuple[Candidate, ...]:
    """
    Return the candidates that some cells, numbers, outputs or results have; cells without a picture have none.

    Raises:
        UsageError: one of them is no cell of this sweep.
    """
    if not isinstance(among, Iterable) or isinstance(among, str):
        raise UsageError(f"among is {among!r:.60}.", "It takes several cells.", "sweep.vote(among=[0, 3, 5])")
    chosen: set[VotedOutput] = set()
    for given in among:
        found = _named(candidates, plan, given)
        if not found and not _is_cell(plan, given):
            raise UsageError(
                f"{given!r:.80} is no cell of this sweep.",
                f"Its cells have the numbers 0 to {len(plan) - 1}.",
                "Name cells, their numbers or outputs: sweep.vote(among=[0, 3, 5]).",
            )
        chosen.update(one.output for one in found)
    return tuple(one for one in candidates if one.output in chosen)


def _named(candidates: Sequence[Candidate], plan: Plan, given: Any) -> list[Candidate]:
    """Return the candidates that something names: pictures by their edit's uid, a number by the place in this sweep."""
    outputs: set[VotedOutput] = set()
    if isinstance(given, SweepCell):
        if given.state != "here":
            return []
        given = given.result
    if isinstance(given, Output):
        outputs = {(given.result.record.uid, given.index)}
    elif isinstance(given, EditResult):
        outputs = {(given.record.uid, output.index) for output in given}
    elif (number := _number(given)) is not None and 0 <= number < len(plan):
        return [one for one in candidates if one.cell.number == number]
    return [one for one in candidates if one.output in outputs]


def _is_cell(plan: Plan, given: Any) -> bool:
    if isinstance(given, SweepCell):
        return given.is_of(plan)
    number = _number(given)
    return number is not None and 0 <= number < len(plan)


def _number(given: Any) -> int | None:
    """Return a whole number of Python or NumPy as an int; None for all else, truth values among it."""
    try:
        return None if isinstance(given, bool) else index(given)
    except TypeError:
        return None
