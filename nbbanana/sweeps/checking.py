"""Checking what the cells of a sweep ask: cells that differ in their seed alone are checked once but for that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nbbanana.models import AUTO
from nbbanana.request import EditRequest
from nbbanana.session import Session
from nbbanana.sweeps.axes import key_of

__all__ = ["Checker"]

SEED = "seed"
"""What models call it; one that calls it otherwise has its cells checked one by one."""


class Checker:
    """
    Makes the requests of cells.

    Most of what a request costs to make is reading its words: the lint, and which model they speak for. A seed changes
    none of that.

    Args:
        session: checks what is asked.
        region: the part of a picture that all are about.
    """

    def __init__(self, session: Session, region: Any) -> None:
        self._session, self._region = session, region
        self._known: dict[tuple[object, ...], EditRequest] = {}

    def request(self, ask: Mapping[str, Any], parameters: Mapping[str, Any]) -> EditRequest:
        """
        Return the checked request of a cell.

        Args:
            ask: its `prompt`, `images` (loaded), `model`, `provider` and `n`.
            parameters: the model's own.

        Raises:
            InputError: it cannot be asked.
        """
        if ask["model"] == AUTO or parameters.get(SEED) is None:
            return self._checked(ask, parameters)
        key = _key(ask, parameters)
        known = self._known.get(key)
        if known is None:
            found = self._checked(ask, parameters)
            if found.seed_field == SEED:
                self._known[key] = found
            return found
        model = self._session.model_of(known.model, ask["provider"])
        checked = model.check({**known.parameters, SEED: parameters[SEED]}, images=len(known.images))
        return replace(known, parameters=checked)

    def _checked(self, ask: Mapping[str, Any], parameters: Mapping[str, Any]) -> EditRequest:
        return self._session.request(
            ask["prompt"],
            ask["images"],
            model=ask["model"],
            provider=ask["provider"],
            parameters=parameters,
            region=self._region,
            n=ask["n"],
        )


def _key(ask: Mapping[str, Any], parameters: Mapping[str, Any]) -> tuple[object, ...]:
    """Return what tells a cell from those that differ from it in more than the seed."""
    how = (key_of(ask[name]) for name in ("prompt", "model", "provider", "n"))
    rest = (f"{name}={key_of(value)}" for name, value in sorted(parameters.items()) if name != SEED)
    return *map(id, ask["images"]), *how, *rest
