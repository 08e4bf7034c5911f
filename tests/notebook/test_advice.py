"""Advice in a cell: one line where something is wrong, all of it in a dry run, none where it is switched off."""

from __future__ import annotations

from typing import Any

import pytest

CELL = "%%nbedit table --aspect-ratio 9:16 --seed 3 --resolution 0.5K{more}\nKeep the table unchanged. Make it night."
SOFT = "%%nbedit table --seed 3 --resolution 0.5K{more}\nMake the sky darker."


def test_a_cell_says_in_one_line_what_is_wrong(shell: Any) -> None:
    """Under the result stands the warning, once; the cell runs all the same."""
    ran = shell.run_cell(CELL.format(more=""))
    ran.raise_error()
    lines = ran.result._repr_mimebundle_()[0]["text/plain"].splitlines()
    [line] = [line for line in lines if "ratio-crops-input" in line]
    assert line.startswith("Warning: aspect_ratio is 9:16, and the picture is 60×40.")


def test_hints_are_for_a_dry_run(shell: Any) -> None:
    """What nobody asked for is not said before a request; a dry run says it."""
    ran = shell.run_cell(SOFT.format(more=""))
    ran.raise_error()
    assert ran.result.notes == ()
    shell.run_cell(SOFT.format(more=" --dry-run")).raise_error()
    assert "hint missing-preservation: “Make the sky darker.”" in shell.text_shown()


def test_it_is_configured_in_the_notebook(shell: Any) -> None:
    """`%config NBBanana.lint_off` leaves a rule out, `%config NBBanana.lint = False` all of them."""
    shell.run_cell("%config NBBanana.lint_off = ['ratio-crops-input']").raise_error()
    shell.run_cell(CELL.format(more=" --dry-run")).raise_error()
    shell.run_cell("%config NBBanana.lint_off = []").raise_error()
    shell.run_cell("%config NBBanana.lint = False").raise_error()
    shell.run_cell(CELL.format(more=" --dry-run")).raise_error()
    shell.run_cell(SOFT.format(more=" --dry-run")).raise_error()
    assert "ratio-crops-input" not in shell.text_shown()
    assert "missing-preservation" not in shell.text_shown()


def test_a_cell_says_it_while_the_request_runs(notebook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the first progress already, in HTML and in text; of a chain, of the pass that is under way."""
    seen: list[Any] = []
    publish = type(notebook.display_pub).publish

    def watch(self: Any, data: Any, metadata: Any = None, **more: Any) -> None:
        seen.append(data)
        publish(self, data, metadata, **more)

    monkeypatch.setattr(type(notebook.display_pub), "publish", watch)
    monkeypatch.setattr("nbbanana.notebook.cell_runs.GRACE", 0)
    notebook.run_cell(CELL.format(more="")).raise_error()
    assert "ratio-crops-input" in seen[0]["text/plain"]
    assert "ratio-crops-input" in seen[0]["text/html"]
    assert "ratio-crops-input" not in seen[0]["text/plain"].split("\n")[0]
    seen.clear()
    notebook.run_cell(
        "%%nbedit table --seed 9\nKeep the cup unchanged. Remove the cup.\n---\nAdd a boat."
    ).raise_error()
    assert "It keeps the cup and changes it" in seen[0]["text/html"]


def test_a_terminal_says_it_above_the_line_of_progress(
    shell: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once, and it stays when the line is taken away."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setattr("nbbanana.notebook.cell_runs.GRACE", 0)
    shell.run_cell(CELL.format(more=" --fresh")).raise_error()
    written = capsys.readouterr().err
    assert written.count("ratio-crops-input") == 1
    assert written.index("ratio-crops-input") < written.index("Make it night.")
    assert written.endswith("\r\x1b[K")
