"""Sweeps in a shell: `--sweep` of `nbbanana edit`, and a plan that was saved."""

from __future__ import annotations

from pathlib import Path

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
    assert [[Path(one).name for one in row["images"]] for row in ran.json] == [["colour-red.png"], ["colour-blue.png"]]


def test_a_shell_that_sweeps_again_writes_no_picture_twice(shell, served, tmp_path):
    """Not under another name either; a wider sweep adds its own, and a file of the user's is not replaced."""
    served()

    def sweep(*axes):
        """Sweep into the folder."""
        ran = shell("edit", "table.png", "-p", "Paint it {{colour}}.", *axes, "-o", "out", "--output", "json")
        assert ran.code == 0
        return [Path(one).name for row in ran.json for one in row["images"]]

    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "colour-blue.png").write_bytes(b"mine")
    first = sweep("--sweep", "colour=red,blue")
    assert first == ["colour-red.png", "colour-blue-2.png"]
    assert sweep("--sweep", "colour=red,blue") == first
    assert sweep("--sweep", "colour=pink,red,blue") == ["colour-pink.png", *first]
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["colour-blue-2.png", "colour-blue.png", "colour-pink.png", "colour-red.png"]
    assert (tmp_path / "out" / "colour-blue.png").read_bytes() == b"mine"


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


def test_a_plan_that_will_be_refused_says_so_in_the_words_of_a_shell(shell, served, tmp_path):
    """By its dry run and by the run itself, which sends nothing; with what is assumed, it runs."""
    box = served()
    with nb.Session(provider="sandbox", store=tmp_path / "other"):
        nb.sweep("Make it night.", tmp_path / "table.png", seed=[1, 2], resolution="4K").save(tmp_path / "plan.json")
    plan = str(tmp_path / "plan.json")
    assert "Without --dry-run what is missing is sent." in shell("sweep", plan, "--dry-run").out
    dry = shell("sweep", plan, "--dry-run", "--max-price", "5").out
    assert "It will be refused: The price of 2 cells is not known exactly, and --max-price allows $5.00." in dry
    assert "sweep.run()" not in dry
    ran = shell("sweep", plan, "--max-price", "5")
    assert "Say what to count for each: --assume-price 0.11. Nothing was sent." in ran.err
    assert "assume_price" not in ran.err
    assert ran.code != 0
    assert not box.submissions
    assert shell("sweep", plan, "--max-price", "5", "--assume-price", "0.2").code == 0
