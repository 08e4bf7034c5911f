"""
Device-code login: a client shows a code, a person types it on a page, the client gets a token.

The steps, the fields and the 410 for a refused or expired code are those that RunComfy's own command line relies
on (`api/cli-auth/start` and `api/cli-auth/poll`). The page takes no code in its address, so that nobody can be
sent a link that signs them in as somebody else.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["DeviceLogins"]

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels, so that no code is a word."""

Decision = Literal["pending", "authorized", "denied"]


@dataclass(slots=True)
class _Login:
    user_code: str
    expires_at: float
    decision: Decision


class DeviceLogins:
    """
    The logins under way; any thread may ask.

    Args:
        grant: makes the token for a login that was allowed.
        lifetime: seconds that a code lives.
        poll_interval: whole seconds that a client is told to wait between polls.
        auto_authorize: every login is allowed at once, for demonstrations.
    """

    def __init__(
        self, grant: Callable[[], str], *, lifetime: int = 600, poll_interval: int = 1, auto_authorize: bool = False
    ) -> None:
        self._grant = grant
        self._lifetime = lifetime
        self._poll_interval = poll_interval
        self._first_decision: Decision = "authorized" if auto_authorize else "pending"
        self._lock = threading.Lock()
        self._logins: dict[str, _Login] = {}

    def start(self, verify_url: str) -> dict[str, Any]:
        """Begin a login; the answer of `start`."""
        device_code = secrets.token_urlsafe(32)
        letters = "".join(secrets.choice(ALPHABET) for _ in range(8))
        login = _Login(f"{letters[:4]}-{letters[4:]}", time.monotonic() + self._lifetime, self._first_decision)
        with self._lock:
            self._forget_expired()
            self._logins[device_code] = login
        return {
            "device_code": device_code,
            "user_code": login.user_code,
            "verify_url": verify_url,
            "expires_in": self._lifetime,
            "poll_interval": self._poll_interval,
        }

    def poll(self, device_code: str) -> tuple[int, dict[str, str]]:
        """The HTTP status and the answer of `poll`. A token is handed out once; an unknown code reads as expired."""
        with self._lock:
            self._forget_expired()
            login = self._logins.get(device_code)
            if login is None:
                return 410, {"status": "expired"}
            if login.decision == "pending":
                return 200, {"status": "pending"}
            del self._logins[device_code]
        if login.decision == "denied":
            return 410, {"status": "denied"}
        return 200, {"status": "authorized", "access_token": self._grant()}

    def decide(self, user_code: str, decision: Decision) -> bool:
        """Allow or refuse the login with this code, as typed; False if there is none."""
        typed = _plain(user_code)
        with self._lock:
            self._forget_expired()
            for login in self._logins.values():
                if _plain(login.user_code) == typed:
                    login.decision = decision
                    return True
        return False

    def _forget_expired(self) -> None:
        now = time.monotonic()
        self._logins = {code: login for code, login in self._logins.items() if login.expires_at > now}


def _plain(user_code: str) -> str:
    return "".join(filter(str.isalpha, user_code.upper()))
