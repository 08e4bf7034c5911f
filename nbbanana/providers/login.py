"""
Logging in by device code: the service shows a page, the user types a code there, and a token comes back.

Source of the exchange: the RunComfy CLI (`/api/cli-auth/start` and `/api/cli-auth/poll` at the web base).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from nbbanana._version import __version__
from nbbanana.errors import CredentialError, DeadlineError, NetworkError, ProtocolError
from nbbanana.providers.answers import read_json, said
from nbbanana.settings import LOOPBACK, Endpoints

__all__ = ["DeviceCode", "log_in"]

LONGEST_WAIT = 1800.0
LONGEST_PAUSE = 30.0


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """What the user has to do: open `verify_url` and type `user_code`, within `expires_in` seconds."""

    user_code: str
    verify_url: str
    expires_in: float
    interval: float
    device_code: str = field(repr=False)


async def log_in(endpoints: Endpoints, show: Callable[[DeviceCode], object]) -> str:
    """
    Log in and return the token.

    Args:
        endpoints: the web base is asked.
        show: is called once, with what the user has to do.

    Raises:
        NetworkError, ProtocolError: the service cannot be asked.
        CredentialError: the user refused.
        DeadlineError: nobody typed the code in time.
    """
    local = httpx.URL(endpoints.web).host in LOOPBACK
    headers = {"User-Agent": f"nbbanana/{__version__}", "Accept": "application/json"}
    async with httpx.AsyncClient(headers=headers, timeout=20.0, trust_env=not local) as client:
        code = await _start(client, endpoints.web)
        show(code)
        return await _until_typed(client, endpoints.web, code)


async def _start(client: httpx.AsyncClient, web: str) -> DeviceCode:
    try:
        answer = read_json((await client.post(f"{web}/api/cli-auth/start")).content)
    except httpx.HTTPError as error:
        raise NetworkError("The login page could not be reached.", f"{type(error).__name__}.") from None
    try:
        return _device_code(answer)
    except (KeyError, TypeError, ValueError, httpx.InvalidURL):
        raise ProtocolError(
            "The login could not begin.", said(answer) or "The answer is not what the service documents."
        ) from None


def _device_code(answer: Any) -> DeviceCode:
    url = str(answer["verify_url"])
    if httpx.URL(url).scheme not in {"https", "http"} or not url.isprintable():
        raise ValueError("no address for a browser")
    lasts = min(float(answer["expires_in"]), LONGEST_WAIT)
    pause = min(max(1.0, float(answer["poll_interval"])), LONGEST_PAUSE)
    return DeviceCode(str(answer["user_code"]), url, lasts, pause, str(answer["device_code"]))


async def _until_typed(client: httpx.AsyncClient, web: str, code: DeviceCode) -> str:
    ends = time.monotonic() + code.expires_in
    while time.monotonic() < ends:
        answer = await _poll(client, web, code)
        state = answer.get("status") if isinstance(answer, dict) else None
        if state == "authorized" and isinstance(answer.get("access_token"), str):
            return str(answer["access_token"])
        if state == "denied":
            raise CredentialError("The login was refused.", "Somebody said no on the page.", "Log in again.")
        if state == "expired":
            break
        await asyncio.sleep(code.interval)
    raise DeadlineError("The login was not finished in time.", "The code has expired.", "Log in again.")


async def _poll(client: httpx.AsyncClient, web: str, code: DeviceCode) -> Any:
    # A page of a proxy, a 429 or a broken connection in between is no answer, and the next poll may have one.
    try:
        response = await client.post(f"{web}/api/cli-auth/poll", json={"device_code": code.device_code})
    except httpx.HTTPError:
        return None
    return read_json(response.content)
