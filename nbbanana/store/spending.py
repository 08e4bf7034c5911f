"""
Money: what edits cost, and keeping some back before more is spent.

Sums are kept in billionths of a dollar by the schema's own triggers, so they are exact and need no adding up;
what one edit counts is the column `charge` of `migrations/003_ownership.sql`. Edits that another store made count
nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import replace

from nbbanana.errors import StoreError
from nbbanana.settings import LOCAL_PROVIDER
from nbbanana.store.queries import Reader
from nbbanana.store.records import TERMINAL, UNCERTAIN, Budget, Edit, Reservation, Spending
from nbbanana.store.rows import append, get, keep_cost, last_id, move, one
from nbbanana.store.values import money

__all__ = ["Money"]

NANO = 1_000_000_000
SETTLED = "settled by a person"
SETTLEABLE = frozenset({"unknown", "lost", "gone"})
NOT_SENT = frozenset({"prepared", "submitting"})
_SUMS = "coalesce(sum(known), 0) AS known, coalesce(sum(held), 0) AS held, coalesce(sum(unpriced), 0) AS unpriced"


class Money(Reader):
    """What edits cost, what may be spent, and what is kept back."""

    def settle(self, edit_id: int, *, cost: float | None = None, request_id: str | None = None) -> Edit:
        """
        Write down what a person found out about an edit that is `unknown`, `lost` or `gone`.

        With `cost` in US dollars, 0 for "it was never charged", it no longer holds up a budget. With `request_id`, an
        `unknown` or `lost` edit is `queued` again, so that it can be collected. An edit that is `downloading`, since
        its outputs are no longer there, becomes `gone` with its cost.

        Raises:
            NotInStoreError: no such edit.
            StoreError: nothing about it is open, both or neither are given, or an amount that is none.
        """
        with self._database.write() as connection:
            edit = one(connection, edit_id)
            if (cost is None) == (request_id is None):
                raise StoreError("What is to be settled is not clear.", "Give either its cost or its request id.")
            if request_id is not None:
                _find(connection, edit, self._clock(), request_id)
            elif cost is not None:
                _close(connection, edit, self._clock(), cost)
            return get(connection, edit_id)

    def spent(self, provider: str, after_id: int | None = None) -> float:
        """US dollars, told or held, of the edits with ids above `after_id`; see `spending` for what is not known."""
        return self.spending(provider, after_id).total

    def spending(self, provider: str, after_id: int | None = None) -> Spending:
        """What the edits of `provider` with ids above `after_id` cost; what other stores asked for does not count."""
        with self._database.read() as connection:
            return _spent(connection, provider, after_id)

    def total_cost(self) -> dict[str, Spending]:
        """
        Return what everything here cost, by provider; where its money is play money, that is said.

        What was made here without a service has no line: it costs nothing, ever.
        """
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT provider, min(is_play) AS is_play, {_SUMS}"  # noqa: S608
                " FROM totals WHERE provider <> ? GROUP BY provider ORDER BY provider",
                (LOCAL_PROVIDER,),
            )
            return {row["provider"]: replace(_spending(row), is_play=bool(row["is_play"])) for row in rows}

    def has_paid_edits(self) -> bool:
        """Return whether a service that takes money ever took an edit of this store."""
        with self._database.read() as connection:
            row = connection.execute("SELECT 1 FROM totals WHERE is_play = 0 AND accepted > 0").fetchone()
            return row is not None

    def budget(self, provider: str) -> Budget | None:
        """What may be spent at `provider` by all kernels of this store together, or None where nothing was said."""
        with self._database.read() as connection:
            row = connection.execute("SELECT amount, after_id FROM budgets WHERE provider = ?", (provider,)).fetchone()
            if row is None:
                return None
            return Budget(row["amount"], row["after_id"], _spent(connection, provider, row["after_id"]))

    def set_budget(self, provider: str, amount: float | None) -> None:
        """Set a budget that counts from now, or change the amount of the one that is there; None takes it away."""
        with self._database.write() as connection:
            if amount is None:
                connection.execute("DELETE FROM budgets WHERE provider = ?", (provider,))
                return
            connection.execute(
                "INSERT INTO budgets (provider, amount, after_id) VALUES (?, ?, ?)"
                " ON CONFLICT (provider) DO UPDATE SET amount = excluded.amount",
                (provider, money("budget", amount), last_id(connection)),
            )

    def reserve(self, edit_id: int, amount: float, *, budget: float, after_id: int | None = None) -> Reservation:
        """
        Keep `amount` back for an edit that is about to be sent, if what was spent leaves so much of `budget`.

        One transaction looks and writes, so kernels that share the store cannot overspend together. It counts the
        edits of the same provider with ids above `after_id`: reported costs, else what was kept back, else the quoted
        price, also of edits in flight and `unknown` ones. It is refused while any of them has a charge that is not
        known. The reservation ends by itself: with the cost once it is known, with nothing if the edit never ran.

        Raises:
            NotInStoreError: no such edit.
            StoreError: not an amount of money, or an edit that was sent already.
        """
        with self._database.write() as connection:
            edit = one(connection, edit_id)
            if edit["state"] not in NOT_SENT:
                raise StoreError(
                    f"Nothing can be kept back for edit {edit_id}.",
                    f"It is {edit['state']!r} already.",
                    edit_id=edit_id,
                )
            return _reserve(connection, {edit_id: amount}, edit["provider"], budget, after_id)

    def reserve_all(self, amounts: Mapping[int, float], *, budget: float, after_id: int | None = None) -> Reservation:
        """
        Keep an amount back for each of several edits of one provider, for all of them or for none; see `reserve`.

        Edits that ended meanwhile are left out.

        Raises:
            NotInStoreError: no such edit.
            StoreError: not an amount of money.
        """
        with self._database.write() as connection:
            edits = {edit_id: one(connection, edit_id) for edit_id in amounts}
            left = {edit_id: amounts[edit_id] for edit_id, edit in edits.items() if edit["state"] in NOT_SENT}
            provider = next((edit["provider"] for edit in edits.values()), "")
            return _reserve(connection, left, provider, budget, after_id)


def _reserve(
    connection: sqlite3.Connection, amounts: Mapping[int, float], provider: str, budget: float, after_id: int | None
) -> Reservation:
    money("budget", budget)
    before: dict[int, float | None] = {}
    for edit_id, amount in amounts.items():
        money("amount", amount)
        before[edit_id] = one(connection, edit_id)["reserved"]
        connection.execute("UPDATE edits SET reserved = 0 WHERE id = ?", (edit_id,))
    spent, total = _spent(connection, provider, after_id), sum(amounts.values())
    granted = not spent.unpriced and round((spent.total + total) * NANO) <= round(budget * NANO)
    for edit_id, amount in amounts.items():
        kept = amount if granted else before[edit_id]
        connection.execute("UPDATE edits SET reserved = ? WHERE id = ?", (kept, edit_id))
    return Reservation(granted, total, budget, spent)


def _spent(connection: sqlite3.Connection, provider: str, after_id: int | None = None) -> Spending:
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


def _close(connection: sqlite3.Connection, edit: sqlite3.Row, now: float, cost: float) -> None:
    """Write down what a person found that an edit cost whose end or cost is open."""
    if edit["state"] == "downloading":
        move(connection, edit["id"], "gone", now, note=SETTLED, cost=money("cost", cost))
    elif edit["state"] in SETTLEABLE or (edit["state"] in TERMINAL and edit["cost"] is None and _was_taken(edit)):
        _check_known(connection, edit, cost)
        connection.execute("UPDATE edits SET cost = ? WHERE id = ?", (money("cost", cost), edit["id"]))
        keep_cost(connection, edit["id"], cost)
        append(connection, edit["id"], edit["state"], now, SETTLED)
    else:
        raise _nothing_open(edit)


def _was_taken(edit: sqlite3.Row) -> bool:
    """Return whether the service took an edit, so that it may have charged for it."""
    return edit["state"] != "rejected" and (edit["state"] != "cancelled" or edit["accepted_at"] is not None)


def _check_known(connection: sqlite3.Connection, edit: sqlite3.Row, cost: float) -> None:
    """Refuse a cost of an edit that is below what its POSTs are known to have cost."""
    (known,) = connection.execute(
        "SELECT coalesce(sum(cost), 0) FROM posts WHERE edit_id = ? AND outcome = 'accepted'", (edit["id"],)
    ).fetchone()
    if edit["cost"] is None and round((cost - known) * NANO) < 0:
        raise StoreError(
            f"Edit {edit['id']} cost more than that.",
            f"${known:.4f} of it is known already, and its cost is that of all its pictures together.",
            f"Write nb.history.settle({edit['id']}, cost={known:.4f}) where nothing else was charged.",
            edit_id=edit["id"],
        )


def _find(connection: sqlite3.Connection, edit: sqlite3.Row, now: float, request_id: str) -> None:
    """Have an uncertain edit be collected under the id that a person found."""
    if edit["state"] not in UNCERTAIN:
        raise _nothing_open(edit)
    minted = "SELECT 1 FROM posts WHERE edit_id = ? AND handle = ? || '-' || ordinal"  # see `ledger.handle_of_post`
    if connection.execute(minted, (edit["id"], edit["uid"])).fetchone():
        raise StoreError(
            f"Edit {edit['id']} cannot be collected.",
            "Its service gives the pictures once, with its answer, and has no request id.",
            f"Say what it cost: nb.history.settle({edit['id']}, cost=…).",
            edit_id=edit["id"],
        )
    connection.execute("UPDATE edits SET request_id = NULL, handle = NULL, cost = NULL WHERE id = ?", (edit["id"],))
    move(connection, edit["id"], "queued", now, note=SETTLED, request_id=request_id)
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
