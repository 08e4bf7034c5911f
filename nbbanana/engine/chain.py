"""A chain: requests of which each edits what the one before it gave. All are priced and reserved before the first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nbbanana.engine.context import Context
from nbbanana.engine.reuse import Reuse
from nbbanana.engine.run import Run
from nbbanana.errors import JobCancelledError, NBBananaError
from nbbanana.request import EditRequest
from nbbanana.store.records import Edit

__all__ = ["Complete", "Later", "unfinished"]

Complete = Callable[[EditRequest, Edit], EditRequest]
"""Gives a request with the picture of an edit in the place of its main one, and with the seed of that edit."""


@dataclass(frozen=True, slots=True)
class Later:
    """
    What a later pass waits for.

    Args:
        before: the pass before it.
        complete: puts the picture of that pass into its request.
        number: which pass it is, from 1.
    """

    before: Run
    complete: Complete
    number: int

    async def request(self, run: Run, context: Context) -> EditRequest:
        """
        Wait for the pass before; return the request with its picture.

        Raises:
            JobCancelledError: the pass before gave no picture; this one is not sent.
            NBBananaError: its picture cannot be read.
        """
        run.update(note=f"It waits for pass {self.number - 1}.")
        coming = asyncio.wrap_future(self.before.future)
        # Where this pass is stopped first, no one asks for the error of the one before; asyncio must not report it.
        coming.add_done_callback(lambda over: over.cancelled() or over.exception())
        try:
            outcome = await asyncio.shield(coming)
        except Exception as error:  # noqa: BLE001 (whatever ended it: this pass is not sent, and says so)
            await context.rows.move(run, "cancelled", note=f"pass {self.number - 1} gave no picture")
            raise self._not_sent(error) from None
        run.update(restart_clock=True, note=None)
        return await context.threads.prepare(self.complete, run.request, outcome.edit)

    def _not_sent(self, error: Exception) -> JobCancelledError:
        why = error.what if isinstance(error, NBBananaError) else "It failed in a way that was not foreseen."
        return JobCancelledError(
            f"Pass {self.number} was not sent: pass {self.number - 1} gave no picture.",
            why,
            "Mend that pass and run it again: what is done is not paid again.",
        )


def unfinished(reuse: Reuse, requests: Sequence[EditRequest], complete: Complete, provider: str) -> Edit | None:
    """
    Return the newest answer to the first of these passes, if what follows from it did not reach the last one.

    To run such a chain again means to go on with it, and not to pay for its first passes once more.
    """
    first, *rest = requests
    newest = edit = reuse.newest(first, provider)
    for request in rest:
        if edit is None:
            break
        edit = reuse.newest(complete(request, edit), provider)
    return newest if edit is None else None
