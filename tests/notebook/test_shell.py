"""The magics in a shell: what a cell asks, binds, shows, silences and refuses."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from IPython.core.displaypub import CapturingDisplayPublisher

import nbbanana as nb
from nbbanana.errors import (
    ImageError,
    ImageNotFoundError,
    NBBananaError,
    ParameterError,
    PromptError,
    UnknownModelError,
    UsageError,
    VariableError,
)
from nbbanana.notebook import displays

CELL = "%%nbedit night << table -n 2 --seed 7\nKeep the table. Make it night."


def ask(shell: Any, line: str, body: str = "Make it night.") -> Any:
    return shell.run_cell(f"%%nbedit {line}\n{body}").result


# ── what a cell comes to ────────────────────────────────────────────────────────────────────────────────────


def test_a_name_binds_the_result_and_it_shows(shell: Any) -> None:
    """The cell's own value is nothing; the grid is shown under its name."""
    assert shell.run_cell(CELL).result is None
    night = shell.user_ns["night"]
    assert (len(night), night.seed, night.prompt) == (2, 7, "Keep the table. Make it night.")
    assert night[1].label == "night[1]"
    [shown] = shell.shown
    assert "night[1]" in shown["text/plain"]
    assert shown["text/html"].count("<img") >= 2


def test_without_a_name_it_is_the_cells_value(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """In a terminal IPython shows it as it shows any value; it is `_` and `Out[n]`."""
    result = shell.run_cell("%%nbedit table\nMake it night.", store_history=True).result
    assert shell.user_ns["_"] is result
    assert list(shell.user_ns["Out"].values()) == [result]
    assert shell.shown == []
    assert capsys.readouterr().out.count("Make it night.") == 1


def test_in_a_notebook_it_is_shown_once_and_still_the_value(notebook: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """One display holds the grid; the display hook shows nothing more and keeps `_` and `Out[n]`."""
    result = notebook.run_cell("%%nbedit table\nMake it night.", store_history=True).result
    assert isinstance(result, nb.EditResult)
    assert notebook.user_ns["_"] is result
    assert list(notebook.user_ns["Out"].values()) == [result]
    assert len(notebook.shown) == 1
    assert capsys.readouterr().out == ""


def test_what_follows_in_the_cell_is_shown_as_ever(notebook: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Keeping one value from being shown twice touches no other value and no `display`."""
    notebook.run_cell("%nbedit table -p night\n'the last value'")
    assert "the last value" in capsys.readouterr().out
    notebook.run_cell("x = %nbedit table -p rain\nx")
    assert "rain" in capsys.readouterr().out
    notebook.run_cell("%nbedit table -p snow")
    notebook.run_cell("_")
    assert "snow" in capsys.readouterr().out
    assert len(notebook.shown) == 3
    assert sys.displayhook is sys.__displayhook__


@pytest.mark.parametrize(
    "cell", ["%nbedit table -p night;", "%nbedit table -p night --quiet", "%%nbedit table;\nnight"]
)
def test_a_semicolon_or_quiet_silences(notebook: Any, cell: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is shown and nothing is left; the result is `_` all the same."""
    result = notebook.run_cell(cell, store_history=True).result
    assert result.prompt == "night"
    assert notebook.user_ns["_"] is result
    assert notebook.shown == []
    assert capsys.readouterr().out == ""


def test_a_silenced_result_can_be_shown_in_its_own_cell(notebook: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """What was bound silently is shown when it is asked for, also by a function's value."""
    notebook.run_cell("x = %nbedit table -p night;\nx")
    assert "night" in capsys.readouterr().out
    notebook.run_cell("def ask():\n    %nbedit y << table -p rain;\n    return y\nask()")
    assert "rain" in capsys.readouterr().out
    assert notebook.shown == []


def test_the_line_magic_gives_its_value(shell: Any) -> None:
    """`x = %nbedit …` binds, like `name <<`."""
    shell.run_cell("x = %nbedit table -n 2 -p 'The table's edge; 100%'")
    assert shell.user_ns["x"].prompt == "The table's edge; 100%"


@pytest.mark.parametrize(
    "prompt",
    [
        "Keep the subject's pose.",
        'An unmatched " quote',
        "Ends with a semicolon;",
        "100% {not a name} $HOME !ls ?",
        "... and then it snows\n>>> like this",
        "In [1]: a prompt",
        "雨夜霓虹 🎉",
        "line one\n\n    indented\u2028same line",
        "%%time\n%nbedit",
    ],
)
def test_a_prompt_loses_nothing_on_its_way_through_ipython(shell: Any, prompt: str) -> None:
    """What is sent is what stands in the cell."""
    ask(shell, "r << table", prompt)
    assert shell.user_ns["r"].prompt == prompt


def test_lines_of_parts_mean_the_same_in_a_cell_on_a_line_and_in_a_call(shell: Any) -> None:
    """They are composed once placeholders are filled; what was sent is one edit for all of them."""
    shell.user_ns["street"] = "a rainy street"
    ask(shell, "one << table --seed 3", "keep: objects, table\nonly: background\nchange: {{street}}")
    shell.run_cell("two = %nbedit table --seed 3 -p 'change: a rainy street'")
    one, two = shell.user_ns["one"], shell.user_ns["two"]
    assert one.prompt == "Keep the objects and table unchanged. Change only the background to a rainy street."
    assert two.prompt == "Change the picture: a rainy street."
    assert one.cell().endswith("\nkeep: objects, table\nchange: a rainy street\nonly: background")


def test_placeholders_take_variables(shell: Any) -> None:
    """In the body and on the line, of the notebook and of the function that asks."""
    shell.user_ns.update(place="Oslo", seed=3)
    ask(shell, "r << table --seed {{seed}}", "Make it {{place}}, {as} it is.")
    assert (shell.user_ns["r"].prompt, shell.user_ns["r"].seed) == ("Make it Oslo, {as} it is.", 3)
    shell.run_cell("def ask(place):\n    r = %nbedit table -p {{place}}\n    return r\nasked = ask('Bergen')")
    assert shell.user_ns["asked"].prompt == "Bergen"


def test_images_come_from_everywhere(shell: Any, tmp_path: Path) -> None:
    """Files, globs, arrays, results, the history and the last edit."""
    for name in ("b10.png", "b2.png"):
        shell.user_ns["table"].save(tmp_path / name)
    shell.user_ns["array"] = np.full((40, 60, 3), 90, dtype="uint8")
    ask(shell, "one << table -n 2 --seed 1")
    ask(shell, "two << b*.png array one[1] edit:1[0] _[*] one[*]")
    inputs = shell.user_ns["two"].inputs
    assert [record.name for record in inputs[:2]] == ["b2.png", "b10.png"]
    assert len(inputs) == 9
    first, second = (output.sha256 for output in shell.user_ns["one"])
    assert [record.identity for record in inputs[3:]] == [
        f"sha256:{digest}" for digest in (second, first, first, second, first, second)
    ]


def test_a_job_that_is_over_is_an_image(shell: Any) -> None:
    """What was asked without waiting can be edited further once it is there."""
    shell.run_cell("job = %nbedit table -p night --no-wait")
    shell.user_ns["job"].result()
    assert ask(shell, "job").inputs[0].identity == f"sha256:{shell.user_ns['job'].result()[0].sha256}"


def test_a_picture_that_must_be_awaited_is(shell: Any) -> None:
    """A coroutine's picture, in a blocking cell too."""

    async def picture() -> Any:
        await asyncio.sleep(0)
        return shell.user_ns["table"]

    shell.user_ns["coming"] = picture()
    assert len(ask(shell, "coming").inputs) == 1


def test_no_wait_gives_a_live_job(notebook: Any) -> None:
    """The cell ends at once with a job; its display becomes the grid by itself."""
    job = notebook.run_cell("%nbedit table -p night --no-wait").result
    assert isinstance(job, nb.Job)
    job.result()
    for thread in [thread for thread in threading.enumerate() if thread.name == "nbbanana-live"]:
        thread.join(30)
    [shown] = notebook.shown
    assert "image/jpeg" in shown


def test_a_dry_run_sends_nothing(shell: Any) -> None:
    """It shows the request and its price, returns nothing, and the history stays empty."""
    assert ask(shell, "r << table -n 4 --resolution 2K --dry-run") is None
    assert "r" not in shell.user_ns
    text = shell.text_shown()
    assert '"resolution": "2K"' in text
    assert "$" in text
    assert "random seed" in text
    assert len(nb.history) == 0


def test_a_dry_run_shows_what_is_sent_of_an_address(shell: Any) -> None:
    """The address itself, and not what signs it."""
    ask(shell, "https://pictures.example/of/2026/a.jpg?sig=s3cret https://pictures.example/b.jpg --dry-run")
    assert '"https://pictures.example/of/2026/a.jpg?…"' in shell.text_shown()
    assert '"https://pictures.example/b.jpg"' in shell.text_shown()
    assert "s3cret" not in shell.text_shown()


def test_a_dry_run_asks_for_no_price_in_replay(shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so."""
    monkeypatch.setattr(nb.Session, "quote", lambda *_: pytest.fail("asked"))
    ask(shell, "table --mode replay --dry-run")
    assert "The price is not asked in replay" in shell.text_shown()


def test_captions_of_a_job_that_no_cell_waits_for_are_code(notebook: Any) -> None:
    """What is bound is a job, which has no items: the history has them."""
    notebook.run_cell("%nbedit later << table -p night --no-wait")
    job = notebook.user_ns["later"]
    assert "■" not in notebook.shown[0]["text/html"]
    assert job.result()[0].label == f"nbbanana.history[{job.edit_id}][0]"
    for thread in [thread for thread in threading.enumerate() if thread.name == "nbbanana-live"]:
        thread.join(30)


def test_modes(shell: Any) -> None:
    """A seeded ask is answered from the store, unless it is to be fresh; replay sends nothing."""
    first = ask(shell, "table --seed 7")
    assert ask(shell, "table --seed 7").id == first.id
    assert ask(shell, "table --seed 7 --fresh").id != first.id
    assert ask(shell, "table --seed 7 --mode replay").prompt == first.prompt
    with pytest.raises(NBBananaError, match="holds no answer"):
        ask(shell, "table --seed 8 --mode replay")


def test_another_model(shell: Any) -> None:
    """A model named on the line, with its own options."""
    assert ask(shell, "--model google/nano-banana-2/text-to-image --aspect-ratio 1:1").model.endswith("text-to-image")


def test_settings_are_configured(shell: Any) -> None:
    """`%config NBBanana` shows and sets."""
    shell.run_cell("%config NBBanana.model = 'google/nano-banana-2/text-to-image'")
    assert ask(shell, "").model == "google/nano-banana-2/text-to-image"


def test_the_cell_is_recorded(shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record has the notebook's file name, without its folder, and the cell's id where the front end tells."""
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/someone/study/night.ipynb")
    shell.run_cell("%nbedit r << table -p night", cell_id="cell-7")
    assert (shell.user_ns["r"].record.notebook, shell.user_ns["r"].record.cell) == ("night.ipynb", "cell-7")


# ── what it shows on the way ────────────────────────────────────────────────────────────────────────────────


def test_progress_and_grid_are_one_display(notebook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a waiting cell shows is replaced by the result."""
    seen: list[dict[str, str]] = []
    publish = type(notebook.display_pub).publish

    def watch(self: Any, data: Any, metadata: Any = None, **more: Any) -> None:
        seen.append(data)
        publish(self, data, metadata, **more)

    monkeypatch.setattr(type(notebook.display_pub), "publish", watch)
    monkeypatch.setattr("nbbanana.notebook.cell_runs.GRACE", 0)
    monkeypatch.setattr("nbbanana.notebook.cell_runs.TICK", 0.001)
    ask(notebook, "r << table")
    assert len(seen) > 1
    assert all(before != after for before, after in pairwise(seen)), "an unchanged display is not sent again"
    assert len(notebook.shown) == 1
    assert "r[0]" in notebook.text_shown()


def test_a_terminal_has_one_line(
    shell: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is written over and taken away."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setattr("nbbanana.notebook.cell_runs.GRACE", 0)
    ask(shell, "r << table")
    written = capsys.readouterr().err
    assert written.endswith("\r\x1b[K")
    assert "r: Make it night." in written
    assert "\n" not in written


def test_what_is_captured_has_the_result_alone(notebook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under %%capture displays cannot be replaced, so no progress is among them."""
    monkeypatch.setattr("nbbanana.notebook.cell_runs.GRACE", 0)
    notebook.run_cell("%%capture caught\n%nbedit table -p night")
    [output] = notebook.user_ns["caught"].outputs
    assert "image/jpeg" in output.data
    assert isinstance(notebook.display_pub, CapturingDisplayPublisher) is False


# ── what is refused ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "error", "said"),
    [
        ("table --aspect-ration 1:1", UsageError, "Did you mean --aspect-ratio?"),
        ("table --aspect-ratio 7:1", ParameterError, "aspect_ratio"),
        ("table[*] " * 21, ParameterError, "21"),
        ("nowhere.jpg", ImageNotFoundError, "nowhere.jpg"),
        ("tabel", VariableError, "Did you mean the variable table?"),
        ("number", ImageError, "number: A value of type int is not a picture."),
        ("table --model google/nano", UnknownModelError, "google/nano"),
        ("notes.txt", ImageError, "notes.txt"),
        ("", ParameterError, "No picture was given"),
        ("_", VariableError, "no last edit"),
    ],
)
def test_an_error_is_three_lines_and_asks_nothing(
    shell: Any, line: str, error: type[NBBananaError], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What, why and what to do; no traceback, nothing bound, nothing recorded."""
    Path("notes.txt").write_text("not a picture")
    table = shell.user_ns["table"]
    shell.user_ns.update(number=3, table=[table] if "[*]" in line else table)
    with pytest.raises(error) as caught:
        ask(shell, f"r << {line}")
    assert said in str(caught.value)
    printed = capsys.readouterr()
    assert printed.out.strip().splitlines() == caught.value._render_traceback_()
    assert len(caught.value.lines) == 3
    assert "r" not in shell.user_ns
    assert len(nb.history) == 0


def test_an_empty_body_is_our_error(shell: Any) -> None:
    """IPython's own refusal would leave no error output."""
    with pytest.raises(PromptError):
        shell.run_cell("%%nbedit table")
    with pytest.raises(PromptError):
        shell.run_cell("%%nbedit table\n")


def test_a_job_under_way_is_no_image_yet(shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said, instead of waiting where no stop is heard."""
    shell.run_cell("job = %nbedit table -p night --no-wait")
    monkeypatch.setattr(nb.Job, "done", lambda self: False)
    with pytest.raises(VariableError, match="not over yet"):
        ask(shell, "job")


def test_tracebacks_can_be_had(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """`%config NBBanana.tracebacks = True` brings Python's back."""
    shell.run_cell("%config NBBanana.tracebacks = True")
    try:
        with pytest.raises(VariableError):
            ask(shell, "tabel")
        assert "Traceback" in capsys.readouterr().out
    finally:
        shell.run_cell("%config NBBanana.tracebacks = False")


# ── the other magics ────────────────────────────────────────────────────────────────────────────────────────


def test_an_interrupt_while_a_display_is_published_makes_no_second_one(
    notebook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What became of it is said in the place that is there already."""
    screen, real = displays.display_for(notebook, is_quiet=False), displays.publish
    job = nb.submit("Make it night.", notebook.user_ns["table"])

    def interrupted(*args: Any, **where: Any) -> None:
        real(*args, **where)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(displays, "publish", interrupted)
        with pytest.raises(KeyboardInterrupt):
            screen.progress(job)
    screen.ended(job, "Nothing is charged.")
    assert len(notebook.shown) == 1
    assert "Nothing is charged." in notebook.text_shown()
    job.result()


def test_models_are_listed(shell: Any) -> None:
    """All of them, or one; an unknown one is said."""
    shell.run_cell("%nbmodels")
    assert "text-to-image" in shell.text_shown()
    shell.display_pub.displays.clear()
    shell.run_cell("%nbmodels google/nano-banana-2/edit")
    assert "--aspect-ratio" in shell.text_shown()
    assert "How to ask" in shell.text_shown()
    with pytest.raises(UnknownModelError):
        shell.run_cell("%nbmodels google/nano")


def test_a_written_cell_runs(shell: Any) -> None:
    """What a result gives back as its cell asks the same."""
    shell.run_cell(CELL)
    night = shell.user_ns["night"]
    ask(shell, "rain << night[0] --seed 3 --aspect-ratio 16:9", 'Rain on the "table". {{{{x}}')
    rain = shell.user_ns["rain"]
    shell.run_cell(rain.cell("again"))
    assert shell.user_ns["again"].record.ask == rain.record.ask
    assert night.cell().startswith("%%nbedit night << ")


def test_the_sandbox_of_a_fresh_python_is_quiet(tmp_path: Path) -> None:
    """Loading says nothing at all, on either stream."""
    code = (
        "from IPython.core.interactiveshell import InteractiveShell as S\n"
        "s = S.instance(); s.run_cell('%load_ext nbbanana'); s.run_cell('%reload_ext nbbanana')"
    )
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert (run.stdout, run.stderr) == ("", "")
