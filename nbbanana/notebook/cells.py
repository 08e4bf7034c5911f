"""The cell that runs: whether it can await, and the origin that everything it asks for is recorded under."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from IPython.core.interactiveshell import InteractiveShell

from nbbanana.request import Origin, origin

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult

__all__ = ["CellOrigins", "can_await"]

KERNEL = secrets.token_hex(16)
"""Names this process: a kernel that is restarted keeps its connection file and gets another name here."""


class CellOrigins:
    """
    Sets `nbbanana.request.origin` as cells begin and end, for IPython's `pre_run_cell` and `post_run_cell`.

    The context variable is seen by whatever the cell runs: magics, `nb.edit`, its tasks, and threads that are started
    with a copy of its context. What a cell runs as a cell of its own, such as `%%capture`, belongs to the outer one.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell

    def begin(self, info: ExecutionInfo | None = None) -> None:
        """Set the origin of a cell that begins."""
        if not _is_running(InteractiveShell.run_code):
            # Not shell.execution_count: newer versions of IPython have counted this cell already, older ones have not.
            count = len(self._shell.history_manager.input_hist_parsed)  # type: ignore[union-attr]
            execution = count if getattr(info, "store_history", False) else None
            origin.set(self._origin(getattr(info, "cell_id", None), execution))

    def end(self, result: ExecutionResult | None = None) -> None:
        """Set the origin of what runs between cells, such as callbacks of widgets."""
        if not _is_running(InteractiveShell.run_code):
            origin.set(self._origin(None, None))

    def forget(self) -> None:
        """Leave requests without an origin, as before."""
        origin.set(Origin())

    def _origin(self, cell: str | None, execution: int | None) -> Origin:
        path = self._shell.user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME")
        notebook = PurePath(str(path)).name if path else None
        return Origin(notebook, cell, KERNEL, execution, "notebook")


def can_await(shell: Any) -> bool:
    """
    Return whether the cell that is transformed now will run in an event loop that goes on while the cell waits.

    What is run inside a cell, as by `%run`, `%%capture` or `%%time`, or by a callback, has no loop of its own:
    IPython's blocking `run_cell`, or the code of the outer cell, is on the stack then.
    """
    if getattr(shell, "kernel", None) is None:
        return False
    if not shell.autoawait or shell.loop_runner is not shell.loop_runner_map["asyncio"][0]:
        return False
    import asyncio  # a kernel has it; a terminal need not load it for this

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return not _is_running(InteractiveShell.run_code, InteractiveShell.run_cell)


def _is_running(*functions: Callable[..., Any]) -> bool:
    """Return whether one of these functions is on this thread's stack."""
    codes = {function.__code__ for function in functions}
    frame = sys._getframe()  # noqa: SLF001 - the interpreter's documented way to the stack
    while frame is not None and frame.f_code not in codes:
        frame = frame.f_back  # type: ignore[assignment]
    return frame is not None
