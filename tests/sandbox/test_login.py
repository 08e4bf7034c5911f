"""Device-code login, as RunComfy's own command line does it."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from support.sandboxes import Client, Serve, fetch

from nbbanana.sandbox.accounts import DeviceLogins


def start(url: str) -> dict[str, object]:
    """Begin a login without a token."""
    answer = fetch(f"{url}/api/cli-auth/start", "POST")
    assert answer.status_code == 200
    return answer.json()


def poll(url: str, device_code: object) -> tuple[int, dict[str, str]]:
    """Ask once."""
    answer = fetch(f"{url}/api/cli-auth/poll", "POST", json={"device_code": device_code})
    return answer.status_code, answer.json()


def test_a_login_waits_and_then_hands_out_a_token_that_works(serve: Serve) -> None:
    """Pending until the code is allowed, then a token, once."""
    box, _ = serve()
    login = start(box.url)
    assert set(login) == {"device_code", "user_code", "verify_url", "expires_in", "poll_interval"}
    assert isinstance(login["expires_in"], int)
    assert isinstance(login["poll_interval"], int)
    assert str(login["user_code"]) not in str(login["verify_url"])
    assert poll(box.url, login["device_code"]) == (200, {"status": "pending"})
    assert box.authorize(str(login["user_code"]).lower().replace("-", " "))
    status, answer = poll(box.url, login["device_code"])
    assert (status, answer["status"]) == (200, "authorized")
    assert answer["access_token"].startswith("nbsandbox_")
    with Client(box, token=answer["access_token"]) as client:
        assert client.get("/balance").json()["balance_usd"] == 20.0
        request_id = client.accepted()
    with Client(box) as same_account:
        assert same_account.status(request_id)["request_id"] == request_id
    assert poll(box.url, login["device_code"]) == (410, {"status": "expired"})


def test_a_refused_login_is_gone(serve: Serve) -> None:
    """410 with `denied`."""
    box, _ = serve()
    login = start(box.url)
    assert box.deny(str(login["user_code"]))
    assert poll(box.url, login["device_code"]) == (410, {"status": "denied"})


def test_an_expired_login_is_gone(serve: Serve) -> None:
    """410 with `expired`, and its code is good for nothing."""
    box, _ = serve(login_seconds=0)
    login = start(box.url)
    assert poll(box.url, login["device_code"]) == (410, {"status": "expired"})
    assert not box.authorize(str(login["user_code"]))


def test_a_demonstration_needs_nobody(serve: Serve) -> None:
    """`auto_authorize` allows every login."""
    box, _ = serve(auto_authorize=True)
    assert poll(box.url, start(box.url)["device_code"])[1]["status"] == "authorized"


@pytest.mark.parametrize("body", ["", "{}", "[]", '{"device_code": 7}'])
def test_a_poll_without_a_code_is_refused(serve: Serve, body: str) -> None:
    """It is input that does not fit, not a crash."""
    box, _ = serve()
    answer = fetch(f"{box.url}/api/cli-auth/poll", "POST", content=body)
    assert (answer.status_code, answer.json()["error_code"]) == (422, 422001)


def test_the_page_allows_and_refuses(serve: Serve) -> None:
    """A person types the code on the page that `verify_url` names."""
    box, _ = serve()
    allowed, refused = start(box.url), start(box.url)
    page = fetch(str(allowed["verify_url"]))
    assert page.headers["content-type"].startswith("text/html")
    assert 'name="user_code"' in page.text

    def send(code: object, decision: str) -> int:
        return decide(str(allowed["verify_url"]), code, decision)

    assert send(allowed["user_code"], "authorized") == 200
    assert send(refused["user_code"], "denied") == 200
    assert send("ZZZZ-ZZZZ", "authorized") == 404
    assert poll(box.url, allowed["device_code"])[1]["status"] == "authorized"
    assert poll(box.url, refused["device_code"])[1]["status"] == "denied"


def decide(url: str, code: object, decision: str = "authorized", **changes: Any) -> int:
    """Open the page, fill in its form and send it as a browser does; `changes` are what an attacker would change."""
    with httpx.Client(verify=False) as browser:
        page = re.search(r'name="page" value="([^"]+)"', browser.get(url).text)
        assert page is not None
        form = {"user_code": code, "decision": decision, "page": changes.get("page", page[1])}
        browser.cookies = changes.get("cookies", browser.cookies)
        return browser.post(url, data=form, headers=changes.get("headers")).status_code


@pytest.mark.parametrize(
    "changes",
    [
        {"page": ""},
        {"page": "guessed"},
        {"cookies": {}},
        {"cookies": {"nbbanana_sandbox_login": "guessed"}},
        {"page": "", "cookies": {"nbbanana_sandbox_login": ""}},
        {"page": "guessed", "cookies": {"nbbanana_sandbox_login": "guessed"}},
        {"headers": {"Origin": "https://evil.example"}},
    ],
    ids=str,
)
def test_only_the_page_of_the_sandbox_decides_a_login(serve: Serve, changes: dict[str, Any]) -> None:
    """A form of another site, or a plain POST by the program that began the login, approves nothing."""
    box, _ = serve()
    login = start(box.url)
    assert decide(str(login["verify_url"]), login["user_code"], **changes) == 403
    assert poll(box.url, login["device_code"])[1]["status"] == "pending"


def test_a_page_decides_once_and_is_shown_in_no_other_page(serve: Serve) -> None:
    """The token of a page is used up by a decision; the page forbids frames and caches."""
    box, _ = serve()
    url = f"{box.url}/login"
    with httpx.Client(verify=False) as browser:
        answer = browser.get(url)
        page = re.search(r'name="page" value="([^"]+)"', answer.text)
        assert page is not None
        assert "SameSite=strict" in answer.headers["set-cookie"]
        assert "HttpOnly" in answer.headers["set-cookie"]
        assert answer.headers["content-security-policy"] == "frame-ancestors 'none'"
        codes = [start(box.url)["user_code"] for _ in range(2)]
        sent = [browser.post(url, data={"user_code": c, "decision": "authorized", "page": page[1]}) for c in codes]
    assert [answer.status_code for answer in sent] == [200, 403]


def test_expired_logins_are_forgotten() -> None:
    """Logins that nobody finishes do not pile up."""
    logins = DeviceLogins(lambda: "token", lifetime=0)
    for _ in range(100):
        logins.start("http://localhost/login")
    assert len(logins._logins) <= 1
