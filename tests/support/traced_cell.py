"""
Which functions of nbbanana one `%%nbedit` runs through, in a real IPython shell; prints a JSON object.

    python -m support.traced_cell      with the environment that leads to a server, as `support.scripted_server` says

A path goes from a function to the one that called it, and from a task's coroutine to the function that began the task,
so that it leads from the loop's thread back to the cell.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import FrameType
from typing import Any

import nbbanana

PACKAGE = str(Path(nbbanana.__file__).parent)
CELL = "table --seed 7 --resolution 0.5K\nMake it snow."


class Trace:
    """The functions that were entered, how often, and the chain of calls to the request that is sent."""

    def __init__(self) -> None:
        self.calls: dict[str, int] = {}
        self.paths: dict[int, list[str]] = {}
        self.kept: list[FrameType] = []
        """Frames whose paths are known: kept, so that no other gets their number."""
        self.beginnings: dict[int, list[str]] = {}
        """The paths of those who began a task, by the frame of its coroutine."""
        self.to_post: list[str] = []

    def begins(self, begin: Callable[..., Any], place: int) -> Callable[..., Any]:
        """A function that begins a task with the coroutine that is its argument at `place`, and notes from where."""

        def beginning(*args: Any, **options: Any) -> Any:
            coroutine: Coroutine[Any, Any, Any] = args[place]
            frame = getattr(coroutine, "cr_frame", None)
            if frame is not None and id(frame) not in self.beginnings:
                self.beginnings[id(frame)] = self._path_to(sys._getframe(1))
                self.kept.append(frame)
            return begin(*args, **options)

        return beginning

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        """Note a call; what the profiler of a thread calls."""
        if event != "call":
            return
        code = frame.f_code
        if code.co_filename.startswith(PACKAGE) and not code.co_name.startswith("<"):
            self._note(frame)
        elif code.co_name == "handle_async_request" and "httpcore" in code.co_filename and not self.to_post:
            request = frame.f_locals.get("request")
            if request is not None and request.method == b"POST":
                self.to_post = self._path_to(frame.f_back)

    def _note(self, frame: FrameType) -> None:
        if id(frame) in self.paths:
            return  # a coroutine goes on
        name = named(frame)
        self.calls[name] = self.calls.get(name, 0) + 1
        self.paths[id(frame)] = [*self._path_to(frame), name]
        self.kept.append(frame)

    def _path_to(self, frame: FrameType | None) -> list[str]:
        while frame is not None:
            if known := self.paths.get(id(frame)) or self.beginnings.get(id(frame)):
                return known
            frame = frame.f_back
        return []


def named(frame: FrameType) -> str:
    """The module and the name of a frame's function, as `nbbanana.engine.engine:Engine.submit`."""
    code = frame.f_code
    module = ".".join(Path(code.co_filename).relative_to(Path(PACKAGE).parent).with_suffix("").parts)
    return f"{module.removesuffix('.__init__')}:{getattr(code, 'co_qualname', code.co_name)}"


def main() -> None:
    """Run the cell with every thread watched, and print what was seen."""
    from IPython.core.interactiveshell import InteractiveShell
    from PIL import Image

    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "nbbanana")
    shell.user_ns["table"] = Image.linear_gradient("L").resize((60, 40)).convert("RGB")
    trace = Trace()
    asyncio.run_coroutine_threadsafe = trace.begins(asyncio.run_coroutine_threadsafe, 0)
    asyncio.BaseEventLoop.create_task = trace.begins(asyncio.BaseEventLoop.create_task, 1)  # type: ignore[method-assign]
    threading.setprofile(trace)
    sys.setprofile(trace)
    result = shell.run_cell(f"%%nbedit night << {CELL}")
    sys.setprofile(None)
    threading.setprofile(None)
    result.raise_error()
    print(json.dumps({"calls": trace.calls, "path": trace.to_post, "outputs": len(shell.user_ns["night"])}))


if __name__ == "__main__":
    main()
