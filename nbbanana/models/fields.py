"""The parameters of a model as its schema lists them, in this house's words: `Field`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

__all__ = ["Field", "Kind", "Role", "read_fields"]

Kind = Literal["string", "integer", "number", "boolean", "array", "object"]
Role = Literal["prompt", "images", "image", "mask", "seed", "count"]

COUNTS = frozenset({"number_of_images", "num_images", "num_outputs", "number_of_outputs", "image_count", "n"})
"""What services call the number of outputs."""

IMAGES = frozenset({"image_urls", "images", "image_url", "image", "input_images", "input_image"})
"""What services call the pictures, where their schemas do not say so by `format`."""


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
        cost_note: what it does to price or time, or None.
        role: what it is for, where this house must know.
        required: whether the service refuses a request without it.
        item_kind: the JSON type of an array's items.
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
    cost_note: str | None = None
    role: Role | None = None
    required: bool = False
    item_kind: Kind = "string"

    @property
    def holds_pictures(self) -> bool:
        """Whether it takes the input pictures."""
        return self.role in {"images", "image"}

    @property
    def is_option(self) -> bool:
        """Whether people set it by name: everything but the prompt and the pictures."""
        return self.role != "prompt" and not self.holds_pictures


def read_fields(schema: Mapping[str, Any]) -> tuple[Field, ...]:
    """The fields of a schema in plain JSON Schema words (see `nbbanana.models.dialect`), in its order."""
    properties: Mapping[str, Mapping[str, Any]] = schema["properties"]
    pictures = _pictures_name(properties, schema["required"])
    return tuple(_read(name, node, schema["required"], pictures) for name, node in properties.items())


def _read(name: str, node: Mapping[str, Any], required: list[str], pictures: str | None) -> Field:
    own = node.get("x-nbbanana", {})
    role = _role(name, node, pictures)
    is_text = node["type"] == "string"
    return Field(
        name=name,
        kind=node["type"],
        option="--" + name.replace("_", "-"),
        short=own.get("short", "-n" if role == "count" else None),
        enum=tuple(node.get("enum", ())),
        minimum=node.get("minimum"),
        maximum=node.get("maximum"),
        step=node.get("multipleOf"),
        least=node.get("minLength" if is_text else "minItems"),
        most=node.get("maxLength" if is_text else "maxItems"),
        # A catalogue's defaults for these are samples: somebody's prompt, somebody's picture, some seed.
        default=None if role in {"prompt", "images", "image", "mask", "seed"} else node.get("default"),
        description=node.get("description", ""),
        cost_note=own.get("cost"),
        role=role,
        required=name in required,
        item_kind=node.get("items", {}).get("type", "string"),
    )


def _role(name: str, node: Mapping[str, Any], pictures: str | None) -> Role | None:
    stated = node.get("x-nbbanana", {}).get("role")
    if stated in get_args(Role):
        return cast("Role", stated)
    if name == pictures:
        return "images" if _is_list(node) else "image"
    if "mask" in name.lower() and node["type"] == "string":
        return "mask"
    if name == "prompt" and node["type"] == "string":
        return "prompt"
    if name == "seed" and node["type"] == "integer":
        return "seed"
    return "count" if name in COUNTS and node["type"] == "integer" else None


def _pictures_name(properties: Mapping[str, Mapping[str, Any]], required: list[str]) -> str | None:
    """The field that takes the input pictures: by format before by name, a required one first."""
    by_format = [name for name, node in properties.items() if _format(node).startswith("image_uri")]
    by_name = [name for name in properties if name in IMAGES]
    for names in (by_format, by_name):
        found = [name for name in names if "mask" not in name.lower()]
        if found:
            return next(_first(found, required))
    return None


def _first(names: list[str], required: list[str]) -> Iterator[str]:
    yield from (name for name in names if name in required)
    yield from names


def _format(node: Mapping[str, Any]) -> str:
    return str(node.get("format") or node.get("items", {}).get("format") or "")


def _is_list(node: Mapping[str, Any]) -> bool:
    return node["type"] == "array" or node.get("format") == "image_uris"
