"""`nb.split` and `nb.rebase`: one prompt as several passes, and a chain of passes as one request. Nothing is sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

from nbbanana.display.proposals import proposal_bundle
from nbbanana.errors import PromptError, UsageError
from nbbanana.grammar import to_cell
from nbbanana.images import ImageInput
from nbbanana.prompts.passes import folded, in_passes
from nbbanana.prompts.reading import Reading
from nbbanana.request import EditRequest
from nbbanana.session.reproduce import operand_of
from nbbanana.session.results import EditResult, Output
from nbbanana.text import one_line

__all__ = ["Passes", "Rebased", "rebase", "split"]


class Passes(Sequence[str]):
    """
    The passes that a prompt can be made in: a list of prompts for `nb.chain`, or the body of a cell.

    Args:
        prompts: the prompt of each pass.
    """

    def __init__(self, prompts: Sequence[str]) -> None:
        self._prompts = tuple(prompts)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Passes: ...
    def __getitem__(self, index: int | slice) -> str | Passes:
        return Passes(self._prompts[index]) if isinstance(index, slice) else self._prompts[index]

    def __len__(self) -> int:
        return len(self._prompts)

    def __str__(self) -> str:
        return "\n---\n".join(self._prompts)

    def __repr__(self) -> str:
        return f"<Passes {len(self)}: {one_line(str(self), 200)!r}>"

    @property
    def notes(self) -> tuple[str, ...]:
        """What splitting costs."""
        if len(self) == 1 and Reading(str(self)).language != "English":
            return ("Only English is told apart into changes. Write a line of --- between the passes yourself.",)
        if len(self) == 1:
            return ("It is one change, or its changes cannot be told apart: there is nothing to split.",)
        return (
            f"{len(self)} passes are {len(self)} requests, and each is paid.",
            "Each pass redraws the whole picture, so that small faults add up; one request stays nearer to the input.",
            "Split where one request drifts. The lines of --- stand in a cell as they do here.",
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        heading = "One pass" if len(self) == 1 else f"{len(self)} passes"
        return proposal_bundle(heading, [str(self)], self.notes)


def split(prompt: str) -> Passes:
    """
    Propose the passes that a prompt can be made in: in each what stays, then one change. Nothing is sent.

    Args:
        prompt: the words; only English is split.

    Raises:
        PromptError: no words.

    >>> list(split("Keep the table. Remove the cup and turn the wall blue."))
    ['Keep the table. Remove the cup.', 'Keep the table. Turn the wall blue.']
    """
    if not isinstance(prompt, str) or not prompt.strip():
        raise PromptError("There is no prompt.", "Words are split into passes.", 'nb.split("Keep … Change … and …")')
    return Passes(in_passes(prompt))


class Rebased:
    """
    A chain of passes as one request about the original picture.

    `.edit()` sends it; `.cell()` and `.code()` are what asks it; it shows itself as its cell.

    Args:
        passes: the results of the chain, the first pass first.
        local: the numbers of edits on the way that no service made.
    """

    def __init__(self, passes: Sequence[EditResult], local: Sequence[int] = ()) -> None:
        self._passes = tuple(passes)
        self._local = tuple(local)
        self._folded = folded([one.prompt for one in passes])
        self._places = _inputs(passes)

    def __repr__(self) -> str:
        return f"<Rebased {len(self._passes)} passes: {one_line(self.prompt, 200)!r}>"

    @property
    def prompt(self) -> str:
        """What stays, then every change in its order."""
        return self._folded.prompt

    @property
    def images(self) -> tuple[ImageInput, ...]:
        """The original pictures, and the reference images of later passes behind them."""
        return tuple(result.originals[number] for result, number in self._places)

    @property
    def model(self) -> str:
        """The model of the last pass."""
        return self._passes[-1].model

    @property
    def parameters(self) -> dict[str, Any]:
        """What was set in the last pass, but the words."""
        return dict(self._passes[-1].record.options)

    @property
    def notes(self) -> tuple[str, ...]:
        """What to look at before it is sent."""
        left_out = [f"Left out, since it keeps what a pass made: {sentence}" for sentence in self._folded.left_out]
        moved = [result.id for result, _ in self._places if result is not self._passes[0]]
        behind = [f"The reference images of edit {moved[0]} stand last: check their numbers."] if moved else []
        behind += [
            f"Edit {number} put the original's pixels back: protect the new picture too." for number in self._local
        ]
        return (*left_out, *behind, "Nothing was sent: .edit() sends it.")

    def cell(self, name: str | None = None) -> str:
        """Return the `%%nbedit` cell that asks it."""
        request = EditRequest(self.model, {**self.parameters, "prompt": self.prompt})
        return to_cell(request, [self._operand(place) for place in self._places], name)

    def code(self) -> str:
        """Return the Python that asks it."""
        images = (f"nb.history[{result.id}].originals[{number}]" for result, number in self._places)
        rest = (f"{name}={value!r}" for name, value in {"model": self.model, **self.parameters}.items())
        inner = "".join(f"    {argument},\n" for argument in (repr(self.prompt), *images, *rest))
        return f"nb.edit(\n{inner})"

    def edit(self, **how: Any) -> EditResult:
        """Send it, like `nb.edit`; what is given goes before what the last pass had."""
        given = {"model": self.model, **self.parameters, **how}
        result: EditResult = self._passes[-1].asker.edit(self.prompt, *self.images, **given)
        return result

    def _operand(self, place: tuple[EditResult, int]) -> str:
        result, number = place
        return operand_of(result.record, number, result.library.store)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        ids = ", ".join(str(one.id) for one in self._passes)
        heading = f"{len(self._passes)} passes (edits {ids}) as one request about the original"
        return proposal_bundle(heading, [self.cell()], self.notes)


def _inputs(passes: Sequence[EditResult]) -> list[tuple[EditResult, int]]:
    """Return where the pictures are: those of the first pass, and each reference image that a later one adds."""
    first, *later = passes
    found = [(first, number) for number in range(len(first.inputs))]
    known = {record.identity for record in first.inputs}
    for result in later:
        for number, record in enumerate(result.inputs[1:], start=1):
            if record.identity not in known:
                known.add(record.identity)
                found.append((result, number))
    return found


def rebase(result: EditResult | Output) -> Rebased:
    """
    Fold the chain of passes that led to a picture into one request about the original. Nothing is sent.

    Each pass redraws the whole picture. One request on the original brings back what was lost on the way.

    Args:
        result: a picture, or a result, that was made in several passes.

    Raises:
        UsageError: it was made in one pass.

    >>> import nbbanana as nb
    >>> with nb.Session(provider="sandbox", store=getfixture("tmp_path")):
    ...     last = nb.chain(["Make it night.", "Add a boat."], nb.samples.still_life(), seed=7)
    ...     print(nb.rebase(last).prompt)
    Make it night. Add a boat.
    """
    held = result.result if isinstance(result, Output) else result
    if not isinstance(held, EditResult):
        raise UsageError(f"A {type(result).__name__} has no passes.", "A result or one of its pictures has.")
    passes = [one for one in held.passes if not one.record.is_local]
    if len(passes) == 1:
        raise UsageError(
            f"{held.label} was made in one pass.",
            "There is nothing to fold.",
            f"Its request again: {held.label}.rerun().",
        )
    return Rebased(passes, [one.id for one in held.passes if one.record.is_local])
