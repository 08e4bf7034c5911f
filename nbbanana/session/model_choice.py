"""The model of a request: the one that is named, else the default of the provider, or of the records in replay."""

from __future__ import annotations

from collections.abc import Callable

from nbbanana import models
from nbbanana.engine.engine import Engine
from nbbanana.errors import ConfigError, CredentialError, UnknownModelError
from nbbanana.models import AUTO, Model, auto_model
from nbbanana.models.naming import canonical, short_name
from nbbanana.models.offers import told_model
from nbbanana.session.choice import by_login
from nbbanana.session.library import Library
from nbbanana.settings import DEFAULT_MODEL, DEFAULT_PROVIDER, PLAY_PROVIDER, settings
from nbbanana.store import Store

__all__ = ["default_model", "find_model", "other_model"]

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
    if name in {DEFAULT_PROVIDER, PLAY_PROVIDER} or (replayed is not None and not name):
        return DEFAULT_MODEL  # without loading a provider, for help and forms
    from nbbanana.providers.registry import find

    try:
        spec = find(name) if name else by_login()
        return spec.default_model or DEFAULT_MODEL if spec else DEFAULT_MODEL
    except ConfigError:  # said where the request is started; help and forms show something
        return DEFAULT_MODEL


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
    from nbbanana.providers.registry import find

    try:
        return find(provider).default_model or DEFAULT_MODEL
    except ConfigError:  # of a package that is not installed here
        return DEFAULT_MODEL
