"""The help of `%%nbedit`: a text with the options of the table and of the model that is set."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.resources import files
from string import Template
from textwrap import fill

from nbbanana import models
from nbbanana.errors import UnknownModelError
from nbbanana.grammar import OWN, Option, options_of
from nbbanana.session import current
from nbbanana.settings import DEFAULT_MODEL

__all__ = ["edit_help"]

WIDTH = 100
"""Columns of the option list."""


def edit_help() -> str:
    """The text that `%%nbedit?` shows; its examples run as they stand there."""
    try:
        model = models.get(current().default_model)
    except UnknownModelError:
        model = models.get(DEFAULT_MODEL)
    text = files("nbbanana.notebook").joinpath("help.txt").read_text(encoding="utf-8")
    fields = [option for option in options_of(model) if option.field is not None]
    return Template(text).substitute(own=_listed(OWN), model=model.id, fields=_listed(fields))


def _listed(options: Iterable[Option]) -> str:
    return "".join(f"  {_form(option)}\n{_about(option)}\n" for option in options)


def _form(option: Option) -> str:
    names = ", ".join(filter(None, [option.short, option.name]))
    return f"{names} {option.takes}" if option.takes else names


def _about(option: Option) -> str:
    parts = [option.help.rstrip(".")]
    if option.line_only:
        parts.append("%nbedit only")
    if option.choices:
        parts.append(f"one of {', '.join(option.choices)}")
    if field := option.field:
        if field.minimum is not None and field.maximum is not None:
            parts.append(f"{field.minimum} to {field.maximum}")
        if field.default is not None:
            shown = field.default if isinstance(field.default, str) else json.dumps(field.default)
            parts.append(f"the model takes {shown} if it is not set")
        parts += [field.cost_note] if field.cost_note else []
    if option.is_switch:
        parts.append(f"{option.negative} says no")
    return fill("; ".join(parts), WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6)
