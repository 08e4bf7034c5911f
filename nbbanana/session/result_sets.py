"""Several results together, what a result is told and asked again, and what it asks with: all that knows no result."""

from __future__ import annotations

import operator
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast, overload

from nbbanana.display import bundle
from nbbanana.display.paper import write_sheet
from nbbanana.display.views import ResultView
from nbbanana.errors import NBBananaError, UsageError
from nbbanana.models.model import Item_co, Listed
from nbbanana.request import MOST_REQUESTS, SEED_LIMIT
from nbbanana.session import view_builders
from nbbanana.session.call_args import file, flag, texts
from nbbanana.session.drift_reports import by_drift, outliers, sentences
from nbbanana.session.exporting import check_free, history_frame, writing
from nbbanana.session.library import ITEM, Asker, Expression, Library, Recorded, shell, variable_of
from nbbanana.session.protecting import made_again
from nbbanana.session.reproduce import check_asked
from nbbanana.session.stability import Sample, Stability, stability
from nbbanana.settings import settings
from nbbanana.store.records import Edit
from nbbanana.text import counted, one_line

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["AskedAgain", "Missing", "ResultSet", "Results", "Sampled", "bundle_of", "seeds_of"]


class Sampled(Listed[Item_co]):
    """Pictures in an order, or results that have some."""

    def stability(self) -> Stability:
        """Measure how alike all its pictures are: see `nb.stability`."""
        return stability(self)

    def __nbbanana_samples__(self) -> list[Sample]:
        return [sample for one in self._items for sample in one.__nbbanana_samples__()]


class Results(Sampled[Item_co]):
    """
    Several results in an order; a slice of them is of the same kind and shows itself.

    `results[3]` is the fourth result, `results[3, 1]` its second picture.
    """

    @overload
    def __getitem__(self, index: int) -> Item_co: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    @overload
    def __getitem__(self, index: tuple[int, int]) -> Any: ...
    def __getitem__(self, index: int | slice | tuple[int, int]) -> Any:
        if isinstance(index, tuple):
            if len(index) != 2:
                raise UsageError(
                    f"[{', '.join(map(repr, index))}] names no picture.",
                    "Results have two places: which result, and which of its pictures.",
                    "Write [3, 1] or [3][1].",
                )
            return self._items[index[0]][index[1]]
        return super().__getitem__(index)

    def by_drift(self) -> Self:
        """
        Return them with the most drifted first: by how much the worst picture of each changed outside of what was to
        change. One that shows another scene than its input comes before all; what was not measured comes last.
        """
        return self._part([self._items[place] for place in by_drift(self._records())])

    def outliers(self) -> Self:
        """
        Return those with a picture that is unlike the rest, the most drifted first; none of fewer than five pictures.

        A figure is unlike the rest where it is more than twice the median, and above it by more than five times the
        median absolute deviation and by more than its own noise floor.
        """
        return self._part([self._items[place] for place in outliers(self._records())])

    def _records(self) -> list[Edit]:
        return [result.record for result in self._items]

    def contact_sheet(self, path: str | Path, *, title: str = "", overwrite: bool = False) -> Path:
        """
        Write all their pictures onto A4 pages, to print or to send: each with its number, its seed and its words.

        Args:
            path: `.jpg` is one page, which has room for about forty pictures; `.pdf` is as many as it takes.
            title: stands on top; the default is the number of pictures.
            overwrite: replace a file that is there.

        Returns:
            The file.

        Raises:
            UsageError: there is no picture, another suffix, a file that is there, or one that cannot be written.
        """
        target = file(path)
        if target.suffix.lower() not in {".jpg", ".jpeg", ".pdf"}:
            raise UsageError(
                f"{target.name} is no name for a contact sheet.",
                "It is written as a JPEG of one page, or as a PDF of several.",
                f"Use {target.stem}.jpg or {target.stem}.pdf.",
            )
        check_free([target], overwrite=overwrite)
        pictures = [
            one for result in self._items for one in view_builders.sheet_pictures(result.record, result.library)
        ]
        if not pictures:
            raise UsageError("There is no picture.", "A contact sheet shows pictures.", "Choose edits that have some.")
        with writing("The contact sheet"):
            target.parent.mkdir(parents=True, exist_ok=True)
            write_sheet(target, pictures, title or counted(len(pictures), "picture"))
        return target

    def to_frame(self) -> DataFrame:
        """
        Return these edits as a pandas table, a row an edit, indexed by id; times are UTC, money is US dollars.

        Raises:
            UsageError: pandas is not installed.
        """
        return history_frame(result.record for result in self._items)


@dataclass(frozen=True, slots=True)
class Missing:
    """
    A request of a series that gave no picture.

    Args:
        name: what sets it apart, such as `seed 3`.
        error: why it gave none.
    """

    name: str
    error: NBBananaError


class ResultSet(Results[Any]):
    """
    Several results of one question, such as with several seeds; shows itself as one grid.

    Args:
        results: in their order.
        missing: the requests that gave no picture.
    """

    def __init__(self, results: Sequence[Any], missing: Sequence[Missing] = ()) -> None:
        super().__init__(results)
        self.missing = tuple(missing)

    def __repr__(self) -> str:
        more = f", {len(self.missing)} missing" if self.missing else ""
        return f"<ResultSet of {len(self)}{more}>"

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences that say how many are missing and why; none where all are here."""
        if not self.missing:
            return ()
        why: dict[tuple[str, ...], list[str]] = {}
        for one in self.missing:
            why.setdefault(tuple(one.error.lines), []).append(one.name)
        total = len(self) + len(self.missing)
        return (
            f"{len(self)} of {total} edits were made.",
            *(one_line(f"{_together(names)}: {' '.join(lines)}") for lines, names in why.items()),
        )

    def __nbbanana_expression__(self, library: object, edit_id: int) -> Expression | None:
        places = (place for place, one in enumerate(self) if one.id == edit_id and one.library is library)
        return next((Expression(ITEM, f"[{place}]") for place in places), None)

    def show(self) -> None:
        """Show it in the cell of a notebook; elsewhere its words are printed."""
        if shell() is not None:
            sys.modules["IPython"].display.display(self)
        else:
            sys.stdout.write(f"{self._repr_mimebundle_()[0]['text/plain']}\n")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        if not self._items:
            return {"text/plain": "\n".join([repr(self), *self.notes])}, {}
        name = variable_of(self)
        labels = [f"{name}[{place}]" if name else result.label for place, result in enumerate(self)]
        shown = [(result.view(label), result.origin, result.record) for label, result in zip(labels, self, strict=True)]
        notes = [*self.notes, *sentences(self._records())]
        return bundle_of(view_builders.set_view(shown, name, notes))


class AskedAgain(Recorded, ABC):
    """A result that can be annotated, and whose request can be asked again: the base of `EditResult`."""

    library: Library

    @property
    @abstractmethod
    def asker(self) -> Asker:
        """What asks."""

    @abstractmethod
    def known(self, edit: Edit) -> Self:
        """Return the same with what was said of its edit since."""

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
        return cast("ResultSet", self.asker.resubmit_all(self.record, numbers, provider=provider or "", **how))

    def annotate(
        self,
        *,
        tags: Iterable[str] | str | None = None,
        note: str | None = None,
        starred: bool | None = None,
        rejected: bool | None = None,
        add_tags: Iterable[str] | str = (),
        remove_tags: Iterable[str] | str = (),
    ) -> Self:
        """
        Say what you think of it; None leaves as it is.

        Args:
            tags: its tags from now on, in place of those it has; one text is one tag.
            note: a sentence about it; an empty one takes it away.
            starred: a mark for the edit as a whole.
            rejected: likewise.
            add_tags: tags to add.
            remove_tags: tags to take away.

        Returns:
            The result with what was said.

        Raises:
            UsageError: a mark that is neither True nor False, or a tag that is no text.
        """
        added, removed = texts(add_tags), texts(remove_tags)
        if tags is not None:
            added = [*added, *texts(tags)]
            removed = [*removed, *(tag for tag in self.library.store.get(self.record.id).tags if tag not in added)]
        edit = self.library.store.annotate(
            self.record.id,
            starred=None if starred is None else flag("starred", starred),
            rejected=None if rejected is None else flag("rejected", rejected),
            note=None if note is None else str(note),
            add_tags=added,
            remove_tags=removed,
        )
        return self.known(edit)

    def star(self) -> Self:
        """Star it."""
        return self.annotate(starred=True)

    def unstar(self) -> Self:
        """Take its star away, and those of its outputs."""
        return self.annotate(starred=False)

    def reject(self) -> Self:
        """Reject it: a rating, it stays in the store."""
        return self.annotate(rejected=True)

    def unreject(self) -> Self:
        """Take that mark away."""
        return self.annotate(rejected=False)


def seeds_of(seeds: Any, n: Any, own: int | None, *, step: int = 1) -> list[int]:
    """
    Return the seeds of a series.

    Args:
        seeds: those that were given; None where `n` says how many.
        n: so many that follow the result's own.
        own: the result's own.
        step: how many pictures a request gives: some services count the seed up from picture to picture.

    Raises:
        UsageError: they are no numbers, or too many, or both are given, or neither.

    >>> seeds_of(range(3), None, 7), seeds_of(None, 3, 7), seeds_of(None, 1, None)
    ([0, 1, 2], [8, 9, 10], [0])
    """
    if n is None:
        if len(given := _whole(seeds)) > MOST_REQUESTS:
            raise UsageError("vary() was given too many seeds.", f"It takes {MOST_REQUESTS:,} at once.", "Give fewer.")
        return given
    if seeds is not None:
        raise UsageError(
            "vary() was given seeds and n.",
            "n says how many seeds to take after the result's own.",
            "Give one of them.",
        )
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= MOST_REQUESTS:
        raise UsageError(
            f"n is {n!r:.40}.", f"It is the number of seeds to try: 1 to {MOST_REQUESTS:,}.", "Write vary(n=4)."
        )
    first = -step if own is None else own
    return [(first + step * number) % SEED_LIMIT for number in range(1, n + 1)]


def _whole(seeds: Any) -> list[int]:
    if isinstance(seeds, Iterable) and not isinstance(seeds, str | bytes):
        with suppress(TypeError):
            return [operator.index(seed) for seed in islice(seeds, MOST_REQUESTS + 1)]
    given = "It was given none." if seeds is None else f"It was given {seeds!r:.40}."
    raise UsageError("vary() takes several seeds.", given, "Write vary(range(4)), or vary(n=4) for the next four.")


def _together(names: Sequence[str]) -> str:
    """
    Return names that begin alike as one phrase.

    >>> _together(["seed 3"]), _together(["seed 3", "seed 5", "seed 6"])
    ('Seed 3', 'Seeds 3, 5 and 6')
    """
    first = names[0][:1].upper() + names[0][1:]
    if len(names) == 1:
        return first
    kind, _, number = first.partition(" ")
    rest = [name.partition(" ")[2] for name in names[1:]]
    return f"{kind}s {', '.join([number, *rest[:-1]])} and {rest[-1]}"


def bundle_of(view: ResultView) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the MIME bundle of a view, of the size that the settings allow, and its metadata."""
    return bundle(view, budget=settings().max_output_bytes or None)
