"""
The versions of the schema: making it, bringing an older one up, refusing a newer one.

`migrations/NNN_*.sql` hold one step each; number 1 makes an empty store. SQLite's `user_version` says how far a
store is. A store that holds something is copied to `backups/` before a step touches it, and a step that fails
leaves it as it was.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path

from nbbanana import models
from nbbanana.errors import StoreError, StoreVersionError
from nbbanana.request import canonical_json, sha256_of
from nbbanana.store.search import spell

__all__ = ["APPLICATION_ID", "backup", "check", "latest", "migrate", "migrations", "statements"]

APPLICATION_ID = 0x6E62616E
"""`nban`, in the header of the file: https://www.sqlite.org/fileformat2.html#application_id"""


@cache
def migrations() -> dict[int, str]:
    """Return the steps by the version they lead to."""
    folder = resources.files("nbbanana.store") / "migrations"
    files = [file for file in folder.iterdir() if file.name.endswith(".sql")]
    return {int(file.name.partition("_")[0]): file.read_text(encoding="utf-8") for file in files}


def latest() -> int:
    """Return the version that this nbbanana reads and writes."""
    return max(migrations())


def check(connection: sqlite3.Connection, folder: Path) -> int:
    """
    Return the version of the store, 0 for an empty file. Writes nothing.

    Raises:
        StoreVersionError: it is newer than this nbbanana.
        StoreError: the file is a database, but not one of ours.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application == APPLICATION_ID and version == latest():
        return int(version)
    (objects,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and (application or version or objects):
        raise StoreError(
            f"The folder {folder.name!r} holds an edits.sqlite that is not a store.",
            "It is a database of another program.",
            "Choose another folder for the store.",
        )
    if version > latest():
        raise newer(folder, version)
    return int(version)


def newer(folder: Path, version: int) -> StoreVersionError:
    """Return the refusal of a store with a `version` above ours."""
    return StoreVersionError(
        f"The store in {folder.name!r} was written by a newer nbbanana.",
        f"It has version {version}; this nbbanana knows versions up to {latest()}.",
    )


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """
    Take every step after `version`, inside the transaction that is open.

    Foreign keys must be off, since a step may rebuild a table; they are checked at the end. The steps may use the
    function `spell` and the temporary table `shipped_schemas` (model, sha256, body).

    Raises:
        sqlite3.Error: a step failed; the caller rolls back.
        StoreError: a step would leave rows that refer to nothing.
    """
    connection.create_function("spell", 1, spell, deterministic=True)
    connection.execute("CREATE TEMP TABLE shipped_schemas (model TEXT PRIMARY KEY, sha256 TEXT, body TEXT)")
    shipped = ((name, models.get(name).schema) for name in (models.ids() if version else ()))
    rows = ((name, sha256_of(schema), canonical_json(schema)) for name, schema in shipped)
    connection.executemany("INSERT INTO shipped_schemas VALUES (?, ?, ?)", rows)
    for number, script in sorted(migrations().items()):
        if number > version:
            for statement in statements(script):
                connection.execute(statement)
    connection.execute("DROP TABLE shipped_schemas")
    if connection.execute("PRAGMA foreign_key_check").fetchone():
        raise StoreError(
            "The store could not be brought to this version.",
            "It holds rows that refer to rows which are not there.",
            "It was left as it was; use the nbbanana that wrote it.",
        )
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {latest()}")


def statements(script: str) -> Iterator[str]:
    r"""
    Yield the statements of an SQL script, one by one: `executescript` would commit the open transaction first.

    >>> list(statements("CREATE TABLE a (b); -- why\nINSERT INTO a VALUES (';');"))
    ['CREATE TABLE a (b);', "-- why\nINSERT INTO a VALUES (';');"]
    """
    gathered = ""
    for piece in script.split(";")[:-1]:
        gathered += piece + ";"
        if sqlite3.complete_statement(gathered):
            yield gathered.strip()
            gathered = ""


def backup(source: sqlite3.Connection, target: Path) -> None:
    """
    Copy what `source` sees committed to the new file `target`, whole or not at all.

    Raises:
        OSError, sqlite3.Error: it could not be written.
    """
    target.parent.mkdir(mode=0o700, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    temporary.touch(mode=0o600)
    copy = sqlite3.connect(temporary)
    try:
        source.backup(copy)
    finally:
        copy.close()
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(target)
