"""The arguments of a call: which of them say what is asked and which how it is run, and that they are sound."""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Callable, Iterable
from numbers import Real
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from nbbanana.errors import ConfigError, ParameterError
from nbbanana.models import Model
from nbbanana.settings import Mode

__all__ = ["checked_dollars", "checked_mode", "divided", "same_call", "settled", "texts", "with_count"]

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
    run = {key: parameters.pop(key, None) for key in ("mode", "name", "max_price", "assume_price")}
    what = {key: parameters.pop(key, None) for key in ("model", "region", "n")}
    return run, {**what, "parameters": parameters}


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


def texts(values: Iterable[str] | str) -> list[str]:
    """Return several texts as a list; one text is one."""
    return [values] if isinstance(values, str) else list(values)
