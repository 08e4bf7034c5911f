"""How a run ends without a picture: the record of it, and the error that says why and what was charged."""

from __future__ import annotations

from typing import Any

from nbbanana.engine.context import Context
from nbbanana.engine.past_costs import dollars
from nbbanana.engine.run import Run
from nbbanana.errors import (
    BlockedError,
    JobCancelledError,
    JobError,
    JobFailedError,
    NBBananaError,
    NoImagesError,
)
from nbbanana.providers.base import JobStatus
from nbbanana.store.records import State

__all__ = ["about", "closed", "judge"]


async def judge(run: Run, context: Context, status: JobStatus) -> None:
    """Record an end without pictures, and raise it as a JobError; one with pictures is nothing."""
    error = _error_of(status)
    if error is None:
        return
    facts: dict[str, Any] = {"error": str(error), "error_kind": type(error).__name__, "cost": status.cost}
    state: State = "cancelled" if status.state == "cancelled" else "failed"
    await context.rows.move(run, state, **facts)
    raise error


def _error_of(status: JobStatus) -> JobError | None:
    if status.state == "cancelled":
        return JobCancelledError("The job was cancelled.", "It was cancelled at the service.", "Run it again.")
    charged = "Charged: unknown." if status.cost is None else f"Charged: {dollars(status.cost)}."
    if status.state == "failed" and status.is_blocked:
        mend = f"Change the prompt or the picture, or try --safety-tolerance 5. {charged}"
        return BlockedError("The content filter blocked this.", status.error or "", mend)
    if status.state == "failed":
        mend = f"Run it again, or change the prompt. {charged}"
        return JobFailedError("The model failed.", status.error or "The service gave no reason.", mend)
    if not status.urls:
        return NoImagesError(
            "The service completed the job without a picture.",
            "It gave no reason; refused content can look like this.",
            f"Change the prompt or the picture. {charged}",
        )
    return None


def closed() -> JobCancelledError:
    """Return the error of a wait that ends with its kernel or session."""
    return JobCancelledError("The wait was ended.", "The kernel or session closes.", "%nbresume collects it.")


def about(error: NBBananaError, run: Run) -> NBBananaError:
    """Return the error with the ids of the row and of the request, so that the reader can go on from there."""
    if run.edit is not None:
        error.edit_id = error.edit_id or run.edit.id
        error.request_id = error.request_id or run.edit.request_id
    return error
