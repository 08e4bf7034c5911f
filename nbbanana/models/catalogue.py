"""The models that this package ships: one schema and one guidance file each, under `catalogue/`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from nbbanana.errors import UnknownModelError
from nbbanana.models.model import Model, from_schema
from nbbanana.models.nearest import nearest

__all__ = ["canonical", "get", "ids", "read", "successor"]

SCHEMA, GUIDANCE, INDEX = ".schema.json", ".md", "models.json"


@lru_cache(maxsize=1)
def ids() -> tuple[str, ...]:
    """Return the ids of all shipped models, sorted."""
    return tuple(sorted(_ids(_root(), "")))


def canonical(model_id: str) -> str:
    """
    Return the id of the model that an alias stands for; what is no alias stays as it is.

    >>> canonical("nano-banana-2.1"), canonical("acme/paint")
    ('google/nano-banana-2.1/edit', 'acme/paint')
    """
    return _index()["aliases"].get(model_id, model_id)


def successor(model_id: str) -> str | None:
    """
    Return the model that follows one; None where none is known.

    >>> successor("google/nano-banana-2/edit")
    'google/nano-banana-2.1/edit'
    """
    return _index()["successors"].get(canonical(model_id))


@lru_cache(maxsize=64)
def get(model_id: str) -> Model:
    """
    Return a shipped model, by its id or an alias.

    Raises:
        UnknownModelError: there is none of that id; the nearest is named.

    >>> get("google/nano-banana-2/edit").title
    'Nano Banana 2 Edit'
    """
    model_id = canonical(model_id)
    if model_id not in ids():
        near = nearest(model_id, ids())
        raise UnknownModelError(
            f"There is no model {model_id!r} in the catalogue.",
            f"It holds {', '.join(ids())}.",
            f"Did you mean {near}?" if near else "",
        )
    return read(_root(), model_id)


def read(root: Traversable, model_id: str) -> Model:
    """Return the model of that id from a folder laid out as `catalogue/` is."""
    schema = json.loads(root.joinpath(model_id + SCHEMA).read_text(encoding="utf-8"))
    guidance = root.joinpath(model_id + GUIDANCE).read_text(encoding="utf-8")
    return from_schema(model_id, schema, guidance=guidance, is_shipped=True)


@lru_cache(maxsize=1)
def _index() -> dict[str, dict[str, str]]:
    """Return what is known of models beside their own files: aliases and successors."""
    found: dict[str, dict[str, str]] = json.loads(_root().joinpath(INDEX).read_text(encoding="utf-8"))
    return found


def _root() -> Traversable:
    return files("nbbanana.models") / "catalogue"


def _ids(folder: Traversable, prefix: str) -> Iterator[str]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _ids(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(SCHEMA):
            yield prefix + entry.name.removesuffix(SCHEMA)
