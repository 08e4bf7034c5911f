"""A submission to send, and a client that speaks plain HTTP to a served sandbox."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import lru_cache
from io import BytesIO
from typing import Any

import httpx
from PIL import Image

from nbbanana.sandbox import Sandbox

EDIT = "google/nano-banana-2/edit"
TEXT_TO_IMAGE = "google/nano-banana-2/text-to-image"


@lru_cache
def flat_sandbox(time_scale: float) -> Sandbox:
    """The sandbox in this process as `nbbanana.providers.local` keeps it, with pictures that cost nothing."""
    return Sandbox(time_scale=time_scale, balance=1000.0, paint="flat")


def png(width: int = 48, height: int = 32, colour: str = "teal") -> bytes:
    """A small picture in one colour."""
    stream = BytesIO()
    Image.new("RGB", (width, height), colour).save(stream, "PNG")
    return stream.getvalue()


def data_uri(data: bytes, kind: str = "png") -> str:
    """Bytes as a data URI of an image."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def ask(**changes: Any) -> dict[str, Any]:
    """A submission that the edit model takes; small, so that painting is quick."""
    return {"prompt": "Make it dusk.", "image_urls": [data_uri(png())], "seed": 7, "resolution": "0.5K"} | changes


def fetch(url: str, method: str = "GET", **options: Any) -> httpx.Response:
    """A request without a token; without TLS, whose set-up would be most of what a test takes."""
    with httpx.Client(verify=False, timeout=10.0) as stranger:
        return stranger.request(method, url, **options)


class Client(httpx.Client):
    """An HTTP client with the sandbox's token."""

    def __init__(self, box: Sandbox, token: str | None = None) -> None:
        super().__init__(base_url=box.api_base, headers={"Authorization": f"Bearer {token or box.token}"}, timeout=10.0)

    def submit(self, model: str = EDIT, **changes: Any) -> httpx.Response:
        """Send a submission."""
        return self.post(f"/models/{model}", json=ask(**changes))

    def accepted(self, **changes: Any) -> str:
        """Send a submission that must be taken; its request id."""
        answer = self.submit(**changes)
        assert answer.status_code == 200, answer.text
        return answer.json()["request_id"]

    def result(self, request_id: str, **query: Any) -> dict[str, Any]:
        """The result as it stands."""
        answer = self.get(f"/requests/{request_id}/result", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def status(self, request_id: str) -> dict[str, Any]:
        """The status as it stands."""
        return self.get(f"/requests/{request_id}/status").json()

    def cancel(self, request_id: str) -> dict[str, Any]:
        """Ask for a cancel."""
        return self.post(f"/requests/{request_id}/cancel").json()


Serve = Callable[..., tuple[Sandbox, Client]]
"""The fixture `serve`: options of a sandbox in, the served sandbox and a client for it out."""
