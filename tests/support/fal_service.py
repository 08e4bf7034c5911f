"""
fal's queue on loopback, as its documentation and its clients describe it; it refuses what fal refuses.

What is not sure is a switch: `cancel_word` is what a cancel of a waiting request says.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any

import fastjsonschema
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from nbbanana.models.offers import offer
from nbbanana.sandbox import Fault
from nbbanana.sandbox.painter import flat
from nbbanana.testing.emulator import Emulator, Post

__all__ = ["KEY", "FalService"]

KEY = "fal-key-id:a-secret-of-fal"
MODELS = {
    "fal-ai/nano-banana-2/edit": "google/nano-banana-2/edit",
    "fal-ai/nano-banana-2": "google/nano-banana-2/text-to-image",
    "google/nano-banana-2.1/edit": "google/nano-banana-2.1/edit",
}


class FalService(Emulator):
    """
    The service; use it as a context manager.

    Args:
        duration: seconds that a request waits and runs, half of it each; `math.inf` never ends by itself.
        locked: the reason for which the account is locked; empty is none.
        cancel_word: what a cancel of a waiting request says.
        faults, end, holds: see `Emulator`.
    """

    key = KEY

    def __init__(
        self,
        *,
        duration: float = 0.0,
        locked: str = "",
        cancel_word: str = "OK",
        faults: Iterable[Fault] = (),
        end: str = "ok",
        holds: bool = False,
    ) -> None:
        super().__init__(faults=faults, end=end)
        self.duration = math.inf if holds else duration
        self.locked = locked
        self.cancel_word = cancel_word
        self.catalogue: dict[str, Any] = {name: document(known) for name, known in MODELS.items()}
        """The OpenAPI document of each model."""
        self.prices: dict[str, float] = {"fal-ai/nano-banana-2/edit": 0.08}
        """US dollars a picture; a model that is charged otherwise has none."""
        self.absent = "bare"
        """How its catalogue says that it has no model: a `bare` entry, an `empty` list, or a `404`."""
        self.gone: set[str] = set()
        """Models that it does not have any more."""
        self._checks = {name: fastjsonschema.compile(_schema(known)) for name, known in MODELS.items()}

    @property
    def environment(self) -> dict[str, str]:
        """What points nbbanana here."""
        return {"FAL_KEY": KEY, "NBBANANA_FAL_QUEUE": self.url, "NBBANANA_FAL_PLATFORM": f"{self.url}/v1"}

    def offers(self, name: str, described: Mapping[str, Any], like: str = "fal-ai/nano-banana-2/edit") -> None:
        """Add a model to its catalogue: it takes what another one takes."""
        self.catalogue[name] = described
        self._checks[name] = self._checks[like]

    def release(self) -> None:
        """End every request: a queue takes a POST at once and keeps the request waiting."""
        super().release()
        self.finish()

    def finish(self) -> None:
        """End every request that waits or runs."""
        self.duration = 0.0

    @property
    def routes(self) -> list[BaseRoute]:
        """The queue, and the outputs."""
        job = "/{owner}/{app}/requests/{request_id}"
        return [
            Route("/outputs/{name}", self._output, methods=["GET", "HEAD"]),
            Route("/v1/models", self._listed),
            Route("/v1/models/pricing", self._priced),
            Route(f"{job}/status", self._status),
            Route(f"{job}/cancel", self._cancel, methods=["PUT"]),
            Route(job, self._result),
            Route("/{model:path}", self._submit, methods=["POST"]),
        ]

    def target(self, method: str, path: str) -> str:
        """Return what a request is about, by its method and the end of its path."""
        if method == "POST":
            return "submit"
        if path.startswith("/outputs/"):
            return "download"
        last = path.rpartition("/")[2]
        return last if last in {"status", "cancel"} else "result"

    def error(self, status: int, message: str) -> Response:
        """Return an error in fal's form."""
        return JSONResponse({"detail": message}, status)

    async def _submit(self, request: Request) -> Response:
        model = request.path_params["model"]
        if refused := self._refused(request):
            return refused
        if model not in self._checks or model in self.gone:
            return JSONResponse({"detail": "Application not found"}, 404)
        payload = await request.json()
        try:
            self._checks[model](payload)
        except fastjsonschema.JsonSchemaException as error:
            return JSONResponse(
                {"detail": [{"loc": ["body", *error.path[1:]], "msg": error.message, "type": "value_error"}]}, 422
            )
        post = await self.take(request, model, payload)
        app = "/".join(model.split("/")[:2])
        home = f"{self.url}/{app}/requests/{post.id}"
        links = {"response_url": home, "status_url": f"{home}/status", "cancel_url": f"{home}/cancel"}
        return JSONResponse({"request_id": post.id, "status": "IN_QUEUE", "queue_position": 0, **links})

    async def _listed(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        name = request.query_params["endpoint_id"]
        entry: dict[str, Any] = {"endpoint_id": name}
        if name not in self.catalogue or name in self.gone:
            if self.absent == "404":
                return JSONResponse({"detail": "Not found"}, 404)
            return JSONResponse({"models": [entry] if self.absent == "bare" else []})
        if name in self.catalogue and name not in self.gone:
            entry["metadata"] = {"display_name": name, "category": "image-to-image", "status": "active"}
            if request.query_params.get("expand") == "openapi-3.0":
                entry["openapi"] = self.catalogue[name]
        return JSONResponse({"models": [entry], "has_more": False, "next_cursor": None})

    async def _priced(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        name = request.query_params["endpoint_id"]
        price = {"endpoint_id": name, "unit_price": self.prices.get(name), "unit": "images", "currency": "USD"}
        return JSONResponse({"prices": [price] if name in self.prices else [], "has_more": False})

    async def _status(self, request: Request) -> Response:
        post = self._found(request)
        if not isinstance(post, Post):
            return post
        state = self._state(post)
        answer: dict[str, Any] = {"status": state, "request_id": post.id}
        if state == "IN_QUEUE":
            answer["queue_position"] = 0
        else:
            answer["logs"] = None
        if state == "COMPLETED":
            answer["metrics"] = {"inference_time": self.duration}
        if state == "COMPLETED" and post.over != "ok":
            answer |= {"error": "It failed.", "error_type": "content_policy_violation"}
        return JSONResponse(answer, 200 if state == "COMPLETED" else 202)

    async def _result(self, request: Request) -> Response:
        post = self._found(request)
        if not isinstance(post, Post):
            return post
        if self._state(post) != "COMPLETED":
            return JSONResponse({"detail": "Request is still in progress"}, 400)
        if post.over == "blocked":
            detail = {"loc": ["body", "prompt"], "msg": "The content was flagged.", "type": "content_policy_violation"}
            return JSONResponse({"detail": [detail]}, 422)
        if post.over == "failed":
            return JSONResponse({"detail": "The runner failed.", "error_type": "internal_error"}, 422)
        count = post.payload.get("num_images", 1)
        images = [{"url": f"{self.url}/outputs/{post.id}-{n}.png", "content_type": "image/png"} for n in range(count)]
        return JSONResponse({"images": images, "description": ""})

    async def _cancel(self, request: Request) -> Response:
        post = self._found(request)
        if not isinstance(post, Post):
            return post
        if self._state(post) == "COMPLETED":
            return JSONResponse({"status": "ALREADY_COMPLETED"}, 400)
        if self._state(post) == "IN_PROGRESS":
            return JSONResponse({"status": "CANCELLATION_REQUESTED"}, 202)
        self.posts.remove(post)
        return JSONResponse({"status": self.cancel_word}, 202)

    async def _output(self, request: Request) -> Response:
        name = request.path_params["name"]
        return Response(flat(name, 0, int(re.findall(r"-(\d+)\.png$", name)[0])), media_type="image/png")

    def _found(self, request: Request) -> Post | Response:
        if refused := self._refused(request):
            return refused
        owner, app, request_id = (request.path_params[name] for name in ("owner", "app", "request_id"))
        for post in self.posts:
            if post.id == request_id and post.model.startswith(f"{owner}/{app}"):
                return post
        return JSONResponse({"detail": "Request not found", "status": "NOT_FOUND"}, 404)

    def _state(self, post: Post) -> str:
        passed = time.monotonic() - post.at
        if passed >= self.duration:
            post.over = post.over or self.end
            return "COMPLETED"
        return "IN_QUEUE" if passed < self.duration / 2 or math.isinf(self.duration) else "IN_PROGRESS"

    def _refused(self, request: Request) -> Response | None:
        if request.headers.get("authorization") != f"Key {KEY}":
            return JSONResponse({"detail": "Authentication is required to access this application"}, 401)
        if self.locked:
            return JSONResponse({"detail": f"User is locked. Reason: {self.locked}."}, 403)
        return None


def document(model: str) -> dict[str, Any]:
    """fal's OpenAPI document of a model: the input behind a reference, and what may be left out as an alternative."""
    known = _schema(model)
    properties = {name: {"title": name.title(), **node} for name, node in known["properties"].items()}
    properties["seed"] = {"anyOf": [{"type": "integer"}, {"type": "null"}], "title": "Seed"}
    properties["sync_mode"] = {"type": "boolean", "default": False}
    described = {**known, "properties": properties, "title": "EditInput"}
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/EditInput"}}}}
    return {
        "openapi": "3.0.4",
        "components": {"schemas": {"EditInput": described}},
        "paths": {
            f"/{model}/requests/{{request_id}}/status": {"get": {"parameters": []}},
            f"/{model}": {"post": {"requestBody": body}},
        },
    }


def _schema(model: str) -> dict[str, Any]:
    """What fal takes: the fields of the catalogue's file, with `image_urls` as URLs."""
    found = offer("fal", model)
    assert found is not None
    plain = dict(found.schema)
    plain["properties"] = {
        name: {key: value for key, value in node.items() if key not in {"format", "x-nbbanana", "default"}}
        for name, node in found.schema["properties"].items()
    }
    return plain
