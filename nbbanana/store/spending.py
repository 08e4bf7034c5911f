"""
Money: the ledger of what is sent, what edits cost, and keeping some back before more is spent.

The ledger has a row for each POST, written before it is sent, with how it ended.

Sums are kept in billionths of a dollar by the schema's own triggers, so they are exact and need no adding up;
what one edit counts is the column `charge` of `migrations/003_ownership.sql`. Edits that another store made count
nothing.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import get_args

from nbbanana.errors import NotInStoreError, StoreError
from nbbanana.settings import LOCAL_PROVIDER
from nbbanana.store.queries import Reader
from nbbanana.store.records import NANO, SENT, UNCERTAIN, Budget, Edit, Outcome, Post, Reservation, Spending, Transition
from nbbanana.store.rows import append, edits_from, get, insert, keep_cost, move, one
from nbbanana.store.values import money, text

__all__ = ["Money", "add_posts", "end_post"]

SETTLED = "settled by a person"
SETTLEABLE = frozenset({"unknown", "lost", "gone"})
NOT_SENT = frozenset({"prepared", "submitting"})
_SUMS = "coalesce(sum(known), 0) AS known, coalesce(sum(held), 0) AS held, coalesce(sum(unpriced), 0) AS unpriced"


class Money(Reader):
    """What is sent to services and how that ends, what edits cost, what may be spent, and what is kept back."""

    def begin_posts(
        self, edit_id: int, seeds: Sequence[int | None] | None = None, *, alone: bool = False
    ) -> tuple[Edit, Edit | None, list[Post]]:
        """
        Take an edit to `submitting` and write down the POSTs that follow, in one transaction.

        Args:
            edit_id: the edit that is sent.
            seeds: the seed of each POST to a service that answers with its pictures and gives no id, so that each gets
                a handle of ours; None is one POST to a service that gives an id.
            alone: not where another edit of the same ask at the same provider was sent by now, as when this one's
                kernel slept and another asked meanwhile: of all kernels the first here sends.

        Returns:
            The edit; the other one that was sent, then nothing was changed; and the POSTs in their order.

        Raises:
            NotInStoreError: no such edit.
            StoreError: it ended meanwhile.
        """
        with self._database.write() as connection:
            edit, now = get(connection, edit_id), self._clock()
            other = _sent_elsewhere(connection, edit, now) if alone else None
            if other is not None:
                return edit, other, []
            move(connection, edit_id, "submitting", now)
            edit, is_minted = get(connection, edit_id), seeds is not None
            each = [edit.seed] if seeds is None else seeds
            quote = None if edit.price_quoted is None else round(edit.price_quoted / max(1, len(each)), 9)
            return edit, None, [_sent(connection, edit, now, seed, quote, is_minted=is_minted) for seed in each]

    def post_sent(self, edit_id: int, *, seed: int | None, quote: float | None, is_minted: bool = False) -> Post:
        """
        Write down a POST before it is sent, and return it. With `is_minted` it gets a handle of ours.

        Raises:
            NotInStoreError: no such edit.
            StoreError: `quote` is not an amount of money.
        """
        with self._database.write() as connection:
            return _sent(connection, get(connection, edit_id), self._clock(), seed, quote, is_minted=is_minted)

    def post_ended(
        self, edit_id: int, ordinal: int, outcome: Outcome, *, handle: str | None = None, cost: float | None = None
    ) -> None:
        """
        Write down how a POST ended: `accepted`, `refused`, `uncertain` or `not sent`.

        Raises:
            NotInStoreError: no such POST.
            StoreError: no such outcome, or `cost` is not an amount of money.
        """
        with self._database.write() as connection:
            end_post(connection, edit_id, ordinal, outcome, handle, cost)

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

    def spending(self, provider: str, after_id: int | None = None) -> Spending:
        """What the edits of `provider` with ids above `after_id` cost; what other stores asked for does not count."""
        with self._database.read() as connection:
            return _spent(connection, provider, after_id)

    def total_cost(self) -> dict[str, Spending]:
        """
        Return what everything here cost, by provider; where its money is play money, that is said.

        What was made here without a service has no line: it costs nothing, ever.
        """
        rows = self._rows(
            f"SELECT provider, min(is_play) AS is_play, {_SUMS}"  # noqa: S608
            " FROM totals WHERE provider <> ? GROUP BY provider ORDER BY provider",
            (LOCAL_PROVIDER,),
        )
        return {row["provider"]: replace(_spending(row), is_play=bool(row["is_play"])) for row in rows}

    def has_paid_edits(self) -> bool:
        """Return whether a service that takes money ever took an edit of this store."""
        return bool(self._rows("SELECT 1 FROM totals WHERE is_play = 0 AND accepted > 0"))

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
                "INSERT INTO budgets (provider, amount, after_id)"
                " VALUES (?, ?, (SELECT coalesce(max(id), 0) FROM edits))"
                " ON CONFLICT (provider) DO UPDATE SET amount = excluded.amount",
                (provider, money("budget", amount)),
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


def end_post(
    connection: sqlite3.Connection,
    edit_id: int,
    ordinal: int,
    outcome: Outcome,
    handle: str | None,
    cost: float | None,
) -> None:
    """
    Write down how a POST ended, inside the caller's transaction; an uncertain one may end otherwise later. None is
    nothing new.

    Raises:
        NotInStoreError: no such POST.
        StoreError: an outcome or an amount that is none.
    """
    if outcome not in get_args(Outcome):
        raise StoreError(f"{outcome!r:.40} is not an outcome of a POST.", f"It is one of {get_args(Outcome)}.")
    changed = connection.execute(
        "UPDATE posts SET outcome = ?, handle = coalesce(?, handle), cost = coalesce(?, cost)"
        " WHERE edit_id = ? AND ordinal = ?",
        (outcome, text(handle), money("cost", cost), edit_id, ordinal),
    )
    if not changed.rowcount:
        raise NotInStoreError(f"Edit {edit_id} has no POST {ordinal}.", "It was not written down before it was sent.")


def add_posts(connection: sqlite3.Connection, edit_id: int, posts: Iterable[Post]) -> None:
    """Write POSTs of an edit inside the caller's transaction, whatever edit of another store they say."""
    for post in posts:
        insert(connection, "posts", {**asdict(post), "edit_id": edit_id})


def _sent(
    connection: sqlite3.Connection,
    edit: Edit,
    now: float,
    seed: int | None,
    quote: float | None,
    *,
    is_minted: bool = False,
) -> Post:
    """Write down that an edit is about to be sent; with `is_minted` under a handle of ours: the service gives none."""
    (ordinal,) = connection.execute("SELECT count(*) FROM posts WHERE edit_id = ?", (edit.id,)).fetchone()
    handle = f"{edit.uid}-{ordinal}" if is_minted else None
    post = Post(edit.id, ordinal, now, edit.provider, None, handle, money("quote", quote), None, seed)
    add_posts(connection, edit.id, [post])
    return post


def _sent_elsewhere(connection: sqlite3.Connection, edit: Edit, now: float) -> Edit | None:
    """
    Return the newest other edit of the same ask and provider that was or is being sent; None where there is none.

    Of those that were written down before this one, which answered when this one began, only those that could come to
    ask the same since: a later pass asks what it asks once its picture is there. They are done, or a kernel is at it.
    """
    found = connection.execute(
        "SELECT * FROM edits WHERE ask = :ask AND provider = :provider AND id <> :id AND NOT is_foreign"
        " AND state IN (SELECT value FROM json_each(:sent)) AND (id > :id OR state = 'completed' OR EXISTS"
        " (SELECT 1 FROM leases WHERE edit_id = edits.id AND expires_at > :now)) ORDER BY id DESC LIMIT 1",
        {"ask": edit.ask, "provider": edit.provider, "id": edit.id, "sent": json.dumps(SENT), "now": now},
    ).fetchone()
    return None if found is None else edits_from(connection, [found])[0]


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
    granted = spent.allows(total, budget)
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
    may_be_charged = edit["state"] in {"completed", "failed"} or (
        edit["state"] == "cancelled" and edit["accepted_at"] is not None
    )
    if edit["state"] == "downloading":
        move(connection, edit["id"], "gone", now, note=SETTLED, cost=money("cost", cost))
    elif edit["state"] in SETTLEABLE or (may_be_charged and edit["cost"] is None):
        _check_known(connection, edit, cost)
        connection.execute("UPDATE edits SET cost = ? WHERE id = ?", (money("cost", cost), edit["id"]))
        keep_cost(connection, edit["id"], cost)
        append(connection, edit["id"], Transition(edit["state"], now, SETTLED))
    else:
        raise _nothing_open(edit)


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
    minted = "SELECT 1 FROM posts WHERE edit_id = ? AND handle = ? || '-' || ordinal"  # see `_sent`
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
