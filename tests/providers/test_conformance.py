"""
What every provider keeps to, over sockets, at emulators of RunComfy, fal, the Gemini API and OpenRouter.

A kernel is killed three times at RunComfy and once at the others; more often in the long form.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.fal_service import FalService
from support.gemini_service import GeminiService
from support.openrouter_service import OpenRouterService
from support.runcomfy_service import RunComfyService
from support.tiers import scaled

from nbbanana.providers.service import ANSWER_CAP
from nbbanana.testing.conformance import Conformance


class TestRunComfy(Conformance):
    """RunComfy, which the sandbox stands in for."""

    provider = "runcomfy"
    emulator = RunComfyService


class TestFal(Conformance):
    """fal."""

    provider = "fal"
    emulator = FalService
    kills = 1


class TestGemini(Conformance):
    """The Gemini API."""

    provider = "gemini"
    emulator = GeminiService
    kills = 1
    cap = ANSWER_CAP


class TestOpenRouter(Conformance):
    """OpenRouter."""

    provider = "openrouter"
    emulator = OpenRouterService
    kills = 1
    cap = ANSWER_CAP


SUITES = (TestRunComfy, TestFal, TestGemini, TestOpenRouter)


@pytest.fixture
def suite(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Conformance]:
    """One of the suites, prepared."""
    with request.param().prepared(tmp_path, monkeypatch) as found:
        yield found


@pytest.mark.timeout(0)
@pytest.mark.parametrize("suite", SUITES, indirect=True, ids=lambda suite: suite.provider)
@pytest.mark.parametrize(
    "kills",
    [
        pytest.param(scaled(5), marks=pytest.mark.nightly, id="many"),
        pytest.param(50, marks=pytest.mark.soak, id="fifty"),
    ],
)
def test_many_killed_kernels_pay_nothing_twice(suite: Conformance, kills: int) -> None:
    """The long form of the suite's own test; it prints what the kernels left."""
    sys.stdout.write(f"\n{suite.provider}, {kills} kills: {dict(suite.kill(kills))}\n")
