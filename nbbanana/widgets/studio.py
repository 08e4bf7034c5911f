"""The Studio: a form for edits in a cell. The same requests as the magic, built by hand, with the history beside it."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import wait as wait_for
from contextlib import suppress
from pathlib import Path
from typing import Any

from nbbanana.errors import UsageError
from nbbanana.images import ImageInput
from nbbanana.regions import Area
from nbbanana.session import EditResult, Job, Output, Session, current
from nbbanana.session.library import shell
from nbbanana.session.requesting import region_of
from nbbanana.widgets.base import Form, Message, ui_thread
from nbbanana.widgets.handlers import handle
from nbbanana.widgets.pictures import namespace, slots_of
from nbbanana.widgets.studio_state import StudioState

__all__ = ["Studio", "studio"]

ATTEMPTS, PAUSE = 50, 0.1
"""How often a visitor's folder is removed that something still writes to, and seconds between."""


class Studio(
    Form, title="Studio", script="studio/main.js", styles=("studio.css", "region.css", "browser.css", "viewer.css")
):
    """
    A form for edits in a cell: `nb.studio()` opens one.

    What can be done with the hands can be done by calls, in a test or in a cell below: `studio.prompt = …`,
    `studio.set(seed=7)`, `studio.run()`, `studio.recall(12)`, `studio.cell()`.

    >>> import nbbanana as nb
    >>> with nb.Session(provider="sandbox", store=getfixture("tmp_path")) as session:
    ...     studio = nb.studio(nb.samples.still_life(), prompt="Make it snow.", seed=7, session=session)
    ...     result = studio.run().result()
    ...     studio.close()
    >>> len(result), result.seed
    (1, 7)
    """

    def __init__(
        self, session: Session, *, model: str | None = None, provider: str = "", is_public: bool = False
    ) -> None:
        super().__init__()
        self.session = session
        self.end_visit: Callable[[], object] | None = None
        """Ends what belongs to this form alone; None where the session is another's."""
        self.state = StudioState(self, session, model, provider, is_public=is_public)
        self.watch(session.store)

    def __repr__(self) -> str:
        return f"<Studio {self.model} inputs={len(self.inputs)} jobs={len(self.jobs)}>"

    @property
    def prompt(self) -> str:
        """The words."""
        return self.state.form.draft.prompt

    @prompt.setter
    def prompt(self, words: str) -> None:
        self.state.change(lambda: self.state.form.write(words))

    @property
    def model(self) -> str:
        """The endpoint; what another model has no option for is reset, and `undo` brings it back."""
        return self.state.form.draft.model

    @model.setter
    def model(self, model_id: str) -> None:
        self.state.change(lambda: self.state.form.choose(model_id))

    @property
    def provider(self) -> str:
        """The service that runs what this form asks for; set it to a name, or to "" for that of the session."""
        return self.state.choice.name

    @provider.setter
    def provider(self, name: str) -> None:
        self.state.choose_service(name)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What is set, without the prompt; nothing else will be sent."""
        return self.state.form.draft.parameters

    def set(self, **parameters: Any) -> None:
        """
        Set parameters; None makes one automatic again.

        Raises:
            ParameterError: no such parameter, or a value that it does not take.
        """
        for name, value in parameters.items():
            self.state.set(name, value)

    @property
    def inputs(self) -> list[ImageInput]:
        """The input pictures; set it to whatever `nb.edit` takes, in a list."""
        return [slot.image for slot in self.state.form.draft.slots]

    @inputs.setter
    def inputs(self, sources: Iterable[Any]) -> None:
        slots = tuple(slots_of(sources, self.session, namespace()))
        self.state.change(lambda: self.state.form.change("the pictures", slots=slots))

    @property
    def region(self) -> Area | None:
        """
        The part of an input that the next edit is about, or None.

        Set it to what `region=` of `nb.edit` takes; it is kept with the edit, and not sent.
        """
        return self.state.form.area

    @region.setter
    def region(self, region: Any) -> None:
        form = self.state.form
        area = region_of(region, self.inputs, lambda: self.session.store)
        key, shapes = ("", ()) if area is None else (form.draft.slots[area.input].key, area.shapes)
        self.state.change(lambda: form.point(key, shapes))

    @property
    def jobs(self) -> list[Job]:
        """The jobs of this form, the oldest first."""
        return [task.job for task in self.state.tasks.all]

    @property
    def results(self) -> list[EditResult]:
        """The results that are shown, the newest first."""
        return self.state.groups.newest_first

    @property
    def selection(self) -> list[Output]:
        """The pictures that are marked for comparing, in the order they were marked."""
        return [self.session.history[edit][index] for edit, index in self.state.chosen]

    def run(self) -> Job:
        """
        Ask for what the form says; returns at once.

        Raises:
            PromptError, ParameterError, ImageError, NoCredentialError: it cannot be asked like this.
        """
        task = ui_thread.call(self.state.run)
        if (here := shell()) is not None:

            def wait(_: object) -> None:
                # nbclient drops what comes after a cell has ended, and the still that is saved with it too.
                if task.job.done():
                    here.events.unregister("post_run_cell", wait)
                    wait_for([task.told], timeout=1.0)  # the store may be locked

            here.events.register("post_run_cell", wait)
        return task.job

    def cell(self, edit_id: int | None = None) -> str:
        """
        The `%%nbedit` cell that asks the same: what the form says, or what an edit was asked.

        Raises:
            UsageError: a picture that a cell cannot name yet, such as an upload that was not run.
            PromptError: no words.
        """
        return self.state.written(edit_id, in_python=False)

    def code(self, edit_id: int | None = None) -> str:
        """The Python that asks the same, for notebooks without magics; takes and raises what `cell` does."""
        return self.state.written(edit_id, in_python=True)

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
        self.state.recall(edit_id, what)

    def show_edit(self, edit_id: int) -> None:
        """Show the pictures of an edit among the results."""
        self.state.show_edit(edit_id)

    def undo(self) -> str | None:
        """Take the last change of the form back; returns what it was, or None where there was none."""
        return self.state.change(self.state.form.undo)

    def still(self) -> tuple[str, str]:
        """The newest results, and the words."""
        return self.state.groups.still(self.prompt)

    def handle(self, kind: str, message: Message, buffers: Sequence[memoryview]) -> None:
        """Do what the front end asks."""
        handle(self.state, kind, message, buffers)

    def on_close(self) -> None:
        """Stop watching. The jobs run on, and the store keeps what comes of them; a visitor's end with the form."""
        self.state.close()
        if self.end_visit is not None:
            self.end_visit()


def _public(
    session: Session, model: str | None, provider: str | None, budget: float | None, *, is_public: bool
) -> Studio:
    """A Studio for visitors, who run at the provider of a session and share nothing else with it."""
    if not is_public:
        raise UsageError(
            "A budget was given for a Studio that is not public.",
            "Its runs count against the budget of the store.",
            "Use %nbbudget, or nb.Session(budget=…).",
        )
    if budget is None:
        raise UsageError(
            "A public Studio needs a budget.",
            "Everyone who opens the page can start runs that you pay for.",
            "Say what one visitor may spend, in US dollars: nb.studio(public=True, budget=1.00).",
        )
    folder = tempfile.mkdtemp(prefix="nbbanana-visitor-")
    own = Session(
        provider=provider or session.choice().name or None,
        store=folder,
        mode=session.mode,
        model=model,
        budget=budget,
    )
    opened = Studio(own, model=model, is_public=True)
    opened.end_visit = weakref.finalize(opened, _end_visit, own, folder)
    return opened


def _end_visit(session: Session, folder: str) -> None:
    """Close a visitor's session and remove its folder, in a thread: what ends a form must not wait."""

    def end() -> None:
        session.close()
        for _ in range(ATTEMPTS):
            # What the form had queued reads its store, which opens it again: it is closed behind that.
            with suppress(RuntimeError):  # the interpreter ends
                ui_thread.call(session.library.close)
            shutil.rmtree(folder, ignore_errors=True)
            if not Path(folder).exists():
                break
            time.sleep(PAUSE)

    if threading.main_thread().is_alive():
        threading.Thread(target=end, name="nbbanana-visit-ends").start()
    else:  # the interpreter ends, and threads are not waited for any more
        session.close()
        shutil.rmtree(folder, ignore_errors=True)


def studio(
    *images: Any,
    edit: EditResult | int | None = None,
    prompt: str = "",
    model: str | None = None,
    provider: str | None = None,
    session: Session | None = None,
    public: bool = False,
    budget: float | None = None,
    **parameters: Any,
) -> Studio:
    """
    Open the Studio.

    Args:
        *images: input pictures to begin with: whatever `nb.edit` takes, lists of it too.
        edit: a record to begin with, or its number: its pictures, words and parameters come into the form.
        prompt: the words to begin with.
        model: the model to begin with; None is that of the settings.
        provider: the service that runs what this form asks for, such as `fal`; None is that of the session.
        session: where edits are made and recorded; None is the current one.
        public: for a page that others open, such as with Voilà: it takes uploads only, names and writes no file of its
            server, and keeps its edits in a folder of its own. Folder and session go with the form.
        budget: US dollars that the runs of a public form may cost.
        **parameters: what is set to begin with, such as `seed=7`.

    Raises:
        NotInStoreError: no such edit.
        UsageError: a public form without a budget, or a budget for another.
        ConfigError: no such provider.
        ImageError, VariableError, ParameterError: a picture or a parameter that cannot be used.
    """
    if public or budget is not None:
        opened = _public(session or current(), model, provider, budget, is_public=public)
    else:
        opened = Studio(session or current(), model=model, provider=provider or "")
    if edit is not None:
        number = edit if isinstance(edit, int) else edit.id
        opened.recall(number)
        opened.show_edit(number)
    if images:
        opened.inputs = [one for image in images for one in (image if isinstance(image, list | tuple) else [image])]
    if prompt:
        opened.prompt = prompt
    opened.set(**parameters)
    return opened
