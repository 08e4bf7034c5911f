"""`nb.lint`, `nb.split`, `nb.rebase` and `nb.use_cases`: the words of a request, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from textwrap import fill
from typing import Any, overload

from nbbanana.display import lint_bundle
from nbbanana.display.listings import columns_bundle, proposal_bundle
from nbbanana.errors import ConfigError, PromptError, UsageError
from nbbanana.grammar import read_words, to_cell
from nbbanana.images import ImageInput, load_all
from nbbanana.models.model import Listed
from nbbanana.prompts.lint import Asked, all_rules, findings, fixed
from nbbanana.prompts.passes import folded, in_passes
from nbbanana.prompts.prompting import Prompt, UseCase, code_of, use_case, use_cases_there
from nbbanana.prompts.reading import Reading
from nbbanana.request import EditRequest, Finding
from nbbanana.session.call_args import checked_prompt, settled
from nbbanana.session.reproduce import operand_of
from nbbanana.session.requesting import unknown_rules
from nbbanana.session.results import EditResult, Output
from nbbanana.session.session import current
from nbbanana.settings import settings
from nbbanana.text import one_line

__all__ = ["LintReport", "Passes", "Rebased", "UseCases", "lint", "rebase", "split", "use_cases"]


class LintReport(Listed[Finding]):
    """
    What the rules say of a prompt: a sequence of findings, the gravest first, that shows itself as a list.

    Args:
        asked: the prompt and what is known of its request.
        off: ids of rules that are left out.
    """

    def __init__(self, asked: Asked, off: frozenset[str] = frozenset(), only: Sequence[Finding] | None = None) -> None:
        super().__init__(findings(asked, off=off) if only is None else only)
        self._asked, self._off = asked, off

    def _part(self, items: Sequence[Finding]) -> LintReport:
        return LintReport(self._asked, self._off, items)

    def __repr__(self) -> str:
        return f"<LintReport {', '.join(f'{one.rule} ({one.severity})' for one in self) or 'nothing found'}>"

    @property
    def prompt(self) -> str:
        """The prompt that it is about."""
        return self._asked.prompt

    @property
    def fixed(self) -> str:
        """The prompt with everything mended that can be; to lint and mend it again changes nothing."""
        return fixed(self._asked, off=self._off)

    @property
    def settings(self) -> dict[str, Any]:
        """The parameters that mend what is not in the words, such as `aspect_ratio="auto"`."""
        return {name: value for one in self for name, value in one.settings.items()}

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return lint_bundle(self._items, self.fixed if self.fixed != self.prompt else "")


def lint(
    prompt: str,
    *pictures: Any,
    images: Iterable[Any] = (),
    model: str | None = None,
    params: Mapping[str, Any] | None = None,
    compared: bool = False,
) -> LintReport:
    """
    Advise on a prompt; nothing is sent, and nothing goes over the network.

    Args:
        prompt: what to keep and what to change; lines of parts are composed first, as a request does.
        pictures: those that go with it, in their order, as `nb.edit` takes them; without any, what depends on their
            number or shape is not looked at.
        images: the same as a list.
        model: what it goes to; None is the model of the session.
        params: parameters under the names of the model, such as `{"aspect_ratio": "1:1"}`.
        compared: whether it is one of several requests that will be looked at side by side.

    Returns:
        A sequence of findings that shows itself; `report.fixed` is the prompt with what can be mended.

    Raises:
        PromptError: there is no prompt.
        ImageError: a picture that cannot be read.
        UnknownModelError: no such model.
        ConfigError: a rule that is switched off does not exist.

    >>> import nbbanana as nb
    >>> report = nb.lint("Replace the sky with a sunset. Keep the house unchanged.")
    >>> report
    <LintReport preservation-after-change (hint)>
    >>> report.fixed
    'Keep the house unchanged. Replace the sky with a sunset.'
    """
    given = [*pictures, *images]
    chosen = current().model_at(model)
    words = str(read_words(checked_prompt(prompt, given)).for_grammar(chosen.grammar))
    sizes = tuple(image.size for image in load_all(settled(given))) if given else None
    return LintReport(Asked(words, sizes, chosen, dict(params or {}), compared), _off())


def _off() -> frozenset[str]:
    """Return the rules that are switched off; a name that is none is an error here, where it can be seen."""
    for name, near in unknown_rules():
        raise ConfigError(
            f"{name!r} is not a rule of the lint.",
            f"NBBanana.lint_off names it; the rules are {', '.join(rule.id for rule in all_rules())}.",
            f"Write {near!r}." if near else "Leave it out.",
        )
    return frozenset(settings().lint_off)


class Passes(Listed[str]):
    """
    The passes that a prompt can be made in: a list of prompts for `nb.chain`, or the body of a cell.

    Args:
        prompts: the prompt of each pass.
    """

    def __str__(self) -> str:
        return "\n---\n".join(self)

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
        self.prompt = self._folded.prompt
        """What stays, then every change in its order."""
        self.model = passes[-1].model
        """The model of the last pass."""
        self.parameters = dict(passes[-1].record.options)
        """What was set in the last pass, but the words."""

    def __repr__(self) -> str:
        return f"<Rebased {len(self._passes)} passes: {one_line(self.prompt, 200)!r}>"

    @property
    def images(self) -> tuple[ImageInput, ...]:
        """The original pictures, and the reference images of later passes behind them."""
        return tuple(result.originals[number] for result, number in self._places)

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
        return to_cell(
            request, [operand_of(one.record, number, one.library.store) for one, number in self._places], name
        )

    def code(self) -> str:
        """Return the Python that asks it."""
        images = (f"nb.history[{result.id}].originals[{number}]" for result, number in self._places)
        rest = (f"{name}={value!r}" for name, value in {"model": self.model, **self.parameters}.items())
        inner = "".join(f"    {argument},\n" for argument in (code_of(Prompt(self.prompt)), *images, *rest))
        return f"nb.edit(\n{inner})"

    def edit(self, **how: Any) -> EditResult:
        """Send it, like `nb.edit`; what is given goes before what the last pass had."""
        given = {"model": self.model, **self.parameters, **how}
        result: EditResult = self._passes[-1].asker.edit(Prompt(self.prompt), *self.images, **given)
        return result

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


COLUMNS = ("use case", "what it is good for", "its prompt", "with")


class UseCases(Listed[UseCase]):
    """The use cases, by place or by name; as a table where it is shown."""

    @overload
    def __getitem__(self, index: int | str) -> UseCase: ...
    @overload
    def __getitem__(self, index: slice) -> UseCases: ...
    def __getitem__(self, index: int | str | slice) -> UseCase | UseCases:
        return use_case(index) if isinstance(index, str) else super().__getitem__(index)

    def __repr__(self) -> str:
        return f"<UseCases {', '.join(case.id for case in self)}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        rows = [(case.id, f"{case.why} ({case.source})", str(case.prompt), _with(case)) for case in self]
        return columns_bundle(COLUMNS, rows) | {"text/plain": "\n\n".join(map(_as_text, self))}


def use_cases() -> UseCases:
    """
    Return prompts to begin with: use cases of the document on the model, and its sample prompts.

    >>> import nbbanana as nb
    >>> case = nb.use_cases()["ab-variants"]
    >>> print(case.prompts[0])
    Keep the product and composition unchanged. Change the background to deep teal. Avoid added text.
    >>> print(case.prompts[1])
    Keep the product and composition unchanged. Change the background to warm sand. Avoid added text.

    Send the series with `[nb.edit(words, "photo.jpg", **case.parameters) for words in case.prompts]`.
    """
    return UseCases(use_cases_there())


WIDTH = 88
"""How wide a line is in a terminal."""


def _as_text(case: UseCase) -> str:
    """Return a use case as lines that a terminal is wide enough for."""
    told = (f"{case.why} ({case.source})", str(case.prompt), _with(case))
    lines = (fill(one_line(line), WIDTH, initial_indent="  ", subsequent_indent="  ") for line in told if line)
    return "\n".join([case.id, *lines])


def _with(case: UseCase) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in case.parameters.items())
