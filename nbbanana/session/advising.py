"""The advice that a request carries: shown alike in a dry run, a form, a caption and a shell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbbanana.images import ImageInput
from nbbanana.models import Model
from nbbanana.models.nearest import nearest_name
from nbbanana.request import Advice
from nbbanana.settings import settings

if TYPE_CHECKING:
    from nbbanana.prompts.lint import Finding

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
    # Its word lists are read with the first request, not before.
    from nbbanana.prompts.lint import Asked, findings

    sizes = tuple((one.width, one.height) if one.width and one.height else None for one in images)
    found = findings(Asked(prompt, sizes or None, model, parameters), off=frozenset(settings().lint_off))
    return (*found, *_unknown_rules())


def _unknown_rules() -> Iterator[Finding]:
    """Yield a warning for each name in `lint_off` that is no rule: it leaves nothing out, and no request is stopped."""
    from nbbanana.prompts.lint import Finding
    from nbbanana.prompts.lint_rules import all_rules

    known = [rule.id for rule in all_rules()]
    for name in settings().lint_off:
        if name not in known:
            near = nearest_name(name, known)
            mend = f"Write {near!r}." if near else "Leave it out; nb.lint names the rules."
            why = f"NBBanana.lint_off names {name!r:.40}, which is no rule of the lint. {mend}"
            yield Finding("lint_off", "warning", (0, 0), "", why, "the settings")
