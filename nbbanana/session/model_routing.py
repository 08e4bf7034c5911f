"""
The model that suits a request: taken where `auto` asks for it, and suggested in a sentence where no model was named.

A model that is named is that one. Nothing here sends or asks anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbbanana.errors import ConfigError, CredentialError, ParameterError
from nbbanana.models import Model, Ranked, Ranking, choose
from nbbanana.models.naming import short_name
from nbbanana.models.searching import search
from nbbanana.models.transfer import transferred
from nbbanana.request import EditRequest
from nbbanana.settings import DEFAULT_MODEL, settings

if TYPE_CHECKING:
    from nbbanana.providers.spec import ProviderSpec
    from nbbanana.session.choice import Choice
    from nbbanana.store import Store

__all__ = ["Routes", "before_sending", "candidates", "suggestion", "with_mask"]

SENT = "Sent to"
"""What a sentence about another model says of where the request went."""

MASKS = frozenset({"mask", "mask_url", "mask_image", "mask_image_url"})
"""What a mask is called where a model's own word for it is not known, and what models call it."""


@dataclass(frozen=True)
class Routes:
    """
    Where a request may go: to the provider in use, or, in replay, to the store alone.

    Args:
        choice: gives who would run a request now.
        store: gives the store.
        is_replay: whether everything is answered from the store.
    """

    choice: Callable[[], Choice]
    store: Callable[[], Store]
    is_replay: bool

    @property
    def _spec(self) -> ProviderSpec | None:
        try:
            return None if self.is_replay else self.choice().spec
        except (ConfigError, CredentialError):  # said where the request is started
            return None

    @property
    def default(self) -> str:
        """The model of requests that name none."""
        spec = self._spec
        return (spec.default_model if spec else "") or DEFAULT_MODEL

    def carry(self, model_id: str) -> bool:
        """Return whether the provider is known to have a model, without asking it; the store may have any."""
        if self.is_replay:
            return True
        spec = self._spec
        found = spec.offer(model_id) if spec else None
        return found is not None and not found.gone

    def best(self, requests: Iterator[EditRequest]) -> EditRequest:
        """Return the first request; in replay the first that the store has an answer to, if there is one."""
        first = next(requests)
        if not self.is_replay or self._is_answered(first):
            return first
        return next(filter(self._is_answered, requests), first)

    def _is_answered(self, request: EditRequest) -> bool:
        return bool(self.store().by_ask(request.ask, None, states=("completed",), limit=1))


def candidates(
    prompt: str, images: int, asked: Model, given: Mapping[str, Any], routes: Routes
) -> Iterator[tuple[Model, dict[str, Any], str]]:
    """
    Give the models that a request with `--model auto` can go to, the best first: each with its parameters, and why.

    Args:
        prompt: the words.
        images: how many pictures go with them.
        asked: the model that stands for all of them, under whose names the parameters are.
        given: what is set.
        routes: what is known where it is asked.

    Raises:
        ParameterError: no model of the provider can take it.
    """
    facts: dict[str, Any] = {"images": images, "mask": _mask_of(asked, given), "default": routes.default}
    ranking = choose(prompt, **facts, parameters=given, of=asked)
    carried = [one for one in ranking if routes.carry(one.id)]
    if not carried:
        raise _nothing_takes_it(ranking)
    better = _kept_out(choose(prompt, **facts), ranking, carried[0], routes)
    for one in carried:
        yield one.model, dict(transferred(given, asked, one.model).parameters), f"auto: {_why(one)}.{better}"


def suggestion(prompt: str, images: int, model: Model, given: Mapping[str, Any], routes: Routes) -> str:
    """
    Return a sentence about the model that the table means where the user named none; empty where it is this one.

    Args:
        prompt: the words.
        images: how many pictures go with them.
        model: the model that is asked, the default one.
        given: what is set, under its names.
        routes: what is known where it is asked.
    """
    if routes.is_replay or not settings().suggest:
        return ""
    first = choose(prompt, images=images, mask=_mask_of(model, given), default=model.id).first
    if first is None or not first.need or first.id == model.id or not routes.carry(first.id):
        return ""
    lacks = transferred(given, model, first.model).dropped
    said = first.reasons[0][:1].upper() + first.reasons[0][1:]
    meant = f"{said}: {first.id} is for that (--model {short_name(first.id)})."
    options = " and ".join(model.field(name).option for name in lacks)
    without = f" It does not take {options} as set: leave {'it' if len(lacks) == 1 else 'them'} out there."
    return f"{meant}{without if lacks else ''} {SENT} {model.id}."


def before_sending(note: str) -> str:
    """
    Return the sentence of `suggestion` as it reads where nothing was sent yet.

    >>> before_sending("qwen is for that. Sent to kontext.")
    'qwen is for that. It would go to kontext.'
    """
    said, sent, model = note.rpartition(f" {SENT} ")
    return f"{said} It would go to {model}" if sent else note


def with_mask(model: Model, given: Mapping[str, Any], routes: Routes) -> dict[str, Any]:
    """
    Return what is set, with a mask under the model's own word for it.

    Raises:
        ParameterError: the model takes no mask; those that take one are named.
    """
    masks = [name for name in given if name in MASKS and all(one.name != name for one in model.fields)]
    if not masks:
        return dict(given)
    if model.mask_field is None or model.mask_field in given or len(masks) > 1:
        raise _no_mask(model, routes)
    return {model.mask_field if name in masks else name: value for name, value in given.items()}


def _no_mask(model: Model, routes: Routes) -> ParameterError:
    if model.mask_field is not None:
        return ParameterError("There are two masks.", f"{model.id} takes one.", f"Give {model.mask_field} alone.")
    able = [one.id for one in search("mask")]
    here = [one for one in able if routes.carry(one)]
    named = ", ".join(f"{one} (--model {short_name(one)})" for one in here or able)
    where = "These models take one" if here else "These take one, and the service in use is not known to have them"
    mend = "Name one of them, or leave the mask out and say the place in words."
    return ParameterError(f"{model.id} takes no mask.", f"{where}: {named}.", mend)


def _mask_of(model: Model, given: Mapping[str, Any]) -> bool:
    return model.mask_field is not None and model.mask_field in given


def _why(one: Ranked) -> str:
    return f"{one.id}, since {one.reasons[0]}"


def _kept_out(wished: Ranking, able: Ranking, taken: Ranked, routes: Routes) -> str:
    """Say of a model that the table means why it is not taken."""
    first = wished.first
    if first is None or not first.need or first.id == taken.id:
        return ""
    if first.id in able.excluded:
        return f" {first.id} is for this, but {able.excluded[first.id]}."
    return "" if routes.carry(first.id) else f" {first.id} is for this, but the service in use is not known to have it."


def _nothing_takes_it(ranking: Ranking) -> ParameterError:
    reasons: dict[str, list[str]] = {}
    for model, why in ranking.excluded.items():
        reasons.setdefault(why, []).append(short_name(model))
    said = "; ".join(f"{', '.join(names)}: {why}" for why, names in reasons.items())
    return ParameterError(
        "No model of the catalogue that the provider has can take this.", f"{said}.", "Name a model, or change that."
    )
