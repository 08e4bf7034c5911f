"""
The store beside what such logs are otherwise kept in: JSON lines with pandas, MLflow on SQLite, trackio.

Each gets the same records and the same four questions, asked the way its own users would ask them. All but the last
records are put there at once, as rows like those that its own writer makes; the last are appended one by one. They
promise different things: MLflow and trackio are made for metrics of training runs, a file of JSON lines for nothing in
particular; only the store and SQLite behind MLflow survive a crash in the middle of an append. The table is printed;
nothing is asserted of other people's work.
"""

from __future__ import annotations

import json
import os
import sqlite3
import statistics
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import pytest
from support.stores import generated

from nbbanana.store import Edit, Store

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(0), pytest.mark.filterwarnings("default")]

SIZE = int(os.environ.get("NBBANANA_LOG_SIZE", "10000"))
"""Records in each log. The store by itself is measured up to a million in `test_store_scale.py`."""
PAGE, TURNS, WORD = 50, 3, "candlelit"
APPENDED = 200
BATCH = 20_000


class Log(Protocol):
    """What is asked of each."""

    def fill(self, edits: Sequence[Edit]) -> object:
        """Keep many records at once."""

    def append(self, edit: Edit) -> object:
        """Keep one record."""

    def last_page(self) -> Sequence[Any]:
        """The newest fifty."""

    def by_digest(self, digest: str) -> Sequence[Any]:
        """The records of one submission."""

    def search(self, word: str) -> Sequence[Any]:
        """At most fifty whose prompt has a word."""


class Ours:
    """The store; every append is synced."""

    def __init__(self, folder: Path) -> None:
        self._store = Store.open(folder)

    def fill(self, edits: Sequence[Edit]) -> object:
        return self._store.take_in(edits)

    def append(self, edit: Edit) -> object:
        return self._store.take_in([edit])

    def last_page(self) -> Sequence[Any]:
        return self._store.filter(limit=PAGE)

    def by_digest(self, digest: str) -> Sequence[Any]:
        return self._store.by_digest(digest)

    def search(self, word: str) -> Sequence[Any]:
        return self._store.search(word, limit=PAGE)


def flat(edit: Edit) -> dict[str, str]:
    """A record as a flat row of text."""
    return {
        "uid": edit.uid, "digest": edit.digest, "prompt": edit.prompt, "seed": str(edit.seed), "model": edit.model,
        "provider": edit.provider, "state": edit.state, "cost": str(edit.cost), "output": edit.outputs[0].sha256,
    }  # fmt: skip


class JsonLines:
    """A file that grows by a line, and is read whole by pandas."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._file = folder / "log.jsonl"

    def fill(self, edits: Sequence[Edit]) -> object:
        with self._file.open("a", encoding="utf-8") as file:
            return file.writelines(json.dumps(flat(edit)) + "\n" for edit in edits)

    def append(self, edit: Edit) -> object:
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(flat(edit)) + "\n")
            file.flush()
            return os.fsync(file.fileno())

    def last_page(self) -> Sequence[Any]:
        return self._read().tail(PAGE).to_dict("records")

    def by_digest(self, digest: str) -> Sequence[Any]:
        table = self._read()
        return table[table["digest"] == digest].to_dict("records")

    def search(self, word: str) -> Sequence[Any]:
        table = self._read()
        return table[table["prompt"].str.contains(word, regex=False)].tail(PAGE).to_dict("records")

    def _read(self) -> Any:
        import pandas as pd

        return pd.read_json(self._file, lines=True, dtype=str)


class MLflow:
    """A run an edit, in MLflow's SQLite store, through its client."""

    def __init__(self, folder: Path) -> None:
        mlflow = pytest.importorskip("mlflow")
        folder.mkdir()
        self._database = folder / "mlflow.db"
        self._client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{self._database}")
        self._experiment = self._client.create_experiment("edits", artifact_location=str(folder))
        self._param = mlflow.entities.Param

    def fill(self, edits: Sequence[Edit]) -> object:
        """A run a record, like the first, which the client wrote."""
        like = self._append(edits[0])
        with sqlite3.connect(self._database) as database:
            names = [row[1] for row in database.execute("PRAGMA table_info(runs)")]
            model = dict(
                zip(names, database.execute("SELECT * FROM runs WHERE run_uuid = ?", [like]).fetchone(), strict=True)
            )
            tags = database.execute("SELECT key, value FROM tags WHERE run_uuid = ?", [like]).fetchall()
            start = model["start_time"]
            for number, edit in enumerate(edits[1:], 1):
                row = model | {"run_uuid": uuid.uuid4().hex, "start_time": start + number, "end_time": start + number}
                marks = ", ".join("?" * len(names))
                database.execute(f"INSERT INTO runs VALUES ({marks})", list(row.values()))
                for table, pairs in (("params", flat(edit).items()), ("tags", tags)):
                    rows = [(name, value, row["run_uuid"]) for name, value in pairs]
                    database.executemany(f"INSERT INTO {table} (key, value, run_uuid) VALUES (?, ?, ?)", rows)
        return database.close()

    def append(self, edit: Edit) -> object:
        return self._append(edit)

    def _append(self, edit: Edit) -> str:
        run = self._client.create_run(self._experiment)
        params = [self._param(name, value) for name, value in flat(edit).items()]
        self._client.log_batch(run.info.run_id, params=params)
        self._client.set_terminated(run.info.run_id)
        return str(run.info.run_id)

    def last_page(self) -> Sequence[Any]:
        return self._ask("")

    def by_digest(self, digest: str) -> Sequence[Any]:
        return self._ask(f"params.digest = '{digest}'")

    def search(self, word: str) -> Sequence[Any]:
        return self._ask(f"params.prompt LIKE '%{word}%'")

    def _ask(self, question: str) -> Sequence[Any]:
        order = ["attributes.start_time DESC"]
        return self._client.search_runs([self._experiment], question, max_results=PAGE, order_by=order)


class Trackio:
    """A step an edit, in trackio's SQLite store; its questions are answered by reading the run."""

    def __init__(self, folder: Path) -> None:
        os.environ["TRACKIO_DIR"] = str(folder)
        self._storage = pytest.importorskip("trackio.sqlite_storage").SQLiteStorage

    def fill(self, edits: Sequence[Edit]) -> object:
        return self._storage.bulk_log("edits", "all", [flat(edit) for edit in edits])

    def append(self, edit: Edit) -> object:
        return self._storage.bulk_log("edits", "all", [flat(edit)])

    def last_page(self) -> Sequence[Any]:
        return self._read()[-PAGE:]

    def by_digest(self, digest: str) -> Sequence[Any]:
        return [row for row in self._read() if row["digest"] == digest]

    def search(self, word: str) -> Sequence[Any]:
        return [row for row in self._read() if word in row["prompt"]][-PAGE:]

    def _read(self) -> list[dict[str, Any]]:
        return list(self._storage.get_logs("edits", "all"))


LOGS: dict[str, Callable[[Path], Log]] = {
    "nbbanana": Ours,
    "JSON lines": JsonLines,
    "MLflow": MLflow,
    "trackio": Trackio,
}


def median_ms(action: Callable[[], object], turns: int = TURNS) -> float:
    """The median of some calls, in milliseconds."""
    taken = []
    for _ in range(turns):
        begun = time.perf_counter()
        action()
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken)


def filled(log: Log, edits: Iterator[Edit], count: int) -> None:
    """Put so many records there, in batches."""
    while batch := list(islice(edits, min(BATCH, count))):
        log.fill(batch)
        count -= len(batch)


def appended(log: Log, edits: Iterator[Edit]) -> list[float]:
    """Milliseconds of each append."""
    taken = []
    for edit in edits:
        begun = time.perf_counter()
        log.append(edit)
        taken.append((time.perf_counter() - begun) * 1000)
    return taken


@pytest.mark.parametrize("name", LOGS)
def test_keeping_a_log(name: str, tmp_path: Path) -> None:
    """Prints a line of the table; every log must find what was put into it."""
    log, edits = LOGS[name](tmp_path / "log"), generated(SIZE)
    filled(log, edits, SIZE - APPENDED)
    taken = appended(log, edits)
    wanted = next(islice(generated(SIZE), SIZE // 2, None)).digest
    assert len(log.last_page()) == PAGE
    assert len(log.by_digest(wanted)) == 1
    assert len(log.search(WORD)) == PAGE
    figures = {
        "append": statistics.median(taken),
        "last page": median_ms(log.last_page),
        "by digest": median_ms(lambda: log.by_digest(wanted)),
        "text search": median_ms(lambda: log.search(WORD)),
    }
    told = "  ".join(f"{what} {value:10.2f}" for what, value in figures.items())
    print(f"\n{name:11} {SIZE:,} records, p50 in ms:  {told}")
