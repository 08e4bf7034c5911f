"""`---` in a cell: passes of which each edits what the one before gave; what it shows, binds, dry-runs and refuses."""

from __future__ import annotations

from typing import Any

import pytest

import nbbanana as nb
from nbbanana import errors

CELL = "%%nbedit night << table -n 2 --seed 7{options}\nKeep the cups. Make it night.\n---\nAdd a {{{{thing}}}}.\n"


def run(shell: Any, options: str = "") -> Any:
    """Run a cell of two passes."""
    shell.user_ns["thing"] = "boat"
    return shell.run_cell(CELL.format(options=options))


def test_the_name_gets_the_last_pass_and_both_are_in_the_history(shell: Any) -> None:
    """Row 15: one record a pass; the grid of the last one is shown, under its name."""
    run(shell)
    night = shell.user_ns["night"]
    assert (night.prompt, len(night), night.seed) == ("Add a boat.", 2, 7)
    assert [one.prompt for one in night.passes] == ["Keep the cups. Make it night.", "Add a boat."]
    assert "night[1]" in shell.shown[-1]["text/plain"]
    assert "The last of 2 passes, after edit 1, $0.21 in play money together." in shell.shown[-1]["text/plain"]


def test_the_same_cell_again_pays_nothing(shell: Any) -> None:
    """With a seed each pass is answered from the store."""
    run(shell)
    before = shell.user_ns["night"].id
    run(shell)
    assert shell.user_ns["night"].id == before
    assert len(nb.history) == 2


def test_a_dry_run_shows_each_pass_and_the_price_of_all(shell: Any) -> None:
    """Where a later pass has its main picture, the output of the pass before is named."""
    run(shell, " --dry-run")
    text = shell.shown[-1]["text/plain"]
    assert "$0.21 in play money (1 × $0.07 and 2 × $0.07)" in text
    assert "<the output of pass 1>" in text
    assert text.index('"pass 1"') < text.index("Make it night") < text.index('"pass 2"') < text.index("Add a boat.")
    assert "2 passes: each edits the picture that the one before gave" in text
    assert not len(nb.history)


def test_the_written_cell_of_a_pass_asks_that_pass(shell: Any) -> None:
    """Its picture is the output of the edit before it."""
    run(shell)
    assert "edit:1[0]" in shell.user_ns["night"].cell()
    assert "---" not in shell.user_ns["night"].cell()


def test_the_progress_says_which_pass_is_under_way(notebook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One display for all passes, which the grid of the last one replaces."""
    seen: list[str] = []
    publish = type(notebook.display_pub).publish

    def watch(self: Any, data: Any, metadata: Any = None, **more: Any) -> None:
        seen.append(data["text/plain"])
        publish(self, data, metadata, **more)

    monkeypatch.setattr(type(notebook.display_pub), "publish", watch)
    monkeypatch.setattr("nbbanana.notebook.cell_runs.GRACE", 0)
    monkeypatch.setattr("nbbanana.notebook.cell_runs.TICK", 0.001)
    run(notebook, " --fresh")
    said = " ".join(seen)
    assert len(notebook.shown) == 1
    assert "Pass 1 of 2." in said
    assert "Pass 2 of 2." in said
    assert "night[1]" in notebook.shown[-1]["text/plain"]


def test_a_mask_goes_with_one_pass(shell: Any) -> None:
    """It fits one picture, and each pass makes another; and words alone have no second pass."""
    with pytest.raises(errors.UsageError, match="takes no pictures"):
        shell.run_cell("%%nbedit --model google/nano-banana-2/text-to-image\nA boat.\n---\nAdd a dog.").raise_error()
    assert not len(nb.history)


def test_no_wait_gives_one_job_for_all_passes(shell: Any) -> None:
    """Its result is that of the last one."""
    job = shell.run_cell("%%nbedit table --seed 7 --no-wait\nMake it night.\n---\nAdd a boat.").result
    assert [one.prompt for one in job.result(60).passes] == ["Make it night.", "Add a boat."]
