"""
Accounts: tokens, play money, device-code logins and the rate limit.

The steps of a login, its fields and the 410 for a refused or expired code are those that RunComfy's own command line
relies on (`api/cli-auth/start` and `api/cli-auth/poll`). The page takes no code in its address, so that no link signs a
user in as another. A decision is taken only from a page that this sandbox served: see `LoginPages`.
"""

from __future__ import annotations

import math
import secrets
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from nbbanana.sandbox.api_errors import TOO_FAST, ApiError

__all__ = ["CENTS", "Account", "Accounts", "DeviceLogins", "LoginPages", "RateLimit"]

TOKEN_PREFIX = "nbsandbox_"  # noqa: S105  the start of every token the sandbox makes, so that none is mistaken
CENTS = 6
"""Decimal places that sums are kept to: prices such as $0.0625 stay exact."""
ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
"""Letters of user codes: no vowels, so that no code is a word."""
POLL_INTERVAL = 1
"""Whole seconds that a client is asked to wait between polls."""
MOST_PAGES = 100
"""Login pages that are remembered at once."""

Decision = Literal["pending", "authorized", "denied"]


@dataclass(slots=True)
class Account:
    """
    One account: what it has and what its unfinished jobs will take of it, in US dollars of play money.

    Sums change only under the job queue's lock.
    """

    user_id: str
    email: str
    balance: float
    reserved: float = 0.0
    created_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat())

    def reserve(self, price: float) -> bool:
        """Set `price` aside for a job; False if the balance, less what is set aside already, does not reach."""
        if round(self.balance - self.reserved - price, CENTS) < 0:
            return False
        self.reserved = round(self.reserved + price, CENTS)
        return True

    def settle(self, reserved: float, cost: float) -> None:
        """Settle a job that ended: give back what was set aside for it and take what it cost."""
        self.reserved = round(self.reserved - reserved, CENTS)
        self.balance = round(self.balance - cost, CENTS)


class Accounts:
    """The accounts of one sandbox by token; any thread may ask."""

    def __init__(self, balance: float, token: str | None = None) -> None:
        self._by_token: dict[str, Account] = {}
        self.first = _account("you", balance)
        self.token = self.grant(self.first, token)

    def grant(self, account: Account, token: str | None = None) -> str:
        """Return a token for the account: the one given, else a new one."""
        token = token or TOKEN_PREFIX + secrets.token_urlsafe(24)
        self._by_token[token] = account
        return token

    def open(self, name: str, balance: float) -> str:
        """Open another account and return a token for it."""
        return self.grant(_account(name, balance))

    def find(self, authorization: str | None) -> Account | None:
        """Return the account behind an `Authorization` header, or None."""
        scheme, _, token = (authorization or "").partition(" ")
        return self._by_token.get(token.strip()) if scheme.lower() == "bearer" else None


def _account(name: str, balance: float) -> Account:
    return Account(str(uuid.uuid4()), f"{name}@sandbox.invalid", balance)


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
        auto_authorize: every login is allowed at once, for demonstrations.
    """

    def __init__(self, grant: Callable[[], str], *, lifetime: int = 600, auto_authorize: bool = False) -> None:
        self._grant = grant
        self._lifetime = lifetime
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
            "poll_interval": POLL_INTERVAL,
        }

    def poll(self, device_code: str) -> tuple[int, dict[str, str]]:
        """Return status and answer of `poll`. A token is handed out once; an unknown code reads as expired."""
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


class LoginPages:
    """
    The login pages that were served and not yet used; any thread may ask.

    Each page has a token in its form and the same token in a cookie that other sites cannot make a browser send. A
    decision needs both, once: neither another site nor a plain POST can approve a login.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tokens: deque[str] = deque(maxlen=MOST_PAGES)

    def open(self) -> str:
        """Return the token of a new page; the oldest page is forgotten where there are too many."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._tokens.append(token)
        return token

    def use(self, form: str, cookie: str) -> bool:
        """Return whether form and cookie carry the token of a page, which is used up by this."""
        with self._lock:
            if form != cookie or form not in self._tokens:
                return False
            self._tokens.remove(form)
            return True


class RateLimit:
    """
    Counts calls over a sliding window; any thread may call.

    The service publishes no limit and no `Retry-After`; here clients can be tried against one.

    Args:
        calls: how many are taken in a window; None for no limit.
        seconds: how long the window is.
    """

    def __init__(self, calls: int | None = None, seconds: float = 1.0) -> None:
        self._calls = calls
        self._seconds = seconds
        self._lock = threading.Lock()
        self._taken: deque[float] = deque()

    def take(self) -> None:
        """
        Count one call.

        Raises:
            ApiError: 429, with the whole seconds after which one more is taken.
        """
        if self._calls is None:
            return
        now = time.monotonic()
        with self._lock:
            while self._taken and self._taken[0] <= now - self._seconds:
                self._taken.popleft()
            if len(self._taken) < self._calls:
                self._taken.append(now)
                return
            wait = self._taken[0] + self._seconds - now
        raise ApiError(TOO_FAST, "Too many requests; retry in a moment.", retry_after=max(1, math.ceil(wait)))
