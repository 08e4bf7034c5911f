"""The axes of a sweep as a line writes them: `--sweep seed=0:4`, `--sweep colour=sand,sage`, or a variable's name."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbbanana.errors import UsageError, VariableError
from nbbanana.models.nearest import did_you_mean
from nbbanana.prompts.placeholders import normal
from nbbanana.text import clip

if TYPE_CHECKING:
    from nbbanana.models import Model

__all__ = ["axis_names", "read_axes"]

_RANGE = re.compile(r"(-?\d+):(-?\d+)(?::(-?\d+))?")
_NAME = re.compile(r"[^\W\d]\w*")
MOST = 20_000
"""Values of one range."""


def axis_names(texts: Sequence[str]) -> tuple[str, ...]:
    """
    Return the names of the axes that a line has.

    >>> axis_names(["seed=0:4", "aspect-ratio=1:1,16:9", "colours"])
    ('seed', 'aspect_ratio', 'colours')
    """
    return tuple(_named(text)[0] for text in texts)


def read_axes(texts: Sequence[str], model: Model, namespace: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the values of each axis.

    Args:
        texts: what stands behind each `--sweep`.
        model: whose parameters the values are read as, where an axis is one.
        namespace: the variables, for an axis that is only named.

    Raises:
        UsageError: an axis that cannot be read, or that is given twice.
        VariableError: no such variable.
        ParameterError: a value that the parameter does not take.

    >>> from nbbanana import models
    >>> read_axes(["seed=0:4", 'colour="deep red",blue'], models.get("nano-banana"), {})
    {'seed': range(0, 4), 'colour': ['deep red', 'blue']}
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, values = _named(text)
        if name in found:
            raise UsageError(f"--sweep {name} is given twice.", "An axis is given once.", "Keep one of the two.")
        found[name] = _variable(name, namespace, name) if values is None else _values(name, values, model, namespace)
    return found


def _named(text: str) -> tuple[str, str | None]:
    name, equals, values = text.partition("=")
    name = normal(name.strip().lstrip("-").replace("-", "_"))
    if not _NAME.fullmatch(name) or (equals and not values.strip()):
        raise UsageError(
            f"--sweep {clip(text, 60)} cannot be read.",
            "It takes a name and its values.",
            '--sweep seed=0:4, --sweep "colour=sand,deep red", or --sweep colours for a variable that holds a list',
        )
    return name, values if equals else None


def _variable(name: str, namespace: Mapping[str, Any], axis: str) -> Any:
    if name not in namespace:
        raise VariableError(
            f"--sweep {axis}: there is no variable {name}.",
            "Without values, an axis takes those of the variable of its name.",
            did_you_mean(name, namespace, f"Define it, or write its values: --sweep {axis}=…,…"),
        )
    return namespace[name]


def _values(name: str, text: str, model: Model, namespace: Mapping[str, Any]) -> Any:
    options = {field.name: field for field in model.options}
    enum = [str(one) for one in options[name].enum] if name in options else []
    span = _RANGE.fullmatch(text.strip())
    if span and text.strip() not in enum and not enum:  # 16:9 is a ratio where a parameter has such words
        return _range(name, text, span)
    texts = _split(name, text)
    if len(texts) == 1:
        alone = texts[0].strip()
        if alone in namespace and not isinstance(namespace[alone], str):
            return namespace[alone]
        raise UsageError(
            f"--sweep {name}={clip(text, 60)} has one value.",
            "An axis has several.",
            f"Write more, with commas between: --sweep {name}={alone},…; a variable that holds a list is named so too.",
        )
    return [model.parse_option(options[name], one) if name in options else one for one in texts]


def _range(name: str, text: str, span: re.Match[str]) -> range:
    first, end, step = int(span[1]), int(span[2]), int(span[3] or 1)
    if step and 0 < len(values := range(first, end, step)) <= MOST:
        return values
    raise UsageError(
        f"--sweep {name}={text} has no values, or more than {MOST:,}.",
        "0:4 is 0, 1, 2 and 3; the last one is not in it.",
        f"{name}=0:4",
    )


def _split(name: str, text: str) -> list[str]:
    if text.count('"') % 2:
        raise UsageError(
            f"--sweep {name}={clip(text, 60)} has one quote.",
            "A value with spaces needs quotes around all of it.",
            f'Write: --sweep "{name}=sand,deep red"',
        )
    texts = next(csv.reader([text], skipinitialspace=True, escapechar="\\"))
    if not all(one.strip() for one in texts):
        raise UsageError(
            f"--sweep {name}={clip(text, 60)} has an empty value.", "A comma stands between two values.", "Take it out."
        )
    return texts
