"""HTML out of the templates: every string escaped by the engine, and nothing in it that a notebook reads as LaTeX."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from nbbanana.text import one_line, plain, storable

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

__all__ = ["environment", "render"]

MARKUP_OR_LATEX = re.compile(r"<[^>]*>|[$\\]")
"""
A tag, or a character with which LaTeX begins. In a tag every `>` of an attribute is escaped, so it ends at the first.
"""


def render(package: str, template: str, **values: Any) -> str:
    r"""
    Render a template of a package as HTML.

    Notebooks typeset what stands between two dollar signs, `\(` and `\)`, or `\begin` and `\end`, also in HTML
    output. They look at text, not across tags: each dollar sign and backslash of the text goes into a tag of its own.
    What no file can hold, such as half of a character in a file's name, is shown by its code point.
    """
    html = storable(environment(package).get_template(f"{template}.html.j2").render(values))
    return MARKUP_OR_LATEX.sub(_apart, html).strip()


def _apart(found: re.Match[str]) -> str:
    text = found[0]
    return text if text.startswith("<") else f"<span>{text}</span>"


@cache
def environment(package: str) -> Environment:
    """Return the environment of a package's templates, in which every value is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        auto_reload=False,
    )
    made.filters.update(one_line=one_line, plain=plain, paragraphs=_paragraphs)
    return made


def _paragraphs(text: str) -> Markup:
    """Return the text with its line breaks kept, also by readers that drop styles."""
    from markupsafe import Markup, escape

    return Markup("<br>").join(escape(line) for line in storable(text).splitlines())
