"""The templates of this room."""

from __future__ import annotations

from typing import Any

from nbbanana import templates

__all__ = ["render"]


def render(template: str, **values: Any) -> str:
    """Render one of them as HTML; see `nbbanana.templates.render`."""
    return templates.render("nbbanana.display", template, **values)
