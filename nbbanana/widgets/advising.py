"""Advice on the prompt while it is written: what stands under it in a Studio, and its Apply."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from nbbanana.display.advice import advice_rows
from nbbanana.errors import NBBananaError
from nbbanana.prompts import read as read_words
from nbbanana.session.advising import advice_for
from nbbanana.widgets import ui_thread

if TYPE_CHECKING:
    from nbbanana.images import ImageInput
    from nbbanana.models import Model
    from nbbanana.request import Advice
    from nbbanana.widgets.form_state import FormState

__all__ = ["AdviceWatcher", "mended"]

Asked = tuple[str, tuple["ImageInput", ...], "Model", dict[str, Any]]
"""What advice depends on: words, pictures, model, parameters."""


class AdviceWatcher:
    """
    The advice under the prompt. Called in the UI thread; the prompt is read in another one.

    Args:
        told: called in the UI thread with rows that are not those of before.
    """

    def __init__(self, told: Callable[[list[dict[str, Any]]], None]) -> None:
        self._told: Callable[[list[dict[str, Any]]], None] | None = told
        self._number = 0
        self._rows: list[dict[str, Any]] | None = None

    def ask(self, form: FormState) -> None:
        """Look at the form as it is; what is found for an older one is not told any more."""
        if self._told is not None:
            self._number += 1
            ui_thread.background(self._look, self._number, _asked(form))

    def ask_anew(self, form: FormState) -> None:
        """Look, and tell what is found even if it is what was told before: a front end is new."""
        self._rows = None
        self.ask(form)

    def close(self) -> None:
        """Tell nothing any more."""
        self._told = None

    def _look(self, number: int, asked: Asked) -> None:
        """In a background thread."""
        if number == self._number:
            ui_thread.post(self._tell, number, _rows(_advice(asked)))

    def _tell(self, number: int, rows: list[dict[str, Any]]) -> None:
        if self._told is not None and number == self._number and rows != self._rows:
            self._rows = rows
            self._told(rows)


def mended(form: FormState, rule: str) -> Callable[[], None] | None:
    """Return what applies the fix of a rule to the form as it is now; None where the rule finds nothing any more."""
    found = next((one for one in _advice(_asked(form)) if one.rule == rule), None)
    return None if found is None else lambda: form.mend(found.fix or form.draft.prompt, found.settings)


def _asked(form: FormState) -> Asked:
    draft = form.draft
    return form.words, tuple(slot.image for slot in draft.slots), form.model, dict(draft.parameters)


def _advice(asked: Asked) -> Sequence[Advice]:
    """Return the advice on what would be sent; nothing for words that cannot be sent yet."""
    text, images, model, parameters = asked
    try:
        words = read_words(text).for_grammar(model.grammar) if text.strip() else ""
    except NBBananaError:
        return ()
    return advice_for(str(words), images, model, parameters)


def _rows(advice: Sequence[Advice]) -> list[dict[str, Any]]:
    shown = zip(advice_rows(advice), advice, strict=True)
    return [{**row, "span": list(one.span), "mends": bool(one.fix is not None or one.settings)} for row, one in shown]
