"""The parts of the prompt as fields of the Studio, and the use cases that it can begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbbanana.errors import PromptError
from nbbanana.prompts import Prompt, composed, read_fields
from nbbanana.prompts.lines import LABELS
from nbbanana.prompts.use_cases import use_case, use_cases_there

if TYPE_CHECKING:
    from nbbanana.widgets.base import Message
    from nbbanana.widgets.form_state import FormState
    from nbbanana.widgets.studio_state import StudioState

__all__ = ["ACTS", "case_rows", "parts_row"]

FIELDS = {
    "keep": ("Keep", "subject identity, pose, clothing"),
    "change": ("Change", "Convert the background into …"),
    "only": ("Only", "background"),
    "avoid": ("Avoid", "added text, extra people"),
    "text": ("Text", 'headline = "OPEN"'),
    "reference": ("From picture", "2 = the jacket"),
    "more": ("And", "a sentence that follows the change"),
}
"""By label, what a field is called and an example."""

SEVERAL = frozenset({"change", "text", "reference", "more"})
"""The fields that grow with their lines."""

MOST = 20_000
"""Characters of a field."""


def parts_row(form: FormState) -> dict[str, Any]:
    """The fields of the parts, what they make in the model's grammar, and what is wrong with them."""
    made, trouble = "", ""
    try:
        found = read_fields(form.draft.parts)
        made = str(composed(found, form.model.grammar)) if found else ""
    except PromptError as error:
        trouble = f"{error.what} {error.how}"
    fields = [
        {"name": name, "title": title, "example": example, "several": name in SEVERAL}
        for name, (title, example) in FIELDS.items()
    ]
    return {"fields": fields, "values": dict(form.draft.parts), "made": made, "trouble": trouble}


def case_rows() -> list[dict[str, str]]:
    """What the Studio can begin with."""
    return [
        {"id": case.id, "title": case.title, "why": f"{case.why} ({case.source})", "group": _group(case.parts is None)}
        for case in use_cases_there()
    ]


def _group(is_sample: bool) -> str:  # noqa: FBT001 - said of one use case
    return "Sample prompts" if is_sample else "Use cases"


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
    studio.widget.emit("said", text=f"{case.title}: put your own words in its parts.", undo=True)


ACTS = {"parts": _write, "compose": _again, "start": _start}
"""What the front end may ask for, by the kind of its message."""
