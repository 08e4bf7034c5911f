"""What to say about a name that is not there."""

from __future__ import annotations

from collections.abc import Iterable

from nbbanana.models.nearest import nearest

__all__ = ["did_you_mean"]


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """
    A mend: the nearest match as a question, or what to say where nothing is alike.

    >>> did_you_mean("portriat", ["portrait", "result"], "Define it."), did_you_mean("zzz", ["portrait"], "Define it.")
    ('Did you mean portrait?', 'Define it.')
    """
    near = nearest(word, known)
    return f"Did you mean {near}?" if near else otherwise
