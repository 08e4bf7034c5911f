"""A request's parameters under another model's names: what goes along, what is called otherwise, what is lost."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nbbanana.errors import ParameterError, UsageError
from nbbanana.models.fields import COUNTS, Field
from nbbanana.models.framing import PAIR, Frame, frame_of, framed, is_frame
from nbbanana.models.model import Model
from nbbanana.models.nearest import did_you_mean
from nbbanana.text import one_line

__all__ = ["Transfer", "checked", "transferred"]

MISSING = "it has no such parameter"


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
        own = next((one for one in before.fields if one.name == name), None)
        if own is not None and is_frame(own) and not (there and _takes(value, there, after)):
            frames[name] = value
        elif there is None:
            if not _goes_without_saying(name, value, before):
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
        said.append(f"{_in_words({name: frames[name] for name in names})} is {_in_words(words)} there.")
    return Transfer(_in_order(kept, after), tuple(said), dropped)


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


def _in_words(words: Mapping[str, Any]) -> str:
    return " and ".join(f"{name} {value}" for name, value in words.items())


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
    if any(one.name == bare for one in before.fields):
        return bare
    role = "count" if bare in COUNTS else bare
    found = before.with_role(role) if role in {"mask", "count", "seed"} else None  # type: ignore[arg-type]
    return found.name if found is not None else name


def _said(name: str, before: Model) -> str:
    """Return what a user writes for a parameter: a mask is `mask`, whatever the model calls it."""
    return "mask" if name == before.mask_field else name


def _counterpart(name: str, before: Model, after: Model) -> Field | None:
    """Return the field of another model that means the same: that with its role, else that of its name."""
    own = next((one for one in before.fields if one.name == name), None)
    by_role = after.with_role(own.role) if own is not None and own.role else None
    named = next((one for one in after.fields if one.name == name and not one.holds_pictures), None)
    return by_role or (named if own is None or own.role is None else None)


def _goes_without_saying(name: str, value: Any, before: Model) -> bool:
    return any(one.name == name for one in before.fields) and before.goes_without_saying(name, value)


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


def _in_order(values: Mapping[str, Any], model: Model) -> dict[str, Any]:
    return {one.name: values[one.name] for one in model.fields if one.name in values}
