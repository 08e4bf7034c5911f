"""A bundle from elsewhere, read with no account and no network: its records show, compare and are written as code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from meetings.conftest import Enter
from PIL import Image
from support.kernels import environment

import nbbanana as nb
from nbbanana.sandbox import Sandbox

READER = """
import socket, sys
def refuse(*_): raise AssertionError("a network was asked for")
socket.socket.connect = socket.socket.connect_ex = refuse
socket.getaddrinfo = refuse
import nbbanana as nb
with nb.Session(store=sys.argv[1]) as session:
    history = session.history
    newest = history[2]
    shown = newest._repr_mimebundle_()[0]
    print(len(history), newest.record.provider, newest.record.state)
    print("<img" in shown["text/html"], "Make it rain." in shown["text/plain"] + shown["text/html"])
    print(newest.cell().splitlines()[0].startswith("%%nbedit"), "Make it rain." in newest.code())
    print([result.id for result in history.search("snow")])
    print("rain" in history.diff(1, 2)._repr_mimebundle_()[0]["text/plain"])
    again = session.resubmit(history[1].record, mode="replay").result()
    print(again[0].sha256 == history[1][0].sha256)
"""


@pytest.fixture
def bundle(services: tuple[Sandbox, Sandbox], log_in: Enter, picture: Image.Image, tmp_path: Path) -> Path:
    """Two edits made by an account that the reader does not have, exported; their service is gone."""
    service = services[0]
    log_in(service)
    with nb.Session(store=tmp_path / "store") as session:
        for word in ("snow", "rain"):
            job = session.submit(f"Make it {word}.", picture, seed=1)
            service.wait_for(1, "in_progress")
            service.finish()
            assert len(job.result()) == 1
        session.history.export(tmp_path / "study.zip")
    return tmp_path / "study.zip"


def test_a_reader_without_account_and_network_sees_all_of_it(bundle: Path, tmp_path: Path) -> None:
    """In an empty home, in a process that may open no connection."""
    env = environment(tmp_path / "reader", NBBANANA_PROVIDER="")
    (tmp_path / "reader").mkdir()
    read = subprocess.run(
        [sys.executable, "-c", READER, bundle],
        env=env,
        cwd=tmp_path / "reader",
        capture_output=True,
        text=True,
        check=False,
    )
    assert read.returncode == 0, read.stderr
    assert read.stdout.splitlines() == ["2 sandbox completed", "True True", "True True", "[1]", "True", "True"]


def test_an_export_while_a_job_runs_holds_what_is_done(
    services: tuple[Sandbox, Sandbox], log_in: Enter, picture: Image.Image, tmp_path: Path
) -> None:
    """The bundle opens and has the finished edit with its picture; the job goes on and its picture is recorded."""
    service = services[0]
    log_in(service)
    with nb.Session(store=tmp_path / "store") as session:
        done = session.submit("Make it snow.", picture, seed=1)
        service.wait_for(1, "in_progress")
        service.finish()
        made = done.result()[0].sha256
        runs = session.submit("Make it rain.", picture, seed=2)
        service.wait_for(1, "in_progress")
        session.history.export(tmp_path / "study.zip")
        service.finish()
        assert len(runs.result()) == 1
    with nb.Session(store=tmp_path / "study.zip") as reader:
        assert reader.history[1][0].sha256 == made
