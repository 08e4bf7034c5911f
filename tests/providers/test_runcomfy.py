"""What a provider makes of every answer: which id is kept, how long to wait, what passes, what is refused unsent."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import pickle
import re
import zlib
from collections.abc import Awaitable, Callable
from itertools import product
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tiers import in_turn

from nbbanana import errors
from nbbanana.providers import http, runcomfy, service
from nbbanana.providers.base import Accepted, Provider
from nbbanana.providers.credentials import Credential
from nbbanana.providers.local import local_sandbox
from nbbanana.providers.runcomfy import RunComfy, RunComfyEndpoints

MODEL = "google/nano-banana-2/edit"
TOKEN = "bearer-of-the-provider-test"
ID = "req-0123"
SIGNED = "https://files.runcomfy.net/a.png?X-Amz-Signature=00ff"
Answers = Callable[[httpx.Request], httpx.Response]


class Body(httpx.AsyncByteStream):
    """A body that comes in pieces and may break off."""

    def __init__(self, *pieces: bytes, breaks: bool = False) -> None:
        self.pieces, self.breaks = pieces, breaks

    async def __aiter__(self) -> Any:
        for piece in self.pieces:
            yield piece
        if self.breaks:
            raise httpx.ReadError("the other side went away")


def ask(call: Callable[[RunComfy], Awaitable[Any]], *answers: httpx.Response | Exception) -> Any:
    """Make a call of a provider whose transport gives these answers, one after the other; return what came of it."""
    return asked(call, *answers)[0]


def asked(call: Callable[[RunComfy], Awaitable[Any]], *answers: httpx.Response | Exception) -> tuple[Any, int]:
    """The same, with the number of requests that were made."""
    waiting, made = list(answers), []

    def handle(request: httpx.Request) -> httpx.Response:
        made.append(request)
        answer = waiting.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer.stream, Body):
            return answer
        # As from a socket: a response that is made with its content counts as read already.
        return httpx.Response(answer.status_code, headers=answer.headers, stream=Body(answer.content))

    async def main() -> Any:
        service = RunComfy(
            Credential(TOKEN, "RUNCOMFY_TOKEN"), RunComfyEndpoints(), transport=lambda: httpx.MockTransport(handle)
        )
        try:
            return await call(service)
        except errors.NBBananaError as error:
            return error
        finally:
            await service.aclose()

    return asyncio.run(main()), len(made)


def submit(service: RunComfy) -> Awaitable[Accepted]:
    """Send a request."""
    return service.submit(MODEL, {"prompt": "x"})


CALLS: dict[str, Callable[[RunComfy], Awaitable[Any]]] = {
    "submit": submit,
    "status": lambda service: service.status(ID),
    "result": lambda service: service.result(ID),
    "cancel": lambda service: service.cancel(ID),
    "describe": lambda service: service.describe(MODEL),
    "catalogue": lambda service: service.catalogue(),
    "whoami": lambda service: service.whoami(),
    "balance": lambda service: service.balance(),
}
BODY = json.dumps({"request_id": ID}).encode()


# ── a submit has a connection of its own ────────────────────────────────────────────────────────────────────────


def served(call: Callable[[RunComfy, asyncio.Event], Awaitable[Any]]) -> tuple[Any, list[list[str]]]:
    """
    Make a call against a server on this machine; return what came of it, and the methods on each connection.

    The server answers a POST once the event is set that the call gets.
    """
    connections: list[list[str]] = []
    let_go = asyncio.Event()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(seen := [])
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                seen.append(head.partition(b" ")[0].decode())
                if length := re.search(rb"(?i)content-length: (\d+)", head):
                    await reader.readexactly(int(length[1]))
                    await let_go.wait()
                body = json.dumps({"request_id": ID, "status": "in_queue"}).encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        except asyncio.IncompleteReadError:
            pass  # the client closed it
        finally:
            writer.close()

    async def main() -> Any:
        server = await asyncio.start_server(converse, "127.0.0.1", 0)
        base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        service = RunComfy(Credential(TOKEN, "RUNCOMFY_TOKEN"), RunComfyEndpoints(model_api=base))
        try:
            return await call(service, let_go)
        finally:
            await service.aclose()
            server.close()

    return asyncio.run(main()), connections


def test_no_submit_goes_over_a_connection_that_was_used_before() -> None:
    """Neither one after the other nor at once, while questions share theirs."""

    async def call(service: RunComfy, let_go: asyncio.Event) -> Any:
        let_go.set()
        one_by_one = [await submit(service), await service.status(ID), await submit(service), await service.status(ID)]
        return one_by_one, await asyncio.gather(*(submit(service) for _ in range(5)))

    _, connections = served(call)
    assert sorted(connections) == [["GET", "GET"], *[["POST"]] * 7]


def test_closing_a_provider_does_not_break_a_submit_that_is_under_way() -> None:
    """Its answer is the only thing that says whether it was taken."""

    async def call(service: RunComfy, let_go: asyncio.Event) -> Any:
        sending = asyncio.create_task(submit(service))
        await asyncio.sleep(0.2)
        await service.aclose()
        let_go.set()
        return await sending

    answer, connections = served(call)
    assert answer.request_id == ID
    assert connections == [["POST"]]


# ── an id that was seen is kept ─────────────────────────────────────────────────────────────────────────────────

UNCERTAIN = {
    "under HTTP 500": httpx.Response(500, content=BODY),
    "under HTTP 302": httpx.Response(302, content=BODY, headers={"Location": "https://x.example/"}),
    "under HTTP 409": httpx.Response(409, content=BODY),
    "beside an error code of 500": httpx.Response(200, json={"error_code": 500001, "request_id": ID}),
    "beside an error code that is no number": httpx.Response(200, json={"error_code": "²", "request_id": ID}),
    "in an answer that is cut off": httpx.Response(200, content=BODY[:-1]),
    "in an answer that breaks off": httpx.Response(200, stream=Body(BODY[:-1], breaks=True)),
    "before more than can be read": httpx.Response(200, stream=Body(BODY[:-1], *[b" " * (1 << 20)] * 9)),
    "before bytes that are no text": httpx.Response(200, content=BODY[:-1] + b"\xff\x00"),
    "in a gzip that breaks off": httpx.Response(
        200, stream=Body(gzip.compress(BODY + b" " * 99)[:-9]), headers={"Content-Encoding": "gzip"}
    ),
}


@pytest.mark.parametrize("name", UNCERTAIN)
def test_an_id_that_was_seen_is_kept_however_the_rest_of_the_answer_reads(name):
    """The error of a submit that may have been taken carries the id, also from one process to another."""
    error = ask(submit, UNCERTAIN[name])
    assert type(error) is errors.UncertainError
    assert error.request_id == ID
    assert pickle.loads(pickle.dumps(error)).request_id == ID


@pytest.mark.parametrize("code", [0, "0", None, ""])
def test_an_error_code_of_zero_is_no_error(code):
    """`error_code: 0` beside an id is how many APIs say that all is well."""
    accepted = ask(submit, httpx.Response(200, json={"error_code": code, "request_id": ID}))
    assert accepted == Accepted(handle=ID, request_id=ID)


@pytest.mark.parametrize("status", sorted(service.SURELY_NOT_TAKEN))
@pytest.mark.parametrize("body", [b"", b"<html>", BODY, b'{"message": "no"}'])
def test_a_refused_submit_is_no_uncertain_one(status, body):
    """Whatever the body: what says that nothing was taken is an error that says so; an id in it is kept."""
    error = ask(submit, httpx.Response(status, content=body))
    assert not isinstance(error, errors.UncertainError | errors.UpstreamError | errors.RequestNotFoundError)
    assert error.request_id == (ID if body == BODY else None)


def test_a_connection_that_was_never_made_is_no_uncertain_submit():
    """Nothing was sent."""
    assert type(ask(submit, httpx.ConnectError("no"))) is errors.NetworkError
    assert type(ask(submit, httpx.ReadError("no"))) is errors.UncertainError


# ── waiting ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("status", [429, 503, 500])
def test_every_error_says_how_long_the_service_asks_to_wait(name, status, monkeypatch):
    """Retry-After is read on every call, whatever the status."""
    monkeypatch.setattr(runcomfy, "LONGEST_QUESTION_PAUSE", 0.0)
    answers = [httpx.Response(status, headers={"Retry-After": "17"}) for _ in range(2)]
    error = ask(CALLS[name], *answers)
    assert isinstance(error, errors.ServiceError)
    assert error.retry_after == 17


@pytest.mark.parametrize(
    "passing",
    [
        httpx.Response(503),
        httpx.Response(429, headers={"Retry-After": "0"}),
        httpx.Response(502, content=b"<html>"),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(404, content=b"<html>"),
        httpx.ReadTimeout("slow"),
        httpx.ConnectError("no"),
    ],
    ids=str,
)
def test_a_disturbance_of_the_price_does_not_refuse_a_paid_request(passing, monkeypatch):
    """The catalogue is asked once more, and no more than that."""
    monkeypatch.setattr(runcomfy, "QUESTION_PAUSE", 0.0)
    entry = httpx.Response(200, json={"base_price_usd": 0.07, "price_unit": "output"})
    description, requests = asked(CALLS["describe"], passing, entry)
    assert (description.price.base, requests) == (0.07, 2)
    monkeypatch.setattr(runcomfy, "QUESTION_PAUSE", 0.0)
    error, requests = asked(CALLS["describe"], httpx.Response(503), httpx.Response(503), entry)
    assert (type(error), requests) == (errors.UpstreamError, 2)


# ── not found, and what passes ──────────────────────────────────────────────────────────────────────────────────

QUESTIONS = ["status", "result", "cancel"]


@pytest.mark.parametrize("name", QUESTIONS)
@pytest.mark.parametrize("status", [200, 400, 404])
def test_only_the_documented_code_says_that_an_id_is_not_there(name, status):
    """404001, whatever the HTTP status."""
    gone = httpx.Response(status, json={"error_code": 404001, "error_message": "No such request."})
    assert type(ask(CALLS[name], gone)) is errors.RequestNotFoundError


@pytest.mark.parametrize("name", QUESTIONS)
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b""),
        (404, b"<html>not found</html>"),
        (404, b'{"message": "Not Found"}'),
        (404, b'{"detail": "Not Found"}'),
        (400, b"<html>"),
        (403, b"<html>blocked</html>"),
        (405, b"<html>"),
        (200, b"<html>"),
        (200, b""),
        (502, b"<html>"),
        (500, b'{"error_code": 500001}'),
    ],
)
def test_what_says_nothing_about_a_job_passes(name, status, body):
    """A bare 404, a page of a proxy or a firewall, an empty answer: errors after which it is asked again."""
    assert type(ask(CALLS[name], httpx.Response(status, content=body))) in {errors.UpstreamError, errors.ProtocolError}


# ── hostile answers ─────────────────────────────────────────────────────────────────────────────────────────────


def nested(levels: int) -> bytes:
    """JSON that is nested so deep, under every key that is read."""
    inside = b"[" * levels + b"]" * levels
    keys = ("status", "error", "message", "detail", "output", "cost", "queue_position", "input_schema", "request_id")
    return b"{" + b",".join(b'"%s": %s' % (key.encode(), inside) for key in keys) + b"}"


HOSTILE = {
    "a cost of 400 digits": b'{"status": "completed", "cost": %s, "base_price_usd": %s}' % (b"9" * 400, b"9" * 400),
    "a place of 400 digits": b'{"status": "in_queue", "queue_position": %s}' % (b"9" * 400),
    "numbers of 5000 digits": b'{"status": "completed", "cost": %s}' % (b"9" * 5000),
    "a code of 400 digits": b'{"error_code": %s}' % (b"9" * 400),
    "a code that is a power": '{"error_code": "²", "status": "completed"}'.encode(),
    "codes of every type": b'{"error_code": [{"a": 1.5e308}], "error_message": {"detail": 7}}',
    "a location that is a number": b'{"error_code": 422001, "detail": [{"loc": 7, "msg": {"a": []}}]}',
    "NaN": b'{"status": "completed", "cost": NaN, "queue_position": Infinity, "base_price_usd": -Infinity}',
    "half of a pair": b'{"status": "\\ud800", "error_message": "\\udfff", "error_code": 1}',
    "90 levels": nested(90),
    "900 levels": nested(900),
    "100000 levels": nested(100_000),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("asked", in_turn(product(CALLS, [200, 400, 500]), 5), ids=str)
def test_no_answer_is_a_bare_error(name, asked, monkeypatch):
    """Numbers, codes and nesting that no API has: a value or an error of ours, which can be written and sent on."""
    call, status = asked
    monkeypatch.setattr(runcomfy, "QUESTION_PAUSE", 0.0)
    came = ask(CALLS[call], *[httpx.Response(status, content=HOSTILE[name]) for _ in range(2)])
    repr(came).encode()
    str(came).encode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.just(10**400),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
KEYS = st.sampled_from(
    [
        "status",
        "error",
        "error_code",
        "error_message",
        "message",
        "detail",
        "output",
        "cost",
        "queue_position",
        "request_id",
        "outcome",
        "base_price_usd",
        "price_unit",
        "pricing_note",
        "input_schema",
        "retry_after",
        "models",
        "total",
    ]
)


@given(st.sampled_from(list(CALLS)), st.dictionaries(KEYS, JSON), st.sampled_from([200, 302, 400, 404, 429, 500]))
def test_any_answer_to_any_call_is_a_value_or_an_error_of_ours(call, answer, status):
    """Random JSON under the keys that are read: `ask` lets every other exception through."""
    body = json.dumps(answer).encode()
    pause, runcomfy.QUESTION_PAUSE = runcomfy.QUESTION_PAUSE, 0.0
    try:
        str(ask(CALLS[call], *[httpx.Response(status, content=body) for _ in range(2)])).encode()
    finally:
        runcomfy.QUESTION_PAUSE = pause


@pytest.mark.parametrize("code", [200, 204, "250", 7, "bad"])
def test_a_code_that_looks_like_a_success_is_an_error(code):
    """Whatever number stands in `error_code`, but 0: an answer with one is none to go by."""
    came = ask(CALLS["status"], httpx.Response(200, json={"error_code": code, "status": "completed"}))
    assert type(came) is errors.ProtocolError


@pytest.mark.parametrize("call", in_turn(["status", "balance", "describe"], 3))
@pytest.mark.parametrize(
    ("encoding", "squeeze"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("gzip, gzip", lambda data: gzip.compress(gzip.compress(data))),
    ],
)
def test_a_small_answer_does_not_become_a_large_one(call, encoding, squeeze, monkeypatch):
    """A gigabyte of blanks in kilobytes: reading stops at the cap, a second compression is not undone."""
    monkeypatch.setattr(runcomfy, "QUESTION_PAUSE", 0.0)
    read: list[int] = []
    real = http._Inflater.feed

    def counting(self: Any, raw: bytes) -> Any:
        for piece in real(self, raw):
            read.append(len(piece))
            yield piece

    monkeypatch.setattr(http._Inflater, "feed", counting)
    bomb = squeeze(b" " * (64 << 20))
    error = ask(
        CALLS[call], *[httpx.Response(200, stream=Body(bomb), headers={"Content-Encoding": encoding}) for _ in range(2)]
    )
    assert type(error) is errors.ProtocolError
    assert sum(read) <= 2 * (http.ANSWER_CAP + http.CHUNK)


@pytest.mark.parametrize(
    "model", ["", "a b", "a/b\nHost: x", "../balance", "a//b", "é/b", "a/b?x", "a/b#c", "/a", "a/"]
)
def test_a_model_that_cannot_stand_in_an_address_is_unknown_and_nothing_is_sent(model):
    """A line break, a blank, a question mark, a way up."""
    for call in (lambda s: s.submit(model, {}), lambda s: s.describe(model)):
        error, requests = asked(call)
        assert (type(error), requests) == (errors.UnknownModelError, 0)


@pytest.mark.parametrize("handle", ["", "../x", "a/b", "a\nb", "x" * 129, "é"])
def test_a_handle_that_cannot_stand_in_an_address_is_not_found_and_nothing_is_sent(handle):
    """A row that a stranger wrote breaks no other row's collecting."""
    for call in (lambda s: s.status(handle), lambda s: s.result(handle), lambda s: s.cancel(handle)):
        error, requests = asked(call)
        assert (type(error), requests) == (errors.RequestNotFoundError, 0)


@pytest.mark.parametrize("value", [float("nan"), object(), "\ud800", 10**5000], ids=["nan", "object", "half", "long"])
def test_a_request_that_is_no_json_is_an_input_error_and_nothing_is_sent(value):
    """What JSON cannot hold."""
    error, requests = asked(lambda service: service.submit(MODEL, {"prompt": value}))
    assert (type(error), requests) == (errors.InputError, 0)


# ── what is said, and to whom ───────────────────────────────────────────────────────────────────────────────────

ECHOES = [
    httpx.Response(400, json={"error_code": 400001, "error_message": f"Cannot read {SIGNED}, {TOKEN}"}),
    httpx.Response(400, json={"detail": [{"loc": ["body", SIGNED], "msg": f"bad {SIGNED}"}]}),
    httpx.Response(500, json={"error": {"url": SIGNED, "authorization": f"Bearer {TOKEN}"}}),
    httpx.Response(200, json={"status": SIGNED, "outcome": SIGNED, "request_id": SIGNED}),
    httpx.Response(200, json={"status": "failed", "error": {"url": SIGNED, "token": TOKEN}}),
    httpx.Response(200, json={"status": "queued", "pricing_note": SIGNED, "price_unit": SIGNED}),
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("echo", range(len(ECHOES)))
def test_an_address_or_a_token_that_a_service_echoes_goes_no_further(call, echo, caplog, monkeypatch):
    """Errors, states, reasons, notes and the log: no signature and no token."""
    monkeypatch.setattr(runcomfy, "QUESTION_PAUSE", 0.0)
    caplog.set_level(logging.DEBUG)
    response = ECHOES[echo]
    came = ask(CALLS[call], *[httpx.Response(response.status_code, content=response.content) for _ in range(2)])
    if call in {"catalogue", "whoami", "balance"} and not isinstance(came, Exception):
        came = ""  # what these give is the answer itself, for the caller to choose from
    for text in (repr(came), str(came), caplog.text):
        assert "00ff" not in text
        assert TOKEN not in text


@pytest.mark.parametrize("level", [logging.INFO, logging.DEBUG])
def test_no_exchange_is_in_the_loggers_of_the_library_and_each_is_a_line_in_ours(level, caplog):
    """Whatever level the user sets on them: their lines hold whole addresses."""
    for name in ("", *http.LIBRARY_LOGGERS):
        caplog.set_level(level, logger=name)
    for call in CALLS.values():
        ask(call, httpx.Response(200, json={"request_id": ID, "status": "queued"}))
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("nbbanana")]
    assert len(ours) == (len(CALLS) if level == logging.DEBUG else 0)
    assert all("HTTP 200" in line for line in ours)
    assert not [record for record in caplog.records if record.name.startswith(("httpx", "httpcore"))]


def test_what_others_do_with_the_library_stays_in_its_loggers(caplog):
    """Only our exchanges are kept out."""
    caplog.set_level(logging.INFO, logger="httpx")
    transport = httpx.MockTransport(lambda _: httpx.Response(200))
    with httpx.Client(transport=transport) as client:
        client.get("https://x.example/")
    assert [record.name for record in caplog.records] == ["httpx"]


def test_a_provider_says_whether_its_money_is_play():
    """The sandbox's is, in this process and served; RunComfy's is not."""
    real = RunComfy(Credential("x", "RUNCOMFY_TOKEN"))
    assert [real.is_play, RunComfy(Credential("nbsandbox_x", "token.json")).is_play] == [False, True]
    assert local_sandbox().is_play
    assert isinstance(real, Provider)


@pytest.mark.parametrize(
    ("status", "body"),
    [(400, {"error_code": 400001, "error": "wrong resource id"}), (404, {"detail": "no such model"})],
)
def test_a_model_that_the_service_has_no_more_names_its_successor(status, body):
    """By the documented code and by a plain 404; a page of a proxy says nothing of the model."""
    refused = httpx.Response(status, json=body)
    error = ask(lambda service: service.submit("google/nano-banana-2/edit", {}), refused)
    assert type(error) is errors.ModelRetiredError
    assert "google/nano-banana-2.1/edit" in error.how
    other = ask(lambda service: service.submit("acme/paint", {}), httpx.Response(status, json=body))
    assert type(other) is errors.UnknownModelError
    page = httpx.Response(404, html="<html>Not found</html>")
    assert type(ask(lambda service: service.submit("google/nano-banana-2/edit", {}), page)) is errors.RejectedError


def test_a_model_that_the_service_cannot_describe_any_more_names_its_successor():
    """A dry run and a form say it before anything is sent."""
    gone = httpx.Response(404, json={"error_code": 404001, "error": "not found"})
    error = ask(lambda service: service.describe("google/nano-banana-2/edit"), gone)
    assert type(error) is errors.ModelRetiredError


def test_its_own_catalogue_gives_the_fields_and_the_price_of_a_model():
    """As `nbbanana models refresh` keeps them; an entry without a schema is none."""
    entry = {
        "input_schema": {"properties": {"prompt": {"type": "string"}}},
        "base_price_usd": 0.09,
        "price_unit": "image",
    }
    found = ask(lambda service: service.catalogue_entry("acme/paint"), httpx.Response(200, json=entry))
    assert (found.provider, found.id, found.prices.base) == ("runcomfy", "acme/paint", 0.09)
    assert set(found.schema["properties"]) == {"prompt"}
    bare = httpx.Response(200, json={"base_price_usd": 0.09})
    assert type(ask(lambda service: service.catalogue_entry("acme/paint"), bare)) is errors.ProtocolError


def test_a_model_of_the_catalogue_that_it_has_not_says_who_has_it():
    """Neither by its answer to the POST nor by its catalogue is it known to have the newer model."""
    name = "google/nano-banana-2.1/edit"
    for call in (lambda service: service.submit(name, {}), lambda service: service.describe(name)):
        error = ask(call, httpx.Response(400, json={"error_code": 400001, "error": "wrong resource id"}))
        assert type(error) is errors.UnknownModelError
        assert error.what == "RunComfy has no google/nano-banana-2.1/edit."
        assert "wrong resource id" in error.why
        assert "fal, gemini, openrouter" in error.why
