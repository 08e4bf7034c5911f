"""
How a result becomes the cell's value without being shown twice.

The progress of an edit is a display, and the grid replaces it in place. The result must still become `_` and `Out[n]`
if the cell ends with it, and for that IPython's display hook would show it a second time. `sys.displayhook` is Python's
own place to say what happens to the value of an expression: it is taken over for the next value only, and IPython
puts its own hook back at the end of the cell in any case. Nothing of the shell is patched, `display(result)` is not
touched, and a value that is not this result goes to the hook as ever.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["return_shown"]


class _Once:
    """A display hook for one value: a result that is shown already is kept, anything else goes on."""

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


def return_shown(value: object) -> None:
    """Let the next value of this cell, if it is this one, become `_` and `Out[n]` without being shown."""
    hook: Any = sys.displayhook
    sys.displayhook = _Once(value, hook.hook if isinstance(hook, _Once) else hook)
