"""Several results together, and what a result asks further with: the parts of `results` that know no result."""

from __future__ import annotations

import operator
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, Self, TypeVar, overload

from nbbanana.display.views import ResultView
from nbbanana.display.words import edits, money
from nbbanana.engine.run import Progress, StopReport
from nbbanana.errors import JobCancelledError, NBBananaError, UsageError
from nbbanana.images import ImageInput
from nbbanana.request import SEED_LIMIT
from nbbanana.session import drift_of_series, saving, view_builders
from nbbanana.session.names import ITEM, Expression, variable_of
from nbbanana.session.sampled import Sample, Sampled
from nbbanana.store.records import Edit
from nbbanana.text import one_line
from nbbanana.watching import Watcher, interrupted, watcher

if TYPE_CHECKING:
    from nbbanana.session.stability import Stability

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["Asker", "Missing", "Pending", "ResultSet", "Results", "bundle_of", "collected", "seeds_of"]

Result_co = TypeVar("Result_co", covariant=True)

GRACE, TICK = 0.1, 0.2
"""Seconds before the progress of a series is shown, and between two looks at it."""


class Pending(Protocol):
    """A request under way."""

    @property
    def progress(self) -> Progress:
        """Where it stands."""
        ...

    def view(self) -> ResultView:
        """Return what to show of it now."""
        ...

    def done(self) -> bool:
        """Return whether it is over."""
        ...

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is over; whether it is."""
        ...

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the result."""
        ...

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for its error; None where it ended well."""
        ...

    def cancelling(self) -> Future[StopReport]:
        """Begin to cancel it."""
        ...


class Asker(Protocol):
    """The part of a session that results need: to edit, to resubmit, and to write down what was made here."""

    @property
    def mode(self) -> str:
        """`auto`, `fresh` or `replay`."""
        ...

    def load(self, images: Iterable[Any]) -> tuple[ImageInput, ...]:
        """Load pictures."""
        ...

    def local(self, made: Edit, blobs: Iterable[bytes] = (), note: str = "") -> Any:
        """Return the result of an edit that was made here; one without a number is written down first."""
        ...

    def edit(self, prompt: str, *images: Any, **how: Any) -> Any:
        """Ask for an edit and wait for it."""
        ...

    def resubmit(
        self,
        edit: Edit,
        *,
        mode: str = "auto",
        seed: int | None = None,
        n: int | None = None,
        **how: Any,
    ) -> Pending:
        """Ask again what a record asked."""
        ...

    def resubmit_all(
        self,
        edit: Edit,
        seeds: Sequence[int],
        *,
        provider: str = "",
        model: str | None = None,
        without: Iterable[str] = (),
        max_price: float | None = None,
        assume_price: float | None = None,
    ) -> Sequence[Pending]:
        """Ask again what a record asked, with each of these seeds."""
        ...


class Results(Sampled, Sequence[Result_co]):
    """
    Several results in an order; a slice of them is of the same kind and shows itself.

    `results[3]` is the fourth result, `results[3, 1]` its second picture.
    """

    def __init__(self, results: Sequence[Any]) -> None:
        self._results = tuple(results)

    def __len__(self) -> int:
        return len(self._results)

    @overload
    def __getitem__(self, index: int) -> Result_co: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    @overload
    def __getitem__(self, index: tuple[int, int]) -> Any: ...
    def __getitem__(self, index: int | slice | tuple[int, int]) -> Any:
        if isinstance(index, slice):
            return self._part(self._results[index])
        if isinstance(index, tuple):
            result, picture = _pair(index)
            return self._results[result][picture]
        return self._results[index]

    def by_drift(self) -> Self:
        """
        Return them with the most drifted first: by how much the worst picture of each changed outside of what was to
        change. One that shows another scene than its input comes before all; what was not measured comes last.
        """
        return self._part([self._results[place] for place in drift_of_series.by_drift(self._records())])

    def outliers(self) -> Self:
        """
        Return those with a picture that is unlike the rest, the most drifted first; none of fewer than five pictures.

        A figure is unlike the rest where it is more than twice the median, and above it by more than five times the
        median absolute deviation and by more than its own noise floor.
        """
        return self._part([self._results[place] for place in drift_of_series.outliers(self._records())])

    def _records(self) -> list[Edit]:
        return [result.record for result in self._results]

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
            UsageError: there is no picture, another suffix, or a file that is there.
        """
        from nbbanana.display.sheets import write_sheet

        target = saving.sheet_target(path, overwrite=overwrite)
        pictures = [
            one for result in self._results for one in view_builders.sheet_pictures(result.record, result.library)
        ]
        if not pictures:
            raise UsageError("There is no picture.", "A contact sheet shows pictures.", "Choose edits that have some.")
        write_sheet(target, pictures, title or f"{len(pictures):,} picture{'' if len(pictures) == 1 else 's'}")
        return target

    def stability(self) -> Stability:
        """Measure how alike all their pictures are: see `nb.stability`."""
        from nbbanana.session.stability import stability

        return stability(self)

    def __nbbanana_samples__(self) -> list[Sample]:
        return [sample for result in self._results for sample in result.__nbbanana_samples__()]

    def to_frame(self) -> DataFrame:
        """
        Return these edits as a pandas table, a row an edit, indexed by id; times are UTC, money is US dollars.

        Raises:
            UsageError: pandas is not installed.
        """
        return view_builders.history_frame(result.record for result in self._results)

    def _part(self, results: Sequence[Any]) -> Self:
        return type(self)(results)


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
        ipython = sys.modules.get("IPython")
        if ipython is not None and ipython.get_ipython() is not None:
            ipython.display.display(self)
        else:
            sys.stdout.write(f"{self._repr_mimebundle_()[0]['text/plain']}\n")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        if not self._results:
            return {"text/plain": "\n".join([repr(self), *self.notes])}, {}
        name = variable_of(self)
        labels = [f"{name}[{place}]" if name else result.label for place, result in enumerate(self)]
        shown = [(result.view(label), result.origin, result.record) for label, result in zip(labels, self, strict=True)]
        notes = [*self.notes, *drift_of_series.sentences(self._records())]
        return bundle_of(view_builders.set_view(shown, name, notes), include, exclude)


def seeds_of(seeds: Any, n: Any, own: int | None, *, step: int = 1) -> list[int]:
    """
    Return the seeds of a series.

    Args:
        seeds: those that were given; None where `n` says how many.
        n: so many that follow the result's own.
        own: the result's own.
        step: how many pictures a request gives: some services count the seed up from picture to picture.

    Raises:
        UsageError: they are no numbers, or both are given, or neither.

    >>> seeds_of(range(3), None, 7), seeds_of(None, 3, 7), seeds_of(None, 1, None)
    ([0, 1, 2], [8, 9, 10], [0])
    """
    if n is None:
        return _whole(seeds)
    if seeds is not None:
        raise UsageError(
            "vary() was given seeds and n.",
            "n says how many seeds to take after the result's own.",
            "Give one of them.",
        )
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise UsageError(f"n is {n!r:.40}.", "It is the number of seeds to try.", "Write vary(n=4).")
    first = -step if own is None else own
    return [(first + step * number) % SEED_LIMIT for number in range(1, n + 1)]


def _whole(seeds: Any) -> list[int]:
    if isinstance(seeds, Iterable) and not isinstance(seeds, str | bytes):
        try:
            return [operator.index(seed) for seed in seeds]
        except TypeError:
            pass
    given = "It was given none." if seeds is None else f"It was given {seeds!r:.40}."
    raise UsageError("vary() takes several seeds.", given, "Write vary(range(4)), or vary(n=4) for the next four.")


def collected(jobs: Sequence[Pending], names: Sequence[str]) -> ResultSet:
    """
    Wait for all jobs of a series and return what they gave.

    Args:
        jobs: in their order.
        names: what sets each apart, such as `seed 3`.

    Raises:
        NBBananaError: why the first failed, where none gave a picture.
        KeyboardInterrupt: it was interrupted; every job that still could be was cancelled, and what was made is shown.
    """
    watch = watcher()
    try:
        _wait(jobs, watch)
    except KeyboardInterrupt:
        _interrupted(jobs, names, watch)
    made = _over(jobs, names)
    watch.ended(_summary(made, len(jobs)))
    if made.missing and not made:
        errors = [one.error for one in made.missing]
        raise next((error for error in errors if not isinstance(error, JobCancelledError)), errors[0])
    return made


def _wait(jobs: Sequence[Pending], watch: Watcher) -> None:
    """Wait for all; what the store answers at once is not shown as waiting."""
    pause, play = GRACE, ""
    for job in jobs:
        while not job.wait(pause):
            if pause == GRACE:
                view = job.view()
                pause, play = TICK, view.provider if view.is_play else ""
            watch.progress([one.progress for one in jobs], play)


def _summary(made: ResultSet, total: int) -> str:
    """Return how a series ended: how many were made, which they are, and what was paid for them now."""
    new = [result.record for result in made if result.origin != "replayed"]
    old, costs = len(made) - len(new), [record.cost for record in new]
    known = [cost for cost in costs if cost is not None]
    paid = money(sum(known), is_play=any(record.is_play for record in new)) if len(known) == len(costs) and new else ""
    facts = [edits(result.id for result in made) if made else "", f"{old} of them from the store" if old else "", paid]
    which = ", ".join(filter(None, facts))
    return f"{len(made)} of {total} edits {'are here' if old else 'were made'}{': ' * bool(which)}{which}."


def _interrupted(jobs: Sequence[Pending], names: Sequence[str], watch: Watcher) -> NoReturn:
    for stopping in [job.cancelling() for job in jobs if not job.done()]:
        stopping.result()
    made = _over(jobs, names)
    watch.ended(f"Stopped: {_summary(made, len(jobs))}")
    if made:
        made.show()
    kept = f" What was made is kept: {edits(result.id for result in made)}." if made else ""
    raise interrupted(
        f"Stopped: {len(made)} of {len(jobs)} edits were made.{kept} Run the cell again for the rest."
    ) from None


def _over(jobs: Sequence[Pending], names: Sequence[str]) -> ResultSet:
    """Return what jobs that are over gave."""
    results, missing = [], []
    for job, name in zip(jobs, names, strict=True):
        try:
            results.append(job.result())
        except NBBananaError as error:
            missing.append(Missing(name, error))
    return ResultSet(results, missing)


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


def _pair(index: tuple[Any, ...]) -> tuple[int, int]:
    if len(index) != 2:
        raise UsageError(
            f"[{', '.join(map(repr, index))}] names no picture.",
            "Results have two places: which result, and which of its pictures.",
            "Write [3, 1] or [3][1].",
        )
    return index


def bundle_of(view: ResultView, include: Any, exclude: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the MIME bundle of a view, of the types that IPython asks for, and its metadata."""
    from nbbanana.display import bundle
    from nbbanana.settings import settings

    data, metadata = bundle(view, budget=settings().max_output_bytes or None)
    kept = {
        mime: value
        for mime, value in data.items()
        if (not include or mime in include) and not (exclude and mime in exclude)
    }
    return kept, {mime: value for mime, value in metadata.items() if mime in kept or mime not in data}
