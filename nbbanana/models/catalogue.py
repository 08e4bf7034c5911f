"""
The models that this package ships, one schema and one guidance file each: what a user may write for one, models found
by words (`search`) and beside each other (`compare`).

That is its id, an alias, what a service calls it, or the address of its page. Ids are not the addresses of pages: the
page `google/nano-banana-pro/edit` is about `google/nano-banana/pro/edit`. What is known of that is data, in
`catalogue/models.json`, with the sites whose addresses are read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Self
from urllib.parse import urlsplit

from nbbanana.errors import UnknownModelError, UsageError
from nbbanana.models.checking import nearest
from nbbanana.models.model import Listed, Model, Shown, from_schema
from nbbanana.text import one_line, packaged

__all__ = [
    "ABILITIES",
    "SCHEMA",
    "ModelComparison",
    "ModelList",
    "canonical",
    "compare",
    "get",
    "ids",
    "meant_by_page",
    "read",
    "root",
    "search",
    "service_file",
    "services_of",
    "short_name",
    "successor",
]

SCHEMA, GUIDANCE = ".schema.json", ".md"


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
    slug = _slug(written) if "://" in str(written) else None
    name = str(written) if slug is None else meant_by_page(slug) or slug
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


def _index() -> Any:
    """Return what is known of models beside their own files."""
    return packaged(__package__, "catalogue/models.json")


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    """Return the files of the catalogue, by their paths in it."""
    return frozenset(_files(root(), ""))


@lru_cache(maxsize=64)
def services_of(model_id: str) -> tuple[str, ...]:
    """Return the services of which the catalogue has a file for one of its models."""
    if model_id not in ids():
        return ()
    ends = (name.removeprefix(f"{model_id}.") for name in _known() if name.startswith(f"{model_id}."))
    return tuple(end.removesuffix(".json") for end in ends if end.endswith(".json") and f".{end}" != SCHEMA)


def service_file(model_id: str, service: str) -> Any:
    """Return the file of a service of `services_of`, an object, for reading only."""
    return packaged(__package__, f"catalogue/{model_id}.{service}.json")


@lru_cache(maxsize=1)
def _service_ids() -> Mapping[str, str]:
    """Return the model of the catalogue that each name of a service stands for."""
    pairs = [(model, service) for model in ids() for service in services_of(model)]
    found = {service_file(model, service)["id"]: model for model, service in pairs}
    return {name: model for name, model in found.items() if name not in ids()}


def _files(folder: Traversable, prefix: str) -> Iterator[str]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name


@lru_cache(maxsize=1)
def ids() -> tuple[str, ...]:
    """Return the ids of all shipped models, sorted."""
    return tuple(sorted(name.removesuffix(SCHEMA) for name in _known() if name.endswith(SCHEMA)))


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
    return nearest(written.replace(" ", "-").removesuffix("-edit"), [*_index()["aliases"], *ids()])


def read(folder: Traversable, model_id: str) -> Model:
    """Return the model of that id from a folder laid out as `catalogue/` is."""
    schema = json.loads(folder.joinpath(model_id + SCHEMA).read_text(encoding="utf-8"))
    guidance = folder.joinpath(model_id + GUIDANCE).read_text(encoding="utf-8")
    return from_schema(model_id, schema, guidance=guidance, is_shipped=True)


# ── searching and comparing ─────────────────────────────────────────────────────────────────────────────────────

ABILITIES: Mapping[str, Callable[[Model], bool]] = {
    "mask": lambda model: model.mask_field is not None,
    "seed": lambda model: model.seed_field is not None,
    "several pictures": lambda model: model.max_images is None or model.max_images > 1,
    "one picture": lambda model: model.max_images == 1,
    "no picture": lambda model: model.max_images == 0,
    "several outputs": lambda model: model.count_field is not None,
}
"""What a model can do, by the words that find it; what its guidance says of other models' abilities does not count."""

_SAID = {
    "inpainting": "mask",
    "masks": "mask",
    "seeds": "seed",
    "several images": "several pictures",
    "several inputs": "several pictures",
    "count": "several outputs",
    "text to image": "no picture",
    "text-to-image": "no picture",
}
"""Other words for them."""


class ModelList(Shown, Listed[Model]):
    """
    Models in an order, which show themselves as a table.

    Args:
        models: they.
        about: what was asked for, such as `mask`; empty for all.
        default: the id of the model of a request that names none, which the table marks; empty marks none.
    """

    def __init__(self, models: Sequence[Model], about: str = "", default: str = "") -> None:
        super().__init__(list({model.id: model for model in models}.values()))
        self.about = about
        self.default = default

    def _part(self, items: Sequence[Model]) -> Self:
        return type(self)(items, self.about, self.default)

    def __repr__(self) -> str:
        return one_line(f"<ModelList {', '.join(model.id for model in self)}>")


@dataclass(frozen=True, slots=True)
class ModelComparison(Shown):
    """
    Models beside each other, as a table.

    Args:
        models: in the order in which they were named.
    """

    models: tuple[Model, ...]

    def __repr__(self) -> str:
        return one_line(f"<ModelComparison {', '.join(model.id for model in self.models)}>")


def search(words: str = "") -> ModelList:
    """
    Return the models that all of these words are about: their id, title, purpose, advice, fields, or what they can do.

    Args:
        words: such as `mask`, `seed`, `several pictures`, `lettering`; nothing is all models.

    Raises:
        UsageError: it is no text.

    >>> [model.id for model in search("no picture")]
    ['google/nano-banana-2/text-to-image']
    >>> search("seed sunburst of a lighthouse")
    <ModelList >
    """
    if not isinstance(words, str):
        raise UsageError(f"The words are a {type(words).__name__}.", "They are a text.", 'nb.models.search("mask")')
    able, rest = _divided(words)
    known = [get(one) for one in ids()]
    found = [model for model in known if all(ABILITIES[one](model) for one in able)]
    placed = [(place, model) for model in found if (place := _place(model, rest)) is not None]
    return ModelList([model for _, model in sorted(placed, key=lambda pair: pair[0])], one_line(words, 60))


def compare(*models: Any) -> ModelComparison:
    """
    Return models beside each other: what each takes, and where they differ.

    Args:
        models: two or more: ids, aliases or models.

    Raises:
        UsageError: fewer than two.
        UnknownModelError: there is none of that id.

    >>> compare("nano-banana", "nano-banana-2.1")
    <ModelComparison google/nano-banana-2/edit, google/nano-banana-2.1/edit>
    """
    if len(models) < 2:
        raise UsageError("A comparison needs two models.", f"{len(models)} given.", 'compare("nano-banana", "kontext")')
    return ModelComparison(tuple(one if isinstance(one, Model) else get(str(one)) for one in models))


def _divided(words: str) -> tuple[list[str], list[str]]:
    """Return the abilities that are asked for, and the other words."""
    left = f" {' '.join(words.casefold().split())} "
    able = []
    for said in sorted([*ABILITIES, *_SAID], key=len, reverse=True):
        if f" {said} " in left:
            left = left.replace(f" {said} ", " ")
            able.append(_SAID.get(said, said))
    return able, left.split()


def _place(model: Model, words: Sequence[str]) -> int | None:
    """Return how far from the model's name the words stand, 0 for in it; None where one is not there."""
    texts = [f"{model.id} {model.title}", model.summary, " ".join(_about(model))]
    places = [_first(word, texts) for word in words]
    return None if None in places else sum(filter(None, places))


def _first(word: str, texts: Sequence[str]) -> int | None:
    """Return the first text that has a word as a whole, or several of what it means."""
    whole = re.compile(rf"(?<![^\W_]){re.escape(word)}(?:s|es|'s)?(?![^\W_])", re.IGNORECASE)
    return next((place for place, text in enumerate(texts) if whole.search(text)), None)


def _about(model: Model) -> Iterator[str]:
    """Give its options, and of its guidance what is about it and not about another."""
    for one in model.options:
        yield f"{one.name} {one.description}"
    for part in model.guidance.split("\n## "):
        if not part.startswith(("When to take another", "What it does not promise")):
            yield part
