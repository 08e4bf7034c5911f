"""
Which messages of a form's front end arrived, so that none is lost on the way and none is done twice.

A comm promises neither. A kernel may drop a message for a thread of its own that has ended, or leave one lying until
the next one wakes it (ipykernel 7, issues 1557 and 1554). So a front end asks after what was not answered, and says
again what did not arrive; here is known what did.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable

__all__ = ["Receipts"]

VIEWS = 64
"""So many front ends of a form are remembered, the newest."""
NUMBERS = 2048
"""So many messages of each; a front end says nothing again after so many others."""


class Receipts:
    """
    What arrived from each view of a form; any thread may call.

    >>> receipts = Receipts()
    >>> receipts.take("a", 1), receipts.take("a", 2), receipts.take("a", 2), receipts.take("b", 2)
    (True, True, False, True)
    >>> receipts.sorted_out("a", [2, 3])
    ([2], [3])
    """

    def __init__(self) -> None:
        self._views: OrderedDict[str, OrderedDict[int, None]] = OrderedDict()
        self._guard = threading.Lock()

    def take(self, view: str, number: int) -> bool:
        """Note a message; False where it arrived before."""
        with self._guard:
            numbers = self._of(view)
            if number in numbers:
                return False
            numbers[number] = None
            if len(numbers) > NUMBERS:
                numbers.popitem(last=False)
            return True

    def sorted_out(self, view: str, numbers: Iterable[int]) -> tuple[list[int], list[int]]:
        """Which of these messages arrived, and which did not."""
        with self._guard:
            known = self._of(view)
            arrived = [number for number in numbers if number in known]
            return arrived, [number for number in numbers if number not in known]

    def _of(self, view: str) -> OrderedDict[int, None]:
        numbers = self._views.setdefault(view, OrderedDict())
        self._views.move_to_end(view)
        if len(self._views) > VIEWS:
            self._views.popitem(last=False)
        return numbers
