"""The one line that is said of a request before it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbbanana.request import Advice

__all__ = ["quiet_line", "told"]


def quiet_line(advice: Sequence[Advice]) -> str | None:
    """
    Return the gravest advice as one line, with how much more there is; None where there are only hints.

    >>> from nbbanana.prompts.lint import Asked, findings
    >>> print(quiet_line(findings(Asked("Put the hat of image 3 on her.", sizes=(None, None)))))  # doctest: +ELLIPSIS
    Error: It names picture 3, and 2 pictures go with it. No picture has that number. ... (image-number-beyond-count)
    """
    grave = [one for one in advice if one.severity != "hint"]
    if not grave:
        return None
    more = f"; {len(grave) - 1} more, which a dry run shows" if len(grave) > 1 else ""
    return f"{told(grave[0])}{more}"


def told(one: Advice) -> str:
    """Return a piece of advice as a sentence: how grave it is, why, and the rule that says so."""
    return f"{one.severity.capitalize()}: {one.why} ({one.rule})"
