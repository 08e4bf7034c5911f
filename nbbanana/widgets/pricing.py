"""What the next run costs and what the budget leaves: asked without waiting, told when the answer is here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

from nbbanana.engine.loop import EngineLoop
from nbbanana.errors import NBBananaError, ServiceError
from nbbanana.widgets import desk
from nbbanana.widgets.telling import Row, price_row

if TYPE_CHECKING:
    from nbbanana.engine.money import Quote
    from nbbanana.session import Session
    from nbbanana.widgets.bench import Bench

__all__ = ["Pricing"]

SOON, LATE = 2.0, 60.0
"""Seconds until the price is asked again where the service did not answer: more each time, and so many at most."""


class Pricing:
    """
    The price beside Run. Called at the desk.

    Args:
        session: whose engine is asked.
        told: called at the desk with what to show.
    """

    def __init__(self, session: Session, told: Callable[[Row], None]) -> None:
        self._session = session
        self._told: Callable[[Row], None] | None = told
        self._number = 0
        self._pause = SOON

    def ask(self, bench: Bench) -> None:
        """
        Ask what the form costs as it is; an answer to an older question is not told any more.

        Where the service does not answer it is asked again, until it does or the form is closed.
        """
        self._number += 1
        number = self._number
        try:
            future = self._session.engine.quote(bench.priced(), bench.model)
        except NBBananaError as error:
            self._tell(None, error)
            return
        future.add_done_callback(lambda done: desk.post(self._answered, number, done, bench))

    def close(self) -> None:
        """Tell nothing any more."""
        self._told = None

    def _answered(self, number: int, future: Future[Quote], bench: Bench) -> None:
        if number != self._number:
            return
        error = future.exception()
        if error is not None and not isinstance(error, NBBananaError):
            raise error
        self._tell(None if error is not None else future.result(), error)
        if isinstance(error, ServiceError):
            EngineLoop.shared().run(self._later(number, bench))
        else:
            self._pause = SOON

    async def _later(self, number: int, bench: Bench) -> None:
        """In the engine's loop, where waiting costs nothing."""
        pause, self._pause = self._pause, min(LATE, 2 * self._pause)
        await asyncio.sleep(pause)
        desk.post(self._again, number, bench)

    def _again(self, number: int, bench: Bench) -> None:
        if number == self._number and self._told is not None:
            self.ask(bench)

    def _tell(self, quote: Quote | None, error: NBBananaError | None) -> None:
        if self._told is None:
            return
        try:
            provider = self._session.provider_name
            budget = self._session.store.budget(provider) if provider else None
            row = price_row(quote, budget, provider)
        except NBBananaError as trouble:
            row, error = price_row(None, None, ""), error or trouble
        row["problem"] = None if error is None else [error.what, error.why, error.how]
        self._told(row)
