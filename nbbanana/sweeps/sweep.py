"""`Sweep`: many requests as one value that shows its plan, runs what is missing, and shows its pictures as a grid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbbanana.display.sweep_grid import SweepImages
from nbbanana.engine.helping import Helper
from nbbanana.engine.run import Outcome, Progress
from nbbanana.errors import NBBananaError, UsageError
from nbbanana.session import EditResult, Session, current
from nbbanana.session.call_args import checked_prices
from nbbanana.session.result_sets import Missing, ResultSet
from nbbanana.session.saving import check_free
from nbbanana.sweeps.allowed import check_prices, next_lines
from nbbanana.sweeps.axes import Combine
from nbbanana.sweeps.cells import Cell, Standing
from nbbanana.sweeps.frames import frame_of
from nbbanana.sweeps.lookups import axis_named, check_value
from nbbanana.sweeps.pace import Pace
from nbbanana.sweeps.plan import Outlook, Plan, outlook, standings_of
from nbbanana.sweeps.plan_files import read_plan, write_plan
from nbbanana.sweeps.planning import planned
from nbbanana.sweeps.running import Running, check_answered
from nbbanana.sweeps.saved_pictures import file_names, is_folder, save_pictures
from nbbanana.sweeps.sheets import SUFFIXES, save_sheet
from nbbanana.sweeps.shown import plan_bundle, sheet_bundle
from nbbanana.sweeps.sweep_cells import SweepCell
from nbbanana.sweeps.voted import Voted
from nbbanana.sweeps.words import progress_lines, stopped, summary_of
from nbbanana.watching import interrupted, watcher

if TYPE_CHECKING:
    from distributed import Client
    from pandas import DataFrame

__all__ = ["Sweep", "sweep"]


class Sweep(Voted, Sequence[SweepCell]):
    """
    Many requests: a plan at first, a grid of pictures once it ran.

    `sweep[3]` is its fourth cell, `sweep.at(seed=3)` those of a value, `sweep.results` all that is here.

    Args:
        session: asks, and holds the records.
        plan: the cells.
    """

    def __init__(self, session: Session, plan: Plan) -> None:
        self.session = session
        self.plan = plan
        self._ahead: Outlook | None = None
        self._looked_up: Sequence[Standing] | None = None
        """How the cells stood before it ran, by the store alone: no service is asked for that."""
        self._standings: list[Standing] | None = None
        self._images = SweepImages()
        self._pace = Pace(1)

    def __repr__(self) -> str:
        here = sum(one.state == "here" for one in self.standings)
        return f"<Sweep {self.plan.shape}, {here} here>"

    def __len__(self) -> int:
        return len(self.plan)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [SweepCell(self, cell) for cell in self.plan.cells[index]]
        try:
            return SweepCell(self, self.plan.cells[index])
        except IndexError:
            said = f"There is no cell {index}: the sweep has {len(self)}, from 0 to {len(self) - 1}."
            raise IndexError(said) from None

    def __iter__(self) -> Iterator[SweepCell]:
        return (SweepCell(self, cell) for cell in self.plan.cells)

    def at(self, **values: Any) -> list[SweepCell]:
        """
        Return the cells that have these values.

        Raises:
            UsageError: no axis of that name, or no such value on it.
        """
        for name, value in values.items():
            check_value(axis_named(self.plan.axes, name), value)
        return [
            one
            for one in self
            if all(one.at.get(name) == value or one._cell.at.get(name) == value for name, value in values.items())  # noqa: SLF001
        ]

    @property
    def ahead(self) -> Outlook:
        """What is ahead as the plan was looked at: how many are here, and price, time and budget of the rest."""
        if self._ahead is None:
            self._ahead = outlook(self.session, self.plan, self._before)
        return self._ahead

    @property
    def _before(self) -> Sequence[Standing]:
        if self._looked_up is None:
            self._looked_up = standings_of(self.session, self.plan)
        return self._looked_up

    @property
    def standings(self) -> Sequence[Standing]:
        """How each cell stands."""
        return self._standings if self._standings is not None else self._before

    @property
    def results(self) -> ResultSet:
        """All results that are here, in their order; it says what is missing and why."""
        found = [self.result_of(cell) for cell in self.plan.cells]
        without = [
            (cell, self.standings[cell.number]) for cell, one in zip(self.plan.cells, found, strict=True) if one is None
        ]
        missing = [Missing(cell.title, one.error or _as_error(one)) for cell, one in without]
        return ResultSet([one for one in found if one is not None], missing)

    def result_of(self, cell: Cell) -> EditResult | None:
        """Return the result of a cell; None where it has none."""
        made = self.standings[cell.number].made
        return None if made is None else EditResult(self.session.library, self.session, Outcome(made, "replayed"))

    def run(
        self,
        *,
        max_price: float | None = None,
        assume_price: float | None = None,
        on: Client | None = None,
        blobs: str | None = None,
    ) -> Sweep:
        """
        Ask for the cells that are missing, and wait.

        What the store has is not sent; what was sent before and is not collected yet is collected. A cell that is
        refused or fails stays a cell with its reason, and the others go on. An interrupt takes back what was not sent;
        what was sent goes on, and running the sweep again takes it up.

        Args:
            max_price: US dollars that all missing cells may cost together at most.
            assume_price: US dollars to count for each where the price is not known.
            on: a `distributed.Client`: the workers of its cluster fetch, check, hash and measure the pictures. Requests
                are sent and polled here; no key leaves this process (extra `dask`).
            blobs: an fsspec address where workers put pictures, which are taken from there, such as
                `s3://bucket/incoming`; None where they share the folder of the store.

        Returns:
            The sweep itself, which shows its grid.

        Raises:
            BudgetError: all together may cost more than `max_price` or the budget; nothing was sent.
            UsageError: a cluster that cannot be used; nothing was sent.
            NotInStoreError: in replay, the store does not answer all cells; the grid was shown.
            KeyboardInterrupt: it was interrupted; it says how to go on.
        """
        return self._waited(self.begin(max_price=max_price, assume_price=assume_price, on=on, blobs=blobs))

    def retry(self, *, max_price: float | None = None, assume_price: float | None = None) -> Sweep:
        """
        Ask again for the cells that gave no picture and surely cost nothing: those that the service refused, and those
        that failed and were not charged. Their number is in the report of the sweep.
        """
        return self._waited(self.begin(retries=True, max_price=max_price, assume_price=assume_price))

    def begin(
        self,
        *,
        retries: bool = False,
        max_price: float | None = None,
        assume_price: float | None = None,
        on: Client | None = None,
        blobs: str | None = None,
    ) -> Running:
        """
        Make ready what `run` does, or what `retry` does, for those who wait in their own way; nothing is sent yet.

        `running.start()` sends, `running.look()` says whether all is over, and after an interrupt
        `running.take_back()` takes back what was not sent.
        """
        prices = checked_prices(max_price, assume_price)
        self._ahead = self._looked_up = self._standings = None
        if retries:  # in replay nothing is asked again
            chosen = [one.is_free and self.session.mode != "replay" for one in self.standings]
        else:
            chosen = [one.state in {"missing", "under way"} for one in self.standings]
        wanted = [cell.number for cell in self.plan.cells if chosen[cell.number] and cell.request is not None]
        check_prices(self.ahead, **prices)
        running = Running(self.session, self.plan, self.ahead, wanted, prices, self._helper(on, blobs))
        self._standings = running.standings
        self._pace = Pace(min(self.ahead.at_once, len(wanted)))
        return running

    def _helper(self, on: Client | None, blobs: str | None) -> Helper | None:
        if on is None:
            return None
        from nbbanana.sweeps.scale_out import cluster

        return cluster(on, self.session.store, blobs)

    def growing(self, stages: Sequence[Progress]) -> dict[str, str]:
        """Return the grid as it is while its jobs stand so, as a MIME bundle."""
        head, *rest = progress_lines(stages)
        return self.sheet(head, *filter(None, [self._pace.said(stages)]), *rest)

    def sheet(self, *lines: str) -> dict[str, str]:
        """Return the grid as it stands, under some sentences, as a MIME bundle."""
        return sheet_bundle(self.plan, self.standings, self.session.library, self._images, [*lines, *self.notes])

    @property
    def notes(self) -> list[str]:
        """Sentences on how it came about, such as what was left out of it."""
        return []

    @property
    def stopped(self) -> str:
        """How it stands after an interrupt, and how to go on."""
        return stopped(self.plan, self.standings)

    def save(self, path: str | Path, *, overwrite: bool = False, title: str = "", size: Any = "A4") -> Path:
        """
        Write the pictures, the grid to be printed, or the plan.

        A folder gets all pictures, under names that carry the values of the axes: `out/` gets `colour-red-seed-0.png`.

        `grid.pdf` has as many pages as it takes, at 200 dpi; `grid.png` (or `.jpg`) is one page at 300 dpi. Both have
        the names of rows and columns, what all cells share, and why a cell has no picture.

        `plan.json` has the plan with its seeds, and its pictures in a folder beside it: `nb.Sweep.open` reads it, and
        `nbbanana sweep plan.json` runs it from a shell.

        Args:
            path: a folder (one that is there, or a path without an ending or with `/` at its end), or a file that ends
                in `.pdf`, `.png`, `.jpg` or `.json`. Folders are made.
            overwrite: replace files that are there.
            title: stands on top of a page; else what varies.
            size: the paper: `"A4"`, `"A3"` or `"letter"` (all landscape), `"A4 portrait"`, or width and height in
                inches.

        Returns:
            The file, or the folder.

        Raises:
            UsageError: another ending, a file that is there, or no picture for a folder; nothing is written then.
            ParameterError: a paper that is none.
        """
        target = Path(path).expanduser()
        if is_folder(path):
            names = file_names(self.plan, self.standings)
            save_pictures(names, self.plan.cells, self.result_of, target, overwrite=overwrite)
            return target
        kind = target.suffix.lower()
        if kind in SUFFIXES:
            standings, library, lines = list(self.standings), self.session.library, [self.summary]
            how: dict[str, Any] = {"lines": lines, "title": title, "size": size, "overwrite": overwrite}
            return save_sheet(self.plan, standings, library, target, **how)
        if kind != ".json":
            raise UsageError(
                f"{target.name} is neither a grid nor a plan.",
                "A grid is a .pdf, .png or .jpg, a plan a .json.",
                f"Use {target.stem}.pdf, or {target.stem}.json; {target.stem}/ takes all pictures.",
            )
        check_free([target], overwrite=overwrite)
        return write_plan(self.plan, target)

    @classmethod
    def open(cls, path: str | Path, session: Session | None = None) -> Sweep:
        """
        Open a plan that was saved; nothing is sent before `run`.

        Args:
            path: the file.
            session: the session that asks; None is the current one.

        Raises:
            PlanError: it cannot be read, or its pictures are not those that it names.
        """
        asks = session or current()
        return cls(asks, read_plan(Path(path).expanduser(), asks))

    def to_frame(self) -> DataFrame:
        """Return the cells as a pandas DataFrame: a column for each axis, and what became of each."""
        return frame_of(self.plan, self.standings, self.session.library).assign(**self._vote_columns())

    def _waited(self, running: Running) -> Sweep:
        watch = watcher()
        try:
            running.start()
            while not running.look():
                if (stages := running.news()) is not None:
                    watch.drawing(partial(self.growing, stages))
                running.pause()
        except KeyboardInterrupt:
            running.take_back()
            watch.ended(self.stopped)
            raise interrupted(self.stopped) from None
        try:
            self.check_answered()
        except NBBananaError:
            watch.drawing(partial(self.sheet, self.summary))
            raise
        watch.ended(self.summary)
        return self

    def check_answered(self) -> None:
        """Check, in replay, that the store answered all cells; raises `NotInStoreError`, as `run` does."""
        check_answered(self.session, self.plan, self.standings)

    @property
    def summary(self) -> str:
        """How the sweep stands, in a sentence or two."""
        return summary_of(self.plan, self.standings)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        if self._standings is None:
            return self.plan_sheet(*next_lines(self.ahead)), {}
        return self.sheet(self.summary), {}

    def plan_sheet(self, *lines: str) -> dict[str, str]:
        """Return the plan as it was looked at, with some sentences at its end, as a MIME bundle."""
        return plan_bundle(self.plan, self.ahead, self.session.library, self._images, [*self.notes, *lines])


def sweep(
    prompt: Any = None,
    *images: Any,
    combine: Combine = "product",
    rows: Any = None,
    replace: Mapping[str, Any] | None = None,
    lock: bool | None = None,
    region: Any = None,
    session: Session | None = None,
    **given: Any,
) -> Sweep:
    """
    Plan many requests: several values of one thing are an axis. Nothing is sent before `run`.

    Args:
        prompt: the words, or several of them; `{{colour}}` takes the values of the argument `colour`.
        images: the pictures of every cell; pictures that vary are `images=[…]`, and come before these.
        combine: `product`, each value with each, or `zip`, the first values together, then the second, and so on.
        rows: a DataFrame, or a list of dicts: each row is a cell.
        replace: words of the prompt, and what stands in their place cell by cell: `{"red": ["red", "blue"]}`.
        lock: have all outputs one shape and size; None does it where the pictures vary and neither is set.
        region: the part of a picture that all are about, as for `nb.edit`: it is no axis, and several boxes or names
            are one region of several parts.
        session: the session that asks; None is the current one.
        given: `model`, `provider`, `n`, and the model's own parameters: one value, or several. Where no seed is given,
            each cell gets one that follows from what it asks.

    Returns:
        A `Sweep`, which shows its plan: how many cells, how many are in the store already, price, time and budget.

    Raises:
        UsageError: axes that cannot be combined.
        PromptError: no words, or words to be replaced that are not in the prompt.
        InputError: no cell can be asked.

    >>> import nbbanana as nb
    >>> with nb.Session(provider="sandbox", store=getfixture("tmp_path")):
    ...     grid = nb.sweep("Paint it {{colour}}.", nb.samples.still_life(), colour=["red", "blue"], seed=range(2))
    ...     print(grid.plan.shape, grid.run().summary)
    colour (2) × seed (2) = 4 cells All 4 cells are here.
    """
    asks = session or current()
    return Sweep(
        asks,
        planned(asks, prompt, images, given, combine=combine, rows=rows, replace=replace, lock=lock, region=region),
    )


def _as_error(standing: Standing) -> NBBananaError:
    return NBBananaError(standing.why or f"It is {standing.state}.", "")
