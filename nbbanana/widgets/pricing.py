"""What the next run costs and what the budget leaves: asked without waiting, told when the answer is here."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

from nbbanana.errors import NBBananaError
from nbbanana.widgets import desk
from nbbanana.widgets.telling import Row, price_row

if TYPE_CHECKING:
    from nbbanana.engine.money import Quote
    from nbbanana.session import Session
    from nbbanana.widgets.bench import Bench

__all__ = ["Pricing"]


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

    def ask(self, bench: Bench) -> None:
        """Ask what the form costs as it is; an answer to an older question is not told any more."""
        self._number += 1
        number = self._number
        try:
            future = self._session.engine.quote(bench.priced(), bench.model)
        except NBBananaError as error:
            self._tell(None, error)
            return
        future.add_done_callback(lambda done: desk.post(self._answered, number, done))

    def close(self) -> None:
        """Tell nothing any more."""
        self._told = None

    def _answered(self, number: int, future: Future[Quote]) -> None:
        if number != self._number:
            return
        error = future.exception()
        if error is not None and not isinstance(error, NBBananaError):
            raise error
        self._tell(None if error is not None else future.result(), error)

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
