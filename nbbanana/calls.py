"""`nb.edit`, `nb.aedit`, `nb.submit` and `nb.chain`: the current session's calls."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from nbbanana.session import Session, current

__all__ = ["aedit", "chain", "edit", "submit"]

P = ParamSpec("P")
T = TypeVar("T")


def _of_current_session(method: Callable[Concatenate[Any, P], T]) -> Callable[P, T]:
    """Make a function of a method: it calls that of the current session."""

    @functools.wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        bound: Callable[P, T] = getattr(current(), method.__name__)
        return bound(*args, **kwargs)

    signature = inspect.signature(method)
    call.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])  # type: ignore[attr-defined]
    call.__module__ = __name__
    return call


edit = _of_current_session(Session.edit)
chain = _of_current_session(Session.chain)
aedit = _of_current_session(Session.aedit)
submit = _of_current_session(Session.submit)
