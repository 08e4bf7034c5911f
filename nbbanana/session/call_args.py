"""
The arguments of a call, and that they are sound: what an edit is asked with, and what a history is asked with.

Numbers of edits, limits, moments, facts and files are taken whatever library made them.
"""

from __future__ import annotations

import asyncio
import inspect
import math
import operator
import os
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time
from numbers import Real
from pathlib import Path, PurePath
from typing import Any, Concatenate, ParamSpec, TypeVar, cast, get_args

from nbbanana.errors import ConfigError, ParameterError, PromptError, UsageError
from nbbanana.images.loading import is_url
from nbbanana.images.reading import ENDINGS, existing
from nbbanana.models import Model, canonical
from nbbanana.models.checking import did_you_mean
from nbbanana.settings import Mode
from nbbanana.store.filters import COMPARISONS, DRIFT
from nbbanana.store.records import State
from nbbanana.store.values import LARGEST
from nbbanana.text import clip

__all__ = [
    "bounds",
    "checked_dollars",
    "checked_mode",
    "checked_prices",
    "checked_prompt",
    "count",
    "divided",
    "facts",
    "file",
    "flag",
    "moment",
    "said",
    "same_call",
    "scalar",
    "settled",
    "texts",
    "whole",
    "with_count",
]

P = ParamSpec("P")
T = TypeVar("T")

MODES = ("auto", "fresh", "replay")


def same_call(
    _: Callable[Concatenate[Any, P], Any],
) -> Callable[[Callable[..., T]], Callable[Concatenate[Any, P], T]]:
    """Give a method the signature of another one, so that it is written once."""

    def typed(method: Callable[..., T]) -> Callable[Concatenate[Any, P], T]:
        method.__signature__ = inspect.signature(_)  # type: ignore[attr-defined]
        return method

    return typed


def divided(how: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a call says of running its request, and what it says of the request itself."""
    parameters = dict(how)
    run = {key: parameters.pop(key, None) for key in ("mode", "name", "provider", "max_price", "assume_price")}
    what = {key: parameters.pop(key, None) for key in ("model", "region", "n")}
    return run, {**what, "provider": run["provider"], "parameters": parameters}


def checked_prompt(prompt: Any, images: Iterable[Any]) -> str:
    """
    Return the prompt of a call.

    Raises:
        PromptError: it is a picture, as where the arguments are swapped, or there is none.
    """
    if not isinstance(prompt, str):
        kind = type(prompt).__name__
        what = "There is no prompt." if prompt is None else f"The prompt is a value of type {kind}."
    elif _is_picture(prompt):
        what = f"The prompt is {clip(prompt, 80)}, which is a picture."
    elif not prompt.strip():
        raise PromptError("There is no prompt.", "A request needs words.", "Say what to keep and what to change.")
    else:
        return prompt
    words, picture = _example(prompt, images)
    raise PromptError(what, "The prompt comes first, then the pictures.", f"nb.edit({words}, {picture})")


def _is_picture(text: str) -> bool:
    is_file = text.lower().endswith(ENDINGS)
    return (is_file or is_url(text)) if " " not in text else is_file and existing(text) is not None


def _example(prompt: Any, images: Iterable[Any]) -> tuple[str, str]:
    """Return the words and the picture of a call in which they are swapped, as Python writes them."""
    words = next((one for one in images if isinstance(one, str) and not _is_picture(one)), "Make it night.")
    picture = repr(prompt) if isinstance(prompt, str) else "picture"
    return clip(repr(words), 80), clip(picture, 80)


def with_count(model: Model, parameters: dict[str, Any], n: int | None) -> dict[str, Any]:
    """
    Return the parameters with `n` under the name that the model has for it.

    Raises:
        ParameterError: the model makes one picture a request, or the number is given twice.
    """
    if n is None:
        return parameters
    name = model.count_field
    if name is None:
        if n == 1:
            return parameters
        raise ParameterError(f"{model.id} makes one picture a request.", f"n is {n}.", "Leave n out, and ask again.")
    if parameters.get(name, n) != n:
        raise ParameterError(f"n is {n} and {name} is {parameters[name]}.", "They are the same thing.", "Give one.")
    return {**parameters, name: n}


def checked_dollars(name: str, amount: Any) -> float | None:
    """
    Return an amount of money that can be compared.

    Raises:
        ParameterError: it is none.
    """
    if amount is None:
        return None
    if isinstance(amount, bool) or not isinstance(amount, Real) or not math.isfinite(amount) or amount < 0:
        raise ParameterError(
            f"{name} cannot be {amount!r:.40}.", "It takes US dollars: a number from 0 upwards.", f"{name}=0.60"
        )
    return float(amount)


def checked_prices(max_price: Any = None, assume_price: Any = None) -> dict[str, Any]:
    """
    Return what a call says of money.

    Raises:
        ParameterError: one of them is no amount of money.
    """
    return {
        "max_price": checked_dollars("max_price", max_price),
        "assume_price": checked_dollars("assume_price", assume_price),
    }


def checked_mode(mode: str) -> Mode:
    """
    Return a mode.

    Raises:
        ConfigError: it is none.
    """
    if mode not in MODES:
        raise ConfigError(f"mode is {mode!r}.", f"It is one of {', '.join(MODES)}.", "Choose one of them.")
    return cast("Mode", mode)


def settled(images: Iterable[Any]) -> list[Any]:
    """Return pictures that only a running loop can finish, finished; all others as they are."""
    return [_finish(image) if inspect.isawaitable(image) else image for image in images]


def _finish(source: Any) -> Any:
    """
    Wait for an awaitable in synchronous code.

    In a notebook the kernel's loop is running and only it can finish a task of its own: `nest_asyncio2` lets it run
    inside this call. That is the one thing it is for here, and why it is applied only now and only to this loop.
    """

    async def wait() -> Any:
        return await source

    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(wait())
    import nest_asyncio2

    nest_asyncio2.apply(loop)
    return loop.run_until_complete(wait())


def texts(values: Any) -> list[str]:
    """
    Return several texts as a list; one text is one, None is none.

    Raises:
        UsageError: something else.
    """
    several = [values] if isinstance(values, str) else () if values is None else values
    found = list(several) if isinstance(several, Iterable) else [several]
    if not all(isinstance(text, str) for text in found):
        kind = type(values).__name__
        raise UsageError(f"A {kind} is no text, and no list of texts.", "Tags are texts.", "Write add_tags=['cover'].")
    return found


STATES: tuple[str, ...] = get_args(State)


def whole(value: Any, what: str = "an edit's number") -> int:
    """
    Return a whole number, whatever library made it.

    Raises:
        UsageError: it is none.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or abs(number) > LARGEST:
        raise _no(value, what, "It takes a whole number, such as 12.")
    return number


def count(value: Any) -> int:
    """
    Return how many edits are wanted.

    Raises:
        UsageError: no whole number, or one below 0.
    """
    number = whole(value, "a limit")
    if number < 0:
        raise _no(value, "a limit", "It takes a whole number from 0 on.")
    return number


def bounds(key: slice) -> slice:
    """
    Return a slice of numbers.

    Raises:
        UsageError: one of its parts is no whole number, or it steps by 0.
    """
    parts = [None if part is None else whole(part) for part in (key.start, key.stop, key.step)]
    if parts[2] == 0:
        raise _no(0, "a step", "A slice steps by 1 or more.")
    return slice(*parts)


def facts(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return what an edit must have as the store asks for it; what is None is not asked for.

    Raises:
        UsageError: something that cannot be asked for.
    """
    given = {name: scalar(value) for name, value in wanted.items() if value is not None}
    if "states" in given:
        given["state"] = given.pop("states")
    if unknown := given.keys() - _FACTS.keys():
        raise UsageError(
            f"filter() does not know {', '.join(sorted(unknown))}.",
            f"It takes {', '.join(sorted(name for name in _FACTS if '__' not in name))}, since, until and limit; and"
            f" {', '.join(DRIFT)} with {', '.join(f'__{kind}' for kind in COMPARISONS)}.",
            "Check the spelling; a figure is compared, as in drift_outside__lt=2.",
        )
    return {name: _FACTS[name](name, value) for name, value in given.items()}


def moment(when: Any) -> float | None:
    """
    Return a moment in seconds since the epoch; None stays None.

    Raises:
        UsageError: it is none.
    """
    if when is None:
        return None
    found = _read(when)
    if isinstance(found, date) and not isinstance(found, datetime):
        found = datetime.combine(found, time())
    try:
        seconds = found.timestamp() if isinstance(found, datetime) else float(found)
    except (TypeError, ValueError, OverflowError):  # no number, not a time, or a year that no clock knows
        seconds = math.nan
    if not math.isfinite(seconds):
        raise UsageError(f"{_shown(when)} is not a date.", "It takes ISO 8601, such as 2026-03-11 or 2026-03-11T14:02.")
    return seconds


def file(path: Any) -> Path:
    """
    Return the path of a file.

    Raises:
        UsageError: it is none.
    """
    name = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(name, str) or not name or not _can_be_a_name(name):
        raise _no(path, "a file", "It takes a path, such as 'study.zip'.")
    return Path(name).expanduser()


def _can_be_a_name(path: str) -> bool:
    """Return whether a file can be called so: half a character and a zero byte can be in no name."""
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False


def said(wanted: Mapping[str, Any]) -> str:
    """Return what was asked for, as a heading: `starred, seed 7, with “snow”`."""
    asked = {name: value for name, value in wanted.items() if value is not None}
    words = [name if value else f"not {name}" for name, value in asked.items() if isinstance(value, bool)]
    for name, value in asked.items():
        if name == "words":
            words.append(f"with “{value}”")
        elif name == "state":
            words.append(" or ".join(value))
        elif name.partition("__")[0] in DRIFT:
            figure, _, kind = name.partition("__")
            words.append(f"{figure} {COMPARISONS[kind]} {value:g}")
        elif not isinstance(value, bool):
            words.append(f"{name} {value}")
    return ", ".join(words)


def scalar(value: Any) -> Any:
    """Return a NumPy or pandas scalar, or an array of no dimension, as Python has it; anything else as it is."""
    return value.item() if hasattr(value, "item") and getattr(value, "shape", None) == () else value


def _read(when: Any) -> Any:
    """Return a moment as Python has it: a datetime or a number; NaN where it is none."""
    if getattr(when, "shape", None) == () and getattr(getattr(when, "dtype", None), "kind", "") == "M":
        found = when.astype("datetime64[us]").item()  # a datetime, in UTC as NumPy has it; a number beyond its years
        return found.replace(tzinfo=UTC) if isinstance(found, datetime) else math.nan
    if hasattr(when, "to_pydatetime"):
        return when.to_pydatetime() if when == when else math.nan  # noqa: PLR0124 - NaT, as NaN, is not itself
    if isinstance(when, str):
        try:
            return datetime.fromisoformat(when)
        except ValueError:
            return math.nan
    when = scalar(when)
    return when if isinstance(when, int | float | date) and not isinstance(when, bool) else math.nan


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str | PurePath):
        raise _no(value, f"a text for {name}", f"It takes a text, such as {name}='…'.")
    return str(value)


def _seed(name: str, value: Any) -> int:
    """Return a seed; a column of a table that lacks some holds floats."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= 2**53:
        return int(value)
    return whole(value, f"a {name}")


def _amount(name: str, value: Any) -> float:
    """Return a figure to compare with."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number:
        raise _no(value, f"a number for {name}", f"It takes a number, such as {name}=2.")
    return float(value)


def flag(name: str, value: Any) -> bool:
    """
    Return an answer that is True or False.

    Raises:
        UsageError: it is neither; "no" would be taken for a yes.
    """
    if not isinstance(value, bool):
        raise _no(value, f"an answer to {name}", f"It takes True or False: {name}=True.")
    return value


def _states(name: str, value: Any) -> list[str]:
    several = isinstance(value, Iterable) and not isinstance(value, str | bytes)
    states = list(value) if several else [value]
    for state in states:
        if state not in STATES:
            mend = did_you_mean(str(state), STATES, "Write one of them, such as failed.")
            raise UsageError(f"{_shown(state)} is not a {name}.", f"It is one of {', '.join(STATES)}.", mend)
    return [str(state) for state in states]


_FACTS: dict[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(("words", "provider", "tag", "notebook"), _text),
    **dict.fromkeys(("starred", "rejected"), flag),
    # A model is also meant by its short name; records hold no folders.
    "model": lambda name, value: canonical(_text(name, value)),
    "input": lambda name, value: os.path.basename(_text(name, value)) or str(value),  # noqa: PTH119 - of Path, "a/" is "a"
    "seed": _seed,
    "state": _states,
    **{f"{figure}__{kind}": _amount for figure in DRIFT for kind in COMPARISONS},
}
"""What `filter` takes, and how each is read."""


def _no(value: Any, what: str, why: str) -> UsageError:
    return UsageError(f"{_shown(value)} is not {what}.", why, "Check what was given.")


def _shown(value: Any) -> str:
    """Return a value for a message, short; of an object without a text of its own, its type."""
    try:
        shown = repr(value)
    except Exception as error:  # noqa: BLE001 - another's code, and the message is about something else
        return f"A {type(value).__name__} ({type(error).__name__})"
    return f"A {type(value).__name__}" if " at 0x" in shown else f"{shown:.60}"
