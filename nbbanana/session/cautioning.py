"""What a model would do by itself that spoils an edit, of a request that leaves it so: said before it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nbbanana.models.defaults import cautions

if TYPE_CHECKING:
    from nbbanana.models import Model
    from nbbanana.request import EditRequest

__all__ = ["cautions_of"]


def cautions_of(model: Model, requests: Sequence[EditRequest]) -> tuple[str, ...]:
    """
    Return a sentence for each default that spoils an edit and that the requests do not set.

    Args:
        model: the model of all of them.
        requests: the passes of a chain, or one request; those of a chain differ in nothing that counts here.
    """
    first = requests[0]
    main = first.images[0] if first.images else None
    return cautions(model, first.parameters, (main.width, main.height) if main else None)
