"""The models that this package ships: one schema and one guidance file each, under `catalogue/`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources.abc import Traversable

from nbbanana.errors import UnknownModelError
from nbbanana.models.model import Model, from_schema
from nbbanana.models.naming import SCHEMA, canonical, meant_by_page, root, short_name, short_names, successor
from nbbanana.models.nearest import nearest

__all__ = ["SCHEMA", "canonical", "get", "ids", "read", "successor"]

GUIDANCE = ".md"


@lru_cache(maxsize=1)
def ids() -> tuple[str, ...]:
    """Return the ids of all shipped models, sorted."""
    return tuple(sorted(_ids(root(), "")))


@lru_cache(maxsize=64)
def get(model_id: str) -> Model:
    """
    Return a shipped model, by its id, an alias, what a service calls it, or the address of its page.

    Raises:
        UnknownModelError: there is none of that id; the nearest is named.

    >>> get("google/nano-banana-2/edit").title
    'Nano Banana 2 Edit'
    """
    model_id = canonical(model_id)
    if model_id not in ids():
        page = meant_by_page(model_id)
        near = page or _nearest(model_id)
        about = " Ids are not the addresses of pages." if page else ""
        raise UnknownModelError(
            f"There is no model {model_id.partition('?')[0][:200]!r} in the catalogue.",
            f"It holds {', '.join(map(short_name, ids()))}.{about}",
            f"Did you mean {near}?" if near else "%nbmodels lists them with what each is for.",
        )
    return read(root(), model_id)


def _nearest(written: str) -> str | None:
    """Return what was probably meant: an alias, or, where an id was written, the id."""
    if "/" in written:
        return nearest(written, ids())
    return nearest(written.replace(" ", "-").removesuffix("-edit"), [*short_names(), *ids()])


def read(folder: Traversable, model_id: str) -> Model:
    """Return the model of that id from a folder laid out as `catalogue/` is."""
    schema = json.loads(folder.joinpath(model_id + SCHEMA).read_text(encoding="utf-8"))
    guidance = folder.joinpath(model_id + GUIDANCE).read_text(encoding="utf-8")
    return from_schema(model_id, schema, guidance=guidance, is_shipped=True)


def _ids(folder: Traversable, prefix: str) -> Iterator[str]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _ids(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(SCHEMA):
            yield prefix + entry.name.removesuffix(SCHEMA)
