"""A failing magic is red wherever notebooks are run: nbclient, and nightly papermill and nbmake, which run on it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from support.kernels import environment, errors_of, notebook_of, run_cells

pytestmark = pytest.mark.kernel

WRONG = ["%load_ext nbbanana", "%nbedit nowhere.jpg -p 'Make it night.'", "'not reached'"]


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """A notebook whose second cell cannot be asked."""
    nbformat.write(notebook_of(WRONG), tmp_path / "wrong.ipynb")
    return tmp_path / "wrong.ipynb"


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A command of this interpreter, in an isolated home."""
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment(folder), capture_output=True, text=True, check=False
    )


def test_nbclient_raises(tmp_path: Path) -> None:
    """With the error's own three lines."""
    with pytest.raises(CellExecutionError) as caught:
        run_cells(WRONG, home=tmp_path)
    assert caught.value.ename == "ImageNotFoundError"
    assert caught.value.evalue.count("\n") == 2


@pytest.mark.nightly
def test_papermill_exits_non_zero(wrong: Path) -> None:
    """And the notebook that it writes has the error output."""
    done = run(wrong.parent, "-m", "papermill", wrong.name, "out.ipynb")
    assert done.returncode != 0
    outputs = [
        output for cell in nbformat.read(wrong.parent / "out.ipynb", 4).cells for output in cell.get("outputs", [])
    ]
    assert [error["ename"] for error in errors_of(outputs)] == ["ImageNotFoundError"]


@pytest.mark.nightly
def test_nbmake_is_red(wrong: Path) -> None:
    """It looks for error outputs alone."""
    done = run(wrong.parent, "-m", "pytest", "--nbmake", "-p", "no:cacheprovider", wrong.name)
    assert done.returncode == 1
    assert "nowhere.jpg" in done.stdout
