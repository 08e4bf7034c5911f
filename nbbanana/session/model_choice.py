"""The model of a request: the one that is named, the default, or the one that suits; nothing is sent for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nbbanana import models
from nbbanana.engine.engine import Engine
from nbbanana.errors import ConfigError, CredentialError, ParameterError, UnknownModelError
from nbbanana.models import AUTO, Model, Ranked, Ranking, auto_model, choose
from nbbanana.models.carrying import transferred
from nbbanana.models.catalogue import canonical, search, short_name
from nbbanana.models.offers import told_model
from nbbanana.providers.registry import ProviderSpec, find
from nbbanana.request import EditRequest
from nbbanana.session.engines import Choice, by_login
from nbbanana.session.library import Library
from nbbanana.settings import DEFAULT_MODEL, DEFAULT_PROVIDER, PLAY_PROVIDER, settings
from nbbanana.store import Store

__all__ = [
    "Routes",
    "before_sending",
    "candidates",
    "default_model",
    "find_model",
    "other_model",
    "suggestion",
    "with_mask",
]

RECENT = 100
"""So many of the newest records are looked at in replay."""


def default_model(provider: str, replayed: Callable[[], Store] | None = None) -> str:
    """
    Return the default model of a provider.

    Args:
        provider: its name; empty is that of the settings, else that of a login, else the default one.
        replayed: gives the store that answers, in replay: there a request that named no model goes to the one that
            such requests went to, whatever is installed here and whatever the default is by now.

    >>> default_model("sandbox")
    'google/nano-banana-2/edit'
    """
    name = provider or settings().provider
    if replayed is not None:
        edits = replayed().filter(provider=name or None, limit=RECENT)
        found = next((edit.model for edit in edits if not edit.model_named), None)
        if found is not None:
            return found
        name = name or DEFAULT_PROVIDER
    try:
        login = None if name else by_login()
    except ConfigError:  # said where the request is started; help and forms show something
        login = None
    return _usual(name or (login.name if login else DEFAULT_PROVIDER))


def find_model(model_id: str, engine: Callable[[], Engine] | None, library: Library) -> Model:
    """
    Return a model by its id: shipped, else by its live schema.

    Args:
        model_id: its id, or another name that `canonical` knows; `auto` is what stands for the one that suits best.
        engine: gives the engine that asks the service; None asks none, as in replay: there a record's schema is taken.
        library: the records.

    Raises:
        UnknownModelError: it is not known.
    """
    if model_id == AUTO:
        return auto_model()
    model_id = canonical(model_id)
    try:
        return models.get(model_id)
    except UnknownModelError as unknown:
        if engine is None:
            return library.model_by_id(model_id)
        try:
            return engine().live_model(model_id).result()
        except (CredentialError, UnknownModelError) as error:
            if told := told_model(model_id):  # by another that was asked before: `--provider` chooses it
                return told
            raise unknown from (None if isinstance(error, CredentialError) else error)  # it names the nearest


def other_model(model_id: str, provider: str) -> str:
    """
    Return what one writes for a model that is not the default of its provider; empty where it is.

    >>> other_model("google/nano-banana-2/edit", "sandbox"), other_model("qwen/qwen-image-2.1/edit", "sandbox")
    ('', 'qwen')
    """
    return "" if model_id == _usual(provider) else short_name(model_id)


def _usual(provider: str) -> str:
    """Return what `default_model` says of a provider that is named."""
    if provider in {DEFAULT_PROVIDER, PLAY_PROVIDER}:
        return DEFAULT_MODEL  # without loading a provider, for help and forms

    try:
        return find(provider).default_model or DEFAULT_MODEL
    except ConfigError:  # of a package that is not installed here
        return DEFAULT_MODEL


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
        yield (
            one.model,
            dict(transferred(given, asked, one.model).parameters),
            f"auto: {one.id}, since {one.reasons[0]}.{better}",
        )


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
