"""
A service that answers the Model API at once and does nothing, in a process of its own: what a client costs by itself.

    with scripted_server() as server: os.environ.update(server.environment); …; server.counts()["submit"]

Every request is complete when it is first asked about. Its output is one small PNG that differs from all others.
"""

from __future__ import annotations

import asyncio
import json
import re
import struct
import subprocess
import sys
import urllib.request
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["ScriptedServer", "scripted_server"]

TOKEN = "nbsandbox_scripted"
ENTRY = {"base_price_usd": 0.07, "price_unit": "output"}


@dataclass(frozen=True)
class ScriptedServer:
    """A server that runs: its address, and the environment that leads a client there."""

    url: str

    @property
    def environment(self) -> dict[str, str]:
        """The token, the three bases, and no waiting."""
        return {
            "RUNCOMFY_TOKEN": TOKEN,
            "RUNCOMFY_MODEL_API_BASE": f"{self.url}/v1",
            "RUNCOMFY_SERVERLESS_API_BASE": f"{self.url}/prod/v2",
            "RUNCOMFY_WEB_BASE": self.url,
            "NBBANANA_SANDBOX_SCALE": "0",
        }

    def counts(self) -> Counter[str]:
        """How many requests of each kind it answered: `submit`, `status`, `result`, `download`, `model`."""
        with urllib.request.urlopen(f"{self.url}/counts") as answer:
            return Counter(json.load(answer))


@contextmanager
def scripted_server() -> Iterator[ScriptedServer]:
    """A server on a free port of this machine."""
    process = subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield ScriptedServer(process.stdout.readline().strip())
    finally:
        process.terminate()
        process.wait(timeout=30)
        process.stdout.close()


# ── the process ─────────────────────────────────────────────────────────────────────────────────────────────


class Script:
    """What is answered, and how often it was asked."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def answer(self, method: str, path: str, origin: str) -> tuple[str, bytes]:
        """The media type and the body of an answer."""
        if path == "/counts":
            return "application/json", json.dumps(self.counts).encode()
        if found := re.match(r"/outputs/(\d+)\.png", path):
            self.counts["download"] += 1
            return "image/png", png(int(found[1]))
        kind, value = self._api(method, path, origin)
        self.counts[kind] += 1
        return "application/json", json.dumps(value).encode()

    def _api(self, method: str, path: str, origin: str) -> tuple[str, dict[str, object]]:
        if method == "POST":
            return "submit", {"request_id": f"scripted-{self.counts['submit']:06}", "status": "in_queue"}
        if found := re.match(r"/v1/requests/scripted-(\d+)/(status|result)", path):
            state = {"request_id": f"scripted-{found[1]}", "status": "completed"}
            if found[2] == "status":
                return "status", {**state}
            return "result", {**state, "output": {"image": f"{origin}/outputs/{found[1]}.png"}, "cost": 0.07}
        return "model", {**ENTRY}


def png(number: int, side: int = 64) -> bytes:
    """A grey picture whose last pixel and comment tell its number."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(b"".join(b"\0" + bytes([number % 256]) * side for _ in range(side)))
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    text = b"Comment\0" + str(number).encode()
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"tEXt", text) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


async def converse(script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection, one after the other."""
    port = writer.get_extra_info("sockname")[1]
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            if length := re.search(r"(?im)^content-length: *(\d+)", head):
                await reader.readexactly(int(length[1]))
            method, path, _ = head.split(" ", 2)
            kind, body = script.answer(method, path, f"http://127.0.0.1:{port}")
            fields = f"Content-Type: {kind}\r\nContent-Length: {len(body)}"
            writer.write(f"HTTP/1.1 200 OK\r\n{fields}\r\n\r\n".encode() + body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main() -> None:
    """Listen, tell the address, answer until it is ended."""
    script = Script()
    server = await asyncio.start_server(lambda *ends: converse(script, *ends), "127.0.0.1", 0, backlog=512)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
