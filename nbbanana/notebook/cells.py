"""Which cells are running: what is nested in another cell has no event loop of its own to wait in."""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult, InteractiveShell

__all__ = ["Cells"]


class Cells:
    """
    The cells that run now, the outermost first, from IPython's `pre_run_cell` and `post_run_cell`.

    A cell is transformed before its `pre_run_cell`, so whatever is transformed while one runs is nested in it, as
    under `%%capture` or `%%time`.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._running: list[ExecutionInfo] = []

    def begin(self, info: ExecutionInfo) -> None:
        """A cell begins; for `pre_run_cell`."""
        self._running.append(info)

    def end(self, result: ExecutionResult | None = None) -> None:
        """
        A cell is over; for `post_run_cell`.

        A cell that began before this listened (the one that loads the extension) or that never began (an empty one)
        is none of those that run, and ends none.
        """
        info = self._running[-1] if result is None and self._running else getattr(result, "info", None)
        for place, running in enumerate(self._running):
            if running is info:
                del self._running[place:]
                return

    @property
    def is_one_running(self) -> bool:
        """Whether a cell runs."""
        return bool(self._running)

    def where(self) -> dict[str, str]:
        """The notebook and the cell of what runs, where the front end tells: `notebook` a file name, `cell` an id."""
        place: dict[str, Any] = {
            "notebook": self._shell.user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME"),
            "cell": getattr(self._running[0], "cell_id", None) if self._running else None,
        }
        if place["notebook"]:
            place["notebook"] = PurePath(str(place["notebook"])).name
        return {key: str(value) for key, value in place.items() if value}
