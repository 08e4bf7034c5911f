"""A record as a `curl` command: a shell that runs it sends the same request, whatever stands in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time

import httpx
import pytest
from support.waiting import PATIENCE

from nbbanana import errors
from nbbanana.prompts import Prompt

HOSTILE = 'It\'s "$HOME" `id` $(id) \\ \\n !! %s\nNBBANANA_REQUEST\n{{cat}} 霓虹 \N{RIGHT-TO-LEFT OVERRIDE} é'

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="this machine has no curl")


def asked(box, number=-1):
    """What a submission asked, as the service saw it, with pictures cut to their length."""
    submission = box.submissions[number]
    return submission.model_id, submission.payload


def made(box, request_id):
    """The bytes of what came of a job; the sandbox makes equal pictures of equal requests only."""
    headers = {"Authorization": f"Bearer {box.token}"}
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        answer = httpx.get(f"{box.api_base}/requests/{request_id}/result", headers=headers).json()
        if answer["status"] == "completed":
            return [httpx.get(url).content for url in answer["output"]["images"]]
        time.sleep(0.02)
    raise AssertionError(answer)


def run(command, box, shell):
    """Run a command as a user would who pastes it; gives what the service answered."""
    environment = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "RUNCOMFY_TOKEN": box.token}
    done = subprocess.run([shell, "-c", command], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return json.loads(done.stdout)


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_it_sends_what_was_sent(served, photo, shell):
    """Words that a shell would act upon, two pictures, a seed that was drawn: the same payload byte for byte."""
    session, box = served(store='it\'s a "store"')
    result = session.edit(Prompt(HOSTILE), photo("portrait"), photo("coffee"), resolution="0.5K", number_of_images=2)
    first = asked(box)
    answer = run(result.curl(), box, shell)
    assert answer["request_id"] != result.record.request_id
    assert asked(box) == first
    assert made(box, answer["request_id"]) == [output.bytes for output in result]
    assert len(box.submissions) == 2


def test_an_address_stays_an_address(served):
    """A picture that the service fetches by itself is named by its URL."""
    session, box = served()
    result = session.edit("Make it snow.", "https://example.org/a$b'c.png?x=1&y=`2`", seed=1, resolution="0.5K")
    run(result.curl(), box, "sh")
    assert asked(box) == asked(box, 0)


def test_it_holds_no_token_and_says_that_it_costs(served, photo):
    """It can be shown to anybody, and nobody runs it for free unawares."""
    session, box = served()
    command = session.edit("Make it snow.", photo("portrait"), seed=1, resolution="0.5K").curl()
    assert box.token not in command
    assert command.startswith("# Sends the request once more; that is paid for.\n")
    assert len(command) < 1500


def test_a_picture_that_is_gone_is_said(served, photo):
    """Without the bytes there is no request."""
    session, _ = served()
    result = session.edit("Make it snow.", photo("portrait"), seed=1, resolution="0.5K")
    session.store.blob_path(result.inputs[0].sha256).unlink()
    with pytest.raises(errors.NotInStoreError):
        result.curl()
