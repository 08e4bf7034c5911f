"""The parts of the prompt as fields of the Studio, and the use cases that it can begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbbanana.errors import PromptError
from nbbanana.prompts import composed, read_fields
from nbbanana.prompts.use_cases import use_cases_there

if TYPE_CHECKING:
    from nbbanana.widgets.form_state import FormState

__all__ = ["case_rows", "parts_row"]

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
