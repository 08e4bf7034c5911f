"""
A process that runs a sweep to its end, told by its arguments; an interrupt makes it say how it stands and go on.

It writes a line for each thing that happens: `ready`, `stopped`, `done`, each with the states of the cells.
"""

from __future__ import annotations

import json
import signal
import sys
from collections import Counter
from typing import Any

from PIL import Image

import nbbanana as nb
from nbbanana.settings import settings

__all__ = ["PROMPT", "planned"]

PROMPT = "Keep the cup. Paint the wall {{colour}}."


def planned(session: nb.Session, **axes: Any) -> nb.Sweep:
    """The sweep that all processes run, over small pictures of one colour."""
    picture = Image.linear_gradient("L").resize((48, 32)).convert("RGB")
    return nb.sweep(PROMPT, picture, session=session, **axes)


def tell(what: str, sweep: nb.Sweep) -> None:
    """Write a line."""
    sys.stdout.write(json.dumps({"what": what, "states": Counter(cell.state for cell in sweep)}) + "\n")
    sys.stdout.flush()


def main(folder: str, axes: dict[str, Any], concurrency: int = 32) -> None:
    """Run the sweep until nothing of it is left to ask for."""
    settings().concurrency = concurrency
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that starts tests aside has it ignored
    with nb.Session(store=folder) as session:
        sweep = planned(session, **axes)
        tell("ready", sweep)
        while True:
            try:
                sweep.run()
            except KeyboardInterrupt:
                tell("stopped", sweep)
            else:
                break
        tell("done", sweep)


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]), *map(int, sys.argv[3:]))
