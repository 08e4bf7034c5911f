"""The official clients talk to the emulators: the emulators speak what the services speak."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.fal_service import FalService
from support.gemini_service import GeminiService
from support.openrouter_service import COST, OpenRouterService

from nbbanana.testing.emulator import Emulator

pytestmark = pytest.mark.nightly

SCRIPTS = Path(__file__).parent / "official"


def ask(script: str, service: Emulator, model: str, size: str = "2K", *, key: str = "", base: str = "") -> Any:
    """What an official client gets, in a process of its own: none of them is imported here."""
    environment = {**os.environ, "KEY": key or service.key, "BASE": f"{service.url}{base}"}
    command = [sys.executable, "-W", "ignore", str(SCRIPTS / script), model, size]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_google_s_client_gets_a_picture_refusals_and_errors() -> None:
    """Submit, result, refusal of the picture and of the words, a size that is none, a wrong key, a retired model."""
    model, client = "gemini-nano-banana-2.1", "gemini_client.py"
    with GeminiService(ends=["ok", "blocked", "prompt"], retired=["gemini-3.1-flash-image"]) as service:
        made = ask(client, service, model)
        assert (made["pictures"], made["finish"], made["model"]) == (1, "STOP", model)
        assert made["thoughts"] > 0
        assert ask(client, service, model)["finish"] == "IMAGE_SAFETY"
        assert ask(client, service, model)["blocked"] == "PROHIBITED_CONTENT"
        assert ask(client, service, model, "512") == {"error": 400, "status": "INVALID_ARGUMENT"}
        assert ask(client, service, model, key="wrong") == {"error": 400, "status": "INVALID_ARGUMENT"}
        assert ask(client, service, "gemini-3.1-flash-image") == {"error": 404, "status": "NOT_FOUND"}
        assert len(service.posts) == 3


def test_openrouter_s_client_gets_a_picture_its_cost_and_errors() -> None:
    """The image API and the endpoints of a model, a wrong key, refused content."""
    model, client = "google/gemini-nano-banana-2.1", "openrouter_client.py"
    with OpenRouterService() as service:
        made = ask(client, service, model, base="/api/v1")
        assert made == {"pictures": 1, "cost": COST, "endpoints": True}
        assert ask(client, service, model, key="wrong", base="/api/v1") == {"error": 401}
    with OpenRouterService(end="blocked") as service:
        assert ask(client, service, model, base="/api/v1") == {"error": 400}


def test_fal_s_client_submits_waits_and_gets_the_result() -> None:
    """And a refusal, a size that is none, and a wrong key."""
    model, client = "fal-ai/nano-banana-2/edit", "fal_queue_client.py"
    with FalService(duration=0.2) as service:
        made = ask(client, service, model)
        assert (made["pictures"], made["last"], made["id"]) == (1, "Completed", service.posts[0].id)
        assert ask(client, service, model, "7K") == {"error": 422}
        assert ask(client, service, model, key="wrong") == {"error": 401}
    with FalService(end="blocked") as service:
        assert ask(client, service, model) == {"error": 422}
