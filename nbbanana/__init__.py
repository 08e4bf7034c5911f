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
    from IPython.core.interactiveshell import InteractiveShell

    from nbbanana import errors as errors
    from nbbanana import models as models
    from nbbanana import samples as samples
    from nbbanana.calls import aedit, chain, edit, submit
    from nbbanana.prompts import prompt
    from nbbanana.session import EditResult, History, Job, Output, Session
    from nbbanana.session.diffing import diff
    from nbbanana.session.drifting import drift
    from nbbanana.session.linting import lint
    from nbbanana.session.provider_list import list_providers
    from nbbanana.session.recovery import recover
    from nbbanana.session.refreshing import refresh_models
    from nbbanana.session.split_and_rebase import rebase, split
    from nbbanana.session.stability import stability
    from nbbanana.session.use_case_list import use_cases
    from nbbanana.sweeps.galleries import Gallery, gallery
    from nbbanana.sweeps.sweep import Sweep, sweep
    from nbbanana.widgets.browser import browse
    from nbbanana.widgets.compare import compare
    from nbbanana.widgets.region import region
    from nbbanana.widgets.studio import studio
    from nbbanana.widgets.viewer import view

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
    "diff": "nbbanana.session.diffing",
    "drift": "nbbanana.session.drifting",
    "edit": "nbbanana.calls",
    "gallery": "nbbanana.sweeps.galleries",
    "lint": "nbbanana.session.linting",
    "list_providers": "nbbanana.session.provider_list",
    "prompt": "nbbanana.prompts",
    "rebase": "nbbanana.session.split_and_rebase",
    "recover": "nbbanana.session.recovery",
    "refresh_models": "nbbanana.session.refreshing",
    "region": "nbbanana.widgets.region",
    "split": "nbbanana.session.split_and_rebase",
    "stability": "nbbanana.session.stability",
    "studio": "nbbanana.widgets.studio",
    "submit": "nbbanana.calls",
    "sweep": "nbbanana.sweeps.sweep",
    "use_cases": "nbbanana.session.use_case_list",
    "view": "nbbanana.widgets.viewer",
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


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Load the extension: what `%load_ext nbbanana` calls."""
    from nbbanana.notebook import load_ipython_extension as load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Unload the extension: what `%unload_ext nbbanana` calls."""
    from nbbanana.notebook import unload_ipython_extension as unload

    unload(shell)
