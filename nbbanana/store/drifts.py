"""Rows of what was measured of outputs. Every function works inside the caller's transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from nbbanana.errors import StoreError
from nbbanana.store.drift_records import FIGURES, OutputDrift
from nbbanana.store.heat_maps import is_heat_map
from nbbanana.store.values import LARGEST, index, json_text, text

__all__ = ["COLUMNS", "drift_of", "heat_map", "heat_maps", "keep", "replace_all", "unmeasured"]

_NAMES = ("edit_id", "position", "against", "sentence", "reason", "figures", *FIGURES)
COLUMNS = "edit_id, position, against, sentence, reason, figures"
"""What `drift_of` needs of a row: all but the heat map, and what the figures hold already."""
_INSERT = (
    f"INSERT INTO drifts ({', '.join(_NAMES)}, heat_map)"  # noqa: S608 - constants
    f" VALUES ({', '.join('?' * (len(_NAMES) + 1))})"
)


def replace_all(
    connection: sqlite3.Connection, edit_id: int, drifts: Iterable[OutputDrift], maps: Mapping[int, bytes]
) -> None:
    """
    Put what was measured in the place of what was there.

    Raises:
        StoreError: the edit has no such output, or a heat map is none.
    """
    rows = connection.execute("SELECT position FROM outputs WHERE edit_id = ?", (edit_id,))
    outputs = {row["position"] for row in rows}
    found = {drift.index: drift for drift in drifts}
    if strange := sorted((found.keys() | maps.keys()) - outputs):
        raise StoreError(f"Edit {edit_id} has no output {strange[0]}.", f"It has {len(outputs)} outputs.")
    if any(not is_heat_map(data) for data in maps.values()):
        raise StoreError("This is no heat map.", "One is a small PNG of 8-bit greys, as nbbanana measures it.")
    connection.execute("DELETE FROM drifts WHERE edit_id = ?", (edit_id,))
    keep(connection, edit_id, found.values(), maps)


def keep(
    connection: sqlite3.Connection, edit_id: int, drifts: Iterable[OutputDrift], maps: Mapping[int, bytes]
) -> None:
    """Write down what was measured of an edit of which nothing was."""
    connection.executemany(_INSERT, [_row(edit_id, drift, maps.get(drift.index)) for drift in drifts])


def heat_map(connection: sqlite3.Connection, edit_id: int, position: int) -> bytes | None:
    """Return the heat map of an output; None where there is none."""
    edit_id, position = index(edit_id), index(position)
    if max(abs(edit_id), abs(position)) > LARGEST:
        return None
    row = connection.execute(
        "SELECT heat_map FROM drifts WHERE edit_id = ? AND position = ?", (edit_id, position)
    ).fetchone()
    return None if row is None else row["heat_map"]


def heat_maps(connection: sqlite3.Connection, edit_id: int) -> dict[int, bytes]:
    """Return the heat maps of an edit by output."""
    rows = connection.execute(
        "SELECT position, heat_map FROM drifts WHERE edit_id = ? AND heat_map IS NOT NULL", (edit_id,)
    )
    return {row["position"]: row["heat_map"] for row in rows}


def unmeasured(connection: sqlite3.Connection, before_id: int | None, limit: int) -> list[int]:
    """Return the newest completed edits of whose outputs nothing was measured, though their first input is a file."""
    rows = connection.execute(
        "SELECT id FROM edits WHERE id < ? AND state = 'completed'"
        " AND NOT EXISTS (SELECT 1 FROM drifts WHERE edit_id = edits.id)"
        " AND EXISTS (SELECT 1 FROM inputs WHERE edit_id = edits.id AND position = 0 AND parameter IS NULL"
        " AND sha256 IS NOT NULL) ORDER BY id DESC LIMIT ?",
        (LARGEST if before_id is None else index(before_id), limit),
    )
    return [row["id"] for row in rows]


def _row(edit_id: int, drift: OutputDrift, data: bytes | None) -> tuple[Any, ...]:
    return (
        edit_id,
        drift.index,
        drift.against,
        text(drift.sentence),
        text(drift.reason),
        None if drift.figures is None else json_text(drift.figures),
        *(drift.value(name) for name in FIGURES),
        data,
    )


def drift_of(row: sqlite3.Row) -> OutputDrift:
    """Return the record of a row of the table."""
    return OutputDrift(
        index=row["position"],
        against=row["against"],
        sentence=row["sentence"],
        reason=row["reason"],
        figures=None if row["figures"] is None else json.loads(row["figures"]),
    )
