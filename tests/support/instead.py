"""
What people write instead of a sweep, as a process: a gather, a pool of threads, a loop. Each is written with care.

    python instead.py HOW FOLDER CELLS

Each saves a picture as it comes. `gather` and `threads` skip, when they are started again, the cells whose files are
there, and go on when a cell fails. `loop` is what grid scripts of image tools do: one cell after the other, from the
beginning each time. None of them keeps an id before its job is over.
"""

from __future__ import annotations

import asyncio
import base64
import io
import os
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

__all__ = ["WAYS"]

MODEL = "google/nano-banana-2/edit"
AT_ONCE = 16
EVERY = 2.0
"""Seconds between two polls, times the scale of the sandbox."""
OVER = {"completed", "failed", "cancelled"}


def picture() -> str:
    """A small picture as a data URI."""
    stream = io.BytesIO()
    Image.linear_gradient("L").resize((48, 32)).convert("RGB").save(stream, "PNG")
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"


class Api:
    """The service as its documentation describes it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pause = EVERY * float(os.environ["NBBANANA_SANDBOX_SCALE"])
        self.how: dict[str, Any] = {
            "base_url": os.environ["RUNCOMFY_MODEL_API_BASE"],
            "headers": {"Authorization": f"Bearer {os.environ['RUNCOMFY_TOKEN']}"},
            "timeout": 30.0,
        }

    def body(self, cell: int) -> dict[str, Any]:
        """What a cell asks."""
        return {"prompt": "Make it snow.", "image_urls": [picture()], "seed": cell, "resolution": "0.5K"}

    def file(self, cell: int) -> Path:
        """Where its picture goes."""
        return self.folder / f"{cell}.png"


async def edit(api: Api, client: httpx.AsyncClient, gate: asyncio.Semaphore, cell: int) -> None:
    """Send, poll, download."""
    async with gate:
        sent = (await client.post(f"/models/{MODEL}", json=api.body(cell))).raise_for_status().json()
        while True:
            await asyncio.sleep(api.pause)
            state = (await client.get(f"/requests/{sent['request_id']}/status")).raise_for_status().json()
            if state["status"] in OVER:
                break
        result = (await client.get(f"/requests/{sent['request_id']}/result")).raise_for_status().json()
        url = result["output"]["images"][0]
        api.file(cell).write_bytes((await client.get(url)).raise_for_status().content)


async def gather(api: Api, cells: list[int]) -> None:
    """asyncio.gather over httpx."""
    async with httpx.AsyncClient(**api.how) as client:
        gate = asyncio.Semaphore(AT_ONCE)
        work: list[Awaitable[None]] = [edit(api, client, gate, cell) for cell in cells if not api.file(cell).exists()]
        await asyncio.gather(*work, return_exceptions=True)


def edit_now(api: Api, client: httpx.Client, cell: int) -> None:
    """Send, poll, download."""
    sent = client.post(f"/models/{MODEL}", json=api.body(cell)).raise_for_status().json()
    while True:
        time.sleep(api.pause)
        state = client.get(f"/requests/{sent['request_id']}/status").raise_for_status().json()
        if state["status"] in OVER:
            break
    result = client.get(f"/requests/{sent['request_id']}/result").raise_for_status().json()
    api.file(cell).write_bytes(client.get(result["output"]["images"][0]).raise_for_status().content)


def threads(api: Api, cells: list[int]) -> None:
    """A pool of threads."""
    with httpx.Client(**api.how) as client, ThreadPoolExecutor(AT_ONCE) as pool:
        for future in [pool.submit(edit_now, api, client, cell) for cell in cells if not api.file(cell).exists()]:
            future.exception()


def loop(api: Api, cells: list[int]) -> None:
    """One cell after the other, from the beginning; the first error ends it."""
    with httpx.Client(**api.how) as client:
        for cell in cells:
            edit_now(api, client, cell)


WAYS: dict[str, Callable[[Api, list[int]], Any]] = {
    "gather": lambda api, cells: asyncio.run(gather(api, cells)),
    "threads": threads,
    "loop": loop,
}

if __name__ == "__main__":
    place = Path(sys.argv[2])
    place.mkdir(exist_ok=True)
    WAYS[sys.argv[1]](Api(place), list(range(int(sys.argv[3]))))
