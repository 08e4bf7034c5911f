"""
A model's schema, from a file, a service or an OpenAPI document: in plain JSON Schema words, then as parameters in one
vocabulary (`Field`); and what a file states of how its prompts are written (`Grammar`).

The service's dialect (RunComfy, read September 2026) has a raw type `float`, lists of `validations` about media files,
and defaults that are samples. Only the words below are kept: a schema from the network is compiled to code for
checking, and must not bring references to fetch or patterns that never end.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeGuard, cast, get_args

from nbbanana.errors import ProtocolError

__all__ = [
    "Field",
    "Grammar",
    "Kind",
    "Masked",
    "Order",
    "References",
    "Role",
    "Sure",
    "checks_of",
    "input_schema",
    "member",
    "plain_schema",
    "read_fields",
    "read_grammar",
    "unreadable",
]

TYPES = {
    "string": "string",
    "str": "string",
    "integer": "integer",
    "int": "integer",
    "number": "number",
    "float": "number",
    "double": "number",
    "boolean": "boolean",
    "bool": "boolean",
    "array": "array",
    "list": "array",
    "object": "object",
    "dict": "object",
}
CHECKS = frozenset(
    {"type", "enum", "minimum", "maximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems", "items"}
)
"""The words of JSON Schema that say what a value may be."""

NUMBERS = frozenset({"minimum", "maximum"})
LENGTHS = frozenset({"minLength", "maxLength", "minItems", "maxItems"})
DEEPEST = 8
"""Lists of lists and references to references are followed so far."""

TEXTS = frozenset({"title", "description", "format"})
POST_BODY = ("post", "requestBody", "content", "application/json", "schema")


def plain_schema(model_id: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the schema with `properties` and `required` only, each property in plain words.

    Raises:
        ProtocolError: it has no properties, or some that are none.
    """
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        raise unreadable(model_id)
    plain = {str(name): _plain(model_id, node) for name, node in properties.items()}
    required = schema.get("required")
    names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    return {"properties": plain, "required": [name for name in names if name in plain]}


def checks_of(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a plain property says which values are allowed."""
    return {word: value for word, value in node.items() if word in CHECKS}


def _plain(model_id: str, node: Any, depth: int = 0) -> dict[str, Any]:
    if not isinstance(node, Mapping) or depth > DEEPEST:
        raise unreadable(model_id)
    plain = {word: value for word, value in node.items() if _is_sound(word, value)}
    plain["type"] = _type(node)
    enum, items, own = node.get("enum"), node.get("items"), node.get("x-nbbanana")
    if isinstance(enum, list):
        plain["enum"] = [
            value for value in enum if isinstance(value, str) or _is_number(value) or value in (True, False)
        ]
    if not plain.get("enum"):
        plain.pop("enum", None)
    if plain["type"] == "array" and isinstance(items, Mapping) and items:
        plain["items"] = _plain(model_id, items, depth + 1)
    if isinstance(own, Mapping):
        plain["x-nbbanana"] = {word: value for word, value in own.items() if isinstance(value, str)}
    return plain


def _is_sound(word: str, value: object) -> bool:
    """Return whether a word is one that is kept, and its value one that it can have."""
    if word in NUMBERS:
        return _is_number(value)
    if word == "multipleOf":
        return _is_number(value) and value > 0
    if word in LENGTHS:
        return _is_number(value) and isinstance(value, int) and value >= 0
    return word == "default" or (word in TEXTS and isinstance(value, str))


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _type(node: Mapping[str, Any]) -> str:
    """Return the JSON type: of several the first that is not null, else that of the allowed values or the default."""
    stated = node.get("type")
    stated = next((one for one in stated if one != "null"), None) if isinstance(stated, list) else stated
    if isinstance(stated, str) and stated in TYPES:
        return TYPES[stated]
    samples = node.get("enum") if isinstance(node.get("enum"), list) else [node.get("default")]
    kinds = {bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}
    return kinds.get(type(samples[0]) if samples else str, "string")


def unreadable(model_id: str) -> ProtocolError:
    """Return the error for a schema that cannot be read."""
    return ProtocolError(
        f"The parameters of {model_id} cannot be read.",
        "The service describes them in a form that this version does not know.",
        "Update nbbanana, or use a model of its own catalogue (%nbmodels).",
    )


def input_schema(model_id: str, document: Any) -> dict[str, Any]:
    """
    Return what a POST of the document takes: its properties and what is required, references within it followed.

    Raises:
        ProtocolError: it has none.
    """
    schemas = member(document, "components", "schemas")
    known = schemas if isinstance(schemas, Mapping) else {}
    paths = member(document, "paths")
    for path in paths.values() if isinstance(paths, Mapping) else ():
        found = _resolved(member(path, *POST_BODY), known, DEEPEST)
        properties = found.get("properties")
        if isinstance(properties, Mapping) and properties:
            nodes = {str(name): _resolved(node, known, DEEPEST) for name, node in properties.items()}
            return {"properties": nodes, "required": found.get("required", [])}
    raise unreadable(model_id)


def _resolved(node: Any, known: Mapping[str, Any], left: int) -> dict[str, Any]:
    """
    Return a node without references and without alternatives: of several, the first that is not null.

    >>> _resolved({"anyOf": [{"type": "integer"}, {"type": "null"}], "title": "Seed"}, {}, 8)
    {'type': 'integer', 'title': 'Seed'}
    >>> _resolved({"allOf": [{"$ref": "#/components/schemas/Size"}]}, {"Size": {"enum": ["1K"]}}, 8)
    {'enum': ['1K']}
    """
    if not isinstance(node, Mapping) or left == 0:
        return {}
    own = {word: value for word, value in node.items() if word not in {"$ref", "allOf", "anyOf", "oneOf"}}
    reference = node.get("$ref")
    if isinstance(reference, str):
        return _resolved(known.get(reference.rpartition("/")[2]), known, left - 1) | own
    for word in ("allOf", "anyOf", "oneOf"):
        branches = node.get(word)
        if isinstance(branches, list):
            usable = (one for one in branches if isinstance(one, Mapping) and one.get("type") != "null")
            return _resolved(next(usable, None), known, left - 1) | own
    return own


def member(value: Any, *names: str) -> Any:
    """
    Return what stands under names inside one another; None where there is none.

    >>> member({"error": {"code": 400}}, "error", "code"), member([], "error")
    (400, None)
    """
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


# ── its parameters ────────────────────────────────────────────────────────────────────────────────────────────────────

Kind = Literal["string", "integer", "number", "boolean", "array", "object"]
Role = Literal["prompt", "images", "image", "reference", "mask", "seed", "count"]
Sure = Literal["documented", "seen", "assumed"]
"""How sure a fact is: the service's pages say it, its own clients rely on it, or others say so of it or of the same
model at another service."""

COUNTS = frozenset({"number_of_images", "num_images", "num_outputs", "number_of_outputs", "image_count", "n"})
"""What services call the number of outputs."""

IMAGES = frozenset({"image_urls", "images", "image_url", "image", "input_images", "input_image"})
"""What services call the pictures, where their schemas do not say so by `format`."""

PROMPTS = ("prompt", "instruction", "instructions", "edit_instruction", "edit_prompt", "text_prompt", "text")
"""What services call the prompt, the first that a schema has."""

REFERENCES = ("reference", "ref_", "style", "control", "pose", "depth", "background")
"""Words in the names of fields for pictures that are looked at and not edited."""


@dataclass(frozen=True, slots=True)
class Field:
    """
    One parameter.

    Args:
        name: as the service calls it.
        kind: the JSON type of its value.
        option: as a command line calls it, such as `--aspect-ratio`.
        short: a one-letter option, or None.
        enum: the values that are allowed; empty where any of the kind is.
        minimum, maximum: of a number, both included; None where there is no limit.
        step: what a number must be a multiple of, or None.
        least, most: characters of a string or items of an array; None where there is no limit.
        default: what the schema says the service takes when it is left out. It is shown and never sent.
        description: a sentence or two, for help and forms.
        ends: what its first and its last value mean, in a word each; empty where that needs no words.
        cost_note: what it does to price or time, or None.
        loss: what is lost of it at this service, such as `best effort`; None where it is carried whole.
        role: what it is for: the words, the pictures that are edited (a list or one), more pictures to look at, the
            mask, the seed, the number of outputs; None for what is only passed on.
        required: whether the service refuses a request without it.
        item_kind: the JSON type of an array's items.
        source: which of `Model.sources` its facts come from; empty where the schema is a service's own.
        sure: how sure they are: `documented`, `seen` or `assumed`; None where the schema is a service's own.
    """

    name: str
    kind: Kind
    option: str
    short: str | None = None
    enum: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    least: int | None = None
    most: int | None = None
    default: Any = None
    description: str = ""
    ends: tuple[str, ...] = ()
    cost_note: str | None = None
    loss: str | None = None
    role: Role | None = None
    required: bool = False
    item_kind: Kind = "string"
    source: str = ""
    sure: Sure | None = None

    @property
    def holds_pictures(self) -> bool:
        """Whether it takes input pictures."""
        return self.role in {"images", "image", "reference"}

    @property
    def is_list(self) -> bool:
        """Whether its pictures travel as a list, and not as one string."""
        return self.kind == "array" or self.role == "images"

    @property
    def is_option(self) -> bool:
        """Whether people set it by name: everything but the prompt and the pictures."""
        return self.role != "prompt" and not self.holds_pictures


def read_fields(schema: Mapping[str, Any], *, is_shipped: bool = False) -> tuple[Field, ...]:
    """
    Return the fields of a schema in its order.

    Args:
        schema: as `plain_schema` returns it.
        is_shipped: whether it is one of this package; what another says of its own sources is not read.
    """
    properties: Mapping[str, Mapping[str, Any]] = schema["properties"]
    roles = _roles(properties, schema["required"])
    return tuple(
        _read(name, node, roles.get(name), required=name in schema["required"], is_shipped=is_shipped)
        for name, node in properties.items()
    )


def _read(name: str, node: Mapping[str, Any], role: Role | None, *, required: bool, is_shipped: bool) -> Field:
    own = node.get("x-nbbanana", {})
    is_text = node["type"] == "string"
    return Field(
        name=name,
        kind="array" if role in {"images", "reference"} and _is_list(node) else node["type"],
        option="--" + name.replace("_", "-"),
        short=own.get("short", "-n" if role == "count" else None),
        enum=tuple(node.get("enum", ())),
        minimum=node.get("minimum"),
        maximum=node.get("maximum"),
        step=node.get("multipleOf"),
        least=node.get("minLength" if is_text else "minItems"),
        most=node.get("maxLength" if is_text else "maxItems"),
        # A catalogue's defaults for these are samples: a prompt, a picture and a seed of an example.
        default=None if role in {"prompt", "images", "image", "reference", "mask", "seed"} else node.get("default"),
        description=node.get("description", ""),
        ends=tuple(filter(None, own.get("ends", "").split("/"))),
        cost_note=own.get("cost"),
        loss=own.get("loss"),
        role=role,
        required=required,
        item_kind=node.get("items", {}).get("type", "string"),
        source=own.get("source", "") if is_shipped else "",
        sure=own.get("sure") if is_shipped and own.get("sure") in get_args(Sure) else None,
    )


def _roles(properties: Mapping[str, Mapping[str, Any]], required: list[str]) -> dict[str, Role]:
    """Return what each field is for: as `x-nbbanana` says, else by format before by name."""
    roles: dict[str, Role] = {}
    for name, node in properties.items():
        stated = node.get("x-nbbanana", {}).get("role")
        if stated in get_args(Role):
            roles[name] = cast("Role", stated)
        elif "mask" in name.lower() and node["type"] == "string":
            roles[name] = "mask"
        elif name == "seed" and node["type"] == "integer":
            roles[name] = "seed"
        elif name in COUNTS and node["type"] == "integer":
            roles[name] = "count"
    if not {"images", "image"} & set(roles.values()):
        roles |= _picture_roles({name: node for name, node in properties.items() if name not in roles}, required)
    if "prompt" not in roles.values():
        plain = {name for name, node in properties.items() if not (node.get("enum") or _format(node) or name in roles)}
        texts = [name for name in PROMPTS if name in plain and properties[name]["type"] == "string"]
        roles |= dict.fromkeys(texts[:1], "prompt")
    return roles


def _picture_roles(properties: Mapping[str, Mapping[str, Any]], required: list[str]) -> dict[str, Role]:
    """Find the field whose pictures are edited: a required one first; all others take reference images."""
    by_format = [name for name, node in properties.items() if _format(node).startswith("image_uri")]
    found = by_format or [name for name in properties if name in IMAGES]
    names = [name for name in found if "mask" not in name.lower()]
    names.sort(key=lambda name: (name not in required, any(word in name.lower() for word in REFERENCES)))
    roles: dict[str, Role] = dict.fromkeys(names[1:], "reference")
    return roles | {name: "images" if _is_list(properties[name]) else "image" for name in names[:1]}


def _format(node: Mapping[str, Any]) -> str:
    return str(node.get("format") or node.get("items", {}).get("format") or "")


def _is_list(node: Mapping[str, Any]) -> bool:
    return node["type"] == "array" or node.get("format") == "image_uris"


# ── how its prompts are written ───────────────────────────────────────────────────────────────────────────────────────

References = Literal["image {n}", "the {ordinal} image"]
Order = Literal["keep first", "scene"]
Masked = Literal["change", "content"]

_ORDINALS = (
    *("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"),
    *("eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth"),
    *("nineteenth", "twentieth"),
)


@dataclass(frozen=True, slots=True)
class Grammar:
    """
    How the prompts of a model are written. One that says nothing of it has the defaults.

    Args:
        references: how a prompt names a picture by its place, `image 2` or `the second image`.
        order: `keep first` where what stays is said before what changes; `scene` where there is nothing to keep, and
            the prompt describes the picture.
        masked: what a prompt says where a mask goes with it: the `change`, or only the `content` of the white part.
        prompt_limit: characters that a prompt may have; None where no source tells.
    """

    references: References = "image {n}"
    order: Order = "keep first"
    masked: Masked = "change"
    prompt_limit: int | None = None

    def reference(self, number: int) -> str:
        """
        Return the words for the picture at a place, counted from 1.

        >>> Grammar().reference(2), Grammar("the {ordinal} image").reference(2)
        ('image 2', 'the second image')
        """
        return self.references.format(n=number, ordinal=_ordinal(number))


def read_grammar(own: Mapping[str, Any]) -> Grammar:
    """
    Return the grammar that a file states; a word that is none of the vocabulary counts as not stated.

    >>> read_grammar({"references": "the {ordinal} image", "order": "last", "prompt_limit": 900})
    Grammar(references='the {ordinal} image', order='keep first', masked='change', prompt_limit=900)
    """
    limit = own.get("prompt_limit")
    usual = Grammar()
    return Grammar(
        cast("References", _one_of(References, own.get("references"), usual.references)),
        cast("Order", _one_of(Order, own.get("order"), usual.order)),
        cast("Masked", _one_of(Masked, own.get("masked"), usual.masked)),
        limit if isinstance(limit, int) and not isinstance(limit, bool) and limit > 0 else None,
    )


def _one_of(words: Any, stated: object, usual: str) -> str:
    return str(stated) if stated in get_args(words) else usual


def _ordinal(number: int) -> str:
    """
    Return a number as an ordinal, in words as far as twenty.

    >>> _ordinal(1), _ordinal(20), _ordinal(21), _ordinal(112)
    ('first', 'twentieth', '21st', '112th')
    """
    if 1 <= number <= len(_ORDINALS):
        return _ORDINALS[number - 1]
    ending = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
