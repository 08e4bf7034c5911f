"""
Money: what edits cost, and keeping some back before more is spent.

Sums are kept in billionths of a dollar by the schema's own triggers, so they are exact and need no adding up;
what one edit counts is the column `charge` of `migrations/001_edits.sql`.
"""

from __future__ import annotations

import sqlite3

from nbbanana.errors import StoreError
from nbbanana.store.records import Budget, Reservation, Spending
from nbbanana.store.rows import money, one

__all__ = ["budget", "by_provider", "count", "has_paid_edits", "record_cost", "reserve", "set_budget", "spending"]

NANO = 1_000_000_000


def spending(connection: sqlite3.Connection, provider: str, since: float | None = None) -> Spending:
    """What the edits of `provider` that were begun at or after `since` cost."""
    if since is None:
        row = connection.execute("SELECT known, held, unpriced FROM totals WHERE provider = ?", (provider,)).fetchone()
    else:
        row = connection.execute(
            "SELECT coalesce(sum(iif(cost IS NULL, 0, charge)), 0) AS known,"
            " coalesce(sum(iif(cost IS NULL, charge, 0)), 0) AS held,"
            " coalesce(sum(charge IS NULL), 0) AS unpriced"
            " FROM edits WHERE provider = ? AND created_at >= ? AND (charge IS NULL OR charge <> 0)",
            (provider, since),
        ).fetchone()
    return _spending(row) if row else Spending(0.0, 0.0, 0)


def by_provider(connection: sqlite3.Connection) -> dict[str, Spending]:
    """What everything in the store cost, kept apart by provider."""
    rows = connection.execute("SELECT provider, known, held, unpriced FROM totals ORDER BY provider")
    return {row["provider"]: _spending(row) for row in rows}


def count(connection: sqlite3.Connection, provider: str | None) -> int:
    """How many edits there are, of one provider or of all."""
    row = connection.execute(
        "SELECT coalesce(sum(edits), 0) FROM totals WHERE provider = coalesce(?, provider)", (provider,)
    ).fetchone()
    return int(row[0])


def has_paid_edits(connection: sqlite3.Connection) -> bool:
    """Whether a service that takes money ever took an edit of this store."""
    row = connection.execute("SELECT 1 FROM totals WHERE provider <> 'sandbox' AND accepted > 0").fetchone()
    return row is not None


def reserve(
    connection: sqlite3.Connection, edit_id: int, amount: float, budget: float, since: float | None
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
    spent = spending(connection, edit["provider"], since)
    wanted = round((spent.total + amount) * NANO)
    granted = not spent.unpriced and wanted <= round(budget * NANO)
    kept = amount if granted else edit["reserved"]
    connection.execute("UPDATE edits SET reserved = ? WHERE id = ?", (kept, edit_id))
    return Reservation(granted, amount, budget, spent)


def budget(connection: sqlite3.Connection, provider: str) -> Budget | None:
    """The budget of `provider`, with what counts against it, or None where there is none."""
    row = connection.execute("SELECT amount, since FROM budgets WHERE provider = ?", (provider,)).fetchone()
    if row is None:
        return None
    return Budget(row["amount"], row["since"], spending(connection, provider, row["since"]))


def set_budget(connection: sqlite3.Connection, provider: str, amount: float | None, since: float) -> None:
    """
    Set a budget that counts from `since`, or change the amount of the one that is there; None takes it away.

    Raises:
        StoreError: an amount that is none.
    """
    if amount is None:
        connection.execute("DELETE FROM budgets WHERE provider = ?", (provider,))
        return
    connection.execute(
        "INSERT INTO budgets (provider, amount, since) VALUES (?, ?, ?)"
        " ON CONFLICT (provider) DO UPDATE SET amount = excluded.amount",
        (provider, money("budget", amount), since),
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


def _spending(row: sqlite3.Row) -> Spending:
    return Spending(row["known"] / NANO, row["held"] / NANO, row["unpriced"])
