"""`SweepCell`: one cell of a sweep as a user holds it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from nbbanana.errors import UsageError
from nbbanana.images import ImageInput
from nbbanana.session import EditResult, Output
from nbbanana.session.call_args import file
from nbbanana.session.stability import Sample
from nbbanana.sweeps.exports import is_folder, save_pictures
from nbbanana.sweeps.outlook import SweepState
from nbbanana.sweeps.plan import Cell, Standing
from nbbanana.sweeps.shown import cells_bundle

__all__ = ["SweepCell"]


class SweepCell:
    """
    One cell of a sweep as a user holds it: where it stands in the grid, and its result.

    It shows its result, and its one picture can be an input: `nb.edit("Make it snow.", sweep[3])`.

    Args:
        owner: the sweep that it is a cell of.
        cell: what it asks.
    """

    def __init__(self, owner: SweepState, cell: Cell) -> None:
        self.owner = owner
        self._cell = cell
        self.number = cell.number
        """Its place in the sweep, from 0."""
        self.at: Mapping[str, Any] = dict(cell.values)
        """The value of each axis here."""
        self.seed = cell.request.seed if cell.request else None
        """The seed that it is asked with; None where the model takes none."""

    def __repr__(self) -> str:
        return f"<SweepCell {self.number}: {self._cell.title} ({self.state})>"

    @property
    def title(self) -> str:
        """What sets it apart: `seed 3 · resolution 2K`."""
        return self._cell.title

    @property
    def state(self) -> str:
        """How it stands: `here`, `under way`, `missing`, `refused`, `failed` or `unknown`."""
        return self._standing.state

    @property
    def why(self) -> str:
        """Why it gave no picture, in words; empty where it did."""
        return self._standing.why

    @property
    def edit_id(self) -> int | None:
        """The number of its record in the history; None where there is none."""
        return self._standing.edit.id if self._standing.edit else None

    @property
    def result(self) -> EditResult:
        """
        Its result.

        Raises:
            UsageError: it has none.
        """
        found = self.owner.result_of(self._cell)
        if found is None:
            raise UsageError(
                f"Cell {self.number} ({self.title}) has no picture: it is {self.state}.",
                self.why or "It was not asked for.",
                "sweep.run() asks for what is missing.",
            )
        return found

    @property
    def label(self) -> str:
        """What it is called where it is an input: the expression that gives its result, or its title."""
        return self.result.label if self.state == "here" else self.title

    def edit(self, prompt: str, *more: Any, **parameters: Any) -> EditResult:
        """Edit its one picture further, like `nb.edit`; UsageError where it has none, or several."""
        return self._only_output("edit(…)").edit(prompt, *more, **parameters)

    def star(self) -> Self:
        """Star its result."""
        self.result.star()
        return self

    def unstar(self) -> Self:
        """Take the star of its result away, and those of its pictures."""
        self.result.unstar()
        return self

    def reject(self) -> Self:
        """Reject its result: a rating, it stays in the store."""
        self.result.reject()
        return self

    def show(self) -> None:
        """Show its pictures: in the cell of a notebook, else in the system's picture viewer."""
        for output in self.result:
            output.show()

    def save(self, path: str | Path, *, overwrite: bool = False) -> list[Path]:
        """
        Write its pictures into a folder, under names that carry the values of the axes, or its one picture to a file.

        Args:
            path: a folder, which is made, such as `out/`; or a file, such as `best.png`.
            overwrite: replace a file that is there.

        Returns:
            The files.

        Raises:
            UsageError: it has no picture, several for one file, or a file is there; nothing is written then.
        """
        target = file(path)
        if not is_folder(path):
            return [self._only_output(f"save({str(path)!r})").save(path, overwrite=overwrite)]
        _ = self.result  # it says why there is none
        return save_pictures(self.owner, [self._cell], target, overwrite=overwrite)

    def _only_output(self, call: str) -> Output:
        result = self.result
        if len(result) != 1:
            raise UsageError(
                f"Cell {self.number} ({self.title}) has {len(result)} pictures.",
                "This is about one picture.",
                f"Say which: sweep[{self.number}].result[{len(result) // 2}]{call and f'.{call}'}.",
            )
        return result[0]

    def __nbbanana_result__(self) -> EditResult | Output:
        return self._only_output("")

    def __nbbanana_image__(self) -> ImageInput:
        return self._only_output("").__nbbanana_image__()

    def __nbbanana_samples__(self) -> list[Sample]:
        return self.result.__nbbanana_samples__()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        if self.state == "here":
            return self.result._repr_mimebundle_(include, exclude)
        lines = [f"Cell {self.number} is {self.state}.", *filter(None, [self.why])]
        return cells_bundle(self.owner, [self.number], lines), {}

    @property
    def _standing(self) -> Standing:
        return self.owner.standings[self.number]
