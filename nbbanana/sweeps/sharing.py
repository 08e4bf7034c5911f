"""What all cells of a sweep share, said once: words, pictures, model, parameters, cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from nbbanana.display.sweep_grid import SweepHeader
from nbbanana.display.words import at, edits, money, pictures, written
from nbbanana.grammar import read_words
from nbbanana.images import ImageInput
from nbbanana.models.framing import ratio_of
from nbbanana.models.naming import short_name
from nbbanana.request import EditRequest
from nbbanana.store.records import Edit
from nbbanana.sweeps.cells import Standing
from nbbanana.sweeps.plan import Plan
from nbbanana.sweeps.prompting import places
from nbbanana.text import one_line

__all__ = ["header_of", "ratio_to_come", "shared_parameters", "words_of"]

MOST_INPUTS = 4
"""So many of the pictures that all cells have are shown."""


def header_of(plan: Plan, standings: Sequence[Standing]) -> SweepHeader:
    """Return what stands above the grid of a sweep."""
    requests = [cell.request for cell in plan.cells if cell.request is not None]
    inputs = [(content, one.name) for one in shared_images(requests) if (content := one.content) is not None]
    return SweepHeader(words_of(plan), list(_facts(plan, requests, standings)), inputs[:MOST_INPUTS])


def words_of(plan: Plan) -> list[tuple[str, bool]]:
    """Return the prompt of all cells in pieces, those True that stand for what varies; empty where prompts vary."""
    return places(str(read_words(plan.words[0]))) if len(set(plan.words)) == 1 else []


def shared_images(requests: Sequence[EditRequest]) -> list[ImageInput]:
    """Return the pictures that all requests have."""
    if not requests:
        return []
    everywhere = set.intersection(*({image.identity for image in one.images} for one in requests))
    return [image for image in requests[0].images if image.identity in everywhere]


def shared_parameters(requests: Sequence[EditRequest]) -> dict[str, Any]:
    """Return the parameters that all requests have at one value, without words and pictures."""
    if not requests:
        return {}
    first = requests[0]
    return {
        name: value
        for name, value in first.parameters.items()
        if name != first.prompt_field and all(one.parameters.get(name, one) == value for one in requests)
    }


def ratio_to_come(plan: Plan) -> float | None:
    """Return width to height of the pictures to come: what is asked for, else what the first picture has."""
    request = next((cell.request for cell in plan.cells if cell.request is not None), None)
    if request is None:
        return None
    asked = ratio_of(request.parameters.get("aspect_ratio", ""))
    if isinstance(asked, Fraction):
        return float(asked)
    first = request.images[0] if request.images else None
    return first.width / first.height if first is not None and first.width and first.height else None


def _facts(plan: Plan, requests: Sequence[EditRequest], standings: Sequence[Standing]) -> Iterator[str]:
    here = [one.made for one in standings if one.made is not None]
    images = shared_images(requests)
    more = f" and {len(images) - 1} more" if len(images) > 1 else ""
    made = sum(len(edit.outputs) for edit in here)
    source = f" from {one_line(images[0].name, 40)}{more}" if images else ""
    if made or source:
        yield f"{pictures(made) if made else 'pictures'}{source}"
    yield from _makers(requests, here)
    for name, value in shared_parameters(requests).items():
        yield f"{name} {written(value, 40)}"
    once = list({edit.id: edit for edit in here}.values())
    if once:
        costs = [edit.cost for edit in once]
        known = sum(cost for cost in costs if cost is not None)
        yield money(None if None in costs else known, is_play=all(edit.is_play for edit in once))
        yield edits(edit.id for edit in once) if _is_run(once) else f"{len(once)} edits"


def _makers(requests: Sequence[EditRequest], here: Sequence[Edit]) -> Iterator[str]:
    """Say which model all have, and where it ran, where that is one; what varies has an axis that says it."""
    if here and all(edit.is_play for edit in here):
        names = {edit.provider for edit in here}
        yield f"{one_line(names.pop())}, no model made them" if len(names) == 1 else "no model made them"
        return
    models = {request.model for request in requests}
    if len(models) == 1:
        providers = {edit.provider for edit in here}
        yield one_line(short_name(models.pop())) + (at(providers.pop()) if len(providers) == 1 else "")


def _is_run(found: Sequence[Edit]) -> bool:
    """Return whether the numbers of edits follow each other: others are not worth a list."""
    numbers = [edit.id for edit in found]
    return max(numbers) - min(numbers) == len(numbers) - 1
