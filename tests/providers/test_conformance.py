"""What every provider keeps to, over sockets, at emulators of RunComfy, fal, the Gemini API and OpenRouter."""

from __future__ import annotations

from support.fal_service import FalService
from support.gemini_service import GeminiService
from support.openrouter_service import OpenRouterService
from support.runcomfy_service import RunComfyService

from nbbanana.providers.synchronous import ANSWER_CAP
from nbbanana.testing.conformance import Conformance


class TestRunComfy(Conformance):
    """RunComfy, which the sandbox stands in for."""

    provider = "runcomfy"
    emulator = RunComfyService


class TestFal(Conformance):
    """fal."""

    provider = "fal"
    emulator = FalService


class TestGemini(Conformance):
    """The Gemini API."""

    provider = "gemini"
    emulator = GeminiService
    cap = ANSWER_CAP


class TestOpenRouter(Conformance):
    """OpenRouter."""

    provider = "openrouter"
    emulator = OpenRouterService
    cap = ANSWER_CAP
