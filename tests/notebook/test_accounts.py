"""The magics around the edits: budgets, collecting, stores, login."""

from __future__ import annotations

import math
import threading
import time

import pytest

import nbbanana as nb
from nbbanana import errors
from nbbanana.notebook import cell_hooks
from nbbanana.sandbox import Sandbox
from nbbanana.settings import settings


def test_a_budget_refuses_before_it_overspends(shell):
    """`%nbbudget` is kept, counted, shown, and lifted."""
    shell.run_cell("%nbbudget 0.10")
    shell.run_cell("%nbedit table --seed 1 -p 'Make it snow.' --quiet")
    shell.run_cell("%nbbudget")
    assert "$0.03 of $0.10 is left at sandbox in play money." in shell.text_shown()
    with pytest.raises(errors.BudgetError, match=r"\$0.07, and \$0.03 of \$0.10 is left"):
        shell.run_cell("%nbedit table --seed 2 -p 'Make it snow.' --quiet")
    with pytest.raises(errors.BudgetError, match="assume-price"):
        shell.run_cell("%nbedit table --seed 2 --resolution 4K -p 'Make it snow.' --quiet")
    shell.run_cell("%nbbudget off")
    shell.run_cell("%nbedit table --seed 2 -p 'Make it snow.' --quiet")
    assert len(nb.history) == 4
    assert [edit.record.state for edit in nb.history] == ["completed", "rejected", "rejected", "completed"]


@pytest.mark.parametrize("words", ["five", "-1", "nan", "inf"])
def test_a_budget_is_dollars(shell, words):
    """Anything else is said to be none."""
    with pytest.raises(errors.UsageError, match="dollars"):
        shell.run_cell(f"%nbbudget {words}")


def job_of_another(shell, box, monkeypatch):
    """A job that another kernel submitted to a sandbox and left, where this one is logged in now."""
    settings().provider = ""
    for name, value in box.addresses["environment"].items():
        monkeypatch.setenv(name, value)
    with nb.Session() as other:
        job = other.submit("Make it snow.", shell.user_ns["table"], seed=1)
        while job.status not in {"queued", "running"}:
            time.sleep(0.01)
    return job


def test_a_first_cell_says_what_waits_and_resume_collects_it(shell, monkeypatch):
    """What another kernel left is announced once, in one line, and collected without a second submission."""
    with Sandbox(duration=1.0) as box:
        job_of_another(shell, box, monkeypatch)
        shell.run_cell("%nbedit table --seed 2 -p 'Make it rain.' --quiet")
        assert "1 job waits to be collected: %nbresume." in shell.text_shown()
        shell.run_cell("%nbresume")
        assert "Make it snow." in shell.text_shown()
        shell.run_cell("%nbresume")
        assert "Nothing waits to be collected." in shell.text_shown()
        assert len(box.submissions) == 2


def test_resume_says_which_job_it_waits_for_and_for_how_long(shell, monkeypatch):
    """Before it waits: a cell that says nothing seems to hang."""
    settings().timeout = 1.0
    with Sandbox(duration=math.inf) as box:
        job = job_of_another(shell, box, monkeypatch)
        shell.run_cell("%nbresume")
        waits, ended = shell.text_shown().index("Waiting for edit 1 at sandbox"), shell.text_shown().index("Edit 1: ")
        assert waits < ended
        assert f"(request {job.request_id}): 1.0 s at most" in shell.text_shown()


@pytest.mark.parametrize("before", ["here.ipynb", "other.ipynb"])
def test_after_a_restart_a_collected_edit_gets_its_name_for_free(shell, monkeypatch, before):
    """
    `%nbresume` says to run the cell again; doing so binds the name, and nothing more is sent.

    Of another notebook's cell it says whose it is alone: there it may have run again meanwhile.
    """
    monkeypatch.setenv("JPY_SESSION_NAME", "here.ipynb")
    with Sandbox(duration=math.inf, time_scale=1, paint="flat") as box:
        settings().provider = ""
        for name, value in box.addresses["environment"].items():
            monkeypatch.setenv(name, value)
        shell.user_ns.update(nb=nb, box=box)
        with monkeypatch.context() as before_the_restart:
            before_the_restart.setattr(cell_hooks, "KERNEL", "the kernel before")
            before_the_restart.setenv("JPY_SESSION_NAME", f"/somewhere/{before}")
            lines = (
                "with nb.Session() as other:",
                "other.submit('Make it snow.', table)",
                "box.wait_for(1, 'in_progress')",
            )
            shell.run_cell("\n    ".join(lines), cell_id="snow")
        box.finish()
        shell.run_cell("%nbresume", cell_id="resume")
        if before == "other.ipynb":
            assert "Edit 1 is nb.history[1] now. It was asked in other.ipynb." in shell.text_shown()
            assert "free" not in shell.text_shown()
            return
        assert "Run its cell again to give it its name there: that is free" in shell.text_shown()
        shell.run_cell("%%nbedit snow << table\nMake it snow.", cell_id="snow")
        assert (shell.user_ns["snow"].id, len(box.submissions)) == (1, 1)


def test_a_notebook_gets_a_store_of_its_own(shell, tmp_path):
    """`%nbstore study` keeps what follows in a folder; a bundle of it is read."""
    shell.run_cell("%nbstore study")
    shell.run_cell("%nbedit table --seed 1 -p 'Make it snow.' --quiet")
    assert (tmp_path / "study" / "edits.sqlite").is_file()
    nb.history.export("study.zip")
    shell.run_cell("%nbstore study.zip")
    assert "study.zip: 1 edit, read only" in shell.text_shown()
    shell.run_cell("%nbedit again << table --seed 1 -p 'Make it snow.' --quiet")
    assert shell.user_ns["again"].origin == "replayed"


def test_login_shows_a_code_and_keeps_the_token_privately(shell, monkeypatch, isolated):
    """The code is shown, the token is kept as the RunComfy CLI keeps it and shown nowhere."""
    with Sandbox(time_scale=0) as box:
        for name, value in box.addresses["environment"].items():
            if name != "RUNCOMFY_TOKEN":
                monkeypatch.setenv(name, value)

        def type_the_code() -> None:
            while "type" not in shell.text_shown():
                time.sleep(0.01)
            box.authorize(shell.text_shown().split(" type ")[1].split()[0])

        threading.Thread(target=type_the_code, daemon=True).start()
        shell.run_cell("%nblogin")
    (file,) = (isolated / "config").rglob("token.json")
    assert file.stat().st_mode & 0o777 == 0o600
    assert "nbsandbox_" in file.read_text()
    assert "nbsandbox_" not in shell.text_shown()


def test_login_with_a_key_asks_for_it_and_logout_forgets_it(shell, monkeypatch, isolated):
    """The key is asked for by the kernel's own prompt, shown nowhere, and gone after the logout."""
    asked = []
    monkeypatch.setattr("getpass.getpass", lambda prompt: asked.append(prompt) or "the-key-of-fal")
    shell.run_cell("%nblogin fal")
    assert asked == ["fal key (fal.ai/dashboard/keys): "]
    assert "Logged in at fal. The key is in fal.json, for you alone to read." in shell.text_shown()
    assert "the-key-of-fal" not in shell.text_shown()
    shell.run_cell("%nblogout fal")
    assert "Logged out at fal." in shell.text_shown()
    assert list((isolated / "config").rglob("fal.json")) == []
    shell.run_cell("%nblogout fal")
    assert "There was no stored key of fal." in shell.text_shown()


def test_a_budget_is_for_the_service_that_is_named(shell, monkeypatch):
    """Others keep theirs; one without its key is an error that says how to get one."""
    monkeypatch.setenv("FAL_KEY", "the-key-of-fal")
    shell.run_cell("%nbbudget 5.00 --provider fal")
    assert "$5.00 of $5.00 is left at fal." in shell.text_shown()
    shell.run_cell("%nbbudget")
    assert "No budget at sandbox" in shell.text_shown()
    shell.run_cell("%nbbudget off --provider fal")
    assert "No budget at fal" in shell.text_shown()
    monkeypatch.delenv("FAL_KEY")
    with pytest.raises(errors.NoCredentialError, match="FAL_KEY"):
        shell.run_cell("%nbbudget 5 --provider fal")
