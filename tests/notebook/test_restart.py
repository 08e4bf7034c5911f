"""Restart and Run All, in real kernels."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.kernels import run_cells, text_of

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
