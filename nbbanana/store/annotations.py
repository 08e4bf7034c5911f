"""
What is added to edits that are there: ratings, tags and a note by people, and what was measured of outputs; and votes,
which of two outputs people preferred, kept by uid so that they hold in any store.
"""

from __future__ import annotations

import json
import sqlite3
import unicodedata
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from nbbanana.errors import NotInStoreError, StoreError
from nbbanana.store import drifts, rows, search
from nbbanana.store.queries import Reader
from nbbanana.store.records import WHOLE, Edit, OutputDrift, Preferred, Rating, Vote, VotedOutput
from nbbanana.store.values import index, text

__all__ = ["Annotations", "add_votes"]

LONGEST_TAG = LONGEST_NAME = 100


class Annotations(Reader):
    """What people think of edits, what was measured of them, and which of two outputs was preferred."""

    def annotate(
        self,
        edit_id: int,
        *,
        starred: bool | None = None,
        rejected: bool | None = None,
        note: str | None = None,
        add_tags: str | Iterable[str] = (),
        remove_tags: str | Iterable[str] = (),
    ) -> Edit:
        """
        Change what people say about an edit; None leaves a thing as it is, an empty note takes it away.

        `starred` and `rejected` are for the edit as a whole: False takes the mark from all its outputs too. One text is
        one tag.

        Raises:
            NotInStoreError: no such edit.
            StoreError: a tag that is empty or longer than 100 characters.
        """
        with self._database.write() as connection:
            edit_id = rows.one(connection, edit_id)["id"]
            _mark(connection, edit_id, "starred", is_on=starred)
            _mark(connection, edit_id, "rejected", is_on=rejected)
            if note is not None:
                connection.execute("UPDATE edits SET note = nullif(?, '') WHERE id = ?", (text(note), edit_id))
            for change, words in (
                ("INSERT OR IGNORE INTO tags VALUES (?, ?)", add_tags),
                ("DELETE FROM tags WHERE edit_id = ? AND tag = ?", remove_tags),
            ):
                tags = [words] if isinstance(words, str) else words
                connection.executemany(change, [(edit_id, _tag(word)) for word in tags])
            edit = rows.get(connection, edit_id)
            search.index(connection, edit_id, edit)
            return edit

    def rate(self, edit_id: int, position: int, rating: Rating | None) -> Edit:
        """
        Rate one output of an edit by its index, or the whole edit (-1): `starred`, `rejected`, or None for neither.

        The rating of a whole edit holds for each of its outputs; once one of them is rated by itself, the others keep
        it as their own.

        Raises:
            NotInStoreError: no such edit.
            StoreError: it has no such output, or there is no such rating.
        """
        if rating is not None and rating not in get_args(Rating):
            raise StoreError(f"{rating!r:.40} is not a rating.", f"A rating is one of {', '.join(get_args(Rating))}.")
        with self._database.write() as connection:
            edit_id = rows.one(connection, edit_id)["id"]
            _rate(connection, edit_id, index(position), rating)
            return rows.get(connection, edit_id)

    def measured(self, edit_id: int, measures: Iterable[OutputDrift], heat_maps: Mapping[int, bytes]) -> Edit:
        """
        Write down what changed from the first input to each output, in the place of what was measured before.

        Args:
            edit_id: the edit.
            measures: what was measured, one for an output.
            heat_maps: by output; small PNGs, as `Drift.heat_file` makes them.

        Raises:
            NotInStoreError: no such edit.
            StoreError: the edit has no such output, or a heat map is none.
        """
        found = {drift.index: drift for drift in measures}
        if not all(map(drifts.is_heat_map, heat_maps.values())):
            raise StoreError("This is no heat map.", "One is a small PNG of 8-bit greys, as nbbanana measures it.")
        with self._database.write() as connection:
            edit_id = rows.one(connection, edit_id)["id"]
            rows.outputs_of(connection, edit_id, found.keys() | heat_maps.keys())
            connection.execute("DELETE FROM drifts WHERE edit_id = ?", (edit_id,))
            drifts.keep(connection, edit_id, found.values(), heat_maps)
            return rows.get(connection, edit_id)

    def vote(
        self, first: VotedOutput, second: VotedOutput, preferred: Preferred, *, sweep: str, rater: str | None = None
    ) -> Vote:
        """
        Write down which of two outputs was preferred.

        Args:
            first: the uid of an edit, and the index of its output.
            second: the other one.
            preferred: `first`, `second`, or `tie` for no difference.
            sweep: SHA-256 of what the cells ask among which the vote is cast.
            rater: who voted. The name stays in this store: a bundle has a random id in its place.

        Raises:
            NotInStoreError: an edit is not here.
            StoreError: it has no such output, both are one, no such preference, or a name that is too long.
        """
        if preferred not in get_args(Preferred):
            raise StoreError(f"{preferred!r:.40} is no vote.", f"A vote is one of {', '.join(get_args(Preferred))}.")
        with self._database.write() as connection:
            for uid, position in (first, second):
                _check_output(connection, uid, index(position))
            if first == second:
                raise StoreError("A vote is about two outputs.", "Both are the same one.")
            name, rater_id = _rater_of(connection, rater)
            vote = Vote(uuid.uuid4().hex, first, second, preferred, sweep, self._clock(), name, rater_id)
            add_votes(connection, [vote])
            return vote

    def take_back_vote(self, uid: str) -> bool:
        """Remove a vote; returns whether it was there."""
        with self._database.write() as connection:
            return connection.execute("DELETE FROM votes WHERE uid = ?", (uid,)).rowcount > 0

    def votes_among(self, uids: Iterable[str]) -> list[Vote]:
        """Return the votes on two outputs of these edits, whatever sweep they were cast in, the oldest first."""
        return self._votes(
            "first_uid IN (SELECT value FROM json_each(:uids)) AND second_uid IN (SELECT value FROM json_each(:uids))"
            " ORDER BY votes.id",
            {"uids": json.dumps(sorted(set(uids)))},
        )

    def votes_of(self, uid: str, limit: int = 4000) -> list[Vote]:
        """Return the newest votes in which an output of an edit is the first one, the oldest of them first."""
        newest = self._votes("first_uid = :uid ORDER BY votes.id DESC LIMIT :limit", {"uid": uid, "limit": limit})
        return newest[::-1]

    def _votes(self, where: str, values: Mapping[str, Any]) -> list[Vote]:
        rows = self._rows(
            "SELECT votes.*, raters.name FROM votes LEFT JOIN raters ON raters.uid = votes.rater"  # noqa: S608
            f" WHERE {where}",
            values,
        )
        return [
            Vote(
                row["uid"],
                (row["first_uid"], row["first_output"]),
                (row["second_uid"], row["second_output"]),
                row["preferred"],
                row["sweep"],
                row["at"],
                row["name"],
                row["rater"],
            )
            for row in rows
        ]


def _mark(connection: sqlite3.Connection, edit_id: int, rating: Rating, *, is_on: bool | None) -> None:
    """Give a whole edit a rating, or take it from the edit and from all its outputs, so that it is gone."""
    if is_on:
        _rate(connection, edit_id, WHOLE, rating)
    elif is_on is not None:
        connection.execute("DELETE FROM ratings WHERE edit_id = ? AND rating = ?", (edit_id, rating))


def _rate(connection: sqlite3.Connection, edit_id: int, position: int, rating: Rating | None) -> None:
    if position != WHOLE:
        # The rating of the whole edit becomes the own one of each output that has none.
        connection.executemany(
            "INSERT OR IGNORE INTO ratings SELECT edit_id, ?, rating FROM ratings WHERE edit_id = ? AND position = ?",
            [(output, edit_id, WHOLE) for output in rows.outputs_of(connection, edit_id, [position])],
        )
        connection.execute("DELETE FROM ratings WHERE edit_id = ? AND position = ?", (edit_id, WHOLE))
    connection.execute("DELETE FROM ratings WHERE edit_id = ? AND position = ?", (edit_id, position))
    if rating is not None:
        connection.execute("INSERT INTO ratings VALUES (?, ?, ?)", (edit_id, position, rating))


def _tag(word: str) -> str:
    tag = unicodedata.normalize("NFC", " ".join((text(word) or "").split()))
    if not 0 < len(tag) <= LONGEST_TAG:
        raise StoreError(f"{word[:40]!r} cannot be a tag.", f"A tag has 1 to {LONGEST_TAG} characters.")
    return tag


def add_votes(connection: sqlite3.Connection, votes: Iterable[Vote]) -> None:
    """Add votes inside the caller's transaction; one whose uid is here stays as it is."""
    for vote in votes:
        if vote.rater_id is not None:
            connection.execute("INSERT OR IGNORE INTO raters VALUES (?, NULL)", (vote.rater_id,))
        connection.execute(
            "INSERT OR IGNORE INTO votes (uid, sweep, first_uid, first_output, second_uid, second_output, preferred,"
            " rater, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (vote.uid, vote.sweep, *vote.first, *vote.second, vote.preferred, vote.rater_id, vote.at),
        )


def _check_output(connection: sqlite3.Connection, uid: str, position: int) -> None:
    """
    Check that a vote is about an output that is here.

    Raises:
        NotInStoreError: the edit is not here.
        StoreError: it has no such output.
    """
    row = connection.execute("SELECT id FROM edits WHERE uid = ?", (uid,)).fetchone()
    if row is None:
        raise NotInStoreError("An edit that is voted on is not in the store.", f"Its uid is {uid!r:.40}.")
    rows.outputs_of(connection, row["id"], [position])


def _rater_of(connection: sqlite3.Connection, name: str | None) -> tuple[str | None, str | None]:
    """
    Return the name of a rater as it is kept, and the id, a new one for a name that is new; None without a name.

    Raises:
        StoreError: the name is too long.
    """
    name = " ".join((text(name) or "").split())
    if not name:
        return None, None
    if len(name) > LONGEST_NAME:
        raise StoreError(f"{name[:20]!r}… cannot be a rater's name.", f"A name has at most {LONGEST_NAME} characters.")
    connection.execute("INSERT OR IGNORE INTO raters VALUES (?, ?)", (uuid.uuid4().hex, name))
    return name, str(connection.execute("SELECT uid FROM raters WHERE name = ?", (name,)).fetchone()["uid"])
