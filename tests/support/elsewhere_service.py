"""The service of the provider in `support/elsewhere`, on loopback; it refuses what it does not know."""

from __future__ import annotations

import re
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from nbbanana.providers import registry
from nbbanana.sandbox.painter import flat
from nbbanana.sandbox.server import Listener

__all__ = ["KEY", "ElsewhereService", "installed"]

KEY = "the-secret-of-elsewhere"
FIELDS = {"words", "pictures", "copies", "seed", "resolution"}
PACKAGE = Path(__file__).parent / "elsewhere"


class ElsewhereService:
    """
    The service.

    Args:
        holds: whether jobs wait until `holds` is taken back.
    """

    def __init__(self, *, holds: bool = False) -> None:
        self.holds = holds
        self.posts: list[dict[str, Any]] = []
        self.stopped: set[str] = set()
        self._listener = Listener(self._app, "127.0.0.1", 0)

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()

    @property
    def url(self) -> str:
        """Its base."""
        return self._listener.origin

    @property
    def _app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/jobs/banana-two", self._take, methods=["POST"]),
                Route("/jobs/{id}", self._job),
                Route("/jobs/{id}", self._stop, methods=["DELETE"]),
                Route("/files/{name}", self._file, methods=["GET", "HEAD"]),
            ]
        )

    async def _take(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return JSONResponse({"error": "No such key."}, 401)
        asked = await request.json()
        if unknown := asked.keys() - FIELDS:
            return JSONResponse({"error": f"What is {', '.join(unknown)}?"}, 400)
        self.posts.append({**asked, "id": uuid.uuid4().hex})
        return JSONResponse({"request_id": self.posts[-1]["id"]})

    async def _job(self, request: Request) -> Response:
        post = next(post for post in self.posts if post["id"] == request.path_params["id"])
        if post["id"] in self.stopped:
            return JSONResponse({"state": "stopped"})
        if self.holds:
            return JSONResponse({"state": "waits"})
        count = post.get("copies", 1)
        images = [f"{self.url}/files/{post['id']}-{index}.png" for index in range(count)]
        return JSONResponse({"state": "done", "images": images, "paid": round(0.03 * count, 6)})

    async def _stop(self, request: Request) -> Response:
        self.stopped.add(request.path_params["id"])
        return JSONResponse({"state": "stopped"})

    async def _file(self, request: Request) -> Response:
        name = request.path_params["name"]
        return Response(flat(name, 0, int(re.findall(r"-(\d+)\.png$", name)[0])), media_type="image/png")


@contextmanager
def installed(patch: pytest.MonkeyPatch) -> Iterator[ElsewhereService]:
    """The package as pip would leave it, its service, and the key in the environment."""
    service = ElsewhereService()
    patch.syspath_prepend(PACKAGE)
    patch.setenv("PYTHONPATH", str(PACKAGE), prepend=":")
    patch.setenv("ELSEWHERE_KEY", KEY)
    patch.setenv("ELSEWHERE_BASE", service.url)
    registry._others.cache_clear()
    yield service
    registry._others.cache_clear()
    sys.modules.pop("elsewhere_provider", None)
    service.close()
