"""
`Sandbox`: one service with its switches, its wallet and the log of its requests; and the application that it serves.

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

The application is the Model API with its account and login endpoints, as ASGI has it. Every path answers under `/v1`,
under `/prod/v2` and without a prefix, so that any of the service's bases can be pointed here. A request passes the
recorder, then its scripted fault, then the rate limit and the bearer check, then its handler. Nothing hangs on an event
loop or a lifespan: the application works over sockets and through `httpx.ASGITransport` alike.

Where the service's behaviour is not published, this is what the sandbox chose: submit answers 200;
`queue_position` counts the jobs ahead, from 0; a wrong model id is 400001, a schema mismatch and an unknown field
422001 with a `detail`; times are ISO 8601 in UTC; a token that was handed out once is not handed out again.
"""

from __future__ import annotations

import asyncio
import json
import math
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from nbbanana.errors import UsageError
from nbbanana.sandbox import exchanges
from nbbanana.sandbox.accounts import Account, Submission
from nbbanana.sandbox.exchanges import BODY, PAYLOAD, SEEN, ApiError, LoggedApp, error_response, shortened
from nbbanana.sandbox.faults import play
from nbbanana.sandbox.files import read_inputs
from nbbanana.sandbox.state import State

if TYPE_CHECKING:
    from nbbanana.sandbox.server import Listener

__all__ = ["Sandbox", "create_app", "serve"]


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

    def __exit__(self, *_: object) -> None:
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

    def refusing(self) -> AbstractContextManager[None]:
        """Stop listening meanwhile: idle connections are closed and new ones refused."""
        return self._served.refusing()

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


# ── the application ─────────────────────────────────────────────────────────────────────────────────────


Handler = Callable[["Call"], Awaitable[Response]]
OPEN_TARGETS = frozenset({"login", "download"})
"""What needs no bearer and knows no rate limit."""

PAGE_COOKIE = "nbbanana_sandbox_login"
PAGE_HEADERS = {"Cache-Control": "no-store", "Content-Security-Policy": "frame-ancestors 'none'"}
"""The login page is neither cached nor shown inside another site's page, where a click could be stolen."""

SUFFIXES = {"png": "png", "jpeg": "jpg", "jpg": "jpg", "webp": "webp"}
MEDIA_TYPES = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}


def create_app(state: State) -> LoggedApp:
    """Return the application of one sandbox, inside the layer that logs its requests."""
    api = _routes(
        state,
        ("POST", "/models/{model_id:path}", "submit", submit),
        ("GET", "/models", "catalog", list_models),
        ("GET", "/models/{model_id:path}", "catalog", show_model),
        ("GET", "/requests/{request_id}/status", "status", status),
        ("GET", "/requests/{request_id}/result", "result", result),
        ("POST", "/requests/{request_id}/cancel", "cancel", cancel),
        ("GET", "/balance", "balance", balance),
        ("GET", "/api/auth/me", "whoami", whoami),
        ("POST", "/api/cli-auth/start", "login", start_login),
        ("POST", "/api/cli-auth/poll", "login", poll_login),
    )
    pages = _routes(
        state,
        ("GET", "/outputs/{name}", "download", download),
        ("GET", "/login", "login", login_page),
        ("POST", "/login", "login", decide_login),
    )
    routes: list[BaseRoute] = [Mount("/v1", routes=api), Mount("/prod/v2", routes=api), *api, *pages]
    return LoggedApp(Starlette(routes=routes, exception_handlers={HTTPException: _no_such_route}), state.log)


def _routes(state: State, *table: tuple[str, str, str, Handler]) -> list[Route]:
    return [Route(path, Endpoint(state, target, handler), methods=[verb]) for verb, path, target, handler in table]


async def _no_such_route(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"message": error.detail}, error.status_code, headers=error.headers)


@dataclass(frozen=True, slots=True)
class Call:
    """One call on its way to its handler: the sandbox, the request, the account (None for open calls)."""

    state: State
    request: Request
    account: Account | None

    @property
    def payload(self) -> Any:
        """
        The body as JSON.

        Raises:
            ApiError: it is none.
        """
        if PAYLOAD not in self.request.scope:
            raise ApiError(exchanges.BAD_INPUT, "The body is not JSON.")
        return self.request.scope[PAYLOAD]

    @property
    def origin(self) -> str:
        """Where the client reached the sandbox: scheme, host and port."""
        url = self.request.url
        return f"{url.scheme}://{url.netloc}"

    @property
    def who(self) -> Account:
        """The account of a call that had to name one."""
        assert self.account is not None
        return self.account

    def flag(self, name: str) -> bool:
        """Return whether a query parameter is on."""
        return self.request.query_params.get(name, "").lower() in {"1", "true", "yes"}

    def number(self, name: str, default: int) -> int:
        """Return a query parameter as a number of 0 or more; the default where it is none."""
        text = self.request.query_params.get(name, "")
        return int(text) if text.isascii() and text.isdigit() else default


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An ASGI application that stands before one handler: fault, rate limit, bearer, then the handler."""

    state: State
    target: str
    handler: Handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self.state.script.next(self.target)
        scope[SEEN].target = self.target
        scope[SEEN].fault = fault
        await play(fault, self._serve, scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self.handler(Call(self.state, request, self._admit(request)))
            scope[SEEN].body = shortened(scope.get(PAYLOAD))
        except ApiError as error:
            response = error_response(error)
        await response(scope, receive, send)

    def _admit(self, request: Request) -> Account | None:
        if self.target in OPEN_TARGETS:
            return None
        self.state.rate_limit.take()
        account = self.state.accounts.find(request.headers.get("authorization"))
        if account is None:
            raise ApiError(exchanges.BAD_TOKEN, "The token is missing or unknown.")
        return account


async def submit(call: Call) -> Response:
    """`POST /v1/models/{model_id}`: check, put the pictures aside, queue."""
    job = await asyncio.to_thread(_accept, call, call.request.path_params["model_id"], call.payload)
    return JSONResponse({"request_id": job.request_id} | _links(call, job, "status", "result", "cancel"))


def _accept(call: Call, model_id: str, payload: Any) -> Submission:
    entry = call.state.catalogue.find(model_id)
    entry.check(payload)
    spooled = read_inputs(entry.model, payload, call.state.files)
    asked = Submission(
        model_id=model_id,
        payload=shortened(payload, math.inf),
        account=call.who,
        inputs=tuple(spooled),
        count=entry.count(payload),
        unit_price=entry.unit_price(payload),
        resolution=entry.resolution(payload),
        suffix=SUFFIXES.get(payload.get("output_format", "png"), "png"),
    )
    job = call.state.queue.submit(asked)
    if job is None:
        call.state.files.discard(spooled)
        raise ApiError(exchanges.NO_BALANCE, f"The balance does not reach: this costs ${asked.price:.3f}.")
    return job


def _links(call: Call, job: Submission, *whats: str) -> dict[str, str]:
    return {f"{what}_url": f"{call.origin}/v1/requests/{job.request_id}/{what}" for what in whats}


def _job(call: Call) -> Submission:
    job = call.state.queue.find(call.request.path_params["request_id"])
    if job is None:
        raise ApiError(exchanges.NOT_FOUND, "There is no such request, or it has expired.")
    if job.account is not call.who:
        raise ApiError(exchanges.NOT_YOURS, "This request belongs to another account.")
    return job


def _state(call: Call, job: Submission) -> dict[str, Any]:
    state: dict[str, Any] = {"request_id": job.request_id, "status": job.state}
    state |= _links(call, job, "status", "result")
    if job.state == "in_queue":
        state["queue_position"] = call.state.queue.ahead_of(job.request_id)
    return state


async def status(call: Call) -> Response:
    """`GET /v1/requests/{request_id}/status`."""
    return JSONResponse(_state(call, _job(call)))


async def result(call: Call) -> Response:
    """`GET /v1/requests/{request_id}/result`: the current state, and the outputs once there are any."""
    job = _job(call)
    answer = _state(call, job) | {"model_id": job.model_id, "created_at": _iso(job.created_at)}
    if job.finished_at is not None:
        answer["finished_at"] = _iso(job.finished_at)
    if job.state == "completed":
        answer["output"] = {"images": [f"{call.origin}/outputs/{name}" for name in job.outputs]}
    if job.error is not None:
        answer["error"] = job.error
    if call.flag("include_cost") and job.cost is not None:
        answer["cost"] = job.cost
    return JSONResponse(answer)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


async def cancel(call: Call) -> Response:
    """`POST /v1/requests/{request_id}/cancel`: a queued job is cancelled, any other is not."""
    cancelled = call.state.queue.cancel(_job(call).request_id)
    job, outcome = _job(call), "cancelled" if cancelled else "not_cancellable"
    return JSONResponse({"request_id": job.request_id, "status": job.state, "outcome": outcome})


async def list_models(call: Call) -> Response:
    """`GET /v1/models?search=&include_schema=&limit=&offset=`."""
    found = call.state.catalogue.search(call.request.query_params.get("search", ""))
    start = call.number("offset", 0)
    page = found[start : start + call.number("limit", 50)]
    listed = [entry.published(with_schema=call.flag("include_schema")) for entry in page]
    return JSONResponse({"models": listed, "total": len(found)})


async def show_model(call: Call) -> Response:
    """`GET /v1/models/{model_id}`: one model with its schema and its price."""
    return JSONResponse(call.state.catalogue.find(call.request.path_params["model_id"]).published(with_schema=True))


async def balance(call: Call) -> Response:
    """`GET …/balance`."""
    return JSONResponse({"balance_usd": call.who.balance, "currency": "USD"})


async def whoami(call: Call) -> Response:
    """`GET …/api/auth/me`."""
    facts = {"id": call.who.user_id, "email": call.who.email, "token_created_at": call.who.created_at}
    return JSONResponse({**facts, "token_type": "sandbox"})


async def start_login(call: Call) -> Response:
    """`POST …/api/cli-auth/start`."""
    return JSONResponse(call.state.logins.start(f"{call.origin}/login"))


async def poll_login(call: Call) -> Response:
    """`POST …/api/cli-auth/poll`."""
    device_code = call.payload.get("device_code") if isinstance(call.payload, Mapping) else None
    if not isinstance(device_code, str):
        raise ApiError(exchanges.BAD_INPUT, "device_code is missing.")
    status_code, answer = call.state.logins.poll(device_code)
    return JSONResponse(answer, status_code)


async def login_page(call: Call) -> Response:
    """Return the page that `verify_url` names, with a token of its own in its form and in a cookie."""
    token = call.state.logins.open_page()
    page = files(__package__).joinpath("static", "verify.html").read_text("utf-8")
    response = HTMLResponse(page.replace("PAGE_TOKEN", token), headers=PAGE_HEADERS)
    response.set_cookie(PAGE_COOKIE, token, path="/login", httponly=True, samesite="strict")
    return response


async def decide_login(call: Call) -> Response:
    """Return what the page sends: the code as typed, and the decision."""
    form = parse_qs(call.request.scope[BODY].decode("utf-8", "replace"))
    from_here = call.request.headers.get("origin", call.origin) == call.origin
    page, cookie = form.get("page", [""])[0], call.request.cookies.get(PAGE_COOKIE, "")
    if not from_here or not call.state.logins.use_page(page, cookie):
        return PlainTextResponse("Open the login page of the sandbox and decide there.", 403)
    decide, word = call.state.deny, "Refused"
    if form.get("decision") == ["authorized"]:
        decide, word = call.state.authorize, "Allowed"
    if not decide(form.get("user_code", [""])[0]):
        return PlainTextResponse("No login waits for this code. It may have expired.", 404)
    return PlainTextResponse(f"{word}. You can close this page and go back to the program.")


async def download(call: Call) -> Response:
    """`GET` or `HEAD /outputs/{name}`: an output, without a token."""
    path = call.state.files.find(call.request.path_params["name"])
    if path is None:
        return PlainTextResponse("Not Found", 404)
    return FileResponse(path, media_type=MEDIA_TYPES[path.suffix[1:]])
