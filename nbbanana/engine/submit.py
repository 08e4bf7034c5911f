"""The POST: once, unless the service surely did not take it."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

from nbbanana.errors import NBBananaError, NetworkError, RateLimitError, UncertainError

if TYPE_CHECKING:
    from nbbanana.engine.engine import Engine
    from nbbanana.engine.limits import AdaptiveLimit
    from nbbanana.engine.run import Run

__all__ = ["Submitter"]

CONNECT_ATTEMPTS = 3
RATE_LIMIT_ATTEMPTS = 8
LONGEST_PAUSE = 60.0


class Submitter:
    """Sends requests for an engine."""

    def __init__(self, engine: Engine, limit: AdaptiveLimit) -> None:
        self._engine = engine
        self._limit = limit

    async def submit(self, run: Run, payload: dict[str, Any]) -> None:
        """
        Send a journaled request and write down what came of it.

        The exchange is shielded: when the run is cancelled in the middle of it, the POST still ends and its answer
        is still recorded, since it may have been taken.
        """
        if run.stop_requested:
            raise asyncio.CancelledError
        run.tell(phase="submitting")
        await self._engine.move(run, "submitting")
        run.exchange = asyncio.create_task(self._exchange(run, payload))
        run.exchange.add_done_callback(_taken_note_of)
        await asyncio.shield(run.exchange)

    async def _exchange(self, run: Run, payload: dict[str, Any]) -> None:
        assert self._engine.provider is not None
        try:
            accepted = await self._until_taken(run, payload)
        except UncertainError as error:
            run.tell(phase="unknown")
            await self._engine.move(run, "unknown", error=str(error), error_kind=type(error).__name__)
            raise
        except NBBananaError as error:
            await self._engine.move(run, "rejected", error=str(error), error_kind=type(error).__name__)
            raise
        await self._engine.move(run, "queued", request_id=accepted)
        self._limit.accepted()
        run.tell(phase="queued", restart_clock=True)

    async def _until_taken(self, run: Run, payload: dict[str, Any]) -> str:
        """Send it, and again only where nothing was taken: no connection, or a 429."""
        assert self._engine.provider is not None
        connects = refusals = 0
        while True:
            try:
                return (await self._engine.provider.submit(run.request.model, payload)).request_id
            except NetworkError:
                connects += 1
                if connects >= CONNECT_ATTEMPTS or run.stop_requested:
                    raise
                pause = _jittered(0.5 * 2**connects)
            except RateLimitError as error:
                self._limit.refused()
                refusals += 1
                if refusals >= RATE_LIMIT_ATTEMPTS or run.stop_requested:
                    raise
                pause = max(error.retry_after or 0.0, _jittered(2.0**refusals))
                run.tell(note="The service asks to wait a moment.")
            await asyncio.sleep(min(pause, LONGEST_PAUSE))


def _jittered(seconds: float) -> float:
    return seconds * random.uniform(0.5, 1.0)  # noqa: S311 - it spreads retries, it guards nothing


def _taken_note_of(exchange: asyncio.Task[None]) -> None:
    # The answer is in the record; asyncio must not also complain that nobody asked for the exception.
    if not exchange.cancelled():
        exchange.exception()
