"""Clients that know nothing of nbbanana: urllib, curl, a bare socket, and the sandbox in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support.sandboxes import EDIT, Serve, ask, data_uri, fetch

from nbbanana.errors import ConfigError
from nbbanana.sandbox import Sandbox

SERVE = "import sys, json; from nbbanana.sandbox import serve; serve(**json.loads(sys.argv[1]))"


def with_urllib(url: str, token: str, payload: dict[str, Any] | None = None) -> tuple[int, Any]:
    """One call with the standard library."""
    data = None if payload is None else json.dumps(payload).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_urllib_goes_the_whole_way(serve: Serve) -> None:
    """Submit, result, download, with nothing but the URLs that the service gives."""
    box, _ = serve()
    status, accepted = with_urllib(f"{box.api_base}/models/{EDIT}", box.token, ask())
    assert status == 200
    box.settle()
    status, result = with_urllib(accepted["result_url"], box.token)
    assert (status, result["status"]) == (200, "completed")
    with urllib.request.urlopen(result["output"]["images"][0], timeout=10) as answer:
        assert answer.read(8) == b"\x89PNG\r\n\x1a\n"
    assert with_urllib(accepted["result_url"], "wrong")[1]["error_code"] == 400004


@pytest.mark.skipif(shutil.which("curl") is None, reason="this machine has no curl")
def test_curl_goes_the_whole_way(serve: Serve, tmp_path: Path) -> None:
    """A body over a megabyte goes too, with curl's `Expect: 100-continue`."""
    box, client = serve()
    noise = tmp_path / "noise.png"
    Image.effect_noise((1400, 1000), 90).save(noise)
    body = tmp_path / "body.json"
    body.write_text(json.dumps(ask(image_urls=[data_uri(noise.read_bytes())])))
    assert body.stat().st_size > 2**20
    command = ["curl", "-sS", "--noproxy", "*", "-H", f"Authorization: Bearer {box.token}"]
    posted = subprocess.run(
        [
            *command,
            "-H",
            "Content-Type: application/json",
            "--data-binary",
            f"@{body}",
            f"{box.api_base}/models/{EDIT}",
        ],
        capture_output=True,
        check=True,
    )
    request_id = json.loads(posted.stdout)["request_id"]
    box.settle()
    url = client.result(request_id)["output"]["images"][0]
    target = tmp_path / "out.png"
    subprocess.run([*command, "-o", str(target), url], check=True)
    assert target.read_bytes() == fetch(url).content


def test_a_bare_socket_and_garbage(serve: Serve) -> None:
    """HTTP/1.0, two requests on one connection, and bytes that are no HTTP at all."""
    box, client = serve()
    address = ("127.0.0.1", int(box.url.rpartition(":")[2]))
    with socket.create_connection(address, timeout=10) as raw:
        raw.sendall(f"GET /v1/models HTTP/1.0\r\nHost: localhost:{address[1]}\r\n\r\n".encode())
        assert b" 400 " in raw.recv(65536).splitlines()[0]
    with socket.create_connection(address, timeout=10) as raw:
        raw.sendall(b"\x16\x03\x01\x02\x00nonsense\r\n\r\n")
        assert raw.recv(65536).startswith(b"HTTP/1.1 400")
    assert client.get("/balance").status_code == 200


def test_a_client_that_hangs_up_mid_request_leaves_nothing(serve: Serve) -> None:
    """Half a submission is none."""
    box, client = serve()
    address = ("127.0.0.1", int(box.url.rpartition(":")[2]))
    with socket.create_connection(address, timeout=10) as raw:
        head = (
            f"POST /v1/models/{EDIT} HTTP/1.1\r\nHost: 127.0.0.1:{address[1]}\r\nAuthorization: Bearer {box.token}\r\n"
        )
        body = json.dumps(ask())
        raw.sendall(f"{head}Content-Length: {len(body) + 1}\r\n\r\n{body}".encode())
    assert client.get("/balance").status_code == 200
    assert box.submissions == []


@pytest.fixture
def process() -> Iterator[Any]:
    """Starts a served sandbox in a process of its own; gives the process and the line it printed."""
    started: list[subprocess.Popen[str]] = []

    def start(**options: Any) -> tuple[subprocess.Popen[str], dict[str, Any]]:
        child = subprocess.Popen(
            [sys.executable, "-c", SERVE, json.dumps(options)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONWARNINGS": "error"},
        )
        started.append(child)
        assert child.stdout is not None
        return child, json.loads(child.stdout.readline())

    yield start
    for child in started:
        child.kill()
        child.communicate()


@pytest.mark.nightly
@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_a_process_says_where_it_is_and_ends_when_told(
    process: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, signal_number: int
) -> None:
    """One line of JSON, then service; an interrupt ends it with 0, without a word, without a file left."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    child, line = process(time_scale=0, balance=2.0)
    assert set(line) == {"url", "token", "api_base", "serverless_base", "web_base", "environment"}
    assert line["environment"]["RUNCOMFY_MODEL_API_BASE"] == line["api_base"] == f"{line['url']}/v1"
    status, answer = with_urllib(f"{line['serverless_base']}/balance", line["token"])
    assert (status, answer["balance_usd"]) == (200, 2.0)
    assert with_urllib(f"{line['api_base']}/models/{EDIT}", line["token"], ask())[0] == 200
    assert list(tmp_path.iterdir())
    child.send_signal(signal_number)
    out, err = child.communicate(timeout=20)
    assert (child.returncode, out, err) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_a_port_can_be_chosen_and_a_taken_one_is_named() -> None:
    """A second sandbox on the same port is refused in words, not given half of the connections."""
    with Sandbox() as box:
        port = int(box.url.rpartition(":")[2])
        with pytest.raises(ConfigError, match=str(port)):
            Sandbox().listen(port=port)
    again = Sandbox().listen(port=port)
    assert again.url == f"http://127.0.0.1:{port}"
    again.close()


def test_it_can_listen_on_ipv6() -> None:
    """The address is written as a URL has it."""
    if not _has_ipv6():
        pytest.skip("this machine has no IPv6 loopback")
    box = Sandbox(time_scale=0).listen("::1")
    try:
        assert box.url.startswith("http://[::1]:")
        assert with_urllib(f"{box.api_base}/models", box.token)[0] == 200
    finally:
        box.close()


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False
