"""What a Studio follows while it works: its jobs, the price of the next run, advice on the prompt, scaled pictures."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from nbbanana.display import standing, stopping
from nbbanana.display.listings import advice_rows
from nbbanana.engine.loop import EngineLoop
from nbbanana.engine.prices import Quote
from nbbanana.errors import NBBananaError, ServiceError
from nbbanana.grammar import read_words
from nbbanana.images import ImageInput, prepare
from nbbanana.images.kinds import MAX_UPLOAD_BYTES
from nbbanana.models import Model
from nbbanana.providers.registry import title_of
from nbbanana.request import Finding
from nbbanana.session import EditResult, Job, Session
from nbbanana.session.requesting import advice_for
from nbbanana.text import joined
from nbbanana.widgets.base import Form, Row, error_lines, new_key, ui_thread
from nbbanana.widgets.form_state import Draft, FormState
from nbbanana.widgets.rows import gist, price_row

__all__ = ["AdviceWatcher", "PriceWatcher", "ScalingNotes", "Task", "TaskList", "mended", "task_row"]


@dataclass(eq=False, slots=True)
class Task:
    """
    A job as the form shows it.

    Args:
        job: the job.
        result: what came of it, once it came.
        error: why nothing came.
        is_stopping: whether it is being cancelled.
        provider: the service that the form named for it; empty is that of the session.
        key: names it in this process.
    """

    job: Job
    result: EditResult | None = None
    error: NBBananaError | None = None
    is_stopping: bool = False
    provider: str = ""
    key: str = field(default_factory=new_key)
    told: Future[None] = field(default_factory=Future, repr=False)
    """Done once the form shows how it ended."""
    is_noted: bool = False
    """Whether a note about it lies in the UI thread already: the engine may have more to say than there is to show."""
    shown: dict[str, Any] = field(default_factory=dict, repr=False)
    """What the front end was told of it last: a poll that found nothing new is not worth a message."""
    unlisten: Callable[[], None] = field(default=lambda: None, repr=False)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self.result is not None or self.error is not None


def task_row(task: Task, ratio: float) -> Row:
    """Where a job stands, with what cancelling it would do."""
    job, progress = task.job, task.job.progress
    mark, word, detail, value, most = standing(progress)
    error = task.error
    return {
        "key": task.key,
        "edit": job.edit_id,
        "prompt": gist(job.request.prompt),
        "phase": "failed" if error is not None and not progress.is_over else progress.phase,
        "mark": mark,
        "word": "Stopping" if task.is_stopping else _ending(task) or word,
        "detail": "" if error is not None else detail,
        "value": value,
        "most": most,
        "elapsed": progress.elapsed,
        "expected": progress.expected,
        "facts": _facts(task),
        "cancel": stopping(progress),
        "count": progress.outputs_total or 1,
        "done": progress.outputs_done,
        "ratio": ratio,
        "is_over": task.is_over,
        "is_stopping": task.is_stopping,
        "collects": error is not None and runs_on(job),
        "error": None if error is None else error_lines(error),
    }


def runs_on(job: Job) -> bool:
    """Whether the service still has it although the wait has ended: it is collected, and not asked and paid again."""
    edit = job.run.edit
    return edit is not None and edit.request_id is not None and not edit.is_terminal


def _ending(task: Task) -> str:
    """How it ended, in a word or two; empty while it goes on."""
    if task.error is None:
        return ""
    cancelled = "Stopped waiting" if runs_on(task.job) else "Cancelled"
    return {"cancelled": cancelled, "unknown": "Unknown"}.get(task.job.progress.phase, "Failed")


def _facts(task: Task) -> str:
    """Return its number, its seed, its inputs, and who runs it: a service that the form chose, or play money."""
    job, seed, inputs = task.job, task.job.request.seed, len(task.job.request.images)
    where = task.provider or (job.provider if job.run.is_play else "")
    return joined(
        f"edit {job.edit_id}" if job.edit_id else "",
        f"seed {seed}" if seed is not None else "",
        f"{inputs} inputs" if inputs > 1 else "",
        title_of(where) if where else "",
    )


class TaskList:
    """
    All jobs of one form. Everything here is called in the UI thread.

    Args:
        changed: called in the UI thread with a task that stands otherwise than before.
    """

    def __init__(self, changed: Callable[[Task], None]) -> None:
        # The engine keeps a listener as long as the job runs: it must not keep a form that is gone.
        self._changed = weakref.WeakMethod(changed)
        self.all: list[Task] = []

    def take(self, job: Job, provider: str = "") -> Task:
        """Watch a job that the form started at a provider; one that is watched already is not watched twice."""
        for known in self.all:
            if known.job.run is job.run and not known.is_over:
                return known
        task = Task(job, provider=provider)
        self.all.append(task)
        task.unlisten = job.listen(lambda _: self._note(task))
        job.add_done_callback(lambda _: _leave(self._end, task))
        return task

    def cancel(self, task: Task) -> None:
        """Begin to cancel it; what came of that is said once it is known."""
        task.is_stopping = True
        # What came of it is the error with which the job ends: it says the same.
        task.job.cancelling()
        self._tell(task)

    def dismiss(self, task: Task) -> None:
        """Show it no longer."""
        task.unlisten()
        if task in self.all:
            self.all.remove(task)

    def close(self) -> None:
        """Listen to none any more; the jobs run on and are recorded."""
        for task in self.all:
            task.unlisten()

    def _note(self, task: Task) -> None:
        """Called in the engine's thread."""
        if not task.is_noted:
            task.is_noted = True
            _leave(self._progress, task)

    def _progress(self, task: Task) -> None:
        task.is_noted = False
        if not task.is_over:
            self._tell(task)

    def _end(self, task: Task) -> None:
        task.unlisten()
        task.is_stopping = False
        try:
            task.result = task.job.result()
        except NBBananaError as error:
            task.error = error
        self._tell(task)
        task.told.set_result(None)

    def _tell(self, task: Task) -> None:
        changed = self._changed()
        if changed is not None:
            changed(task)


def _leave(call: Callable[[Task], None], task: Task) -> None:
    """Called in the engine's thread, when the process may be ending and nothing may run in the UI thread any more."""
    with contextlib.suppress(RuntimeError):
        ui_thread.post(call, task)


SOON, LATE = 2.0, 60.0
"""Seconds until the price is asked again where the service did not answer: more each time, and so many at most."""


class PriceWatcher:
    """
    The price beside Run. Called in the UI thread.

    Args:
        session: whose engine is asked.
        widget: the form whose front end is told; nothing is asked any more once it is closed.
    """

    def __init__(self, session: Session, widget: Form) -> None:
        self._session = session
        self._widget = widget
        self._number = 0
        self._pause = SOON

    def ask(self, form: FormState) -> None:
        """
        Ask what the form costs as it is; an answer to an older question is not told any more.

        Where the service does not answer it is asked again, until it does or the form is closed.
        """
        if not self._widget.is_open or self._session.is_closed:  # asking would open the session again
            return
        self._number += 1
        try:
            future = self._session.engine_at(form.draft.provider).quote(form.priced(), form.model)
        except NBBananaError as error:
            self._tell(None, error, form)
            return
        number = self._number
        future.add_done_callback(lambda done: ui_thread.post(self._answered, number, done, form))

    def _answered(self, number: int, future: Future[Quote], form: FormState) -> None:
        if number != self._number:
            return
        error = future.exception()
        if error is not None and not isinstance(error, NBBananaError):
            raise error
        self._tell(None if error is not None else future.result(), error, form)
        if isinstance(error, ServiceError):
            EngineLoop.shared().run(self._later(number, form))
        else:
            self._pause = SOON

    async def _later(self, number: int, form: FormState) -> None:
        """In the engine's loop, where waiting costs nothing."""
        pause, self._pause = self._pause, min(LATE, 2 * self._pause)
        await asyncio.sleep(pause)
        if number == self._number:
            ui_thread.post(self.ask, form)

    def _tell(self, quote: Quote | None, error: NBBananaError | None, form: FormState) -> None:
        if not self._widget.is_open:
            return
        try:
            choice = self._session.choice(form.draft.provider)
            budget = self._session.store.budget(choice.name) if choice.name else None
            row = price_row(quote, budget, is_play=choice.is_play)
        except NBBananaError as trouble:
            row, error = price_row(None, None), error or trouble
        self._widget.emit("price", **row, problem=None if error is None else error_lines(error))


class ScalingNotes:
    """
    Notes about pictures that will be scaled. Called in the UI thread.

    Args:
        found: called in the UI thread when there is a note that was not there before.
    """

    def __init__(self, found: Callable[[], None]) -> None:
        self._found = found
        self._notes: dict[str, str | None] = {}

    def note(self, image: ImageInput) -> str | None:
        """The sentence about a picture; None while there is none, or none yet."""
        if image.identity not in self._notes and _may_be_large(image):
            self._notes[image.identity] = None
            ui_thread.background(self._prepare, image)
        return self._notes.get(image.identity)

    def _prepare(self, image: ImageInput) -> None:
        """In a background thread: the only way to know how large a PNG becomes is to make it."""
        try:
            note = prepare([image])[0].note
        except NBBananaError as error:
            note = f"{error.what} {error.why}"
        if note:
            ui_thread.post(self._arrived, image.identity, note)

    def _arrived(self, identity: str, note: str) -> None:
        self._notes[identity] = note
        self._found()


def _may_be_large(image: ImageInput) -> bool:
    """Whether its PNG can be over the limit at all: four bytes a pixel at most, or damaged or animated."""
    if image.source is None:
        return False
    return (image.width or 0) * (image.height or 0) * 4 > MAX_UPLOAD_BYTES or image.format in {"GIF", "TIFF", "WEBP"}


class AdviceWatcher:
    """
    The advice under the prompt. Called in the UI thread; the prompt is read in another one.

    Args:
        widget: the form whose front end is told rows that are not those of before.
    """

    def __init__(self, widget: Form) -> None:
        self._widget = widget
        self._number = 0
        self._rows: list[Row] | None = None

    def ask(self, form: FormState, *, anew: bool = False) -> None:
        """
        Look at the form as it is; what is found for an older one is not told any more.

        `anew` tells what is found even if it is what was told before: a front end is new.
        """
        self._number += 1
        if anew:
            self._rows = None
        ui_thread.background(self._look, self._number, form.words, form.draft, form.model)

    def _look(self, number: int, words: str, draft: Draft, model: Model) -> None:
        """In a background thread."""
        if number == self._number:
            ui_thread.post(self._tell, number, _rows(_advice(words, draft, model)))

    def _tell(self, number: int, rows: list[Row]) -> None:
        if number == self._number and rows != self._rows:
            self._rows = rows
            self._widget.emit("advice", rows=rows)


def mended(form: FormState, rule: str) -> Callable[[], None] | None:
    """Return what applies the fix of a rule to the form as it is now; None where the rule finds nothing any more."""
    found = next((one for one in _advice(form.words, form.draft, form.model) if one.rule == rule), None)
    if found is None:
        return None
    parameters = {**form.draft.parameters, **found.settings}
    return partial(form.change, "the advice", prompt=found.fix or form.draft.prompt, parameters=parameters)


def _advice(words: str, draft: Draft, model: Model) -> Sequence[Finding]:
    """Return the advice on what would be sent; of words that cannot be sent, why, and what to do."""
    images = tuple(slot.image for slot in draft.slots)
    try:
        sent = read_words(words, {}).for_grammar(model.grammar) if words.strip() else ""
    except NBBananaError as error:
        return (Finding("prompt", "error", (0, 0), "", " ".join(error.lines), "the grammar"),)
    return advice_for(str(sent), images, model, draft.parameters)


def _rows(advice: Sequence[Finding]) -> list[Row]:
    shown = zip(advice_rows(advice), advice, strict=True)
    return [{**row, "span": list(one.span), "mends": bool(one.fix is not None or one.settings)} for row, one in shown]
