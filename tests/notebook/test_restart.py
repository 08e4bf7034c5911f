"""Restart and Run All, in real kernels: by nbclient, and nightly by papermill, which runs on it: no cell ids either."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from support.kernels import environment, notebook_of, run_cells, text_of

pytestmark = pytest.mark.kernel

LOAD = """%load_ext nbbanana
import nbbanana as nb
from PIL import Image
table = Image.linear_gradient('L').resize((60, 40)).convert('RGB')"""
CELLS = [
    LOAD,
    "%%nbedit one << table\nMake it rain.",
    "%%nbedit two << table\nMake it rain.",
    "for _ in range(3):\n    %nbedit table -p 'Make it rain.' -q",
    "three = nb.edit('Make it rain.', table)",
    "print(len(nb.history), one.id, two.id, three.id)",
]


def test_restart_and_run_all_sends_nothing(tmp_path: Path) -> None:
    """Two cells of one text, a loop and a call without a seed: the second kernel gets all six edits from the store."""
    runs = [text_of(run_cells(CELLS, home=tmp_path)[-1]).strip() for _ in range(2)]
    assert runs == ["6 1 2 6", "6 1 2 6"]


@pytest.mark.nightly
def test_papermill_run_again_sends_nothing(tmp_path: Path) -> None:
    """The same notebook, run twice by its command line: the second run gets all six edits from the store."""
    nbformat.write(notebook_of(CELLS), tmp_path / "study.ipynb")
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", "study.ipynb"]
    for name in ("first.ipynb", "second.ipynb"):
        done = subprocess.run(
            [*command, name], cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert text_of(nbformat.read(tmp_path / name, 4).cells[-1].outputs).strip() == "6 1 2 6"
