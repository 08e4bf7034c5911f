"""What the front end of a Studio may ask for, by the kind of its message. Everything here runs in the UI thread."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

from nbbanana.display.views import price_in_words
from nbbanana.engine.prices import Quote
from nbbanana.errors import UsageError
from nbbanana.images import load
from nbbanana.models import Model
from nbbanana.prompts import Prompt
from nbbanana.prompts.lines import LABELS
from nbbanana.prompts.prompting import use_case
from nbbanana.request import SEED_LIMIT
from nbbanana.session import Output
from nbbanana.widgets.base import Message, ui_thread
from nbbanana.widgets.compare import sides_of
from nbbanana.widgets.pictures import Slot, answer, namespace, slots_of, typed
from nbbanana.widgets.region import Region
from nbbanana.widgets.studio_state import StudioState
from nbbanana.widgets.watchers import Task, mended

__all__ = ["ACTS", "handle"]


def handle(studio: StudioState, kind: str, message: Message, buffers: Sequence[memoryview] = ()) -> None:
    """
    Do what a message asks.

    Raises:
        UsageError: a kind that is not known here, such as one of another version's front end.
    """
    _check_public(studio, kind, message)
    if kind == "upload":
        picture = load({"name": str(message["name"]), "content": bytes(buffers[0])})
        studio.add_slots([Slot(picture, None, str(message.get("note") or "") or None)])
    elif kind == "embedded":
        studio.embedded.receive(str(message["name"]), message["content"], buffers)
    elif kind in ACTS:
        ACTS[kind](studio, message)
    else:
        raise UsageError(
            f"The form asked for {kind!r}.",
            "This kernel's nbbanana does not know it.",
            "Run the cell again for a form of this version.",
        )


FILES = frozenset({"type", "save", "browse"})
"""What names, lists or writes files of the kernel's machine."""
LONGEST_PART = 20_000
"""Characters of a field of the parts."""


def _check_public(studio: StudioState, kind: str, message: Message) -> None:
    """
    Refuse what visitors of a public form may not do, whatever their front end says.

    Raises:
        UsageError: it names or writes a file of the kernel's machine, or chooses who is paid.
    """
    if studio.is_public and kind == "service":
        raise UsageError(
            "This page has one service.", "Whoever opened it for visitors chose that.", "Run it as it stands."
        )
    model = studio.form.model
    is_mask = kind == "set" and message["name"] == model.mask_field and message["value"] not in (None, "region")
    if studio.is_public and (kind in FILES or is_mask):
        raise UsageError(
            "This page takes uploads only.",
            "It is open to visitors, who may not use files of its server.",
            "Drop, paste or browse for a picture; Download saves one.",
        )


def _say(studio: StudioState, words: str, *, undo: bool = False) -> None:
    studio.widget.emit("said", text=words, undo=undo)


def _once_known(studio: StudioState, model_id: str, act: Callable[[], object]) -> None:
    """
    Do something that needs a model. One that is not shipped is asked for first, while the UI thread does other
    things; where it cannot be had, the form says why, and nothing else was done.
    """
    if model_id in studio.known:
        act()
        return
    _say(studio, f"Asking the service about {model_id}.")

    def answered(done: Future[Model]) -> None:
        if (error := done.exception()) is not None:
            studio.widget.show_error(error, model_id)
            return
        studio.known.add(model_id)
        studio.widget.attempt(act, model_id)

    studio.session.engine_at(studio.form.draft.provider).live_model(model_id).add_done_callback(
        lambda done: ui_thread.post(answered, done)
    )


def _with_model(act: Callable[[StudioState, Message], Any]) -> Callable[[StudioState, Message], None]:
    """Make a handler of an act on an edit that needs its model."""

    def found(studio: StudioState, message: Message) -> None:
        edit = studio.asked(int(message["edit"]))
        _once_known(studio, edit.model, lambda: act(studio, message))

    return found


def _on_task(act: Callable[[StudioState, Task], Any]) -> Callable[[StudioState, Message], None]:
    """Make a handler of an act on a job; one that is not shown any more is passed over."""

    def found(studio: StudioState, message: Message) -> None:
        task = next((task for task in studio.tasks.all if task.key == message["key"]), None)
        if task is not None:
            act(studio, task)

    return found


# ── the form ────────────────────────────────────────────────────────────────────────────────────────────────


def _words(studio: StudioState, message: Message) -> None:
    """The prompt as one view has it, or None while its parts are being composed; other views of it are told."""
    if message["text"] is None:
        return
    view = str(message.get("view", ""))
    studio.words_seen[view] = int(message.get("count", 0))
    before, changed = studio.form.can_undo, studio.form.draft.prompt != str(message["text"])
    studio.form.write(str(message["text"]))
    if studio.form.can_undo != before:
        studio.show_form()
    elif changed:
        studio.widget.emit("words", prompt=studio.form.draft.prompt, view=view)
    if changed:
        studio.advice.ask(studio.form)


def _mend(studio: StudioState, message: Message) -> None:
    if mend := mended(studio.form, str(message["rule"])):
        studio.change(mend)
        _say(studio, "Mended as advised.", undo=True)


def _run(studio: StudioState, message: Message) -> None:
    _words(studio, message)
    studio.run()


def _set_max_price(studio: StudioState, message: Message) -> None:
    amount = message["amount"]
    if amount is not None and not (isinstance(amount, int | float) and amount > 0):
        raise UsageError(
            f"{amount!r} is not a price.",
            "It is the most that a run may cost, in US dollars.",
            "Type a number, such as 0.60.",
        )
    studio.max_price = amount


def _new_seed(studio: StudioState, _: Message) -> None:
    if studio.form.model.seed_field:
        studio.set(studio.form.model.seed_field, secrets.randbelow(SEED_LIMIT))


def _lock(studio: StudioState, _: Message) -> None:
    """Lock: ask with the seed of the newest result from now on; unlock: with a new one each time."""
    name = studio.form.model.seed_field
    if name is None:
        return
    if name in studio.form.draft.parameters:
        studio.set(name, None)
        return
    last = next((result.seed for result in studio.groups.newest_first if result.seed is not None), None)
    studio.set(name, secrets.randbelow(SEED_LIMIT) if last is None else last)


def _undo(studio: StudioState, _: Message) -> None:
    what = studio.change(studio.form.undo)
    _say(studio, f"Undone: {what}." if what else "There is nothing to undo.")


def _model(studio: StudioState, message: Message) -> None:
    dropped = studio.change(lambda: studio.form.choose(str(message["id"])))
    if dropped:
        _say(studio, _reset(studio, dropped), undo=True)


def _service(studio: StudioState, message: Message) -> None:
    before = studio.form.draft.model
    dropped = studio.choose_service(str(message["name"]))
    model = studio.form.draft.model
    said = [f"{studio.choice.title} runs what this form asks for{f', with {model}' if model != before else ''}."]
    said += [_reset(studio, dropped)] if dropped else []
    _say(studio, " ".join(said), undo=True)


def _reset(studio: StudioState, dropped: Sequence[str]) -> str:
    """Say what was reset since the model has no option for it."""
    names = " and ".join(f"“{name}”" for name in dropped)
    were = "was" if len(dropped) == 1 else "were"
    return f"{names} {were} reset: {studio.form.draft.model} has no such option."


def _write_parts(studio: StudioState, message: Message) -> None:
    """Compose the prompt of the fields; words that a person wrote can be had back."""
    view = str(message.get("view", ""))
    studio.parts_seen[view] = int(message.get("count", 0))
    given = message["fields"]
    told = {name: str(given[name])[:LONGEST_PART] for name in (*LABELS, "more") if name in given}
    fields = {**studio.form.draft.parts, **told}
    before, was_own = studio.form.draft.prompt, not isinstance(studio.form.words, Prompt)
    studio.change(lambda: studio.form.write_parts(fields))
    if was_own and before.strip() and studio.form.draft.prompt != before:
        _say(studio, "The prompt was composed of the parts.", undo=True)


def _start(studio: StudioState, message: Message) -> None:
    case = use_case(str(message["id"]))
    studio.change(lambda: studio.form.start(case))
    where = "the prompt" if case.parts is None else "its parts"
    _say(studio, f"{case.title}: put your own words in {where}.", undo=True)


# ── input pictures ──────────────────────────────────────────────────────────────────────────────────────────


def _output(studio: StudioState, message: Message) -> Output:
    return studio.session.history[int(message["edit"])][int(message["index"])]


def _as_slots(studio: StudioState, message: Message) -> list[Slot]:
    return slots_of([_output(studio, message)], studio.session, {})


def _begin_from(studio: StudioState, message: Message) -> None:
    """Make an output the only input, with an empty prompt: the next thing to do is to write one."""
    slots = tuple(_as_slots(studio, message))
    studio.change(
        lambda: studio.form.change("the pictures and the prompt", slots=slots, prompt="", parts={}, region=None)
    )
    studio.widget.emit("write")
    _say(studio, f"{_output(studio, message).label} is the only input now. Write what to change.", undo=True)


def _take(studio: StudioState, message: Message) -> None:
    studio.add_slots(_as_slots(studio, message))
    _say(studio, f"{_output(studio, message).label} is an input now.", undo=True)


def _draw_region(studio: StudioState, message: Message) -> None:
    slot = next(slot for slot in studio.form.draft.slots if slot.key == str(message["key"]))

    def drawn(tool: Region) -> None:
        studio.change(lambda: studio.form.point(slot.key, tool.shapes))

    studio.embedded.draw_region(slot, studio.form, drawn)


# ── jobs ────────────────────────────────────────────────────────────────────────────────────────────────────


def _dismiss(studio: StudioState, task: Task) -> None:
    studio.tasks.dismiss(task)
    studio.widget.emit("gone", key=task.key, edit=None)


def _again(studio: StudioState, task: Task) -> None:
    _dismiss(studio, task)
    studio.run_again(task)


def _collect(studio: StudioState, task: Task) -> None:
    _dismiss(studio, task)
    assert task.job.edit_id is not None, "what can be fetched was recorded"
    studio.watch(studio.session.resume(studio.session.store.get(task.job.edit_id)))


def _price_of_vary(studio: StudioState, message: Message) -> None:
    """Tell what asking an edit again would cost, once the service said so."""
    number = int(message["edit"])

    def answered(done: Future[Quote]) -> None:
        quote = None if done.exception() else done.result()
        amount = "" if quote is None or quote.low is None else price_in_words(quote.low, quote.high)
        studio.widget.emit("price of vary", edit=number, amount=amount)

    studio.quote_again(number).add_done_callback(lambda done: ui_thread.post(answered, done))


# ── results ─────────────────────────────────────────────────────────────────────────────────────────────────


def _view(studio: StudioState, message: Message) -> None:
    """What the viewer asks about a picture, and Save."""
    answer(studio.widget, studio.session.history[int(message["edit"])], message)


def _copy(studio: StudioState, message: Message) -> None:
    number = None if message.get("edit") is None else int(message["edit"])
    text = studio.written(number, in_python=studio.widget.is_python_alone)
    studio.widget.emit("cell", text=text, what="the form" if number is None else f"edit {number}")


def _select(studio: StudioState, message: Message) -> None:
    studio.chosen = [(int(edit), int(index)) for edit, index in message["pictures"]]


def _compare(studio: StudioState, message: Message) -> None:
    """Compare pictures; one alone with its input, which leaves those that are marked as they are."""
    pictures = [studio.session.history[int(edit)][int(index)] for edit, index in message["pictures"]]
    if len(pictures) > 1:
        _select(studio, message)
    studio.comparison.sides = sides_of(pictures)
    studio.widget.emit("compare", model=studio.comparison.model_id)


# ── the history ─────────────────────────────────────────────────────────────────────────────────────────────


def _browse(studio: StudioState, _: Message) -> None:
    acts = {name: partial(ACTS[name], studio) for name in ("open", "take", "compare")}
    with studio.from_here():
        studio.embedded.browse(studio.session, acts, studio.show_edits)


def _open(studio: StudioState, message: Message) -> None:
    """Bring an edit of the browser into the form and its pictures among the results."""
    number = int(message["edit"])
    studio.recall(number, "all")
    studio.show_edit(number)
    _say(studio, f"Edit {number} is in the form, and its pictures are among the results.", undo=True)


def _go_on(studio: StudioState, message: Message) -> None:
    """Bring the newest edit of the notebook into a fresh form."""
    number, kept = int(message["edit"]), bool(studio.form.draft.prompt.strip())
    studio.go_on(number)
    _say(studio, f"Edit {number} is in the form{', with the prompt that you had' if kept else ''}.", undo=True)


def _look(studio: StudioState, message: Message) -> None:
    studio.widget.emit("detail", **studio.strip.detail(int(message["edit"]), studio.form.draft))


def _recall(studio: StudioState, message: Message) -> None:
    number, what = int(message["edit"]), str(message["what"])
    studio.recall(number, what)
    names = {"all": f"everything of edit {number}", "all but seed": f"everything of edit {number} but its seed"}
    _say(studio, f"The form has {names.get(what, f'the prompt of edit {number}')} now.", undo=True)
    _look(studio, message)


def _search(studio: StudioState, message: Message) -> None:
    studio.strip.search(str(message["text"]), only_starred=bool(message["starred"]))
    studio.show_strip()


def _older(studio: StudioState, _: Message) -> None:
    studio.strip.older()
    studio.show_strip()


ACTS: dict[str, Callable[[StudioState, Message], Any]] = {
    "hello": lambda studio, _: studio.show_all(),
    "words": _words,
    "set": lambda studio, message: studio.set(str(message["name"]), message["value"]),
    "model": _model,
    "service": _service,
    "new seed": _new_seed,
    "lock": _lock,
    "undo": _undo,
    "max price": _set_max_price,
    "mend": _mend,
    "run": _run,
    "parts": _write_parts,
    "compose": lambda studio, _: studio.change(lambda: studio.form.write_parts(studio.form.draft.parts)),
    "start": _start,
    "type": lambda studio, message: studio.add_slots(typed(str(message["text"]), studio.session, namespace())),
    "take": _take,
    "begin from": _begin_from,
    "remove": lambda studio, message: studio.change(lambda: studio.form.remove(str(message["key"]))),
    "move": lambda studio, message: studio.change(lambda: studio.form.move(str(message["key"]), int(message["to"]))),
    "point": _draw_region,
    "unpoint": lambda studio, _: studio.change(lambda: studio.form.point("", ())),
    "cancel": _on_task(lambda studio, task: studio.tasks.cancel(task)),
    "dismiss": _on_task(_dismiss),
    "again": _on_task(_again),
    "collect": _on_task(_collect),
    "vary": _with_model(lambda studio, message: studio.vary(int(message["edit"]))),
    "price of vary": _with_model(_price_of_vary),
    "rate": lambda studio, message: studio.rate(int(message["edit"]), int(message["index"]), message["rating"]),
    "save": _view,
    "copy": _copy,
    "view": _view,
    "select": _select,
    "compare": _compare,
    "browse": _browse,
    "leave": lambda studio, message: studio.embedded.leave(str(message["name"])),
    "open": _open,
    "go on": _with_model(_go_on),
    "look": _look,
    "show": _with_model(lambda studio, message: studio.show_edit(int(message["edit"]))),
    "recall": _with_model(_recall),
    "search": _search,
    "older": _older,
}
