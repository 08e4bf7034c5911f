"""
What a user may write for a model: its id, an alias, what a service calls it, or the address of its page.

Ids are not the addresses of pages: the page `google/nano-banana-pro/edit` is about `google/nano-banana/pro/edit`. What
is known of that is data, in `catalogue/models.json`, with the sites whose addresses are read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any
from urllib.parse import urlsplit

__all__ = ["INDEX", "SCHEMA", "canonical", "meant_by_page", "root", "short_name", "short_names", "successor"]

SCHEMA, INDEX = ".schema.json", "models.json"


def canonical(written: str) -> str:
    """
    Return the id of the model that is meant; what is no name of a model stays as it is.

    >>> canonical("nano-banana-2.1"), canonical("acme/paint")
    ('google/nano-banana-2.1/edit', 'acme/paint')
    >>> canonical("https://fal.ai/models/fal-ai/nano-banana-2/edit/playground")
    'google/nano-banana-2/edit'
    >>> canonical("https://www.runcomfy.com/models/google/nano-banana-pro/edit/api")
    'google/nano-banana/pro/edit'
    """
    slug = _slug(written) if "://" in written else None
    name = written if slug is None else meant_by_page(slug) or slug
    if name + SCHEMA in _known():  # most names are ids, and need nothing to be read
        return name
    return _index()["aliases"].get(name) or _service_ids().get(name, name)


def meant_by_page(slug: str) -> str | None:
    """Return the id of the model whose page has this address; None where the two are the same or nothing is known."""
    found: str | None = _index()["pages"].get(slug)
    return found


def short_name(model_id: str) -> str:
    """
    Return what is the least to write for a model: its shortest alias, else its id.

    >>> short_name("google/nano-banana-2/edit"), short_name("acme/paint")
    ('nano-banana', 'acme/paint')
    """
    aliases: Mapping[str, str] = _index()["aliases"]
    return min((alias for alias, known in aliases.items() if known == model_id), key=len, default=model_id)


def short_names() -> tuple[str, ...]:
    """Return all aliases, in the order of the index."""
    return tuple(_index()["aliases"])


def successor(model_id: str) -> str | None:
    """
    Return the model that follows one; None where none is known.

    >>> successor("google/nano-banana-2/edit")
    'google/nano-banana-2.1/edit'
    """
    found: str | None = _index()["successors"].get(canonical(model_id))
    return found


def root() -> Traversable:
    """Return the folder of the catalogue."""
    return files("nbbanana.models") / "catalogue"


def _slug(address: str) -> str | None:
    """Return the part of a page's address that names the model; None where it is no page of a site that is known."""
    try:
        parts = urlsplit(address.strip())
        host = parts.hostname or ""
    except ValueError:
        return None
    site = _index()["sites"].get(host.lower())
    if site is None or parts.scheme not in {"http", "https"}:
        return None
    _, found, slug = parts.path.lstrip("/").rpartition(site["after"]) if site["after"] else ("", "/", parts.path)
    slug = slug.strip("/")
    for ending in site["endings"]:
        slug = slug.removesuffix(f"/{ending}")
    return slug if found and slug else None


@lru_cache(maxsize=1)
def _index() -> Mapping[str, Any]:
    """Return what is known of models beside their own files."""
    found: dict[str, Any] = json.loads(root().joinpath(INDEX).read_text(encoding="utf-8"))
    return found


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    """Return the files of the catalogue, by their paths in it."""
    return frozenset(_files(root(), ""))


@lru_cache(maxsize=1)
def _service_ids() -> Mapping[str, str]:
    """Return the model of the catalogue that each name of a service stands for."""
    known = _known()
    models = [name.removesuffix(SCHEMA) for name in known if name.endswith(SCHEMA)]
    found: dict[str, str] = {}
    for model in models:
        for name in known:
            if name.startswith(f"{model}.") and name.endswith(".json") and not name.endswith(SCHEMA):
                told = json.loads(root().joinpath(name).read_text(encoding="utf-8"))["id"]
                found.setdefault(told, model)
    return {name: model for name, model in found.items() if name not in models}


def _files(folder: Traversable, prefix: str) -> Iterator[str]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name
