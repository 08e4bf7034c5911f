"""
The thread in which forms work: a callback of a form only leaves a note here and returns at once.

One thread for all forms of a process, so that what it touches needs no locks and messages leave in their order: notes
come from the kernel's thread (what the user did), from the engine's (how a job stands) and from the two that
make thumbnails. Nothing that waits for the network or decodes a picture may be done at the desk itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import Any, ParamSpec, TypeVar

__all__ = ["at_desk", "is_desk", "post", "work"]

P = ParamSpec("P")
T = TypeVar("T")

DESK = "nbbanana-forms"
HELPERS = 2
"""So many pictures are read and made small at once."""


@lru_cache(maxsize=1)
def _desk() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix=DESK)


@lru_cache(maxsize=1)
def _helpers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(HELPERS, thread_name_prefix="nbbanana-pictures")


def is_desk() -> bool:
    """Whether the caller is the desk's own thread, which must not wait for itself."""
    return threading.current_thread().name.startswith(DESK)


def post(call: Callable[P, T], *args: P.args, **options: P.kwargs) -> Future[T]:
    """Leave a note: `call` is made at the desk, after all that was left before."""
    return _desk().submit(call, *args, **options)


def at_desk(call: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """Have something done at the desk and wait for it; what it raises is raised here."""
    if is_desk():
        return call(*args, **options)
    return post(call, *args, **options).result()


def work(call: Callable[..., Any], *args: Any) -> Future[Any]:
    """Have something slow done beside the desk, such as decoding a picture."""
    return _helpers().submit(call, *args)
