"""
The thread in which forms work: a callback of a form only queues a call here and returns at once.

One thread for all forms of a process, so that what it touches needs no locks and messages leave in their order: calls
come from the kernel's thread (what the user did), from the engine's (how a job stands) and from the two that make
thumbnails. Nothing that waits for the network or decodes a picture may run in this thread itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import Any, ParamSpec, TypeVar

__all__ = ["background", "call", "is_ui_thread", "post"]

P = ParamSpec("P")
T = TypeVar("T")

NAME = "nbbanana-forms"
HELPERS = 2
"""So many pictures are read and scaled at once."""


@lru_cache(maxsize=1)
def _ui_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix=NAME)


@lru_cache(maxsize=1)
def _helpers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(HELPERS, thread_name_prefix="nbbanana-pictures")


def is_ui_thread() -> bool:
    """Whether the caller is the UI thread, which must not wait for itself."""
    return threading.current_thread().name.startswith(NAME)


def post(function: Callable[P, T], *args: P.args, **options: P.kwargs) -> Future[T]:
    """Queue a call for the UI thread, after all that was queued before; returns at once."""
    return _ui_thread().submit(function, *args, **options)


def call(function: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """Call a function in the UI thread and wait for it; what it raises is raised here."""
    if is_ui_thread():
        return function(*args, **options)
    return post(function, *args, **options).result()


def background(function: Callable[..., Any], *args: Any) -> Future[Any]:
    """Run something slow outside the UI thread, such as decoding a picture; returns at once."""
    return _helpers().submit(function, *args)
