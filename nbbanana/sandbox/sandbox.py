"""
`Sandbox`: one service with its switches, its wallet and the log of its requests.

Tests need not sleep. With `time_scale=0` a job ends as soon as its pictures are painted. With `duration=math.inf` no
job ends by itself, and a test goes step by step:

    with Sandbox(duration=math.inf, slots=1, paint="flat") as box:
        ...                                  # submit two jobs
        box.wait_for(1, "in_progress")       # one runs, the other is in the queue
        box.finish(box.submissions[0].request_id)
        box.wait_for(1, "completed")
        box.finish()                         # all accepted jobs
        box.settle()                         # and wait until they are over

`paint="flat"` makes pictures at next to no processor time.
"""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import threading
from collections.abc import Iterator
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from nbbanana.errors import UsageError
from nbbanana.sandbox.app import create_app
from nbbanana.sandbox.request_log import LoggedApp
from nbbanana.sandbox.state import State

if TYPE_CHECKING:
    from nbbanana.sandbox.server import Listener

__all__ = ["Sandbox", "serve"]


class Sandbox(State):
    """
    The Model API offline: a state, the application over it, and a listener over that.

    It takes the options of `State`. In process use `app`; to serve it over loopback HTTP use it as a context manager,
    or `listen`. Its files are in a temporary folder that goes with `close`.

    >>> box = Sandbox(time_scale=0)
    >>> box.token.startswith("nbsandbox_"), box.balance
    (True, 20.0)
    """

    _listener: Listener | None = None

    @cached_property
    def app(self) -> LoggedApp:
        """The ASGI application."""
        return create_app(self)

    def __repr__(self) -> str:
        where = self._listener.origin if self._listener else "not served"
        return f"<Sandbox {where}, {len(self.queue.jobs)} submissions>"

    def __enter__(self) -> Self:
        if self._listener is None:
            self.listen()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def listen(self, host: str = "127.0.0.1", port: int = 0) -> Self:
        """Serve it on an address of this machine; port 0 takes any that is free. Needs uvicorn (`nbbanana[serve]`)."""
        try:
            from nbbanana.sandbox.server import Listener
        except ModuleNotFoundError:
            raise UsageError(
                "The sandbox cannot be served.", "uvicorn is not installed.", 'pip install "nbbanana[serve]"'
            ) from None
        self._listener = Listener(self.app, host, port)
        return self

    def close(self) -> None:
        """Stop serving, let running jobs go and remove all files. What it saw stays readable."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self.queue.close()
        self.files.close()

    @property
    def url(self) -> str:
        """The origin it is served at, such as `http://127.0.0.1:49152`: also a base, as `api_base` is."""
        return self._served.origin

    @property
    def api_base(self) -> str:
        """The base of the Model API, with its `/v1`."""
        return f"{self.url}/v1"

    @property
    def addresses(self) -> dict[str, Any]:
        """What a client needs, as JSON: `url`, the three bases, `token`, and `environment` with all of it."""
        bases = {"api_base": self.api_base, "serverless_base": f"{self.url}/prod/v2", "web_base": self.url}
        environment = {
            "RUNCOMFY_TOKEN": self.token,
            "RUNCOMFY_MODEL_API_BASE": bases["api_base"],
            "RUNCOMFY_SERVERLESS_API_BASE": bases["serverless_base"],
            "RUNCOMFY_WEB_BASE": bases["web_base"],
        }
        return {"url": self.url, "token": self.token} | bases | {"environment": environment}

    @contextlib.contextmanager
    def refusing(self) -> Iterator[None]:
        """Stop listening meanwhile: idle connections are closed and new ones refused."""
        with self._served.refusing():
            yield

    @property
    def _served(self) -> Listener:
        if self._listener is None:
            raise UsageError(
                "The sandbox is not served.", "It has an address only while it listens.", "Use it in a with statement."
            )
        return self._listener


def serve(host: str = "127.0.0.1", port: int = 0, **options: Any) -> None:
    """
    Serve a sandbox until the process is interrupted or terminated.

    Once it listens, one line of JSON goes to stdout, with `url`, `token`, `api_base`, `serverless_base`,
    `web_base`, and `environment`: the variables that point a RunComfy client here.

    Args:
        host: an address of this machine.
        port: 0 for any that is free.
        options: those of `Sandbox`.
    """
    stopped = threading.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, lambda *_: stopped.set())
    box = Sandbox(**options)
    with box.listen(host, port):
        sys.stdout.write(json.dumps(box.addresses) + "\n")
        sys.stdout.flush()
        stopped.wait()
