"""Answers from the store alone: requests in `replay`."""

from __future__ import annotations

from nbbanana.engine.prices import counted
from nbbanana.engine.reuse import Reuse
from nbbanana.engine.run import Run, answered
from nbbanana.errors import NotInStoreError
from nbbanana.models import Model
from nbbanana.request import EditRequest

__all__ = ["replayed", "replayed_or_failed"]


def replayed(request: EditRequest, model: Model, reuse: Reuse) -> Run:
    """
    Return a run that the store answered.

    Raises:
        NotInStoreError: nothing answers.
    """
    request = request.with_seed_for(model.seed_field)
    stored = reuse.answer(request, reuse.occurs(request), None, "replay")
    assert stored is not None  # replay raises where nothing answers
    return answered(request, model, stored)


def replayed_or_failed(request: EditRequest, model: Model, reuse: Reuse) -> Run:
    """Return a run that the store answered, or one that failed: the others of its series may be there."""
    try:
        return replayed(request, model, reuse)
    except NotInStoreError as error:
        run = Run(request, model, provider="", expected_outputs=counted(request.parameters, model))
        run.end(None, error)
        return run
