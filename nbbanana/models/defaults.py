"""
Defaults that spoil an edit: a fixed shape where the output should have the input's, and prompts that are rewritten.

They are found by the shape of a schema, of a shipped model as of one that a service handed out: a field for the shape
whose default is one certain ratio, and a switch that has the service write another prompt and is on. What is proposed
instead is said before it bites, and sent only when a person accepts it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from nbbanana.models.framing import AUTO, frame_of, nearest_word, says_shape, sides
from nbbanana.models.model import Model
from nbbanana.models.schemas import Field

__all__ = ["Proposal", "cautions", "presets", "proposals"]

OFF = frozenset({"off", "false", "no", "none", "never", "disabled", "disable"})

_REWRITES = re.compile(r"enhanc|expan|exten|rewrit|upsampl|optimi[sz]|magic|improv|refin|augment")


@dataclass(frozen=True, slots=True)
class Proposal:
    """
    What to set instead of a default that spoils an edit.

    Args:
        field: the parameter.
        value: what to set; None where the model has no value that does no harm, so that a person must choose.
        why: a sentence that names the model, what it does by itself, and what to write.
        short: what it does by itself, for a form that shows it at the field.
    """

    field: str
    value: Any
    why: str
    short: str


def proposals(model: Model, size: tuple[int, int] | None = None) -> tuple[Proposal, ...]:
    """
    Return what to set of a model that would otherwise do what nobody asked for; most models need nothing.

    Args:
        model: any, shipped or not.
        size: width and height of the main picture, for a sentence about its ratio; None where they are not known.

    >>> from nbbanana.models import get
    >>> [(found.field, found.value) for found in proposals(get("seedream"))]
    [('aspect_ratio', 'auto')]
    >>> print(proposals(get("qwen"))[0].why)
    qwen/qwen-image-2.1/edit rewrites the prompt unless told otherwise: --no-enhance-prompt sends it as it is written.
    """
    return tuple(_of_shape(model, size)) + tuple(_of_rewriting(model))


def cautions(model: Model, parameters: Mapping[str, Any], size: tuple[int, int] | None = None) -> tuple[str, ...]:
    """
    Return a sentence for each such default that a request leaves as it is; see `proposals`.

    >>> from nbbanana.models import get
    >>> cautions(get("seedream"), {"aspect_ratio": "1:1"})
    ()
    """
    return tuple(found.why for found in proposals(model, size) if parameters.get(found.field) is None)


def presets(model: Model) -> dict[str, Any]:
    """Return what a form sets from the beginning, for a person to see, keep or reset."""
    return {found.field: found.value for found in proposals(model) if found.value is not None}


def _of_shape(model: Model, size: tuple[int, int] | None) -> Iterator[Proposal]:
    """Yield what to set where an edit would get one certain shape, whatever shape the input has."""
    for field in model.options if model.kind == "edit" else ():
        frame = frame_of(field.default) if says_shape(field) and field.default is not None else None
        if frame is None or not isinstance(frame.ratio, Fraction):
            continue
        shape = "square" if frame.ratio == 1 else f"{frame.ratio.numerator}:{frame.ratio.denominator}"
        auto = next((word for word in field.enum if str(word).lower() in AUTO), None)
        does = f"{'makes' if auto else 'may make'} a {shape} picture"
        if auto is not None:
            mend = f" unless told otherwise: {field.option} {auto} follows the input."
        else:
            mend = f": {field.default} is its {field.name} where none is set, and no word of it follows the input. "
            mend += _choice(field, size)
        yield Proposal(field.name, auto, f"{model.id} {does}{mend}", f"By itself it {does}.")
    width, height = sides(model)
    if model.kind == "edit" and width and height and width.default and height.default:
        pixels = f"{width.default}×{height.default}"
        why = f"{model.id} may make a picture of {pixels} pixels, whatever the input's shape: "
        why += f"{width.option} and {height.option} say another."
        yield Proposal(width.name, None, why, f"By itself it may make {pixels} pixels.")


def _choice(field: Field, size: tuple[int, int] | None) -> str:
    """Return what a person can write where no word follows the input: the word that is nearest to its ratio."""
    near = nearest_word(field, size[0] / size[1] if size else 1.0)
    if near is None or size is None:
        return f"Say which you want{f', such as {field.option} {near}' if near else ''}."
    return f"Nearest to the input is {field.option} {near}."


def _of_rewriting(model: Model) -> Iterator[Proposal]:
    """Yield what to set where the service would write a prompt of its own."""
    for field in model.options:
        if not _rewrites(field):
            continue
        off = False if field.kind == "boolean" else next((one for one in field.enum if str(one).lower() in OFF), None)
        if off is None or field.default in {None, off}:
            continue
        option = f"--no-{field.option[2:]}" if off is False else f"{field.option} {off}"
        why = f"{model.id} rewrites the prompt unless told otherwise: {option} sends it as it is written."
        yield Proposal(field.name, off, why, "By itself it rewrites the prompt.")


def _rewrites(field: Field) -> bool:
    """
    Return whether a field has the service write another prompt.

    >>> [_rewrites(Field(name, "boolean", "")) for name in ("prompt_upsampling", "magic_prompt", "negative_prompt")]
    [True, True, False]
    """
    name = field.name.lower()
    is_choice = field.kind == "boolean" or (field.kind == "string" and bool(field.enum))
    return is_choice and "prompt" in name and _REWRITES.search(name) is not None
