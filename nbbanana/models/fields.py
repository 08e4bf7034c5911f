"""The parameters of a model as its schema lists them, in one vocabulary: `Field`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, cast, get_args

from nbbanana.models.wording import Sure

__all__ = ["Field", "Kind", "Role", "read_fields"]

Kind = Literal["string", "integer", "number", "boolean", "array", "object"]
Role = Literal["prompt", "images", "image", "reference", "mask", "seed", "count"]

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
        schema: in plain JSON Schema words (see `nbbanana.models.dialect`).
        is_shipped: whether it is one of this package; what another says of its own sources is not read.
    """
    properties: Mapping[str, Mapping[str, Any]] = schema["properties"]
    roles = _roles(properties, schema["required"])
    fields = (_read(name, node, schema["required"], roles.get(name)) for name, node in properties.items())
    return tuple(_with_source(one, properties[one.name]) for one in fields) if is_shipped else tuple(fields)


def _with_source(field: Field, node: Mapping[str, Any]) -> Field:
    own = node.get("x-nbbanana", {})
    sure = own.get("sure")
    return replace(field, source=own.get("source", ""), sure=sure if sure in get_args(Sure) else None)


def _read(name: str, node: Mapping[str, Any], required: list[str], role: Role | None) -> Field:
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
        required=name in required,
        item_kind=node.get("items", {}).get("type", "string"),
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
        texts = [name for name in PROMPTS if name in properties and _is_text(properties[name]) and name not in roles]
        roles |= dict.fromkeys(texts[:1], "prompt")
    return roles


def _picture_roles(properties: Mapping[str, Mapping[str, Any]], required: list[str]) -> dict[str, Role]:
    """Find the field whose pictures are edited: a required one first; all others take reference images."""
    by_format = [name for name, node in properties.items() if _format(node).startswith("image_uri")]
    names = [
        name for name in by_format or [name for name in properties if name in IMAGES] if "mask" not in name.lower()
    ]
    names.sort(key=lambda name: (name not in required, any(word in name.lower() for word in REFERENCES)))
    roles: dict[str, Role] = dict.fromkeys(names[1:], "reference")
    return roles | {name: "images" if _is_list(properties[name]) else "image" for name in names[:1]}


def _is_text(node: Mapping[str, Any]) -> bool:
    return node["type"] == "string" and not node.get("enum") and not _format(node)


def _format(node: Mapping[str, Any]) -> str:
    return str(node.get("format") or node.get("items", {}).get("format") or "")


def _is_list(node: Mapping[str, Any]) -> bool:
    return node["type"] == "array" or node.get("format") == "image_uris"
