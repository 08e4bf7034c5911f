"""Where the operands of a line are looked up: the user's variables, the session's history, its last edit."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from nbbanana.grammar import Scope
from nbbanana.session.history import History
from nbbanana.session.jobs import outputs_of
from nbbanana.session.results import EditResult
from nbbanana.session.session import Session

__all__ = ["scope"]


def scope(session: Session, namespace: Mapping[str, Any]) -> Scope:
    """Return where operands are looked up in a session."""

    def history(value: object) -> Callable[[int], EditResult] | None:
        """Return what gives an edit by its number, where a value has a history."""
        if value is sys.modules["nbbanana"]:
            return session.history.__getitem__
        if isinstance(value, Session):
            return value.history.__getitem__
        return value.__getitem__ if isinstance(value, History) else None

    return Scope(namespace, session.history.__getitem__, lambda: session.last, outputs_of, history)
