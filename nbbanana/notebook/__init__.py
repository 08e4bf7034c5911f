"""
IPython: the magics, their completion, and what lets a cell wait without stopping the kernel.

`%load_ext nbbanana` calls `load_ipython_extension`. It is silent and light: what a magic needs is imported by the
first magic that needs it.
"""

from __future__ import annotations

from typing import Any, cast
from weakref import WeakKeyDictionary

from IPython.core.interactiveshell import InteractiveShell

from nbbanana.notebook.cell_hooks import CellOrigins, SwapCalls, keep_body
from nbbanana.notebook.completion import matcher_for
from nbbanana.notebook.magics import NBBananaMagics
from nbbanana.settings import settings
from nbbanana.watching import Watcher, watch_with

__all__ = ["load_ipython_extension", "unload_ipython_extension"]


class _Extension:
    """What one shell holds of nbbanana: everything is put in when this is made."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell, self._origins = shell, CellOrigins(shell)
        self._swap_calls = SwapCalls(shell)
        self._matcher = matcher_for(shell)
        self._magics = NBBananaMagics(shell)
        self._configurables = cast("list[Any]", shell.configurables)
        shell.register_magics(self._magics)
        settings().update_config(shell.config)
        self._configurables.append(settings())
        # Before IPython's own: it would take what looks like a prompt off the body.
        shell.input_transformers_cleanup.insert(0, keep_body)
        shell.input_transformers_post.append(self._swap_calls)
        watch_with(self._series)
        self._origins.begin()
        shell.events.register("pre_run_cell", self._origins.begin)
        shell.events.register("post_run_cell", self._origins.end)
        if self._matcher is not None:
            shell.Completer.custom_matchers.append(self._matcher)

    def unload(self) -> None:
        """Take everything out."""
        shell = self._shell
        for kind, names in self._magics.magics.items():
            for name in names:
                shell.magics_manager.magics[kind].pop(name, None)
        shell.magics_manager.registry.pop(NBBananaMagics.__name__, None)
        ours = (self._magics, settings())
        self._configurables[:] = [one for one in self._configurables if not any(one is our for our in ours)]
        shell.input_transformers_cleanup.remove(keep_body)
        shell.input_transformers_post.remove(self._swap_calls)
        shell.events.unregister("pre_run_cell", self._origins.begin)
        shell.events.unregister("post_run_cell", self._origins.end)
        watch_with()
        self._origins.forget()
        if self._matcher is not None:
            shell.Completer.custom_matchers.remove(self._matcher)

    def _series(self) -> Watcher:
        from nbbanana.notebook.displays import SeriesDisplay

        return SeriesDisplay(self._shell)


_loaded: WeakKeyDictionary[InteractiveShell, _Extension] = WeakKeyDictionary()


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Put the magics, their completion and the waiting into a shell; says nothing, and does it once."""
    if shell not in _loaded:
        _loaded[shell] = _Extension(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Leave the shell as it was before `load_ipython_extension`."""
    if shell in _loaded:
        _loaded.pop(shell).unload()
