"""The state of a Studio: the form, its jobs and results, the history strip, and what its front end is told of them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from nbbanana import models
from nbbanana.display.layout import expected_ratio
from nbbanana.errors import UsageError
from nbbanana.models.defaults import presets
from nbbanana.models.naming import short_name
from nbbanana.request import SEED_LIMIT, EditRequest, origin
from nbbanana.session import Job, Output, Session
from nbbanana.session.reproduce import check_asked
from nbbanana.text import clip
from nbbanana.widgets import ui_thread
from nbbanana.widgets.advising import AdviceWatcher
from nbbanana.widgets.base import Form
from nbbanana.widgets.compare import Compare
from nbbanana.widgets.embedded import EmbeddedForms
from nbbanana.widgets.form_state import Draft, FormState, Recall
from nbbanana.widgets.inputs import Slot
from nbbanana.widgets.panels import SHOWN, HistoryStrip, ResultGroups
from nbbanana.widgets.parts_form import case_rows, parts_row
from nbbanana.widgets.payloads import Row, bare, draft_of, field_rows, region_row, slot_row, slot_source
from nbbanana.widgets.service_choice import Services
from nbbanana.widgets.thumbnail_cache import Thumbnails
from nbbanana.widgets.watchers import PriceWatcher, ScalingNotes, Task, TaskList, task_row

if TYPE_CHECKING:
    from concurrent.futures import Future

    from nbbanana.engine.prices import Quote
    from nbbanana.models import Model
    from nbbanana.store.records import Edit, Rating

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
        self.services = Services(session)
        default = self.services.default_model(provider)
        found = session.model_of(model or default, provider)  # an unknown one is an error here, not later in a callback
        draft = Draft(found.id, parameters=presets(found), provider=provider)
        self._models: dict[tuple[str, str], Model] = {}
        self.form: FormState = FormState(draft, self._model_at)
        self.tasks: TaskList = TaskList(self._task_changed)
        self.groups = ResultGroups(session)
        self.strip = HistoryStrip(session, lambda: self.services.choice(self.form.draft.provider))
        self.thumbnails = Thumbnails(self._thumbnail_made)
        self.price = PriceWatcher(session, self._priced)
        self.scaling = ScalingNotes(self.show_form)
        self.advice = AdviceWatcher(self._advised)
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
        for part in (self.tasks, self.price, self.scaling, self.advice, self.comparison, self.embedded):
            part.close()

    # ── changing the form ───────────────────────────────────────────────────────────────────────────────────

    def change(self, change: Callable[[], T]) -> T:
        """Change the form and show it; called in any thread."""

        def changed() -> T:
            """Change and show the form in the UI thread."""
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
        before = self.form.draft
        model = self.services.default_model(provider)
        if before.model != self.services.default_model(before.provider):
            model = before.model
        dropped = self.change(lambda: self.form.choose_service(provider, model))
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
        self.change(lambda: self.form.add(slots))

    def recall(self, edit_id: int, what: Recall) -> None:
        """
        Bring a record into the form; `undo` returns what was there. Called in any thread.

        Raises:
            NotInStoreError: no such edit, or an input that the store has lost.
            UsageError: another word for what, or what no service made.
        """
        store = self.session.store
        edit = store.get(edit_id)
        check_asked(edit)
        draft = draft_of(edit, store, with_pictures=what != "only words")
        seed_field = self._model_of(edit.model).seed_field
        self.change(lambda: self.form.recall(draft, what, seed_field=seed_field))

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
        what: Recall = "all" if edit.seed_given else "all but seed"
        seed_field = self._model_of(edit.model).seed_field
        self.change(lambda: self.form.recall(draft, what, seed_field=seed_field))
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
        edit = self.session.store.get(edit_id)
        check_asked(edit)
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
        edit = self.session.store.get(edit_id)
        check_asked(edit)
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

    # ── results ─────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def selection(self) -> list[Output]:
        """The pictures that are marked for comparing, in the order they were marked."""
        return [self.session.history[edit][index] for edit, index in self.chosen]

    def rate(self, edit_id: int, index: int, rating: Rating | None) -> Edit:
        """Star or reject one picture; None takes either back."""
        edit = self.session.store.rate(edit_id, index, rating)
        self.show_ratings()
        return edit

    # ── messages to the front end ───────────────────────────────────────────────────────────────────────────────

    def show_all(self) -> None:
        """Tell a front end that knows nothing yet."""
        self.thumbnails.forget()
        self.embedded.close()  # a front end that is new shows none of them
        self.show_form()
        self.price.ask(self.form)
        self.advice.ask_anew(self.form)
        self.show_results()
        for task in self.tasks.all:
            task.shown = {}
            self._task_changed(task)
        self.show_history()

    def show_form(self) -> None:
        """Tell what is on the form."""
        draft, model = self.form.draft, self.form.model
        newest = self.newest_here()
        self.thumbnails.want(filter(None, map(slot_source, draft.slots)))
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
            slots=[slot_row(slot, self.scaling.note(slot.image)) for slot in draft.slots],
            least=model.min_images,
            most=model.max_images,
            region=region_row(self.form),
            mask=model.mask_field,
            undo=self.form.can_undo,
            newest=None if newest is None else {"edit": newest.id, "prompt": clip(newest.prompt, 60)},
            service=self.services.row(self.form, is_public=self.is_public),
            public=self.is_public,
        )

    def show_results(self) -> None:
        """Tell which results there are."""
        self.thumbnails.want(self.groups.sources())
        self.widget.emit("results", groups=self.groups.rows())

    def show_edit(self, edit_id: int) -> None:
        """Show the pictures of an edit among the results; called in any thread."""
        result = self.session.history[edit_id]

        def put() -> None:
            self.groups.put(result, asked=False)
            self.show_results()

        ui_thread.call(put)

    def show_history(self) -> None:
        """Look at the store again, and tell what the history strip shows."""
        self.strip.refresh()
        self.show_strip()

    def show_strip(self) -> None:
        """Tell what the history strip shows."""
        self.thumbnails.want(self.strip.sources())
        self.widget.emit("past", **self.strip.row())

    def show_ratings(self) -> None:
        """Tell what may have been starred or rejected."""
        self.show_results()
        self.show_history()

    def _task_changed(self, task: Task) -> None:
        if task.result is None:
            slots = task.job.request.images[:1]
            ghost = next((source.key for source in map(slot_source, map(Slot, slots)) if source), None)
            row = task_row(task, expected_ratio(task.job.view())) | {"ghost": ghost}
            shown = {name: value for name, value in row.items() if name != "elapsed"}
            if shown != task.shown:
                task.shown = shown
                self.widget.emit("task", **row)
            return
        self.tasks.dismiss(task)
        self.groups.put(task.result, asked=True)
        self.widget.emit("gone", key=task.key, edit=task.result.id)
        self.show_results()
        self.show_history()
        self.embedded.notice()
        self.price.ask(self.form)
        self.widget.refresh_still()

    def _priced(self, row: Row) -> None:
        self.widget.emit("price", **row)

    def _advised(self, rows: list[Row]) -> None:
        self.widget.emit("advice", rows=rows)

    def _thumbnail_made(self, key: str, data: bytes) -> None:
        """Called in a background thread."""
        ui_thread.post(lambda: self.widget.emit("picture", key=key, buffers=[data]))


def _priced(draft: Draft) -> tuple[Any, ...]:
    """Return what a price depends on."""
    return draft.model, draft.parameters, draft.provider, len(draft.slots)


def _choices(chosen: str) -> list[str]:
    """The models to choose from; one that is not shipped is among them once it was named."""
    known = models.canonical(chosen)
    return [*models.ids()] if known in models.ids() else [chosen, *models.ids()]
