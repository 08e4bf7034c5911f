"""What a result asks again: the same request anew, with other seeds, or of another model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, Self, cast

from nbbanana.session.library import Library
from nbbanana.session.reproduce import check_asked
from nbbanana.session.result_sets import Asker, ResultSet, collected, seeds_of
from nbbanana.store.records import Edit

__all__ = ["AskedAgain"]


class AskedAgain(ABC):
    """A result whose request can be asked again: a base of `EditResult`."""

    library: Library

    @property
    @abstractmethod
    def asker(self) -> Asker:
        """What asks."""

    @property
    @abstractmethod
    def record(self) -> Edit:
        """The record in the store."""

    def rerun(
        self,
        *,
        mode: str = "fresh",
        n: int | None = None,
        provider: str | None = None,
        model: str | None = None,
        without: Iterable[str] = (),
    ) -> Self:
        """
        Send the same request again: a new sample, also where the seed was given; `n` asks for so many pictures.

        It goes to the service that made it, unless `provider` names another; play money to the one that is chosen. To
        another `model` the pictures, the words and the parameters go under its names for them. What was made here,
        as by `protect`, is made here again.

        Raises:
            ParameterError: that has no counterpart for some; `without=["safety_tolerance"]` gives those up.
        """
        if self.record.is_local:
            from nbbanana.session.protecting import made_again

            wanted = {"n": n, "provider": provider, "model": model, "without": tuple(without)}
            return cast("Self", made_again(self.asker, self.record, self.library.store, wanted))
        where: dict[str, Any] = {"model": model, "without": without} | ({"provider": provider} if provider else {})
        return cast("Self", self.asker.resubmit(self.record, mode=mode, n=n, **where).result())

    def vary(
        self,
        seeds: Iterable[int] | None = None,
        *,
        n: int | None = None,
        provider: str | None = None,
        model: str | None = None,
        without: Iterable[str] = (),
        max_price: float | None = None,
        assume_price: float | None = None,
    ) -> ResultSet:
        """
        Send the same request with other seeds, all at once; what the store has is not sent.

        All of them are checked, and their price is kept back from the budget, before the first is sent. Where one of
        them fails, the others are returned, with a sentence that says what is missing and why.

        Args:
            seeds: a request each.
            n: in the place of seeds: so many that follow the result's own, which are the same each time.
            provider: the service that runs them; None is the one that made it, and for play money the one chosen.
            model: another model to ask the same; None is the one that made it.
            without: the parameters that are given up since that model has no counterpart for them.
            max_price: US dollars that all of them may cost together at most.
            assume_price: US dollars to count for each where the price is not known.

        Raises:
            UsageError: `seeds` are no numbers, or both are given, or neither; or no service made it.
            BudgetError: all together cost too much; nothing was sent.
            NBBananaError: why none of them gave a picture.
        """
        check_asked(self.record)
        numbers = seeds_of(
            seeds, n, self.record.seed, step=self.library.model(self.record).count(self.record.parameters)
        )
        how: dict[str, Any] = {"max_price": max_price, "assume_price": assume_price, "model": model, "without": without}
        jobs = self.asker.resubmit_all(self.record, numbers, provider=provider or "", **how)
        return collected(jobs, [f"seed {seed}" for seed in numbers])
