"""From what a call or a cell says to an `EditRequest`: pictures loaded, region and mask made, values checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nbbanana.errors import PromptError
from nbbanana.grammar import read_words
from nbbanana.images import ImageInput
from nbbanana.models import Model
from nbbanana.models.framing import framed
from nbbanana.request import EditRequest
from nbbanana.session.advising import advice_for
from nbbanana.session.call_args import settled, with_count
from nbbanana.session.region_args import mask_of, region_of
from nbbanana.store import Store

__all__ = ["checked_request"]


def checked_request(
    prompt: str,
    images: Iterable[Any],
    model: Model,
    *,
    model_named: bool,
    load: Callable[[Iterable[Any]], tuple[ImageInput, ...]],
    store: Callable[[], Store],
    parameters: Mapping[str, Any] | None = None,
    region: Any = None,
    n: int | None = None,
) -> EditRequest:
    """
    Check what is asked against the model's schema; sends nothing.

    Args:
        prompt: the words, or lines of parts, which are composed in the model's grammar.
        images: whatever a user calls a picture, the main one first.
        model: the model that is asked.
        model_named: whether the user named it.
        load: loads pictures.
        store: gives the store, where a region or a mask of a record is looked up.
        parameters: the model's own, by name, and the pair of `nbbanana.models.framing`; those that are None are left
            out.
        region: the part of a picture that it is about.
        n: how many pictures, whatever the model calls that.

    Raises:
        PromptError, ParameterError, ImageError: it cannot be asked like this.
        UsageError: a region that is no part of one of the pictures.
    """
    if not isinstance(prompt, str):
        raise PromptError("There is no prompt.", "A request needs words.", "Say what to keep and what to change.")
    words = read_words(prompt).for_grammar(model.grammar)
    given = with_count(model, {key: value for key, value in (parameters or {}).items() if value is not None}, n)
    given = framed(model, given)
    inputs = load(settled(images))
    area = region_of(region, inputs, store)
    mask = None
    if model.mask_field in given:
        given[model.mask_field], mask = mask_of(given[model.mask_field], area, load=load, store=store)
    checked = model.check({model.prompt_field or "prompt": str(words), **given}, images=len(inputs))
    return EditRequest(
        model.id,
        checked,
        inputs,
        seed_field=model.seed_field,
        prompt_field=model.prompt_field,
        mask=mask,
        region=area,
        parts=words.parts.as_json() if words.parts else None,
        model_named=model_named,
        advice=advice_for(prompt, inputs, model, checked),
    )
