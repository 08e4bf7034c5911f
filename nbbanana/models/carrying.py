"""
What of a request's parameters goes elsewhere: to a service (`payload_for`), or to another model (`transferred`).

A parameter is carried whole, with loss, under another name, or not at all, which is an error that says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from nbbanana.errors import ParameterError, UsageError, translated
from nbbanana.models.catalogue import get, ids
from nbbanana.models.checking import did_you_mean
from nbbanana.models.framing import PAIR, Frame, frame_of, framed, is_frame, pair_fields, said_together
from nbbanana.models.model import Model, from_schema
from nbbanana.models.offers import offers_of
from nbbanana.models.schemas import COUNTS, Field
from nbbanana.text import one_line

__all__ = ["Transfer", "carriers", "checked", "losses", "payload_for", "transferred"]

MISSING = "it has no such parameter"


def payload_for(
    model: Model, parameters: Mapping[str, Any], image_urls: Sequence[str], live: Model | None, service: str
) -> dict[str, Any]:
    """
    Return the JSON body of a request as a service takes it; see `Model.payload`.

    Args:
        model: as the catalogue has it.
        parameters: what the user set, and the seed that goes out.
        image_urls: https URLs or data URIs, in their order.
        live: the model as the service has it; None is as the catalogue has it.
        service: the name of the provider, for the error.

    Raises:
        ParameterError: a parameter would be dropped, or a value or so many pictures are not taken. Nothing was sent.
    """
    with translated(ParameterError, partial(_not_taken, service)):
        pair = {name: parameters[name] for name in PAIR if name in parameters}
        lacking = [name for name in pair if live and model.counterpart(name, live) is None]
        # A service that has other words for the shape and the size gets them in its own.
        own = framed(live, pair) if live and lacking and pair_fields(live) else {}
    rest = {name: value for name, value in parameters.items() if not own or name not in PAIR}
    for name in rest if live else ():
        if live and model.counterpart(name, live) is None and not model.goes_without_saying(name, rest[name]):
            raise _dropped(model.id, name, service)
    with translated(ParameterError, partial(_not_taken, service)):
        return {**model.payload(rest, image_urls, live=live), **own}


def losses(model: Model, parameters: Mapping[str, Any], live: Model | None, service: str) -> tuple[str, ...]:
    """
    Return a line for each set parameter that a service carries with loss.

    >>> there = from_schema("m", {"properties": {"seed": {"type": "integer", "x-nbbanana": {"loss": "best effort"}}}})
    >>> losses(there, {"seed": 7}, there, "gemini")
    ('gemini carries seed with loss: best effort.',)
    """
    found = ((name, model.counterpart(name, live)) for name in parameters) if live else ()
    lossy = ((name, one_line(there.loss, 200)) for name, there in found if there and there.loss)
    return tuple(f"{service} carries {name} with loss: {loss}." for name, loss in lossy)


def carriers(model_id: str, parameter: str) -> tuple[str, ...]:
    """
    Return the services that carry a parameter of a model, by the catalogue.

    >>> carriers("google/nano-banana-2.1/edit", "enable_web_search")
    ('fal', 'gemini')
    """
    if model_id not in ids():
        return ()
    there = {one.provider: from_schema(model_id, one.schema) for one in offers_of(model_id)}
    return tuple(name for name, live in there.items() if get(model_id).counterpart(parameter, live))


def _dropped(model_id: str, name: str, service: str) -> ParameterError:
    others = [one for one in carriers(model_id, name) if one != service]
    if not others:
        why, mend = "No service of the catalogue is known to carry it.", f"Leave {name} out."
    else:
        *first, last = others
        who = f"{', '.join(first)} and {last} carry" if first else f"{last} carries"
        why = f"It would be dropped. {who} it, by the catalogue."
        mend = f"Leave {name} out, or choose that service: --provider {others[0]}."
    return ParameterError(f"{service} does not carry {name} for {model_id}.", why, f"{mend} Nothing was sent.")


def _not_taken(service: str, error: ParameterError) -> ParameterError:
    return ParameterError(error.what, f"{error.why} This holds for {service}.", f"{error.how} Nothing was sent.")


@dataclass(frozen=True, slots=True)
class Transfer:
    """
    What another model gets of the parameters of a request.

    Args:
        parameters: as the other model takes them.
        said: a sentence for each that goes along under another name or with another word.
        dropped: why, by name, for each that has no counterpart there.
    """

    parameters: Mapping[str, Any]
    said: tuple[str, ...] = ()
    dropped: Mapping[str, str] = field(default_factory=dict)


def transferred(parameters: Mapping[str, Any], before: Model, after: Model) -> Transfer:
    """
    Carry parameters from one model to another: by role (the words, the seed, the count, the mask), else by name.

    Nothing is dropped without being named: what has no counterpart, or whose value is not taken, is in `dropped`.

    Args:
        parameters: what was set, under the names of `before`; the prompt may be among them.
        before: the model that they were set for.
        after: the model that they are for now.

    >>> from nbbanana import models
    >>> edit, words = models.get("nano-banana"), models.get("google/nano-banana-2/text-to-image")
    >>> moved = transferred({"number_of_images": 2, "seed": 7, "resolution": "0.5K"}, edit, words)
    >>> dict(moved.parameters), list(moved.dropped)
    ({'num_images': 2, 'seed': 7, 'resolution': '0.5K'}, [])
    """
    kept: dict[str, Any] = {}
    said: list[str] = []
    dropped: dict[str, str] = {}
    frames: dict[str, Any] = {}
    for name, value in parameters.items():
        there = _counterpart(name, before, after)
        own = before.named(name)
        if own is not None and is_frame(own) and not (there and _takes(value, there, after)):
            frames[name] = value
        elif there is None:
            if own is None or not before.goes_without_saying(name, value):
                dropped[name] = MISSING
        else:
            try:
                kept[there.name] = _taken(value, there, after)
            except ParameterError as error:
                dropped[name] = _why(error)
            else:
                said += [] if there.name == name else [f"{name} is {there.name} there."]
    for names in _together(frames, after):
        try:
            words = _framed({name: frames[name] for name in names}, after)
        except ParameterError as error:
            dropped |= dict.fromkeys(names, _why(error))
            continue
        kept = {**words, **kept}
        said.append(f"{said_together({name: frames[name] for name in names})} is {said_together(words)} there.")
    ordered = {one.name: kept[one.name] for one in after.fields if one.name in kept}
    return Transfer(ordered, tuple(said), dropped)


def _together(frames: Mapping[str, Any], after: Model) -> list[list[str]]:
    """Return the names of shapes and sizes that another model says in one word, or each by itself."""
    try:
        _framed(frames, after)
    except ParameterError:
        return [[name] for name in frames]
    return [list(frames)] if frames else []


def _framed(frames: Mapping[str, Any], after: Model) -> dict[str, Any]:
    """Return shapes and sizes in another model's words; a ParameterError where it has none."""
    pair = {key: word for name, value in frames.items() for key, word in _pair_of(name, value).items()}
    words = framed(after, pair)
    return {name: _taken(word, after.field(name), after) for name, word in words.items()}


def _pair_of(name: str, value: Any) -> dict[str, Any]:
    """Return what a model's word for a shape or a size is in the pair of `nbbanana.models.framing`."""
    frame = frame_of(value)
    if name in PAIR or frame is None:
        return {name: value}
    return {key: str(word) for key, word in zip(PAIR, (Frame(frame.ratio), frame.tier), strict=True) if str(word or "")}


def _why(error: ParameterError) -> str:
    return f"{error.what} {error.why}".strip().rstrip(".")


def checked(moved: Transfer, before: Model, after: Model, without: Iterable[str] = ()) -> dict[str, Any]:
    """
    Return the parameters that another model gets, if everything that has no counterpart there was given up.

    Args:
        moved: what `transferred` returned.
        before: the model that they were set for.
        after: the model that they are for now.
        without: the names that the user gives up.

    Raises:
        ParameterError: it names what cannot be carried, and what to write to leave it out.
        UsageError: something is given up that was not set.
    """
    names = [without] if isinstance(without, str) else without
    given_up = dict.fromkeys(_meant(name, before) for name in names)
    known = {*moved.dropped, *moved.parameters, *(one.name for one in before.fields)}
    for name in given_up:
        if name not in known:
            mend = did_you_mean(name, sorted(known), "Leave it out of without=.")
            raise UsageError(f"{one_line(name, 60)} was not set.", "without names what is given up.", mend)
    lost = {name: why for name, why in moved.dropped.items() if name not in given_up}
    if lost:
        absent = ", ".join(_said(name, before) for name, why in lost.items() if why == MISSING)
        whys = [f"It has no {absent}."] if absent else []
        whys += [f"{_said(name, before)}: {one_line(why, 160)}." for name, why in lost.items() if why != MISSING]
        named = ", ".join(_said(name, before) for name in lost)
        everything = sorted(_said(name, before) for name in {*given_up, *lost})
        raise ParameterError(
            f"{after.id} cannot be asked the same: {named} would be dropped.",
            " ".join(whys),
            f"To leave {'it' if len(lost) == 1 else 'them'} out: without={everything!r}. Nothing was sent.",
        )
    theirs = {there.name for name in given_up if (there := _counterpart(name, before, after)) is not None}
    return {name: value for name, value in moved.parameters.items() if name not in theirs}


def _meant(name: str, before: Model) -> str:
    """Return the parameter that a user means, who may write `mask`, `n`, or the option of a line."""
    bare = name.removeprefix("--").replace("-", "_")
    if before.named(bare):
        return bare
    role = "count" if bare in COUNTS else bare
    found = before.with_role(role) if role in {"mask", "count", "seed"} else None  # type: ignore[arg-type]
    return found.name if found is not None else name


def _said(name: str, before: Model) -> str:
    """Return what a user writes for a parameter: a mask is `mask`, whatever the model calls it."""
    return "mask" if name == before.mask_field else name


def _counterpart(name: str, before: Model, after: Model) -> Field | None:
    """Return the field of another model that means the same: that with its role, else that of its name."""
    own, there = before.named(name), after.named(name)
    if own is not None and own.role:
        return after.with_role(own.role)
    return there if there and not there.holds_pictures else None


def _takes(value: Any, there: Field, after: Model) -> bool:
    try:
        _taken(value, there, after)
    except ParameterError:
        return False
    return True


def _taken(value: Any, there: Field, after: Model) -> Any:
    """Return a value as another model takes it; a ParameterError where it does not."""
    if there.role in {"prompt", "mask"} or not isinstance(value, str | int | float | bool):
        return value
    return after.parse_option(there, value if isinstance(value, str) else json.dumps(value))
