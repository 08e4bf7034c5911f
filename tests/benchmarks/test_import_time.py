"""What importing costs: medians of fresh interpreters, against a bare Python and a bare IPython."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.benchmark

RUNS = 15
SHELL = "from IPython.core.interactiveshell import InteractiveShell as Shell; shell = Shell.instance()"
LIMIT_MS = 60
"""What `%load_ext nbbanana` may cost over a bare IPython."""


def once(code: str) -> float:
    """Milliseconds that a fresh interpreter takes for `code`, its start included."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return (time.perf_counter() - started) * 1000


def medians(*codes: str) -> list[float]:
    """The median of each, measured in turns so that a busy moment falls on all of them."""
    rounds = [[once(code) for code in codes] for _ in range(RUNS)]
    return [statistics.median(column) for column in zip(*rounds, strict=True)]


def test_loading_the_extension_costs_at_most_60_ms() -> None:
    """`%load_ext nbbanana` stays within its limit over a bare IPython."""
    load = f"{SHELL}; shell.run_line_magic('load_ext', 'nbbanana')"
    once(load)
    bare, package, shell, extension = medians("pass", "import nbbanana", SHELL, load)
    print(f"\n{'':28}{'median ms':>12}{'over bare':>12}")
    for name, value, base in (
        ("python", bare, bare),
        ("import nbbanana", package, bare),
        ("IPython shell", shell, shell),
        ("%load_ext nbbanana", extension, shell),
    ):
        print(f"{name:28}{value:12.1f}{value - base:12.1f}")
    print(f"{(extension - shell) / LIMIT_MS:.2f} of the limit of {LIMIT_MS} ms, {RUNS} runs each")
    assert extension - shell <= LIMIT_MS
