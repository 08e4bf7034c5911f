"""How long a sweep still takes, from the cells that are over, and nothing where that is not known yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from nbbanana.engine.run import Progress

__all__ = ["Pace", "left_in_words"]


class Pace:
    """
    The rate at which the cells of a sweep end.

    Args:
        at_once: how many run at once. A rate is known once as many have ended: before, those that end quickest
            would speak for all.
        clock: seconds that only grow.
    """

    def __init__(self, at_once: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._at_once = max(1, at_once)
        self._clock = clock
        self._began = clock()

    def said(self, stages: Sequence[Progress]) -> str:
        """Return the time left in words; empty where all is over."""
        over, total = sum(one.is_over for one in stages), len(stages)
        if over == total:
            return ""
        needed = min(self._at_once, max(1, total // 2))
        if over < needed:
            return f"How long it takes is known once {needed} {'is' if needed == 1 else 'are'} done."
        return f"{left_in_words((self._clock() - self._began) / over * (total - over))} left."


def left_in_words(seconds: float) -> str:
    """
    Return a time that is an estimate, as roughly as it is known.

    >>> [left_in_words(seconds) for seconds in (3, 42, 170, 4000, 20_000)]
    ['A few seconds', 'About 40 s', 'About 3 min', 'About 1 h 10 min', 'About 5 h 30 min']
    """
    if seconds < 8:
        return "A few seconds"
    if seconds < 90:
        return f"About {round(seconds, -1):.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"About {minutes} min"
    hours, rest = divmod(round(minutes, -1), 60)
    return f"About {hours} h {rest} min" if rest else f"About {hours} h"
