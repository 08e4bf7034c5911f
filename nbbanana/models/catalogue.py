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

__all__ = ["get", "ids", "read"]

SCHEMA, GUIDANCE = ".schema.json", ".md"


@lru_cache(maxsize=1)
def ids() -> tuple[str, ...]:
    """Return the ids of all shipped models, sorted."""
    return tuple(sorted(_ids(_root(), "")))


@lru_cache(maxsize=64)
def get(model_id: str) -> Model:
    """
    Return a shipped model.

    Raises:
        UnknownModelError: there is none of that id; the nearest is named.

    >>> get("google/nano-banana-2/edit").title
    'Nano Banana 2 Edit'
    """
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


def _root() -> Traversable:
    return files("nbbanana.models") / "catalogue"


def _ids(folder: Traversable, prefix: str) -> Iterator[str]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _ids(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(SCHEMA):
            yield prefix + entry.name.removesuffix(SCHEMA)
