"""Who asks and what they can spend: accounts, their tokens, their play money."""

from __future__ import annotations

import secrets
import threading
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

__all__ = ["CENTS", "Account", "Accounts"]

TOKEN_PREFIX = "nbsandbox_"  # noqa: S105  the start of every token the sandbox makes, so that none is mistaken
CENTS = 6
"""Decimal places that sums are kept to: prices such as $0.0625 stay exact."""


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

    def reserve(self, price: float) -> bool:
        """Set `price` aside for a job; False if the balance, less what is set aside already, does not reach."""
        if round(self.balance - self.reserved - price, CENTS) < 0:
            return False
        self.reserved = round(self.reserved + price, CENTS)
        return True

    def settle(self, reserved: float, cost: float) -> None:
        """A job has ended: give back what was set aside for it and take what it cost."""
        self.reserved = round(self.reserved - reserved, CENTS)
        self.balance = round(self.balance - cost, CENTS)


@dataclass(frozen=True, slots=True)
class _Grant:
    account: Account
    created_at: str


class Accounts:
    """The accounts of one sandbox by token; any thread may ask."""

    def __init__(self, balance: float, token: str | None = None) -> None:
        self._lock = threading.Lock()
        self._grants: dict[str, _Grant] = {}
        self.first = _account("you", balance)
        self.token = self.grant(self.first, token)

    def grant(self, account: Account, token: str | None = None) -> str:
        """A token for the account: the one given, else a new one."""
        token = token or TOKEN_PREFIX + secrets.token_urlsafe(24)
        with self._lock:
            self._grants[token] = _Grant(account, datetime.now(UTC).isoformat())
        return token

    def open(self, name: str, balance: float) -> str:
        """Open another account and return a token for it."""
        return self.grant(_account(name, balance))

    def revoke(self, token: str) -> None:
        """The token is good for nothing from now on."""
        with self._lock:
            self._grants.pop(token, None)

    def find(self, authorization: str | None) -> Account | None:
        """The account behind an `Authorization` header, or None."""
        grant = self._grant(authorization)
        return grant.account if grant else None

    def identity(self, authorization: str | None) -> dict[str, str]:
        """What `/api/auth/me` says of a bearer that `find` knows."""
        grant = self._grant(authorization)
        if grant is None:
            return {}
        return {
            "id": grant.account.user_id,
            "email": grant.account.email,
            "token_type": "sandbox",
            "token_created_at": grant.created_at,
        }

    def _grant(self, authorization: str | None) -> _Grant | None:
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        with self._lock:
            return self._grants.get(token.strip())


def _account(name: str, balance: float) -> Account:
    return Account(str(uuid.uuid4()), f"{name}@sandbox.invalid", balance)
