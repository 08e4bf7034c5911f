"""`Sweep`: many requests as one value that shows its plan, runs what is missing, and shows its pictures as a grid."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbbanana.display.results import series_bundle
from nbbanana.display.sweep_grid import SweepImages
from nbbanana.engine.run import Helper, Progress
from nbbanana.errors import NBBananaError, NotInStoreError, UsageError
from nbbanana.session import Session, current
from nbbanana.session.call_args import checked_prices, file
from nbbanana.session.exporting import check_free, writing
from nbbanana.session.result_sets import Missing, ResultSet
from nbbanana.sweeps.exports import SUFFIXES, frame_of, is_folder, save_pictures, save_sheet
from nbbanana.sweeps.outlook import next_lines, plan_lines, refusal
from nbbanana.sweeps.plan import Combine, Plan, axis_named, check_value
from nbbanana.sweeps.plan_files import read_plan, write_plan
from nbbanana.sweeps.planning import planned
from nbbanana.sweeps.running import Running, time_left
from nbbanana.sweeps.shown import sheet_bundle
from nbbanana.sweeps.sweep_cells import SweepCell
from nbbanana.sweeps.voting import Voted
from nbbanana.text import one_line
from nbbanana.watching import interrupted, watcher

if TYPE_CHECKING:
    from distributed import Client
    from pandas import DataFrame

    from nbbanana.grammar import Cell

__all__ = ["Sweep", "sweep", "sweep_of_line"]

NAMED = 4
"""So many of the cells that an error is about are named."""
INTERRUPT = "■ takes back what was not sent. What was sent goes on, and running the sweep again collects it."


class Sweep(Voted, Sequence[SweepCell]):
    """
    Many requests: a plan at first, a grid of pictures once it ran.

    `sweep[3]` is its fourth cell, `sweep.at(seed=3)` those of a value, `sweep.results` all that is here.

    Args:
        session: asks, and holds the records.
        plan: the cells.
    """

    def __init__(self, session: Session, plan: Plan) -> None:
        super().__init__(session, plan)
        self._has_run = False
        self._images = SweepImages()
        self._at_once, self._began_at = 1, 0.0

    def __repr__(self) -> str:
        return f"<Sweep {self.plan.shape}, {len(self.made)} here>"

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

    def at(self, **values: Any) -> list[SweepCell]:
        """
        Return the cells that have these values.

        Raises:
            UsageError: no axis of that name, or no such value on it.
        """
        for name, value in values.items():
            check_value(axis_named(self.plan.axes, name), value)
        return [
            SweepCell(self, cell)
            for cell in self.plan.cells
            if all(value in (cell.values.get(name), cell.at.get(name)) for name, value in values.items())
        ]

    @property
    def results(self) -> ResultSet:
        """All results that are here, in their order; it says what is missing and why."""
        results, missing = [], []
        for cell, one in zip(self.plan.cells, self.standings, strict=True):
            if (result := self.result_of(cell)) is not None:
                results.append(result)
            else:
                missing.append(Missing(cell.title, one.error or NBBananaError(one.why or f"It is {one.state}.", "")))
        return ResultSet(results, missing)

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
        self._ahead = self._standings = None
        self._has_run = False
        if retries:  # in replay nothing is asked again
            chosen = [one.is_free and self.session.mode != "replay" for one in self.standings]
        else:
            chosen = [one.state in {"missing", "under way"} for one in self.standings]
        wanted = [cell.number for cell in self.plan.cells if chosen[cell.number] and cell.request is not None]
        if (error := refusal(self.ahead, **prices)) is not None:
            raise error
        helper: Helper | None = None
        if on is not None:
            from nbbanana.sweeps.scale_out import cluster

            helper = cluster(on, self.session.store, blobs)
        running = Running(self.session, self.plan, self.ahead, wanted, prices, helper)
        self._standings, self._has_run = running.standings, True
        self._at_once, self._began_at = min(self.ahead.at_once, len(wanted)), time.monotonic()
        return running

    def growing(self, stages: Sequence[Progress]) -> dict[str, str]:
        """Return the grid as it is while its jobs stand so, as a MIME bundle."""
        head = series_bundle(stages)["text/plain"]
        left = time_left(stages, self._at_once, time.monotonic() - self._began_at)
        return self.sheet(head, *filter(None, [left]), INTERRUPT)

    def sheet(self, *lines: str) -> dict[str, str]:
        """Return the grid as it stands, under some sentences, as a MIME bundle."""
        return sheet_bundle(self, self._images, [*lines, *self.notes])

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
            UsageError: another ending, a file that is there, no picture for a folder, or what cannot be written.
            ParameterError: a paper that is none.
        """
        target = file(path)
        if is_folder(path):
            save_pictures(self, self.plan.cells, target, overwrite=overwrite)
            return target
        kind = target.suffix.lower()
        if kind not in {*SUFFIXES, ".json"}:
            raise UsageError(
                f"{target.name} is neither a grid nor a plan.",
                "A grid is a .pdf, .png or .jpg, a plan a .json.",
                f"Use {target.stem}.pdf, or {target.stem}.json; {target.stem}/ takes all pictures.",
            )
        check_free([target], overwrite=overwrite)
        if kind == ".json":
            with writing("The plan"):
                write_plan(self.plan, target)
        else:
            save_sheet(self, target, [self.summary], title, size)
        return target

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
        return cls(asks, read_plan(file(path), asks))

    def to_frame(self) -> DataFrame:
        """Return the cells as a pandas DataFrame: a column for each axis, and what became of each."""
        return frame_of(self).assign(**self._vote_columns())

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
        watch.ended(running.outcome)  # the grid itself says how the sweep stands
        return self

    def check_answered(self) -> None:
        """
        Check, in replay, that the store answered all cells; one that it holds without a picture is answered by its
        reason.

        Raises:
            NotInStoreError: it did not.
        """
        pairs = zip(self.plan.cells, self.standings, strict=True)
        without = [cell for cell, one in pairs if one.state in {"missing", "under way"}]
        if self.session.mode != "replay" or not without:
            return
        named = ", ".join(one_line(cell.title, 80) for cell in without[:NAMED])
        more = f" and {len(without) - NAMED} more" if len(without) > NAMED else ""
        count = f"{len(without)} of {len(self)} cells {'is' if len(without) == 1 else 'are'}"
        raise NotInStoreError(
            f"{count} not in the store: {named}{more}." if len(self) > 1 else "The cell is not in the store.",
            "Replay sends nothing, and no record answers what they ask.",
            "Give the store that the sweep was made with, or run the sweep once with mode='auto', which asks for them.",
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        if not self._has_run:
            return self.plan_sheet(is_call=True), {}
        return self.sheet(self.summary), {}

    def plan_sheet(
        self, *, max_price: float | None = None, assume_price: float | None = None, is_call: bool = False
    ) -> dict[str, str]:
        """
        Return the plan as it was looked at, as a MIME bundle: what it is about to do, and whether that is allowed.

        Args:
            max_price: US dollars that all missing cells may cost together at most.
            assume_price: US dollars to count for each where the price is not known.
            is_call: whether it is run by a call; else by a line, of a cell or a shell.
        """
        lines = next_lines(self.ahead, **checked_prices(max_price, assume_price), is_call=is_call)
        said = [*plan_lines(self.plan, self.ahead), *self.notes, *lines]
        return sheet_bundle(self, self._images, said, has_grid=bool(self.made))


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


def sweep_of_line(session: Session, line: Cell, images: Sequence[Any], parameters: Mapping[str, Any]) -> Sweep:
    """
    Plan the sweep that a line of a notebook or a shell asks for, with these pictures and parameters.

    Raises:
        UsageError: it has several passes.
    """
    if line.then:
        raise UsageError(
            "A sweep and several passes do not go together.",
            "Each cell of a sweep is one request.",
            "Sweep the first pass, and edit the best of its pictures further.",
        )
    given = {"model": line.model, "provider": line.provider, **parameters, **line.axes}
    return Sweep(session, planned(session, line.prompt, images, given, region=line.region, checks_names=False))
