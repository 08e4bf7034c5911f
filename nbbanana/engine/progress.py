"""The progress of a job: an immutable snapshot that any thread may read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Phase", "Progress"]

Phase = Literal[
    "preparing",
    "submitting",  # the POST may be under way
    "paused",  # refused for now, nothing was taken: it is sent again at `resumes_at`
    "queued",
    "running",
    "downloading",
    "done",
    "cancelled",
    "failed",
    "unknown",
]


@dataclass(frozen=True, slots=True)
class Progress:
    """
    Where a job stands.

    Args:
        phase: the step it is in.
        elapsed: seconds since the phase's clock began (since acceptance while queued or running).
        expected: seconds such jobs took before, where the store knows any.
        queue_position: how many are ahead, where the service says so.
        outputs_done: outputs that are here.
        outputs_total: outputs that are coming.
        bytes_done: bytes of them so far.
        note: a sentence about something unusual: a state this version does not know, a poll that failed.
        resumes_at: when a pause ends, on the monotonic clock in seconds; None where nothing pauses.
    """

    phase: Phase
    elapsed: float = 0.0
    expected: float | None = None
    queue_position: int | None = None
    outputs_done: int = 0
    outputs_total: int = 0
    bytes_done: int = 0
    note: str | None = None
    resumes_at: float | None = None

    @property
    def is_over(self) -> bool:
        """Whether the job has ended."""
        return self.phase in {"done", "cancelled", "failed", "unknown"}
