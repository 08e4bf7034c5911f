"""From what a call or a cell says to an `EditRequest`: pictures loaded, region and mask made, values checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from nbbanana.errors import PromptError
from nbbanana.grammar import read_words
from nbbanana.images import ImageInput
from nbbanana.models import AUTO, Model
from nbbanana.models.framing import framed
from nbbanana.prompts import Prompt
from nbbanana.regions import Area
from nbbanana.request import EditRequest
from nbbanana.session.advising import advice_for
from nbbanana.session.call_args import settled, with_count
from nbbanana.session.model_routing import Routes, candidates, suggestion, with_mask
from nbbanana.session.region_args import mask_of, region_of
from nbbanana.store import Store

__all__ = ["checked_request"]


def checked_request(
    prompt: str,
    images: Iterable[Any],
    model: Model,
    *,
    model_named: bool,
    routes: Routes,
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
        model_named: whether the user named it; else one that the table of models means is suggested.
        routes: which other models there are where it is asked; `auto` takes the first of them that suits.
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
    words = read_words(prompt)
    given = with_count(model, {key: value for key, value in (parameters or {}).items() if value is not None}, n)
    given = framed(model, with_mask(model, given, routes))
    inputs = load(settled(images))
    area = region_of(region, inputs, store)
    mask = None
    if model.mask_field in given:
        source, called = given[model.mask_field], model.mask_field or "mask"
        given[model.mask_field], mask = mask_of(source, area, load=load, store=store, name=called)
    made = partial(_made, words=words, images=inputs, mask=mask, region=area, model_named=model_named)
    said = str(words.for_grammar(model.grammar))
    if model.id == AUTO:
        return routes.best(made(*one) for one in candidates(said, len(inputs), model, given, routes))
    return made(model, given, "" if model_named else suggestion(said, len(inputs), model, given, routes))


def _made(
    model: Model,
    given: Mapping[str, Any],
    note: str,
    *,
    words: Prompt,
    images: tuple[ImageInput, ...],
    mask: ImageInput | None,
    region: Area | None,
    model_named: bool,
) -> EditRequest:
    """Return the request to a model, its words in the grammar of that, checked against its schema."""
    written = words.for_grammar(model.grammar)
    checked = model.check({model.prompt_field or "prompt": str(written), **given}, images=len(images))
    return EditRequest(
        model.id,
        checked,
        images,
        seed_field=model.seed_field,
        prompt_field=model.prompt_field,
        mask=mask,
        region=region,
        parts=written.parts.as_json() if written.parts else None,
        model_named=model_named,
        model_note=note,
        advice=advice_for(str(written), images, model, checked),
    )
