"""A provider of another package does all that this package's own do, with nothing else touched."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.elsewhere_service import KEY, ElsewhereService, installed
from support.forms import Wire
from support.sandboxes import png
from support.waiting import until

import nbbanana as nb
from nbbanana import errors
from nbbanana.providers.registry import find


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[ElsewhereService]:
    """The package is installed, its service runs, and its key is in the environment."""
    with installed(monkeypatch), ElsewhereService() as service:
        for name, value in service.environment.items():
            monkeypatch.setenv(name, value)
        yield service


@pytest.fixture
def session(elsewhere, tmp_path) -> Iterator[nb.Session]:
    """A session at the service."""
    with nb.Session(provider="elsewhere", store=tmp_path / "store") as session:
        yield session


def test_a_cell_runs_there_by_one_word(elsewhere, shell):
    """The magic, its grid and its record; the service gets its own names for everything."""
    shell.run_cell("%%nbedit dusk << table --provider elsewhere -n 2 --seed 7 --resolution 2K\nMake it dusk.")
    (post,) = elsewhere.posts
    assert {name: post.payload[name] for name in ("words", "copies", "seed", "resolution")} == {
        "words": "Make it dusk.",
        "copies": 2,
        "seed": 7,
        "resolution": "2K",
    }
    record = shell.user_ns["dusk"].record
    assert (record.provider, record.provider_model, record.is_play, record.cost) == (
        "elsewhere",
        "banana-two",
        False,
        0.12,
    )
    assert shell.user_ns["dusk"]._repr_mimebundle_()[0]["text/plain"].count("$0.12") == 1


def test_a_dry_run_shows_its_fields_and_its_price(elsewhere, shell):
    """From its own list, and nothing is sent."""
    shell.run_cell("%nbedit table -p 'Make it dusk.' -n 4 --resolution 2K --provider elsewhere --dry-run")
    assert "$0.24 (4 × $0.06" in shell.text_shown()
    assert '"copies": 4' in shell.text_shown()
    assert elsewhere.posts == []


def test_the_list_shows_its_key_its_price_and_what_it_can(elsewhere):
    """By the name of the variable."""
    (line,) = [line for line in nb.list_providers() if line.name == "elsewhere"]
    assert (line.title, line.key, line.price) == ("Elsewhere", "ELSEWHERE_KEY", 0.03)
    assert line.can == ("resume", "cancel", "count", "seed")
    assert line.models == ("google/nano-banana-2/edit",)
    assert "safety_tolerance" in line.dropped
    assert KEY not in json.dumps(nb.list_providers()._repr_mimebundle_())


def test_its_answers_are_reused_and_its_budget_holds(session, elsewhere):
    """A seeded request is paid once; what would overspend is not sent."""
    session.store.set_budget("elsewhere", 0.05)
    first = session.edit("Make it dusk.", png(), seed=7)
    again = session.edit("Make it dusk.", png(), seed=7)
    assert (again.id, len(elsewhere.posts)) == (first.id, 1)
    with pytest.raises(errors.BudgetError):
        session.edit("Make it dusk.", png(), seed=8)
    assert len(elsewhere.posts) == 1


def test_a_job_of_it_is_cancelled_and_another_is_taken_up_again(session, elsewhere):
    """What another kernel left is collected by its handle."""
    elsewhere.waits = True
    job = session.submit("Make it dusk.", png())
    until(lambda: job.progress.phase == "queued")
    assert job.cancel()
    left = session.submit("Make it dawn.", png())
    until(lambda: left.progress.phase == "queued")
    session.close()
    elsewhere.waits = False
    with nb.Session(store=session.folder) as later:
        assert len(later.resume(later.history[left.edit_id].record).result()) == 1
    assert len(elsewhere.posts) == 2


def test_what_it_cannot_carry_is_an_error_that_names_it(session, elsewhere):
    """Before anything is sent."""
    with pytest.raises(errors.ParameterError, match="safety_tolerance"):
        session.edit("Make it dusk.", png(), safety_tolerance=5)
    assert elsewhere.posts == []


def test_the_studio_shows_it_runs_there_and_copies_the_cell(session, elsewhere):
    """Its title, its price and its budget."""
    session.store.set_budget("elsewhere", 1.0)
    form = nb.studio(png(), prompt="Make it dusk.", session=session)
    told = Wire(form)
    form._receive({"kind": "hello", "number": 1}, [])
    until(lambda: any(said["kind"] == "price" for said, _ in told.said))
    says = {said["kind"]: said for said, _ in told.said}
    assert says["form"]["service"]["title"] == "Elsewhere"
    assert (says["price"]["amount"], says["price"]["is_play"]) == ("$0.03", False)
    result = form.run().result()
    assert (result.provider, len(elsewhere.posts)) == ("elsewhere", 1)
    form.close()


def test_a_shell_finds_it(elsewhere, tmp_path):
    """In a process of its own that knows nothing but where packages are."""
    (tmp_path / "table.png").write_bytes(png())
    words = ["edit", "table.png", "-p", "Make it dusk.", "--provider", "elsewhere", "-o", "out"]
    path = os.pathsep.join([os.environ["PYTHONPATH"], str(Path(nb.__file__).parents[1])])
    command = [sys.executable, "-m", "nbbanana", *words]
    env = os.environ | {"PYTHONPATH": path}
    ran = subprocess.run(command, check=False, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert [file.suffix for file in (tmp_path / "out").iterdir()] == [".png"]
    assert [post.payload["words"] for post in elsewhere.posts] == ["Make it dusk."]
    assert KEY not in ran.stdout + ran.stderr


def test_curl_sends_what_was_sent(session):
    """With the name of the variable in the place of the key."""
    said = session.edit("Make it dusk.", png(), seed=7).curl()
    assert "Authorization: Bearer $ELSEWHERE_KEY" in said
    assert re.search(r'"words":\s?"Make it dusk."', said)
    assert KEY not in said


def test_its_records_show_and_replay_where_it_is_not_installed(session, elsewhere, tmp_path, monkeypatch):
    """A bundle needs no provider and no key."""
    result = session.edit("Make it dusk.", png(), seed=7)
    bundle = session.history.export(tmp_path / "study.zip", [result.id])
    monkeypatch.setattr("sys.path", [path for path in sys.path if not path.endswith("elsewhere")])
    monkeypatch.delenv("ELSEWHERE_KEY")
    from nbbanana.providers import registry

    registry._others.cache_clear()
    with pytest.raises(errors.ConfigError, match="no provider"):
        find("elsewhere")
    with nb.Session(store=bundle) as replayed:
        again = replayed.edit("Make it dusk.", png(), seed=7)
        assert again[0].bytes == result[0].bytes
        assert again.record.provider == "elsewhere"
    assert len(elsewhere.posts) == 1
