"""
Edit pictures with words in a notebook: cell magic, widgets and a history that makes every picture reproducible.

    import nbbanana as nb

    result = nb.edit("Keep the subject unchanged. Convert the background into a rainy street.", "portrait.jpg")
    result[0].save("rainy.png")

In IPython, `%load_ext nbbanana` brings the `%%nbedit` cell magic. Names resolve on first use, so that importing
this package loads nothing heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbbanana._version import __version__

if TYPE_CHECKING:
    from nbbanana import errors as errors
    from nbbanana import models as models
    from nbbanana import samples as samples
    from nbbanana.calls import aedit, chain, edit, submit
    from nbbanana.notebook import load_ipython_extension, unload_ipython_extension
    from nbbanana.prompts import prompt
    from nbbanana.session import EditResult, History, Job, Output, Session
    from nbbanana.session.picture_calls import diff, drift, recover
    from nbbanana.session.prompt_calls import lint, rebase, split, use_cases
    from nbbanana.session.services import list_providers, refresh_models
    from nbbanana.session.stability import stability
    from nbbanana.sweeps.galleries import Gallery, gallery
    from nbbanana.sweeps.sweep import Sweep, sweep
    from nbbanana.widgets.browser import browse
    from nbbanana.widgets.compare import compare, view
    from nbbanana.widgets.region import region
    from nbbanana.widgets.studio import studio

    history: History

__all__ = [
    "EditResult",
    "Gallery",
    "History",
    "Job",
    "Output",
    "Session",
    "Sweep",
    "__version__",
    "aedit",
    "browse",
    "chain",
    "compare",
    "diff",
    "drift",
    "edit",
    "errors",
    "gallery",
    "history",
    "lint",
    "list_providers",
    "load_ipython_extension",
    "models",
    "prompt",
    "rebase",
    "recover",
    "refresh_models",
    "region",
    "samples",
    "split",
    "stability",
    "studio",
    "submit",
    "sweep",
    "unload_ipython_extension",
    "use_cases",
    "view",
]

_HOMES = {
    "EditResult": "nbbanana.session",
    "Gallery": "nbbanana.sweeps.galleries",
    "History": "nbbanana.session",
    "Job": "nbbanana.session",
    "Output": "nbbanana.session",
    "Session": "nbbanana.session",
    "Sweep": "nbbanana.sweeps.sweep",
    "aedit": "nbbanana.calls",
    "browse": "nbbanana.widgets.browser",
    "chain": "nbbanana.calls",
    "compare": "nbbanana.widgets.compare",
    "diff": "nbbanana.session.picture_calls",
    "drift": "nbbanana.session.picture_calls",
    "edit": "nbbanana.calls",
    "gallery": "nbbanana.sweeps.galleries",
    "lint": "nbbanana.session.prompt_calls",
    "list_providers": "nbbanana.session.services",
    "load_ipython_extension": "nbbanana.notebook",
    "prompt": "nbbanana.prompts",
    "rebase": "nbbanana.session.prompt_calls",
    "recover": "nbbanana.session.picture_calls",
    "refresh_models": "nbbanana.session.services",
    "region": "nbbanana.widgets.region",
    "split": "nbbanana.session.prompt_calls",
    "stability": "nbbanana.session.stability",
    "studio": "nbbanana.widgets.studio",
    "submit": "nbbanana.calls",
    "sweep": "nbbanana.sweeps.sweep",
    "unload_ipython_extension": "nbbanana.notebook",
    "use_cases": "nbbanana.session.prompt_calls",
    "view": "nbbanana.widgets.compare",
}
_ROOMS = frozenset({"errors", "models", "samples"})


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "history":
        return import_module("nbbanana.session").current().history
    if name in _ROOMS:
        return import_module(f"nbbanana.{name}")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
