"""
The Gemini API on loopback, as Google's client and the tests of others have it; it refuses what the real one refuses.

What is not sure is a switch: `shape` is how an answer spells its parts, `media` what pictures come as.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from nbbanana.sandbox import Fault
from nbbanana.testing.emulator import Emulator, Post, picture

__all__ = ["KEY", "GeminiService"]

KEY = "AIza-a-secret-of-gemini"
MODELS = {
    "gemini-nano-banana-2.1": {"1K", "2K", "4K"},
    "gemini-3.1-flash-image": {"512", "1K", "2K", "4K"},
}
RATIOS = {"1:1", "1:4", "1:8", "2:3", "3:2", "3:4", "4:1", "4:3", "4:5", "5:4", "8:1", "9:16", "16:9", "21:9"}
SIZES = MODELS["gemini-nano-banana-2.1"]
CONFIGURATION = {"responseModalities", "imageConfig", "seed", "thinkingConfig", "temperature", "candidateCount"}
IMAGE_TOKENS, THOUGHT_TOKENS = 1120, 668
BOUND = 2**31
INFO = "type.googleapis.com/google.rpc"


class GeminiService(Emulator):
    """
    The service; use it as a context manager.

    Args:
        quota: the name of the quota that is used up; empty is none.
        retired: models that it serves no more.
        shape: `camel`, or `snake` as some proxies spell an answer.
        media: `png` or `jpeg`.
        ends: how the next requests end, one after another; then all as `end` says. `ok`, `prompt` and `blocked` are
            refused, `words` is an answer without a picture, `nothing` one without anything.
        faults, end, holds: see `Emulator`.
    """

    key = KEY

    def __init__(
        self,
        *,
        quota: str = "",
        retired: Iterable[str] = (),
        shape: str = "camel",
        media: str = "png",
        ends: Iterable[str] = (),
        faults: Iterable[Fault] = (),
        end: str = "ok",
        holds: bool = False,
    ) -> None:
        super().__init__(faults=faults, end=end, holds=holds)
        self.quota = quota
        self.retired = set(retired)
        self.newer: set[str] = set()
        """Models that came after this package; they take what the newest known one takes."""
        self.shape = shape
        self.media = media
        self.ends = list(ends)

    @property
    def environment(self) -> dict[str, str]:
        """What points nbbanana here."""
        return {"GEMINI_API_KEY": KEY, "NBBANANA_GEMINI_BASE": f"{self.url}/v1beta"}

    @property
    def routes(self) -> list[BaseRoute]:
        """`generateContent`, in both versions, and what is told of a model."""
        return [
            Route("/{version}/models/{call:path}", self._generate, methods=["POST"]),
            Route("/{version}/models/{name}", self._model),
        ]

    def target(self, method: str, path: str) -> str:
        """Every POST is one that is paid for."""
        return "submit" if method == "POST" else "catalog"

    def error(self, status: int, message: str, kind: str = "", details: Iterable[Mapping[str, Any]] = ()) -> Response:
        """Return an error in Google's form."""
        names = {400: "INVALID_ARGUMENT", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}
        body = {"code": status, "message": message, "status": kind or names.get(status, "INTERNAL")}
        return JSONResponse({"error": body | ({"details": list(details)} if details else {})}, status)

    async def _model(self, request: Request) -> Response:
        name = request.path_params["name"]
        if request.headers.get("x-goog-api-key") != KEY:
            return self.error(403, "Method doesn't allow unregistered callers.")
        if name in self.retired or name not in {*MODELS, *self.newer}:
            return self.error(404, f"models/{name} is not found for API version v1beta.")
        return JSONResponse({"name": f"models/{name}", "supportedGenerationMethods": ["generateContent"]})

    async def _generate(self, request: Request) -> Response:
        model, _, method = request.path_params["call"].partition(":")
        if request.headers.get("x-goog-api-key") != KEY:
            info = {"@type": f"{INFO}.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
            return self.error(400, "API key not valid. Please pass a valid API key.", details=[info])
        if method != "generateContent" or model not in {*MODELS, *self.newer} or model in self.retired:
            return self.error(404, f"models/{model} is not found for API version v1beta.")
        if self.quota:
            return self._used_up()
        payload = await request.json()
        if wrong := _wrong(model, payload):
            return self.error(400, wrong)
        post = await self.take(request, model, payload)
        post.over = self.ends.pop(0) if self.ends else self.end
        return JSONResponse(self._spelled(_answer(post, self.media)))

    def _used_up(self) -> Response:
        violation = {"quotaMetric": "generate_content_images", "quotaId": self.quota}
        details: list[Mapping[str, Any]] = [{"@type": f"{INFO}.QuotaFailure", "violations": [violation]}]
        if "PerMinute" in self.quota:
            details.append({"@type": f"{INFO}.RetryInfo", "retryDelay": "0.05s"})
            self.quota = ""  # the minute passes
        limit = "limit: 0" if "FreeTier" in violation["quotaId"] else "limit: 10"
        return self.error(429, f"You exceeded your current quota, {limit}.", details=details)

    def _spelled(self, answer: Any) -> Any:
        if self.shape == "camel":
            return answer
        if isinstance(answer, dict):
            snake = {"inlineData": "inline_data", "mimeType": "mime_type"}
            return {snake.get(name, name): self._spelled(value) for name, value in answer.items()}
        return [self._spelled(one) for one in answer] if isinstance(answer, list) else answer


def _wrong(model: str, payload: Any) -> str:
    """What is wrong with a request, in Google's words; empty where nothing is."""
    contents, configuration = payload.get("contents"), payload.get("generationConfig", {})
    known = {"contents", "generationConfig", "tools", "safetySettings"}
    unknown = [*(set(payload) - known), *(set(configuration) - CONFIGURATION)]
    shape, seed = configuration.get("imageConfig", {}), configuration.get("seed", 0)
    wrong = {
        f'Invalid JSON payload received. Unknown name "{unknown[:1]}".': bool(unknown),
        "contents is not specified": not isinstance(contents, list) or not contents,
        "Unable to process input image.": not _are_pictures(contents),
        "Multiple candidates is not enabled for this model": configuration.get("candidateCount", 1) != 1,
        'Unknown name in "image_config".': bool(set(shape) - {"aspectRatio", "imageSize"}),
        f"Invalid aspect ratio: {shape}": shape.get("aspectRatio", "1:1") not in RATIOS,
        f"Invalid image size: {shape}": shape.get("imageSize", "1K") not in MODELS.get(model, SIZES),
        "Invalid value at 'generation_config.seed' (TYPE_INT32)": type(seed) is not int or not -BOUND <= seed < BOUND,
    }
    return next((words for words, is_wrong in wrong.items() if is_wrong), "")


def _are_pictures(contents: Any) -> bool:
    pictures = [part["inlineData"] for one in contents or () for part in one["parts"] if "inlineData" in part]
    return len(pictures) <= 14 and all(base64.b64decode(one["data"], validate=True) for one in pictures)


def _answer(post: Post, media: str) -> dict[str, Any]:
    usage = {"promptTokenCount": 1130, "thoughtsTokenCount": THOUGHT_TOKENS, "totalTokenCount": 1130 + THOUGHT_TOKENS}
    whole = {"usageMetadata": usage, "modelVersion": post.model, "responseId": post.id}
    if post.over == "prompt":
        return {**whole, "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
    if post.over == "blocked":
        refused = {"content": {"role": "model"}, "finishReason": "IMAGE_SAFETY", "index": 0}
        return {**whole, "candidates": [{**refused, "finishMessage": "Unable to show the generated image."}]}
    if post.over in {"words", "failed"}:
        parts = [{"text": "I cannot edit this picture."}]
        return {**whole, "candidates": [{"content": {"parts": parts, "role": "model"}, "finishReason": "STOP"}]}
    if post.over == "nothing":
        return {**whole, "candidates": [{"content": {"role": "model"}, "finishReason": "NO_IMAGE"}]}
    interim = {"inlineData": {"mimeType": "image/png", "data": _base64(picture(post, 9))}, "thought": True}
    final = {"inlineData": {"mimeType": f"image/{media}", "data": _base64(picture(post, 0, media))}}
    usage |= {
        "candidatesTokenCount": IMAGE_TOKENS,
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": IMAGE_TOKENS}],
    }
    return {
        **whole,
        "candidates": [{"content": {"parts": [{"text": "", "thought": True}, interim, final], "role": "model"},
                        "finishReason": "STOP", "index": 0}],
    }  # fmt: skip


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
