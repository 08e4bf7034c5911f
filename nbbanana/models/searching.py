"""Models found by words (`search`) and beside each other (`compare`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

from nbbanana.errors import UsageError
from nbbanana.models.catalogue import get, ids
from nbbanana.models.model import Model
from nbbanana.models.shown import Shown
from nbbanana.text import one_line

__all__ = ["ABILITIES", "ModelComparison", "ModelList", "compare", "search"]

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


class ModelList(Shown, Sequence[Model]):
    """
    Models in an order, which show themselves as a table.

    Args:
        models: they.
        about: what was asked for, such as `mask`; empty for all.
        default: the id of the model of a request that names none, which the table marks; empty marks none.
    """

    def __init__(self, models: Sequence[Model], about: str = "", default: str = "") -> None:
        self._models = tuple({model.id: model for model in models}.values())
        self.about = about
        self.default = default

    @overload
    def __getitem__(self, index: int) -> Model: ...
    @overload
    def __getitem__(self, index: slice) -> ModelList: ...
    def __getitem__(self, index: int | slice) -> Model | ModelList:
        found = self._models[index]
        return found if isinstance(found, Model) else ModelList(found, self.about, self.default)

    def __len__(self) -> int:
        return len(self._models)

    def __repr__(self) -> str:
        return one_line(f"<ModelList {', '.join(model.id for model in self._models)}>")


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
