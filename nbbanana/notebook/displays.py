"""
Displays of one edit or of a series: a notebook output that the result replaces, a line in a terminal, or none.

A display is used by one thread at a time.
"""

from __future__ import annotations

import shutil
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from nbbanana.display import ProgressDisplay, note_bundle
from nbbanana.display.results import series_bundle
from nbbanana.session import EditResult, Job
from nbbanana.session.result_sets import bundle_of
from nbbanana.text import clip, one_line
from nbbanana.watching import Stage, Watcher

__all__ = ["Display", "NotebookDisplay", "SeriesDisplay", "display_for", "keep_value_unshown", "publish", "say"]

Data = dict[str, Any]
Bundle = tuple[Data, Data]
"""Data and metadata by MIME type."""


class Display:
    """A display that shows nothing and leaves nothing: of an edit that is silenced, and the base of the others."""

    has_shown = True
    """Whether the result was shown, so that IPython need not show it again."""
    is_waited = True
    """Whether the cell waits for the job; with `--no-wait` it does not."""

    def progress(self, job: Job) -> None:
        """Show where a job stands."""

    def render(self, result: EditResult, name: str | None = None) -> Bundle:
        """
        Render a result for `result`, which may take a while and may be done in another thread.

        Args:
            result: the result.
            name: the variable that it is going to be bound to.
        """
        return {}, {}

    def result(self, bundle: Bundle) -> None:
        """Show a rendered result in the place of the progress."""

    def ended(self, job: Job, said: str) -> None:
        """Say in the place of the progress, if there was any, why no result comes."""

    def draw(self, data: Data, metadata: Data | None = None) -> None:
        """Show something that is replaced, such as how a series stands."""

    def close_with(self, data: Data, metadata: Data | None = None) -> None:
        """Draw the last of it, which stays."""
        self.draw(data, metadata)


class ResultDisplay(Display):
    """Shows the result and no progress: where a display cannot be replaced, as under `%%capture`."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self.has_shown = False

    def render(self, result: EditResult, name: str | None = None) -> Bundle:
        """Render the grid, its captions under the name that it is going to have."""
        return bundle_of(result.view(name))

    def result(self, bundle: Bundle) -> None:
        """Show the grid."""
        publish(self._shell, *bundle)
        self.has_shown = True


class _ProgressDisplay(ResultDisplay):
    """Shows progress with a `ProgressDisplay`; subclasses say how it is drawn."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._progress: ProgressDisplay | None = None

    def progress(self, job: Job) -> None:
        """Draw where the job stands."""
        view = job.view()
        self._progress = self._progress or ProgressDisplay(view, is_waited=self.is_waited)
        self.draw(self._progress.bundle(job.progress, view))

    def ended(self, job: Job, said: str) -> None:
        """Draw what became of it where the progress stood."""
        if self._progress is not None:
            self.draw(self._progress.stopped(job.progress, said, job.view()))

    def result(self, bundle: Bundle) -> None:
        """Put the grid in the place of the progress."""
        self.close_with(*bundle)
        self.has_shown = True


class NotebookDisplay(_ProgressDisplay):
    """One notebook output, replaced as often as what it shows changes."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._id = uuid.uuid4().hex
        self._drawn: Data | None = None

    def draw(self, data: Data, metadata: Data | None = None) -> None:
        """Draw it in the one output, unless that has it already."""
        if data != self._drawn:
            where = {"transient": {"display_id": self._id}, "update": self._drawn is not None}
            self._drawn = data  # first: an interrupt while it is published must not make a second output
            publish(self._shell, data, metadata, **where)


class OutputWidgetDisplay(_ProgressDisplay):
    """
    A display inside an ipywidgets `Output`, which drops the messages that update an output.

    The progress is an HTML widget, whose own messages arrive; it is closed when the result is shown below it.
    """

    def __init__(self, shell: InteractiveShell, output: Any) -> None:
        super().__init__(shell)
        self._output = output
        self._message = output.msg_id
        self._parent: Any = shell.get_parent()  # type: ignore[attr-defined]
        self._widget: Any = None
        self._last: Data = {}

    def ended(self, job: Job, said: str) -> None:
        """Leave what became of it as an output that can be saved."""
        super().ended(job, said)
        if self._widget is not None:
            self.close_with(self._last)

    def close_with(self, data: Data, metadata: Data | None = None) -> None:
        """Take the widget away and leave this as an output that can be saved."""
        if self._widget is not None:
            self._widget.close()
            self._widget = None
        self._publish(data, metadata)

    def draw(self, data: Data, metadata: Data | None = None) -> None:
        """Draw it in the widget."""
        from ipywidgets import HTML

        self._last = data
        if self._widget is None:
            self._widget = HTML(data["text/html"])
            self._publish(self._widget._repr_mimebundle_())
        else:
            self._widget.value = data["text/html"]

    def _publish(self, data: Data, metadata: Data | None = None) -> None:
        if self._output.msg_id != self._message:
            # Its block is over, and it takes no more messages: what a job shows later is added to its state.
            self._output.outputs += ({"output_type": "display_data", "data": data, "metadata": metadata or {}},)
            return
        publisher: Any = self._shell.display_pub
        if not hasattr(publisher, "set_thread_parent"):
            publish(self._shell, data, metadata)
            return
        # The Output takes the messages of one request only. An awaiting cell lets widget messages in meanwhile, and
        # each of them becomes the request that outputs belong to.
        token = publisher.set_thread_parent(self._parent)
        try:
            publish(self._shell, data, metadata)
        finally:
            publisher.reset_thread_parent(token)


class TerminalDisplay(_ProgressDisplay):
    """
    One line on standard error in a terminal, taken away when the job is over; IPython shows the result.

    What is said of the request stays above it, once.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._said: set[str] = set()

    def progress(self, job: Job) -> None:
        """Write where it stands over what stood there; nothing where standard error is no terminal."""
        if sys.stderr.isatty():
            for note in job.view().notes:
                if note not in self._said:
                    self._said.add(note)
                    self._write(f"{one_line(note)}\n")
            super().progress(job)

    def render(self, result: EditResult, name: str | None = None) -> Bundle:
        """Render nothing: IPython shows the result as the value of the cell."""
        return {}, {}

    def result(self, bundle: Bundle) -> None:
        """Take the line away."""
        self._clear()

    def ended(self, job: Job, said: str) -> None:
        """Take the line away; the error is shown."""
        self._clear()

    def draw(self, data: Data, metadata: Data | None = None) -> None:
        """Write it over what stood there; nothing where standard error is no terminal."""
        if sys.stderr.isatty():
            line, _, _ = data["text/plain"].partition("\n")
            self._write(clip(line, shutil.get_terminal_size().columns - 1))

    def close_with(self, data: Data, metadata: Data | None = None) -> None:
        """Take the line away: the value of the cell says it."""
        if sys.stderr.isatty():
            self._write("")

    def _clear(self) -> None:
        if self._progress is not None:
            self._write("")

    def _write(self, text: str) -> None:
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def display_for(shell: InteractiveShell, *, is_quiet: bool) -> Display:
    """Choose the display of an edit that begins now in this shell."""
    from IPython.core.displaypub import CapturingDisplayPublisher

    if is_quiet:
        return Display()
    if isinstance(shell.display_pub, CapturingDisplayPublisher):
        return ResultDisplay(shell)
    if getattr(shell, "kernel", None) is None:
        return TerminalDisplay(shell)
    output = _output_widget(shell)
    return NotebookDisplay(shell) if output is None else OutputWidgetDisplay(shell, output)


def _output_widget(shell: Any) -> Any:
    """Return the ipywidgets `Output` that takes what is shown now, or None; ipywidgets has no public way to ask."""
    ipywidgets: Any = sys.modules.get("ipywidgets")
    parent = shell.get_parent() if hasattr(shell, "get_parent") else None
    message = (parent or {}).get("header", {}).get("msg_id")
    if ipywidgets is None or not message:
        return None
    known = list(getattr(ipywidgets.widgets.widget, "_instances", {}).values())
    return next((one for one in known if isinstance(one, ipywidgets.Output) and one.msg_id == message), None)


def publish(shell: InteractiveShell, data: Data, metadata: Data | None = None, **where: Any) -> None:
    """Show a MIME bundle in the cell that runs."""
    shell.display_pub.publish(data=data, metadata=metadata or {}, **where)


def say(shell: InteractiveShell, words: str) -> None:
    """Show one quiet line in the cell that runs."""
    publish(shell, note_bundle(words))


class _HookOnce:
    """
    A `sys.displayhook` for one value: a result that is shown already is kept, any other value goes to IPython's hook.

    The progress of an edit is an output that the grid replaces. The result must still become `_` and `Out[n]` if the
    cell ends with it, and IPython's own hook would show it a second time. IPython puts its hook back after each cell.
    """

    def __init__(self, shown: object, hook: Any) -> None:
        self.shown = shown
        self.hook = hook

    def __call__(self, value: object = None) -> None:
        sys.displayhook = self.hook
        if value is not self.shown:
            self.hook(value)
            return
        # What IPython's DisplayHook does with a value besides showing it. A hook that only collects what is shown,
        # as under %%capture, has nothing to do with one that was shown before.
        for keep in ("update_user_ns", "fill_exec_result"):
            if hasattr(self.hook, keep):
                getattr(self.hook, keep)(value)


def keep_value_unshown(value: object) -> None:
    """Let the next value of this cell, if it is this one, become `_` and `Out[n]` without being shown again."""
    hook: Any = sys.displayhook
    sys.displayhook = _HookOnce(value, hook.hook if isinstance(hook, _HookOnce) else hook)


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
        self.drawing(partial(series_bundle, series, play))

    def drawing(self, make: Callable[[], Mapping[str, str]]) -> None:
        """Draw what is made; the first time is its beginning."""
        self._display = self._display or display_for(self._shell, is_quiet=False)
        self._display.draw(dict(make()))

    def ended(self, said: str) -> None:
        """Put how they ended in its place; where nothing was drawn, nothing is said."""
        if self._display is not None:
            self._display.close_with(note_bundle(said))
