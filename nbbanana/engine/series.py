"""A series: several requests that are checked and reserved together before the first of them is sent."""

from __future__ import annotations

import asyncio
import copy
import logging
from collections.abc import Awaitable, Callable, Sequence

from nbbanana.engine.context import Context
from nbbanana.engine.prices import Quote
from nbbanana.engine.run import Run
from nbbanana.errors import JobCancelledError, NBBananaError

__all__ = ["Asked", "Series"]

log = logging.getLogger("nbbanana.engine")

Asked = tuple[Run, Quote]
"""A request that is written down, and its price."""


class Series:
    """
    Requests that are paid for all or none.

    Each of them is expected before the first begins. Then, in the engine's loop, it waits in `reserve` once it is
    written down, or calls `leave`; the last one decides for all. One that is stopped meanwhile is left out.

    Args:
        reserve: keeps back what several requests cost together.
        is_whole: whether none is sent where one of them cannot be sent; else that one alone is left out.
    """

    def __init__(
        self, reserve: Callable[[Sequence[Asked], Context], Awaitable[None]], *, is_whole: bool = True
    ) -> None:
        self._reserve = reserve
        self._is_whole = is_whole
        self._coming = 0
        self._waiting: list[Asked] = []
        self._decision: asyncio.Future[Exception | None] | None = None
        self._deciding: asyncio.Task[None] | None = None
        self._error: NBBananaError | None = None

    def expect(self) -> None:
        """Count one more request."""
        self._coming += 1

    async def reserve(self, run: Run, context: Context, price: Quote) -> None:
        """
        Wait until all others are written down, and keep back what all cost together.

        Raises:
            BudgetError: all together cost too much; none is sent.
            JobCancelledError: another one cannot be sent, so this one is not sent either.
        """
        self._waiting.append((run, price))
        if self._decision is None:
            self._decision = asyncio.get_running_loop().create_future()
        self._arrive(context)
        if (refusal := await asyncio.shield(self._decision)) is not None:
            raise copy.copy(refusal)  # each run adds its own number to its own

    def leave(self, context: Context, error: BaseException | None = None) -> None:
        """Go on without a request that is answered elsewhere, was stopped, or cannot be sent because of an error."""
        if self._is_whole and isinstance(error, NBBananaError) and self._error is None:
            self._error = error
        self._arrive(context)

    def _arrive(self, context: Context) -> None:
        self._coming -= 1
        if self._coming == 0 and self._decision is not None:
            self._deciding = asyncio.create_task(self._decide(context, self._decision))

    async def _decide(self, context: Context, decision: asyncio.Future[Exception | None]) -> None:
        left = [(run, price) for run, price in self._waiting if not run.stop_requested]
        refusal: Exception | None = None
        try:
            if self._error is not None:
                refusal = _not_alone(self._error)
                await _cancel(left, context)
            elif left:
                await self._reserve(left, context)
        except asyncio.CancelledError:
            decision.cancel()
            raise
        except NBBananaError as error:
            refusal = error
        except Exception as error:
            log.exception("A series failed in a way that was not foreseen.")
            refusal = error  # those that wait end with it
        decision.set_result(refusal)


async def _cancel(asked: list[Asked], context: Context) -> None:
    for run, _ in asked:
        if not run.stop_requested:
            await context.rows.move(run, "cancelled", note="another request of its series could not be sent")


def _not_alone(error: NBBananaError) -> JobCancelledError:
    return JobCancelledError(
        "It was not sent: another request of its series cannot be sent.",
        error.what,
        error.how or "Mend that one, or leave it out. Nothing was sent.",
    )
