"""
Money: what edits cost, and keeping some back before more is spent.

Sums are kept in billionths of a dollar by the schema's own triggers, so they are exact and need no adding up;
what one edit counts is the column `charge` of `migrations/003_ownership.sql`. Edits that another store made count
nothing.
"""

from __future__ import annotations

import sqlite3

from nbbanana.errors import StoreError
from nbbanana.store.records import TERMINAL, Budget, Reservation, Spending
from nbbanana.store.rows import Facts, append, keep_cost, last_id, money, move, one
from nbbanana.store.states import UNCERTAIN

__all__ = [
    "budget",
    "by_provider",
    "count",
    "has_paid_edits",
    "record_cost",
    "reserve",
    "set_budget",
    "settle",
    "spending",
]

NANO = 1_000_000_000


def spending(connection: sqlite3.Connection, provider: str, after_id: int | None = None) -> Spending:
    """Return what the edits of `provider` with ids above `after_id` cost, or all of them."""
    if after_id is None:
        row = connection.execute(f"SELECT {_SUMS} FROM totals WHERE provider = ?", (provider,)).fetchone()  # noqa: S608
    else:
        row = connection.execute(
            "SELECT coalesce(sum(iif(cost IS NULL, 0, charge)), 0) AS known,"
            " coalesce(sum(iif(cost IS NULL, charge, 0)), 0) AS held,"
            " coalesce(sum(charge IS NULL), 0) AS unpriced"
            " FROM edits WHERE provider = ? AND id > ? AND (charge IS NULL OR charge <> 0)",
            (provider, after_id),
        ).fetchone()
    return _spending(row)


_SUMS = "coalesce(sum(known), 0) AS known, coalesce(sum(held), 0) AS held, coalesce(sum(unpriced), 0) AS unpriced"


def by_provider(connection: sqlite3.Connection) -> dict[str, Spending]:
    """Return what everything in the store cost, kept apart by provider."""
    rows = connection.execute(f"SELECT provider, {_SUMS} FROM totals GROUP BY provider ORDER BY provider")  # noqa: S608
    return {row["provider"]: _spending(row) for row in rows}


def count(connection: sqlite3.Connection, provider: str | None) -> int:
    """Return how many edits there are, of one provider or of all."""
    row = connection.execute(
        "SELECT coalesce(sum(edits), 0) FROM totals WHERE provider = coalesce(?, provider)", (provider,)
    ).fetchone()
    return int(row[0])


def has_paid_edits(connection: sqlite3.Connection) -> bool:
    """Return whether a service that takes money ever took an edit of this store."""
    row = connection.execute("SELECT 1 FROM totals WHERE is_play = 0 AND accepted > 0").fetchone()
    return row is not None


def reserve(
    connection: sqlite3.Connection, edit_id: int, amount: float, budget: float, after_id: int | None
) -> Reservation:
    """
    Keep `amount` back for an edit that is about to be sent, if the budget allows it.

    Raises:
        NotInStoreError: no such edit.
        StoreError: an amount that is none, or an edit that may have been sent already.
    """
    edit = one(connection, edit_id)
    if edit["state"] not in {"prepared", "submitting"}:
        raise StoreError(
            f"Nothing can be kept back for edit {edit_id}.", f"It is {edit['state']!r} already.", edit_id=edit_id
        )
    money("amount", amount)
    money("budget", budget)
    connection.execute("UPDATE edits SET reserved = 0 WHERE id = ?", (edit_id,))
    spent = spending(connection, edit["provider"], after_id)
    wanted = round((spent.total + amount) * NANO)
    granted = not spent.unpriced and wanted <= round(budget * NANO)
    kept = amount if granted else edit["reserved"]
    connection.execute("UPDATE edits SET reserved = ? WHERE id = ?", (kept, edit_id))
    return Reservation(granted, amount, budget, spent)


def budget(connection: sqlite3.Connection, provider: str) -> Budget | None:
    """Return the budget of `provider`, with what counts against it, or None where there is none."""
    row = connection.execute("SELECT amount, after_id FROM budgets WHERE provider = ?", (provider,)).fetchone()
    if row is None:
        return None
    return Budget(row["amount"], row["after_id"], spending(connection, provider, row["after_id"]))


def set_budget(connection: sqlite3.Connection, provider: str, amount: float | None) -> None:
    """
    Set a budget for edits that are begun from now on, or change the amount of the one that is set; None takes it away.

    Raises:
        StoreError: an amount that is none.
    """
    if amount is None:
        connection.execute("DELETE FROM budgets WHERE provider = ?", (provider,))
        return
    connection.execute(
        "INSERT INTO budgets (provider, amount, after_id) VALUES (?, ?, ?)"
        " ON CONFLICT (provider) DO UPDATE SET amount = excluded.amount",
        (provider, money("budget", amount), last_id(connection)),
    )


def record_cost(connection: sqlite3.Connection, edit_id: int, cost: float) -> None:
    """
    Write down a cost that became known later, whatever state the edit is in.

    Raises:
        NotInStoreError: no such edit.
        StoreError: an amount that is none.
    """
    one(connection, edit_id)
    connection.execute("UPDATE edits SET cost = ? WHERE id = ?", (money("cost", cost), edit_id))
    keep_cost(connection, edit_id, cost)


def settle(
    connection: sqlite3.Connection, edit_id: int, now: float, *, cost: float | None, request_id: str | None
) -> None:
    """
    Write down what a person found out about an edit whose end or cost is open: what it cost, or its request id.

    Raises:
        NotInStoreError: no such edit.
        StoreError: nothing is open, both or neither are given, or an amount that is none.
    """
    edit = one(connection, edit_id)
    if (cost is None) == (request_id is None):
        raise StoreError("What is to be settled is not clear.", "Give either its cost or its request id.")
    if request_id is not None:
        _find(connection, edit, now, request_id)
        return
    assert cost is not None
    if edit["state"] == "downloading":
        move(connection, edit_id, "gone", now, Facts(note=SETTLED, cost=money("cost", cost)))
    elif edit["state"] in SETTLEABLE or (edit["state"] in TERMINAL and edit["cost"] is None):
        record_cost(connection, edit_id, cost)
        append(connection, edit_id, edit["state"], now, SETTLED)
    else:
        raise _nothing_open(edit)


SETTLED = "settled by a person"
SETTLEABLE = frozenset({"unknown", "lost", "gone"})


def _find(connection: sqlite3.Connection, edit: sqlite3.Row, now: float, request_id: str) -> None:
    """Have an uncertain edit be collected under the id that a person found."""
    if edit["state"] not in UNCERTAIN:
        raise _nothing_open(edit)
    connection.execute("UPDATE edits SET request_id = NULL, handle = NULL, cost = NULL WHERE id = ?", (edit["id"],))
    move(connection, edit["id"], "queued", now, Facts(note=SETTLED, request_id=request_id))
    connection.execute(
        "UPDATE posts SET outcome = 'accepted', handle = ?, cost = NULL WHERE (edit_id, ordinal) ="
        " (SELECT edit_id, max(ordinal) FROM posts WHERE edit_id = ? AND outcome IS NOT 'accepted')",
        (request_id, edit["id"]),
    )


def _nothing_open(edit: sqlite3.Row) -> StoreError:
    return StoreError(
        f"Edit {edit['id']} cannot be settled like this.",
        f"It is {edit['state']!r}, and nothing about that is open.",
        "An edit is settled while it is unknown, lost or gone, or its pictures cannot be downloaded.",
        edit_id=edit["id"],
    )


def _spending(row: sqlite3.Row) -> Spending:
    return Spending(row["known"] / NANO, row["held"] / NANO, row["unpriced"])
