"""Exit codes: what scripts go by. Some through a real process; 75 only where asking again is safe."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.shells import ASK, INPUT, MODEL, RUN
from support.waiting import until

from nbbanana.sandbox import Fault


def changed(**changes):
    """The request with changes, as an argument."""
    return ("run", MODEL, "--input", json.dumps(ASK | changes))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("models",), 0),
        (("--version",), 0),
        (("paint",), 64),
        (changed(prompt=""), 65),
        (changed(image_urls=["not-there.png"]), 66),
        (("balance",), 77),
    ],
    ids=lambda words: " ".join(words)[-20:] if isinstance(words, tuple) else None,
)
def test_a_process_ends_with_the_code(shell, words, code):
    """What the command line returns is what a shell's `$?` holds; the reason alone is on stderr."""
    ran = shell.process(*words)
    assert ran.code == code
    assert bool(ran.out) == (code == 0)
    assert bool(ran.err) == (code != 0)


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("paint",),
        ("run",),
        ("run", MODEL),
        ("run", MODEL, "--input"),
        ("run", MODEL, "--input", INPUT, "--input-file", "x"),
        ("run", MODEL, "--input", INPUT, "--wait"),
        ("run", MODEL, "--input", INPUT, "--output", "yaml"),
        ("run", MODEL, "--input", INPUT, "--output-dir", "table.png"),
        ("run", MODEL, "--input", INPUT, "--max-price", "cheap"),
        ("status",),
        ("status", "../models"),
        ("cancel", "a/b"),
        ("result", "x?y"),
        ("history", "-n", "many"),
        ("models", "get"),
        ("replay", "x.ipynb"),
    ],
    ids=" ".join,
)
def test_bad_arguments_are_64(shell, words):
    """Nothing on stdout, the reason on stderr."""
    ran = shell(*words)
    assert (ran.code, ran.out) == (64, "")
    assert ran.err.startswith("UsageError: ")


@pytest.mark.parametrize(
    "words", [("run", MODEL, "--input", INPUT), ("edit", "table.png", "-p", "Make it snow."), ("demo",)], ids=" ".join
)
def test_a_folder_that_takes_no_file_is_64_before_anything_is_sent(shell, served, words):
    """`/proc` is a folder that is there, and that nobody may write into."""
    box = served()
    ran = shell(*words, "--output-dir", "/proc")
    assert (ran.code, ran.out, box.submissions) == (64, "", [])
    assert "/proc cannot be a folder for pictures." in ran.err


def test_a_folder_called_like_a_picture_is_64_before_anything_is_sent(shell, served):
    """Whoever writes a file's name wants a file, and no folder is made. One of that name that is there is taken."""
    box = served()
    ran = shell("edit", "table.png", "-p", "Make it snow.", "-o", "shots/Night.PNG")
    assert (ran.code, ran.out, box.submissions) == (64, "", [])
    assert ran.err.splitlines()[-1] == "Name the folder: Night/"
    assert not (shell.folder / "shots").exists()
    (shell.folder / "night.png").mkdir()
    assert shell("demo", "--output-dir", "night.png").code == 0


def test_a_disk_that_is_full_is_said(shell):
    """What was to be printed cannot be written: a sentence, and the code that scripts know for it."""
    command = [sys.executable, "-m", "nbbanana", "models"]
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(command, env=shell.env, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ran.returncode == 74
    assert ran.stderr.startswith("What was to be printed could not be written.\nNo space left on device.")
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("words", [b"{}", b'{"cells": 5, "nbformat": 4}', b"\xff\xfe", b"PK\x03\x04"])
def test_what_is_no_notebook_is_65(shell, words):
    """Whatever reading it would raise."""
    (shell.folder / "a.ipynb").write_bytes(words)
    (shell.folder / "store").mkdir()
    ran = shell("replay", "a.ipynb", "--store", "store")
    assert (ran.code, ran.out) == (65, "")
    assert "a.ipynb is no notebook." in ran.err


def test_a_bad_base_is_64(shell):
    """A token would travel in the clear."""
    assert shell("balance", RUNCOMFY_TOKEN="x", RUNCOMFY_MODEL_API_BASE="http://api.example/v1").code == 64


@pytest.mark.parametrize(
    "words",
    [
        ("run", MODEL, "--input", "{prompt: no}"),
        ("run", MODEL, "--input", "[]"),
        ("run", MODEL, "--input", "7"),
        ("run", MODEL, "--input-file", "store"),
        changed(prompt=""),
        changed(prompt=7),
        changed(resolution="8K"),
        changed(number_of_images=99),
        changed(colour="red"),
        changed(seed="seven"),
        changed(image_urls=[]),
        changed(image_urls=7),
        changed(image_urls=[7]),
        changed(image_urls=["http://pictures.example/a.png"]),
        changed(image_urls=["no-picture.txt"]),
        ("run", "google/nano-banan-2/edit", "--input", INPUT),
    ],
    ids=lambda words: " ".join(words)[-60:],
)
def test_bad_input_is_65(shell, served, words):
    """JSON that is none, and what the model's schema does not allow; nothing is sent."""
    box = served()
    (shell.folder / "no-picture.txt").write_text("words")
    (shell.folder / "store").mkdir()
    ran = shell(*words)
    assert (ran.code, ran.out) == (65, "")
    assert not box.submissions


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault("submit", status=422, error_code=422001), 65),
        (Fault("submit", status=400, error_code=400002), 65),
        (Fault("submit", status=400, error_code=400004), 77),
        (Fault("submit", status=401), 77),
        (Fault("submit", status=503), 69),
        (Fault("submit", status=500), 69),
        (Fault("job", error="the timeout of 429 was 401"), 1),
    ],
    ids=str,
)
def test_what_the_service_says_to_a_run_has_its_code(shell, served, fault, code):
    """Refusals, faults and a job that fails, whose words decide nothing."""
    served(faults=[fault])
    ran = shell(*RUN)
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.count("\n") >= 2


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault("balance", status=500, times=None), 69),
        (Fault("balance", status=502, body="<html>", content_type="text/html"), 69),
        (Fault("balance", drop=True), 69),
        (Fault("balance", body=b"{"), 69),
        (Fault("balance", status=429, retry_after=1), 75),
        (Fault("balance", status=401), 77),
        (Fault("balance", error_code=400004), 77),
        (Fault("balance", status=404), 65),
    ],
    ids=str,
)
def test_what_the_service_says_to_a_question_has_its_code(shell, served, fault, code):
    """By the error code first, then by the status."""
    served(faults=[fault])
    ran = shell("balance")
    assert (ran.code, ran.out) == (code, "")


def test_a_missing_file_is_66(shell, served):
    """A picture or a request that is not there."""
    box = served()
    assert shell(*changed(image_urls=["not-there.png"])).code == 66
    assert shell("run", MODEL, "--input-file", "not-there.json").code == 66
    assert not box.submissions


def test_no_network_is_69_and_nothing_is_charged(shell, served):
    """Nobody listens: nothing was sent."""
    box = served()
    with box.refusing():
        ran = shell(*RUN)
        assert shell("balance").code == 69
    assert ran.code == 69
    assert "nothing is charged" in ran.err
    assert not box.submissions


def test_a_wait_that_is_too_long_is_75_and_can_be_collected(shell, served):
    """The request id is in the message, and `nbbanana resume` brings the picture."""
    box = served(duration=2.0, time_scale=1)
    ran = shell(*RUN, NBBANANA_TIMEOUT="1")
    assert (ran.code, ran.out) == (75, "")
    assert box.submissions[0].request_id in ran.err
    assert "nbbanana resume" in ran.err
    assert len(shell("resume").json) == 1


def test_without_a_credential_it_is_77_and_never_the_sandbox(shell):
    """Nothing falls back by itself."""
    for words in (RUN, ("balance",), ("whoami",), ("status", "x"), ("resume",), ("models", "list", "--remote")):
        ran = shell(*words)
        assert (ran.code, ran.out) == (77, ""), words
        assert "sandbox" in ran.err
    assert shell("history", "--output", "json").json == []


def test_a_rejected_token_is_77(shell, served):
    """The service does not know it."""
    box = served()
    ran = shell("balance", RUNCOMFY_TOKEN="another")
    assert ran.code == 77
    assert shell(*RUN, RUNCOMFY_TOKEN="two words").code == 77
    assert not box.submissions
    assert "another" not in ran.err


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o620])
def test_a_token_file_that_others_can_read_is_77_and_never_used(shell, served, mode):
    """A clear word about what to do; with mode 0600 the same file works."""
    box = served()
    token = shell.env.pop("RUNCOMFY_TOKEN")
    bases = ("RUNCOMFY_MODEL_API_BASE", "RUNCOMFY_SERVERLESS_API_BASE", "RUNCOMFY_WEB_BASE")
    folder = shell.folder / "conf"
    folder.mkdir()
    endpoints = dict(zip(("model_api", "account", "web"), (shell.env[name] for name in bases), strict=True))
    file = folder / "token.json"
    file.write_text(json.dumps({"access_token": token, "endpoints": endpoints}))
    file.chmod(mode)
    refused = shell("balance", RUNCOMFY_CONFIG_DIR=str(folder))
    assert (refused.code, refused.out) == (77, "")
    assert "chmod 600" in refused.err
    assert token not in refused.err
    assert not box.requests
    file.chmod(0o600)
    assert shell("balance", RUNCOMFY_CONFIG_DIR=str(folder)).code == 0


def test_a_stored_token_goes_to_no_other_base(shell, served):
    """A token file as the RunComfy CLI writes it is for RunComfy: a base elsewhere does not get it."""
    box = served()
    del shell.env["RUNCOMFY_TOKEN"]
    folder = shell.folder / "conf"
    folder.mkdir()
    file = folder / "token.json"
    content = {"access_token": box.token, "refresh_token": None, "expires_at": None, "user_email": None}
    file.write_text(json.dumps(content, indent=2))
    file.chmod(0o600)
    assert shell("balance", RUNCOMFY_CONFIG_DIR=str(folder)).code == 77
    assert not box.requests


def test_ctrl_c_in_the_queue_cancels_at_the_service(shell, served):
    """130, what happened in words, and a record that says cancelled."""
    box = served(slots=1, duration=60.0, time_scale=1)
    shell(*changed(seed=1), "--no-wait")
    process = shell.start(*RUN, PYTHONUNBUFFERED="1")
    until(lambda: len(box.submissions) == 2 and [seen for seen in box.requests if seen.target == "status"])
    ran = shell.interrupt(process)
    assert (ran.code, ran.out) == (130, "")
    assert "Interrupted" in ran.err
    assert "nothing is charged" in ran.err
    assert "Traceback" not in ran.err
    assert box.submissions[1].state == "cancelled"
    assert shell("history", "--output", "json").json[0]["state"] == "cancelled"


def test_ctrl_c_while_it_runs_says_that_it_may_be_charged(shell, served):
    """What runs cannot be cancelled; it can be collected."""
    box = served(duration=5.0, time_scale=1)
    process = shell.start(*RUN)
    until(lambda: box.submissions and [seen for seen in box.requests if seen.target == "status"])
    ran = shell.interrupt(process)
    assert ran.code == 130
    assert "may be charged" in ran.err
    assert "nbbanana resume" in ran.err
    box.finish(box.submissions[0].request_id)
    assert len(shell("resume").json) == 1
    assert len(box.submissions) == 1


def test_ctrl_c_at_the_login_is_130(shell, served):
    """Nothing is stored."""
    served()
    process = shell.start("login")
    process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
