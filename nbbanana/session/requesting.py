"""From what a call or a cell says to an `EditRequest`: pictures, region and mask, checked values, and advice on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from numbers import Real
from typing import Any

from nbbanana.errors import ImageError, PromptError, UsageError
from nbbanana.grammar import read_words
from nbbanana.images import ImageInput
from nbbanana.images.loading import is_url
from nbbanana.models import AUTO, Model
from nbbanana.models.checking import nearest_name
from nbbanana.models.defaults import cautions
from nbbanana.models.framing import framed
from nbbanana.prompts import Prompt
from nbbanana.regions import Area, box_shape, read
from nbbanana.request import EditRequest, Finding
from nbbanana.session.call_args import settled, with_count
from nbbanana.session.model_choice import Routes, candidates, suggestion, with_mask
from nbbanana.session.reproduce import image_of
from nbbanana.settings import settings
from nbbanana.store import Store

__all__ = ["advice_for", "cautions_of", "checked_request", "mask_of", "region_of", "unknown_rules"]

OWN = "region"
"""What a mask is that is made of the request's region; a file of that name is `./region`."""
_EDIT = re.compile(r"edit:([0-9]+)")
"""What a cell calls the region of an edit."""
_KEPT = re.compile(r"edit:([0-9]+)\.mask")
"""What a cell calls the mask of an edit."""


def region_of(region: Any, images: Sequence[ImageInput], store: Callable[[], Store]) -> Area | None:
    """
    Return the region of a request.

    Args:
        region: a region of `nb.region`, that of another edit, a box (left, top, right and bottom as parts of the
            main picture), the name of a place such as `the upper half`, a list of boxes and names, which is one region
            of several parts, or what stands on a line for it; None is none.
        images: the request's pictures.
        store: gives the store in which an edit is looked up.

    Raises:
        UsageError: no region, one on which nothing is drawn, or one of a picture that is not among these.
    """
    if region is None:
        return None
    if isinstance(region, str):
        area = _of_text(region, store)
    elif hasattr(region, "__nbbanana_region__"):
        area = region.__nbbanana_region__()
    else:
        shapes = (read(part).shapes if isinstance(part, str) else (box_shape(part),) for part in _boxes(region))
        area = Area(tuple(shape for several in shapes for shape in several), (1, 1))
    number = _number(area, images)
    picture = images[number]
    return replace(area, input=number, size=picture.size or area.size, identity=picture.identity)


Load = Callable[[Iterable[Any]], tuple[ImageInput, ...]]


def mask_of(
    source: Any, region: Area | None, *, load: Load, store: Callable[[], Store], name: str = "mask"
) -> tuple[str, ImageInput | None]:
    """
    Return the mask of a request: its parameter, and the picture; None for a picture that the service fetches.

    Args:
        source: an https URL, a region (the word `region` for the request's own), `edit:12.mask`, or whatever `load`
            takes.
        region: the request's region.
        load: loads pictures.
        store: gives the store in which an edit is looked up.
        name: what the model calls it.

    Raises:
        UsageError: there is no such mask, no region to make one of, or a box, which is a region and no mask.
        ImageError: no picture.
    """
    if isinstance(source, str) and source == OWN:
        if region is None:
            raise UsageError("There is no region to make a mask of.", "The request has none.", "Give region=… with it.")
        source = region
    if hasattr(source, "__nbbanana_region__"):
        source = source.__nbbanana_region__().mask()
    if isinstance(source, str):
        if is_url(source) and not source.startswith("data:"):
            return source, None
        if found := _KEPT.fullmatch(source):
            return _kept(int(found[1]), store())
    if _is_box(source) or (isinstance(source, list | tuple) and source and all(map(_is_box, source))):
        raise UsageError(
            f"The mask is {source!r:.60}, which is a box.",
            "A mask is a picture whose white is repainted, a region of nb.region, or the word 'region'.",
            f"region={source!r:.60}, {name}='region' makes a mask of the box.",
        )
    images = load([source])
    if len(images) != 1:
        raise ImageError(f"{len(images)} pictures are not a mask.", "A mask is one picture.", "Give one.")
    return images[0].identity, images[0]


def _kept(number: int, store: Store) -> tuple[str, ImageInput]:
    masks = store.get(number).masks
    if not masks:
        raise UsageError(f"Edit {number} had no mask.", "Nothing was masked in it.", "Name another edit.")
    image = image_of(masks[0], store)
    return image.identity, image


def _of_text(text: str, store: Callable[[], Store]) -> Area:
    found = _EDIT.fullmatch(text)
    if found is None:
        return read(text)
    area = store().get(int(found[1])).region
    if area is None:
        raise UsageError(f"Edit {found[1]} has no region.", "It was about no part of a picture.", "Name another edit.")
    return area


def _boxes(region: Any) -> list[Any]:
    """Return one box or several, as a list."""
    boxes = list(region) if isinstance(region, list | tuple) else [region]
    if not boxes:
        raise UsageError("The region is empty.", "It has no box.", "Leave it out, or give (left, top, right, bottom).")
    return [boxes] if _is_box(boxes) else boxes


def _is_box(value: Any) -> bool:
    """Return whether a value is four numbers, whatever they are."""
    return isinstance(value, list | tuple) and len(value) == 4 and all(isinstance(part, Real) for part in value)


def _number(area: Area, images: Sequence[ImageInput]) -> int:
    """Return which of the pictures it is a part of: the one that it was drawn on, else the one that it names."""
    if area.identity:
        same = [number for number, image in enumerate(images) if image.identity == area.identity]
        if same:
            return area.input if area.input in same else same[0]
        what = "The region was drawn on a picture that is not among those of the request."
    elif area.input < len(images):
        return area.input
    else:
        what = f"The region is a part of picture {area.input + 1}, and the request has {len(images)}."
    raise UsageError(what, "A region is a part of one of them.", "Give that picture, or leave the region out.")


def advice_for(
    prompt: str, images: Sequence[ImageInput], model: Model, parameters: Mapping[str, Any]
) -> tuple[Finding, ...]:
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

    sizes = tuple(image.size for image in images)
    found = [*findings(Asked(prompt, sizes or None, model, parameters), off=frozenset(settings().lint_off))]
    for name, near in unknown_rules():  # it leaves nothing out, and no request is stopped
        mend = f"Write {near!r}." if near else "Leave it out; nb.lint names the rules."
        why = f"NBBanana.lint_off names {name!r:.40}, which is no rule of the lint. {mend}"
        found.append(Finding("lint_off", "warning", (0, 0), "", why, "the settings"))
    return tuple(found)


def unknown_rules() -> Iterator[tuple[str, str | None]]:
    """Yield each name in `lint_off` that is no rule of the lint, and the rule whose name is nearest, if one is near."""
    from nbbanana.prompts.lint import all_rules

    known = [rule.id for rule in all_rules()]
    for name in settings().lint_off:
        if name not in known:
            yield name, nearest_name(name, known)


def cautions_of(model: Model, requests: Sequence[EditRequest]) -> tuple[str, ...]:
    """
    Return a sentence for each default that spoils an edit and that the requests do not set.

    Args:
        model: the model of all of them.
        requests: the passes of a chain, or one request; those of a chain differ in nothing that counts here.
    """
    first = requests[0]
    main = first.images[0] if first.images else None
    return cautions(model, first.parameters, main.size if main else None)


def checked_request(
    prompt: str,
    images: Iterable[Any],
    model: Model,
    *,
    model_named: bool,
    routes: Routes,
    load: Load,
    parameters: Mapping[str, Any] | None = None,
    region: Any = None,
    n: int | None = None,
) -> EditRequest:
    """
    Check what is asked against the model's schema; sends nothing.

    Args:
        prompt: the words, or lines of parts, which are composed in the model's grammar; of text, `{{name}}` is refused
            and `{{{{` is two braces.
        images: whatever a user calls a picture, the main one first.
        model: the model that is asked.
        model_named: whether the user named it; else one that the table of models means is suggested.
        routes: which other models there are where it is asked; `auto` takes the first of them that suits. A region or
            a mask of a record is looked up in its store.
        load: loads pictures.
        parameters: the model's own, by name, and the pair of `nbbanana.models.framing`; those that are None are left
            out.
        region: the part of a picture that it is about.
        n: how many pictures, whatever the model calls that.

    Raises:
        PromptError, VariableError, ParameterError, ImageError: it cannot be asked like this.
        UsageError: a region that is no part of one of the pictures.
    """
    if not isinstance(prompt, str):
        raise PromptError("There is no prompt.", "A request needs words.", "Say what to keep and what to change.")
    words = read_words(prompt, {})
    given = with_count(model, {key: value for key, value in (parameters or {}).items() if value is not None}, n)
    given = framed(model, with_mask(model, given, routes))
    inputs = load(settled(images))
    area = region_of(region, inputs, routes.store)
    mask = None
    if model.mask_field in given:
        source, called = given[model.mask_field], model.mask_field or "mask"
        given[model.mask_field], mask = mask_of(source, area, load=load, store=routes.store, name=called)
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
