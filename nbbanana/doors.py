"""
Doors to rooms below: how an object opens what it may not know, such as `history.browse()` its form.

A room imports only from rooms above it. Where an object has a method for convenience whose work lies in a room below,
it goes through a door, which the package's face hangs when it is imported. What lies behind is loaded by whoever goes
through first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["hang", "through"]

_doors: dict[str, Callable[[], Any]] = {}


def hang(name: str, load: Callable[[], Any]) -> None:
    """
    Hang a door.

    Args:
        name: what it is called.
        load: gives what lies behind it; called when somebody goes through.
    """
    _doors[name] = load


def through(name: str) -> Any:
    """
    What lies behind a door.

    Raises:
        KeyError: none of that name was hung.

    >>> through("browse").__module__
    'nbbanana.widgets.browser'
    """
    return _doors[name]()
