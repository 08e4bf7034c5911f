"""
Logging in by device code: the service shows a page, the user types a code there, and a token comes back.

Source of the exchange: the RunComfy CLI (`/api/cli-auth/start` and `/api/cli-auth/poll` at the web base).
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Callable
from typing import Any

import httpx

from nbbanana.errors import CredentialError, DeadlineError, NetworkError, ProtocolError, translated
from nbbanana.providers.answers import server_message
from nbbanana.providers.base import DeviceCode
from nbbanana.providers.credentials import Token
from nbbanana.providers.http import Connections
from nbbanana.text import one_line

__all__ = ["log_in"]

LONGEST_WAIT = 1800.0
LONGEST_PAUSE = 30.0


async def log_in(web: str, show: Callable[[DeviceCode], object]) -> Token:
    """
    Log in and return the token.

    Args:
        web: the base that is asked, such as `https://www.runcomfy.com`.
        show: is called once, with what the user has to do.

    Raises:
        NetworkError, ProtocolError: the service cannot be asked.
        CredentialError: the user refused.
        DeadlineError: the code was not typed in time.
        ConfigError: an environment variable about proxies or certificates cannot be used.
    """
    http = Connections()
    try:
        code = await _start(http, web)
        show(code)
        return await _until_typed(http, web, code)
    finally:
        await http.aclose()


async def _start(http: Connections, web: str) -> DeviceCode:
    answer = await http.ask("POST", f"{web}/api/cli-auth/start", "login start")
    if answer.failure is not None and not isinstance(answer.failure, ProtocolError):
        error = NetworkError("The login page could not be reached.", answer.failure.why, answer.failure.how)
        error.__cause__ = answer.failure.__cause__
        raise error
    why = server_message(answer.json) or "The answer is not what the service documents."
    kinds = (KeyError, TypeError, ValueError, OverflowError, httpx.InvalidURL)
    with translated(kinds, lambda _: ProtocolError("The login could not begin.", why)):
        return _device_code(answer.json)


def _device_code(answer: Any) -> DeviceCode:
    url = str(answer["verify_url"])
    if httpx.URL(url).scheme not in {"https", "http"} or not url.isprintable():
        raise ValueError("no address for a browser")
    lasts, pause = (float(answer[key]) for key in ("expires_in", "poll_interval"))
    if not math.isfinite(lasts + pause):
        raise ValueError("no time")
    return DeviceCode(
        one_line(answer["user_code"], 40),
        url,
        min(lasts, LONGEST_WAIT),
        min(max(1.0, pause), LONGEST_PAUSE),
        str(answer["device_code"]),
    )


async def _until_typed(http: Connections, web: str, code: DeviceCode) -> Token:
    ends = time.monotonic() + code.expires_in
    while time.monotonic() < ends:
        # A page of a proxy, a 429 or a broken connection in between is no answer, and the next poll may have one.
        body = json.dumps({"device_code": code.device_code}).encode()
        answer = await http.ask("POST", f"{web}/api/cli-auth/poll", "login poll", body=body)
        state, token = _polled(answer.json)
        if token:
            return token
        if state == "denied":
            raise CredentialError("The login was refused.", "It was refused on the page.", "Log in again.")
        if state == "expired":
            break
        await asyncio.sleep(min(max(code.interval, answer.retry_after or 0.0), LONGEST_PAUSE))
    raise DeadlineError("The login was not finished in time.", "The code has expired.", "Log in again.")


def _polled(answer: Any) -> tuple[Any, Token]:
    """Return the state that a poll answered, and the token once there is one."""
    if not isinstance(answer, dict):
        return None, Token()
    state, token = answer.get("status"), answer.get("access_token")
    return state, Token(token) if state == "authorized" and isinstance(token, str) else Token()
