"""The magics: `%%nbedit` and `%nbedit`, `%nbhistory`, `%nbmodels`."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class, needs_local_scope, no_var_expand

from nbbanana.notebook.returning import return_shown
from nbbanana.notebook.transforms import MAGIC

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbbanana.notebook.cells import Cells
    from nbbanana.notebook.waiting import Attempt
    from nbbanana.session import EditResult, Job

__all__ = ["NBBananaMagics"]


@magics_class
class NBBananaMagics(Magics):
    """
    What `%load_ext nbbanana` brings.

    Args:
        shell: the shell that they are registered with.
        cells: which of its cells run.
    """

    def __init__(self, shell: InteractiveShell, cells: Cells) -> None:
        super().__init__(shell)
        self._shell = shell
        self._cells = cells
        self._looked = False
        for kind in ("line", "cell"):
            # The help follows the schema of the model that is set: it is made when it is asked for.
            self.magics[kind][MAGIC] = _Documented(self.magics[kind][MAGIC])

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def nbedit(self, line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None) -> Any:
        """
        Ask for an edit where the call was not swapped for one of its twins: in a function, or called by hand.

        Whoever called it may give its value on, so a silenced one is only kept from being shown where the value is
        surely the cell's own.
        """
        user = self._shell.user_ns
        is_the_cells = local_ns is None or local_ns is user
        namespace = user if is_the_cells else ChainMap(dict(local_ns or {}), user)
        return self._blocking(line, cell, namespace, may_silence=is_the_cells)

    def blocking(self, line: str, cell: str | None = None, *, is_bound: bool = False) -> Any:
        """Ask for an edit and wait for it here; what `nbedit` becomes at module level where no cell can await."""
        return self._blocking(line, cell, self._shell.user_ns, is_bound=is_bound)

    async def awaited(self, line: str, cell: str | None = None, *, is_bound: bool = False) -> Any:
        """Ask for an edit and await it; what `nbedit` becomes at module level in a kernel."""
        from nbbanana.notebook.waiting import awaited

        attempt = self._attempt(line, cell, self._shell.user_ns)
        return self._deliver(attempt, await awaited(attempt), is_bound=is_bound)

    @no_var_expand
    @line_magic
    def nbhistory(self, line: str) -> None:
        """
        Show the newest edits, those that have some words or facts, one of them, or how they hang together.

            %nbhistory
            %nbhistory -n 50
            %nbhistory neon street
            %nbhistory 12
            %nbhistory 3:9
            %nbhistory snow --starred --input portrait.jpg --since 2026-11-01
            %nbhistory --diff 3 7
            %nbhistory --lineage 7
            %nbhistory --cost
            %nbhistory --cell 7

        Facts are --model, --provider, --state, --seed, --tag, --input, --notebook, --since, --until, --starred and
        --rejected. --cell opens the cell that asks the same below this one. A number in quotes is searched for.
        """
        from nbbanana.notebook.history import show_history

        show_history(self._shell, line)

    @no_var_expand
    @line_magic
    def nbmodels(self, line: str) -> None:
        """
        Show the models and their options, or one of them.

            %nbmodels
            %nbmodels google/nano-banana-2/edit
        """
        from nbbanana.notebook.catalogue import show_models

        show_models(self._shell, line)

    def _blocking(
        self,
        line: str,
        cell: str | None,
        namespace: Mapping[str, Any],
        *,
        is_bound: bool = False,
        may_silence: bool = True,
    ) -> Any:
        from nbbanana.notebook.waiting import blocking

        attempt = self._attempt(line, cell, namespace)
        return self._deliver(attempt, blocking(attempt), is_bound=is_bound, may_silence=may_silence)

    def _attempt(self, line: str, cell: str | None, namespace: Mapping[str, Any]) -> Attempt:
        from nbbanana.notebook import asking
        from nbbanana.notebook.waiting import Attempt
        from nbbanana.session import current

        current().where = self._cells.where()
        self._look_for_jobs()
        return Attempt(self._shell, asking.read(line, cell, namespace), namespace)

    def _look_for_jobs(self) -> None:
        """A kernel's first magic says when something is waiting to be collected; its later ones do not ask again."""
        from nbbanana.notebook.accounts import say
        from nbbanana.session import current

        if self._looked:
            return
        self._looked = True
        waiting = len(current().history.waiting())
        if waiting:
            jobs = "1 job waits" if waiting == 1 else f"{waiting} jobs wait"
            say(self._shell, f"{jobs} to be collected: %nbresume.")

    def _deliver(
        self, attempt: Attempt, value: EditResult | Job | None, *, is_bound: bool, may_silence: bool = True
    ) -> Any:
        """Bind the value to the name of the line, or give it back as the value of the call."""
        from nbbanana.notebook.screens import publish

        if value is None:
            return None
        if attempt.cell.name is not None:
            self._shell.user_ns[attempt.cell.name] = value
            if not attempt.is_shown:
                formatter: Any = self._shell.display_formatter
                publish(self._shell, *formatter.format(value))
            return None
        if attempt.is_shown and not is_bound and (may_silence or not attempt.cell.quiet):
            return_shown(value)
        return value


class _Documented:
    """A magic whose help is made when it is asked for; IPython calls `getdoc` before it looks for a docstring."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._function, name)

    def getdoc(self) -> str:
        """The help of `%%nbedit`."""
        from nbbanana.notebook.help import edit_help

        return edit_help()
