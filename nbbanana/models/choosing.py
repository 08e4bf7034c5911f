"""
Which model suits a request: `choose` ranks them, with reasons, and says what keeps the others out.

What it rests on is the table of the document that this package follows (see `nbbanana.models.routing`), and each
sentence that it quotes stands in the guidance of a model. Where nothing speaks for another model, the default wins.
`--model auto` takes the first of the ranking; until then it takes what any model takes (`auto_model`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import takewhile
from typing import Any, Self

from nbbanana.errors import UsageError
from nbbanana.models.carrying import transferred
from nbbanana.models.catalogue import canonical, get, ids
from nbbanana.models.model import Listed, Model, Shown, from_schema
from nbbanana.models.routing import Need, default_model, document, named_in, needs, needs_of, spoken_text
from nbbanana.text import one_line

__all__ = ["AUTO", "Ranked", "Ranking", "auto_model", "choose"]

NAMED = "A model that somebody names is the one that is used, whatever stands here."
"""The sentence of each guidance about a model that is named."""

NOTHING_SPEAKS = "nothing in the words speaks for another model"


@dataclass(frozen=True, slots=True)
class Ranked:
    """
    A model in a ranking.

    Args:
        model: it.
        reasons: why it stands where it stands, in plain words.
        sentence: the sentence of the guidance that this rests on.
        source: the id of the model in whose guidance the sentence stands.
        need: the row of the table that speaks for it; empty where none does.
        sign: the words of the prompt that are the sign of that; empty where a fact or nothing is.
    """

    model: Model
    reasons: tuple[str, ...]
    sentence: str
    source: str
    need: str = ""
    sign: str = ""

    @property
    def id(self) -> str:
        """The id of the model."""
        return self.model.id


@dataclass(frozen=True)
class Ranking(Shown, Listed[Ranked]):
    """
    Models for a request, the best first; it shows itself as a list with reasons.

    Args:
        entries: those that can take it.
        excluded: by id, the fact that keeps each of the others out.
        default: the model that a request goes to that names none.
        prompt: the words that were read.
    """

    entries: tuple[Ranked, ...]
    excluded: Mapping[str, str] = field(default_factory=dict)
    default: str = ""
    prompt: str = field(default="", repr=False)

    @property
    def _items(self) -> tuple[Ranked, ...]:  # type: ignore[override] # its entries are its items
        return self.entries

    def _part(self, items: Sequence[Ranked]) -> Self:
        return replace(self, entries=tuple(items))

    def __repr__(self) -> str:
        return one_line(f"<Ranking {', '.join(one.id for one in self.entries)}>")

    @property
    def first(self) -> Ranked | None:
        """The model that suits best; None where no model can take the request."""
        return self.entries[0] if self.entries else None

    @property
    def says(self) -> str:
        """
        The outcome in a sentence.

        >>> choose("Turn day into night.").says
        'google/nano-banana-2/edit: nothing in the words speaks for another model.'
        """
        if self.first is None:
            return "No model can take this; `excluded` says why of each."
        return f"{self.first.id}: {'; '.join(self.first.reasons)}."

    @property
    def alternatives(self) -> tuple[Ranked, ...]:
        """Those that the table speaks for, and the default one: what to choose from."""
        return tuple(one for one in self.entries if one.need or one.id == self.default)

    @property
    def document(self) -> str:
        """What the table stands in."""
        return document()


def choose(
    prompt: str,
    *,
    images: int | Sized | None = None,
    mask: Any = None,
    default: str | None = None,
    among: Iterable[str] | None = None,
    parameters: Mapping[str, Any] | None = None,
    of: Model | None = None,
) -> Ranking:
    """
    Rank the models for a request, the best first, by the table of the document that this package follows.

    Nothing is sent, and nothing is decided: a model that is named is always the one that is used.

    Args:
        prompt: the words.
        images: how many pictures go with them, or the pictures; None is not known yet.
        mask: whether a mask goes with them, or the mask; None is not known yet.
        default: the model that wins where nothing speaks for another; None is `google/nano-banana-2/edit`.
        among: the ids to choose from, as those that a service has; None is the whole catalogue.
        parameters: what else is set; a model without a counterpart for it is left out.
        of: the model under whose names the parameters stand; None is the default one.

    Returns:
        A sequence of `Ranked`. Its `excluded` says of each other model what keeps it out.

    Raises:
        UsageError: the prompt is no text, or `images` no number.

    >>> ranking = choose("a lighthouse in the fog", images=0)
    >>> ranking[0].id, ranking[0].reasons
    ('google/nano-banana-2/text-to-image', ('there is no picture to begin with',))
    >>> ranking.excluded["google/nano-banana-2/edit"]
    'needs a picture, and none is given'
    """
    if not isinstance(prompt, str):
        raise UsageError(
            f"The prompt is a {type(prompt).__name__}.", "It is a text.", 'nb.models.choose("…", images=1)'
        )
    usual = canonical(default or default_model())
    named = of or (get(usual) if usual in ids() else None)
    has_mask = mask if mask is None or isinstance(mask, bool) else True
    asked = _Asked(prompt, _count(images), has_mask, usual, dict(parameters or {}), named)
    known = [one for one in ids() if among is None or one in {*map(canonical, among)}]
    excluded = {one: why for one in known if (why := asked.obstacle(get(one)))}
    able = [one for one in known if one not in excluded]
    ranked: dict[str, Ranked] = {}
    for one in asked.spoken_for(able):
        ranked.setdefault(one.id, one)
    return Ranking(tuple(ranked.values()), excluded, asked.default, prompt)


@dataclass(frozen=True)
class _Asked:
    """What is known of a request."""

    prompt: str
    images: int | None
    mask: bool | None
    default: str
    parameters: Mapping[str, Any]
    of: Model | None

    @cached_property
    def _said(self) -> dict[str, str]:
        return needs_of(self.prompt)

    @cached_property
    def _needs(self) -> list[tuple[Need, str]]:
        """The rows of the table that are about it, each with the words that say so; empty for a fact."""
        facts = {"mask": bool(self.mask), "no picture": self.images == 0, "several": (self.images or 0) > 1}
        found = []
        for need in needs():
            words = self._said.get(need.name)
            if any(facts.get(fact, False) for fact in need.facts):
                found.append((need, ""))
            elif words is not None and self._may_be(need):
                found.append((need, f"“{spoken_text(self.prompt) if '⟦' in words else words}”"))
        return found

    def _speaks_for_default(self, need: Need) -> bool:
        """Return whether a row names the default model and no other."""
        return all(model in {"default", self.default} for model in need.models)

    def obstacle(self, model: Model) -> str:
        """Return the fact that keeps a model from taking it; empty where none does."""
        if model.max_images == 0 and self.images is None and "no picture" not in self._said:
            return "makes pictures from words alone, and these do not say that there is no picture"
        return _pictures_amiss(model, self.images) or self._mask_amiss(model) or self._parameters_amiss(model)

    def _mask_amiss(self, model: Model) -> str:
        needs_one = any(one.role == "mask" and one.required for one in model.fields)
        if self.mask and model.mask_field is None:
            return "takes no mask, and one is given"
        most = next(need.most_images or 1 for need in needs() if "mask" in need.facts)
        if self.mask and (self.images or 0) > most:
            return f"takes {_pictures(most)} with a mask, and {self.images} are given"
        may_have_one = self.mask or (self.mask is None and "mask" in self._said)
        return "needs a mask, and none is given" if needs_one and not may_have_one else ""

    def _parameters_amiss(self, model: Model) -> str:
        if not self.parameters or self.of is None or model.id == self.of.id:
            return ""
        moved = transferred(self.parameters, self.of, model)
        return f"does not take {' and '.join(moved.dropped)} as set" if moved.dropped else ""

    def spoken_for(self, able: Sequence[str]) -> Iterator[Ranked]:
        """Give models in their order, some of them more than once: each stands where it is first."""
        ahead = list(takewhile(lambda row: not self._speaks_for_default(row[0]), self._needs))
        named = named_in(self.prompt)
        if named and named in able:
            yield Ranked(get(named), ("the words name it",), NAMED, named, "named")
        for need, sign in ahead:
            for model, (source, sentence) in need.models.items():
                if model in able:
                    why = f"{need.says} ({sign})" if sign else need.says
                    yield _ranked(get(model), (why,), sentence, source or model, need.name, sign)
        if self.default in able:
            why = "it is the default model" if ahead or named in able else NOTHING_SPEAKS
            rows = [need.says for need, _ in self._needs if self._speaks_for_default(need)]
            yield _ranked(get(self.default), (why, *rows), next(self._quotes(), ""))
        for model in able:
            yield _ranked(get(model), ("it can take this, and nothing in the words speaks for it",))

    def _quotes(self) -> Iterator[str]:
        """Give the sentences of the default model's own guidance for what is asked."""
        guidance = " ".join(get(self.default).guidance.split())
        for need, _ in self._needs:
            for model, (_, sentence) in need.models.items():
                if model in {"default", self.default} and sentence in guidance:
                    yield sentence

    def _may_be(self, need: Need) -> bool:
        """Return whether the facts leave room for what the words say."""
        if "mask" in need.facts:
            return self.mask is None
        return not ("single" in need.facts and (self.images or 0) > 1)


def _ranked(
    model: Model, reasons: tuple[str, ...], sentence: str = "", source: str = "", need: str = "", sign: str = ""
) -> Ranked:
    """Return an entry; one without a sentence of the table has the first of its guidance's list of when to take it."""
    _, _, listed = model.guidance.partition("## When to take it")
    item, _, _ = listed.lstrip().removeprefix("- ").partition("\n- ")
    first = " ".join(item.partition("\n\n")[0].split())
    return Ranked(model, reasons, sentence or first, source or model.id, need, sign)


def _pictures_amiss(model: Model, images: int | None) -> str:
    least, most = model.min_images, model.max_images
    if images is None or (images >= least and (most is None or images <= most)):
        return ""
    if most == 0:
        return f"takes no pictures, and {images} {'is' if images == 1 else 'are'} given"
    if images < least:
        return f"needs {'a picture' if least == 1 else _pictures(least)}, and {images or 'none'} is given"
    return f"takes {_pictures(most or 0)}, and {images} are given"


def _pictures(count: int) -> str:
    return "one picture" if count == 1 else f"{count} pictures"


def _count(images: int | Sized | None) -> int | None:
    if images is None or (isinstance(images, int) and not isinstance(images, bool) and images >= 0):
        return images
    if isinstance(images, Sized) and not isinstance(images, str | bytes):
        return len(images)
    raise UsageError(
        f"images is {images!r:.60}.", "It is how many pictures go with the words.", "Give a number, such as images=2."
    )


AUTO = "auto"
"""What is written in the place of a model for the first of a ranking."""


@lru_cache(maxsize=1)
def auto_model() -> Model:
    """
    Return a model with every option that a model of the catalogue has, the default one's first.

    >>> auto_model().field("seed").role, auto_model().max_images
    ('seed', 20)
    """
    first = get(default_model())
    properties = {one.name: dict(first.schema["properties"][one.name]) for one in first.fields}
    roles = {one.role for one in first.fields if one.role}
    for model in map(get, ids()):
        for one in model.options:
            node = model.schema["properties"][one.name]
            if one.name in properties:
                properties[one.name] = _wider(properties[one.name], node)
            elif one.role is None or one.role not in roles:
                properties[one.name] = dict(node)
                roles |= {one.role} if one.role else set()
    for one in first.picture_fields:
        properties[one.name] = {**properties[one.name], "minItems": 0}
    schema = {"title": "Auto", "description": "The model that suits the request best.", "type": "object"}
    needed = [one.name for one in first.fields if one.required and not one.holds_pictures]
    for node in properties.values():
        node.pop("default", None)
    return from_schema(AUTO, {**schema, "required": needed, "properties": properties})


def _wider(known: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return a field that takes the words of both; where one of them takes any, any."""
    if "enum" not in known:
        return known
    if "enum" not in other:
        return {key: value for key, value in known.items() if key != "enum"} if other.get("type") == "string" else known
    return {**known, "enum": list(dict.fromkeys([*known["enum"], *other["enum"]]))}
