"""
OpenRouter's image API on loopback, as its documentation and its client have it; it refuses what the real one refuses.

What is not sure is a switch: `tells` is whether the live catalogue tells a price a picture, `media_type` whether an
answer names it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from nbbanana.sandbox import Fault
from nbbanana.testing.emulator import Emulator, picture

__all__ = ["COST", "KEY", "OpenRouterService"]

KEY = "sk-or-v1-a-secret-of-openrouter"
MODELS = ("google/gemini-nano-banana-2.1", "google/gemini-3.1-flash-image")
COST = 0.04
FIELDS = {
    "model", "prompt", "input_references", "n", "seed", "aspect_ratio", "resolution", "output_format", "provider",
}  # fmt: skip
SIZES = ["1K", "2K", "4K"]


class OpenRouterService(Emulator):
    """
    The service; use it as a context manager.

    Args:
        has_credits: whether the account has credits.
        tells: what its catalogue tells of a price: `image`, `tokens`, or nothing where empty.
        retired: models that it serves no more.
        faults, end, holds: see `Emulator`.
    """

    key = KEY

    def __init__(
        self,
        *,
        has_credits: bool = True,
        tells: str = "image",
        retired: Iterable[str] = (),
        faults: Iterable[Fault] = (),
        end: str = "ok",
        holds: bool = False,
    ) -> None:
        super().__init__(faults=faults, end=end, holds=holds)
        self.has_credits = has_credits
        self.tells = tells
        self.retired = set(retired)
        self.models = set(MODELS)

    @property
    def environment(self) -> dict[str, str]:
        """What points nbbanana here."""
        return {"OPENROUTER_API_KEY": KEY, "NBBANANA_OPENROUTER_BASE": f"{self.url}/api/v1"}

    @property
    def routes(self) -> list[BaseRoute]:
        """The image API and its catalogue."""
        return [
            Route("/api/v1/images", self._images, methods=["POST"]),
            Route("/api/v1/images/models", self._models),
            Route("/api/v1/images/models/{author}/{slug}/endpoints", self._endpoints),
        ]

    def target(self, method: str, path: str) -> str:
        """Every POST is one that is paid for."""
        return "submit" if method == "POST" else "catalog"

    async def _images(self, request: Request) -> Response:
        payload = await request.json()
        if refused := self._refused(request, payload):
            return self.error(*refused)
        post = await self.take(request, payload["model"], payload)
        if self.end == "blocked":
            return self.error(400, "The request was blocked by the provider's content policy.")
        if self.end == "failed":
            return JSONResponse({"created": 1, "data": [], "usage": {"cost": 0.0}})
        data = base64.b64encode(picture(post)).decode()
        usage = {"prompt_tokens": 1130, "completion_tokens": 1120, "total_tokens": 2250, "cost": COST, "is_byok": False}
        return JSONResponse({"created": 1, "data": [{"b64_json": data, "media_type": "image/png"}], "usage": usage})

    def _refused(self, request: Request, payload: Any) -> tuple[int, str] | None:
        """Why a request is refused; None where it is not."""
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return 401, "No auth credentials found"
        if not self.has_credits:
            return 402, "Insufficient credits"
        if payload.get("model") not in self.models or payload["model"] in self.retired:
            return 404, f"No endpoints found for {payload.get('model')}."
        wrong = _wrong(payload)
        return (400, wrong) if wrong else None

    async def _models(self, request: Request) -> Response:
        found = [{"id": name, "name": name} for name in sorted(self.models) if name not in self.retired]
        return JSONResponse({"data": found})

    async def _endpoints(self, request: Request) -> Response:
        name = f"{request.path_params['author']}/{request.path_params['slug']}"
        if name not in self.models or name in self.retired:
            return self.error(404, "Model not found")
        supported: dict[str, Any] = {
            "seed": {"type": "boolean"},
            "aspect_ratio": {"type": "enum", "values": ["auto", "21:9", "1:1", "16:9", "9:16", "4:3", "3:4"]},
            "resolution": {"type": "enum", "values": SIZES},
        }
        prices = {
            "image": [{"billable": "output_image", "unit": "image", "cost_usd": COST}],
            "tokens": [
                {"billable": "output_image", "unit": "token", "cost_usd": 3e-05},
                {"billable": "input_text", "unit": "token", "cost_usd": 1.5e-06},
            ],
        }.get(self.tells, [])
        each = {"allowed_passthrough_parameters": [], "supports_streaming": False}
        other = {"provider_name": "Other", "provider_slug": "other", "provider_tag": None} | each
        own = {"provider_name": "Google AI Studio", "provider_slug": "google-ai-studio", "provider_tag": None} | each
        endpoints = [
            {**other, "supported_parameters": {"seed": {"type": "boolean"}}, "pricing": []},
            {**own, "supported_parameters": supported, "pricing": prices},
        ]
        return JSONResponse({"id": name, "endpoints": endpoints})


def _wrong(payload: Any) -> str:
    if unknown := set(payload) - FIELDS:
        return f"Unrecognized key: {min(unknown)}"
    if payload.get("n", 1) != 1:
        return "This provider draws one image a request"
    references = payload.get("input_references", [])
    if len(references) > 14 or any(set(one) != {"type", "image_url"} for one in references):
        return "Invalid input_references"
    if payload.get("resolution", "1K") not in SIZES or payload.get("aspect_ratio", "auto") == "7:3":
        return "Invalid resolution or aspect_ratio"
    return ""
