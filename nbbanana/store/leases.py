"""
Leases: which kernel watches which edit, so that no two collect the same job and none is left alone.

An owner is `host:pid:random`. A lease ends when it is released, when its time is up, or at once when its process
is known to be gone (same host, no such process), so that a kernel that was killed leaves nothing locked.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import uuid
from pathlib import Path

from nbbanana.store.queries import Reader
from nbbanana.store.records import UNFINISHED, Edit, State
from nbbanana.store.rows import edits_from, move, numbered, one

__all__ = ["Leases", "claim", "is_gone", "new_owner"]


def new_owner() -> str:
    """
    Return a name for this process that no other has.

    >>> new_owner().count(":")
    2
    """
    return f"{_host()}:{os.getpid()}:{uuid.uuid4().hex[:12]}"


def is_gone(owner: str) -> bool:
    """
    Return whether the process behind `owner` surely ended: it ran on this host, and its number is free, or it only
    waits there to be asked how it ended, as in a container whose first process reaps none.

    >>> is_gone(new_owner()), is_gone("elsewhere:1:abc")
    (False, False)
    """
    host, _, rest = owner.partition(":")
    pid = rest.partition(":")[0]
    if host != _host() or not pid.isdigit() or os.name == "nt":
        return False  # signal 0 would interrupt the process on Windows
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return _is_zombie(pid)


def _is_zombie(pid: str) -> bool:
    """Return whether a process has ended and was not reaped; Linux tells."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[:1] == ["Z"]  # its name in parentheses may hold anything


def _host() -> str:
    return socket.gethostname().replace(":", "-") or "localhost"


class Leases(Reader):
    """Who watches which edit."""

    def claim(self, edit_id: int, owner: str, ttl: float) -> bool:
        """Take an edit's lease for `ttl` seconds; False while a living other one holds it. See `new_owner`."""
        now = self._clock()
        with self._database.write() as connection:
            return claim(connection, edit_id, owner, now + ttl, now)

    def is_claimed(self, edit_id: int) -> bool:
        """Return whether a living process has the lease of the edit."""
        with self._database.read() as connection:
            return edit_id in _holders(connection, self._clock())

    def renew(self, owner: str, ttl: float) -> int:
        """Have all leases of `owner` last `ttl` seconds from now; returns how many it holds."""
        with self._database.write() as connection:
            lasting = self._clock() + ttl
            return connection.execute("UPDATE leases SET expires_at = ? WHERE owner = ?", (lasting, owner)).rowcount

    def release(self, owner: str, edit_id: int | None = None) -> None:
        """Give back the lease of an edit, or all that `owner` holds; another owner's stay."""
        with self._database.write() as connection:
            connection.execute(
                "DELETE FROM leases WHERE owner = ? AND edit_id = coalesce(?, edit_id)", (owner, edit_id)
            )

    def unfinished(self, provider: str | None = None, *, unclaimed: bool = False) -> list[Edit]:
        """Return the edits with something left to do, oldest first; `unclaimed`: only those without a living lease."""
        with self._database.read() as connection:
            found = connection.execute(
                "SELECT * FROM edits WHERE state <> 'completed' AND state IN (SELECT value FROM json_each(?))"
                " AND provider = coalesce(?, provider) ORDER BY id",
                (json.dumps(UNFINISHED), provider),
            )
            watched = _holders(connection, self._clock()) if unclaimed else {}
            return [edit for edit in edits_from(connection, found) if edit.id not in watched]

    def settle_abandoned(self, grace: float = 60.0, *, owner: str | None = None) -> list[Edit]:
        """
        End the edits whose kernel ended between writing them down and recording that they were accepted.

        Those that were `prepared` were never sent: they become `cancelled`, and what was kept back for them is free
        again. Those that were `submitting` become `unknown`, or `lost` where the service gives no id to ask by. What
        has a living lease, or changed within the last `grace` seconds, is left alone, unless `owner`, who ends now,
        holds the lease. Costs one read where there are none.

        Returns:
            The edits that ended so, oldest first.
        """
        with self._database.read() as connection:
            if not _abandoned(connection, self._clock(), grace, owner):
                return []
        with self._database.write() as connection:
            now = self._clock()
            ids = _abandoned(connection, now, grace, owner)
            for edit_id in ids:
                _settle(connection, edit_id, now)
            return numbered(connection, ids)


def claim(connection: sqlite3.Connection, edit_id: int, owner: str, expires_at: float, now: float) -> bool:
    """
    Take the lease of an edit that no living process holds, or lengthen one's own.

    Returns:
        Whether `owner` holds it now.

    Raises:
        NotInStoreError: no such edit.
    """
    edit = one(connection, edit_id)
    held_by = _holders(connection, now).get(edit_id)
    if held_by not in {None, owner}:
        return False
    connection.execute("INSERT OR REPLACE INTO leases VALUES (?, ?, ?)", (edit_id, owner, expires_at))
    if held_by is None and edit["accepted_at"] is not None:
        # It ran on unseen: what it seems to have taken says nothing about how long such jobs take.
        connection.execute("UPDATE edits SET watched = 0 WHERE id = ?", (edit_id,))
    return True


def _abandoned(connection: sqlite3.Connection, now: float, grace: float, owner: str | None = None) -> list[int]:
    """
    The ids of edits that were not sent, or not answered, when their kernel ended, oldest first: nothing watches them,
    and nothing happened for `grace` seconds. What `owner` watches is among them without waiting.
    """
    watched = _holders(connection, now)
    rows = connection.execute(
        "SELECT id, (SELECT max(at) FROM transitions WHERE edit_id = id) AS at FROM edits"
        " WHERE state <> 'completed' AND state IN ('prepared', 'submitting') ORDER BY id"
    )
    return [
        row["id"]
        for row in rows
        if (row["id"] not in watched and row["at"] <= now - grace)
        or (owner is not None and watched.get(row["id"]) == owner)
    ]


def _settle(connection: sqlite3.Connection, edit_id: int, now: float) -> None:
    """End an abandoned edit: what was prepared, or refused, was not taken; of what was on its way nothing is known."""
    ends: dict[str, tuple[State, str]] = {
        "prepared": ("cancelled", "its kernel ended before it was sent"),
        "submitting": ("unknown", "its kernel ended while it was on its way"),
    }
    state, note = ends[one(connection, edit_id)["state"]]
    posts = connection.execute("SELECT outcome, handle FROM posts WHERE edit_id = ?", (edit_id,)).fetchall()
    if posts and all(post["outcome"] in {"refused", "not sent"} for post in posts):
        state, note = "cancelled", "its kernel ended before it was sent again"
    elif any(post["handle"] is not None for post in posts):
        state, note = "lost", "its kernel ended while the service made it, and its answer cannot be had again"
    move(connection, edit_id, state, now, note=note)
    outcome = "not sent" if state == "cancelled" else "uncertain"
    connection.execute("UPDATE posts SET outcome = ? WHERE edit_id = ? AND outcome IS NULL", (outcome, edit_id))


def _holders(connection: sqlite3.Connection, now: float) -> dict[int, str]:
    """Return the owners of all leases now, by edit; leases that ended are left out."""
    rows = connection.execute("SELECT edit_id, owner FROM leases WHERE expires_at > ?", (now,)).fetchall()
    gone = {owner: is_gone(owner) for owner in {row["owner"] for row in rows}}
    return {row["edit_id"]: row["owner"] for row in rows if not gone[row["owner"]]}
