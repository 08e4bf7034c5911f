"""The arguments of a call: which of them say what is asked and which how it is run, and that they are sound."""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Callable, Iterable
from numbers import Real
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from nbbanana.errors import ConfigError, ParameterError, PromptError, UsageError
from nbbanana.images.reading import ENDINGS, existing
from nbbanana.images.urls import is_url
from nbbanana.models import Model
from nbbanana.settings import Mode
from nbbanana.text import clip

__all__ = [
    "checked_dollars",
    "checked_mode",
    "checked_prices",
    "checked_prompt",
    "divided",
    "same_call",
    "settled",
    "texts",
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


def checked_prices(max_price: Any = None, assume_price: Any = None) -> dict[str, float | None]:
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
    if not isinstance(several, Iterable) or isinstance(several, bytes):
        raise _no_tags(values)
    found = list(several)
    if not all(isinstance(text, str) for text in found):
        raise _no_tags(values)
    return found


def _no_tags(values: Any) -> UsageError:
    kind = type(values).__name__
    return UsageError(f"A {kind} is no text, and no list of texts.", "Tags are texts.", "Write add_tags=['cover'].")
