"""Importing nbbanana is light: what is heavy is loaded when it is first used."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import nbbanana as nb

HEAVY = ("httpx", "ipywidgets", "PIL", "numpy", "sqlite3")

ROOMS = ("images", "grammar", "store", "providers", "engine", "display", "session", "widgets")
"""Rooms that a notebook which only loads the extension does not enter."""

REPORT = "import json, sys; print(json.dumps(sorted(sys.modules)))"


def modules_after(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after `code`."""
    run = subprocess.run([sys.executable, "-c", f"{code}\n{REPORT}"], capture_output=True, text=True, check=True)
    return set(json.loads(run.stdout.splitlines()[-1]))


def test_import_loads_nothing_heavy() -> None:
    """`import nbbanana` leaves the heavy libraries alone."""
    assert modules_after("import nbbanana").isdisjoint(HEAVY)


def test_loading_the_extension_adds_nothing_heavy() -> None:
    """`%load_ext nbbanana` adds none of them to what a bare IPython has."""
    bare = "from IPython.core.interactiveshell import InteractiveShell as Shell; shell = Shell.instance()"
    added = modules_after(f"{bare}\nshell.run_line_magic('load_ext', 'nbbanana')") - modules_after(bare)
    heavy = {*HEAVY, "jinja2", "starlette", "uvicorn", "fastjsonschema"}
    assert added.isdisjoint(heavy | {f"nbbanana.{room}" for room in ROOMS})


def test_every_public_name_is_there_and_sorted() -> None:
    """`__all__` is sorted, `dir()` agrees, and each name resolves."""
    assert nb.__all__ == sorted(nb.__all__)
    assert dir(nb) == nb.__all__
    assert all(getattr(nb, name) is not None for name in nb.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """Lazy names do not swallow a typing mistake."""
    with pytest.raises(AttributeError, match="has no attribute 'edti'"):
        nb.edti  # noqa: B018


def test_importing_writes_nothing(isolated: Path) -> None:
    """Neither the import nor looking around leaves a file in the home."""
    modules_after("import nbbanana as nb; dir(nb); nb.errors; nb.models; nb.edit")
    assert list(isolated.iterdir()) == []
