"""The kernel harness runs cells in a process of its own, isolated, in this interpreter."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from nbclient.exceptions import CellExecutionError
from support.kernels import errors_of, run_cells, text_of

pytestmark = pytest.mark.kernel


def test_cells_run_in_this_interpreter_and_an_isolated_home(tmp_path: Path) -> None:
    """The kernel is this Python, its home and folder the test's, its provider the sandbox."""
    cell = "import os, pathlib, sys; print(sys.executable, pathlib.Path.home(), os.environ['NBBANANA_PROVIDER'])"
    [outputs] = run_cells([cell], home=tmp_path)
    assert text_of(outputs).split() == [sys.executable, str(tmp_path), "sandbox"]


def test_a_failing_cell_is_an_error_output(tmp_path: Path) -> None:
    """A failing cell raises, or is kept as an error output when a test wants to look at it."""
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        run_cells(["1 / 0"], home=tmp_path)
    failed, after = run_cells(["1 / 0", "'still here'"], home=tmp_path, allow_errors=True)
    assert errors_of(failed)[0]["ename"] == "ZeroDivisionError"
    assert text_of(after) == "'still here'"
