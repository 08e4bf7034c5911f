"""
What services said of their models when they were asked here: one dated file a service, beside the keys.

It outranks the files of this package that are older, so that a new model or price needs no release. A file that cannot
be read counts as none, and the log says so: an edit must not fail because of it.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from nbbanana.errors import ConfigError, ProtocolError, translated
from nbbanana.models.offer_files import Offer, checked_offer, offer_as_json, today
from nbbanana.settings import PLAY_PROVIDER, config_dir

__all__ = ["keep", "keep_schema", "kept", "kept_providers"]

MOST_BYTES = 16 * 2**20
MOST_MODELS = 500
"""Models of one service that are kept; the newest of more."""
FORMAT = 1

log = logging.getLogger("nbbanana.models")


def kept(provider: str) -> Mapping[str, Offer]:
    """Return what a service said of its models when it was asked last, by their ids in the catalogue."""
    try:
        path = _path(provider)
        facts = path.stat()
    except (OSError, ConfigError, ValueError):
        return {}
    return _read(provider, path, facts.st_mtime_ns, facts.st_size)


def kept_providers() -> tuple[str, ...]:
    """Return the services that were asked here; a sandbox is none, whatever models it had."""
    try:
        return tuple(sorted(path.stem for path in _path("").parent.glob("*.json") if path.stem != PLAY_PROVIDER))
    except (OSError, ConfigError):
        return ()


def keep(provider: str, offers: Iterable[Offer]) -> Path:
    """
    Keep what a service said, beside what it said of other models before.

    Raises:
        ConfigError: the folder cannot be written.
        ProtocolError: what the service said is none that could be read again.
    """
    fresh = {offer.model: offer_as_json(offer) for offer in offers}
    for model, found in fresh.items():
        checked_offer(provider, model, found)
    old = {model: offer_as_json(offer) for model, offer in kept(provider).items() if model not in fresh}
    newest = dict([*fresh.items(), *old.items()][:MOST_MODELS])
    path = _path(provider)
    with translated(OSError, lambda error: _cannot_write(path, error)):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _replace(path, json.dumps({"format": FORMAT, "provider": provider, "models": newest}, indent=1))
    return path


def keep_schema(provider: str, model: str, name: str, schema: Mapping[str, Any]) -> None:
    """
    Keep the schema that a service told of a model when it was used by its id, with the day.

    One that cannot be kept is asked for again by the next kernel, and the log says why: an edit must not fail of it.

    Args:
        provider: the service; its records name it so.
        model: the id that it was used by.
        name: what the service calls it.
        schema: what it takes.
    """
    day = today()
    try:
        keep(
            provider, [Offer(provider, model, name, schema, None, day, "its schema, read when it was used", alive=day)]
        )
    except (ConfigError, ProtocolError) as error:
        log.warning("the schema of a model is not kept: %s", error.what)


@lru_cache(maxsize=32)
def _read(provider: str, path: Path, changed: int, size: int) -> Mapping[str, Offer]:
    """Return the offers of a file; `changed` makes one that was written again be read again."""
    del changed
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8")) if size <= MOST_BYTES else None
    except (OSError, ValueError, RecursionError):
        found = None
    models = found.get("models") if isinstance(found, dict) and found.get("format") == FORMAT else None
    if not isinstance(models, dict):
        log.warning("%s cannot be read, and counts as not there: nbbanana models refresh writes it anew", path.name)
        return {}
    offers: dict[str, Offer] = {}
    for model, one in list(models.items())[:MOST_MODELS]:
        try:
            offers[model] = checked_offer(provider, model, one)
        except ProtocolError as error:
            log.warning("in %s: %s", path.name, error.what)
    return offers


def _path(provider: str) -> Path:
    return config_dir() / "models" / f"{provider}.json"


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all, readable by its owner."""
    handle, name = tempfile.mkstemp(prefix=".", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _cannot_write(path: Path, error: OSError) -> ConfigError:
    return ConfigError(f"{path.name} cannot be written.", f"{error.strerror}.", "Check the folder of the settings.")
