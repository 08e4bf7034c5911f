"""A model: an endpoint, what it is for, what it takes, and the checks and options that follow from that."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, singledispatch
from itertools import islice
from typing import Any, Literal, Self, TypeVar, overload

from nbbanana.errors import ParameterError, PromptError
from nbbanana.models.checking import (
    Validator,
    allowed,
    check_values,
    compiled,
    nearest_name,
    not_allowed,
    plain_value,
    typed,
)
from nbbanana.models.schemas import (
    COUNTS,
    IMAGES,
    Field,
    Grammar,
    Role,
    plain_schema,
    read_fields,
    read_grammar,
    unreadable,
)
from nbbanana.text import counted

__all__ = ["Item_co", "Listed", "Model", "Shown", "bundle_of", "from_schema"]

T = TypeVar("T")
Item_co = TypeVar("Item_co", covariant=True)

MOST_CHARACTERS = 2**20
"""A schema that takes more is none; the largest that services have take some ten thousand."""

MANY_MODELS = 256
"""So many models of stored and live schemas are kept: a history of more shows slower."""


@singledispatch
def bundle_of(value: Any) -> dict[str, str]:
    """Return how a value of the catalogue is shown, by MIME type; `nbbanana.models.tables` says it for each kind."""
    raise TypeError(type(value))


class Shown:
    """A value that shows itself."""

    __slots__ = ()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return bundle_of(self)

    def __str__(self) -> str:
        return bundle_of(self)["text/plain"]


class Listed(Sequence[Item_co]):
    """Things in an order; a slice of them is of the same kind, and shows itself as they do."""

    def __init__(self, items: Sequence[Any]) -> None:
        self._items = tuple(items)

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> Item_co: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Item_co | Self:
        return self._part(self._items[index]) if isinstance(index, slice) else self._items[index]

    def _part(self, items: Sequence[Any]) -> Self:
        return type(self)(items)


@dataclass(frozen=True, eq=False)
class Model(Shown):
    """
    What a model takes. Everything here follows from its schema: a field added there is added everywhere.

    Args:
        id: the endpoint, such as `google/nano-banana-2/edit`.
        title: what people call it.
        kind: `edit` where it takes pictures, else `text-to-image`.
        summary: what it is for, in a sentence.
        guidance: Markdown: when to take it, how to ask.
        schema: as the file or the service has it.
        fields: its parameters in the schema's order.
        is_shipped: whether it stands in the catalogue of this package.
        grammar: how its prompts are written; the usual way where the catalogue does not say.
        sources: where the facts of its fields were read, by the names that `Field.source` has.
    """

    id: str
    title: str
    kind: Literal["edit", "text-to-image"]
    summary: str
    guidance: str = field(repr=False)
    schema: Mapping[str, Any] = field(repr=False)
    fields: tuple[Field, ...] = field(repr=False)
    is_shipped: bool = False
    grammar: Grammar = field(default_factory=Grammar)
    sources: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def options(self) -> tuple[Field, ...]:
        """The fields that are set by name: all but the prompt and the pictures."""
        return tuple(one for one in self.fields if one.is_option)

    def field(self, name: str) -> Field:
        """
        Return the field of that name.

        Raises:
            ParameterError: there is none; the nearest is named.
        """
        if found := self.named(name):
            return found
        raise self._unknown(name)

    def named(self, name: str) -> Field | None:
        """Return the field of that name, or None."""
        return self._by_name.get(name)

    def with_role(self, *roles: Role) -> Field | None:
        """Return the first field that has one of the roles, or None."""
        return next((one for one in self.fields if one.role in roles), None)

    @property
    def prompt_field(self) -> str | None:
        """The name of the field that takes the prompt."""
        return _name(self.with_role("prompt"))

    @property
    def images_field(self) -> str | None:
        """The name of the field that takes the pictures; None where the model takes none."""
        return _name(self.with_role("images", "image"))

    @property
    def mask_field(self) -> str | None:
        """The name of the field that takes a mask, by URL; None where the model takes none."""
        return _name(self.with_role("mask"))

    @property
    def seed_field(self) -> str | None:
        """The name of the field that takes the seed; None where the model has none."""
        return _name(self.with_role("seed"))

    @property
    def count_field(self) -> str | None:
        """The name of the field that takes the number of outputs; None where the model has none."""
        return _name(self.with_role("count"))

    @cached_property
    def picture_fields(self) -> tuple[Field, ...]:
        """The fields that take pictures, in the order in which they get them: the one that is edited first."""
        pictures = [one for one in self.fields if one.holds_pictures]
        return tuple(sorted(pictures, key=lambda one: one.role == "reference"))

    @property
    def min_images(self) -> int:
        """How many pictures it needs."""
        return sum(_least_pictures(one) for one in self.picture_fields)

    @property
    def max_images(self) -> int | None:
        """How many pictures it takes; None where the schema sets no limit."""
        most = [_most_pictures(one) for one in self.picture_fields]
        return None if None in most else sum(filter(None, most))

    def share_pictures(self, images: Sequence[T]) -> dict[str, list[T]]:
        """
        Share the pictures of a request out to the fields that take pictures.

        Each field gets what it needs, and the first ones as many more as they take: of one picture to edit and a list
        of references, the first picture is edited.

        Args:
            images: in their order, as many as the model takes.
        """
        shares = {one.name: _least_pictures(one) for one in self.picture_fields}
        left = len(images) - sum(shares.values())
        for one in self.picture_fields:
            most = _most_pictures(one)
            more = left if most is None else min(left, most - shares[one.name])
            shares[one.name] += max(0, more)
            left -= max(0, more)
        stream = iter(images)
        shared = {name: list(islice(stream, count)) for name, count in shares.items()}
        return {name: share for name, share in shared.items() if share}

    def count(self, parameters: Mapping[str, Any], live: Model | None = None) -> int:
        """Return how many outputs are asked for: what is set, else the default of the schema in force, else one."""
        given = parameters.get(self.count_field) if self.count_field else None
        if given is None:
            field = (live or self).with_role("count")
            given = field.default if field else None
        return max(1, int(given)) if isinstance(given, int | float) else 1

    def check(self, parameters: Mapping[str, Any], *, images: int) -> dict[str, Any]:
        """
        Return the parameters as they can be sent: of JSON's types, without those that are None.

        Args:
            parameters: by name, the prompt among them, the pictures not.
            images: how many pictures go with them.

        Raises:
            ParameterError: an unknown name, a value that is not allowed, a missing one, too few or too many pictures.
            PromptError: no words where the model needs some.
        """
        values = {
            name: plain_value(value, self._settable(name)) for name, value in parameters.items() if value is not None
        }
        self._check_images(images)
        self._check_prompt(values)
        check_values(self._validator, self._by_name, values)
        for one in self.fields:
            if one.required and one.name not in values and not one.holds_pictures:
                raise self._missing(one)
        return values

    def parse_option(self, option: Field | str, text: str) -> Any:
        """
        Return the value that a text from a command line stands for, checked.

        Args:
            option: a field, or its name.
            text: such as `4`, `true`, `16:9`; a list as `a,b` or as JSON.

        Raises:
            ParameterError: the field does not take it.
        """
        found = option if isinstance(option, Field) else self.field(option)
        value = plain_value(typed(found, text), found)
        check_values(self._validator, self._by_name, {found.name: value})
        return value

    def payload(
        self, parameters: Mapping[str, Any], image_urls: Sequence[str], *, live: Model | None = None
    ) -> dict[str, Any]:
        """
        Return the JSON body of a request: the parameters as given, and the pictures under the fields that take them.

        Args:
            parameters: as `check` returned them.
            image_urls: https URLs or data URIs, in their order.
            live: the same model as the service describes it now: a field that it renames is sent under its name
                there, and what it does not take is an error here, before anything is paid.

        Raises:
            ParameterError: the live schema does not take a parameter, a value, or so many pictures.
        """
        target = live or self
        values = dict(parameters)
        if live is not None:
            renamed = filter(None, (self._renamed(item, live) for item in values.items()))
            values = live.check(dict(renamed), images=len(image_urls))
        for name, share in target.share_pictures(image_urls).items():
            values[name] = share if target.field(name).is_list else share[0]
        return values

    def posts(self, payload: Mapping[str, Any], *, counts: bool) -> list[dict[str, Any]]:
        """
        Return the bodies of the POSTs that a request takes.

        Args:
            payload: the body of the request.
            counts: whether one POST can ask for several outputs; else there is one POST an output, without the count,
                and the seed counts up.
        """
        body = dict(payload)
        count = int(body.pop(self.count_field, None) or 1) if self.count_field and not counts else 1
        seed = body.get(self.seed_field) if self.seed_field else None
        if count == 1 or not self.seed_field or not isinstance(seed, int):
            return [dict(body) for _ in range(count)]
        return [{**body, self.seed_field: seed + k} for k in range(count)]

    def counterpart(self, name: str, live: Model) -> Field | None:
        """Return the field that carries a parameter in the schema of a service: that of its name, else of its role."""
        own = self.field(name)
        return live.named(name) or (live.with_role(own.role) if own.role else None)

    def goes_without_saying(self, name: str, value: Any) -> bool:
        """Return whether a parameter says what a service without that parameter does anyway: one output."""
        return self.field(name).role == "count" and value == 1

    def _renamed(self, item: tuple[str, Any], live: Model) -> tuple[str, Any] | None:
        """Return a parameter under the name that the live schema has for it, in its type; None if it says nothing."""
        name, value = item
        own, there = self.field(name), self.counterpart(name, live)
        if there is None and self.goes_without_saying(name, value):
            return None
        if there is None:
            raise ParameterError(
                f"{name} is not a parameter of {self.id} at this service.",
                "The service describes the model without it.",
                "Leave it out.",
            )
        same_kind = there.kind == own.kind or isinstance(value, list | dict)
        return there.name, value if same_kind else typed(there, str(value).lower())

    def __str__(self) -> str:
        return repr(self)

    @cached_property
    def _by_name(self) -> dict[str, Field]:
        return {one.name: one for one in self.fields}

    @cached_property
    def _validator(self) -> Validator:
        properties = plain_schema(self.id, self.schema)["properties"]
        pictures = {one.name for one in self.picture_fields}
        return compiled({name: node for name, node in properties.items() if name not in pictures})

    def _settable(self, name: str) -> Field:
        found = self.field(name)
        if found.holds_pictures:
            raise ParameterError(
                f"{name} is not set by name.", "The pictures are given beside the parameters.", "Give them as pictures."
            )
        return found

    def _unknown(self, name: str) -> ParameterError:
        names = [one.name for one in self.options]
        near = self.count_field if name in COUNTS else nearest_name(name, names)
        if name in IMAGES:
            return ParameterError(
                f"{name} is not a parameter of {self.id}.",
                "Pictures are given beside the parameters.",
                'In Python they follow the prompt: nb.edit("…", "photo.jpg").',
            )
        return ParameterError(
            f"{name} is not a parameter of {self.id}.{f' Did you mean {near}?' if near else ''}",
            f"It takes {', '.join(names)}." if names else "It takes nothing but words and pictures.",
            f"Write {near}." if near else "Leave it out.",
        )

    def _missing(self, field: Field) -> ParameterError:
        if field.role != "mask":
            return ParameterError(f"{field.name} is missing.", f"{self.id} needs it.", f"Give {allowed(field)}.")
        return ParameterError(
            f"{self.id} needs a mask, and none is given ({field.name} is missing).",
            "It paints what the mask marks.",
            "Give --mask PICTURE; in Python mask=, a picture or a region.",
        )

    def _check_images(self, images: int) -> None:
        low, high = self.min_images, self.max_images
        if images >= low and (high is None or images <= high):
            return
        if high == 0:
            raise ParameterError(
                f"{self.id} takes no pictures: {images} given.",
                "It makes pictures from words alone.",
                "Leave them out, or use a model that edits, such as google/nano-banana-2/edit.",
            )
        takes = f"{low} to {high}" if high is not None and high != low else f"{low}{' or more' if high is None else ''}"
        if not images:
            raise ParameterError(
                "No picture was given.",
                f"{self.id} takes {takes} in one request.",
                'In a cell: %%nbedit photo.jpg; in Python: nb.edit("…", "photo.jpg"). From words alone: --model auto.',
            )
        raise ParameterError(
            f"{counted(images, 'picture')} {'is' if images == 1 else 'are'} too {'few' if images < low else 'many'}.",
            f"{self.id} takes {takes} in one request.",
            "Give more." if images < low else "Leave some out, or make several requests.",
        )

    def _check_prompt(self, values: Mapping[str, Any]) -> None:
        prompt = self.with_role("prompt")
        if prompt is None:
            return
        words = values.get(prompt.name)
        if prompt.required and (words is None or (isinstance(words, str) and not words.strip())):
            raise PromptError(
                "There is no prompt.", f"{self.id} needs words to go by.", "Say what to keep, then what to change."
            )
        if isinstance(words, str) and any("\ud800" <= character <= "\udfff" for character in words):
            raise PromptError(
                "The prompt cannot be sent.", "It holds half of a character (a lone surrogate).", "Write it anew."
            )
        if words is not None and not isinstance(words, str):
            raise not_allowed(prompt, words)


def from_schema(
    model_id: str,
    schema: Mapping[str, Any],
    *,
    guidance: str = "",
    is_shipped: bool = False,
) -> Model:
    """
    Return a model from its input schema, be it from a file or from the service.

    The field that takes the pictures is found by its `format` (`image_uris`, `image_uri`), else by name; the seed, the
    number of outputs and the mask by name. `x-nbbanana` says it outright: `role`, `short`, `cost`, `ends`. Equal
    schemas give the same model, at once: records of models that are not shipped are shown by theirs.

    Args:
        model_id: the endpoint.
        schema: JSON Schema or the service's dialect of it (see `nbbanana.models.schemas`).
        guidance: Markdown.
        is_shipped: whether it stands in the catalogue of this package.

    Raises:
        ProtocolError: the schema cannot be read.

    >>> model = from_schema("a/b", {"properties": {"prompt": {"type": "string"}, "image": {"format": "image_uris"}}})
    >>> model.kind, model.images_field, model.max_images
    ('edit', 'image', None)
    """
    return _model(model_id, _spelled(model_id, schema), guidance, is_shipped=is_shipped)


@lru_cache(maxsize=MANY_MODELS)
def _model(model_id: str, spelled: str, guidance: str, *, is_shipped: bool) -> Model:
    schema = json.loads(spelled)
    fields = read_fields(plain_schema(model_id, schema), is_shipped=is_shipped)
    # Of what came over the network, nothing that only this package's own files say counts.
    own = schema.get("x-nbbanana", {}) if is_shipped else {}
    return Model(
        id=model_id,
        title=str(schema.get("title") or model_id),
        kind="edit" if any(one.holds_pictures for one in fields) else "text-to-image",
        summary=str(schema.get("description") or ""),
        guidance=guidance,
        schema=schema,
        fields=fields,
        is_shipped=is_shipped,
        grammar=read_grammar(own.get("grammar", {})),
        sources=own.get("sources", {}),
    )


def _spelled(model_id: str, schema: Mapping[str, Any]) -> str:
    """Return a schema as JSON, in the order of its fields."""
    try:
        spelled = json.dumps(schema, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        raise unreadable(model_id) from None
    if len(spelled) > MOST_CHARACTERS:
        raise unreadable(model_id)
    return spelled


def _least_pictures(one: Field) -> int:
    return (one.least if one.is_list else None) or (1 if one.required else 0)


def _most_pictures(one: Field) -> int | None:
    return one.most if one.is_list else 1


def _name(found: Field | None) -> str | None:
    return None if found is None else found.name
