"""
What the outputs of a store look like, remembered between calls.

Fingerprints belong to contents, not to stores, so one cache serves them all. It holds nothing that cannot be made
again: where it cannot be read or written, only time is lost.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nbbanana.errors import ImageError
from nbbanana.images import fingerprint

if TYPE_CHECKING:
    from nbbanana.store.store import Store

__all__ = ["Fingerprints"]

BATCH = 256
"""Pictures that are looked at before what was found is written down, so that an interrupt loses little."""
_TABLE = "CREATE TABLE IF NOT EXISTS dhash (sha256 TEXT PRIMARY KEY, bits BLOB) WITHOUT ROWID"


class Fingerprints:
    """
    The fingerprints of a store's outputs, remembered in `file`.

    Args:
        file: a SQLite file of its own; made where there is none.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def of(self, store: Store) -> dict[str, int]:
        """
        Return the fingerprint of each output of `store` by its SHA-256; those that are too plain for one are left out.

        The first call reads every picture, 20 to 100 ms each on one core; later ones only what is new.
        """
        names = store.output_names()
        known = self._remembered()
        new = [name for name in names if name not in known and store.has_blob(name)]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for start in range(0, len(new), BATCH):
                batch = new[start : start + BATCH]
                found = dict(zip(batch, pool.map(_look, [store.blob_path(name) for name in batch]), strict=True))
                self._remember(found)
                known |= found
        return {name: bits for name in names if (bits := known.get(name)) is not None}

    def _remembered(self) -> dict[str, int | None]:
        rows: Sequence[tuple[str, bytes | None]] = []
        with suppress(sqlite3.Error, OSError), closing(self._open()) as connection:
            rows = connection.execute("SELECT sha256, bits FROM dhash").fetchall()
        return {name: None if bits is None else int.from_bytes(bits, "big") for name, bits in rows}

    def _remember(self, found: Mapping[str, int | None]) -> None:
        rows: Iterable[tuple[str, bytes | None]] = [
            (name, None if bits is None else bits.to_bytes(8, "big")) for name, bits in found.items()
        ]
        with suppress(sqlite3.Error, OSError), closing(self._open()) as connection, connection:
            connection.executemany("INSERT OR REPLACE INTO dhash VALUES (?, ?)", rows)

    def _open(self) -> sqlite3.Connection:
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        connection = sqlite3.connect(self._file, timeout=5.0)
        try:
            connection.execute(_TABLE)
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def _look(path: Path) -> int | None:
    try:
        return fingerprint(path)
    except ImageError:
        return None
