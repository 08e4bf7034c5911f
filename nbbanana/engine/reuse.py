"""When an ask is answered from the store instead of being sent: the modes `auto`, `fresh` and `replay`."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

from nbbanana.errors import NotInStoreError

if TYPE_CHECKING:
    from nbbanana.request import EditRequest
    from nbbanana.settings import Mode
    from nbbanana.store import Store
    from nbbanana.store.records import Edit, State

__all__ = ["Reuse"]

COLLECTABLE: tuple[State, ...] = ("queued", "running", "downloading")
"""States of a job that the service took and whose pictures are not here."""

MANY = 1000
"""More answers to one ask than anybody replays in order."""


class Reuse:
    """
    What this kernel asked already, and what the store knows.

    Args:
        store: the store.
        provider: whose edits may answer. Nothing crosses from one provider to another; None, in a replay
            without a provider, takes any.
    """

    def __init__(self, store: Store, provider: str | None) -> None:
        self._store = store
        self._provider = provider
        self._asked: Counter[str] = Counter()
        self._guard = threading.Lock()

    def answer(self, request: EditRequest, mode: Mode) -> Edit | None:
        """
        The stored edit that answers a request now, or None where it is to be sent.

        Raises:
            NotInStoreError: in `replay`, where nothing answers.
        """
        ask = request.ask
        with self._guard:
            asked_before = self._asked[ask]
            self._asked[ask] += 1
        if mode == "replay":
            return self._nth(ask, asked_before, seeded=request.is_seeded)
        if mode == "fresh" or (asked_before and not request.is_seeded):
            return None
        newest = self._store.by_ask(ask, self._provider, limit=1)
        return newest[0] if newest else None

    def unfinished(self, request: EditRequest, mode: Mode) -> Edit | None:
        """An accepted job of the same ask that nobody collected and nobody watches."""
        if mode != "auto":
            return None
        for edit in self._store.by_ask(request.ask, self._provider, states=COLLECTABLE, limit=10):
            if edit.request_id and not self._store.is_claimed(edit.id):
                return edit
        return None

    def _nth(self, ask: str, n: int, *, seeded: bool) -> Edit:
        """The n-th answer in the order they were made. A seeded ask may repeat its last: it is one question."""
        answers = self._store.by_ask(ask, self._provider, limit=MANY)[::-1]
        if n < len(answers):
            return answers[n]
        if answers and seeded:
            return answers[-1]
        raise NotInStoreError(
            "The store holds no answer to this request."
            if not answers
            else "The store holds no further answer to this.",
            f"It was asked {n + 1} times here and answered {len(answers)} times before; replay sends nothing.",
            "Check the store and the cell, or use mode='auto' to ask the service.",
        )
