"""Each documented refusal."""

from __future__ import annotations

import gc
import json
import socket
import tracemalloc
from urllib.parse import urlsplit

import httpx
import pytest
from support.sandboxes import EDIT, Serve, ask, fetch

from nbbanana.sandbox import Sandbox


def shape(answer: httpx.Response) -> tuple[int, int | None]:
    """The HTTP status and the code of a refusal; that it has words is checked on the way."""
    body = answer.json()
    assert body.get("error_message") or body.get("message")
    return answer.status_code, body.get("error_code")


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Bearer", "Basic dXNlcjpwYXNz", ""])
def test_a_bad_token(serve: Serve, header: str | None) -> None:
    """Without a bearer that is known nothing is answered, on any call."""
    box, _ = serve()
    headers = {} if header is None else {"Authorization": header}
    with httpx.Client(verify=False, base_url=box.api_base, headers=headers) as stranger:
        assert shape(stranger.post(f"/models/{EDIT}", json=ask())) == (400, 400004)
        for path in ("/models", f"/models/{EDIT}", "/requests/x/status", "/requests/x/result", "/balance"):
            assert shape(stranger.get(path)) == (400, 400004)
        assert shape(stranger.post("/requests/x/cancel")) == (400, 400004)
        assert shape(stranger.get(f"{box.url}/api/auth/me")) == (400, 400004)
    assert box.submissions == []


def test_a_wrong_model(serve: Serve) -> None:
    """A model that is not there is refused by submit and by the catalogue."""
    _, client = serve()
    for model in ("google/nano-banana-3/edit", "edit", "a/b%20c"):
        assert shape(client.submit(model)) == (400, 400001)
        assert shape(client.get(f"/models/{model}")) == (400, 400001)


def test_an_empty_wallet(serve: Serve) -> None:
    """What the balance does not reach is refused, and nothing is made or charged."""
    box, client = serve(balance=0.10)
    assert shape(client.submit(resolution="1K", number_of_images=2)) == (400, 400002)
    assert box.submissions == []
    assert box.balance == 0.10


def test_somebody_elses_request(serve: Serve) -> None:
    """Another account's request is there and not yours."""
    box, client = serve()
    request_id = client.accepted()
    client.headers["Authorization"] = f"Bearer {box.add_account('other')}"
    for what in ("status", "result"):
        assert shape(client.get(f"/requests/{request_id}/{what}")) == (403, 403001)
    assert shape(client.post(f"/requests/{request_id}/cancel")) == (403, 403001)


def test_an_unknown_or_expired_request(serve: Serve) -> None:
    """A request that never was and one that expired read the same; the expired one's outputs are gone."""
    box, client = serve()
    request_id = client.accepted()
    box.settle()
    url = client.result(request_id)["output"]["images"][0]
    box.expire(request_id)
    assert fetch(url).status_code == 404
    for each in (request_id, "no-such-request", "%2e%2e"):
        assert shape(client.get(f"/requests/{each}/status")) == (404, 404001)
        assert shape(client.get(f"/requests/{each}/result")) == (404, 404001)
        assert shape(client.post(f"/requests/{each}/cancel")) == (404, 404001)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"seed": "seven"}, "seed"),
        ({"resolution": "8K"}, "resolution"),
        ({"number_of_images": 5}, "number_of_images"),
        ({"number_of_images": True}, "number_of_images"),
        ({"image_urls": []}, "image_urls"),
        ({"image_urls": "https://example.com/a.png"}, "image_urls"),
        ({"prompt": 3}, "prompt"),
    ],
)
def test_a_schema_mismatch(serve: Serve, changes: dict[str, object], where: str) -> None:
    """The refusal names the field in its words and in its `detail`."""
    box, client = serve()
    answer = client.submit(**changes)
    assert shape(answer) == (422, 422001)
    body = answer.json()
    assert body["detail"][0]["loc"][:2] == ["body", where]
    assert where in (body.get("error_message") or body.get("message"))
    assert box.submissions == []


@pytest.mark.parametrize(
    "payload", ["", "null", "[]", '"text"', "{", '{"image_urls": []}', '{"prompt": "x", "imageurls": []}', "[" * 5000]
)
def test_a_body_that_is_no_submission(serve: Serve, payload: str) -> None:
    """Empty, no JSON, no object, a missing field, an unknown field: refused as input, never a crash."""
    _, client = serve()
    assert shape(client.post(f"/models/{EDIT}", content=payload)) == (422, 422001)


def test_a_missing_and_an_unknown_field_are_named(serve: Serve) -> None:
    """The words say which."""
    _, client = serve()
    assert "prompt" in client.post(f"/models/{EDIT}", json={"image_urls": ask()["image_urls"]}).text
    assert "sede" in client.submit(sede=7).text


def test_a_request_over_64_mib(serve: Serve) -> None:
    """It is refused by its announced length, or while it comes, and is not kept."""
    box, client = serve()
    piece = b" " * 2**20

    def endless() -> object:
        for _ in range(65):
            yield piece

    assert client.post(f"/models/{EDIT}", content=endless()).status_code == 413
    with socket.create_connection(("127.0.0.1", urlsplit(box.url).port), timeout=10) as raw:
        host = urlsplit(box.url).netloc
        raw.sendall(f"POST /v1/models/a/b HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1073741824\r\n\r\n".encode())
        assert raw.recv(65536).startswith(b"HTTP/1.1 413")
    assert [seen.status for seen in box.requests] == [413, 413]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "localhost:1", "", "127.0.0.1.evil.example:{port}"]
)
def test_a_host_that_is_not_its_own_is_refused(serve: Serve, host: str) -> None:
    """A name that an attacker's DNS leads to this machine reaches nothing, with a token or without."""
    box, client = serve()
    named = host.format(port=urlsplit(box.url).port)
    for method, path in (("GET", "/balance"), ("POST", f"/models/{EDIT}"), ("GET", f"{box.url}/login")):
        assert client.request(method, path, headers={"Host": named}).status_code == 421
    assert box.requests == []


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_loopback_names_with_its_port_are_its_own(serve: Serve, name: str) -> None:
    """However a client of this machine names it."""
    box, client = serve()
    host = f"{name}:{urlsplit(box.url).port}"
    assert client.get("/balance", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("token", ["right", "wrong"])
def test_nothing_of_refused_requests_is_kept(serve: Serve, token: str) -> None:
    """Six bodies of 11 MiB that are refused leave no more memory in use than one request does."""
    box, client = serve()
    bearer = {} if token == "right" else {"Authorization": "Bearer wrong"}
    body = json.dumps({"prompt": ["x" * 1000] * (11 * 2**10)}).encode()
    client.post(f"/models/{EDIT}", content=body, headers=bearer)
    gc.collect()
    tracemalloc.start()
    for _ in range(6):
        assert client.post(f"/models/{EDIT}", content=body, headers=bearer).status_code in {400, 422}
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 2 * 2**20
    assert [seen.body for seen in box.requests] == [None] * 7
    assert {seen.size for seen in box.requests} == {len(body)}


def test_a_rate_limit_says_when_to_come_back(serve: Serve) -> None:
    """The call after the last that is allowed gets 429 and whole seconds; outputs and login are not counted."""
    box, client = serve(rate_limit=(2, 3600.0))
    assert [client.get("/balance").status_code for _ in range(2)] == [200, 200]
    refused = client.submit()
    assert refused.status_code == 429
    assert 3500 <= int(refused.headers["Retry-After"]) <= 3600
    assert refused.json()["message"]
    assert box.submissions == []
    assert client.post(f"{box.url}/api/cli-auth/start").status_code == 200
    assert client.get(f"{box.url}/outputs/none.png").status_code == 404


def test_a_rate_limit_slides(monkeypatch: pytest.MonkeyPatch) -> None:
    """As each call leaves the window, one more is taken."""
    from nbbanana.sandbox import accounts
    from nbbanana.sandbox.exchanges import ApiError

    now = 100.0
    monkeypatch.setattr(accounts.time, "monotonic", lambda: now)
    limit = accounts.RateLimit(2, 10.0)
    limit.take()
    now = 104.0
    limit.take()
    with pytest.raises(ApiError) as refused:
        limit.take()
    assert refused.value.retry_after == 6
    now = 110.5
    limit.take()
    with pytest.raises(ApiError):
        limit.take()


def test_unknown_paths_and_methods_are_json(serve: Serve) -> None:
    """Nothing but the API and its outputs is there."""
    _, client = serve()
    assert client.get("/nowhere").json() == {"message": "Not Found"}
    assert client.delete("/models").status_code == 405


def test_the_token_given_is_the_token_taken() -> None:
    """A token of one's own works; one that is made up begins so that nobody takes it for a real one."""
    assert Sandbox(token="mine").token == "mine"
    assert Sandbox().token.startswith("nbsandbox_")
    assert Sandbox().token != Sandbox().token
    assert json.dumps(Sandbox().token)
