"""
Leases: which kernel watches which edit, so that no two collect the same job and none is left alone.

An owner is `host:pid:random`. A lease ends when it is released, when its time is up, or at once when its process
is known to be gone (same host, no such process), so that a kernel that was killed leaves nothing locked.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import uuid

from nbbanana.store.rows import one

__all__ = ["claim", "holders", "is_gone", "new_owner", "release", "renew"]


def new_owner() -> str:
    """
    A name for this process that no other has.

    >>> new_owner().count(":")
    2
    """
    host = socket.gethostname().replace(":", "-") or "localhost"
    return f"{host}:{os.getpid()}:{uuid.uuid4().hex[:12]}"


def is_gone(owner: str) -> bool:
    """
    Whether the process behind `owner` surely ended: it ran on this host, and its number is free.

    >>> is_gone(new_owner()), is_gone("elsewhere:1:abc")
    (False, False)
    """
    host, _, rest = owner.partition(":")
    pid = rest.partition(":")[0]
    if host != new_owner().partition(":")[0] or not pid.isdigit() or os.name == "nt":
        return False  # signal 0 would interrupt the process on Windows
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def claim(connection: sqlite3.Connection, edit_id: int, owner: str, expires_at: float, now: float) -> bool:
    """
    Take the lease of an edit that nobody living holds, or lengthen one's own.

    Returns:
        Whether `owner` holds it now.

    Raises:
        NotInStoreError: no such edit.
    """
    edit = one(connection, edit_id)
    held = connection.execute("SELECT owner, expires_at FROM leases WHERE edit_id = ?", (edit_id,)).fetchone()
    is_own = held is not None and held["owner"] == owner
    if held is not None and not is_own and held["expires_at"] > now and not is_gone(held["owner"]):
        return False
    connection.execute("INSERT OR REPLACE INTO leases VALUES (?, ?, ?)", (edit_id, owner, expires_at))
    if not is_own and edit["accepted_at"] is not None:
        # It ran on unseen: what it seems to have taken says nothing about how long such jobs take.
        connection.execute("UPDATE edits SET watched = 0 WHERE id = ?", (edit_id,))
    return True


def renew(connection: sqlite3.Connection, owner: str, expires_at: float) -> int:
    """Lengthen all leases of `owner`; returns how many it holds."""
    return connection.execute("UPDATE leases SET expires_at = ? WHERE owner = ?", (expires_at, owner)).rowcount


def release(connection: sqlite3.Connection, owner: str, edit_id: int | None = None) -> None:
    """Give back one lease, or all of them."""
    connection.execute("DELETE FROM leases WHERE owner = ? AND edit_id = coalesce(?, edit_id)", (owner, edit_id))


def holders(connection: sqlite3.Connection, now: float, edit_id: int | None = None) -> dict[int, str]:
    """Who watches which edit, or this one, at this moment; leases that ended are not among them."""
    rows = connection.execute(
        "SELECT edit_id, owner FROM leases WHERE expires_at > ? AND edit_id = coalesce(?, edit_id)", (now, edit_id)
    ).fetchall()
    gone = {owner: is_gone(owner) for owner in {row["owner"] for row in rows}}
    return {row["edit_id"]: row["owner"] for row in rows if not gone[row["owner"]]}
