"""Passes: several prompts of which each edits what the one before it gave, as one job. `nb.chain` is the call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import Any

from nbbanana.display.views import ResultView, edits, money
from nbbanana.engine.run import Outcome, Progress, StopReport
from nbbanana.errors import BudgetError, InputError, NBBananaError, NotInStoreError, PromptError, UsageError, translated
from nbbanana.grammar import of_pass
from nbbanana.images import ImageInput, load
from nbbanana.models import Model
from nbbanana.request import EditRequest
from nbbanana.session.call_args import checked_prompt
from nbbanana.session.jobs import Job
from nbbanana.session.library import Library
from nbbanana.session.results import EditResult
from nbbanana.store.records import Edit

__all__ = ["ChainJob", "following", "pass_requests", "replayed_passes"]

OF_THE_LAST = frozenset({"resolution", "output_format"})
"""Parameters that belong to the last pass, as the number of pictures does: those before it make one to go on with."""


def pass_requests(
    ask: Callable[..., EditRequest],
    model: Model,
    prompts: Sequence[str],
    images: Sequence[ImageInput],
    what: Mapping[str, Any],
) -> list[EditRequest]:
    """
    Return the request of each pass; those after the first hold the first picture until theirs is made.

    Args:
        ask: makes a checked request of words, pictures and what else `what` holds.
        model: the model that runs them.
        prompts: the words of each pass.
        images: the loaded pictures; the references after the first go to each pass.
        what: `parameters`, `n` and others, as for one request. The number of pictures, `resolution` and
            `output_format` are those of the last pass.

    Raises:
        PromptError: there is no pass, or one has no words.
        UsageError: no picture that could be gone on with, or a mask, which fits one picture alone.
        InputError: one of them cannot be asked like this.
    """
    if isinstance(prompts, str) or not prompts or not hasattr(prompts, "__len__"):
        kind = "one text" if isinstance(prompts, str) else f"a value of type {type(prompts).__name__}"
        what_is = f"The passes are {kind}." if prompts else "There is no pass."
        raise PromptError(what_is, "A chain is a list, a prompt a pass.", 'nb.chain(["Keep … Change …"], picture)')
    given = dict(what.get("parameters") or {})
    if len(prompts) == 1:
        return [ask(checked_prompt(prompts[0], images), images, **what)]
    _check_chainable(model, given)
    early = {name: value for name, value in given.items() if name not in OF_THE_LAST and name != model.count_field}
    made = []
    for number, prompt in enumerate(prompts, start=1):
        its_own = what if number == len(prompts) else {**what, "parameters": early, "n": None}
        with translated(InputError, partial(of_pass, number, len(prompts))):
            made.append(ask(checked_prompt(prompt, images), images, **its_own))
    return made


def _check_chainable(model: Model, parameters: Mapping[str, Any]) -> None:
    if not model.picture_fields:
        raise UsageError(
            f"{model.id} takes no pictures.",
            "A second pass edits the picture that the first one gave.",
            "Use a model that edits, or write one pass.",
        )
    if model.mask_field is not None and parameters.get(model.mask_field) is not None:
        raise UsageError(
            "A mask and several passes do not go together.",
            "A mask fits one picture, and each pass makes another one.",
            f"Write the pass with the mask as a request of its own; give its result to the next (mask: {model.id}).",
        )


def following(library: Library) -> Callable[[EditRequest, Edit], EditRequest]:
    """Return what puts the first picture of an edit into the request of the pass after it, with the edit's seed."""

    def complete(request: EditRequest, edit: Edit) -> EditRequest:
        picture = load(EditResult(library, None, Outcome(edit))[0])
        seed = request.minted_seed if edit.seed is None else edit.seed
        return replace(request, images=(picture, *request.images[1:]), minted_seed=seed if request.seed_field else None)

    return complete


class ChainJob(Job):
    """
    The passes of a chain as one job: its result is that of the last one, which knows those before it.

    Args:
        jobs: a job for each pass, the first one first.
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.__dict__.update(jobs[-1].__dict__)
        self.jobs = tuple(jobs)

    @property
    def current(self) -> int:
        """Which pass is under way, from 0; where all are over, the one that failed, else the last one."""
        under_way = (number for number, job in enumerate(self.jobs) if not job.done() or job.exception() is not None)
        return next(under_way, len(self.jobs) - 1)

    @property
    def progress(self) -> Progress:
        """The progress of the pass that is under way, and which one it is."""
        number = self.current
        now = self.jobs[number].progress
        if now.is_over:
            return now
        words = f"Pass {number + 1} of {len(self.jobs)}."
        return replace(now, note=f"{words} {now.note}" if now.note else words)

    def view(self) -> ResultView:
        """Return what to show of the pass that is under way."""
        return self.jobs[self.current].view()

    def cancelling(self) -> Future[StopReport]:
        """Begin to cancel all of it, the last pass first so that none begins; says what became of the one under way."""
        under_way = self.current
        futures = [job.cancelling() for job in reversed(self.jobs[under_way:])]
        answer: Future[StopReport] = Future()
        futures[-1].add_done_callback(lambda told: _answer(answer, told, self._kept(under_way)))
        answer.add_done_callback(self._stopped)
        return answer

    def _kept(self, number: int) -> str:
        """Say which passes are done and not paid again."""
        done = [job.edit_id for job in self.jobs[:number] if job.edit_id is not None]
        if not done:
            return ""
        kept = (
            f"Pass 1 is kept as edit {done[0]}"
            if len(done) == 1
            else f"{len(done)} passes are kept, to edit {done[-1]}"
        )
        return f"{kept}: run it again and it goes on from there."

    def _finished(self) -> EditResult:
        for number, job in enumerate(self.jobs):
            error = job.run.future.exception()
            if isinstance(error, NBBananaError):
                raise self._told(number, error)
            if error is not None:
                raise error
            if number + 1 < len(self.jobs):
                job.result()  # it is the session's, as one that was asked alone
        if self._result is None:
            outcome = self.run.future.result()
            self._result = self._receive(replace(outcome, notes=(*outcome.notes, self._whole())), self.name)
        return self._result

    def _whole(self) -> str:
        """Say which passes there were, and what all of them cost where this one is not all of it."""
        records = [job.run.row for job in self.jobs]
        before = edits(record.id for record in records[:-1])
        costs = [record.cost for record in records if record.cost is not None]
        is_known = len(costs) == len(records)
        paid = f", {money(sum(costs), is_play=records[-1].is_play)} together" if is_known else ""
        return f"The last of {len(records)} passes, after {before}{paid}."

    def _told(self, number: int, error: NBBananaError) -> NBBananaError:
        """Return the error of the pass that failed, with what is kept and how to go on."""
        if isinstance(error, BudgetError):  # it is about all of them, and none was sent
            return error
        told = of_pass(number + 1, len(self.jobs), error)
        told.how = " ".join(filter(None, (error.how, self._kept(number))))
        return told


def replayed_passes(
    requests: Sequence[EditRequest],
    complete: Callable[[EditRequest, Edit], EditRequest],
    replayed: Callable[..., Job],
    name: str | None,
) -> list[Job]:
    """
    Answer each pass from the store alone, with the picture that answered the one before it.

    Raises:
        NotInStoreError: nothing answers one of them; it says which.
    """
    jobs: list[Job] = []
    for number, request in enumerate(requests, start=1):
        ready = complete(request, jobs[-1].run.row) if jobs else request
        with translated(NotInStoreError, partial(of_pass, number, len(requests))):
            jobs.append(replayed(ready, name if number == len(requests) else None))
    return jobs


def _answer(answer: Future[StopReport], told: Future[StopReport], kept: str) -> None:
    if told.cancelled():
        answer.cancel()
    elif (error := told.exception()) is not None:
        answer.set_exception(error)
    else:
        report = told.result()
        answer.set_result(replace(report, message=" ".join(filter(None, (report.message, kept)))))
