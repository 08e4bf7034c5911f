"""The command line, in this process or in one of its own, and a request for it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from nbbanana import cli
from nbbanana.settings import NBBanana
from support.waiting import PATIENCE

__all__ = ["ASK", "INPUT", "MODEL", "RUN", "Ran", "Shell"]

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
        """Start a command in a process of its own; None unsets a variable."""
        process = subprocess.Popen(
            [sys.executable, "-m", "nbbanana", *words],
            # A shell that was itself started in the background hands on an ignored Ctrl-C.
            preexec_fn=_hear_interrupts,  # noqa: PLW1509 - it calls one function that is safe between fork and exec
            cwd=self.folder,
            env=self._with(env),
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.started.append(process)
        return process

    def __call__(self, *words: str, stdin: str = "", encoding: str = "utf-8", **env: str | None) -> Ran:
        """
        Run a command to its end in this process, which takes a tenth of the time.

        Args:
            words: what stands after `nbbanana`.
            stdin: text that is given in UTF-8.
            encoding: that of stdout and stderr, as a terminal has one.
            env: environment variables for this command; None unsets one.
        """
        with self._inside(stdin, encoding, env) as (out, err):
            try:
                code = cli.main(words)
            except SystemExit as ended:  # argparse's `--help` and `--version` leave so
                code = ended.code
        ran = Ran(code, _text(out), _text(err))
        assert "Traceback" not in ran.err, ran.err
        return ran

    def process(self, *words: str, stdin: str = "", **env: str | None) -> Ran:
        """Run a command to its end in a process of its own."""
        process = self.start(*words, **env)
        out, err = process.communicate(stdin, timeout=PATIENCE)
        assert "Traceback" not in err, err
        return Ran(process.returncode, out, err)

    def interrupt(self, process: subprocess.Popen[str]) -> Ran:
        """Press Ctrl-C and wait for the end."""
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
        return Ran(process.returncode, out, err)

    def _with(self, env: dict[str, str | None]) -> dict[str, str]:
        return {name: value for name, value in {**self.env, **env}.items() if value is not None}

    @contextlib.contextmanager
    def _inside(self, stdin: str, encoding: str, env: dict[str, str | None]) -> Iterator[list[io.TextIOWrapper]]:
        """Make this process like one that a shell has just started; gives its stdout and its stderr."""
        streams = [io.TextIOWrapper(io.BytesIO(given), encoding) for given in (stdin.encode(), b"", b"")]
        with (
            contextlib.chdir(self.folder),
            mock.patch.dict(os.environ, self._with(env), clear=True),
            mock.patch("sys.stdin", streams[0]),
            contextlib.redirect_stdout(streams[1]),
            contextlib.redirect_stderr(streams[2]),
        ):
            NBBanana.clear_instance()
            yield streams[1:]
        NBBanana.clear_instance()


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode(stream.encoding)
