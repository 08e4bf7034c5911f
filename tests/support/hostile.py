"""
Inside a kernel: everything that nbbanana shows, with hostile words wherever a user or a service can put words.

What shows outputs takes two numbers, and shows the payloads from one to the other. Forms are shown by a cell of
their own and fed by another, once their front end is there.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from IPython import get_ipython
from IPython.display import HTML, display
from PIL import Image

import nbbanana as nb
from nbbanana.engine.prices import Quote
from nbbanana.errors import NBBananaError, StoreError
from nbbanana.images import load
from nbbanana.models import Model
from nbbanana.request import EditRequest
from nbbanana.sandbox import Fault, Sandbox
from nbbanana.session import Session
from nbbanana.store.records import Edit, InputRecord, OutputRecord
from nbbanana.widgets.base import Form, ui_thread
from nbbanana.widgets.compare import sides_of
from nbbanana.widgets.pictures import Slot
from nbbanana.widgets.rows import price_row
from support.outputs import everything, model_saying, payloads
from support.tiers import sampled

__all__ = ["Hostile"]

MODEL = "google/nano-banana-2/edit"
LONGEST_TAG = 100
FAMILY = 7
"""So many records are made of each other, one after the other."""


def picture(number: int) -> bytes:
    """A picture like no other."""
    stream = io.BytesIO()
    Image.new("RGB", (24, 16), (number % 256, number // 256, 90)).save(stream, "PNG")
    return stream.getvalue()


def named(words: str, number: int = 0) -> Any:
    """A picture that is called so, also where a name of a file would be cut at a slash."""
    return replace(load({"name": "a.png", "content": picture(number)}), name=words)


class Gullible(Session):
    """A session whose service says of every model that is not shipped whatever its id says."""

    def model_of(self, model_id: str, provider: str | None = None) -> Model:
        """The model; its id, title, parameter and descriptions are the same words."""
        return super().model_of(model_id, provider) if model_id == MODEL else model_saying(model_id, model_id)


class Hostile:
    """
    Payloads in a store, in a service that is served, and in forms.

    Args:
        folder: where its two stores lie.
    """

    def __init__(self, folder: Path) -> None:
        self.words = sampled(payloads())
        whole = [words for words in self.words if words.isprintable()]
        self.eights = [" ".join(whole[start :: len(whole) // 8]) for start in range(len(whole) // 8)]
        """Eight payloads of other families each: a run of a job takes too long for one."""
        self.box = Sandbox(time_scale=0, balance=1e6).listen()
        os.environ.update(self.box.addresses["environment"], NBBANANA_SANDBOX_SCALE="0")
        self.shell = get_ipython()
        self.shell.run_line_magic("load_ext", "nbbanana")
        self.session = nb.Session(provider="runcomfy", store=folder / "asked")
        nb.session.use(self.session)
        self.kept = Gullible(provider="runcomfy", store=folder / "kept")
        self.empty = nb.Session(store=folder / "empty")
        self.folder = folder
        for number, words in enumerate(self.words):
            self.remember(number, words)

    def remember(self, number: int, words: str) -> None:
        """A record in which all words are these, as a bundle from a stranger may hold it; each third one failed."""
        store, family = self.kept.store, number % FAMILY
        made = store.put(picture(10_000 + number))
        source = store.put(picture(10_000 + number - 1) if family else picture(20_000 + number))
        sent = InputRecord(words, f"sha256:{source}", source, width=24, height=16, note=words)
        parameters = {"prompt": words, "aspect_ratio": words, words[:60]: words, "number_of_images": 1}
        request = EditRequest(MODEL, parameters, (), minted_seed=number, seed_field="seed")
        new = Edit(MODEL, "sandbox", request.ask, request.digest("sandbox"), parameters, number, False, (sent,))
        edit = store.begin(new)
        for state in ("submitting", "queued", "running"):
            store.move(edit.id, state, note=words, request_id=f"request-{number}" if state == "queued" else None)
        if number % 3 == 2:
            store.move(edit.id, "failed", error=f"{words} {words}", error_kind="JobFailedError")
        else:
            store.move(edit.id, "downloading", note=words)
            output = OutputRecord(0, made, "image/png", 24, 16, 300, None)
            store.move(edit.id, "completed", outputs=[output], cost=0.0)
        store.annotate(edit.id, note=words, starred=True)
        with suppress(StoreError):  # words that are white space only are no tag
            store.annotate(edit.id, add_tags=[words[:LONGEST_TAG]])

    def kept_from(self, first: int, last: int) -> Iterator[Any]:
        """The records of the payloads from one number to another."""
        return (self.kept.history[number + 1] for number in range(first, min(last, len(self.words))))

    # ── outputs ─────────────────────────────────────────────────────────────────────────────────────────────

    def grids(self) -> None:
        """`%%nbedit` with the words as the prompt and as the names of its picture; and what it would be, dry."""
        for number, words in enumerate(self.eights):
            body = words.replace("{{", "{{{{")  # the words, not a variable's value
            self.magic(number, body, "--dry-run")
            self.magic(number, body)

    def failures(self) -> None:
        """`%%nbedit` where the service refuses or fails in these words, and where it never comes to that."""
        for number, words in enumerate(self.eights):
            self.box.add_fault(Fault("job", error=words) if number % 2 else Fault("submit", status=422, message=words))
            self.magic(number, f"Make it snow, {number}.")
        for number, words in enumerate(self.words):
            if "{{" in words or not words.isprintable():
                self.magic(number, words)

    def magic(self, number: int, body: str, *options: str) -> None:
        """Run the magic; the error of one payload does not end the cell."""
        name = f"picture_{number}"
        self.shell.user_ns[name] = [named(self.words[number], number)]
        try:
            self.shell.run_cell_magic("nbedit", f"{name} --resolution 0.5K {' '.join(options)}", body)
        except NBBananaError:
            self.shell.showtraceback()

    def results(self, first: int, last: int) -> None:
        """Records as results."""
        for result in self.kept_from(first, last):
            display(result)

    def stills(self) -> None:
        """What each form leaves in a saved notebook, and every other output of the display room."""
        studio, region, compared = (
            nb.studio(session=self.kept),
            nb.region(named("a")),
            nb.compare(named("a"), named("b")),
        )
        for words in self.eights:
            studio.prompt = words
            region.picture = named(words)
            compared.sides = sides_of((named(words), named(f"{words} again")))
            left = (form._still_bundle()["text/html"] for form in (studio, region, compared))
            display(HTML("".join([*left, *everything(words)])))
        for form in (studio, region, compared):
            form.close()

    def sweeps(self) -> None:
        """A sweep whose values are these words: its plan, its grid, its ranking, and the best of it."""
        same: dict[str, Any] = {"resolution": "0.5K", "session": self.session}
        self.sweep = nb.sweep("Paint it {{colour}}.", named("a"), colour=self.eights, **same)
        display(self.sweep)
        display(self.sweep.run())
        self.sweep.prefer(1, 0, rater=self.eights[0][:100])
        for shown in (self.sweep.ranking, self.sweep.best(3)):
            display(shown)

    def tracebacks(self, first: int, last: int) -> None:
        """Errors whose three lines are these words."""
        for words in self.words[first:last]:
            error = NBBananaError(words, words, words)
            self.shell.showtraceback((type(error), error, None))

    def pages(self, first: int, last: int) -> None:
        """The history: as a table, what a search found, two beside each other, where one came from, as a frame."""
        history, results = self.kept.history, list(self.kept_from(first, last))
        display(history[first + 1 : last + 1])
        for words, result in list(zip(self.words[first:last], results, strict=True))[:: FAMILY - 1]:
            display(history.search(words, limit=2))
            display(history.lineage(result.id))
            display(history.diff(result.id, max(1, result.id - 1)))
        whole = ("display.max_rows", None, "display.max_columns", None, "display.max_colwidth", None)
        with pd.option_context(*whole, "display.html.use_mathjax", False):  # pandas typesets formulas by itself
            display(history.to_frame().iloc[first:last])

    def lists(self, first: int, last: int) -> None:
        """`%nbhistory` with words and without, on what was asked here."""
        for words in self.words[first:last:2]:
            try:
                self.shell.run_line_magic("nbhistory", f"'{words}'" if "\n" not in words else words.split()[0])
            except NBBananaError:
                self.shell.showtraceback()
        self.shell.run_line_magic("nbhistory", "-n 300")

    def recovered(self, first: int, last: int) -> None:
        """Files that say of themselves that they were asked for in these words, read where nobody knows them."""
        for result in self.kept_from(first, last):
            for output in result:
                file = output.save(self.folder / f"{result.id}.png", embed=True)
                display(nb.recover(file, self.empty))

    # ── forms ───────────────────────────────────────────────────────────────────────────────────────────────

    def feed_studio(self, form: Any) -> None:
        """The words as prompt, picture, model, price, error, result, record, search, copied cell and failed run."""
        for number, words in enumerate(self.words):
            ui_thread.call(self._tell_studio, form, words, number)
        for words in self.eights:
            ui_thread.call(form.state.strip.search, words, only_starred=False)
            ui_thread.call(form.state.show_strip)
        form.model = MODEL
        form.state.strip.search("", only_starred=False)
        for _ in range(len(self.words) // 60 + 1):
            ui_thread.call(form.state.strip.older)
        ui_thread.call(form.state.show_strip)
        for result in self.kept_from(0, len(self.words)):
            ui_thread.call(
                lambda result=result: form.emit("detail", **form.state.strip.detail(result.id, form.state.form.draft))
            )
            ui_thread.call(form.state.groups.put, result, asked=False)
        ui_thread.call(form.state.show_results)
        form.prompt = "Make it snow."
        for number, words in enumerate(self.eights):
            self.fail(form, words, number)

    def _tell_studio(self, form: Any, words: str, number: int) -> None:
        form.state.form.change("the pictures", slots=(Slot(named(words, number), words, words),))
        form.state.form.write(words)
        form.state.form.choose(words)
        with suppress(NBBananaError):  # words with half a character in them cannot be sent
            form.state.form.set("look", words)
        form.state.show_form()
        form.show_error(NBBananaError(words, words, words))
        form.emit("price", **price_row(Quote(None, None, how=words, note=words), None, is_play=True))
        form.emit("price", **price_row(None, None, is_play=True), problem=[words, words, words])
        form.emit("said", text=words, undo=True)
        form.emit("cell", text=words, what=words)

    def fail(self, form: Any, words: str, number: int) -> None:
        """A run that the service refuses in these words; it stays on the form."""
        self.box.add_fault(Fault("submit", status=422, message=words))
        form.inputs = [named(words, number)]
        form.set(resolution="0.5K", seed=number)
        assert isinstance(form.run().run.future.exception(timeout=60), NBBananaError)

    def feed_compare(self, form: Any) -> None:
        """Pictures with these names, and records with these words beside each other."""
        whole = [result for result in self.kept_from(0, len(self.words)) if len(result)]
        for number, words in enumerate(self.words):
            self._again(form, "sides", sides_of((named(words), named(f"{words} again"))))
            self._again(form, "sides", sides_of((whole[number % len(whole)], whole[number % len(whole) - 1])))
            ui_thread.call(form.show_error, NBBananaError(words, words, words))

    def feed_region(self, form: Any) -> None:
        """Pictures with these names."""
        for number, words in enumerate(self.words):
            self._again(form, "picture", named(words, number))
            ui_thread.call(form.show_error, NBBananaError(words, words, words))

    def feed_browser(self, form: Any) -> None:
        """All records as tiles, each looked at, and each searched for."""
        for number, words in enumerate(self.words, 1):
            ui_thread.call(form.handle, "look", {"edit": number}, [])
            form.show(words=words, model=words)
            ui_thread.call(form.show_error, NBBananaError(words, words, words))
            ui_thread.call(form.emit, "cell", text=words, edit=number)
        form.show()
        for first in range(0, len(self.words), 50):
            ui_thread.call(form.handle, "rows", {"first": first, "last": first + 50}, [])

    def feed_voting(self, form: Any) -> None:
        """A vote on each, the ranking, and errors in these words."""
        for number in range(len(self.eights)):
            ui_thread.call(form.handle, "vote", {"round": number, "side": "left"}, [])
        ui_thread.call(form.handle, "ranking", {}, [])
        for words in self.words:
            ui_thread.call(form.show_error, NBBananaError(words, words, words))
            ui_thread.call(form.emit, "said", text=words)

    def _again(self, form: Form, attribute: str, value: object) -> None:
        """Give a form something else to show, and have it told as to a front end that is new."""
        setattr(form, attribute, value)
        ui_thread.call(form.handle, "hello", {}, [])
