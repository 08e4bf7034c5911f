"""Values against a schema, and names that do not exist: what is wrong, said with what was probably meant."""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nbbanana.errors import ParameterError
from nbbanana.models.schemas import Field, checks_of
from nbbanana.text import clip

__all__ = [
    "TRUTH",
    "allowed",
    "check_values",
    "compiled",
    "did_you_mean",
    "nearest",
    "nearest_name",
    "not_allowed",
    "plain_value",
    "shown_value",
    "typed",
]

LEAST_LIKENESS = 0.6
"""Below it, two texts have nothing to do with each other (0 to 1, as difflib measures)."""

_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", re.ASCII)


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """
    Return the choice that a word was probably meant to be, or None where none is like it.

    Quantities of one unit are compared by size, everything else by letters; of several that are alike the one with the
    same beginning, since people mistype the end.

    >>> nearest("16:10", ["auto", "1:1", "16:9"]), nearest("8k", ["1K", "2K", "4K"]), nearest("sed", ["seed", "prompt"])
    ('16:9', '4K', 'seed')
    """
    known = list(choices)
    if by_size := _nearest_quantity(word, known):
        return by_size
    folded = {choice.casefold(): choice for choice in reversed(known)}
    wanted = word.casefold()
    close = difflib.get_close_matches(wanted, folded, n=5, cutoff=LEAST_LIKENESS)
    best = max(close, key=lambda choice: choice[:2] == wanted[:2], default=None)
    return folded[best] if best else None


def nearest_name(word: str, names: Iterable[str]) -> str | None:
    """
    Return the name that a word was probably meant to be: one that it begins, else one that has a part of this name,
    else the most like it. Dashes and underscores are the same.

    >>> nearest_name("num", ["seed", "number_of_images"]), nearest_name("--ratio", ["--region", "--aspect-ratio"])
    ('number_of_images', '--aspect-ratio')
    """
    known = list(names)
    bare = {name: name.lstrip("-").replace("_", "-") for name in known}
    wanted = word.strip("-_").replace("_", "-").casefold()
    if not wanted:
        return None
    begun = [name for name in known if bare[name].startswith(wanted)]
    parts = [name for name in known if len(wanted) > 1 and wanted in bare[name].split("-")]
    return next(iter([*begun, *parts]), None) or nearest(word, known)


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """
    Return a question that names the nearest of the known words, or `otherwise` where none is like it.

    >>> did_you_mean("portriat", ["portrait", "result"], "Define it."), did_you_mean("zzz", ["portrait"], "Define it.")
    ('Did you mean portrait?', 'Define it.')
    """
    near = nearest(word, known)
    return f"Did you mean {near}?" if near else otherwise


def _nearest_quantity(word: str, known: list[str]) -> str | None:
    meant = _QUANTITY.fullmatch(word)
    if meant is None:
        return None
    sizes = {}
    for choice in known:
        other = _QUANTITY.fullmatch(choice)
        if other is not None and other[2].casefold() == meant[2].casefold():
            sizes[choice] = abs(float(other[1]) - float(meant[1]))
    return min(sizes, key=lambda choice: sizes[choice], default=None)


Validator = Callable[[dict[str, Any]], Any]

EXACT = 2**53
"""Whole numbers below it are floats without loss."""

_WHOLE = re.compile(r"[+-]?[0-9]+")
_RATIO = re.compile(r"([0-9]+)\s*[x×/:]\s*([0-9]+)")
TRUTH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_NOUNS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}
_ITEMS = {
    "string": "texts",
    "integer": "whole numbers",
    "number": "numbers",
    "boolean": "true or false",
    "array": "lists",
    "object": "mappings",
}


def compiled(properties: Mapping[str, Mapping[str, Any]]) -> Validator:
    """Return a function that checks a dict of values and raises what `check_values` reads. Costs some milliseconds."""
    import fastjsonschema

    schema = {"type": "object", "properties": {name: checks_of(node) for name, node in properties.items()}}
    validator: Validator = fastjsonschema.compile(schema, use_default=False, use_formats=False)
    return validator


def check_values(validator: Validator, fields: Mapping[str, Field], values: dict[str, Any]) -> None:
    """
    Check that every value is one that its field takes.

    Raises:
        ParameterError: one is not.
    """
    import fastjsonschema

    for name, value in values.items():
        # One at a time, so that the name is known: in the library's path, names and items look alike.
        try:
            validator({name: value})
        except fastjsonschema.JsonSchemaValueException:
            raise not_allowed(fields[name], value) from None
        if not _is_sendable(value):
            raise not_allowed(fields[name], value)


def _is_sendable(value: object) -> bool:
    """Return whether JSON has it: no NaN, no infinity, no half of a surrogate pair."""
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode("utf-8")
    except (ValueError, TypeError, RecursionError):
        return False
    return True


def plain_value(value: Any, field: Field) -> Any:
    """
    Return the value as JSON has it: NumPy's scalars, tuples and whole floats for integers become what they stand for.

    A number is a float, so that 1 and 1.0 are the same question. What JSON has nothing for stays as it is: the check
    refuses it.
    """
    if hasattr(value, "dtype") and hasattr(value, "item") and getattr(value, "shape", None) == ():
        value = value.item()
    if field.enum and isinstance(value, str | int | float) and not isinstance(value, bool):
        return _as_listed(value, field.enum)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float) and field.kind == "integer" and value.is_integer():
        return int(value)
    if field.kind == "number" and isinstance(value, int) and not isinstance(value, bool) and abs(value) < EXACT:
        return float(value)
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value


def _as_listed(value: str | float, listed: tuple[Any, ...]) -> Any:
    """
    Return the listed value that is meant: 1k is 1K, 16x9 is 16:9, jpg is jpeg, 4 is the text 4 if texts are listed.

    >>> _as_listed("16x9", ("1:1", "16:9")), _as_listed("JPG", ("png", "jpeg")), _as_listed(4, ("4", "5"))
    ('16:9', 'jpeg', '4')
    """
    plain = str(value) if isinstance(value, str) else value
    if plain in listed:
        return plain
    wanted = _spelling(plain)
    return next((one for one in listed if isinstance(one, str) and _spelling(one) == wanted), plain)


def _spelling(value: str | float) -> str:
    text = _RATIO.sub(r"\1:\2", str(value).strip().casefold())
    return "jpeg" if text == "jpg" else text


def typed(field: Field, text: str) -> Any:
    """
    Return what a text from a command line stands for.

    Raises:
        ParameterError: nothing of the field's kind.
    """
    try:
        return _of_kind(field.kind, field.item_kind, text.strip() if field.kind != "string" else text)
    except (ValueError, KeyError, RecursionError):
        raise not_allowed(field, text) from None


def _of_kind(kind: str, item_kind: str, text: str) -> Any:
    if kind == "integer":
        return int(text) if _WHOLE.fullmatch(text) else _refuse(text)
    if kind == "number":
        return float(text) if text.isascii() and math.isfinite(float(text)) and "_" not in text else _refuse(text)
    if kind == "boolean":
        return TRUTH[text.casefold()]
    if kind == "array" and not text.startswith("["):
        return [_of_kind(item_kind, "string", part.strip()) for part in text.split(",") if part.strip()]
    return json.loads(text) if kind in {"array", "object"} else text


def _refuse(text: str) -> Any:
    raise ValueError(text)


def not_allowed(field: Field, value: object) -> ParameterError:
    """Return the error for a value that a field does not take."""
    near = _nearest(field, value)
    hint = f" Did you mean {near}?" if near is not None else ""
    own = "" if field.default is None else f" (default: {shown_value(field.default, quote=False)})"
    return ParameterError(
        f"{field.name} must be {allowed(field)}, not {shown_value(value)}.{hint}",
        field.description or "That is what the model says it takes.",
        f"Write {near}, or leave it out{own}." if near is not None else f"Give {allowed(field)}, or leave it out{own}.",
    )


def allowed(field: Field) -> str:
    """
    Return what a field takes, in words.

    >>> allowed(Field("n", "integer", "--n", minimum=1, maximum=4))
    'a whole number from 1 to 4'
    """
    if field.enum:
        values = [shown_value(value, quote=False) for value in field.enum]
        return " or ".join(filter(None, (", ".join(values[:-1]), values[-1])))
    noun = _NOUNS[field.kind]
    if field.kind in {"integer", "number"}:
        amount = _amount(field.minimum, field.maximum)
        step = "" if field.step is None else f" in steps of {field.step:g}"
        return f"{noun}{' from ' if ' to ' in amount else ', ' if amount else ''}{amount}{step}"
    if field.kind == "array":
        amount = _amount(field.least, field.most)
        return f"{noun} of {_ITEMS[field.item_kind]}" + (f", {amount} items" if amount else "")
    # That a text has at least one character goes without saying.
    amount = _amount(None if field.least == 1 else field.least, field.most)
    return f"{noun} of {amount} characters" if amount and field.kind == "string" else noun


def _amount(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"{low:g} to {high:g}" if low != high else f"exactly {low:g}"
    if low is not None:
        return f"at least {low:g}"
    return "" if high is None else f"at most {high:g}"


def _nearest(field: Field, value: object) -> str | None:
    """Return the allowed value next to one that is not, as it is written; None where nothing is near."""
    if field.enum:
        is_plain = isinstance(value, str | int | float) and len(shown_value(value)) < 60
        return nearest(str(value), [shown_value(one, quote=False) for one in field.enum]) if is_plain else None
    number = _number(value)
    if field.kind not in {"integer", "number"} or number is None or field.step is not None:
        return None
    low = -math.inf if field.minimum is None else field.minimum
    high = math.inf if field.maximum is None else field.maximum
    near = min(max(round(number) if field.kind == "integer" else number, low), high)
    return str(near) if isinstance(near, int) else f"{near:.15g}"


def _number(value: object) -> float | None:
    """Return the number that a value is or spells; None where it is none, or has too many digits to be meant."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = int(value) if isinstance(value, int) or _WHOLE.fullmatch(str(value)) else float(value)
        return number if math.isfinite(number) else None
    except (ValueError, OverflowError):
        return None


def shown_value(value: object, *, quote: bool = True) -> str:
    """Return a value on one line, as one writes it, cut at 60 characters."""
    if isinstance(value, bool) and not quote:
        return str(value).lower()
    text = value if isinstance(value, str) and not quote else _written(value)
    return clip(text, 60)


def _written(value: object) -> str:
    try:
        text = repr(value)
        # The default of Python has an address of the memory, which says nothing.
        return f"a value of type {type(value).__name__}" if " at 0x" in text else text
    except Exception:  # noqa: BLE001 (a foreign object's, or an integer with too many digits for Python to write)
        return f"a value of type {type(value).__name__}"
