"""The seeded asks that one engine has under way: the same question, asked again meanwhile, gets the same run."""

from __future__ import annotations

from nbbanana.engine.run import Run
from nbbanana.request import EditRequest
from nbbanana.settings import Mode

__all__ = ["SeededAsks"]


class SeededAsks:
    """Runs by what they ask; used under the engine's guard."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}

    def begin(self, run: Run, mode: Mode) -> None:
        """Share a run with later asks; without a seed, asking again is a wish for another sample."""
        if run.request.is_seeded and mode == "auto" and run.download:
            self._runs[run.request.ask] = run

    def shared(self, request: EditRequest, mode: Mode) -> Run | None:
        """Return the run of an identical request that is under way."""
        run = self._runs.get(request.ask) if mode == "auto" and request.is_seeded else None
        return run if run is not None and not run.future.done() and not run.stop_requested else None

    def end(self, run: Run) -> None:
        """Share a run with no later ask."""
        for ask in [ask for ask, other in self._runs.items() if other is run]:
            del self._runs[ask]
