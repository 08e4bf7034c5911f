"""What the front end of a Studio may ask for about the parts of its prompt. Everything here runs in the UI thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbbanana.prompts import Prompt
from nbbanana.prompts.labels import LABELS
from nbbanana.prompts.use_cases import use_case

if TYPE_CHECKING:
    from nbbanana.widgets.base import Message
    from nbbanana.widgets.studio_state import StudioState

__all__ = ["ACTS"]

MOST = 20_000
"""Characters of a field."""


def _write(studio: StudioState, message: Message) -> None:
    """Compose the prompt of the fields; words that a person wrote can be had back."""
    view = str(message.get("view", ""))
    studio.parts_seen[view] = int(message.get("count", 0))
    told = {name: str(message["fields"][name])[:MOST] for name in (*LABELS, "more") if name in message["fields"]}
    fields = {**studio.form.draft.parts, **told}
    before, was_own = studio.form.draft.prompt, not isinstance(studio.form.words, Prompt)
    studio.change(lambda: studio.form.write_parts(fields))
    if was_own and before.strip() and studio.form.draft.prompt != before:
        studio.widget.emit("said", text="The prompt was composed of the parts.", undo=True)


def _again(studio: StudioState, _: Message) -> None:
    """Compose the prompt anew of the fields as they are."""
    studio.change(lambda: studio.form.write_parts(dict(studio.form.draft.parts)))


def _start(studio: StudioState, message: Message) -> None:
    case = use_case(str(message["id"]))
    studio.change(lambda: studio.form.start(case))
    where = "the prompt" if case.parts is None else "its parts"
    studio.widget.emit("said", text=f"{case.title}: put your own words in {where}.", undo=True)


ACTS = {"parts": _write, "compose": _again, "start": _start}
"""What the front end may ask for, by the kind of its message."""
