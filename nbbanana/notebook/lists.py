"""`%nbhistory` and `%nbmodels`: what there is, as static tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbbanana import models
from nbbanana.display import models_bundle
from nbbanana.errors import UsageError
from nbbanana.grammar import split
from nbbanana.notebook.screens import publish
from nbbanana.session import current
from nbbanana.session.views import history_view

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["show_history", "show_models"]

ROWS = 20
MOST_ROWS = 500
"""A table that a notebook still opens with ease."""


def show_history(shell: InteractiveShell, line: str) -> None:
    """
    Show the newest edits, or those whose prompts have the words of the line; `-n` says how many at most.

    Raises:
        UsageError: an option that is not there, or a number that is none.
    """
    words, count = _words_and_count(line)
    history = current().history
    found = history.search(" ".join(words), limit=count) if words else history.latest(count)
    heading = f"edits with “{' '.join(words)}”" if words else ""
    publish(shell, history_view(found, len(history), heading))


def show_models(shell: InteractiveShell, line: str) -> None:
    """
    Show all models of the catalogue, or those whose ids the line has.

    Raises:
        UnknownModelError: no such model.
    """
    wanted = [word.text for word in split(line)[0]] or models.ids()
    publish(shell, models_bundle([current().model_of(model_id) for model_id in wanted]))


def _words_and_count(line: str) -> tuple[list[str], int]:
    words: list[str] = []
    count = str(ROWS)
    stream = iter(split(line)[0])
    for word in stream:
        if word.quoted or not word.text.startswith("-"):
            words.append(word.text)
        elif word.text.startswith("-n"):
            count = word.text[2:].removeprefix("=") or next((following.text for following in stream), "")
        else:
            raise UsageError(f"There is no option {word.text}.", "%nbhistory has -n.", "Put words with a - in quotes.")
    if not count.isdecimal() or not 0 < int(count) <= MOST_ROWS:
        raise UsageError(f"-n is {count!r}.", f"It is a number from 1 to {MOST_ROWS}.", "Write -n 50.")
    return words, int(count)
