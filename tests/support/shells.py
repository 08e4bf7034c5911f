"""The command line in processes of their own, and a request for it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["ASK", "INPUT", "MODEL", "RUN", "Ran", "Shell", "until"]

PATIENCE = 60
MODEL = "google/nano-banana-2/edit"
ASK = {"prompt": "Make it dusk.", "image_urls": ["table.png"], "seed": 7, "resolution": "0.5K"}
INPUT = json.dumps(ASK)
RUN = ("run", MODEL, "--input", INPUT)
"""A request about the picture `table.png` in the shell's folder."""


def _hear_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass
class Ran:
    """What a command left: its exit code, its two streams."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """stdout, which is nothing but JSON."""
        return json.loads(self.out)


@dataclass
class Shell:
    """Runs `nbbanana` in a folder, with an environment of its own."""

    folder: Path
    env: dict[str, str]
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *words: str, **env: str | None) -> subprocess.Popen[str]:
        """Start a command; None unsets a variable."""
        wanted = {name: value for name, value in {**self.env, **env}.items() if value is not None}
        process = subprocess.Popen(
            [sys.executable, "-m", "nbbanana", *words],
            # A shell that was itself started in the background hands on an ignored Ctrl-C.
            preexec_fn=_hear_interrupts,  # noqa: PLW1509 - it calls one function that is safe between fork and exec
            cwd=self.folder,
            env=wanted,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.started.append(process)
        return process

    def __call__(self, *words: str, stdin: str = "", **env: str | None) -> Ran:
        """Run a command to its end."""
        process = self.start(*words, **env)
        out, err = process.communicate(stdin, timeout=PATIENCE)
        assert "Traceback" not in err, err
        return Ran(process.returncode, out, err)

    def interrupt(self, process: subprocess.Popen[str]) -> Ran:
        """Press Ctrl-C and wait for the end."""
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
        return Ran(process.returncode, out, err)


def until(condition: Callable[[], Any], seconds: float = PATIENCE) -> None:
    """Wait until something is so."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it never came to that"
        time.sleep(0.02)
