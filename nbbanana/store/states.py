"""Which state may follow which: what has happened is never taken back."""

from __future__ import annotations

from nbbanana.errors import StoreError
from nbbanana.store.records import TERMINAL, State

__all__ = ["ACCEPTED", "UNCERTAIN", "UNFINISHED", "check"]

ACCEPTED: frozenset[str] = frozenset({"queued", "running", "downloading", "completed", "gone"})
"""States that only a request the service took can be in: they need a request id."""
UNFINISHED: tuple[State, ...] = ("prepared", "submitting", "queued", "running", "downloading")
"""States in which something is left to do."""

_TAKEN = {"queued", "running", "downloading", "completed", "failed", "cancelled", "unknown", "gone"}
_NEXT: dict[str, set[str]] = {
    "prepared": {"prepared", "submitting", "rejected", "cancelled"},
    # Again to "submitting": the service surely did not take it, and it is sent once more.
    "submitting": (_TAKEN | {"submitting", "rejected", "lost"}) - {"failed", "gone"},
    "queued": _TAKEN,
    "running": _TAKEN,
    "downloading": {"downloading", "completed", "failed", "unknown", "gone"},
    # A person found the request again: from here it is as if it had been known all along.
    "unknown": (_TAKEN | {"lost"}) - {"unknown"},
    "lost": _TAKEN - {"unknown"},
}
UNCERTAIN: frozenset[str] = frozenset({"unknown", "lost"})
"""States in which it is open whether the service took the request."""


def check(edit_id: int, old: str, new: str, request_id: str | None) -> None:
    """
    Allow the step from `old` to `new`.

    `request_id` is the one known after the step. An `unknown` or `lost` edit goes on only with one.

    Raises:
        StoreError: the step is not allowed.

    >>> check(1, "running", "completed", "abc")
    >>> check(1, "completed", "running", "abc")
    Traceback (most recent call last):
    ...
    nbbanana.errors.StoreError: Edit 1 cannot go from 'completed' to 'running'.
    A 'completed' edit is final.
    """
    allowed = _NEXT.get(old, set())
    if new not in allowed:
        final = old in TERMINAL and not allowed
        after = ", ".join(sorted(allowed))
        raise StoreError(
            f"Edit {edit_id} cannot go from {old!r} to {new!r}.",
            f"A {old!r} edit is final." if final else f"After {old!r} comes one of: {after}.",
            edit_id=edit_id,
        )
    if request_id is None and (new in ACCEPTED or (old in UNCERTAIN and new not in UNCERTAIN)):
        raise StoreError(
            f"Edit {edit_id} cannot become {new!r} without a request id.",
            "Only what the service took can be in that state.",
            edit_id=edit_id,
        )
