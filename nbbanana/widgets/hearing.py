"""What the front end of the Studio may ask for, by the kind of its message. Everything here is called at the desk."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from nbbanana.errors import UsageError
from nbbanana.images import load
from nbbanana.request import SEED_LIMIT
from nbbanana.widgets import desk
from nbbanana.widgets.sides import sides_of
from nbbanana.widgets.slots import Slot, slots_of

if TYPE_CHECKING:
    from concurrent.futures import Future

    from nbbanana.models import Model
    from nbbanana.widgets.base import Message
    from nbbanana.widgets.studio import Studio

__all__ = ["hear"]


def hear(form: Studio, kind: str, message: Message, buffers: Sequence[memoryview]) -> None:
    """
    Do what a message asks.

    Raises:
        UsageError: a kind that is not known here, such as one of another version's front end.
    """
    if kind == "upload":
        _upload(form, message, buffers)
        return
    if kind == "guest":
        form.guests.hear(str(message["name"]), message["content"], buffers)
        return
    if kind not in _ACTS:
        raise UsageError(
            f"The form asked for {kind!r}.", "This kernel's nbbanana does not know it.", "Run the cell again."
        )
    _ACTS[kind](form, message)


def _words(form: Studio, message: Message) -> None:
    form.words_seen = int(message.get("count", 0))
    before = form.bench.can_undo
    form.bench.write(str(message["text"]))
    if form.bench.can_undo != before:
        form.show_form()


def _run(form: Studio, message: Message) -> None:
    _words(form, message)
    form.run()


def _most(form: Studio, message: Message) -> None:
    amount = message["amount"]
    if amount is not None and not (isinstance(amount, int | float) and amount > 0):
        raise UsageError(f"{amount!r} is no price.", "A run may cost so many US dollars at most.", "Type a number.")
    form.max_price = amount


def _upload(form: Studio, message: Message, buffers: Sequence[memoryview]) -> None:
    picture = load({"name": str(message["name"]), "content": bytes(buffers[0])})
    form.add_slots([Slot(picture, None, str(message.get("note") or "") or None)])


def _outputs(form: Studio, message: Message) -> list[Slot]:
    return slots_of([form.session.history[int(message["edit"])][int(message["index"])]], form.session, {})


def _further(form: Studio, message: Message) -> None:
    slots = _outputs(form, message)
    form.change(lambda: form.bench.replace_slots(slots))
    _done(form, f"The form now edits {message['edit']}[{message['index']}]. What was there comes back with Undo.")


def _take(form: Studio, message: Message) -> None:
    form.add_slots(_outputs(form, message))
    _done(form, f"history[{message['edit']}][{message['index']}] is an input now.")


def _dice(form: Studio, _: Message) -> None:
    if form.bench.model.seed_field:
        form.set(**{form.bench.model.seed_field: secrets.randbelow(SEED_LIMIT)})


def _lock(form: Studio, _: Message) -> None:
    """Lock: ask with the seed of the newest result from now on; unlock: with a new one each time."""
    name = form.bench.model.seed_field
    if name is None:
        return
    if name in form.parameters:
        form.set(**{name: None})
        return
    last = next((result.seed for result in form.results if result.seed is not None), None)
    form.set(**{name: secrets.randbelow(SEED_LIMIT) if last is None else last})


def _undo(form: Studio, _: Message) -> None:
    what = form.undo()
    _done(form, f"Undone: {what}." if what else "There is nothing to undo.", undo=False)


def _model(form: Studio, message: Message) -> None:
    dropped = form.change(lambda: form.bench.choose(str(message["id"])))
    if dropped:
        names = ", ".join(name.replace("_", " ") for name in dropped)
        _done(form, f"{form.model} does not take {names}: put away. Undo brings it back.")


def _task(act: Callable[[Studio, Any], Any]) -> Callable[[Studio, Message], None]:
    """An act on a job that is still shown."""

    def found(form: Studio, message: Message) -> None:
        task = form.tasks.find(str(message["key"]))
        if task is not None:
            act(form, task)

    return found


def _knowing(act: Callable[[Studio, Message], Any]) -> Callable[[Studio, Message], None]:
    """An act on an edit that needs its model."""

    def found(form: Studio, message: Message) -> None:
        edit = form.session.store.get(int(message["edit"]))
        _once_known(form, edit.model, lambda: act(form, message))

    return found


def _once_known(form: Studio, model_id: str, act: Callable[[], object]) -> None:
    """
    Do something that needs a model. One that is not shipped is asked for first, and meanwhile the desk does other
    things; where it cannot be had, the form says why, and nothing else was done.
    """
    if model_id in form.known:
        act()
        return
    form.tell("said", text=f"Asking the service about {model_id}.", undo=False)

    def answered(done: Future[Model]) -> None:
        if (error := done.exception()) is not None:
            form.complain(error, model_id)
            return
        form.known.add(model_id)
        form.heed(act, model_id)

    form.session.engine.live_model(model_id).add_done_callback(lambda done: desk.post(answered, done))


def _dismiss(form: Studio, task: Any) -> None:
    form.tasks.dismiss(task)
    form.tell("gone", key=task.key, edit=None)


def _again(form: Studio, task: Any) -> None:
    _dismiss(form, task)
    form.start(form.session.start(task.job.request, mode="fresh", max_price=form.max_price))


def _collect(form: Studio, task: Any) -> None:
    _dismiss(form, task)
    form.start(form.session.resume(form.session.store.get(task.job.edit_id)))


def _save(form: Studio, message: Message) -> None:
    _done(
        form,
        f"Saved as {form.save(int(message['edit']), int(message['index'])).name}, in the notebook's folder.",
        undo=False,
    )


def _copy(form: Studio, message: Message) -> None:
    number = message.get("edit")
    write = form.code if form.is_python_alone else form.cell
    text = write(None if number is None else int(number))
    form.tell("cell", text=text, what="the form" if number is None else f"edit {number}")


def _select(form: Studio, message: Message) -> None:
    form.chosen = [(int(edit), int(index)) for edit, index in message["pictures"]]


def _compare(form: Studio, message: Message) -> None:
    _select(form, message)
    form.comparison.sides = sides_of(form.selection)
    form.tell("compare", model=form.comparison.model_id)


def _open(form: Studio, message: Message) -> None:
    """Bring an edit of the browser into the form and its pictures among the results."""
    form.open_edit(int(message["edit"]))
    _done(form, f"The form now has all of edit {message['edit']}, and its pictures are among the results.")


def _look(form: Studio, message: Message) -> None:
    form.tell("detail", **form.past.detail(int(message["edit"]), form.bench.draft))


def _recall(form: Studio, message: Message) -> None:
    number, what = int(message["edit"]), str(message["what"])
    form.recall(number, what)
    names = {"all": f"all of edit {number}", "all but seed": f"all of edit {number} but its seed"}
    _done(form, f"The form now has {names.get(what, f'the words of edit {number}')}.")
    _look(form, message)


def _search(form: Studio, message: Message) -> None:
    form.past.search(str(message["text"]), only_starred=bool(message["starred"]))
    form.show_past()


def _older(form: Studio, _: Message) -> None:
    form.past.older()
    form.show_past()


def _done(form: Studio, words: str, *, undo: bool = True) -> None:
    form.tell("said", text=words, undo=undo)


_ACTS: dict[str, Callable[[Studio, Message], Any]] = {
    "hello": lambda form, _: form.show_all(),
    "words": _words,
    "set": lambda form, message: form.set(**{str(message["name"]): message["value"]}),
    "model": _model,
    "type": lambda form, message: form.add_typed(str(message["text"])),
    "take": _take,
    "further": _further,
    "remove": lambda form, message: form.change(lambda: form.bench.remove(str(message["key"]))),
    "move": lambda form, message: form.change(lambda: form.bench.move(str(message["key"]), int(message["to"]))),
    "dice": _dice,
    "lock": _lock,
    "undo": _undo,
    "run": _run,
    "most": _most,
    "cancel": _task(lambda form, task: form.tasks.cancel(task)),
    "dismiss": _task(_dismiss),
    "again": _task(_again),
    "collect": _task(_collect),
    "mark": lambda form, message: form.mark(
        int(message["edit"]), int(message["index"]), message["what"], on=bool(message["on"])
    ),
    "vary": _knowing(lambda form, message: form.vary(int(message["edit"]))),
    "save": _save,
    "copy": _copy,
    "select": _select,
    "compare": _compare,
    "point": lambda form, message: form.guests.point(str(message["key"])),
    "unpoint": lambda form, _: form.change(lambda: form.bench.point("", ())),
    "browse": lambda form, _: form.guests.browse(),
    "leave": lambda form, message: form.guests.leave(str(message["name"])),
    "open": _open,
    "look": _look,
    "show": _knowing(lambda form, message: form.show_edit(int(message["edit"]))),
    "recall": _knowing(_recall),
    "search": _search,
    "older": _older,
}
