"""
The system's keyring, where the package `keyring` is installed (extra `keyring`) and has a backend that keeps keys.

It is opened for a key that a login put there and for no other, so that nobody is asked to unlock it for nothing.
"""

from __future__ import annotations

from typing import Any

__all__ = ["forget", "keep", "kept"]

SERVICE = "nbbanana"
"""Under which name the keyring lists the keys."""


def keep(name: str, key: str) -> bool:
    """
    Put the key of a service into the keyring.

    Args:
        name: of the service.
        key: its key.

    Returns:
        Whether it is there now: a backend that keeps nothing, is locked or fails is none.
    """
    keyring = _installed()
    if keyring is None:
        return False
    try:
        keyring.set_password(SERVICE, name, key)
        return bool(keyring.get_password(SERVICE, name) == key)
    except Exception:  # noqa: BLE001 - backends are others' code, with errors of their own
        return False


def kept(name: str) -> str | None:
    """Return the key of a service from the keyring; None where it cannot be had."""
    keyring = _installed()
    if keyring is None:
        return None
    try:
        found = keyring.get_password(SERVICE, name)
    except Exception:  # noqa: BLE001 - the same
        return None
    return str(found) if found else None


def forget(name: str) -> bool:
    """Remove the key of a service from the keyring; return whether it is surely not there any more."""
    keyring = _installed()
    if keyring is None:
        return False
    try:
        keyring.delete_password(SERVICE, name)
    except Exception:  # noqa: BLE001 - the same
        return False
    return True


def _installed() -> Any:
    try:
        import keyring
    except ImportError:
        return None
    return keyring
