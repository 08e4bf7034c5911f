"""The Studio: the bench in a cell. The same requests as the magic, built by hand, with the history beside it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from nbbanana import models
from nbbanana.errors import UsageError
from nbbanana.request import SEED_LIMIT
from nbbanana.session import Job, Output, Session, current
from nbbanana.session.again import as_cell, as_code
from nbbanana.session.pointing import region_of
from nbbanana.text import one_line
from nbbanana.widgets import desk
from nbbanana.widgets.base import Form, Message
from nbbanana.widgets.bench import Bench, Draft, Recall
from nbbanana.widgets.compare import Compare
from nbbanana.widgets.guests import Guests
from nbbanana.widgets.marks import Rating, mark
from nbbanana.widgets.past import Past
from nbbanana.widgets.pictures import Thumbnails
from nbbanana.widgets.pricing import Pricing
from nbbanana.widgets.resizing import Resizing
from nbbanana.widgets.results import Groups
from nbbanana.widgets.slots import Slot, namespace, slots_of, typed
from nbbanana.widgets.tasks import Task, Tasks
from nbbanana.widgets.telling import draft_of, field_row, region_row, slot_row, slot_source

if TYPE_CHECKING:
    from nbbanana.images import ImageInput
    from nbbanana.regions import Area
    from nbbanana.session import EditResult
    from nbbanana.store.records import Edit

__all__ = ["Studio", "studio"]

T = TypeVar("T")


class Studio(Form, script="studio/main.js", styles=("studio.css", "region.css", "browser.css")):
    """
    The bench in a cell: `nb.studio()` opens one.

    What can be done with the hands can be done by calls, in a test or in a cell below: `studio.prompt = …`,
    `studio.set(seed=7)`, `studio.run()`, `studio.recall(12)`, `studio.cell()`.

    >>> import nbbanana as nb
    >>> with nb.Session(provider="sandbox", store=getfixture("tmp_path")) as session:
    ...     bench = nb.studio(nb.samples.still_life(), prompt="Make it snow.", seed=7, session=session)
    ...     result = bench.run().result()
    ...     bench.close()
    >>> len(result), result.seed
    (1, 7)
    """

    title: ClassVar[str] = "Studio"

    def __init__(self, session: Session, *, model: str | None = None) -> None:
        super().__init__()
        self.session = session
        self.bench: Bench = Bench(Draft(model or session.default_model), session.model_of)
        self.bench.model  # noqa: B018 - an unknown model is an error here, not later in a callback
        self.tasks: Tasks = Tasks(self._task_changed)
        self.groups = Groups(session)
        self.past = Past(session)
        self.thumbnails = Thumbnails(self._thumbnail_made)
        self.pricing = Pricing(session, self._priced)
        self.resizing = Resizing(self.show_form)
        # Made here, in the thread of the cell: marimo shows no widget that was made in another.
        self.comparison = Compare(())
        self.guests: Guests = Guests(self)
        self.chosen: list[tuple[int, int]] = []
        self.max_price: float | None = None
        """US dollars that a run may cost, for a budget where the service only tells from what price on."""
        self.words_seen = 0
        """The number of the front end's last word about the prompt: what it typed since is not overwritten."""
        self.known: set[str] = set(models.ids())
        """The models that can be had without asking anybody."""
        self.watch(session.store)

    def __repr__(self) -> str:
        return one_line(
            f"<Studio {self.bench.draft.model} inputs={len(self.bench.draft.slots)} jobs={len(self.tasks.all)}>"
        )

    # ── what users and tests call ───────────────────────────────────────────────────────────────────────────

    @property
    def prompt(self) -> str:
        """The words."""
        return self.bench.draft.prompt

    @prompt.setter
    def prompt(self, words: str) -> None:
        self.change(lambda: self.bench.write(words))

    @property
    def model(self) -> str:
        """The endpoint; what another model does not take is put away, and `undo` brings it back."""
        return self.bench.draft.model

    @model.setter
    def model(self, model_id: str) -> None:
        self.change(lambda: self.bench.choose(model_id))

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What is set, without the prompt; nothing else will be sent."""
        return self.bench.draft.parameters

    @property
    def region(self) -> Area | None:
        """
        The part of an input that the next edit is about, or None.

        Set it to what `region=` of `nb.edit` takes; it is kept with the edit, and not sent.
        """
        return self.bench.area

    @region.setter
    def region(self, region: Any) -> None:
        slots = self.bench.draft.slots
        area = region_of(region, [slot.image for slot in slots], self.session)
        if area is None:
            self.change(lambda: self.bench.point("", ()))
        else:
            self.change(lambda: self.bench.point(slots[area.input].key, area.shapes))

    def set(self, **parameters: Any) -> None:
        """
        Set parameters; None leaves one to the model again.

        Raises:
            ParameterError: no such parameter, or a value that it does not take.
        """
        for name, value in parameters.items():
            self.change(partial(self.bench.set, name, value))

    @property
    def inputs(self) -> list[ImageInput]:
        """The input pictures; set it to whatever `nb.edit` takes, in a list."""
        return [slot.image for slot in self.bench.draft.slots]

    @inputs.setter
    def inputs(self, sources: Iterable[Any]) -> None:
        slots = slots_of(sources, self.session, namespace())
        self.change(lambda: self.bench.replace_slots(slots))

    @property
    def jobs(self) -> list[Job]:
        """The jobs of this form, the oldest first."""
        return [task.job for task in self.tasks.all]

    @property
    def results(self) -> list[EditResult]:
        """The results that are shown, the newest first."""
        return self.groups.newest_first

    @property
    def selection(self) -> list[Output]:
        """The pictures that are marked for comparing, in the order they were marked."""
        return [self.session.history[edit][index] for edit, index in self.chosen]

    def run(self) -> Job:
        """
        Ask for what the form says; returns at once.

        Raises:
            PromptError, ParameterError, ImageError, NoCredentialError: it cannot be asked like this.
        """
        return desk.at_desk(self._run).job

    def cell(self, edit_id: int | None = None) -> str:
        """
        The `%%nbedit` cell that asks the same: what the form says, or what an edit was asked.

        Raises:
            UsageError: a picture that a cell cannot name yet, such as an upload that was not run.
            PromptError: no words.
        """
        if edit_id is None:
            return self.bench.cell(self.session.store)
        return as_cell(self.session.store.get(edit_id), self.session.store)

    def code(self, edit_id: int | None = None) -> str:
        """The Python that asks the same, for notebooks without magics; takes and raises what `cell` does."""
        if edit_id is None:
            return self.bench.code(self.session.store)
        return as_code(self.session.store.get(edit_id), self.session.store)

    def recall(self, edit_id: int, what: str = "all") -> None:
        """
        Bring a record into the form; what was being written is kept, and `undo` returns it.

        Args:
            edit_id: the number of the edit.
            what: `all`, `all but seed`, or `only words`.

        Raises:
            NotInStoreError: no such edit, or an input that the store has lost.
            UsageError: another word for what.
        """
        edit = self.session.store.get(edit_id)
        draft = draft_of(edit, self.session.store, with_pictures=what != "only words")
        seed_field = self.session.model_of(edit.model).seed_field
        self.change(lambda: self.bench.recall(draft, cast("Recall", what), seed_field=seed_field))

    def open_edit(self, edit_id: int) -> None:
        """Bring a record into the form and its pictures among the results."""
        self.recall(edit_id)
        self.show_edit(edit_id)

    def undo(self) -> str | None:
        """Take the last change of the form back; returns what it was, or None where there was none."""
        return self.change(self.bench.undo)

    def let_go(self) -> None:
        """Stop watching; the jobs run on, and the store keeps what comes of them."""
        self.tasks.close()
        self.pricing.close()
        self.resizing.close()
        self.comparison.close()
        self.guests.close()

    # ── at the desk ─────────────────────────────────────────────────────────────────────────────────────────

    def still(self) -> tuple[str, str]:
        """The newest results, and the words."""
        return self.groups.still(self.prompt)

    def heard(self, kind: str, message: Message, buffers: Sequence[memoryview]) -> None:
        """Do what the front end asks."""
        from nbbanana.widgets.hearing import hear

        hear(self, kind, message, buffers)

    def change(self, change: Callable[[], T]) -> T:
        """Change the form at the desk and show it."""

        def changed() -> T:
            before, found = self.bench.draft, change()
            self.show_form()
            if (before.model, before.parameters) != (self.bench.draft.model, self.bench.draft.parameters):
                self.pricing.ask(self.bench)
            return found

        return desk.at_desk(changed)

    def show_all(self) -> None:
        """Tell a front end that knows nothing yet."""
        self.thumbnails.forget()
        self.guests.close()  # a front end that is new shows none of them
        self.show_form()
        self.pricing.ask(self.bench)
        self.show_results()
        for task in self.tasks.all:
            task.shown = {}
            self._task_changed(task)
        self.past.refresh()
        self.show_past()

    def show_form(self) -> None:
        """Tell what is on the form."""
        draft, model = self.bench.draft, self.bench.model
        self.guests.refresh()
        self.thumbnails.want(filter(None, map(slot_source, draft.slots)))
        self.tell(
            "form",
            model=draft.model,
            models=[{"id": known, "title": self.session.model_of(known).title} for known in _choices(draft.model)],
            summary=model.summary,
            prompt=draft.prompt,
            seen=self.words_seen,
            fields=[field_row(one) for one in model.options if one.kind not in {"array", "object"}],
            values=dict(draft.parameters),
            slots=[slot_row(slot, self.resizing.note(slot.image)) for slot in draft.slots],
            least=model.min_images,
            most=model.max_images,
            region=region_row(self.bench),
            mask=model.mask_field,
            undo=self.bench.can_undo,
            provider=self.session.provider_name,
        )

    def show_results(self) -> None:
        """Tell which results there are."""
        self.thumbnails.want(self.groups.sources())
        self.tell("results", groups=self.groups.rows())

    def show_edit(self, edit_id: int) -> None:
        """Show the pictures of an edit among the results."""
        result = self.session.history[edit_id]

        def put() -> None:
            self.groups.put(result, asked=False)
            self.show_results()

        desk.at_desk(put)

    def show_past(self) -> None:
        """Tell what the history strip shows."""
        self.thumbnails.want(self.past.sources())
        self.tell("past", **self.past.row())

    def add_slots(self, slots: Sequence[Slot]) -> None:
        """
        Put pictures into the form.

        Raises:
            UsageError: the model takes no more.
        """
        most = self.bench.model.max_images
        if most is not None and len(self.bench.draft.slots) + len(slots) > most:
            raise UsageError(
                f"{self.model} takes {most} input picture{'' if most == 1 else 's'}.",
                f"There are {len(self.bench.draft.slots)}, and {len(slots)} would come.",
                "Take some away first.",
            )
        self.change(lambda: self.bench.add(slots))

    def add_typed(self, text: str) -> None:
        """Put what somebody typed into the form: paths, globs, URLs, variables, edits."""
        self.add_slots(typed(text, self.session, namespace()))

    def start(self, job: Job) -> Task:
        """Watch a job and show it."""
        task = self.tasks.take(job)
        self._task_changed(task)
        return task

    def vary(self, edit_id: int) -> Task:
        """Ask an edit again with a new seed; a model without one makes another sample."""
        edit = self.session.store.get(edit_id)
        if self.session.model_of(edit.model).seed_field is None:
            return self.start(self.session.resubmit(edit, mode="fresh", max_price=self.max_price))
        return self.start(self.session.resubmit(edit, seed=secrets.randbelow(SEED_LIMIT), max_price=self.max_price))

    def mark(self, edit_id: int, index: int, what: Rating, *, on: bool) -> Edit:
        """Star or reject one picture, or take that back."""
        edit = mark(self.session.store, edit_id, index, what, on=on)
        self.show_marks()
        return edit

    def show_marks(self) -> None:
        """Tell what may have been starred or rejected."""
        self.show_results()
        self.past.refresh()
        self.show_past()

    def save(self, edit_id: int, index: int) -> Path:
        """Write a picture into the notebook's folder under a name that is free there."""
        output = self.session.history[edit_id][index]
        suffix = {"image/jpeg": ".jpg", "image/webp": ".webp"}.get(output.mime, ".png")
        names = (Path(f"edit-{edit_id}-{index}{again}{suffix}") for again in ("", *(f"-{n}" for n in range(2, 1000))))
        return output.save(next(name for name in names if not name.exists()))

    def _run(self) -> Task:
        return self.start(self.session.start(self.bench.request(self.session), max_price=self.max_price))

    def _task_changed(self, task: Task) -> None:
        from nbbanana.display.layout import expected_ratio
        from nbbanana.widgets.telling import task_row

        if task.result is None:
            slots = task.job.request.images[:1]
            ghost = next((source.key for source in map(slot_source, map(Slot, slots)) if source), None)
            row = task_row(task, expected_ratio(task.job.view())) | {"ghost": ghost}
            shown = {name: value for name, value in row.items() if name != "elapsed"}
            if shown != task.shown:
                task.shown = shown
                self.tell("task", **row)
            return
        self.tasks.dismiss(task)
        self.groups.put(task.result, asked=True)
        self.tell("gone", key=task.key, edit=task.result.id)
        self.show_results()
        self.past.refresh()
        self.show_past()
        self.guests.notice()
        self.pricing.ask(self.bench)
        self.refresh_still()

    def _priced(self, row: dict[str, Any]) -> None:
        self.tell("price", **row)

    def _thumbnail_made(self, key: str, data: bytes) -> None:
        """Called beside the desk."""
        if data:
            desk.post(lambda: self.tell("picture", key=key, buffers=[data]))


def _choices(chosen: str) -> list[str]:
    """The models to choose from; one that is not shipped is among them once it was named."""
    return [*models.ids()] if chosen in models.ids() else [chosen, *models.ids()]


def studio(
    *images: Any,
    edit: EditResult | int | None = None,
    prompt: str = "",
    model: str | None = None,
    session: Session | None = None,
    **parameters: Any,
) -> Studio:
    """
    Open the Studio.

    Args:
        *images: input pictures to begin with: whatever `nb.edit` takes, lists of it too.
        edit: a record to begin with, or its number: its pictures, words and parameters come into the form.
        prompt: the words to begin with.
        model: the model to begin with; None is that of the settings.
        session: where edits are made and recorded; None is the current one.
        **parameters: what is set to begin with, such as `seed=7`.

    Raises:
        NotInStoreError: no such edit.
        ImageError, VariableError, ParameterError: a picture or a parameter that cannot be used.
    """
    opened = Studio(session or current(), model=model)
    if edit is not None:
        opened.open_edit(edit if isinstance(edit, int) else edit.id)
    if images:
        opened.inputs = [one for image in images for one in (image if isinstance(image, list | tuple) else [image])]
    if prompt:
        opened.prompt = prompt
    opened.set(**parameters)
    return opened
