"""The service of the provider in `support/elsewhere`, on loopback; it refuses what it does not know."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from nbbanana.providers import registry
from nbbanana.testing.emulator import Emulator, Post, picture

__all__ = ["KEY", "ElsewhereService", "installed"]

KEY = "the-secret-of-elsewhere"
FIELDS = {"words", "pictures", "copies", "seed", "resolution"}
FACTORS = {"0.5K": 0.5, "1K": 1, "2K": 2, "4K": 4}
PACKAGE = Path(__file__).parent / "elsewhere"


class ElsewhereService(Emulator):
    """The service; its jobs wait in its queue as long as `waits` says so."""

    key = KEY

    def __init__(self, **switches: Any) -> None:
        super().__init__(**switches)
        self.waits = False

    @property
    def environment(self) -> dict[str, str]:
        """What points nbbanana here."""
        return {"ELSEWHERE_KEY": KEY, "ELSEWHERE_BASE": self.url}

    @property
    def routes(self) -> list[BaseRoute]:
        """A POST for a job, its state, its end, its files."""
        return [
            Route("/jobs/banana-two", self._take, methods=["POST"]),
            Route("/jobs/{id}", self._job),
            Route("/jobs/{id}", self._stop, methods=["DELETE"]),
            Route("/files/{name}", self._file, methods=["GET", "HEAD"]),
        ]

    def target(self, method: str, path: str) -> str:
        """Return what a request is, by its method and path."""
        if path.startswith("/files/"):
            return "download"
        return {"POST": "submit", "DELETE": "cancel"}.get(method, "status")

    async def _take(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return JSONResponse({"error": "No such key."}, 401)
        asked = await request.json()
        if unknown := asked.keys() - FIELDS:
            return JSONResponse({"error": f"What is {', '.join(unknown)}?"}, 400)
        post = await self.take(request, "banana-two", asked)
        return JSONResponse({"request_id": post.id})

    async def _job(self, request: Request) -> Response:
        post = self._post(request.path_params["id"])
        if self.end == "blocked":
            return JSONResponse({"state": "failed", "error": "Its words were refused."})
        if post.over or self.waits:
            return JSONResponse({"state": post.over or "waits"})
        count = post.payload.get("copies", 1)
        images = [f"{self.url}/files/{post.id}-{index}.png" for index in range(count)]
        paid = 0.03 * count * FACTORS[post.payload.get("resolution", "1K")]
        return JSONResponse({"state": "done", "images": images, "paid": round(paid, 6)})

    async def _stop(self, request: Request) -> Response:
        post = self._post(request.path_params["id"])
        post.over = "stopped" if self.waits else ""
        return JSONResponse({"state": post.over or "works"})

    async def _file(self, request: Request) -> Response:
        number, index = re.findall(r"(.*)-(\d+)\.png$", request.path_params["name"])[0]
        return Response(picture(self._post(number), int(index)), media_type="image/png")

    def _post(self, number: str) -> Post:
        return next(post for post in self.posts if post.id == number)


@contextmanager
def installed(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package lies where pip would leave it."""
    patch.syspath_prepend(PACKAGE)
    patch.setenv("PYTHONPATH", str(PACKAGE), prepend=":")
    registry._others.cache_clear()
    yield
    registry._others.cache_clear()
    sys.modules.pop("elsewhere_provider", None)
