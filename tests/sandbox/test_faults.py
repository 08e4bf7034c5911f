"""Each kind of fault, on real sockets, at each kind of request."""

from __future__ import annotations

import gc
import math
import socket
import threading
import time
import warnings

import httpx
import pytest
from support.sandboxes import EDIT, Client, Serve, ask
from support.tiers import in_turn

from nbbanana.errors import UsageError
from nbbanana.sandbox import FAULT_KINDS, FAULT_TARGETS, Fault, Sandbox

QUICK = {"time-out": {"delay": 5.0}, "time-out after accept": {"delay": 5.0}, "slow drip": {"drip": 0.0005}}
"""What keeps a kind short in a test: the client gives up long before five seconds."""


def patience(kind: str) -> httpx.Timeout:
    """Short where nobody will answer, long where somebody must, however busy the machine is."""
    return httpx.Timeout(0.12 if "time-out" in kind else 10.0)


def call(box: Sandbox, client: Client, target: str, request_id: str) -> httpx.Response:
    """One request of that kind."""
    output = box.submissions[0].outputs[0] if box.submissions else ""
    method, path = {
        "submit": ("POST", f"/models/{EDIT}"),
        "status": ("GET", f"/requests/{request_id}/status"),
        "result": ("GET", f"/requests/{request_id}/result"),
        "cancel": ("POST", f"/requests/{request_id}/cancel"),
        "download": ("GET", f"{box.url}/outputs/{output}"),
        "catalog": ("GET", "/models"),
        "balance": ("GET", "/balance"),
        "whoami": ("GET", f"{box.url}/api/auth/me"),
        "login": ("POST", f"{box.url}/api/cli-auth/start"),
    }[target]
    return client.request(method, path, json=ask() if target == "submit" else None)


def outcome(box: Sandbox, client: Client, target: str, request_id: str) -> str:
    """What a client makes of it: the error that httpx raises, or the answer's status and what its body is."""
    try:
        answer = call(box, client, target, request_id)
    except httpx.HTTPError as error:
        return type(error).__name__
    if not answer.content:
        return f"{answer.status_code} empty"
    if target == "download" and answer.headers["content-type"] == "image/png":
        return f"{answer.status_code} picture"
    try:
        body = answer.json()
    except ValueError:
        return f"{answer.status_code} not json"
    return f"{answer.status_code} error_code" if "error_code" in body else f"{answer.status_code} json"


EXPECTED = {
    "reset before": "ReadError",
    "reset after accept": "ReadError",
    "drop before": "RemoteProtocolError",
    "drop after accept": "RemoteProtocolError",
    "time-out": "ReadTimeout",
    "time-out after accept": "ReadTimeout",
    "408": "408 json",
    "409": "409 json",
    "429": "429 json",
    "500": "500 json",
    "503": "503 json",
    "429 with retry-after": "429 json",
    "502 html": "502 not json",
    "200 with error_code": "200 error_code",
    "empty": "200 empty",
    "garbage": "200 not json",
    "slow drip": "200 json",
    "truncated": "RemoteProtocolError",
}


def test_every_kind_has_a_name_and_is_tried() -> None:
    """The table above is the list of kinds."""
    assert set(EXPECTED) == set(FAULT_KINDS)


@pytest.mark.parametrize("kind", in_turn(FAULT_KINDS, 3))
def test_a_fault_happens_on_the_socket_and_the_next_request_is_well(serve: Serve, kind: str) -> None:
    """For every target: the client sees exactly that fault, once, and then a proper answer."""
    box, client = serve()
    request_id = client.accepted()
    box.settle()
    for target in FAULT_TARGETS:
        fault = Fault.named(kind, target, **QUICK.get(kind, {}))
        box.add_fault(fault)
        expected = EXPECTED[kind]
        if target == "download" and kind == "slow drip":
            expected = "200 picture"
        client.timeout = patience(kind)
        assert outcome(box, client, target, request_id) == expected, target
        assert box.requests[-1].fault == fault
        assert box.requests[-1].target == target
        client.timeout = httpx.Timeout(10.0)
        assert outcome(box, client, target, request_id) in {"200 json", "200 picture"}, target


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_only_an_accepting_fault_lets_a_submission_through(serve: Serve, kind: str) -> None:
    """What is lost after acceptance, or on the way back, is a job; anything else is none."""
    box, client = serve(faults=[Fault.named(kind, "submit", **QUICK.get(kind, {}))])
    client.timeout = patience(kind)
    outcome(box, client, "submit", "")
    accepts = "after accept" in kind or kind in {"slow drip", "truncated"}
    box.settle()
    assert len(box.submissions) == int(accepts)


def test_a_lost_cancel_still_cancels(serve: Serve) -> None:
    """`after_accept` does the work of any target, not only of submit."""
    box, client = serve(slots=1, time_scale=1.0, duration=3600.0)
    client.accepted()
    queued = client.accepted()
    box.add_fault(Fault("cancel", after_accept=True, drop=True))
    with pytest.raises(httpx.RemoteProtocolError):
        client.cancel(queued)
    assert client.status(queued)["status"] == "cancelled"


def test_an_answer_can_be_replaced_after_the_work_was_done(serve: Serve) -> None:
    """A 503 after acceptance is what makes a submission uncertain."""
    box, client = serve(faults=[Fault("submit", after_accept=True, status=503)])
    assert client.submit().status_code == 503
    assert len(box.submissions) == 1


def test_faults_count_their_own_kind_of_request(serve: Serve) -> None:
    """`nth` and `times` count requests of the target from when the fault was set; other kinds do not count."""
    box, client = serve(faults=[Fault("balance", nth=2, times=2, status=503), Fault("whoami", times=None, status=500)])
    client.get("/models")
    assert [client.get("/balance").status_code for _ in range(5)] == [200, 503, 503, 200, 200]
    assert [client.get(f"{box.url}/api/auth/me").status_code for _ in range(3)] == [500] * 3
    box.add_fault(Fault("balance", nth=2, status=409))
    assert [client.get("/balance").status_code for _ in range(3)] == [200, 409, 200]


def test_the_fault_that_was_set_first_wins(serve: Serve) -> None:
    """Two that meet the same request: both count, one happens."""
    _, client = serve(faults=[Fault("balance", status=500), Fault("balance", status=503, times=2)])
    assert [client.get("/balance").status_code for _ in range(3)] == [500, 503, 200]


def test_a_made_up_answer_is_what_the_script_says(serve: Serve) -> None:
    """Body, type, code, words and headers."""
    box, client = serve(
        faults=[
            Fault("balance", status=302, headers={"Location": "https://elsewhere.invalid/"}),
            Fault("balance", nth=2, error_code=400002, message="No money.", status=400),
            Fault("balance", nth=3, body="<h1>hello</h1>", content_type="text/html"),
            Fault("balance", nth=4, status=429, retry_after="Wed, 21 Oct 2026 07:28:00 GMT"),
            Fault("balance", nth=5, status=503, retry_after=2.5),
        ]
    )
    moved, coded, page, dated, later = (client.get("/balance") for _ in range(5))
    assert (moved.status_code, moved.headers["location"]) == (302, "https://elsewhere.invalid/")
    assert coded.json() == {"error_code": 400002, "error_message": "No money."}
    assert (page.text, page.headers["content-type"]) == ("<h1>hello</h1>", "text/html; charset=utf-8")
    assert dated.headers["retry-after"] == "Wed, 21 Oct 2026 07:28:00 GMT"
    assert later.headers["retry-after"] == "2.5"
    assert [seen.status for seen in box.requests] == [302, 400, 200, 429, 503]


def collect(answer: httpx.Response, got: bytearray) -> None:
    """Read what comes, also if not all of it does."""
    for piece in answer.iter_raw():
        got += piece


def test_a_truncated_download_stops_at_its_part(serve: Serve) -> None:
    """A quarter of the announced bytes come, and then the end of the connection."""
    box, client = serve(faults=[Fault("download", truncate=0.25)])
    request_id = client.accepted()
    box.settle()
    url = client.result(request_id)["output"]["images"][0]
    got = bytearray()
    with client.stream("GET", url) as answer:
        whole = int(answer.headers["content-length"])
        with pytest.raises(httpx.RemoteProtocolError):
            collect(answer, got)
    assert len(got) == whole // 4
    assert client.get(url).content.startswith(got)


def test_a_dripping_answer_comes_in_pieces_and_whole(serve: Serve) -> None:
    """About a hundred pieces, and the bytes are right."""
    box, client = serve(faults=[Fault("download", drip=0.001)])
    request_id = client.accepted()
    box.settle()
    url = client.result(request_id)["output"]["images"][0]
    started = time.monotonic()
    with client.stream("GET", url) as answer:
        dripped = b"".join(answer.iter_raw())
    assert time.monotonic() - started >= 0.1
    assert dripped == client.get(url).content


def test_a_fault_can_stop_the_listening_before_its_answer_is_read(serve: Serve) -> None:
    """`refuse`: this answer comes, the next connection is refused, and after a while all is well."""
    _, client = serve(faults=[Fault("submit", refuse=0.3)])
    answer = client.submit()
    assert answer.status_code == 200
    assert answer.headers["connection"] == "close"
    url = answer.json()["status_url"]
    with pytest.raises(httpx.ConnectError):
        client.get(url)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            assert client.get(url).status_code == 200
            break
        except httpx.ConnectError:
            time.sleep(0.02)
    else:
        pytest.fail("nobody listens again")


def test_refusing_closes_idle_connections_and_keeps_the_port(serve: Serve) -> None:
    """Connections are refused meanwhile, for old and new clients; the address stays the same, twice over."""
    box, client = serve()
    url = box.url
    for _ in range(2):
        assert client.get("/balance").status_code == 200
        with box.refusing(), pytest.raises(httpx.ConnectError):
            client.get("/balance")
    assert client.get("/balance").status_code == 200
    assert box.url == url


def test_a_connection_that_comes_while_the_port_closes_is_not_forgotten() -> None:
    """Clients connect without a pause while the box stops and starts and ends: no socket of its own is left open."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        for _ in range(2):
            with Sandbox(time_scale=0.0) as box:
                over = threading.Event()
                address = ("127.0.0.1", int(box.url.rpartition(":")[2]))
                knocking = [threading.Thread(target=_knock, args=(address, over)) for _ in range(2)]
                for thread in knocking:
                    thread.start()
                for _ in range(3):
                    with box.refusing():
                        pass
            over.set()
            for thread in knocking:
                thread.join()
        gc.collect()
    assert [str(one.message) for one in caught if one.category is ResourceWarning] == []


def _knock(address: tuple[str, int], over: threading.Event) -> None:
    """Connect and leave, again and again."""
    while not over.is_set():
        with socket.socket() as client:
            client.connect_ex(address)


def test_a_request_that_is_never_answered_does_not_hold_the_box_open() -> None:
    """Closing ends it at once, for a client that still waits."""
    with Sandbox(faults=[Fault("balance", delay=math.inf), Fault("catalog", drip=100.0)]) as box, Client(box) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.get("/balance", timeout=0.1)
        with client.stream("GET", "/models", timeout=0.5) as dripping:
            pieces = dripping.iter_raw()
            assert next(pieces)
            started = time.monotonic()
            box.close()
            with pytest.raises(httpx.HTTPError):
                next(pieces)
        assert time.monotonic() - started < 5


def test_a_wrong_target_or_kind_is_named() -> None:
    """The error lists what there is."""
    with pytest.raises(UsageError, match="submit, status"):
        Fault("upload")
    with pytest.raises(UsageError, match="502 html"):
        Fault.named("earthquake", "submit")
