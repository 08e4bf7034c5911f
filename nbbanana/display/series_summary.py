"""Several requests that are waited for together, on one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from nbbanana.display.progress import MARKS
from nbbanana.display.render import render
from nbbanana.text import one_line
from nbbanana.watching import Stage

__all__ = ["series_bundle"]

ENDS_HERE = (("■ ends them here: nothing more is charged.", ""),)
RUNS_ON = (
    ("■ ends what is queued, at no cost; what runs goes on, may be charged, and ", "%nbresume"),
    (" collects it.", ""),
)
"""What an interrupt does, said before it is pressed, as pairs of words and what can be typed."""
WAITING = frozenset({"preparing", "queued", "paused"})
"""Phases in which a request can be ended without a charge."""


def series_bundle(series: Sequence[Stage], play: str = "") -> dict[str, str]:
    """
    Return how several requests stand: how many are done, and in which phase the others are.

    Args:
        series: where each stands.
        play: the provider that runs them, where its money is play money.

    >>> from nbbanana.engine.run import Progress
    >>> series_bundle([Progress("done"), Progress("running"), Progress("queued"), Progress("queued")])["text/plain"]
    '◐ 1 of 4 done  2 queued · 1 running'
    """
    phases = Counter(one.phase for one in series)
    done = phases.pop("done", 0)
    head = f"{done} of {len(series)} done"
    rest = [f"{phases[phase]} {word.lower()}" for phase, (_, word) in MARKS.items() if phases[phase]]
    detail = " · ".join([*rest, *filter(None, [one_line(play)])])
    under_way = [one.phase for one in series if not one.is_over]
    advice = ENDS_HERE if all(phase in WAITING for phase in under_way) else RUNS_ON
    values = {"head": head, "detail": detail, "done": done, "total": len(series), "advice": advice if under_way else ()}
    return {"text/plain": f"◐ {head}  {detail}".rstrip(), "text/html": render("series", **values)}
