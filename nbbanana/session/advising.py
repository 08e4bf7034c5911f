"""The advice that a request carries: shown alike in a dry run, a form, a caption and a shell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nbbanana.images import ImageInput
from nbbanana.models import Model
from nbbanana.request import Advice
from nbbanana.settings import settings

__all__ = ["advice_for"]


def advice_for(
    prompt: str, images: Sequence[ImageInput], model: Model, parameters: Mapping[str, Any]
) -> tuple[Advice, ...]:
    """
    Return what the lint says of a request, the gravest first; nothing where it is switched off.

    Args:
        prompt: the words.
        images: the pictures, loaded.
        model: what it goes to.
        parameters: under the names of the model.
    """
    if not settings().lint:
        return ()
    from nbbanana.prompts.lint import Asked, findings  # its word lists are read with the first request, not before

    sizes = tuple((one.width, one.height) if one.width and one.height else None for one in images)
    return findings(Asked(prompt, sizes or None, model, parameters), off=frozenset(settings().lint_off))
