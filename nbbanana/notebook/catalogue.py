"""`%nbmodels`: what models there are, as a static table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbbanana import models
from nbbanana.display import models_bundle
from nbbanana.grammar import split
from nbbanana.notebook.screens import publish
from nbbanana.session import current

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["show_models"]


def show_models(shell: InteractiveShell, line: str) -> None:
    """
    Show all models of the catalogue, or those whose ids the line has.

    Raises:
        UnknownModelError: no such model.
    """
    wanted = [word.text for word in split(line)[0]] or models.ids()
    publish(shell, models_bundle([current().model_of(model_id) for model_id in wanted]))
