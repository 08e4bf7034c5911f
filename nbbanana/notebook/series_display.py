"""The display of a series, such as `result.vary(…)`, in the cell that waits for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from nbbanana.display import note_bundle
from nbbanana.display.series_summary import series_bundle
from nbbanana.notebook.displays import Display, display_for
from nbbanana.watching import Stage, Watcher

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["SeriesDisplay"]


class SeriesDisplay(Watcher):
    """
    One line that says how many of a series are done, and at its end what came of it.

    Args:
        shell: the shell whose cell waits.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._display: Display | None = None

    def progress(self, series: Sequence[Stage], play: str = "") -> None:
        """Draw where they stand; the first time is the beginning of the line."""
        self._display = self._display or display_for(self._shell, is_quiet=False)
        self._display.draw(series_bundle(series, play))

    def drawing(self, make: Callable[[], Mapping[str, str]]) -> None:
        """Draw what is made; the first time is its beginning."""
        self._display = self._display or display_for(self._shell, is_quiet=False)
        self._display.draw(dict(make()))

    def ended(self, said: str) -> None:
        """Put how they ended in its place; where nothing was drawn, nothing is said."""
        if self._display is not None:
            self._display.close_with(note_bundle(said))
