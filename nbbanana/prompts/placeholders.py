"""`{{name}}` in a prompt or on the line: a variable's value as text. Single braces are text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from numbers import Real
from pathlib import PurePath
from typing import Any

from nbbanana.errors import UsageError, VariableError
from nbbanana.models.nearest import did_you_mean

__all__ = ["escape", "fill", "fits", "names_in", "normal"]

# Four braces are two braces of text. Of three, the first is text, so that {{{name}}} puts a value between braces.
_PLACEHOLDER = re.compile(r"(?P<escaped>\{\{\{\{)|\{\{(?!\{)(?P<name>.*?)\}\}")


def fill(text: str, namespace: Mapping[str, Any]) -> str:
    """
    Return a text with the values of its placeholders; what a value holds is not looked at again.

    Args:
        text: any text. `{{name}}` stands for a value, `{{{{` for two braces.
        namespace: the variables.

    Raises:
        VariableError: no such variable, or one that holds something other than text, a number or a path.
        UsageError: something other than a name between the braces.

    >>> fill('{"city": {{city}}} at {{hour}} h', {"city": "Oslo", "hour": 7})
    '{"city": Oslo} at 7 h'
    """
    return _PLACEHOLDER.sub(lambda match: "{{" if match["escaped"] else _value(match["name"], namespace), text)


def names_in(text: str) -> tuple[str, ...]:
    """
    Return the names that `fill` looks up for a text, each once.

    >>> names_in("{{place}} at {{ hour }} h, {{{{not this")
    ('place', 'hour')
    """
    found = (normal(match["name"].strip()) for match in _PLACEHOLDER.finditer(text) if not match["escaped"])
    return tuple(dict.fromkeys(name for name in found if name.isidentifier()))


def escape(text: str) -> str:
    """Return the text that `fill` gives back unchanged."""
    return text.replace("{{", "{{{{")


def fits(value: object) -> bool:
    """Return whether a placeholder may take the value: text, a number, a truth value or a path."""
    return isinstance(value, str | Real | PurePath)


def normal(name: str) -> str:
    """Return a name as Python keeps it: NFKC, so that a name typed in another spelling is the same."""
    return unicodedata.normalize("NFKC", name)


def _value(inner: str, namespace: Mapping[str, Any]) -> str:
    name = normal(inner.strip())
    if not name.isidentifier():
        raise UsageError(
            f"{{{{{inner}}}}} is not a variable's name.",
            "Between double braces stands one name: no index, no attribute, no expression.",
            "Put the value into a variable of its own, or write {{{{ where you mean two braces.",
        )
    if name not in namespace:
        raise VariableError(
            f"{{{{{name}}}}}: there is no variable {name}.",
            "A placeholder takes the value of a variable of this notebook.",
            did_you_mean(name, namespace, "Define it first, or write {{{{ where you mean two braces."),
        )
    value = namespace[name]
    if not fits(value):
        raise VariableError(
            f"{{{{{name}}}}} holds a value of type {type(value).__name__}.",
            "A placeholder takes text, a number, a truth value or a path.",
            f"Make it text first, such as str({name}); a picture stands on the line without braces.",
        )
    return str(value)
