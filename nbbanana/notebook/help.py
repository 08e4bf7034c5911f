"""The help of `%%nbedit`: a text with the options of the table and of the model that is set."""

from __future__ import annotations

from importlib.resources import files
from string import Template

from nbbanana import models
from nbbanana.errors import UnknownModelError
from nbbanana.grammar import OWN, listed, options_of
from nbbanana.session import current
from nbbanana.settings import DEFAULT_MODEL

__all__ = ["edit_help"]


def edit_help() -> str:
    """Return the text that `%%nbedit?` shows; its examples run as they stand there."""
    try:
        model = models.get(current().default_model)
    except UnknownModelError:
        model = models.get(DEFAULT_MODEL)
    text = files("nbbanana.notebook").joinpath("help.txt").read_text(encoding="utf-8")
    fields = [option for option in options_of(model) if option.field is not None]
    return Template(text).substitute(own=listed(OWN), model=model.id, fields=listed(fields))
