"""`--sweep` in a cell: several values of one thing, a grid, and what is said where it cannot be read."""

from __future__ import annotations

from typing import Any

import pytest
from support.waiting import until

import nbbanana as nb
from nbbanana import errors


def cell(line: str, body: str = "Paint the wall {{colour}}.") -> str:
    """A cell."""
    return f"%%nbedit {line}\n{body}\n"


def test_a_cell_with_a_sweep_binds_and_shows_its_grid(shell: Any) -> None:
    """Ranges, lists and variables are axes; other placeholders take the values of variables."""
    shell.user_ns |= {"times": ["noon", "dusk"], "place": "Oslo"}
    body = "Paint {{place}} {{colour}} at {{times}}."
    shell.run_cell(cell('grid << table --sweep "colour=sand,deep red" --sweep times --sweep seed=0:2', body))
    grid = shell.user_ns["grid"]
    assert grid.plan.shape == "colour (2) × times (2) × seed (2) = 8 cells"
    assert {one.state for one in grid} == {"here"}
    assert grid[4].result.prompt == "Paint Oslo deep red at noon."
    assert "All 8 cells are here." in shell.shown[-1]["text/plain"]
    assert shell.shown[-1]["text/html"].count("<img") == 9  # and the input


def test_an_axis_may_name_a_variable_of_another_name(shell: Any) -> None:
    """Its values are those of the list; ratios with commas between are words, not ranges."""
    shell.user_ns["cols"] = ["sand", "sage"]
    shell.run_cell(cell("grid << table --sweep colour=cols --sweep aspect_ratio=1:1,16:9 --dry-run"))
    assert "colour (2) × aspect_ratio (2) = 4 cells." in shell.shown[-1]["text/plain"]


def test_a_dry_run_of_a_sweep_sends_nothing(shell: Any) -> None:
    """It shows the plan."""
    shell.run_cell(cell("table --sweep colour=sand,sage --sweep resolution=1K,2K --dry-run"))
    assert "colour (2) × resolution (2) = 4 cells." in shell.shown[-1]["text/plain"]
    assert not len(nb.history)


def test_a_sweep_grows_in_one_display(notebook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is here by now stands in the place that the whole grid takes."""
    drawn: list[str] = []
    publish = notebook.display_pub.publish

    def watch(data: Any, *args: Any, **how: Any) -> None:
        drawn.append(data.get("text/plain", ""))
        publish(data, *args, **how)

    monkeypatch.setattr(notebook.display_pub, "publish", watch)
    monkeypatch.setenv("NBBANANA_SANDBOX_SCALE", "0.05")
    notebook.run_cell(cell("grid << table --sweep colour=sand,sage,rust"))
    assert any("of 3 done" in text for text in drawn)
    assert "■ takes back what was not sent" in drawn[0] or len(drawn) == 1
    assert "All 3 cells are here." in notebook.shown[-1]["text/plain"]
    assert len(notebook.shown) == 1


def test_a_call_that_is_the_value_of_a_cell_says_once_how_the_sweep_stands(
    notebook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the progress stood is how many of those that were asked are done; the grid says the rest."""
    monkeypatch.setenv("NBBANANA_SANDBOX_SCALE", "0.2")
    notebook.run_cell("import nbbanana as nb\ngrid = nb.sweep('Make it night.', table, seed=[1, 2]).run()")
    assert [shown["text/plain"] for shown in notebook.shown[-1:]] == ["2 of 2 done."]
    assert "All 2 cells are here." in notebook.user_ns["grid"]._repr_mimebundle_()[0]["text/plain"]


def test_a_swept_cell_again_pays_nothing(shell: Any) -> None:
    """Cells without a seed have one that follows from what they ask."""
    for _ in range(2):
        shell.run_cell(cell("grid << table --sweep colour=sand,sage"))
    assert len(nb.history) == 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("table --seed 3 --sweep seed=0:4", "seed is given twice"),
        ("table --sweep seed=0:4 --sweep seed=5:6", "seed is given twice"),
        ("table --sweep seed=4:4", "has no values"),
        ("table --sweep colours", "there is no variable colours"),
        ("table --sweep sed=0:4", "sed is not a parameter"),
        ("table --sweep =1,2", "cannot be read"),
        ("table --sweep aspect_ratio=16:9", "has one value"),
        ("table --sweep colour=colz", "has one value"),
        ("table --sweep colour=sand,,sage", "has an empty value"),
        ("table --sweep resolution=8K,9K", "8K"),
        ('table --sweep colour=sand,"deep red"', "has one quote"),
        ("table --sweep colour=sand,sage --no-wait", "do not go together"),
        ("table --sweep colour=sand,sage --fresh", "do not go together"),
    ],
)
def test_a_sweep_that_cannot_be_read_says_why(shell: Any, line: str, said: str) -> None:
    """Before anything is sent."""
    with pytest.raises(errors.NBBananaError, match=said):
        shell.run_cell(cell(line, "Make it {{colour}}." if "colour=" in line else "Make it night."))
    assert not len(nb.history)


def test_a_sweep_of_passes_is_refused(shell: Any) -> None:
    """Each cell is one request."""
    with pytest.raises(errors.UsageError, match="A sweep and several passes do not go together"):
        shell.run_cell(cell("table --sweep colour=sand,sage", "Make it {{colour}}.\n---\nAdd a boat."))


def test_a_cell_whose_price_is_not_known_is_told_the_option_of_its_line(shell: Any) -> None:
    """Its dry run says that it will be refused, and why; the guess is half as much again as the known base."""
    line = "table --sweep colour=sand,sage --resolution 4K --max-price 5"
    shell.run_cell(cell(f"{line} --dry-run"))
    said = shell.shown[-1]["text/plain"]
    assert "It will be refused: The price of 2 cells is not known exactly, and --max-price allows $5.00." in said
    assert "sweep.run()" not in said
    with pytest.raises(errors.BudgetError, match=r"Say what to count for each: --assume-price 0\.11"):
        shell.run_cell(cell(line)).raise_error()
    shell.run_cell(cell(f"grid << {line} --assume-price 0.11"))
    assert {one.state for one in shell.user_ns["grid"]} == {"here"}


def test_what_goes_on_after_an_interrupt_is_said_to_go_on_here(notebook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the cell that was stopped, and by `%nbresume`, for which nothing is left to do."""
    monkeypatch.setenv("NBBANANA_SANDBOX_SCALE", "20")
    sweep = nb.sweep("Make it night.", notebook.user_ns["table"], seed=[1, 2])
    running = sweep.begin()
    running.start()
    until(lambda: all(job.request_id is not None for job in running.jobs.values()))
    running.take_back()
    sent = sum(cell.state == "under way" for cell in sweep)
    assert sent
    assert f"{sent} cell{'s' * (sent > 1)} that w" in sweep.stopped
    assert "on here, may be charged, and need no %nbresume" in sweep.stopped
    notebook.run_cell("%nbresume")
    assert "Nothing waits to be collected." in notebook.shown[-1]["text/plain"]
    assert "on in a kernel that runs, this one or another" in notebook.shown[-1]["text/plain"]
