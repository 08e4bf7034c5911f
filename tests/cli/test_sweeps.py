"""Sweeps in a shell: `--sweep` of `nbbanana edit`, and a plan that was saved."""

from __future__ import annotations

import nbbanana as nb
from nbbanana.sandbox import Fault


def saved(folder):
    """Save a plan of two cells, which names no service."""
    with nb.Session(provider="sandbox", store=folder / "other"):
        nb.sweep("Paint it {{colour}}.", folder / "table.png", colour=["red", "blue"]).save(folder / "plan.json")


def test_a_shell_sweeps_and_writes_each_picture(shell, served):
    """A row a cell; braces that a sweep has no values for are text."""
    served()
    ran = shell(
        "edit", "table.png", "-p", "Paint it {{colour}}.", "--sweep", "colour=red,blue", "-o", "out", "--output", "json"
    )
    assert ran.code == 0
    assert [row["cell"] for row in ran.json] == ["colour red", "colour blue"]
    assert [row["state"] for row in ran.json] == ["here", "here"]


def test_a_shell_runs_a_plan_and_pays_nothing_twice(shell, served, tmp_path):
    """A dry run says what is missing; the second run sends nothing; the exit code says whether all is here."""
    box = served()
    saved(tmp_path)
    assert "All 2 are to be sent." in shell("sweep", str(tmp_path / "plan.json"), "--dry-run").out
    assert shell("sweep", str(tmp_path / "plan.json")).code == 0
    assert "0 to be sent" in shell("sweep", str(tmp_path / "plan.json")).err
    assert len(box.submissions) == 2


def test_a_plan_whose_cells_are_not_all_here_is_exit_code_1(shell, served, tmp_path):
    """Each row has its reason."""
    served(faults=[Fault("job", nth=1, error="The painter fell asleep.")])
    saved(tmp_path)
    ran = shell("sweep", str(tmp_path / "plan.json"))
    assert ran.code == 1
    assert "The painter fell asleep." in ran.out
    assert shell("sweep", str(tmp_path / "nothing.json")).code == 65
