"""The state of a Studio: the form, its jobs and results, the history strip, and what its front end is told of them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from nbbanana import models
from nbbanana.display.result_parts import expected_ratio
from nbbanana.engine.prices import Quote
from nbbanana.errors import UsageError
from nbbanana.models import Model
from nbbanana.models.catalogue import short_name
from nbbanana.models.defaults import presets
from nbbanana.providers.registry import find
from nbbanana.request import SEED_LIMIT, EditRequest, origin
from nbbanana.session import Job, Session
from nbbanana.session.engines import Choice
from nbbanana.session.reproduce import as_cell, as_code, check_asked
from nbbanana.store.records import Edit, Rating
from nbbanana.text import clip
from nbbanana.widgets.base import Form, ui_thread
from nbbanana.widgets.compare import Compare
from nbbanana.widgets.form_state import Draft, FormState
from nbbanana.widgets.panels import SHOWN, EmbeddedForms, HistoryStrip, ResultGroups
from nbbanana.widgets.pictures import Slot, Thumbnails
from nbbanana.widgets.rows import (
    bare,
    case_rows,
    choice_at,
    draft_of,
    field_rows,
    input_source,
    parts_row,
    region_row,
    service_row,
    slot_row,
)
from nbbanana.widgets.watchers import AdviceWatcher, PriceWatcher, ScalingNotes, Task, TaskList, task_row

__all__ = ["StudioState"]

T = TypeVar("T")
MOST_LOCAL = 20
"""So many edits are looked at for the newest that a service made."""


class StudioState:
    """
    Everything that a Studio holds; used in the UI thread, unless a method says otherwise.

    Args:
        widget: the widget whose front end is told; it also shows errors and keeps the still.
        session: where edits are made and recorded; held, and never looked up again.
        model: the endpoint to begin with; None is that of the service.
        provider: the service that runs what is asked; empty is that of the session.
        is_public: whether visitors use it, who may not name or write files of the kernel's machine.

    Raises:
        UnknownModelError: no such model.
        ConfigError: no such provider.
    """

    def __init__(
        self, widget: Form, session: Session, model: str | None = None, provider: str = "", *, is_public: bool = False
    ) -> None:
        self.widget = widget
        self.session = session
        self.is_public = is_public
        # An unknown one is an error here, not later in a callback.
        found = session.model_of(model or self._default_model(provider), provider)
        draft = Draft(found.id, parameters=presets(found), provider=provider)
        self._models: dict[tuple[str, str], Model] = {}
        self.form: FormState = FormState(draft, self._model_at)
        self.tasks: TaskList = TaskList(self._task_changed)
        self.thumbnails = Thumbnails(widget.emit)
        self.groups = ResultGroups(session, self.thumbnails.want)
        self.strip = HistoryStrip(session, lambda: self.choice, self.thumbnails.want)
        self.price = PriceWatcher(session, widget)
        self.scaling = ScalingNotes(self.show_form)
        self.advice = AdviceWatcher(widget)
        # Made here, in the thread of the cell: marimo shows no widget that was made in another.
        self.comparison = Compare(())
        self.embedded: EmbeddedForms = EmbeddedForms(widget.emit)
        self.chosen: list[tuple[int, int]] = []
        """The pictures that are marked for comparing, as edit and index."""
        self.max_price: float | None = None
        """US dollars that a run may cost at most; None says nothing of it."""
        self.words_seen: dict[str, int] = {}
        """The number of each view's last message about the prompt: what it typed since is not overwritten."""
        self.parts_seen: dict[str, int] = {}
        """The same of the fields of the parts."""
        self.known: set[str] = set(models.ids())
        """The models whose schema is here without asking the service."""
        self._origin = replace(origin.get(), source="form", cell=None, execution=None)

    def close(self) -> None:
        """Stop watching; the jobs run on, and the store keeps what comes of them. Must not wait."""
        for part in (self.tasks, self.comparison, self.embedded):
            part.close()

    @property
    def choice(self) -> Choice:
        """Who runs what the form asks for, also where its key is not here."""
        return choice_at(self.session, self.form.draft.provider)

    def _default_model(self, provider: str) -> str:
        """Return the model of a form that names none: that of the session where it was set, else the service's."""
        if provider:
            find(provider)  # an unknown one is an error, also where the session says which model
        return self.session.default_model_at(provider or None)

    # ── changing the form ───────────────────────────────────────────────────────────────────────────────────

    def change(self, change: Callable[[], T]) -> T:
        """Change the form and show it; called in any thread."""

        def changed() -> T:
            before, found = self.form.draft, change()
            self.show_form()
            self.embedded.refresh_region(self.form)
            if _priced(before) != _priced(self.form.draft):
                self.price.ask(self.form)
            self.advice.ask(self.form)
            return found

        return ui_thread.call(changed)

    def set(self, name: str, value: Any) -> None:
        """
        Set a parameter; None makes it automatic again. Called in any thread.

        Raises:
            ParameterError: no such parameter, or a value that it does not take.
        """
        self.change(lambda: self.form.set(name, value))

    def choose_service(self, provider: str) -> list[str]:
        """
        Have another service run what this form asks for; empty is that of the session. Called in any thread.

        A form that named no model takes the one that the service asks where none is named. Returns the titles of what
        that has no option for, which is reset.

        Raises:
            ConfigError: there is no such provider.
        """
        before, default = self.form.draft, self._default_model(provider)
        model = default if before.model == self._default_model(before.provider) else before.model
        dropped = self.change(lambda: self.form.choose(model, provider))
        self.show_strip()
        return dropped

    def add_slots(self, slots: Sequence[Slot]) -> None:
        """
        Put pictures into the form.

        Raises:
            UsageError: the model takes no more.
        """
        most, there = self.form.model.max_images, len(self.form.draft.slots)
        if most is not None and there + len(slots) > most:
            raise UsageError(
                f"{self.form.draft.model} takes {most} input picture{'' if most == 1 else 's'}.",
                f"There are {there}, and {len(slots)} would come.",
                "Remove some first.",
            )
        self.change(lambda: self.form.change("a picture", slots=(*self.form.draft.slots, *slots)))

    def recall(self, edit_id: int, what: str) -> None:
        """
        Bring a record into the form; `undo` returns what was there. Called in any thread.

        Raises:
            NotInStoreError: no such edit, or an input that the store has lost.
            UsageError: another word for what, or what no service made.
        """
        edit = self.asked(edit_id)
        self._recall(edit, draft_of(edit, self.session.store, with_pictures=what != "only words"), what)

    def _recall(self, edit: Edit, draft: Draft, what: str) -> None:
        seed_field = self._model_of(edit.model).seed_field
        self.change(lambda: self.form.recall(draft, what, seed_field=seed_field))

    def asked(self, edit_id: int) -> Edit:
        """Return a record that a service was asked for; raises what `check_asked` does."""
        edit = self.session.store.get(edit_id)
        check_asked(edit)
        return edit

    def newest_here(self) -> Edit | None:
        """Return the newest edit of this notebook, where the form is as fresh as after a restart: only words in it."""
        draft = self.form.draft
        is_changed = dict(draft.parameters) != presets(self.form.model)
        is_fresh = not (draft.slots or is_changed or self.tasks.all or self.groups.newest_first)
        notebook = self._origin.notebook
        if not is_fresh or notebook is None or self.is_public:
            return None
        newest = self.session.store.filter(notebook=notebook, states=SHOWN, limit=MOST_LOCAL)
        return next((edit for edit in newest if not edit.is_local), None)

    def go_on(self, edit_id: int) -> None:
        """
        Bring an edit into a fresh form, with its pictures among the results; words that are there already stay.

        Raises:
            NotInStoreError: an input that the store has lost.
        """
        store, words = self.session.store, self.form.draft.prompt
        edit = store.get(edit_id)
        draft = draft_of(edit, store)
        if words.strip():
            draft = replace(draft, prompt=words, parts=self.form.draft.parts)
        self._recall(edit, draft, "all" if edit.seed_given else "all but seed")
        self.show_edit(edit_id)

    # ── asking ──────────────────────────────────────────────────────────────────────────────────────────────

    def run(self) -> Task:
        """
        Ask for what the form says; returns at once.

        Raises:
            PromptError, ParameterError, ImageError, NoCredentialError: it cannot be asked like this.
        """
        with self.from_here():
            return self._start(self.form.request(self.session), self.form.draft.provider)

    def vary(self, edit_id: int) -> Task:
        """Ask an edit again with a new seed; a model without one makes another sample."""
        edit = self.asked(edit_id)
        how: dict[str, Any] = {"seed": secrets.randbelow(SEED_LIMIT)}
        if self._model_of(edit.model).seed_field is None:
            how = {"mode": "fresh"}
        with self.from_here():
            provider = self.form.draft.provider
            how |= {"assume_price": self.max_price, "provider": provider or None}
            return self.watch(self.session.resubmit(edit, **how), provider)

    def run_again(self, task: Task) -> Task:
        """Ask what a job asked that came to nothing, at the service that was asked."""
        with self.from_here():
            return self._start(task.job.request, task.provider, mode="fresh")

    def quote_again(self, edit_id: int) -> Future[Quote]:
        """Ask what `vary` of an edit would cost."""
        edit = self.asked(edit_id)
        model = self._model_of(edit.model)
        parameters = {name: value for name, value in edit.parameters.items() if name != model.prompt_field}
        engine = self.session.engine_at(self.form.draft.provider)
        images = tuple(map(bare, edit.inputs))
        return engine.quote(EditRequest(edit.model, parameters, images, seed_field=model.seed_field), model)

    def _start(self, request: EditRequest, provider: str, **how: Any) -> Task:
        job = self.session.start(request, assume_price=self.max_price, provider=provider or None, **how)
        return self.watch(job, provider)

    def _model_of(self, model_id: str) -> Model:
        return self._model_at(model_id, self.form.draft.provider)

    def _model_at(self, model_id: str, provider: str) -> Model:
        """Return a model; once the session has closed, as it was known here: to ask would open it again."""
        if not self.session.is_closed or (model_id, provider) not in self._models:
            self._models[model_id, provider] = self.session.model_of(model_id, provider)
        return self._models[model_id, provider]

    def watch(self, job: Job, provider: str = "") -> Task:
        """Follow a job, which the form started at a provider, and show it."""
        task = self.tasks.take(job, provider)
        self._task_changed(task)
        return task

    @contextmanager
    def from_here(self) -> Iterator[None]:
        """Requests that are made in the block are recorded as this form's, not as the last cell's."""
        token = origin.set(self._origin)
        try:
            yield
        finally:
            origin.reset(token)

    def written(self, edit_id: int | None, *, in_python: bool) -> str:
        """The `%%nbedit` cell, or the Python, that asks what the form says or an edit was asked; as `Studio.cell`."""
        store = self.session.store
        if edit_id is None:
            return self.form.code(store) if in_python else self.form.cell(store)
        return (as_code if in_python else as_cell)(store.get(edit_id), store)

    # ── results ─────────────────────────────────────────────────────────────────────────────────────────────

    def rate(self, edit_id: int, index: int, rating: Rating | None) -> None:
        """Star or reject one picture; None takes either back."""
        self.session.store.rate(edit_id, index, rating)
        self.show_edits()

    # ── messages to the front end ───────────────────────────────────────────────────────────────────────────────

    def show_all(self) -> None:
        """Tell a front end that knows nothing yet."""
        self.thumbnails.forget()
        self.embedded.close()  # a front end that is new shows none of them
        self.show_form()
        self.price.ask(self.form)
        self.advice.ask(self.form, anew=True)
        self.show_edits()
        for task in self.tasks.all:
            task.shown = {}
            self._task_changed(task)

    def show_form(self) -> None:
        """Tell what is on the form."""
        if not self.widget.is_open:
            return
        draft, model = self.form.draft, self.form.model
        newest = self.newest_here()
        self.widget.emit(
            "form",
            model=models.canonical(draft.model),
            models=[
                {"id": known, "name": short_name(known), "title": f"{self._model_of(known).title}: {known}"}
                for known in _choices(draft.model)
            ],
            summary=model.summary,
            prompt=draft.prompt,
            seen=self.words_seen,
            parts=parts_row(self.form) | {"seen": self.parts_seen},
            cases=case_rows(),
            fields=field_rows(model),
            values=dict(draft.parameters),
            slots=[slot_row(slot, self.scaling.note(slot.image), self.thumbnails.want) for slot in draft.slots],
            least=model.min_images,
            most=model.max_images,
            region=region_row(self.form),
            mask=model.mask_field,
            undo=self.form.can_undo,
            newest=None if newest is None else {"edit": newest.id, "prompt": clip(newest.prompt, 60)},
            service=service_row(self.session, self.form, is_public=self.is_public),
            public=self.is_public,
        )

    def show_results(self) -> None:
        """Tell which results there are."""
        self.widget.emit("results", groups=self.groups.rows())

    def show_edit(self, edit_id: int) -> None:
        """Show the pictures of an edit among the results; called in any thread."""
        result = self.session.history[edit_id]

        def put() -> None:
            self.groups.put(result, asked=False)
            self.show_results()

        ui_thread.call(put)

    def show_edits(self) -> None:
        """Look at the store again, and tell which results there are and what the history strip shows."""
        self.show_results()
        self.strip.refresh()
        self.show_strip()

    def show_strip(self) -> None:
        """Tell what the history strip shows."""
        self.widget.emit("past", **self.strip.row())

    def _task_changed(self, task: Task) -> None:
        if task.result is None:
            images = task.job.request.images
            ghost = self.thumbnails.want(input_source(images[0])) if images else None
            row = task_row(task, expected_ratio(task.job.view())) | {"ghost": ghost}
            shown = {name: value for name, value in row.items() if name != "elapsed"}
            if shown != task.shown:
                task.shown = shown
                self.widget.emit("task", **row)
            return
        self.tasks.dismiss(task)
        self.groups.put(task.result, asked=True)
        self.widget.emit("gone", key=task.key, edit=task.result.id)
        self.show_edits()
        self.embedded.notice()
        self.price.ask(self.form)
        self.widget.refresh_still()


def _priced(draft: Draft) -> tuple[Any, ...]:
    """Return what a price depends on."""
    return draft.model, draft.parameters, draft.provider, len(draft.slots)


def _choices(chosen: str) -> list[str]:
    """The models to choose from; one that is not shipped is among them once it was named."""
    known = models.canonical(chosen)
    return [*models.ids()] if known in models.ids() else [chosen, *models.ids()]
