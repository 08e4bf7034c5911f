"""
Forms in a page without a notebook: the real Python half, the real front end, a stub of what lies between.

    with serve(form) as url: page.goto(url + "?theme=dark")

Several forms stand in one page one after the other, and bring their style sheets in that order.
"""

from __future__ import annotations

import base64
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from nbbanana.widgets.base import Form

__all__ = ["Wire", "serve"]

PAGE = Path(__file__).with_name("stub_form.html")
THEMES = Path(sys.prefix) / "share/jupyter/lab/themes/@jupyterlab"
"""JupyterLab's own themes, where it is installed: the colours that forms are seen with."""
PATIENCE = 5.0
"""Seconds that a question for news is kept open."""


class Wire:
    """What a form says, kept for the page, and the way from the page to the form."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.said: list[tuple[dict[str, Any], list[bytes]]] = []
        self.is_over = False
        self._news = threading.Condition()
        form.send = self.send  # type: ignore[method-assign]

    def send(self, content: dict[str, Any], buffers: Any = None) -> None:
        """What the form calls in place of its comm."""
        with self._news:
            self.said.append((json.loads(json.dumps(content)), [bytes(one) for one in buffers or ()]))
            self._news.notify_all()

    def end(self) -> None:
        """Let whoever waits for news go."""
        with self._news:
            self.is_over = True
            self._news.notify_all()

    def after(self, seen: int) -> list[dict[str, Any]]:
        """All that was said after the first `seen`; waits a while for the first of it."""
        with self._news:
            self._news.wait_for(lambda: self.is_over or len(self.said) > seen, PATIENCE)
            batch = self.said[seen:]
        return [
            {"content": content, "buffers": [base64.b64encode(one).decode() for one in buffers]}
            for content, buffers in batch
        ]

    def say(self, message: dict[str, Any]) -> None:
        """Hand a message of the page to the form, as its comm does."""
        buffers = [memoryview(base64.b64decode(one)) for one in message["buffers"]]
        self.form.receive(message["content"], buffers)


def _front_end(form: Form, path: str) -> tuple[str, bytes]:
    """The script or the style sheet of a form, with what kind of text it is."""
    if path.endswith(".js"):
        return "text/javascript", str(form._esm).encode()
    return "text/css", str(form._css).encode()


def _theme(path: str) -> bytes:
    """One of JupyterLab's themes, by its address."""
    return (THEMES / f"{path[1:-4]}-extension" / "index.css").read_bytes()


@contextmanager
def serve(*forms: Form) -> Iterator[str]:
    """The address of a page that shows the forms."""
    wires = [Wire(form) for form in forms]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = parse_qs(parts.query)
            number = int(query.get("form", ["0"])[0])
            if parts.path == "/":
                self.answer("text/html", PAGE.read_bytes().replace(b"MANY_FORMS", str(len(forms)).encode()))
            elif parts.path in {"/form.js", "/form.css"}:
                self.answer(*_front_end(forms[number], parts.path))
            elif parts.path == "/hear":
                self.answer("application/json", json.dumps(wires[number].after(int(query["after"][0]))).encode())
            elif parts.path in {"/theme-light.css", "/theme-dark.css"}:
                self.answer("text/css", _theme(parts.path))
            else:
                self.send_error(404)

        def do_POST(self) -> None:
            number = int(parse_qs(urlsplit(self.path).query)["form"][0])
            wires[number].say(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.answer("application/json", b"{}")

        def answer(self, kind: str, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(ConnectionError):  # the page was closed while it waited for news
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="stub-form")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        for wire in wires:
            wire.end()
        server.shutdown()
        thread.join()
        server.server_close()
